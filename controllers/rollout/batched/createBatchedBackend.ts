import { availableParallelism } from "node:os";
import { type HoldOneThread, oneBlasThread } from "#controllers/rollout/batched/blasThreads";
import { BLOCK_SAMPLES, BlockEngine } from "#controllers/rollout/batched/blockEngine";
import type { Precision } from "#controllers/rollout/batched/createBlockPredictor";
import { createSharedArrays, type SharedArrays } from "#controllers/rollout/batched/sharedRun";
import type { FastLinearAlgebra } from "#controllers/rollout/batched/stepPredictor";
import { WorkerPool, workerScript } from "#controllers/rollout/batched/workerPool";
import { checkRequest, rolloutRequirements } from "#controllers/rollout/requirements";
import { IsothermError } from "#domain/errors";
import type { PreparedRollout, RolloutBackend, RolloutProblem, RolloutRequest, RolloutResult } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";

const MOST_THREADS = 4;

export interface BatchedOptions {
  /** 1: in the caller's thread; more: that many workers, but no more than there are blocks. The cores, at most 4, when absent. */
  readonly threads?: number;
  /**
   * float64 when absent. float32: covariances and products as differences from a float64 path that all samples share (decision 19)), for about half of the time.
   */
  readonly precision?: Precision;
}

/**
 * All samples of a block at once: covariances from the WebAssembly kernels, products from BLAS or WebAssembly.
 * Blocks are spread over worker threads; results do not depend on their number. Where the sources run without a build, the caller's thread works alone.
 */
export const createBatchedBackend = (name: "wasm" | "blas", options: BatchedOptions = {}): RolloutBackend => ({
  name,
  tolerance: options.precision === "float32" ? { rtol: 1e-3, atol: 1e-4 } : { rtol: 1e-10, atol: 1e-9 },
  prepare: async (problem) => {
    const { precision = "float64" } = options;
    const blocks = Math.ceil(problem.maxSamples / BLOCK_SAMPLES);
    const threads = options.threads ?? Math.min(availableParallelism(), MOST_THREADS);
    const script = threads > 1 ? workerScript() : null;
    const roll =
      script === null
        ? await rollHere(name, precision, problem)
        : await rollInWorkers(name, precision, problem, script, Math.min(threads, blocks));
    return prepared(problem, roll, name === "blas" ? await oneBlasThread() : () => () => {});
  },
});

/** Rolls a request that has been checked. */
interface Roller {
  run(request: RolloutRequest): Promise<RolloutResult>;
  close(): void;
}

/** One request after the other, each checked and with one BLAS thread a call. */
const prepared = (problem: RolloutProblem, roller: Roller, holdOneThread: HoldOneThread): PreparedRollout => {
  const needs = rolloutRequirements(problem.model);
  let isClosed = false;
  let last: Promise<unknown> = Promise.resolve();
  const run = async (request: RolloutRequest): Promise<RolloutResult> => {
    if (isClosed) throw closedError();
    const release = holdOneThread();
    try {
      return await roller.run(request);
    } finally {
      release();
    }
  };
  return {
    run: async (request) => {
      if (isClosed) throw closedError();
      checkRequest(problem, needs, request);
      const result = last.then(() => run(request));
      last = result.catch(() => {});
      return result;
    },
    close: () => {
      isClosed = true;
      roller.close();
    },
  };
};

const closedError = (): IsothermError => new IsothermError("permanent", "This rollout is closed.", { todo: "Prepare it again." });

const rollHere = async (name: "wasm" | "blas", precision: Precision, problem: RolloutProblem): Promise<Roller> => {
  const engine = new BlockEngine(problem, (await createLinearAlgebra(name)) as FastLinearAlgebra, precision);
  return {
    run: async (request) => {
      const size = request.count * request.horizonSteps;
      const nz = problem.model.zones.length;
      const result = { meanC: new Float64Array(size * nz), stdDevK: new Float64Array(size * nz), powerW: new Float64Array(size) };
      engine.begin(request);
      for (let block = 0; block * BLOCK_SAMPLES < request.count; block++) engine.roll(request, block, result);
      return result;
    },
    close: () => {},
  };
};

const rollInWorkers = async (
  name: "wasm" | "blas",
  precision: Precision,
  problem: RolloutProblem,
  script: string,
  threads: number,
): Promise<Roller> => {
  const arrays: SharedArrays = createSharedArrays(problem);
  // A counter for each pool: a worker of a failed one that is still ending must take no block of its successor.
  const startPool = (): WorkerPool =>
    new WorkerPool(script, { backend: name, precision, problem, arrays, next: new Int32Array(new SharedArrayBuffer(4)) }, threads);
  let pool = startPool();
  await pool.ready();
  return {
    run: async ({ heatingSetpointC, coolingSetpointC, ...request }) => {
      if (pool.hasFailed) pool = startPool();
      const size = request.count * request.horizonSteps;
      const perZone = size * problem.model.zones.length;
      arrays.heatingSetpointC.set(heatingSetpointC.subarray(0, perZone));
      arrays.coolingSetpointC.set(coolingSetpointC.subarray(0, perZone));
      await pool.run(request);
      // Copies in memory of their own: the shared arrays belong to the next run.
      return {
        meanC: new Float64Array(arrays.meanC.subarray(0, perZone)),
        stdDevK: new Float64Array(arrays.stdDevK.subarray(0, perZone)),
        powerW: new Float64Array(arrays.powerW.subarray(0, size)),
      };
    },
    close: () => pool.close(),
  };
};
