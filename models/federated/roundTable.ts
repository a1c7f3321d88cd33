import type { MessageBus } from "#domain/bus";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { implausible, unusableHello } from "#models/federated/plausible";
import {
  type CoordinatorMessage,
  decodeParticipant,
  FEDERATION_SCHEMA,
  federationTopics,
  type Hello,
  type ParticipantReply,
  participantOf,
} from "#models/federated/protocol";

export interface RoundTableOptions {
  readonly la: LinearAlgebra;
  readonly bus: MessageBus;
  readonly federation: string;
  /** 32 hexadecimal digits, new for every training. */
  readonly session: string;
  /** How long a round waits for an answer. */
  readonly roundTimeoutMs: number;
  /** How long a participant may be gone before it is left out. */
  readonly graceMs: number;
  readonly onLeftOut: (id: string, reason: string) => void;
}

type Body = CoordinatorMessage extends infer M
  ? M extends CoordinatorMessage
    ? Omit<M, "schema" | "session" | "run" | "round">
    : never
  : never;

interface Round {
  readonly round: number;
  readonly kind: CoordinatorMessage["kind"];
  readonly answers: Map<string, ParticipantReply>;
  readonly open: Map<string, CoordinatorMessage>;
  readonly finished: () => void;
}

/** Asks again where no answer has come: an order or its answer may have been lost with a connection. */
const RESEND_MS = 10_000;

/**
 * The coordinator's table: who joined, and rounds of one question and at most one answer each. A participant that is silent, gone, fails or says
 * what cannot be true is left out with the reason and never asked again; answers of other sessions, other rounds and other processes of the same id, and
 * second answers, are ignored and counted; retained messages too.
 */
export class RoundTable {
  readonly #options: RoundTableOptions;
  readonly #hellos = new Map<string, Hello>();
  readonly #leftOut = new Map<string, string>();
  readonly #goneTimers = new Map<string, NodeJS.Timeout>();
  #lastRound = 0;
  #round: Round | null = null;
  #isOpen = true;
  #onJoin: (() => void) | null = null;
  #ignored = 0;
  #received = 0;

  constructor(options: RoundTableOptions) {
    this.#options = options;
  }

  /** Those that joined and are still in, by id. */
  get participants(): ReadonlyMap<string, Hello> {
    return this.#hellos;
  }

  get leftOut(): ReadonlyMap<string, string> {
    return this.#leftOut;
  }

  /** Messages that were no answer to anything: repeated, late, of another session or process. */
  get ignored(): number {
    return this.#ignored;
  }

  get received(): number {
    return this.#received;
  }

  /** Listens until the returned function is called. */
  async listen(): Promise<() => Promise<void>> {
    const { bus, federation } = this.#options;
    const cancel = await bus.subscribe(federationTopics(federation).from("+"), ({ topic, payload, retained }) => {
      const id = participantOf(topic);
      if (id !== null && !retained) this.receive(id, payload);
    });
    return async () => {
      for (const timer of this.#goneTimers.values()) clearTimeout(timer);
      await cancel();
    };
  }

  /** Resolves when `count` participants are in, or the time is over; then nobody joins any more. */
  async gather(count: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    await waiting(timeoutMs, signal, (done) => {
      this.#onJoin = () => {
        if (this.#hellos.size >= count) done();
      };
      this.#onJoin();
      return () => {
        this.#onJoin = null;
      };
    });
    this.#isOpen = false;
  }

  /** One message of a participant. */
  receive(id: string, payload: string): void {
    this.#received++;
    if (this.#leftOut.has(id)) {
      this.#ignored++;
      return;
    }
    const decoded = decodeParticipant(payload);
    if (!decoded.ok) {
      // Before it joined there is nobody to leave out, only noise.
      if (this.#hellos.has(id)) this.leaveOut(id, `its message is not understood: ${decoded.reason}`);
      else this.#ignored++;
      return;
    }
    const message = decoded.value;
    const hello = this.#hellos.get(id);
    if (message.kind === "hello") {
      if (hello === undefined) this.#join(id, message);
      else if (hello.run === message.run) this.#isBack(id);
      else this.#ignored++;
      return;
    }
    if (hello === undefined || hello.run !== message.run) {
      this.#ignored++;
      return;
    }
    if (message.kind === "gone") {
      this.#isGone(id);
      return;
    }
    this.#isBack(id);
    const round = this.#round;
    const isAnswer =
      round !== null &&
      message.session === this.#options.session &&
      message.round === round.round &&
      (message.kind === round.kind || message.kind === "failure") &&
      round.open.has(id);
    if (!isAnswer) {
      this.#ignored++;
      return;
    }
    const fault = implausible(this.#options.la, hello, message);
    if (fault !== null) {
      this.leaveOut(id, fault);
      return;
    }
    round.open.delete(id);
    round.answers.set(id, message);
    if (round.open.size === 0) round.finished();
  }

  /** Asks everybody and returns the answers that came in time; the others are left out. */
  async ask<K extends Body["kind"] & ParticipantReply["kind"]>(
    kind: K,
    orderFor: (id: string) => Extract<Body, { readonly kind: K }>,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, Extract<ParticipantReply, { readonly kind: K }>>> {
    const round = ++this.#lastRound;
    const { session, roundTimeoutMs } = this.#options;
    const open = new Map(
      [...this.#hellos].map(([id, { run }]) => [
        id,
        { schema: FEDERATION_SCHEMA, session, run, round, ...orderFor(id) } as CoordinatorMessage,
      ]),
    );
    const answers = new Map<string, ParticipantReply>();
    await waiting(roundTimeoutMs, signal, (done) => {
      this.#round = { round, kind, answers, open, finished: done };
      if (open.size === 0) done();
      const send = (): void => {
        for (const [id, order] of open) this.#send(id, order);
      };
      send();
      const timer = setInterval(send, RESEND_MS);
      const removeHandler = this.#options.bus.onConnection((connected) => {
        if (connected) send();
      });
      return () => {
        clearInterval(timer);
        removeHandler();
      };
    });
    this.#round = null;
    for (const id of [...open.keys()])
      this.leaveOut(id, `no answer to round ${round} (${kind}) within ${Math.round(roundTimeoutMs / 1000)} s`);
    // `receive` lets answers of the round's kind through, and failures are implausible.
    return answers as ReadonlyMap<string, ParticipantReply> as ReadonlyMap<string, Extract<ParticipantReply, { readonly kind: K }>>;
  }

  /** Tells everybody, those left out too, that it is over. */
  async end(isDone: boolean, reason: string): Promise<void> {
    const { bus, session } = this.#options;
    const round = ++this.#lastRound;
    await Promise.allSettled(
      [...this.#told].map(([id, run]) =>
        bus.publish(
          federationTopics(this.#options.federation).to(id),
          JSON.stringify({
            schema: FEDERATION_SCHEMA,
            session,
            run,
            round,
            kind: "end",
            isDone: isDone && this.#hellos.has(id),
            reason: this.#leftOut.get(id) ?? reason,
          }),
          { qos: 1 },
        ),
      ),
    );
  }

  leaveOut(id: string, reason: string): void {
    if (!this.#hellos.delete(id)) return;
    this.#leftOut.set(id, reason);
    clearTimeout(this.#goneTimers.get(id));
    this.#options.onLeftOut(id, reason);
    const round = this.#round;
    if (round?.open.delete(id) === true && round.open.size === 0) round.finished();
  }

  readonly #told = new Map<string, string>();

  #join(id: string, hello: Hello): void {
    const fault = this.#isOpen
      ? unusableHello(hello, this.#hellos.values().next().value?.stepS ?? null)
      : "it came after the training had begun";
    this.#hellos.set(id, hello);
    this.#told.set(id, hello.run);
    if (fault === null) this.#onJoin?.();
    else this.leaveOut(id, fault);
  }

  #isGone(id: string): void {
    if (this.#goneTimers.has(id)) return;
    this.#goneTimers.set(
      id,
      setTimeout(() => this.leaveOut(id, "its connection ended"), this.#options.graceMs),
    );
  }

  #isBack(id: string): void {
    clearTimeout(this.#goneTimers.get(id));
    this.#goneTimers.delete(id);
  }

  #send(id: string, order: CoordinatorMessage): void {
    const { bus, federation } = this.#options;
    // Lost with the connection: sent again when it is back, or after a while.
    bus.publish(federationTopics(federation).to(id), JSON.stringify(order), { qos: 1 }).catch(() => undefined);
  }
}

/** Until `done` is called or the time is over; an abort rejects. `begin` returns what is to be undone then. */
const waiting = (timeoutMs: number, signal: AbortSignal | undefined, begin: (done: () => void) => () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    let undo: (() => void) | undefined;
    let isOver = false;
    const finish = (settle: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      undo?.();
      settle();
    };
    const onAbort = (): void => finish(() => reject(signal!.reason));
    const timer = setTimeout(() => finish(resolve), timeoutMs);
    signal?.addEventListener("abort", onAbort);
    undo = begin(() => finish(resolve));
    if (isOver) undo?.();
  });
