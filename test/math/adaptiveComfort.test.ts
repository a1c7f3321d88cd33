import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adaptiveBand, runningMeanOutdoorC } from "#math/adaptiveComfort";

interface Row {
  readonly runningMeanC: number;
  readonly comfortC: number | null;
  readonly bands: Readonly<Record<string, readonly [number | null, number | null]>>;
}
const golden = JSON.parse(readFileSync(new URL("../golden/adaptiveComfort.json", import.meta.url), "utf8")) as {
  readonly en16798: readonly Row[];
  readonly ashrae55: readonly Row[];
  readonly runningMeans: readonly { readonly daysC: readonly number[]; readonly meanC: number }[];
};
/** The library rounds to a tenth. */
const ROUNDED_K = 0.05 + 1e-9;

const expectBand = (band: { lowerC: number; upperC: number } | null, [low, up]: readonly [number | null, number | null]): void => {
  if (low === null || up === null) {
    expect(band).toBeNull();
    return;
  }
  expect(Math.abs(band!.lowerC - low)).toBeLessThanOrEqual(ROUNDED_K);
  expect(Math.abs(band!.upperC - up)).toBeLessThanOrEqual(ROUNDED_K);
};

describe("adaptive comfort", () => {
  it.each(golden.en16798)("by EN 16798-1 at a running mean of $runningMeanC °C is pythermalcomfort's", ({ runningMeanC, bands }) => {
    for (const category of ["I", "II", "III"] as const)
      expectBand(adaptiveBand({ standard: "en16798", category }, runningMeanC), bands[category]!);
  });
  it.each(golden.ashrae55)("by ASHRAE 55 at a running mean of $runningMeanC °C is pythermalcomfort's", ({ runningMeanC, bands }) => {
    for (const acceptabilityPct of [80, 90] as const)
      expectBand(adaptiveBand({ standard: "ashrae55", acceptabilityPct }, runningMeanC), bands[acceptabilityPct]!);
  });
  it("is the printed equations, exactly", () => {
    const mean = 21.7;
    expect(adaptiveBand({ standard: "en16798", category: "II" }, mean)).toEqual({
      lowerC: 0.33 * mean + 18.8 - 4,
      upperC: 0.33 * mean + 18.8 + 3,
    });
    expect(adaptiveBand({ standard: "ashrae55", acceptabilityPct: 90 }, mean)).toEqual({
      lowerC: 0.31 * mean + 17.8 - 2.5,
      upperC: 0.31 * mean + 17.8 + 2.5,
    });
    expect(adaptiveBand({ standard: "en16798", category: "II" }, Number.NaN)).toBeNull();
  });
});

describe("the running mean of the outdoor temperature", () => {
  it.each(golden.runningMeans)("of $daysC is pythermalcomfort's", ({ daysC, meanC }) => {
    expect(Math.abs(runningMeanOutdoorC(daysC) - meanC)).toBeLessThanOrEqual(ROUNDED_K);
  });
  it("leaves unknown days out with their weight, takes a week at most, and is NaN where the last two days are unknown", () => {
    const unknown = Number.NaN;
    expect(runningMeanOutdoorC([10, unknown, 20])).toBeCloseTo((10 + 0.64 * 20) / 1.64, 12);
    expect(runningMeanOutdoorC([10, 10, 10, 10, 10, 10, 10, 99])).toBeCloseTo(10, 12);
    expect(runningMeanOutdoorC([unknown, unknown, 20])).toBeNaN();
    expect(runningMeanOutdoorC([])).toBeNaN();
  });
  it("lies between the coldest and the warmest day", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -40, max: 45, noNaN: true }), { minLength: 1, maxLength: 7 }), (days) => {
        const mean = runningMeanOutdoorC(days);
        expect(mean).toBeGreaterThanOrEqual(Math.min(...days) - 1e-9);
        expect(mean).toBeLessThanOrEqual(Math.max(...days) + 1e-9);
      }),
    );
  });
});
