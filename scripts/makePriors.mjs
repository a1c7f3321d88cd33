#!/usr/bin/env node
// Makes the shipped kernel priors from the logged years in test/data/clue: one without each city, so that no city is judged by a prior that has seen
// it, and one from all of them for buildings elsewhere. Takes minutes. A prior that is there already is kept: `--force` makes all of them again.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const cities = ["pittsburgh", "new-york", "port-angeles"];
const force = process.argv.includes("--force");
const main = process.env.ISOTHERM_MAIN ?? join(root, "dist/src/main.js");
const building = "five-zone-office-space1-1";

const make = (name, sources) => {
  const out = join(root, "models/priors", `${name}.json`);
  if (existsSync(out) && !force) {
    console.log(`${name}: is there`);
    return;
  }
  const files = sources.map((city) => `${city}=${join("test/data/clue", `${city}.csv.gz`)}`);
  const { status } = spawnSync(
    process.execPath,
    [main, "meta-train", "--name", name, "--building", building, "--out", out, "--source", ...files],
    { cwd: root, stdio: "inherit" },
  );
  if (status !== 0) process.exit(status ?? 70);
};

make("five-zone-office", cities);
for (const city of cities)
  make(
    `five-zone-office-without-${city}`,
    cities.filter((other) => other !== city),
  );
