#!/usr/bin/env node
// Makes the shipped kernel priors:
// - from the logged years in test/data/clue: one without each city, so that no city is judged by a prior that has seen it, and one from all of them for
//   buildings elsewhere;
// - from EnergyPlus's reference buildings, simulated under excited setpoints (`isotherm sources`, kept in var/sources): reference-buildings.json.
// A prior that is there already is kept: `--force` makes all of them again, `--force NAME …` those. Without EnergyPlus and without sources the last one is left out, which is said.
// Ended in the middle it goes on where it stopped: simulations and rounds of learning that are done are not made again.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const cities = ["pittsburgh", "new-york", "port-angeles"];
const [flag, ...only] = process.argv.slice(2);
if (flag !== undefined && flag !== "--force") {
  console.error(`makePriors: ${flag} is not known; give nothing, --force, or --force with names of priors`);
  process.exit(2);
}
const main = process.env.ISOTHERM_MAIN ?? join(root, "dist/src/main.js");
const building = "five-zone-office-space1-1";
const sourcesFolder = process.env.ISOTHERM_SOURCES ?? join(root, "var/sources");
const known = ["five-zone-office", ...cities.map((city) => `five-zone-office-without-${city}`), "reference-buildings"];
for (const name of only) {
  if (known.includes(name)) continue;
  console.error(`makePriors: there is no prior ${name}; there are ${known.join(", ")}`);
  process.exit(2);
}

const outOf = (name) => join(root, "models/priors", `${name}.json`);
const isThere = (name) => {
  if (only.length > 0 && !only.includes(name)) return true;
  const isKept = existsSync(outOf(name)) && flag !== "--force";
  if (isKept) console.log(`${name}: is there`);
  return isKept;
};
const isotherm = (...args) => spawnSync(process.execPath, [main, ...args], { cwd: root, stdio: "inherit" }).status ?? 70;
const must = (status) => {
  if (status !== 0) process.exit(status);
};

const fromCities = (name, sources) => {
  if (isThere(name)) return;
  const files = sources.map((city) => `${city}=${join("test/data/clue", `${city}.csv.gz`)}`);
  must(isotherm("meta-train", "--name", name, "--building", building, "--out", outOf(name), "--source", ...files));
};

fromCities("five-zone-office", cities);
for (const city of cities)
  fromCities(
    `five-zone-office-without-${city}`,
    cities.filter((other) => other !== city),
  );

const reference = "reference-buildings";
if (!isThere(reference)) {
  const status = isotherm("sources", "--out", sourcesFolder);
  // 69: no EnergyPlus here. Sources that lie there from before will do.
  if (status === 69 && !existsSync(sourcesFolder)) console.log(`${reference}: left out, it needs EnergyPlus (npm run energyplus:install)`);
  else {
    if (status !== 69) must(status);
    must(isotherm("meta-train", "--name", reference, "--sources", sourcesFolder, "--out", outOf(reference)));
  }
}
