import { parentPort, workerData } from "node:worker_threads";
import type { PlannerWorkerData, ToPlannerWorker } from "#controllers/mppi/plannerProtocol";
import { PlannerService } from "#controllers/mppi/plannerService";

/** A planner in a thread, or in a process of its own (`plannerHost.ts`). */
const port = parentPort;
if (port !== null) {
  const service = new PlannerService(workerData as PlannerWorkerData, (reply) => port.postMessage(reply));
  port.on("message", (message: ToPlannerWorker) => service.take(message));
} else {
  let service: PlannerService | null = null;
  process.on("message", (message: ToPlannerWorker) => {
    if (message.kind === "start") service = new PlannerService(message.data, (reply) => process.send?.(reply));
    else service?.take(message);
  });
  process.on("disconnect", () => process.exit());
}
