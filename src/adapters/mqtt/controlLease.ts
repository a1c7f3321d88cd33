import { decode, encode, type LeaseMessage, topicsOf } from "#adapters/mqtt/wire";
import type { BusMessage, MessageBus } from "#domain/bus";

/** holder: may command the building. passive: another one does. waiting: nobody is known to, and we have asked for it or cannot ask yet. */
export type LeaseState = "holder" | "passive" | "waiting";

export interface LeaseView {
  readonly state: LeaseState;
  /** Under which the holder commands; devices follow the greater one. */
  readonly epoch: number;
  /** Who holds it, where that is another; null where nobody does or we do. */
  readonly other: string | null;
}

export interface ControlLease {
  readonly view: LeaseView;
  /** True only while no other daemon can hold the lease; asked right before everything that goes to a device. */
  held(): boolean;
  /** Renews, claims or notices an end; to be called about every second. */
  check(): void;
  /** Called on every change of the view. */
  onChange(handler: (view: LeaseView) => void): () => void;
  /** Gives the lease to whoever waits for it, and stops. */
  release(): Promise<void>;
}

export interface ControlLeaseOptions {
  readonly bus: MessageBus;
  readonly building: string;
  /** Stays the same over restarts: a restarted daemon need not wait for its own lease to end. */
  readonly instance: string;
  /** Another one for every start. */
  readonly session: string;
  /** Smallest epoch that this start may use. */
  readonly epoch: number;
  readonly leaseMs: number;
  /** Default: the monotonic clock, and the wall's, which goes on while a machine sleeps. The first is what others' leases are timed by. */
  readonly clocks?: readonly (() => number)[];
  readonly onWarning?: (text: string) => void;
  /** The first to be told of every change, from the very first one. */
  readonly onChange?: (view: LeaseView) => void;
}

interface Owner {
  readonly instance: string;
  readonly session: string;
  /** When it was last heard; for our own, when what came back had been sent. One reading of each clock. */
  readonly at: readonly number[];
  /** Its lease or ours, the longer one. */
  readonly leaseMs: number;
}

/** A holder renews this often within one lease. */
const RENEWALS_PER_LEASE = 3;
/** A holder stops this much before others may begin. */
const MARGIN = 0.1;

/**
 * Sees to it that of all daemons on one building at most one commands it, over the broker that they share, without clocks that agree.
 *
 * The broker delivers the messages of `…/lease` in one order to everybody. Who hears his own claim come
 * back, and nobody else within `leaseMs` before it, holds the lease. The holder renews thrice a lease, answers every claim with a renewal, and stops
 * 0.9 `leaseMs` after it sent the last confirmed renewal or as soon as its connection is lost; others begin `leaseMs` after they heard one, which is later.
 * A holder's epoch is greater than any it heard of from others, so that a device refuses what an
 * earlier holder had under way.
 */
export const createControlLease = async (options: ControlLeaseOptions): Promise<ControlLease> => {
  const { bus, building, leaseMs, instance, session } = options;
  const topic = topicsOf(building).lease;
  const clocks = options.clocks ?? [() => performance.now(), () => Date.now()];
  const now = (): readonly number[] => clocks.map((clock) => clock());
  const handlers = new Set<(view: LeaseView) => void>(options.onChange === undefined ? [] : [options.onChange]);
  let owner: Owner | null = null;
  let epoch = options.epoch;
  let greatestForeignEpoch = 0;
  let count = 0;
  /** When we sent what has not come back on the present connection, by its number. A slow broker answers earlier ones after later ones were sent. */
  const asked = new Map<number, readonly number[]>();
  let lastAsked: readonly number[] | null = null;
  /** Ours, and confirmed by its return on the present connection. */
  let confirmed = false;
  let subscribed = false;
  let closed = false;
  let told = "";

  const isOurs = (one: Pick<Owner, "session"> | null): boolean => one?.session === session;
  /** Rather too early than too late: whichever clock says that more has passed. */
  const held = (): boolean =>
    !closed &&
    bus.connected &&
    confirmed &&
    owner !== null &&
    isOurs(owner) &&
    Math.max(...now().map((time, i) => time - owner!.at[i]!)) < (1 - MARGIN) * leaseMs;
  /** Rather too late than too early: the monotonic clock alone, which nobody sets. */
  const isOver = (one: Owner): boolean => clocks[0]!() - one.at[0]! >= one.leaseMs;
  /** Nobody else may hold it. */
  const isFree = (): boolean => owner === null || isOurs(owner) || isOver(owner);
  const viewNow = (): LeaseView => {
    if (held()) return { state: "holder", epoch, other: null };
    if (owner !== null && !isFree()) return { state: "passive", epoch, other: owner.instance };
    return { state: "waiting", epoch, other: null };
  };
  const tell = (): void => {
    const view = viewNow();
    const text = JSON.stringify(view);
    if (text === told) return;
    told = text;
    for (const handler of [...handlers]) handler(view);
  };
  const publish = (kind: LeaseMessage["kind"], expires: boolean): Promise<void> => {
    const message = { kind, instance, session, epoch, n: ++count, issuedAtMs: Date.now(), leaseS: leaseMs / 1_000 };
    const expiry = expires ? { expiryS: Math.max(1, Math.ceil(leaseMs / 1_000)) } : {};
    return bus.publish(topic, encode.lease(message), { qos: 1, retain: true, ...expiry });
  };
  const send = (kind: LeaseMessage["kind"]): void => {
    if (closed || !bus.connected) return;
    lastAsked = now();
    asked.set(count + 1, lastAsked);
    publish(kind, true).catch((error: unknown) => {
      if (bus.connected) options.onWarning?.(`The lease could not be renewed: ${error instanceof Error ? error.message : String(error)}`);
    });
  };
  const receiveOwn = (message: LeaseMessage): void => {
    // What the broker had stored is no answer to what we asked on this connection.
    const at = asked.get(message.n);
    if (at === undefined) return;
    for (const n of [...asked.keys()]) if (n <= message.n) asked.delete(n);
    if (isFree() && message.epoch > greatestForeignEpoch) {
      owner = { instance, session, at, leaseMs };
      confirmed = true;
    }
    if (asked.size === 0) lastAsked = null;
    // A claim that was stored says nothing of what became of it; this does. One that took a lease to come back was granted and is over: others may have claimed since.
    if (message.kind === "claim" && held()) send("held");
    tell();
  };
  /**
   * The broker's last word is a claim of ours from before the connection was lost. Claims that came before it and were not heard may have been granted, and
   * whoever made them need not have heard of it yet: nothing is known until somebody speaks, or nobody has for a lease.
   */
  const somebodyMayHold = (): void => {
    // Somebody who was heard last and has been silent for a lease since says nothing of those who were not heard.
    if (isFree()) owner = { instance: "unknown", session: "", at: now(), leaseMs };
    confirmed = false;
    tell();
  };
  const receive = ({ payload, retained }: BusMessage): void => {
    if (closed) return;
    if (payload === "") return;
    const decoded = decode.lease(payload);
    if (!decoded.ok) {
      options.onWarning?.(`A message on ${topic} was not understood: ${decoded.reason}.`);
      return;
    }
    const message = decoded.value;
    if (isOurs(message)) {
      if (!retained) receiveOwn(message);
      else if (message.kind === "claim") somebodyMayHold();
      return;
    }
    if (held() && message.kind !== "free" && (message.kind === "claim" || message.epoch < epoch)) {
      // It came after ours: the answer tells so.
      send("held");
      return;
    }
    // Whoever is heard may hold it, whatever became of its claim: it counts until it has been silent for a lease.
    greatestForeignEpoch = Math.max(greatestForeignEpoch, message.epoch);
    // Where our own last word before a restart is what the broker has stored, nobody has claimed the lease since.
    const wasOurs = retained && message.kind === "held" && message.instance === instance;
    if (message.kind === "free" || wasOurs) {
      if (owner?.session === message.session) owner = null;
      check();
      return;
    }
    confirmed = false;
    owner = { instance: message.instance, session: message.session, at: now(), leaseMs: Math.max(leaseMs, message.leaseS * 1_000) };
    tell();
  };
  const check = (): void => {
    if (closed) return;
    const due = lastAsked === null || clocks[0]!() - lastAsked[0]! >= leaseMs / RENEWALS_PER_LEASE;
    if (bus.connected && due) {
      if (held()) {
        if (clocks[0]!() - owner!.at[0]! >= leaseMs / RENEWALS_PER_LEASE) send("held");
      } else if (isFree()) {
        epoch = Math.max(epoch, greatestForeignEpoch + 1);
        send("claim");
      }
    }
    tell();
  };

  const removeHandler = bus.onConnection((connected) => {
    confirmed = false;
    asked.clear();
    lastAsked = null;
    // On every connection but the first the subscription went out before this, so that what the broker has stored is heard before our claim comes back.
    if (connected && subscribed) check();
    else tell();
  });
  const cancel = await bus.subscribe(topic, receive);
  subscribed = true;
  check();

  return {
    get view() {
      return viewNow();
    },
    held,
    check,
    onChange: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    release: async () => {
      const was = held();
      closed = true;
      removeHandler();
      // It stays, so that whoever comes next knows the epoch.
      if (was) await publish("free", false).catch(() => undefined);
      if (bus.connected) await cancel().catch(() => undefined);
    },
  };
};
