import { parentPort, workerData } from "node:worker_threads";
import { BLOCK_SAMPLES, BlockEngine } from "#controllers/rollout/batched/blockEngine";
import type { SharedRequest, WorkerMessage, WorkerStart } from "#controllers/rollout/batched/sharedRun";
import type { FastLinearAlgebra } from "#controllers/rollout/batched/stepPredictor";
import { createLinearAlgebra } from "#math/createLinearAlgebra";

/** One thread of a rollout: takes block after block of a request until none is left. */
const { backend, precision, problem, arrays, next } = workerData as WorkerStart;
const port = parentPort!;
const say = (message: WorkerMessage): void => port.postMessage(message);

const engine = new BlockEngine(problem, (await createLinearAlgebra(backend)) as FastLinearAlgebra, precision);
port.on("message", (shared: SharedRequest) => {
  const request = { ...shared, heatingSetpointC: arrays.heatingSetpointC, coolingSetpointC: arrays.coolingSetpointC };
  engine.begin(request);
  for (;;) {
    const block = Atomics.add(next, 0, 1);
    if (block * BLOCK_SAMPLES >= request.count) break;
    engine.roll(request, block, arrays);
  }
  say({ kind: "done" });
});
say({ kind: "ready" });
