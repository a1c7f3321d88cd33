import { rulePlansOf, toLocalMsOf } from "#cli/daemon/controlSite";
import { comfortSchedule, type Presence } from "#config/comfort";
import type { ComfortConfig, SiteConfig } from "#config/siteConfig";
import type { WhatIfPlan, WhatIfQuestion, WhatIfView } from "#dashboards/server/wire";
import { configurationError, unavailableError } from "#domain/errors";
import type { Decision, Plan, PredictedPlan } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";

/** Steps that the planner looks beyond the horizon for, at most: a day. */
const BEYOND_MS = 86_400_000;

/** The comfort that the question asks about, in place of the configured one. */
const changedComfort = (comfort: ComfortConfig, { lowerShiftK, upperShiftK, occupancy }: WhatIfQuestion): ComfortConfig => {
  const occupied = { lowerC: comfort.occupied.lowerC + lowerShiftK, upperC: comfort.occupied.upperC + upperShiftK };
  if (!(occupied.lowerC < occupied.upperC))
    throw configurationError(`A band from ${occupied.lowerC} to ${occupied.upperC} °C is none.`, { todo: "Move its edges less far." });
  const isMoved = lowerShiftK !== 0 || upperShiftK !== 0;
  const common = {
    ...comfort,
    occupied,
    // The weather's band is not the configured one: whoever moves the edges means fixed ones.
    adaptive: isMoved ? null : comfort.adaptive,
    // An unoccupied band is never the narrower one.
    unoccupied: {
      lowerC: Math.min(comfort.unoccupied.lowerC, occupied.lowerC),
      upperC: Math.max(comfort.unoccupied.upperC, occupied.upperC),
    },
  };
  if (occupancy === "empty") return { ...common, week: comfort.week.map(() => []) };
  if (occupancy === "occupied") return { ...common, holidays: [], week: comfort.week.map(() => [{ startMinute: 0, endMinute: 1440 }]) };
  return common;
};

/** A copy of `request` with the wishes changed; what was measured, forecast and in force stays. */
export const changedRequest = (
  config: SiteConfig,
  request: PlanRequest,
  question: WhatIfQuestion,
  runningMeanC: number,
  presence?: Presence,
): PlanRequest => {
  const horizonSteps = Math.min(question.horizonSteps ?? request.horizonSteps, request.horizonSteps);
  const changed: SiteConfig = {
    ...config,
    zones: config.zones.map((zone) => ({ ...zone, comfort: changedComfort(zone.comfort, question) })),
  };
  // Who says that nobody comes, or that somebody is there, knows better than what was learned.
  const present = question.occupancy === "scheduled" ? presence : undefined;
  const stepMs = request.stepS * 1000;
  const rows = horizonSteps + Math.round(BEYOND_MS / stepMs);
  const stepEndMs = Float64Array.from({ length: rows }, (_, t) => request.nowMs + (t + 1) * stepMs);
  return {
    ...request,
    horizonSteps,
    localMs: stepEndMs.slice(0, horizonSteps).map(toLocalMsOf(config)),
    comfort: new Map(request.zones.map((zone) => [zone, comfortSchedule(changed, zone, stepEndMs, runningMeanC, present)])),
    pricePerKwh: request.pricePerKwh.slice(0, horizonSteps).map((price) => price * question.priceFactor),
    rulePlans: rulePlansOf(changed, request.nowMs, horizonSteps, runningMeanC, present),
    otherPlans: [],
    previousPlan: null,
  };
};

const planView = (plan: Plan, steps: number): WhatIfPlan => {
  const { chosen, stepS, comfort } = plan;
  const hours = stepS / 3600;
  const powerW = chosen.powerW.slice(0, steps);
  const pricePerKwh = (plan.weighedPerKwh ?? plan.pricePerKwh).slice(0, steps);
  const isPredicted = powerW.length === steps && steps > 0;
  return {
    source: plan.source,
    reason: plan.reason,
    energyKwh: isPredicted ? powerW.reduce((sum, watts) => sum + (watts * hours) / 1000, 0) : null,
    energyCost: isPredicted ? powerW.reduce((sum, watts, t) => sum + ((watts * hours) / 1000) * (pricePerKwh[t] ?? 0), 0) : null,
    peakKw: isPredicted ? Math.max(...powerW) / 1000 : null,
    discomfortKh: isPredicted ? discomfortKh(chosen, comfort, steps, hours) : null,
    powerW,
    pricePerKwh,
    zones: Object.fromEntries(
      Object.entries(chosen.zones).map(([zone, own]) => {
        const wanted = comfort[zone];
        return [
          zone,
          {
            heatingSetpointC: own.heatingSetpointC.slice(0, steps),
            coolingSetpointC: own.coolingSetpointC.slice(0, steps),
            meanC: own.meanC.slice(0, steps),
            stdDevK: own.stdDevK.slice(0, steps),
            lowerC: wanted?.lowerC.slice(0, steps) ?? [],
            upperC: wanted?.upperC.slice(0, steps) ?? [],
            occupied: wanted?.occupied.slice(0, steps) ?? [],
          },
        ];
      }),
    ),
  };
};

/** Σ over zones and occupied steps of the distance of the expected temperature outside the band × step length, K·h. */
const discomfortKh = (chosen: PredictedPlan, comfort: Plan["comfort"], steps: number, hours: number): number => {
  let total = 0;
  for (const [zone, { meanC }] of Object.entries(chosen.zones)) {
    const wanted = comfort[zone];
    if (wanted === undefined) continue;
    for (let t = 0; t < Math.min(steps, meanC.length); t++)
      if (wanted.occupied[t] === true) total += Math.max(0, wanted.lowerC[t]! - meanC[t]!, meanC[t]! - wanted.upperC[t]!) * hours;
  }
  return total;
};

export interface WhatIf {
  /** What the newest decision was made from. */
  remember(decisionId: string, request: PlanRequest): void;
  /** Ends the question that is being planned with the best plan so far: a decision waits for nobody. */
  yieldToControl(): void;
  ask(question: WhatIfQuestion): Promise<WhatIfView>;
}

/**
 * Plans what other wishes would lead to, with the planner at work and from a copy of what the newest decision was made from. Nothing is sent, stored or kept for the next decision.
 * It takes no longer than a decision, and ends at once where a decision begins. Refused with an `IsothermError` where there is no model or nothing was decided yet.
 */
export const createWhatIf = (parts: {
  readonly config: SiteConfig;
  /** The newest one that was stored. */
  readonly decision: () => Decision | null;
  readonly use: <T>(work: (planner: Planner | null) => Promise<T>) => Promise<T>;
  readonly runningMeanC: (nowMs: number) => number;
  /** What was learned of who is there when; undefined: the schedule alone. */
  readonly presence: () => Presence | undefined;
  /** Real time for one question, ms. */
  readonly limitMs: number;
}): WhatIf => {
  let newest: { readonly id: string; readonly request: PlanRequest } | null = null;
  let underWay: AbortController | null = null;
  return {
    remember: (id, request) => {
      newest = { id, request };
    },
    yieldToControl: () => underWay?.abort(),
    ask: async (question) => {
      const decision = parts.decision();
      if (newest === null || decision?.id !== newest.id)
        throw unavailableError("Nothing has been decided yet, or a decision is just being made.", { todo: "Ask again in a moment." });
      const { plan } = decision;
      const { id, request } = newest;
      const changed = changedRequest(parts.config, request, question, parts.runningMeanC(request.nowMs), parts.presence());
      const controller = new AbortController();
      underWay = controller;
      const timer = setTimeout(() => controller.abort(), parts.limitMs);
      const startMs = performance.now();
      try {
        const answer = await parts.use((planner) => {
          if (planner === null)
            throw unavailableError("There is no model yet that could predict anything.", { todo: "Ask again once it has learnt." });
          return planner.plan(changed, controller.signal);
        });
        return {
          decisionId: id,
          issuedAtMs: plan.issuedAtMs,
          stepS: plan.stepS,
          stepEndMs: answer.stepEndMs,
          question,
          inForce: planView(plan, changed.horizonSteps),
          changed: planView(answer, changed.horizonSteps),
          samples: answer.diagnostics.numSamples,
          tookMs: performance.now() - startMs,
        };
      } finally {
        clearTimeout(timer);
        underWay = null;
      }
    },
  };
};
