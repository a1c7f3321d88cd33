import { describe, expect, it } from "vitest";
import { type DashboardFigures, missedDashboardLimits } from "#cli/rehearsal/dashboardLimits";
import { slopeOf } from "#cli/rehearsal/dashboardLive";

describe("limits of the dashboard under load", () => {
  const good: DashboardFigures = {
    firstViewMs: 900,
    delayP95S: 0.4,
    ticks: 40,
    lateTicks: 0,
    lateTicksWithout: 0,
    memoryMbPerMinute: 0.3,
    memoryMbPerMinuteWithout: 0,
  };
  const missed = (figures: Partial<DashboardFigures>): readonly string[] => missedDashboardLimits({ ...good, ...figures });

  it("are kept up to 1.5 s of first view, 1 s of delay and 2 MB a minute", () => {
    expect(missed({})).toEqual([]);
    expect(missed({ firstViewMs: 1_500, delayP95S: 1, memoryMbPerMinute: 2, lateTicks: 3, lateTicksWithout: 3 })).toEqual([]);
    expect(missed({ firstViewMs: null, memoryMbPerMinute: -4 })).toEqual([]);
  });
  it("are missed beyond, each named", () => {
    expect(missed({ firstViewMs: 1_501 })).toEqual([expect.stringMatching(/First view after 1501 ms/)]);
    expect(missed({ delayP95S: 1.2 })).toEqual([expect.stringMatching(/1\.20 s late/)]);
    expect(missed({ ticks: 0 })).toEqual([expect.stringMatching(/No control tick/)]);
    expect(missed({ lateTicks: 1 })).toEqual([expect.stringMatching(/1 control ticks .* 0 without/)]);
    expect(missed({ memoryMbPerMinute: 2.1 })).toEqual([expect.stringMatching(/Memory grows/)]);
    // What the building's own history takes is not the viewers'; memory that one viewer saw given back counts for nothing.
    expect(missed({ memoryMbPerMinute: 3.5, memoryMbPerMinuteWithout: 1.9 })).toEqual([]);
    expect(missed({ memoryMbPerMinute: 2.1, memoryMbPerMinuteWithout: -3 })).toEqual([expect.stringMatching(/Memory grows/)]);
    expect(missed({ memoryMbPerMinuteWithout: Number.NaN })).toHaveLength(1);
  });
  it("are missed where a figure is not a number", () => {
    expect(missed({ firstViewMs: Number.NaN, delayP95S: Number.NaN, memoryMbPerMinute: Number.NaN })).toHaveLength(3);
  });
});

describe("the slope of memory", () => {
  it("is that of a line, and a moment's peak at the end does not bend it", () => {
    const line = Array.from({ length: 120 }, (_, i) => [i / 12, 360 + (0.4 * i) / 12] as const);
    expect(slopeOf(line)).toBeCloseTo(0.4, 9);
    const peaked = line.map(([x, y], i) => [x, i > 112 ? y + 115 : y] as const);
    expect(Math.abs(slopeOf(peaked) - 0.4)).toBeLessThan(0.1);
    // A leak of every event is a line as well.
    expect(slopeOf(line.map(([x]) => [x, 360 + 5 * x] as const))).toBeCloseTo(5, 9);
  });
});
