import { connectIntake, createTelemetryIntake, type TelemetryIntake } from "#adapters/telemetry/intake";
import { createLatestValues } from "#adapters/telemetry/latestValues";
import type { PointMapping } from "#adapters/telemetry/pointMapping";
import { createDerivedPoints } from "#cli/daemon/derivedPoints";
import { createStepMeans } from "#cli/daemon/stepRows";
import type { StoreWriter } from "#cli/daemon/storeWriter";
import type { DerivedPoint } from "#config/siteConfig";
import type { MessageBus } from "#domain/bus";
import type { Clock } from "#domain/clock";
import { type Observation, type PointName, type TelemetryPoint, zonePoint } from "#domain/points";

/** What comes in: messages → points → store, and the newest values of everything. */
export interface Telemetry {
  readonly intake: TelemetryIntake;
  /** Everything usable at `timeMs`; what acts over a step as the mean of the step that ends there. */
  observe(timeMs: number): Observation;
  /** The newest usable values as they are, for screens and states. */
  latest(timeMs: number): Observation;
  /** Takes what the store has, so that values from before a restart count as long as they are fresh. */
  seed(points: readonly TelemetryPoint[], nowMs: number): void;
  /** Resolves when every zone has spoken at or after `timeMs`, or after `longestMs` of real time. */
  caughtUp(timeMs: number, longestMs: number): Promise<void>;
  refusedCounts(): Readonly<Record<string, number>>;
  /** Age of the newest value, s, per point; null where none ever came. */
  readonly maxAgeS: ReadonlyMap<PointName, number>;
  /** Subscribes to the site's topics; returns the end of it. */
  connect(bus: MessageBus): Promise<() => Promise<void>>;
}

export const createTelemetry = (options: {
  readonly mappings: readonly PointMapping[];
  readonly derived: readonly DerivedPoint[];
  readonly zones: readonly string[];
  readonly stepS: number;
  /** Where steps end. */
  readonly phaseS: number;
  readonly clock: Clock;
  readonly futureToleranceS: number;
  readonly writer: StoreWriter;
  readonly onLog: (text: string) => void;
}): Telemetry => {
  const { mappings, clock, writer } = options;
  const intake = createTelemetryIntake({
    mappings,
    clock,
    onLog: options.onLog,
    futureToleranceS: options.futureToleranceS,
  });
  const derived = createDerivedPoints(options.derived);
  const maxAgeS = new Map<PointName, number>(mappings.map(({ point, maxAgeS: ageS }) => [point, ageS]));
  for (const { point, inputs } of options.derived)
    maxAgeS.set(point, Math.min(...inputs.map((input) => maxAgeS.get(input) ?? Number.POSITIVE_INFINITY)));
  const stuckInputs = new Map(options.derived.map(({ point, inputs }) => [point, inputs]));
  const isSuspect = (point: PointName): boolean => intake.isStuck(point) || (stuckInputs.get(point)?.some(isSuspect) ?? false);
  const values = createLatestValues(maxAgeS, isSuspect);
  const means = createStepMeans(options.stepS, options.phaseS);
  const newestMs = new Map<PointName, number>();
  const watched = options.zones.map((zone) => zonePoint(zone, "zoneAirTempC"));
  const waiting = new Set<() => void>();
  const allSince = (timeMs: number): boolean => watched.every((point) => (newestMs.get(point) ?? Number.NEGATIVE_INFINITY) >= timeMs);

  const take = (points: readonly TelemetryPoint[]): void => {
    const nowMs = clock.nowMs();
    values.fold(points, nowMs);
    const more = derived.derive(points, values.observe(nowMs));
    values.fold(more, nowMs);
    const all = [...points, ...more];
    means.add(all);
    for (const { point, timeMs } of all) newestMs.set(point, timeMs);
    writer.write(all);
    for (const wake of [...waiting]) wake();
  };

  return {
    intake,
    maxAgeS,
    latest: (timeMs) => values.observe(timeMs),
    observe: (timeMs) => {
      const latest = values.observe(timeMs);
      const merged = new Map(latest.values);
      // A point whose newest value does not count any more has no mean either.
      for (const [point, mean] of means.at(timeMs)) if (merged.has(point)) merged.set(point, mean);
      return { timeMs, values: merged };
    },
    seed: (points, nowMs) => {
      values.fold(points, nowMs);
      for (const { point, timeMs } of points) newestMs.set(point, timeMs);
    },
    caughtUp: (timeMs, longestMs) =>
      new Promise((resolve) => {
        if (allSince(timeMs)) {
          resolve();
          return;
        }
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        const wake = (): void => {
          if (allSince(timeMs)) done();
        };
        const timer = setTimeout(done, longestMs);
        waiting.add(wake);
      }),
    refusedCounts: () => {
      const counts: Record<string, number> = { ...derived.refused() };
      const snapshot = intake.snapshot();
      for (const { refused } of snapshot.points)
        for (const [reason, count] of Object.entries(refused)) counts[reason] = (counts[reason] ?? 0) + count;
      if (snapshot.unknownTopic > 0) counts["unknown-topic"] = snapshot.unknownTopic;
      return counts;
    },
    connect: (bus) => connectIntake(bus, intake, take),
  };
};
