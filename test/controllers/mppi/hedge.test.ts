import { describe, expect, it } from "vitest";
import { createMppiPlanner } from "#controllers/mppi/mppiPlanner";
import type { ForecastErrorAtLead } from "#domain/forecastError";
import type { Plan } from "#domain/plan";
import type { PlanRequest } from "#domain/planner";
import { FakeRollout, fakeModel, officeRequest, slowZone } from "../../fixtures/thermostatBuilding.js";

const zones = ["a", "b"];
const errorK = (stdDev: number): readonly ForecastErrorAtLead[] => [
  { provider: "web", point: "site.outdoorAirTempC", leadS: 3600, count: 300, bias: 0, stdDev },
];
const planFor = (request: PlanRequest): Promise<Plan> =>
  createMppiPlanner({ rollout: new FakeRollout(zones.map(slowZone)), model: fakeModel(zones), options: { numSamples: 400 } }).plan(request);

/** What the plan's setpoints cost in comfort, K·h below the band, if it is colder outdoors by so much. */
const coldKh = async (plan: Plan, request: PlanRequest, colderK: number): Promise<number> => {
  const outdoor = request.forecast.columns.get("site.outdoorAirTempC")!.map((value) => value - colderK);
  const setpoints = (side: "heatingSetpointC" | "coolingSetpointC"): Float64Array =>
    Float64Array.from(
      { length: 20 * zones.length },
      (_, i) => plan.chosen.zones[zones[i % zones.length]!]![side][Math.floor(i / zones.length)]!,
    );
  const { meanC } = await new FakeRollout(zones.map(slowZone)).run({
    count: 1,
    horizonSteps: 20,
    heatingSetpointC: setpoints("heatingSetpointC"),
    coolingSetpointC: setpoints("coolingSetpointC"),
    initial: { temperaturesC: zones.map(() => Float64Array.of(15.4)), slowMeans: new Map(), disturbances: new Map() } as never,
    disturbances: new Map([["site.outdoorAirTempC", outdoor]]),
    localMs: request.localMs,
  });
  let sum = 0;
  for (let t = 6; t < 20; t++) for (let z = 0; z < zones.length; z++) sum += 0.25 * Math.max(0, 20 - meanC[t * zones.length + z]!);
  return sum;
};

describe("planning over the errors of forecasts", () => {
  const request = officeRequest({ zones });

  it("starts a slow building early enough for a colder morning than forecast, where forecasts are that bad, and says so", async () => {
    // From 15.4 °C a start in the next step is just in time if the forecast comes true.
    const tight = officeRequest({ zones, temperaturesC: [15.4, 15.4], occupied: [[6, 20]] });
    const trusting = await planFor(tight);
    const careful = await planFor({ ...tight, forecastErrors: errorK(8) });
    expect(trusting).not.toHaveProperty("forecastScenarios");
    expect(careful.forecastScenarios).toMatchObject({ count: 3 });
    const { expectedCost, worstCost, insteadOfCost } = careful.forecastScenarios!;
    expect(expectedCost).toBeLessThan(0.95 * insteadOfCost!);
    expect(worstCost).toBeGreaterThan(expectedCost);
    expect(careful.reason).toContain("Over 3 ways in which weather and people may come");
    const firstHeatingC = (plan: Plan): number => plan.chosen.zones.a!.heatingSetpointC[0]!;
    expect(firstHeatingC(trusting)).toBeLessThan(15.4);
    expect(firstHeatingC(careful)).toBeGreaterThan(15.4);
    // On purpose dearer if the forecast comes true, and warmer where it does not.
    expect(careful.chosen.cost.total).toBeGreaterThanOrEqual(trusting.chosen.cost.total);
    const cold = 8 * Math.SQRT2;
    expect(await coldKh(trusting, tight, cold)).toBeGreaterThan(0.1);
    expect(await coldKh(careful, tight, cold)).toBeLessThan(0.7 * (await coldKh(trusting, tight, cold)));
  });

  it("does not start for a colder morning that a later decision has time to see", async () => {
    const early = officeRequest({ zones, temperaturesC: [16, 16] });
    const careful = await planFor({ ...early, forecastErrors: errorK(8) });
    expect(careful.forecastScenarios).not.toHaveProperty("insteadOfCost");
    expect(careful.chosen).toEqual((await planFor(early)).chosen);
  });

  it("stays with the cheapest plan where forecasts are good, and tells what errors would cost", async () => {
    const trusting = await planFor(request);
    const careful = await planFor({ ...request, forecastErrors: errorK(0.2) });
    expect(careful.chosen).toEqual(trusting.chosen);
    expect(careful.reason).toBe(trusting.reason);
    expect(careful.forecastScenarios).not.toHaveProperty("insteadOfCost");
    expect(careful.forecastScenarios!.expectedCost).toBeCloseTo(trusting.chosen.cost.total, 1);
  });

  it("is never dearer in the mean than a given plan without later decisions, and the same for the same seed", async () => {
    for (const stdDev of [1, 4, 12]) {
      const careful = await planFor({ ...request, forecastErrors: errorK(stdDev) });
      // The rule among them, rolled through the scenarios by hand.
      const factor = Math.SQRT2 * stdDev;
      const totals = await Promise.all(
        [0, -factor, factor].map(async (byK) => {
          const outdoor = request.forecast.columns.get("site.outdoorAirTempC")!.map((value) => value + byK);
          const moved = { ...request, forecast: { ...request.forecast, columns: new Map([["site.outdoorAirTempC" as const, outdoor]]) } };
          const alone = createMppiPlanner({
            rollout: new FakeRollout(zones.map(slowZone)),
            model: fakeModel(zones),
            options: { numSamples: 1, terminal: false },
          });
          return (await alone.plan(moved)).rule!.cost.total;
        }),
      );
      const ofRule = 0.5 * totals[0]! + 0.25 * totals[1]! + 0.25 * totals[2]!;
      const { expectedCost, insteadOfCost } = careful.forecastScenarios!;
      expect(insteadOfCost === undefined ? 0.98 * expectedCost : expectedCost).toBeLessThanOrEqual(ofRule + 1e-9);
      const again = await planFor({ ...request, forecastErrors: errorK(stdDev) });
      expect(again.forecastScenarios).toEqual(careful.forecastScenarios);
      expect(again.chosen).toEqual(careful.chosen);
    }
  });
});
