import type { PointStatus, TelemetryIntake } from "#adapters/telemetry/intake";
import type { Decision } from "#domain/plan";
import type { AlarmBoard, AlarmText } from "#loop/alarmBoard";
import { type ClockWatch, clockJumpAlarm } from "#loop/clockWatch";

/** How long the broker may be away before people are told, real time. */
const BROKER_GRACE_MS = 10_000;
/** Decisions in a row that were too uncertain: two hours at quarter-hours. */
const UNCERTAIN_DECISIONS = 8;
/** A foreign setpoint is told of for so long after the last one, site time. */
const FOREIGN_MS = 30 * 60_000;

/** A year of five zones takes about 200 MB: below the first there is time to act, below the second the store is about to fail. */
export const LOW_DISK_BYTES = 1e9;
export const FULL_DISK_BYTES = 2e8;
/** A standing alarm ends with so much more, so that it does not flutter. */
const DISK_MARGIN = 1.2;
/** Values refused for what they say, not for when they came. */
const implausible = new Set(["not-a-number", "not-finite", "out-of-range", "jump"]);

export interface WatchParts {
  readonly alarms: AlarmBoard;
  readonly intake: TelemetryIntake;
  readonly nowMs: () => number;
  readonly brokerConnected: () => boolean;
  readonly brokerUrl: string;
  /** Bytes that are free on the disk of the store. */
  readonly freeBytes: () => Promise<number>;
  /** Null where the site does not live by the machine's clock. */
  readonly clock: ClockWatch | null;
}

export interface Watch {
  /** Looks at everything that no event tells of; to be called about every minute. */
  check(): Promise<void>;
  decided(decision: Decision): void;
  foreignSetpoint(zone: string, overrules: boolean): void;
  sessionTaken(): void;
  /** Which other daemon commands the building; null: none that we know of, or we do. */
  standsBy(other: string | null): void;
  influx(healthy: boolean, text: string): void;
  storeHealth(error: Error | null): void;
  learning(trouble: string | null): void;
  /** Standing troubles in words, for the status line. */
  troubles(): readonly string[];
}

export const createWatch = (parts: WatchParts): Watch => {
  const { alarms, intake } = parts;
  const startedMs = parts.nowMs();
  let disconnectedAtMs: number | null = performance.now();
  let uncertain = 0;
  let learningTrouble: string | null = null;
  const foreign = new Map<string, { readonly atMs: number; readonly overrules: boolean }>();
  const set = (active: boolean, alarm: AlarmText): Promise<void> => alarms.set(active, alarm, parts.nowMs());

  const brokerLost = (): boolean => {
    if (parts.brokerConnected()) disconnectedAtMs = null;
    else disconnectedAtMs ??= performance.now();
    return disconnectedAtMs !== null && performance.now() - disconnectedAtMs > BROKER_GRACE_MS;
  };

  const checkSensors = async (): Promise<void> => {
    const ageOfStartS = (parts.nowMs() - startedMs) / 1_000;
    for (const status of intake.snapshot().points) {
      const { point, state, topic, ageS } = status;
      await set(isImplausible(status), implausibleAlarm(status));
      // Zone temperatures have an alarm of the control loop, which acts on them.
      if (point.endsWith(".zoneAirTempC") && state !== "stuck") {
        await set(false, stuckAlarm(point));
        continue;
      }
      await set(state === "stuck", stuckAlarm(point));
      const silent = state === "stale" || (state === "never" && ageOfStartS > 3_600);
      await set(silent, {
        id: `sensor-stale:${point}`,
        level: "warning",
        text: `${point} ${ageS === null ? "has never reported" : `has been silent for ${Math.round(ageS / 60)} min`}.`,
        action: `Check the sensor and what it publishes on ${topic}.`,
      });
    }
  };

  let diskLevel: "critical" | "warning" | null = null;
  const checkDisk = async (): Promise<void> => {
    const freeBytes = await parts.freeBytes().catch(() => null);
    // A folder that cannot be asked is the store's alarm.
    if (freeBytes === null) return;
    const below = (limit: number, stood: boolean): boolean => freeBytes < limit * (stood ? DISK_MARGIN : 1);
    diskLevel = below(FULL_DISK_BYTES, diskLevel === "critical")
      ? "critical"
      : below(LOW_DISK_BYTES, diskLevel !== null)
        ? "warning"
        : null;
    await set(diskLevel !== null, {
      id: "disk-low",
      level: diskLevel ?? "warning",
      text: `Only ${(freeBytes / 1e9).toFixed(1)} GB are free on the disk of the store.`,
      action:
        "Free space, move store.directory to a larger disk, or keep less (store.raw, store.retention). Control goes on when it is full; measurements and decisions are lost then.",
    });
  };

  return {
    check: async () => {
      await checkDisk();
      if (parts.clock !== null) {
        const jump = parts.clock.look();
        await set(jump !== null, clockJumpAlarm(jump));
      }
      await set(brokerLost(), {
        id: "broker-lost",
        level: "critical",
        text: `The MQTT broker ${parts.brokerUrl} is not reachable.`,
        action: "Start it, or check address, password and network; devices follow their own schedule when the last setpoints expire.",
      });
      await checkSensors();
      for (const [zone, { atMs, overrules }] of [...foreign]) {
        const over = parts.nowMs() - atMs > FOREIGN_MS;
        if (over) foreign.delete(zone);
        await set(!over, {
          id: `foreign-setpoint:${zone}`,
          level: overrules ? "critical" : "warning",
          zone,
          text: `Somebody else publishes setpoints for zone ${zone}${overrules ? ", and its device follows them" : ""}.`,
          action: "Find the other program and stop it, or set isotherm to shadow.",
        });
      }
    },
    decided: ({ plan }) => {
      uncertain = plan.fallback === "too-uncertain" ? uncertain + 1 : 0;
      void set(uncertain >= UNCERTAIN_DECISIONS, {
        id: "too-uncertain",
        level: "warning",
        text: `The model has not been sure enough for ${uncertain} decisions; the rule decides.`,
        action: "Look at what changed in the building; the model learns from it tonight.",
      });
      // A decision without rollouts says nothing about what computes them.
      const { backend, backendTrouble, numSamples } = plan.diagnostics;
      if (numSamples === 0) return;
      void set(backendTrouble !== undefined, {
        id: "gpu-lost",
        level: "warning",
        text: `Plans are computed by ${backend} instead of the graphics processor: ${backendTrouble ?? ""}`,
        action: "Check the graphics driver; it is tried again by itself, after longer and longer pauses.",
      });
    },
    foreignSetpoint: (zone, overrules) => {
      foreign.set(zone, { atMs: parts.nowMs(), overrules });
    },
    sessionTaken: () => {
      void set(true, {
        id: "controller-twice",
        level: "critical",
        text: "Another program uses this site's MQTT client id.",
        action: "Stop the other isotherm, or give each site its own mqtt.clientId.",
      });
    },
    standsBy: (other) => {
      void set(other !== null, {
        id: "stands-by",
        level: "warning",
        text: `Another isotherm (${other}) commands this building; this one stands by in shadow mode.`,
        action: "Stop one of the two. If the other one ends, this one takes over by itself.",
      });
    },
    influx: (healthy, text) => {
      void set(!healthy, {
        id: "influx-unreachable",
        level: "warning",
        text: `InfluxDB does not take the data: ${text}`,
        action: "Check it; nothing is lost, what is missing is delivered when it is back.",
      });
    },
    storeHealth: (error) => {
      void set(error !== null, {
        id: "store-telemetry",
        level: "critical",
        text: `Measurements cannot be stored: ${error?.message ?? ""}`,
        action: "Free space on the disk of the store, or check it; control goes on.",
      });
    },
    learning: (trouble) => {
      learningTrouble = trouble;
    },
    troubles: () => [
      ...(brokerLost() ? ["The MQTT broker is not reachable."] : []),
      ...(learningTrouble === null ? [] : [learningTrouble]),
      ...alarms
        .active()
        .filter(({ level, id }) => level === "critical" && id !== "broker-lost")
        .map(({ text }) => text),
    ],
  };
};

const stuckAlarm = (point: string): AlarmText => ({
  id: `sensor-stuck:${point}`,
  level: "warning",
  text: `${point} has not moved for a long time and is not used.`,
  action: "Check the sensor; it counts again with its first change.",
});

/** Its newest values were refused for what they say, and the last good one is overdue or never came. */
const isImplausible = ({ lastRefusal, lastTimeMs, state }: PointStatus): boolean =>
  lastRefusal !== null &&
  implausible.has(lastRefusal.reason) &&
  lastRefusal.timeMs > (lastTimeMs ?? Number.NEGATIVE_INFINITY) &&
  (state === "never" || state === "late" || state === "stale");

const implausibleAlarm = ({ point, topic, lastRefusal }: PointStatus): AlarmText => ({
  id: `sensor-implausible:${point}`,
  level: "warning",
  text: `${point} reports what cannot be (${lastRefusal?.detail ?? ""}) and is not used.`,
  action: `Check the sensor, what it publishes on ${topic}, and the point's unit, range and expression in the site file.`,
});
