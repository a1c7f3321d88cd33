import { Worker } from "node:worker_threads";
import { builtScript } from "#controllers/builtScript";
import type { MppiOptions } from "#controllers/mppi/mppiPlanner";
import type { FromPlannerWorker, PlainError, PlannerWorkerData, ToPlannerWorker } from "#controllers/mppi/plannerProtocol";
import { permanentError } from "#controllers/permanentError";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { Plan } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";
import type { BackendName } from "#domain/rollout";
import { endWorker } from "#math/nativeLock";

export interface WorkerPlannerArguments {
  readonly model: BuildingModel;
  readonly backend: BackendName | "auto";
  /** Threads of the backend; its own default where absent. */
  readonly backendThreads?: number;
  /** Longest horizon of a request. */
  readonly horizonSteps: number;
  readonly options?: Omit<Partial<MppiOptions>, "clockMs">;
  /** How long an aborted plan may go on before its thread is ended, ms. */
  readonly graceMs?: number;
  /** The thread's script; the planner's own where absent. */
  readonly script?: string;
}

export interface WorkerPlanner extends Planner {
  /** From the next request on this model plans; it travels to the thread once. */
  useModel(model: BuildingModel): void;
}

interface Pending {
  readonly resolve: (plan: Plan) => void;
  readonly reject: (error: Error) => void;
}

/** One thread and what it was asked; thrown away as a whole when it dies. */
interface PlannerThread {
  readonly worker: Worker;
  readonly pending: Map<number, Pending>;
  modelVersion: string | null;
}

const GRACE_MS = 2000;

/** A decision's garbage is short-lived: a small young generation is collected often instead of taking 48 MB. */
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 384 } as const;

const revive = ({ message, errorKind, todo, stack }: PlainError): Error =>
  errorKind === null
    ? permanentError(message, "See the log; this is a fault of the planner.", stack)
    : new IsothermError(errorKind, message, { todo, cause: stack });

/**
 * The MPPI planner in a thread of its own, so that planning never holds up the event loop. The backend is made inside; the model is sent once per version,
 * requests are cloned. A thread that dies rejects what it was asked ("planner-failed" is the caller's fallback) and the next request starts a
 * fresh one. Aborting ends the search with the best plan so far; a thread that does not answer within `graceMs` after that is ended and the request
 * rejected. The thread keeps the process alive only while a plan is under way. After `close` requests are rejected.
 */
export const createWorkerPlanner = (args: WorkerPlannerArguments): WorkerPlanner => {
  const script = args.script ?? builtScript("mppi/plannerWorker");
  const graceMs = args.graceMs ?? GRACE_MS;
  let model = args.model;
  let thread: PlannerThread | null = null;
  let isClosed = false;
  let lastId = 0;

  const bury = (dead: PlannerThread, error: Error): void => {
    if (thread === dead) thread = null;
    for (const { reject } of dead.pending.values()) reject(error);
    dead.pending.clear();
  };

  const start = (): PlannerThread => {
    const { backend, backendThreads, horizonSteps, options = {} } = args;
    const workerData: PlannerWorkerData = {
      backend,
      horizonSteps,
      options,
      ...(backendThreads === undefined ? {} : { backendThreads }),
    };
    // Without the process's own options: some (an import condition that finds sources) are wrong for a built script.
    const worker = new Worker(script, { workerData, execArgv: [], resourceLimits: HEAP_LIMITS });
    const started: PlannerThread = { worker, pending: new Map(), modelVersion: null };
    worker.on("message", (reply: FromPlannerWorker) => {
      const asked = started.pending.get(reply.id);
      started.pending.delete(reply.id);
      if (started.pending.size === 0) worker.unref();
      if (reply.kind === "done") asked?.resolve(reply.plan);
      else asked?.reject(revive(reply.error));
    });
    worker.on("error", (error) =>
      bury(started, permanentError(`The planner's thread failed: ${error.message}`, "It is started again at the next request.", error)),
    );
    worker.on("exit", (code) =>
      bury(started, permanentError(`The planner's thread ended with code ${code}.`, "It is started again at the next request.")),
    );
    worker.unref();
    return started;
  };

  const send = ({ worker }: PlannerThread, message: ToPlannerWorker): void => worker.postMessage(message);

  const plan = async (request: PlanRequest, signal?: AbortSignal): Promise<Plan> => {
    if (isClosed) throw permanentError("The planner was closed.", "Make a new one.");
    thread ??= start();
    const current = thread;
    if (current.modelVersion !== model.version) {
      send(current, { kind: "model", model });
      current.modelVersion = model.version;
    }
    lastId += 1;
    const id = lastId;
    const stop = new SharedArrayBuffer(4);
    let grace: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      Atomics.store(new Int32Array(stop), 0, 1);
      grace = setTimeout(() => {
        bury(
          current,
          permanentError(`The planner did not stop within ${graceMs} ms.`, "Its thread was ended; a new one starts at the next request."),
        );
        void endWorker(current.worker);
      }, graceMs);
    };
    try {
      return await new Promise<Plan>((resolve, reject) => {
        current.pending.set(id, { resolve, reject });
        current.worker.ref();
        if (signal?.aborted) onAbort();
        else signal?.addEventListener("abort", onAbort, { once: true });
        send(current, { kind: "plan", id, request, stop });
      });
    } finally {
      clearTimeout(grace);
      signal?.removeEventListener("abort", onAbort);
    }
  };

  return {
    name: "mppi",
    plan,
    useModel: (next) => {
      model = next;
    },
    close: async () => {
      isClosed = true;
      const last = thread;
      if (last === null) return;
      bury(last, permanentError("The planner was closed while it planned.", "Nothing is to be done."));
      await endWorker(last.worker);
    },
  };
};
