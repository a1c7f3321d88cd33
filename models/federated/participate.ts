import type { MessageBus } from "#domain/bus";
import { unavailableError } from "#domain/errors";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { createLocalSteps } from "#models/federated/localSteps";
import { type CoordinatorMessage, decodeCoordinator, FEDERATION_SCHEMA, federationTopics, type Hello } from "#models/federated/protocol";
import type { TaskSet } from "#models/meta/tasks";
import type { PriorSource } from "#models/prior";

export interface ParticipateOptions {
  readonly la: LinearAlgebra;
  readonly bus: MessageBus;
  readonly federation: string;
  readonly id: string;
  /** 32 hexadecimal digits, new for every process. */
  readonly run: string;
  readonly set: TaskSet;
  readonly sources: readonly PriorSource[];
  /** How long it waits for the coordinator's next word. */
  readonly idleTimeoutMs: number;
  readonly onProgress: (text: string) => void;
  readonly signal?: AbortSignal;
}

export interface Participation {
  /** False where the training ended without a prior, or this participant was left out. */
  readonly isDone: boolean;
  readonly reason: string;
  readonly orders: number;
}

/** It says again that it is there until the coordinator speaks. */
const HELLO_MS = 2000;
/** More questions than any training has: somebody is asking for more than a prior. */
const MAX_ORDERS = 600;

/** What a participant's connection leaves behind when it breaks. */
export const farewell = (run: string): string => JSON.stringify({ schema: FEDERATION_SCHEMA, kind: "gone", run });

/**
 * Takes part in a federated training: announces names, zone-weeks and source, then answers the coordinator's orders from its own rows until it ends. A repeated
 * order gets the same answer again; orders of another session or meant for another process are ignored. Silence longer than `idleTimeoutMs` is an IsothermError
 * (retryable). Nothing but what `protocol.ts` names leaves this process.
 */
export const participate = async (options: ParticipateOptions): Promise<Participation> => {
  const { la, bus, federation, id, run, set, sources, signal, onProgress } = options;
  const topics = federationTopics(federation);
  const steps = createLocalSteps(la, set);
  const hello: Hello = {
    schema: FEDERATION_SCHEMA,
    kind: "hello",
    run,
    stepS: set.stepS,
    names: [...set.names],
    keys: [...set.keys],
    tasks: set.tasks.map(({ name, rows, ratings }) => ({ name, rows: rows.n, ratings })),
    sources: [...sources],
  };
  const say = (message: object): Promise<void> => bus.publish(topics.from(id), JSON.stringify(message), { qos: 1 }).catch(() => undefined);
  let session: string | null = null;
  let orders = 0;
  let round = -1;
  let answer: object | null = null;
  let isBusy = false;

  const compute = async (order: Exclude<CoordinatorMessage, { readonly kind: "end" }>): Promise<object> => {
    switch (order.kind) {
      case "statistics":
        return steps.statistics(order);
      case "step":
        return steps.step(order, signal);
      case "gradient":
        return steps.gradient(order);
      case "summary":
        return steps.summary(order, signal);
    }
  };
  let cancel: (() => Promise<void>) | undefined;
  let removeHandler: (() => void) | undefined;
  let helloTimer: NodeJS.Timeout | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise<Participation>((resolve, reject) => {
      const wait = (): void => {
        clearTimeout(idleTimer);
        idleTimer = setTimeout(
          () =>
            reject(
              unavailableError(`The coordinator of ${federation} has been silent for ${Math.round(options.idleTimeoutMs / 1000)} s.`, {
                todo: "Start it with `isotherm federate coordinate`, and this again.",
              }),
            ),
          options.idleTimeoutMs,
        );
      };
      const receive = async (payload: string): Promise<void> => {
        const decoded = decodeCoordinator(payload);
        if (!decoded.ok) {
          onProgress(`a message of the coordinator is not understood: ${decoded.reason}`);
          return;
        }
        const order = decoded.value;
        if (order.run !== run || (session !== null && order.session !== session) || order.round < round) return;
        session = order.session;
        clearInterval(helloTimer);
        wait();
        if (order.kind === "end") {
          resolve({ isDone: order.isDone, reason: order.reason, orders });
          return;
        }
        if (order.round === round) {
          if (!isBusy && answer !== null) await say(answer);
          return;
        }
        if (++orders > MAX_ORDERS) throw unavailableError(`The coordinator of ${federation} has asked more than ${MAX_ORDERS} times.`);
        round = order.round;
        isBusy = true;
        answer = null;
        onProgress(`round ${order.round}: ${order.kind}`);
        const head = { schema: FEDERATION_SCHEMA, session: order.session, run, round: order.round };
        try {
          answer = { ...head, ...(await compute(order)) };
        } catch (error) {
          signal?.throwIfAborted();
          answer = { ...head, kind: "failure", reason: (error instanceof Error ? error.message : String(error)).slice(0, 400) };
        }
        isBusy = false;
        await say(answer);
      };
      onAbort = () => reject(signal!.reason);
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted === true) onAbort();
      removeHandler = bus.onConnection((connected) => {
        if (connected) void say(answer ?? hello);
      });
      wait();
      bus
        .subscribe(topics.to(id), ({ payload, retained }) => {
          if (!retained) receive(payload).catch(reject);
        })
        .then((done) => {
          cancel = done;
          void say(hello);
          helloTimer = setInterval(() => void say(hello), HELLO_MS);
          // The coordinator may have spoken already.
          if (session !== null) clearInterval(helloTimer);
        }, reject);
    });
  } finally {
    clearInterval(helloTimer);
    clearTimeout(idleTimer);
    removeHandler?.();
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
    if (session !== null && signal?.aborted === true) await say(JSON.parse(farewell(run)) as object);
    await cancel?.();
  }
};
