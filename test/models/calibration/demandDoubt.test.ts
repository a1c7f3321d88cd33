import { describe, expect, it } from "vitest";
import { DatasetRows } from "#math/datasetRows";
import { type DemandStep, likeliestDoubt } from "#models/calibration/demandDoubt";
import { fitZone } from "#models/thermostat/fitZone";
import { la, normalSource, syntheticZone } from "../support.js";

/** Steps that err by `doubt` times the demand, and by 0.05 K besides. */
const stepsOf = (doubt: number, count = 400): readonly DemandStep[] => {
  const normal = normalSource(5);
  return Array.from({ length: count }, (_, i) => {
    const demandK = 0.5 + (i % 7);
    return { errorK: 0.05 * normal() + doubt * demandK * normal(), stdDevK: 0.05, demandK };
  });
};

describe("the doubt of a thermostat's equipment", () => {
  it.each([0.3, 0.5, 0.8])("is found where steps err by %s of what is asked for", (doubt) => {
    expect(Math.abs(likeliestDoubt(stepsOf(doubt)) / doubt - 1)).toBeLessThan(0.3);
  });

  it("is none where the spread says enough, where a few odd steps are all there is, and from few steps", () => {
    expect(likeliestDoubt(stepsOf(0))).toBe(0);
    const odd = stepsOf(0).map((step, i) => (i % 100 === 0 ? { ...step, errorK: 0.4 } : step));
    expect(likeliestDoubt(odd)).toBe(0);
    expect(likeliestDoubt(stepsOf(0.8, 19))).toBe(0);
  });

  it("comes with a zone whose heating is off now and then, not with one whose equipment obeys", async () => {
    const setpoints = (row: number): readonly [number, number] => (row % 96 > 28 && row % 96 < 72 ? [21.1, 23.9] : [17, 40]);
    const obeys = syntheticZone(6, { setpoints, outdoorC: -5 });
    const heatingC = obeys.columns.get("zone.heatingSetpointC")!;
    const draw = normalSource(11);
    const fallen = obeys.columns
      .get("zone.zoneAirTempC")!
      .map((value, i) => (Math.abs(value - heatingC[i]!) < 0.01 && draw() > 1 ? value - 1.5 : value));
    const fails = { ...obeys, columns: new Map([...obeys.columns, ["zone.zoneAirTempC" as const, fallen]]) };
    const doubtOf = async (dataset: typeof obeys) =>
      (await fitZone(la, new DatasetRows(dataset), "zone", [], null, { budget: null, maxIterations: 20 })).model.spread!.demandDoubt!;
    expect(await doubtOf(obeys)).toBe(0);
    expect(await doubtOf(fails)).toBeGreaterThan(0.1);
  }, 60_000);
});
