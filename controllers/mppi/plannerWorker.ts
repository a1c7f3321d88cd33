import { parentPort, workerData } from "node:worker_threads";
import type { FromPlannerWorker, PlannerWorkerData, ToPlannerWorker } from "#controllers/mppi/plannerProtocol";
import { PlannerService } from "#controllers/mppi/plannerService";
import { createGarbageCollector } from "#math/collectGarbage";

const collectGarbage = createGarbageCollector();
/** What a decision leaves behind goes once its answer is on its way: megabytes of matrices, and nothing to do until the next one. */
const answering =
  (send: (reply: FromPlannerWorker) => void) =>
  (reply: FromPlannerWorker): void => {
    send(reply);
    setImmediate(collectGarbage);
  };

/** A planner in a thread, or in a process of its own (`plannerHost.ts`). */
const port = parentPort;
if (port !== null) {
  const service = new PlannerService(
    workerData as PlannerWorkerData,
    answering((reply) => port.postMessage(reply)),
  );
  port.on("message", (message: ToPlannerWorker) => service.take(message));
} else {
  let service: PlannerService | null = null;
  process.on("message", (message: ToPlannerWorker) => {
    if (message.kind === "start")
      service = new PlannerService(
        message.data,
        answering((reply) => process.send?.(reply)),
      );
    else service?.take(message);
  });
  process.on("disconnect", () => process.exit());
}
