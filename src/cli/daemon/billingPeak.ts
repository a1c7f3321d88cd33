import { stepEndOf } from "#cli/daemon/stepRows";
import type { SiteConfig } from "#config/siteConfig";
import type { DemandCharge, PeakCounted } from "#domain/demandCharge";
import type { Decision } from "#domain/plan";
import { buildingPoint, type PointName, type TelemetryPoint } from "#domain/points";
import type { DecisionStore, StoreChange, TelemetryStore } from "#domain/store";
import type { HistoryBuffer } from "#loop/historyBuffer";
import { billingStartMs } from "#math/localInstants";

const DAY_MS = 86_400_000;
/** What meters count: the mean over a quarter-hour, or over a control step where that is longer. */
const WINDOW_S = 900;
/** Values may come so late; an older window is closed. */
const LATE_MS = 3_600_000;
/** Days back that the building's other load is looked for. */
const DAYS_BACK = 7;

export interface BillingPeakParts {
  readonly config: SiteConfig;
  readonly toLocalMs: (timeMs: number) => number;
  readonly store: Pick<TelemetryStore, "query"> & Pick<DecisionStore, "latestDecision">;
  readonly history: Pick<HistoryBuffer, "dataset">;
}

/** The highest quarter-hour of the billing period so far, and what another one would cost. */
export interface BillingPeak {
  /** Reads the period up to `nowMs` from the store; once, at the start. */
  load(nowMs: number): Promise<void>;
  /** Takes measurements as they are stored. */
  take(change: StoreChange): void;
  /** Takes what a plan expects of its first step: it counts where nothing is measured. */
  decided(decision: Decision): void;
  /** For a decision at `nowMs`; null where the peak costs nothing. */
  charge(nowMs: number, stepEndMs: ArrayLike<number>): DemandCharge | null;
}

interface Peak extends Pick<PeakCounted, "basis" | "windowEndMs"> {
  readonly peakW: number;
}
const NONE: Peak = { peakW: 0, basis: "none" };

interface Window {
  sum: number;
  count: number;
  predictedW: number | null;
}

/** Which point the peak is of: the whole building's meter where there is one, else HVAC's; and whether it is measured or computed from others. */
export const peakPoint = ({
  building,
  points,
  derived,
}: SiteConfig): { readonly point: PointName; readonly basis: "meter" | "derived" | "predicted" } => {
  const [whole, hvac] = [buildingPoint("powerW"), buildingPoint("hvacPowerW")];
  for (const point of [whole, hvac]) {
    if (points.some((source) => source.point === point)) return { point, basis: "meter" };
    if (derived.some((one) => one.point === point)) return { point, basis: "derived" };
  }
  return { point: hvac, basis: building.kind === "embedded" ? "meter" : "predicted" };
};

/** Nothing is read and nothing is charged where the site pays no demand charge, or another objective than the bill is followed. */
const noPeak: BillingPeak = { load: async () => undefined, take: () => undefined, decided: () => undefined, charge: () => null };

/**
 * Keeps the billing period's peak: means of the stored values over quarter-hours of the clock, the highest of those that have ended since the period began (local midnight of `billingDay`). It
 * survives a restart twice over: the store has the values, and the newest decision the peak that it was made with (for when values are kept shorter than a month).
 */
export const createBillingPeak = ({ config, toLocalMs, store, history }: BillingPeakParts): BillingPeak => {
  const { tariff, objective } = config.planner;
  if (tariff.demandChargePerKw === 0 || objective !== "bill") return noPeak;
  const { point, basis } = peakPoint(config);
  const windowS = Math.max(WINDOW_S, config.control.stepS);
  const windows = new Map<number, Window>();
  let periodStartMs = Number.NEGATIVE_INFINITY;
  let closed: Peak = NONE;

  const windowAt = (timeMs: number): Window => {
    const endMs = stepEndOf(timeMs, windowS);
    let window = windows.get(endMs);
    if (window === undefined) {
      window = { sum: 0, count: 0, predictedW: null };
      windows.set(endMs, window);
    }
    return window;
  };
  const add = ({ point: name, timeMs, value }: TelemetryPoint): void => {
    if (name !== point || !Number.isFinite(value)) return;
    const window = windowAt(timeMs);
    window.sum += value;
    window.count++;
  };
  const beginPeriod = (nowMs: number): void => {
    const startMs = billingStartMs(nowMs, tariff.billingDay, toLocalMs);
    if (startMs === periodStartMs) return;
    periodStartMs = startMs;
    closed = NONE;
  };
  /** The peak over windows that have ended; those that may still change stay open. */
  const peakAt = (nowMs: number): Peak => {
    beginPeriod(nowMs);
    let best = closed;
    for (const [endMs, { sum, count, predictedW }] of [...windows]) {
      if (endMs > nowMs) continue;
      const valueW = count > 0 ? sum / count : predictedW;
      const one: Peak = { peakW: valueW ?? 0, basis: count > 0 ? basis : "predicted", windowEndMs: endMs };
      const isOld = endMs <= nowMs - LATE_MS;
      if (endMs > periodStartMs) {
        if (isOld && one.peakW > closed.peakW) closed = one;
        if (one.peakW > best.peakW) best = one;
      }
      if (isOld) windows.delete(endMs);
    }
    return best;
  };

  /** What the building draws beside HVAC, from the same time of the newest earlier day; its newest value where there is none, absent where nobody knows. */
  const otherLoad = (nowMs: number, stepEndMs: ArrayLike<number>): readonly number[] | undefined => {
    if (point !== buildingPoint("powerW")) return undefined;
    const { timesMs, columns } = history.dataset(nowMs - (DAYS_BACK + 1) * DAY_MS);
    const [whole, hvac] = [columns.get(point), columns.get(buildingPoint("hvacPowerW"))];
    if (whole === undefined || hvac === undefined) return undefined;
    const others = new Map<number, number>();
    let newest = 0;
    timesMs.forEach((timeMs, i) => {
      const other = whole[i]! - hvac[i]!;
      if (!Number.isFinite(other)) return;
      newest = Math.max(0, other);
      others.set(timeMs, newest);
    });
    return Array.from(stepEndMs, (endMs) => {
      for (let days = 1; days <= DAYS_BACK; days++) {
        const other = others.get(endMs - days * DAY_MS);
        if (other !== undefined) return other;
      }
      return newest;
    });
  };

  return {
    load: async (nowMs) => {
      beginPeriod(nowMs);
      // A day at a time: a month of minutes would fill the memory.
      for (let fromMs = periodStartMs + 1; fromMs <= nowMs; fromMs += DAY_MS) {
        const toMs = Math.min(nowMs + 1, fromMs + DAY_MS);
        for await (const value of store.query([point], fromMs, toMs)) add(value);
        peakAt(toMs - 1);
      }
      const before = await store.latestDecision();
      const charge = before?.plan.demandCharge;
      if (charge?.counted === undefined || charge.counted.basis === "contract") return;
      const { point: countedPoint, periodStartMs: countedFromMs, ...how } = charge.counted;
      if (countedPoint !== point || countedFromMs !== periodStartMs) return;
      if (charge.peakSoFarW > closed.peakW) closed = { ...how, peakW: charge.peakSoFarW };
    },
    take: (change) => {
      if (change.kind === "telemetry") for (const value of change.points) add(value);
    },
    decided: ({ plan, mode }) => {
      const [endMs, powerW] = [plan.stepEndMs[0], plan.chosen.powerW[0]];
      if (endMs === undefined || powerW === undefined || mode === "shadow") return;
      const window = windowAt(endMs);
      window.predictedW = Math.max(window.predictedW ?? 0, powerW + (plan.demandCharge?.otherLoadW?.[0] ?? 0));
    },
    charge: (nowMs, stepEndMs) => {
      const best = peakAt(nowMs);
      const floorW = tariff.demandFloorKw * 1000;
      const other = otherLoad(nowMs, stepEndMs);
      const { peakW, ...how } = floorW > best.peakW ? { peakW: floorW, basis: "contract" as const } : best;
      return {
        pricePerKw: tariff.demandChargePerKw,
        peakSoFarW: peakW,
        ...(other === undefined ? {} : { otherLoadW: other }),
        counted: { point, ...how, periodStartMs },
      };
    },
  };
};
