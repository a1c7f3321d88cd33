import { describe, expect, it } from "vitest";
import { createRulePlanner, createSchedulePlanner, fixedPlan } from "#controllers/fixedPlanner";
import { officeLimits, officeRequest } from "../fixtures/thermostatBuilding.js";

describe("controllers without a model", () => {
  const request = officeRequest({ zones: ["a"] });
  const [rule] = request.rulePlans;

  it("the rule carries out the first rule plan, as plain JSON, and predicts nothing", async () => {
    const plan = await createRulePlanner().plan(request);
    expect(plan.chosen.zones.a!.heatingSetpointC).toEqual([...rule!.heatingSetpointC]);
    expect([plan.source, plan.fallback, plan.rule, plan.chosen.powerW]).toEqual(["rule", null, null, []]);
    expect(plan.reason).toBe("Follows the rule lead 4 ramp.");
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  it("the schedule carries out the plan of that name, and refuses a request without it", async () => {
    const schedule = { name: "schedule", heatingSetpointC: new Float64Array(20).fill(18), coolingSetpointC: new Float64Array(20).fill(27) };
    const plan = await createSchedulePlanner().plan({ ...request, otherPlans: [schedule] });
    expect([plan.source, plan.chosen.zones.a!.heatingSetpointC[3]]).toEqual(["schedule", 18]);
    await expect(createSchedulePlanner().plan(request)).rejects.toThrow(/building's schedule/);
    await expect(createRulePlanner().plan({ ...request, rulePlans: [] })).rejects.toThrow(/no plan of the rule/);
  });

  it("keeps the slew from the setpoints in force", () => {
    const plan = fixedPlan({ ...request, limits: { ...officeLimits, maxSlewKPerStep: 1 } }, rule!, "hold", "why", "no-model");
    const { heatingSetpointC } = plan.chosen.zones.a!;
    heatingSetpointC.forEach((value, t) => {
      expect(Math.abs(value - (t === 0 ? 15 : heatingSetpointC[t - 1]!))).toBeLessThanOrEqual(1 + 1e-12);
    });
    expect(plan.fallback).toBe("no-model");
  });
});
