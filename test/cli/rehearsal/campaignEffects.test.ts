import { describe, expect, it } from "vitest";
import { type ExpectedEffects, effectsOf } from "#cli/rehearsal/campaignEffects";
import type { Decision } from "#domain/plan";

const HOUR = 3_600_000;
const STEP = 900_000;
const dayMs = Date.UTC(2026, 2, 4);
const isWorkday = (timeMs: number): boolean => {
  const hour = (timeMs % (24 * HOUR)) / HOUR;
  return hour >= 7 && hour < 18;
};
const localOf = (timeMs: number) => ({ date: new Date(timeMs).toISOString().slice(0, 10), minute: (timeMs % (24 * HOUR)) / 60_000 });

/** Three days of decisions, a step apart, as they should be: a holiday on the second, a limit on the third, one override. */
const decided = (change: (timeMs: number) => Partial<Decision> & { readonly occupied?: boolean } = () => ({})): Decision[] =>
  Array.from({ length: 3 * 96 }, (_, k) => {
    const timeMs = dayMs + k * STEP;
    const isHoliday = timeMs >= dayMs + 24 * HOUR && timeMs < dayMs + 48 * HOUR;
    const isOverridden = timeMs >= dayMs + 10 * HOUR && timeMs < dayMs + 12 * HOUR;
    const isLimited = timeMs >= dayMs + 54 * HOUR && timeMs < dayMs + 57 * HOUR;
    const { occupied = isWorkday(timeMs) && !isHoliday, ...more } = change(timeMs);
    return {
      timeMs,
      modelVersion: "m1",
      command: {
        a: isOverridden ? { heatingSetpointC: 22, coolingSetpointC: 25 } : { heatingSetpointC: occupied ? 21 : 16, coolingSetpointC: 26 },
      },
      zoneSources: isOverridden ? { a: "override" } : {},
      forecast: { provider: "openMeteo", issuedAtMs: timeMs - HOUR },
      plan: {
        stepS: 900,
        stepEndMs: [timeMs + STEP],
        comfort: { a: { lowerC: [21], upperC: [24], occupied: [occupied] } },
        ...(isLimited ? { demandCharge: { pricePerKw: 10, peakSoFarW: 6_000 } } : {}),
      },
      ...more,
    } as unknown as Decision;
  });
const expected: ExpectedEffects = {
  overrides: [
    { zone: "a", setpoints: { heatingSetpointC: 22, coolingSetpointC: 25 }, ackMs: dayMs + 10 * HOUR - 1, untilMs: dayMs + 12 * HOUR - 1 },
  ],
  limit: { limitKw: 6, ackMs: dayMs + 54 * HOUR - 1, untilMs: dayMs + 57 * HOUR - 1 },
  models: [{ version: "m1", ackMs: dayMs }],
  modelHoldsMs: 12 * HOUR,
  holiday: "2026-03-05",
  dst: { before: "2026-03-04", after: "2026-03-06", fromHour: 7, toHour: 18 },
  localOf,
  forecastsAway: null,
  longestGapMs: STEP,
  away: [],
  toleranceMs: 0,
};

describe("the effects of a campaign's orders", () => {
  it("are counted decision by decision where all is as it should be", () => {
    const effects = effectsOf(decided(), expected);
    expect(effects.wrong).toEqual([]);
    expect(effects).toMatchObject({
      decisions: 288,
      overridden: { kept: 8, due: 8 },
      limited: { kept: 12, due: 12 },
      modelled: { kept: 48, due: 48 },
      holidaySteps: { occupied: 0, heated: 0, seen: 96 },
      dstSteps: { wrong: 0, seen: 192 },
      forecastProviders: { openMeteo: 288 },
    });
  });

  const at = (hour: number, change: Partial<Decision> & { readonly occupied?: boolean }) => (timeMs: number) =>
    timeMs === dayMs + hour * HOUR ? change : {};
  it.each<[string, (timeMs: number) => Partial<Decision> & { readonly occupied?: boolean }, RegExp]>([
    ["an override that a restart forgot", at(11, { zoneSources: {} }), /acknowledged did not act in 1 decision/],
    ["an override with other setpoints", at(11, { command: { a: { heatingSetpointC: 21, coolingSetpointC: 25 } } }), /did not act in 1/],
    ["an override that goes on", at(12, { zoneSources: { a: "override" } }), /nobody had ordered or that was over \(a at 2026-03-04T12/],
    ["a limit that is forgotten", at(55, { plan: decided()[0]!.plan }), /limit of demand did not act in 1/],
    ["another model than the one put in force", at(3, { modelVersion: "m0" }), /not the one in 1/],
    ["people on the holiday", at(34, { occupied: true }), /people were expected on the holiday/],
    [
      "heating for people on the holiday",
      at(34, { command: { a: { heatingSetpointC: 21, coolingSetpointC: 26 } } }),
      /heated for people in 1/,
    ],
    ["an hour too early after the change of the clocks", at(48 + 6, { occupied: true }), /wrong hour in 1/],
  ])("show %s", (_, change, words) => {
    const { wrong } = effectsOf(decided(change), expected);
    expect(wrong.join("; ")).toMatch(words);
  });

  it("show a gap that nothing explains, and a forecast of a time in which nobody answered", () => {
    const gap = decided().filter(({ timeMs }) => timeMs < dayMs + 20 * HOUR || timeMs > dayMs + 21 * HOUR);
    expect(effectsOf(gap, expected).wrong).toEqual(["90 min without a decision although nothing was away"]);
    const away = [{ fromMs: dayMs + 20 * HOUR, toMs: dayMs + 21 * HOUR }];
    expect(effectsOf(gap, { ...expected, away }).wrong).toEqual([]);
    const forecastsAway = { fromMs: dayMs + 12 * HOUR, toMs: dayMs + 30 * HOUR };
    expect(effectsOf(decided(), { ...expected, forecastsAway }).wrong).toEqual([
      "a forecast is said to be of a time in which nobody answered",
    ]);
  });
});
