import { openDuckdbStore } from "#adapters/store/duckdbStore";
import type { Decision } from "#domain/plan";
import type { ZoneSetpoints } from "#domain/setpoints";

/** An order that was answered well: from `ackMs` on it had to hold. Site time. */
export interface KeptOverride {
  readonly zone: string;
  readonly setpoints: ZoneSetpoints;
  readonly ackMs: number;
  readonly untilMs: number;
}

export interface ExpectedEffects {
  readonly overrides: readonly KeptOverride[];
  readonly limit: { readonly limitKw: number; readonly ackMs: number; readonly untilMs: number } | null;
  /** Version that was put in force, and when that was answered. */
  readonly models: readonly { readonly version: string; readonly ackMs: number }[];
  /** When learning next could put another model in force than was ordered, ms after the order. */
  readonly modelHoldsMs: number;
  /** Local calendar days, YYYY-MM-DD. */
  readonly holiday: string;
  /** Working days around the change of the clocks, and the hours of their occupancy. */
  readonly dst: { readonly before: string; readonly after: string; readonly fromHour: number; readonly toHour: number };
  readonly localOf: (timeMs: number) => { readonly date: string; readonly minute: number };
  /** No source of forecasts answered in between. */
  readonly forecastsAway: { readonly fromMs: number; readonly toMs: number } | null;
  /** Longest distance of two decisions that is not a trouble of its own, ms. */
  readonly longestGapMs: number;
  /** Times in which the daemon or the broker was away, site time. */
  readonly away: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** How exactly the clocks of daemon and campaign agree, ms. */
  readonly toleranceMs: number;
}

export interface Effects {
  readonly decisions: number;
  /** Decisions that orders acted in, and how many of them they should have acted in. */
  readonly overridden: { readonly kept: number; readonly due: number };
  readonly limited: { readonly kept: number; readonly due: number };
  readonly modelled: { readonly kept: number; readonly due: number };
  readonly holidaySteps: { readonly occupied: number; readonly heated: number; readonly seen: number };
  readonly dstSteps: { readonly wrong: number; readonly seen: number };
  readonly forecastProviders: Readonly<Record<string, number>>;
  readonly forecastsUsedWhileAway: number;
  readonly longestGapMs: number;
  readonly wrong: readonly string[];
}

const STEP_HALF = 0.5;
/** A setpoint this far above what holds while nobody is there is heating for people, K. */
const HEATED_C = 18;

const near = (a: ZoneSetpoints | undefined, b: ZoneSetpoints): boolean =>
  a !== undefined && Math.abs(a.heatingSetpointC - b.heatingSetpointC) < 0.01 && Math.abs(a.coolingSetpointC - b.coolingSetpointC) < 0.01;

/** Whether what was ordered and configured shows in what was decided, decision by decision: orders over restarts, the holiday, the change of the clocks, the forecasts that were away. */
export const effectsOf = (decisions: readonly Decision[], expected: ExpectedEffects): Effects => {
  const { overrides, limit, models, holiday, dst, localOf, toleranceMs } = expected;
  const overridden = { kept: 0, due: 0 };
  const limited = { kept: 0, due: 0 };
  const modelled = { kept: 0, due: 0 };
  const holidaySteps = { occupied: 0, heated: 0, seen: 0 };
  const dstSteps = { wrong: 0, seen: 0 };
  const forecastProviders: Record<string, number> = {};
  let forecastsUsedWhileAway = 0;
  const lingering: string[] = [];
  const isOverridden = (zone: string, timeMs: number): boolean =>
    overrides.some((one) => one.zone === zone && timeMs >= one.ackMs - toleranceMs && timeMs < one.untilMs + toleranceMs);

  for (const { timeMs, command, zoneSources = {}, plan, modelVersion, forecast, mode } of decisions) {
    for (const [zone, source] of Object.entries(zoneSources))
      if (source === "override" && !isOverridden(zone, timeMs)) lingering.push(`${zone} at ${new Date(timeMs).toISOString()}`);
    for (const { zone, setpoints, ackMs, untilMs } of overrides) {
      if (timeMs < ackMs + toleranceMs || timeMs >= untilMs - toleranceMs || mode === "shadow") continue;
      overridden.due += 1;
      if (zoneSources[zone] === "override" && near(command[zone], setpoints)) overridden.kept += 1;
    }
    if (limit !== null && timeMs >= limit.ackMs + toleranceMs && timeMs < limit.untilMs - toleranceMs) {
      limited.due += 1;
      if (plan.demandCharge?.peakSoFarW === limit.limitKw * 1_000) limited.kept += 1;
    }
    for (const { version, ackMs } of models) {
      if (timeMs < ackMs + toleranceMs || timeMs >= ackMs + expected.modelHoldsMs) continue;
      modelled.due += 1;
      if (modelVersion === version) modelled.kept += 1;
    }
    for (const [zone, { occupied }] of Object.entries(plan.comfort)) {
      occupied.forEach((is, t) => {
        const { date, minute } = localOf(plan.stepEndMs[t]! - plan.stepS * 1_000 * STEP_HALF);
        if (date === holiday) {
          holidaySteps.seen += 1;
          if (is) holidaySteps.occupied += 1;
        }
        if (date !== dst.before && date !== dst.after) return;
        dstSteps.seen += 1;
        if (is !== (minute >= dst.fromHour * 60 && minute < dst.toHour * 60)) dstSteps.wrong += 1;
      });
      const now = localOf(timeMs + plan.stepS * 1_000 * STEP_HALF);
      const pair = command[zone];
      if (now.date === holiday && now.minute >= 9 * 60 && now.minute < 16 * 60 && pair !== undefined && !isOverridden(zone, timeMs))
        if (pair.heatingSetpointC > HEATED_C) holidaySteps.heated += 1;
    }
    if (forecast !== undefined) forecastProviders[forecast.provider] = (forecastProviders[forecast.provider] ?? 0) + 1;
    const { forecastsAway } = expected;
    if (forecastsAway !== null && forecast !== undefined && forecast.issuedAtMs > forecastsAway.fromMs + toleranceMs)
      if (timeMs < forecastsAway.toMs - toleranceMs && /meteo/i.test(forecast.provider)) forecastsUsedWhileAway += 1;
  }
  let longestGapMs = 0;
  for (let k = 1; k < decisions.length; k++) {
    const [from, to] = [decisions[k - 1]!.timeMs, decisions[k]!.timeMs];
    if (expected.away.some((one) => one.fromMs < to && from < one.toMs)) continue;
    longestGapMs = Math.max(longestGapMs, to - from);
  }
  const wrong = [
    overridden.kept < overridden.due && `an override that was acknowledged did not act in ${overridden.due - overridden.kept} decisions`,
    overrides.length > 0 && overridden.due === 0 && "no override was to be seen in any decision",
    lingering.length > 0 && `an override acted that nobody had ordered or that was over (${lingering.slice(0, 3).join(", ")})`,
    limited.kept < limited.due && `the limit of demand did not act in ${limited.due - limited.kept} decisions`,
    limit !== null && limited.due === 0 && "no decision was taken under the limit of demand",
    modelled.kept < modelled.due && `a model that was put in force was not the one in ${modelled.due - modelled.kept} decisions`,
    models.length > 0 && modelled.due === 0 && "no decision was taken with a model that was put in force",
    holidaySteps.occupied > 0 && "people were expected on the holiday",
    holidaySteps.heated > 0 && `zones were heated for people in ${holidaySteps.heated} decisions of the holiday`,
    holidaySteps.seen === 0 && "no decision looked at the holiday",
    dstSteps.wrong > 0 && `around the change of the clocks people were expected at the wrong hour in ${dstSteps.wrong} steps`,
    dstSteps.seen === 0 && "no decision looked at the days around the change of the clocks",
    forecastsUsedWhileAway > 0 && "a forecast is said to be of a time in which nobody answered",
    longestGapMs > expected.longestGapMs && `${Math.round(longestGapMs / 60_000)} min without a decision although nothing was away`,
  ].filter((text) => text !== false);
  return {
    decisions: decisions.length,
    overridden,
    limited,
    modelled,
    holidaySteps,
    dstSteps,
    forecastProviders,
    forecastsUsedWhileAway,
    longestGapMs,
    wrong,
  };
};

/** Every decision of a daemon that has ended. */
export const storedDecisions = async (directory: string, fromMs: number, toMs: number): Promise<readonly Decision[]> => {
  const store = await openDuckdbStore(directory, { onWarning: () => undefined });
  try {
    const decisions: Decision[] = [];
    for await (const decision of store.decisions(fromMs, toMs)) decisions.push(decision);
    return decisions;
  } finally {
    await store.close();
  }
};
