import type { Decision } from "#domain/plan";
import type { ProbeAllowance } from "#domain/planner";

export interface ProbeLimits {
  /** What probes may be predicted to cost within a day, as a share of what energy was planned to cost in that day. */
  readonly share: number;
  /** Rest of a zone between two probes, ms. */
  readonly restMs: number;
}

export const defaultProbeLimits: ProbeLimits = { share: 0.002, restMs: 7_200_000 };

/** Keeps the accounts of probing (small setpoint moves that teach the model): what the last day's energy cost, and what was spent of it on learning. */
export interface ProbeLedger {
  decided(decision: Decision): void;
  /** What may be tried now; null: nothing, because the budget is spent or no day's energy is known yet. */
  allowance(nowMs: number): ProbeAllowance | null;
}

const DAY_MS = 86_400_000;

interface Entry {
  readonly timeMs: number;
  readonly energyCost: number;
  readonly probeCost: number;
  readonly zone: string | null;
}

/**
 * budget(t) = share · Σ_{last 24 h} price_0 P_0 h − Σ_{last 24 h} ΔJ of the probes, over the decisions that were carried out; a zone rests two hours after a
 * probe of its own. It begins with half a day of decisions, and anew with every start: a restart can spend at most another day's share.
 */
export const createProbeLedger = (limits: ProbeLimits = defaultProbeLimits): ProbeLedger => {
  let entries: Entry[] = [];
  return {
    decided: ({ timeMs, plan, mode }) => {
      if (mode === "shadow") return;
      const powerW = plan.chosen.powerW[0];
      const price = (plan.weighedPerKwh ?? plan.pricePerKwh)[0];
      const energyCost = powerW === undefined || price === undefined ? 0 : (price * powerW * plan.stepS) / 3_600_000;
      const { probe } = plan;
      entries.push({
        timeMs,
        energyCost: Math.max(0, energyCost),
        probeCost: probe === undefined ? 0 : probe.cost,
        zone: probe === undefined ? null : probe.zone,
      });
    },
    allowance: (nowMs) => {
      entries = entries.filter(({ timeMs }) => timeMs > nowMs - DAY_MS && timeMs <= nowMs);
      const first = entries[0];
      if (first === undefined || nowMs - first.timeMs < DAY_MS / 2) return null;
      const energy = entries.reduce((sum, { energyCost }) => sum + energyCost, 0);
      const spent = entries.reduce((sum, { probeCost }) => sum + probeCost, 0);
      const budget = limits.share * energy - spent;
      if (!(budget > 0)) return null;
      const excluded = entries.flatMap(({ timeMs, zone }) => (zone !== null && timeMs > nowMs - limits.restMs ? [zone] : []));
      return { budget, excludedZones: [...new Set(excluded)] };
    },
  };
};
