import { checkMappings, type PointMapping } from "#adapters/telemetry/pointMapping";
import { type Read, type RefusalReason, readNumber, readPayload, readTimestamp } from "#adapters/telemetry/readValue";
import type { BusMessage, MessageBus } from "#domain/bus";
import type { Clock } from "#domain/clock";
import type { PointName, TelemetryPoint } from "#domain/points";

export type IntakeOutcome =
  | { readonly ok: true; readonly point: TelemetryPoint }
  | { readonly ok: false; readonly point: PointName | null; readonly reason: RefusalReason; readonly detail: string };

/** never: nothing accepted yet; late: the next value is overdue; stale: older than its greatest age; stuck: it does not move. */
export type PointState = "never" | "ok" | "late" | "stale" | "stuck";
export interface PointStatus {
  readonly point: PointName;
  readonly topic: string;
  readonly state: PointState;
  readonly lastValue: number | null;
  readonly lastTimeMs: number | null;
  readonly ageS: number | null;
  readonly accepted: number;
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>;
  readonly lastRefusal: { readonly reason: RefusalReason; readonly detail: string; readonly timeMs: number } | null;
}
export interface IntakeSnapshot {
  readonly points: readonly PointStatus[];
  /** Messages on topics that no point is mapped to. */
  readonly unknownTopic: number;
}
export interface TelemetryIntake {
  readonly topics: readonly string[];
  /** One outcome per point mapped to the topic. Never throws. */
  receive(message: BusMessage): IntakeOutcome[];
  snapshot(): IntakeSnapshot;
  /** For the observation: a point that does not move is as good as absent. */
  isStuck(point: PointName): boolean;
}

export interface IntakeOptions {
  readonly mappings: readonly PointMapping[];
  readonly clock: Clock;
  /** One line per point, reason and minute. */
  readonly onLog?: (text: string) => void;
  /** Characters. Default 65,536. */
  readonly maxPayloadChars?: number;
  /** Clocks of sensors may be ahead by this much. Default 60. */
  readonly futureToleranceS?: number;
}

interface PointMemory {
  readonly mapping: PointMapping;
  last: TelemetryPoint | null;
  unchanged: { readonly value: number; readonly sinceMs: number } | null;
  accepted: number;
  readonly refused: Partial<Record<RefusalReason, number>>;
  lastRefusal: PointStatus["lastRefusal"];
}

const LOG_PERIOD_MS = 60_000;
/** A value may be late by half an interval before it is called late. */
const LATE_FACTOR = 1.5;

/**
 * Turns MQTT messages into telemetry points, or refuses them for a counted reason. Throws a configuration error for wrong mappings.
 *
 * A change is a jump where |v − v_last| > maxChangePerMinute · max(1, minutes since the last accepted value): so a sensor that has really changed
 * is believed after a while.
 */
export const createTelemetryIntake = (options: IntakeOptions): TelemetryIntake => {
  checkMappings(options.mappings);
  const { clock } = options;
  const maxPayloadChars = options.maxPayloadChars ?? 65_536;
  const futureToleranceMs = (options.futureToleranceS ?? 60) * 1_000;
  const memories = new Map<PointName, PointMemory>();
  const byTopic = new Map<string, PointMemory[]>();
  for (const mapping of options.mappings) {
    const memory: PointMemory = { mapping, last: null, unchanged: null, accepted: 0, refused: {}, lastRefusal: null };
    memories.set(mapping.point, memory);
    byTopic.set(mapping.topic, [...(byTopic.get(mapping.topic) ?? []), memory]);
  }
  let unknownTopic = 0;
  const logged = new Map<string, { atMs: number; suppressed: number }>();
  const log = (key: string, text: string): void => {
    const entry = logged.get(key);
    // Monotonic: the log's rate has nothing to do with simulated time.
    const nowMs = performance.now();
    if (entry !== undefined && nowMs - entry.atMs < LOG_PERIOD_MS) {
      entry.suppressed++;
      return;
    }
    logged.set(key, { atMs: nowMs, suppressed: 0 });
    options.onLog?.(entry === undefined || entry.suppressed === 0 ? text : `${text} (and ${entry.suppressed} more since)`);
  };

  const read = (memory: PointMemory, { payload, retained }: BusMessage, nowMs: number): Read<TelemetryPoint> => {
    const { mapping } = memory;
    const refuse = (reason: RefusalReason, detail: string): Read<never> => ({ ok: false, reason, detail });
    if (payload.length > maxPayloadChars) return refuse("oversized", `${payload.length} characters`);
    // A stored message says nothing of its age unless it carries a time of its own.
    if (retained && mapping.timestampPath === undefined) return refuse("retained", "stored by the broker, without a time of its own");
    const json = readPayload(payload, mapping);
    if (!json.ok) return json;
    const number = readNumber(json.value, mapping);
    if (!number.ok) return number;
    const { value } = number;
    let timeMs = nowMs;
    // After our own clock was set back, what we remember may lie in the future: then it no longer counts.
    const last = memory.last !== null && memory.last.timeMs > nowMs + futureToleranceMs ? null : memory.last;
    if (mapping.timestampPath !== undefined) {
      const stamp = readTimestamp(json.value, mapping.timestampPath);
      if (!stamp.ok) return stamp;
      timeMs = stamp.value;
      if (timeMs > nowMs + futureToleranceMs) return refuse("future-time", `${Math.round((timeMs - nowMs) / 1_000)} s ahead of this clock`);
      if (nowMs - timeMs > mapping.maxAgeS * 1_000) return refuse("stale-timestamp", `${Math.round((nowMs - timeMs) / 1_000)} s old`);
      if (last !== null && timeMs === last.timeMs) return refuse("duplicate", "a value of the same time was there already");
      if (last !== null && timeMs < last.timeMs) return refuse("out-of-order", `${last.timeMs - timeMs} ms before the last one`);
    }
    if (last !== null && mapping.maxChangePerMinute !== undefined) {
      const allowed = mapping.maxChangePerMinute * Math.max(1, (timeMs - last.timeMs) / 60_000);
      if (Math.abs(value - last.value) > allowed) return refuse("jump", `from ${last.value} to ${value}`);
    }
    return { ok: true, value: { timeMs, point: mapping.point, value } };
  };
  const remember = (memory: PointMemory, point: TelemetryPoint): void => {
    memory.last = point;
    memory.accepted++;
    const { unchanged } = memory;
    const moved = unchanged === null || Math.abs(point.value - unchanged.value) > (memory.mapping.stuckTolerance ?? 0);
    if (moved || point.timeMs < unchanged.sinceMs) memory.unchanged = { value: point.value, sinceMs: point.timeMs };
  };
  const stuck = ({ mapping, last, unchanged }: PointMemory): boolean =>
    mapping.stuckAfterS !== undefined &&
    last !== null &&
    unchanged !== null &&
    last.timeMs - unchanged.sinceMs >= mapping.stuckAfterS * 1_000;
  const stateOf = (memory: PointMemory, ageS: number | null): PointState => {
    if (ageS === null) return "never";
    if (ageS > memory.mapping.maxAgeS) return "stale";
    if (stuck(memory)) return "stuck";
    return ageS > LATE_FACTOR * memory.mapping.expectedIntervalS ? "late" : "ok";
  };

  return {
    topics: [...byTopic.keys()],
    receive: (message) => {
      const mapped = byTopic.get(message.topic);
      if (mapped === undefined) {
        unknownTopic++;
        const detail = message.topic.slice(0, 120);
        log("unknown-topic", `No point is mapped to the topic ${detail}.`);
        return [{ ok: false, point: null, reason: "unknown-topic", detail }];
      }
      const nowMs = clock.nowMs();
      return mapped.map((memory): IntakeOutcome => {
        const { point } = memory.mapping;
        const outcome = read(memory, message, nowMs);
        if (outcome.ok) {
          remember(memory, outcome.value);
          return { ok: true, point: outcome.value };
        }
        const { reason, detail } = outcome;
        memory.refused[reason] = (memory.refused[reason] ?? 0) + 1;
        memory.lastRefusal = { reason, detail, timeMs: nowMs };
        log(`${point}/${reason}`, `Refused a value of ${point} from ${message.topic}: ${reason}: ${detail}`);
        return { ok: false, point, reason, detail };
      });
    },
    snapshot: () => {
      const nowMs = clock.nowMs();
      const points = [...memories.values()].map((memory): PointStatus => {
        const ageS = memory.last === null ? null : Math.max(0, (nowMs - memory.last.timeMs) / 1_000);
        return {
          point: memory.mapping.point,
          topic: memory.mapping.topic,
          state: stateOf(memory, ageS),
          lastValue: memory.last?.value ?? null,
          lastTimeMs: memory.last?.timeMs ?? null,
          ageS,
          accepted: memory.accepted,
          refused: { ...memory.refused },
          lastRefusal: memory.lastRefusal,
        };
      });
      return { points, unknownTopic };
    },
    isStuck: (point) => {
      const memory = memories.get(point);
      return memory !== undefined && stuck(memory);
    },
  };
};

/** Subscribes to the intake's topics and hands on what it accepts. Returns the end of it. */
export const connectIntake = async (
  bus: MessageBus,
  intake: TelemetryIntake,
  onPoints: (points: readonly TelemetryPoint[]) => void,
): Promise<() => Promise<void>> => {
  const receive = (message: BusMessage): void => {
    const points = intake.receive(message).flatMap((outcome) => (outcome.ok ? [outcome.point] : []));
    if (points.length > 0) onPoints(points);
  };
  const cancels = await Promise.all(intake.topics.map((topic) => bus.subscribe(topic, receive)));
  return async () => {
    for (const cancel of cancels) await cancel();
  };
};
