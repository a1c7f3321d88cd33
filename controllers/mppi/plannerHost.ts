import { fork } from "node:child_process";
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { FromPlannerWorker, PlannerWorkerData, ToPlannerWorker } from "#controllers/mppi/plannerProtocol";
import { endWorker } from "#math/nativeLock";

/** Where a planner runs apart from the event loop that asks it. */
export interface PlannerHost {
  post(message: ToPlannerWorker): void;
  /** Whether it keeps this process alive. */
  hold(isBusy: boolean): void;
  end(): Promise<void>;
}

export interface PlannerHostEvents {
  readonly onReply: (reply: FromPlannerWorker) => void;
  /** It is no more: `what` completes "The planner's …". */
  readonly onEnd: (what: string, cause?: Error) => void;
}

/** A decision's garbage is short-lived: a small young generation is collected often instead of taking 48 MB. */
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 384 } as const;

/** In a thread: shares memory with this process, and takes no second copy of what is loaded. */
export const startPlannerThread = (script: string, workerData: PlannerWorkerData, { onReply, onEnd }: PlannerHostEvents): PlannerHost => {
  // Without the process's own options: some (an import condition that finds sources) are wrong for a built script.
  const worker = new Worker(script, { workerData, execArgv: [], resourceLimits: HEAP_LIMITS });
  worker.on("message", onReply);
  worker.on("error", (error) => onEnd(`thread failed: ${error.message}`, error));
  worker.on("exit", (code) => onEnd(`thread ended with code ${code}.`));
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    hold: (isBusy) => (isBusy ? worker.ref() : worker.unref()),
    end: () => endWorker(worker),
  };
};

/** What is told of a process's own last words. */
const LAST_WORDS = 500;

/**
 * In a process of its own, for graphics processors: Dawn takes the whole process with it when a thread that uses it is ended (measured with webgpu 0.6.2:
 * `napi_throw` is fatal there), and a driver that crashes must not end control. The process ends with this one.
 */
export const startPlannerProcess = (script: string, data: PlannerWorkerData, { onReply, onEnd }: PlannerHostEvents): PlannerHost => {
  const child = fork(script, [], { execArgv: [], serialization: "advanced", stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let words = "";
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    const end = (what: string, cause?: Error): void => {
      if (hasEnded) return;
      hasEnded = true;
      onEnd(what, cause);
      resolve();
    };
    child.on("error", (error) => end(`process failed: ${error.message}`, error));
    child.on("exit", (code, signal) => {
      const last = words.trim() === "" ? "" : ` Its last words: ${words.trim()}`;
      end(`process ended ${signal === null ? `with code ${code}` : `by ${signal}`}.${last}`);
    });
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-LAST_WORDS);
  });
  child.on("message", (reply) => onReply(reply as FromPlannerWorker));
  const hold = (isBusy: boolean): void => {
    for (const part of [child, child.channel, child.stderr instanceof Socket ? child.stderr : null]) {
      if (isBusy) part?.ref();
      else part?.unref();
    }
  };
  const post = (message: ToPlannerWorker): void => {
    // One that has ended has said so; what was asked is answered by `onEnd`.
    if (child.connected) child.send(message, () => undefined);
  };
  post({ kind: "start", data });
  hold(false);
  return {
    post,
    hold,
    end: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
};
