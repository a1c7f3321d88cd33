import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import { configurationError } from "#domain/errors";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { DatasetRows } from "#math/datasetRows";
import { sliceDataset } from "#models/datasetSlice";
import { shippedPriorFor } from "#models/shippedPriors";
import { fitZone } from "#models/thermostat/fitZone";
import { benchFitPeer } from "./peers/fitPeer.js";

const WEEK = 672;

/** The package's folder, from the sources or from dist. */
const logged = (): string =>
  fileURLToPath(
    new URL(
      import.meta.url.includes("/dist/") ? "../../test/data/clue/new-york.csv.gz" : "../test/data/clue/new-york.csv.gz",
      import.meta.url,
    ),
  );

/**
 * A week's fit (672 rows of New York, January) from the shipped prior and from none, on every provider, beside the time of the bare float64 products
 * that its likelihood evaluations cannot do without (one Cholesky and one inverse, n³ flops, each) at the provider's own dgemm speed in the same run; then
 * GPyTorch on the same likelihood, where it is installed.
 */
export const benchFit = async (
  print: (line: string) => void,
  providers: readonly ("blas" | "wasm")[] = ["blas", "wasm"],
): Promise<void> => {
  const year = await readDatasetCsv(logged());
  const shipped = shippedPriorFor(year);
  if (shipped === null)
    throw configurationError("No shipped prior fits the benchmark's data.", { todo: "Make them with scripts/makePriors.mjs." });
  const week = sliceDataset(year, 0, WEEK);
  const data = new DatasetRows(week);
  print(`${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores`);
  print("provider  prior    iterations  fit ms  ms per evaluation  limit ms per evaluation  ratio");
  for (const name of providers) {
    let la: Awaited<ReturnType<typeof createLinearAlgebra>>;
    try {
      la = await createLinearAlgebra(name);
    } catch {
      print(`${name.padEnd(8)}  not on this machine`);
      continue;
    }
    for (const prior of [shipped.prior, null]) {
      let iterations = 0;
      let begun = performance.now();
      let hyperparameterMs = 0;
      const fit = await fitZone(la, data, "zone", [], prior, {
        budget: null,
        onIteration: () => {
          iterations++;
          hyperparameterMs = performance.now() - begun;
          if (iterations === 1) begun = performance.now();
        },
      });
      const perEvaluation = hyperparameterMs / Math.max(1, iterations - 1);
      const n = fit.trainRows;
      const a = new Float64Array(n * n).fill(0.5);
      const c = new Float64Array(n * n);
      la.gemm(false, false, n, n, n, 1, a, a, 0, c);
      const started = performance.now();
      for (let i = 0; i < 3; i++) la.gemm(false, false, n, n, n, 1, a, a, 0, c);
      // A product is 2 n³ flops, Cholesky and inverse together n³.
      const limit = (performance.now() - started) / 6;
      print(
        [
          name.padEnd(8),
          (prior === null ? "none" : "shipped").padEnd(7),
          String(iterations).padStart(10),
          fit.fitMs.toFixed(0).padStart(6),
          perEvaluation.toFixed(1).padStart(17),
          limit.toFixed(1).padStart(23),
          (perEvaluation / limit).toFixed(1).padStart(5),
        ].join("  "),
      );
    }
  }
  await benchFitPeer(week, shipped.prior, print);
};
