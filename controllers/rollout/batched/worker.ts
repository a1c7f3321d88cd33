import { parentPort, workerData } from "node:worker_threads";
import { BLOCK_SAMPLES, BlockEngine } from "#controllers/rollout/batched/blockEngine";
import type { SharedRequest, WorkerMessage, WorkerStart } from "#controllers/rollout/batched/sharedRun";
import type { FastLinearAlgebra } from "#controllers/rollout/batched/stepPredictor";
import { createGarbageCollector } from "#math/collectGarbage";
import { createLinearAlgebra } from "#math/createLinearAlgebra";

/** One thread of a rollout: takes block after block of a request until none is left. */
const { backend, precision, problem, arrays, next } = workerData as WorkerStart;
const port = parentPort!;
const say = (message: WorkerMessage): void => port.postMessage(message);

/** So long without a request a decision is over. What it leaves lies outside V8's heap, so V8 lets tens of megabytes of it pile up. */
const IDLE_MS = 500;
const collectGarbage = createGarbageCollector();
let idle: NodeJS.Timeout | undefined;

const engine = new BlockEngine(problem, (await createLinearAlgebra(backend)) as FastLinearAlgebra, precision);
port.on("message", (shared: SharedRequest) => {
  const request = { ...shared, heatingSetpointC: arrays.heatingSetpointC, coolingSetpointC: arrays.coolingSetpointC };
  clearTimeout(idle);
  engine.begin(request);
  for (;;) {
    const block = Atomics.add(next, 0, 1);
    if (block * BLOCK_SAMPLES >= request.count) break;
    engine.roll(request, block, arrays);
  }
  say({ kind: "done" });
  idle = setTimeout(collectGarbage, IDLE_MS).unref();
});
say({ kind: "ready" });
