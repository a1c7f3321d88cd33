import { describe, expect, it } from "vitest";
import { type DashboardFigures, missedDashboardLimits } from "#cli/rehearsal/dashboardLimits";

describe("limits of the dashboard under load", () => {
  const good: DashboardFigures = { firstViewMs: 900, delayP95S: 0.4, ticks: 40, lateTicks: 0, lateTicksWithout: 0, memoryMbPerMinute: 0.3 };
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
  });
  it("are missed where a figure is not a number", () => {
    expect(missed({ firstViewMs: Number.NaN, delayP95S: Number.NaN, memoryMbPerMinute: Number.NaN })).toHaveLength(3);
  });
});
