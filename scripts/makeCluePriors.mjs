#!/usr/bin/env node
// Makes CLUE's meta-kernels (models/priors/clue) from the logged years in test/data/clue: one without each city, so that no city is judged by a
// kernel that has seen it, and one from all of them for buildings elsewhere. Runs on the built dist and takes minutes. A file that is there already
// is kept, so a run that was interrupted goes on where it stopped: `--force` makes all of them again.
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkoutRoot, seconds } from "./lib/checkout.mjs";

const cities = ["pittsburgh", "new-york", "port-angeles"];
const building = "five-zone-office-space1-1";
const zone = "space1-1";
const unknown = process.argv.slice(2).filter((arg) => arg !== "--force");
if (unknown.length > 0) {
  process.stderr.write(`makeCluePriors: unknown argument ${unknown.join(" ")}\nUsage: node scripts/makeCluePriors.mjs [--force]\n`);
  process.exit(2);
}
const force = process.argv.includes("--force");
const dist = resolve(process.env.ISOTHERM_DIST ?? join(checkoutRoot, "dist"));
const load = (path) => import(pathToFileURL(join(dist, path)).href);

const [
  { readDatasetCsv },
  { DatasetRows },
  { clueMetaKernel },
  { CLUE_PRIOR_SCHEMA, readCluePrior },
  { dayFingerprints },
  { createLinearAlgebra },
] = await Promise.all(
  [
    "src/adapters/csv/readDatasetCsv.js",
    "models/datasetRows.js",
    "models/baselines/clueMetaKernel.js",
    "models/baselines/cluePriors.js",
    "models/shippedPriors.js",
    "src/math/createLinearAlgebra.js",
  ].map(load),
);

const la = await createLinearAlgebra("auto", { threads: 1 });
const folder = join(checkoutRoot, "models/priors/clue");
mkdirSync(folder, { recursive: true });
const loaded = new Map();
const sourceOf = async (city) => {
  if (!loaded.has(city)) {
    const file = join("test/data/clue", `${city}.csv.gz`);
    const dataset = await readDatasetCsv(join(checkoutRoot, file), { zone });
    loaded.set(city, { name: `${building}/${city}`, data: new DatasetRows(dataset), zone });
  }
  return loaded.get(city);
};

const make = async (name, sourceCities) => {
  const out = join(folder, `${name}.json`);
  if (existsSync(out) && !force) {
    console.log(`${name}: is there`);
    return;
  }
  const began = performance.now();
  const sources = [];
  for (const city of sourceCities) sources.push(await sourceOf(city));
  const kernels = {};
  for (const variant of ["published", "mended"]) {
    let shown = 0;
    const onProgress = (_fraction, text) => {
      if (performance.now() - shown < 5000) return;
      shown = performance.now();
      console.log(`${name}: ${variant}, ${text}`);
    };
    kernels[variant] = await clueMetaKernel(la, sources, variant, { onProgress });
    console.log(`${name}: ${variant} ${JSON.stringify(kernels[variant])} after ${seconds(performance.now() - began)}`);
  }
  const prior = {
    schema: CLUE_PRIOR_SCHEMA,
    name,
    stepS: sources[0].data.dataset.stepS,
    kernels,
    manifest: {
      made: new Date().toISOString().slice(0, 10),
      command: "node scripts/makeCluePriors.mjs",
      sources: sources.map(({ name: source, data }, i) => ({
        name: source,
        building,
        weather: sourceCities[i],
        rows: data.length,
        dayFingerprints: dayFingerprints(data.dataset),
      })),
    },
  };
  writeFileSync(`${out}.new`, `${JSON.stringify(prior, null, 1)}\n`);
  readCluePrior(`${out}.new`);
  renameSync(`${out}.new`, out);
};

for (const city of cities) {
  await make(
    `clue-without-${city}`,
    cities.filter((other) => other !== city),
  );
}
await make("clue", cities);
