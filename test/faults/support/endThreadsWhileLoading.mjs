// Starts threads that load BLAS and ends each after 0–100 ms: argument 1 is the built project's folder, argument 2 how many.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

const [dist, count] = [process.argv[2], Number(process.argv[3])];
const { endWorker } = await import(pathToFileURL(join(dist, "src/math/nativeLock.js")).href);
const blas = pathToFileURL(join(dist, "src/math/blasLinearAlgebra.js")).href;
const source = `import(${JSON.stringify(blas)}).then(({ openBlasLibrary }) => openBlasLibrary()).then(() => setInterval(() => {}, 1000))`;
for (let i = 0; i < count; i++) {
  const pair = [0, 1].map(() => new Worker(source, { eval: true, execArgv: [] }));
  await new Promise((resolve) => setTimeout(resolve, (100 * ((i * 7) % count)) / count));
  await Promise.all(pair.map(endWorker));
}
console.log("still here");
