import { builtScript } from "#controllers/builtScript";
import type { MppiOptions } from "#controllers/mppi/mppiPlanner";
import { type PlannerHost, startPlannerProcess, startPlannerThread } from "#controllers/mppi/plannerHost";
import type { PlainError, PlannerWorkerData } from "#controllers/mppi/plannerProtocol";
import { permanentError } from "#controllers/permanentError";
import { mayHaveAdapter } from "#controllers/rollout/webgpu/gpu";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { Plan } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";
import type { BackendName } from "#domain/rollout";

export interface WorkerPlannerArguments {
  readonly model: BuildingModel;
  readonly backend: BackendName | "auto";
  /** Threads of the backend; its own default where absent. */
  readonly backendThreads?: number;
  /** Where the webgpu backend keeps the tile sizes that it found; nowhere when absent. */
  readonly tilesFile?: string;
  /** Longest horizon of a request. */
  readonly horizonSteps: number;
  readonly options?: Omit<Partial<MppiOptions>, "clockMs">;
  /** How long an aborted plan may go on before its thread is ended, ms. */
  readonly graceMs?: number;
  /** Whether it runs in a process of its own instead of a thread; where a graphics processor may be used, when absent. */
  readonly apart?: boolean;
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

/** One thread (or process) and what it was asked; thrown away as a whole when it dies. */
interface PlannerThread {
  readonly host: PlannerHost;
  readonly pending: Map<number, Pending>;
  modelVersion: string | null;
}

const GRACE_MS = 2000;

const revive = ({ message, errorKind, todo, stack }: PlainError): Error =>
  errorKind === null
    ? permanentError(message, "See the log; this is a fault of the planner.", stack)
    : new IsothermError(errorKind, message, { todo, cause: stack });

/**
 * The MPPI planner in a thread of its own (in a process where a graphics processor may be used), so that planning never holds up the event loop. The backend
 * is made inside; the model is sent once per version, requests are cloned. A thread that dies rejects what it was asked ("planner-failed" is the caller's fallback) and the next request starts a
 * fresh one. Aborting ends the search with the best plan so far; a thread that does not answer within `graceMs` after that is ended and the request
 * rejected. The thread keeps the process alive only while a plan is under way. After `close` requests are rejected.
 */
export const createWorkerPlanner = (args: WorkerPlannerArguments): WorkerPlanner => {
  const script = args.script ?? builtScript("mppi/plannerWorker");
  const graceMs = args.graceMs ?? GRACE_MS;
  const isApart = args.apart ?? (args.backend === "webgpu" || (args.backend === "auto" && mayHaveAdapter()));
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
    const { backend, backendThreads, tilesFile, horizonSteps, options = {} } = args;
    const data: PlannerWorkerData = {
      backend,
      horizonSteps,
      options,
      ...(backendThreads === undefined ? {} : { backendThreads }),
      ...(tilesFile === undefined ? {} : { tilesFile }),
    };
    const pending = new Map<number, Pending>();
    const startHost = isApart ? startPlannerProcess : startPlannerThread;
    const host = startHost(script, data, {
      onReply: (reply) => {
        const asked = pending.get(reply.id);
        pending.delete(reply.id);
        if (pending.size === 0) host.hold(false);
        if (reply.kind === "done") asked?.resolve(reply.plan);
        else asked?.reject(revive(reply.error));
      },
      onEnd: (what, cause) => bury(started, permanentError(`The planner's ${what}`, "It is started again at the next request.", cause)),
    });
    const started: PlannerThread = { host, pending, modelVersion: null };
    return started;
  };

  const plan = async (request: PlanRequest, signal?: AbortSignal): Promise<Plan> => {
    if (isClosed) throw permanentError("The planner was closed.", "Make a new one.");
    thread ??= start();
    const current = thread;
    if (current.modelVersion !== model.version) {
      current.host.post({ kind: "model", model });
      current.modelVersion = model.version;
    }
    lastId += 1;
    const id = lastId;
    // Processes share no memory.
    const stop = isApart ? null : new SharedArrayBuffer(4);
    let grace: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      if (stop === null) current.host.post({ kind: "stop", id });
      else Atomics.store(new Int32Array(stop), 0, 1);
      grace = setTimeout(() => {
        bury(
          current,
          permanentError(`The planner did not stop within ${graceMs} ms.`, "Its thread was ended; a new one starts at the next request."),
        );
        void current.host.end();
      }, graceMs);
    };
    try {
      return await new Promise<Plan>((resolve, reject) => {
        current.pending.set(id, { resolve, reject });
        current.host.hold(true);
        if (signal?.aborted) onAbort();
        else signal?.addEventListener("abort", onAbort, { once: true });
        current.host.post({ kind: "plan", id, request, stop });
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
      await last.host.end();
    },
  };
};
