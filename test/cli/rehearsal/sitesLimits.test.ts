import { describe, expect, it } from "vitest";
import { MEMORY_PER_BUILDING_LIMIT_MB, missedLimits, type SitesFigures, TICK_LATENESS_P99_LIMIT_S } from "#cli/rehearsal/sitesLimits";

describe("limits of many buildings in one daemon", () => {
  const good: SitesFigures = { tickLatenessP99S: 0.2, memoryPerBuildingMb: 41, ticks: 800, healthy: true };
  const missed = (figures: Partial<SitesFigures>): readonly string[] => missedLimits({ ...good, ...figures });

  it("are kept up to 5 s at the 99th percentile and below 60 MB a building", () => {
    expect(missed({})).toEqual([]);
    expect(missed({ tickLatenessP99S: TICK_LATENESS_P99_LIMIT_S })).toEqual([]);
    expect(missed({ memoryPerBuildingMb: MEMORY_PER_BUILDING_LIMIT_MB - 0.01 })).toEqual([]);
  });
  it("are missed beyond, each named with what was measured and what was wanted", () => {
    expect(missed({ tickLatenessP99S: 5.01 })).toEqual(["Tick lateness at the 99th percentile: 5.01 s, at most 5 s wanted."]);
    expect(missed({ memoryPerBuildingMb: 60 })).toEqual(["Memory per building: 60.0 MB, less than 60 MB wanted."]);
    expect(missed({ tickLatenessP99S: 7, memoryPerBuildingMb: 80, healthy: false })).toHaveLength(3);
  });
  it("are missed where a figure was not measured, or nothing happened", () => {
    expect(missed({ tickLatenessP99S: Number.NaN, memoryPerBuildingMb: Number.NaN })).toEqual([
      expect.stringMatching(/^Tick lateness .*not measured/),
      expect.stringMatching(/^Memory .*not measured/),
    ]);
    expect(missed({ ticks: 0 })).toEqual([expect.stringMatching(/longer than a control interval/)]);
    expect(missed({ ticks: Number.NaN })).toHaveLength(1);
  });
});
