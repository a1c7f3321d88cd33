import { createRetainedTopics } from "#adapters/mqtt/retainedTopics";
import {
  type DemandResponseState,
  decode,
  type EventMessage,
  encode,
  type Health,
  type MeterState,
  topicsOf,
  type ZoneState,
  zonePlanOf,
} from "#adapters/mqtt/wire";
import type { MessageBus } from "#domain/bus";
import type { Clock } from "#domain/clock";
import type { Decision } from "#domain/plan";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";
import type { Alarm } from "#domain/store";

export interface PublisherOptions {
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly building: string;
  readonly version: string;
  /** Clock seconds per real second (accelerated demo), for the expiry that the broker counts in real time. Default 1. */
  readonly clockSpeed?: number;
  readonly onWarning?: (text: string) => void;
}

/** superseded: not newer than what was published before; expired: its validity is over or nearly so; invalid: it breaks the wire contract. */
export type SetpointRefusal = "superseded" | "expired" | "invalid";

export interface PublisherCounts {
  readonly setpointsAccepted: number;
  readonly refused: Readonly<Record<SetpointRefusal, number>>;
  readonly failedPublishes: number;
}

/** All that the daemon says on MQTT. Methods return at once; what is retained goes out as soon as there is a connection and on every new one. */
export interface Publisher {
  /** Sends setpoints, plans and a decision event. Returns why the setpoints were refused, or null. */
  publishDecision(decision: Decision): SetpointRefusal | null;
  /** Sends the setpoints of a command alone. */
  publishCommand(command: SetpointCommand): SetpointRefusal | null;
  /** Writes what would be sent to `…/setpoint_proposed`, which no device reads. */
  publishProposal(command: SetpointCommand): SetpointRefusal | null;
  publishZoneState(zone: string, state: ZoneState): void;
  publishAvailability(zone: string, available: boolean): void;
  publishMeter(meter: string, state: MeterState): void;
  /** Not retained: lost while there is no connection. */
  publishHealth(health: Health): void;
  /** An alarm with `clearedMs` empties its topic. */
  publishAlarm(alarm: Alarm, acknowledged?: boolean): void;
  publishEvent(event: EventMessage): void;
  /** null: there is no event (any more). */
  publishDemandResponse(state: DemandResponseState | null): void;
  /** In mode `shadow` setpoints go to `…/setpoint_proposed`, which no device reads. */
  setMode(mode: string): void;
  /** Says `online` again, where another client's last will said otherwise. */
  sayOnline(): void;
  /** Another daemon commands the building now: what we had for devices must not reach them later. */
  forgetSetpoints(): void;
  /** True for a setpoint payload that this publisher sent lately. */
  isOwnSetpoint(zone: string, payload: string): boolean;
  /** The newest (epoch, seq) accepted; null before the first. */
  readonly newest: { readonly epoch: number; readonly seq: number } | null;
  counts(): PublisherCounts;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  /** Says `offline` and stops; the bus stays open. */
  close(): Promise<void>;
}

/** A setpoint with less validity left than this is not worth sending: MQTT 5 counts its expiry in whole seconds. */
const MIN_VALIDITY_LEFT_S = 1;
const OWN_PAYLOADS_KEPT = 32;
export const SHADOW_MODE = "shadow";

/**
 * Makes the publisher and starts publishing `online` and `info` on every connect. The bus should carry the last will
 * (`topicsOf(building).status`, `offline`, retained).
 *
 * A setpoint is published, or published again after a reconnect, only while it belongs to the newest command (epoch, seq) and
 * `validUntilMs − clock.nowMs()` is at least one second; what is older is refused and forgotten.
 */
export const createPublisher = (options: PublisherOptions & { readonly mode: string }): Publisher => {
  const { bus, clock, building } = options;
  const clockSpeed = options.clockSpeed ?? 1;
  const topics = topicsOf(building);
  const startedAtMs = clock.nowMs();
  const refused: Record<SetpointRefusal, number> = { superseded: 0, expired: 0, invalid: 0 };
  let setpointsAccepted = 0;
  let failedPublishes = 0;
  let mode = options.mode;
  let newest: { epoch: number; seq: number } | null = null;
  /** The command that each setpoint topic's value belongs to. */
  const newestOf = new Map<string, string>();
  /** Setpoint topics whose value gives the zone back. */
  const givenBack = new Set<string>();
  const own = new Map<string, string[]>();
  const warn = (text: string): void => options.onWarning?.(text);
  const failed = (topic: string, error: unknown): void => {
    failedPublishes++;
    // While the connection is down that is expected, and the bus has said so.
    if (bus.connected) warn(`Could not publish ${topic}: ${error instanceof Error ? error.message : String(error)}`);
  };
  const retained = createRetainedTopics(bus, { onFailed: failed });
  const live = (topic: string, payload: string): void => {
    if (!bus.connected) return;
    bus.publish(topic, payload, { qos: 0 }).catch((error: unknown) => failed(topic, error));
  };
  const publishInfo = (): void => retained.set(topics.info, encode.info({ version: options.version, mode, startedAtMs }));
  retained.set(topics.status, encode.status(true));
  publishInfo();

  const refuse = (why: SetpointRefusal, text: string): SetpointRefusal => {
    refused[why]++;
    warn(text);
    return why;
  };
  const remember = (zone: string, payload: string): void => {
    const list = own.get(zone) ?? [];
    list.push(payload);
    if (list.length > OWN_PAYLOADS_KEPT) list.shift();
    own.set(zone, list);
  };
  const publish = (command: SetpointCommand, proposed: boolean): SetpointRefusal | null => {
    const name = `${command.epoch}-${command.seq}`;
    // One command may go to some zones and be proposed in others.
    if (newest !== null && (command.epoch - newest.epoch || command.seq - newest.seq) < 0)
      return refuse("superseded", `Setpoints ${name} were not sent: ${newest.epoch}-${newest.seq} are newer.`);
    const secondsLeft = (): number => (command.validUntilMs - clock.nowMs()) / 1_000;
    if (!(secondsLeft() >= MIN_VALIDITY_LEFT_S)) return refuse("expired", `Setpoints ${name} were not sent: their validity is over.`);
    const payloads: [string, string][] = [];
    for (const [zone, setpoints] of command.zones) {
      const message = { ...command, setpoints: command.source === "relinquish" ? null : setpoints };
      const payload = encode.setpoint(message);
      const check = decode.setpoint(payload);
      if (!check.ok) return refuse("invalid", `Setpoints ${name} were not sent: zone ${zone}: ${check.reason}.`);
      payloads.push([zone, payload]);
    }
    const topicOf = proposed ? topics.setpointProposed : topics.setpoint;
    if (payloads.some(([zone]) => newestOf.get(topicOf(zone)) === name))
      return refuse("superseded", `Setpoints ${name} were not sent: they were sent before.`);
    const mine = newest?.epoch === command.epoch && newest.seq === command.seq ? newest : { epoch: command.epoch, seq: command.seq };
    newest = mine;
    setpointsAccepted++;
    for (const [zone, payload] of payloads) {
      const topic = topicOf(zone);
      newestOf.set(topic, name);
      if (!proposed) {
        remember(zone, payload);
        // What was proposed before is no proposal any more.
        retained.forget(topics.setpointProposed(zone));
      }
      // Giving a zone back is never out of date because other zones, or proposals, came after it.
      const givesBack = command.source === "relinquish";
      if (givesBack && !proposed) givenBack.add(topic);
      else givenBack.delete(topic);
      const usable = (): { expiryS: number } | null =>
        (givesBack || newest === mine) && newestOf.get(topic) === name && secondsLeft() >= MIN_VALIDITY_LEFT_S
          ? { expiryS: Math.max(1, Math.floor(secondsLeft() / clockSpeed)) }
          : null;
      retained.set(topic, payload, usable);
    }
    return null;
  };
  const publishCommand = (command: SetpointCommand): SetpointRefusal | null => publish(command, mode === SHADOW_MODE);
  const forget = (but: ReadonlySet<string>): void => {
    for (const topic of retained.topics) if (/\/setpoint(_proposed)?$/.test(topic) && !but.has(topic)) retained.forget(topic);
  };
  const publishEvent = (event: EventMessage): void => live(topics.event, encode.event(event));

  return {
    publishCommand,
    publishProposal: (command) => publish(command, true),
    publishDecision: (decision) => {
      const refusal = publishCommand({
        epoch: decision.epoch,
        seq: decision.seq,
        issuedAtMs: decision.timeMs,
        validUntilMs: decision.validUntilMs,
        zones: new Map<string, ZoneSetpoints>(Object.entries(decision.command)),
        source: decision.source,
      });
      if (refusal === "superseded") return refusal;
      const reasons = [decision.plan.reason, ...decision.envelopeChanges];
      for (const [zone, trajectory] of Object.entries(decision.plan.chosen.zones))
        retained.set(topics.plan(zone), encode.plan(zonePlanOf(decision.plan, trajectory, reasons)));
      publishEvent({
        timeMs: decision.timeMs,
        kind: "decision",
        id: decision.id,
        zone: null,
        source: decision.source,
        text: decision.plan.reason,
      });
      return refusal;
    },
    publishZoneState: (zone, state) => retained.set(topics.zoneState(zone), encode.zoneState(state)),
    publishAvailability: (zone, available) => retained.set(topics.availability(zone), encode.status(available)),
    publishMeter: (meter, state) => retained.set(topics.meterState(meter), encode.meterState(state)),
    publishHealth: (health) => live(topics.health, encode.health(health)),
    publishAlarm: (alarm, acknowledged = false) => {
      const topic = topics.alarm(alarm.id);
      if (alarm.clearedMs === null) retained.set(topic, encode.alarm({ ...alarm, acknowledged }));
      else retained.clear(topic);
    },
    publishEvent,
    publishDemandResponse: (state) => {
      if (state === null) retained.clear(topics.demandResponse);
      else retained.set(topics.demandResponse, encode.demandResponse(state));
    },
    setMode: (to) => {
      if (to === mode) return;
      // What was meant for devices must not reach them after we went to shadow, nor the other way round.
      if (to === SHADOW_MODE || mode === SHADOW_MODE) forget(givenBack);
      mode = to;
      publishInfo();
    },
    sayOnline: () => retained.set(topics.status, encode.status(true)),
    forgetSetpoints: () => forget(new Set()),
    isOwnSetpoint: (zone, payload) => own.get(zone)?.includes(payload) ?? false,
    get newest() {
      return newest;
    },
    counts: () => ({ setpointsAccepted, refused: { ...refused }, failedPublishes }),
    settled: () => retained.settled(),
    close: async () => {
      retained.set(topics.status, encode.status(false));
      if (bus.connected) await retained.settled();
      retained.close();
    },
  };
};
