import type { ZoneFigures } from "#loop/coverageWindow";
import type { ZoneDoubt } from "#loop/modelDoubt";
import { defaultMonitorLimits, type MonitorLimits } from "#loop/modelMonitor";
import type { ControlMode } from "#loop/supervisor";

/** Who lets a site go live once its model has proved itself: a person who is asked, or the daemon itself. */
export type GoLive = "ask" | "auto";

/** What is kept over restarts. */
export interface CommissioningState {
  /** When commanding began, or a person decided about the mode; null: that is still to come. */
  readonly overMs: number | null;
  /** Since when each zone has been predicted as well as is claimed. */
  readonly goodSinceMs: Readonly<Record<string, number>>;
  /** The last time that it was looked at. */
  readonly seenMs: number | null;
}
export const notCommissioned: CommissioningState = { overMs: null, goodSinceMs: {}, seenMs: null };

export interface ZoneReadiness {
  readonly zone: string;
  readonly isReady: boolean;
  /** What has been seen, or what is missing, in words. */
  readonly text: string;
}

export interface CommissioningParts {
  readonly zones: readonly string[];
  readonly goLive: GoLive;
  /** How true the model in use has been: figures are empty before there is one. */
  readonly monitor: {
    figures(): readonly (ZoneFigures & { readonly heldOutRmseK: number | null })[];
    doubted(): readonly ZoneDoubt[];
  };
  /** Whether the model in use has been learned from fewer days than a model is trusted with unseen; null: there is none. */
  readonly isProvisional: () => boolean | null;
  readonly modes: { readonly mode: ControlMode; modeOf(zone: string): ControlMode };
  /** Makes auto the mode of the building. */
  readonly setAuto: (nowMs: number, reason: string) => Promise<void>;
  /** Asks people (true), or takes the question back. */
  readonly ask: (isReady: boolean, text: string, nowMs: number) => Promise<void>;
  readonly initial?: CommissioningState;
  readonly onChange: (state: CommissioningState) => void;
  readonly limits?: Pick<MonitorLimits, "lowestCoverage" | "driftFactor" | "enoughSteps">;
  /** How long all must be well without a break: every hour of the day once. */
  readonly goodForMs?: number;
}

export interface Commissioning {
  /** To be called once per control step, after the monitor's. */
  step(nowMs: number): Promise<void>;
  /** A person ordered a mode: what they decided stands. */
  ordered(nowMs: number): void;
  /** Zones that may not be planned yet although isotherm commands them, and why: the model is of the first days and has not proved itself there. */
  heldBack(): ReadonlyMap<string, string>;
  readiness(): readonly ZoneReadiness[];
  /** For the status line while the site is in shadow mode; null where there is nothing to say. */
  text(): string | null;
}

const DAY_MS = 86_400_000;
/** A pause of the daemon beyond this starts the count anew. */
const LONGEST_GAP_MS = 2 * 3_600_000;
const pct = (fraction: number): string => `${Math.round(100 * fraction)} %`;

/**
 * The first days of a site. A model that stands on a prior and hours of data plans in shadow mode only; a zone is ready once, for a day on end, its predictions came true as often
 * as they claim (coverage of the 90 % interval, error against the held-out one, no doubt). When every zone is ready a person is asked to let isotherm
 * command, or it begins by itself (`goLive`), once: a mode that a person orders afterwards stands.
 */
export const createCommissioning = (parts: CommissioningParts): Commissioning => {
  const limits = parts.limits ?? defaultMonitorLimits;
  const goodForMs = parts.goodForMs ?? DAY_MS;
  let { overMs } = parts.initial ?? notCommissioned;
  let seenMs = parts.initial?.seenMs ?? null;
  const goodSince = new Map(Object.entries(parts.initial?.goodSinceMs ?? {}).filter(([zone]) => parts.zones.includes(zone)));
  let latest: readonly ZoneReadiness[] = [];
  /** Nothing hangs on it any more once isotherm commands with a model of enough days. */
  const matters = (): boolean => overMs === null || parts.isProvisional() !== false;
  const keep = (): void => parts.onChange({ overMs, goodSinceMs: Object.fromEntries(goodSince), seenMs });

  /** What speaks against the zone now; null: nothing. */
  const objection = (zone: string): string | null => {
    const isProvisional = parts.isProvisional();
    if (isProvisional === null) return "there is no model yet";
    const doubt = parts.monitor.doubted().find((one) => one.zone === zone);
    if (doubt !== undefined) return `its last ${doubt.steps} steps ended ${doubt.rmsZ.toFixed(1)} times as far off as claimed`;
    const figures = parts.monitor.figures().find((one) => one.zone === zone);
    const { samples = 0, coverage90Fraction = null, rmseK = null, heldOutRmseK = null } = figures ?? {};
    if (coverage90Fraction === null || rmseK === null) {
      // A zone that stands on its setpoints gives no more samples; days of data and no doubt must do there.
      return isProvisional ? `${samples} of ${limits.enoughSteps} steps off the setpoint seen` : null;
    }
    if (coverage90Fraction < limits.lowestCoverage) return `only ${pct(coverage90Fraction)} of ${samples} steps ended in the 90 % band`;
    if (heldOutRmseK !== null && rmseK > limits.driftFactor * heldOutRmseK)
      return `${rmseK.toFixed(2)} K off a step, ${heldOutRmseK.toFixed(2)} K claimed`;
    return null;
  };

  const judge = (zone: string, nowMs: number): ZoneReadiness => {
    const against = objection(zone);
    if (against !== null) {
      goodSince.delete(zone);
      return { zone, isReady: false, text: against };
    }
    const since = goodSince.get(zone) ?? nowMs;
    goodSince.set(zone, since);
    const goodMs = nowMs - since;
    const hours = (ms: number): string => `${Math.floor(ms / 3_600_000)} h`;
    return goodMs >= goodForMs
      ? { zone, isReady: true, text: `right for ${hours(goodMs)}` }
      : { zone, isReady: false, text: `right for ${hours(goodMs)} of ${hours(goodForMs)}` };
  };

  const isWaiting = (): boolean => overMs === null && parts.modes.mode === "shadow";
  const allReady = (): boolean => latest.length > 0 && latest.every(({ isReady }) => isReady);

  return {
    step: async (nowMs) => {
      // Nobody watched meanwhile.
      if (seenMs !== null && nowMs - seenMs > LONGEST_GAP_MS) goodSince.clear();
      seenMs = nowMs;
      latest = parts.zones.map((zone) => judge(zone, nowMs));
      const mattered = matters();
      if (parts.modes.mode === "auto") overMs ??= nowMs;
      if (mattered) keep();
      const text = `The predictions of all ${latest.length} zones have come true for ${Math.round(goodForMs / 3_600_000)} hours as often as they claim: isotherm is ready to command the building.`;
      if (isWaiting() && allReady() && parts.goLive === "auto") {
        overMs = nowMs;
        keep();
        await parts.setAuto(nowMs, text);
      }
      await parts.ask(isWaiting() && allReady(), text, nowMs);
    },
    ordered: (nowMs) => {
      if (overMs !== null) return;
      overMs = nowMs;
      keep();
    },
    heldBack: () => {
      if (parts.isProvisional() !== true) return new Map();
      const waiting = latest.filter(({ zone, isReady }) => !isReady && parts.modes.modeOf(zone) === "auto");
      return new Map(waiting.map(({ zone, text }) => [zone, `the model is of the first days and has to prove itself first (${text})`]));
    },
    readiness: () => latest,
    text: () => {
      if (!isWaiting() || latest.length === 0) return null;
      const ready = latest.filter(({ isReady }) => isReady).length;
      const next = latest.find(({ isReady }) => !isReady);
      return next === undefined
        ? "Shadow mode: setpoints are only proposed. The model has proved itself; auto may be ordered."
        : `Shadow mode: setpoints are only proposed. ${ready} of ${latest.length} zones are ready for auto (${next.zone}: ${next.text}).`;
    },
  };
};
