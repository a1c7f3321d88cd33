import { describe, expect, it } from "vitest";
import { comparePlans } from "#cli/replay";
import type { Plan, ZoneTrajectory } from "#domain/plan";

const trajectory = (heating: number, meanC: readonly number[] = [20, 21]): ZoneTrajectory => ({
  heatingSetpointC: [heating, 20],
  coolingSetpointC: [26, 26],
  meanC,
  stdDevK: meanC.map(() => 0.1),
});
const planOf = (zones: Readonly<Record<string, ZoneTrajectory>>, reason = "Does what the rule would."): Plan =>
  ({
    source: "mppi",
    reason,
    chosen: { zones, powerW: [0, 0], cost: { comfort: 0, energy: 1, uncertainty: 0, movement: 0, total: 1 } },
    diagnostics: { backend: "blas" },
  }) as unknown as Plan;
const decision = { id: "1-2", modelVersion: "thermostat-1" };

describe("a decision made again", () => {
  it("is the same where every setpoint, the source and the reason are", () => {
    const plan = planOf({ a: trajectory(18), b: trajectory(19) });
    expect(comparePlans(decision, plan, structuredClone(plan), [])).toMatchObject({
      decision: "1-2",
      same: true,
      largestSetpointDifferenceK: 0,
      largestTemperatureDifferenceK: 0,
    });
  });

  it("says by how much setpoints and temperatures differ", () => {
    const then = planOf({ a: trajectory(18), b: trajectory(19) });
    const now = planOf({ a: trajectory(18), b: trajectory(19.5, [20, 21.25]) });
    const result = comparePlans(decision, then, now, ["why"]);
    expect(result).toMatchObject({ same: false, largestSetpointDifferenceK: 0.5, largestTemperatureDifferenceK: 0.25, notes: ["why"] });
  });

  it("compares setpoints alone where one of them predicts nothing, and nothing where horizons differ", () => {
    const then = planOf({ a: trajectory(18) });
    const rule = planOf({ a: { ...trajectory(18), meanC: [], stdDevK: [] } });
    expect(comparePlans(decision, then, rule, [])).toMatchObject({ largestSetpointDifferenceK: 0, largestTemperatureDifferenceK: null });
    const short = planOf({ a: { ...trajectory(18), heatingSetpointC: [18] } });
    expect(comparePlans(decision, then, short, [])).toMatchObject({ same: false, largestSetpointDifferenceK: null });
  });

  it("is another one where the reason is: it says what the model expected", () => {
    const then = planOf({ a: trajectory(18) }, "Starts heating a 30 min before occupancy");
    expect(comparePlans(decision, then, planOf({ a: trajectory(18) }), []).same).toBe(false);
  });
});
