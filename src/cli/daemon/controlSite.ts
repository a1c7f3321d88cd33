import type { BillingPeak } from "#cli/daemon/billingPeak";
import type { SiteTariff } from "#cli/daemon/siteTariff";
import { comfortSchedule, localTime, type Presence } from "#config/comfort";
import type { SiteConfig } from "#config/siteConfig";
import { type RuleStart, ruleFamily, ruleLookAround } from "#controllers/ruleBased";
import type { ControlSequence } from "#domain/planner";
import type { ControlSite } from "#loop/cycleParts";
import { defaultQualityRules } from "#loop/dataQuality";
import { defaultProtection } from "#loop/protection";

/** Longest lead of the rules that the planner compares, and with it the earliest start that it may plan, s: at least this, at most a day. */
const LEAST_LONGEST_LEAD_S = 3 * 3_600;
const DAY_S = 86_400;
/** Rows that lags and slow means of a model start from: days, so that a time constant of half a day has settled. */
const HISTORY_DAYS = 4;

/** Local wall-clock time at the site written as if it were UTC, ms. */
export const toLocalMsOf =
  (config: Pick<SiteConfig, "site">) =>
  (timeMs: number): number => {
    const { date, minute } = localTime(config.site.timeZone, timeMs);
    return Date.parse(`${date}T00:00:00Z`) + Math.round(minute * 60) * 1000;
  };

/** How long before occupancy a plan may begin to heat or cool, s: twice as early as the configured rule, and 3 h in any case. A floor that takes half a day has a rule that says so. */
export const longestLeadS = ({ control: { rule } }: Pick<SiteConfig, "control">): number =>
  Math.min(DAY_S, Math.max(LEAST_LONGEST_LEAD_S, 2 * rule.leadS));

/** The rules' plans over the coming steps; the configured one first. */
export const rulePlansOf = (
  config: SiteConfig,
  nowMs: number,
  horizonSteps: number,
  runningMeanC = Number.NaN,
  presence?: Presence,
): readonly ControlSequence[] => {
  const { stepS, rule, setback, limits } = config.control;
  const stepMs = stepS * 1000;
  const toLocalMs = toLocalMsOf(config);
  const zones = config.zones.map(({ id }) => id);
  const maxLeadSteps = Math.round(longestLeadS(config) / stepS);
  const first: RuleStart = { leadSteps: Math.round(rule.leadS / stepS), ramp: rule.ramp };
  const { before, after } = ruleLookAround(toLocalMs(nowMs + stepMs), stepS, horizonSteps, Math.max(maxLeadSteps, first.leadSteps));
  const stepEndMs = Float64Array.from({ length: before + after }, (_, j) => nowMs + (j + 1 - before) * stepMs);
  return ruleFamily(
    {
      zones,
      comfort: new Map(zones.map((zone) => [zone, comfortSchedule(config, zone, stepEndMs, runningMeanC, presence)])),
      localMs: stepEndMs.map(toLocalMs),
      offset: before,
      horizonSteps,
      setback,
      limits,
    },
    maxLeadSteps,
    first,
  );
};

/** What the control loop must know of a configured site. `deadlineMs` is real time. */
export const controlSiteOf = (
  config: SiteConfig,
  deadlineMs: number,
  tariff: Pick<SiteTariff, "outlook">,
  peak: Pick<BillingPeak, "charge">,
  outdoorMean: (nowMs: number) => number = () => Number.NaN,
  presence?: Presence,
): ControlSite => {
  const zones = config.zones.map(({ id }) => id);
  return {
    zones,
    stepS: config.control.stepS,
    horizonSteps: config.planner.horizonSteps,
    limits: config.control.limits,
    quality: { ...defaultQualityRules, scheduleIntervals: Math.ceil(config.control.unmeasuredS / config.control.stepS) },
    protection: { ...defaultProtection, ...config.control.protection },
    minimumTimes: config.control.minimumTimes,
    seed: config.planner.seed,
    historyRows: Math.round((HISTORY_DAYS * 86_400) / config.control.stepS),
    deadlineMs,
    comfort: ({ nowMs, stepEndMs }) => {
      const runningMeanC = outdoorMean(nowMs);
      return new Map(zones.map((zone) => [zone, comfortSchedule(config, zone, stepEndMs, runningMeanC, presence)]));
    },
    pricePerKwh: (stepEndMs) => tariff.outlook(stepEndMs).weighedPerKwh,
    tariff: tariff.outlook,
    demandCharge: peak.charge,
    ...(config.planner.equipment === null ? {} : { equipment: config.planner.equipment }),
    toLocalMs: toLocalMsOf(config),
    candidates: ({ nowMs, stepEndMs }) => ({
      rulePlans: rulePlansOf(config, nowMs, stepEndMs.length, outdoorMean(nowMs), presence),
      otherPlans: [],
    }),
  };
};
