import { describe, expect, it } from "vitest";
import { driveAllFrom } from "#controllers/leadZone";
import { planProblem } from "#controllers/mppi/planProblem";
import {
  costShooting,
  createRandomShootingPlanner,
  ensembleMppi,
  mendedClue,
  publishedClue,
  type RandomShootingOptions,
  zoneReward,
} from "#controllers/randomShooting";
import { publishedFallback, publishedPair, SETBACK } from "#controllers/shootingActions";
import type { Plan } from "#domain/plan";
import { FakeRollout, fakeModel, officeLimits, officeRequest, quickZone } from "../fixtures/thermostatBuilding.js";

const zones = ["a", "b"];
const limits = { ...officeLimits, deadbandK: 0 };
const timeless = (plan: Plan): unknown => ({ ...plan, diagnostics: { ...plan.diagnostics, solveMs: 0 } });
const shoot = (
  options: Partial<RandomShootingOptions>,
  stdDevK = 0.1,
  situation: Partial<Parameters<typeof officeRequest>[0]> = {},
): Promise<Plan> =>
  createRandomShootingPlanner(new FakeRollout(zones.map(quickZone), { stdDevK: () => stdDevK }), fakeModel(zones), {
    numSamples: 300,
    ...options,
  }).plan(officeRequest({ zones, limits, ...situation }));

describe("random shooting", () => {
  it("draws pairs inside the action ranges: any value, cooling not below heating, or the script's whole degrees", async () => {
    const drawnBy = async (preset: RandomShootingOptions): Promise<readonly [number[], number[]]> => {
      const drawn: number[][] = [];
      const fake = new FakeRollout(zones.map(quickZone), {
        afterwards: (_, request, run) => {
          if (run === 0) drawn.push([...request.heatingSetpointC], [...request.coolingSetpointC]);
        },
      });
      await createRandomShootingPlanner(fake, fakeModel(zones), preset).plan(officeRequest({ zones, limits }));
      return [drawn[0]!, drawn[1]!];
    };
    const [heating, cooling] = await drawnBy(mendedClue);
    heating.forEach((value, i) => {
      expect(value >= 15 && value < 22 && cooling[i]! >= 21 && cooling[i]! < 30 && cooling[i]! >= value).toBe(true);
    });
    expect(Math.abs(heating.reduce((a, b) => a + b) / heating.length - 18.5)).toBeLessThan(0.1);
    const [whole, wholeCooling] = await drawnBy(publishedClue);
    expect(new Set(whole)).toEqual(new Set([15, 16, 17, 18, 19, 20]));
    expect(new Set(wholeCooling)).toEqual(new Set([21, 22, 23, 24, 25, 26, 27, 28, 29]));
  });

  it("carries out what the script's building makes of a pair: by the cooling setpoint in winter, by the heating one in summer", async () => {
    const pair = { heatingSetpointC: 15, coolingSetpointC: 26 };
    expect(publishedPair(pair, true)).toEqual({ heatingSetpointC: 19, coolingSetpointC: 26 });
    expect(publishedPair(pair, false)).toEqual({ heatingSetpointC: 15, coolingSetpointC: 30 });
    expect(publishedFallback(true, true)).toEqual({ heatingSetpointC: 21, coolingSetpointC: 21 });
    expect(publishedFallback(true, false)).toEqual({ heatingSetpointC: 21, coolingSetpointC: 24 });
    expect([publishedFallback(false, true), publishedFallback(false, false)]).toEqual([SETBACK, SETBACK]);
    const { heatingSetpointC, coolingSetpointC } = (await shoot(publishedClue)).chosen.zones.a!;
    heatingSetpointC.forEach((heating, t) => {
      expect(publishedPair({ heatingSetpointC: heating, coolingSetpointC: coolingSetpointC[t]! }, true).heatingSetpointC).toBe(heating);
    });
    expect(new Set(heatingSetpointC.map((heating, t) => heating + coolingSetpointC[t]!)).size).toBeLessThanOrEqual(3);
  });

  it("starts its first plan from 0 °C as scripted, and only that", async () => {
    const seen: number[] = [];
    const fake = new FakeRollout(zones.map(quickZone), {
      afterwards: (_, request) => seen.push(...request.initial.temperaturesC.map((values) => values[values.length - 1]!)),
    });
    const planner = createRandomShootingPlanner(fake, fakeModel(zones), { ...publishedClue, numSamples: 20 });
    const request = officeRequest({ zones, limits });
    const first = await planner.plan({ ...request, previousPlan: null });
    expect(new Set(seen)).toEqual(new Set([0]));
    seen.length = 0;
    await planner.plan({ ...request, previousPlan: first });
    expect(Math.min(...seen)).toBeGreaterThan(10);
  });

  it("perturbs the previous plan and averages it by weights, with no bound and no fallback, as the ensemble's MPPI does", async () => {
    const away = { heatingSetpointC: 22, coolingSetpointC: 30 };
    const first = await shoot(ensembleMppi, 50);
    expect([first.source, first.fallback]).toEqual(["mppi", null]);
    const flat = (value: number): number[] => new Array<number>(20).fill(value);
    const zoneOf = (plan: Plan) => plan.chosen.zones.a!;
    const previousPlan: Plan = {
      ...first,
      chosen: {
        ...first.chosen,
        zones: Object.fromEntries(
          zones.map((zone) => [
            zone,
            { ...zoneOf(first), heatingSetpointC: flat(away.heatingSetpointC), coolingSetpointC: flat(away.coolingSetpointC) },
          ]),
        ),
      },
    };
    const request = officeRequest({ zones, limits });
    const planner = createRandomShootingPlanner(new FakeRollout(zones.map(quickZone)), fakeModel(zones), ensembleMppi);
    const [fresh, warm] = [await planner.plan({ ...request, previousPlan: null }), await planner.plan({ ...request, previousPlan })];
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
    expect(mean(zoneOf(warm).heatingSetpointC)).toBeGreaterThan(mean(zoneOf(fresh).heatingSetpointC) + 1);
    expect(warm.reason).toMatch(/weighted mean of 1000/);
  });

  it("rewards as the script does: Σ γᵗ (r + 0.5 variance)", () => {
    const request = officeRequest({ zones: ["a"], horizonSteps: 3, occupied: [[1, 3]], limits });
    const problem = planProblem(request, ["a"], { weights: {}, toleranceK: 0, gridK: 0, withinRules: false, readySteps: 0 });
    const candidate = {
      k: 0,
      batch: { count: 1, heatingSetpointC: Float64Array.of(17, 20, 20), coolingSetpointC: Float64Array.of(26, 24, 24) },
      result: { meanC: Float64Array.of(16, 19.2, 24.1), stdDevK: Float64Array.of(0.2, 0.3, 0.4), powerW: new Float64Array(3) },
    };
    const published = -4 + 0.5 * 0.04 + 0.99 * (-0.8 + 0.5 * 0.09) + 0.99 ** 2 * (-0.6 + 0.5 * 0.16);
    const rewarded = { cost: problem.cost, rewardedOccupied: problem.cost.occupied };
    expect(zoneReward(candidate, rewarded, 0, publishedClue)).toBeCloseTo(published, 12);
    const mended = -(4 + 2) - 0.5 * 0.2 + 0.99 * (-0.8 - 0.5 * 0.3) + 0.99 ** 2 * (-0.6 - 0.5 * 0.4);
    expect(zoneReward(candidate, rewarded, 0, mendedClue)).toBeCloseTo(mended, 12);
  });

  it("seeks uncertainty as published and shuns it when mended", async () => {
    const stdDevOfFirst = async (options: RandomShootingOptions): Promise<number> => {
      const fake = new FakeRollout(zones.map(quickZone), {
        stdDevK: (request, k, t, z) => (request.heatingSetpointC[(k * 20 + t) * 2 + z]! > 18.5 ? 0.5 : 0.1),
      });
      const request = officeRequest({ zones, limits, temperaturesC: [21, 21], outdoorC: 21, occupied: [[0, 20]] });
      const plan = await createRandomShootingPlanner(fake, fakeModel(zones), options).plan(request);
      return plan.chosen.zones.a!.stdDevK.reduce((a, b) => a + b) / 20;
    };
    expect(await stdDevOfFirst(publishedClue)).toBeGreaterThan(0.3);
    expect(await stdDevOfFirst(mendedClue)).toBeLessThan(0.3);
  });

  it("plans every zone by itself when mended", async () => {
    const plan = await shoot(mendedClue, 0.1, {
      occupied: [
        [0, 20],
        [15, 20],
      ],
    });
    expect(plan.chosen.zones.a!.heatingSetpointC).not.toEqual(plan.chosen.zones.b!.heatingSetpointC);
  });

  it("drives every zone by the lead zone's plan, whose own request is all that is planned", async () => {
    const request = officeRequest({ zones: ["a", "b"], limits, temperaturesC: [15, 21] });
    const alone = (zone: string) => createRandomShootingPlanner(new FakeRollout([quickZone(zone)]), fakeModel([zone]), mendedClue);
    const plan = await driveAllFrom(alone("b"), "b").plan(request);
    const own = await alone("b").plan({ ...officeRequest({ zones: ["b"], limits, temperaturesC: [21] }), history: request.history });
    expect(plan.chosen.zones.b).toEqual(own.chosen.zones.b);
    expect(plan.chosen.zones.a).toEqual({ ...own.chosen.zones.b, meanC: [], stdDevK: [] });
    expect(Object.keys(plan.comfort)).toEqual(["a", "b"]);
    expect(plan.rule!.zones.a!.heatingSetpointC).toEqual(plan.rule!.zones.b!.heatingSetpointC);
    await expect(driveAllFrom(alone("c"), "c").plan(request)).rejects.toThrow(/for the zones a, b, not c/);
  });

  it("averages instead of taking the best where asked to weigh", async () => {
    const spread = (plan: Plan): number => {
      const values = plan.chosen.zones.a!.heatingSetpointC;
      return Math.max(...values) - Math.min(...values);
    };
    expect(spread(await shoot({ selection: "weighted" }))).toBeLessThan(spread(await shoot({ selection: "best" })));
  });

  it("falls back where the first step of every sequence is too uncertain: (21, 21) occupied, (15, 30) empty", async () => {
    const plan = await shoot(publishedClue, 1);
    expect([plan.source, plan.fallback]).toEqual(["rule", "too-uncertain"]);
    expect(plan.chosen.zones.a!.heatingSetpointC).toEqual([...new Array<number>(12).fill(15), ...new Array<number>(8).fill(21)]);
    expect(plan.chosen.zones.a!.coolingSetpointC).toEqual([...new Array<number>(12).fill(30), ...new Array<number>(8).fill(21)]);
    expect(plan.reason).toMatch(/All of 1000 random sequences exceed the bound of 0\.30 K²/);
    const mended = await shoot(mendedClue, 1);
    expect(mended.chosen).toEqual(mended.rule);
  });

  it.each([publishedClue, mendedClue, costShooting])(
    "$name acts on the least uncertain sequences where nothing is certain enough and it may not fall back",
    async (preset) => {
      expect((await shoot(preset, 2)).fallback).toBe("too-uncertain");
      const plan = await shoot({ ...preset, allowFallback: false }, 2);
      expect([plan.source, plan.fallback]).toEqual(["mppi", null]);
      expect(plan.chosen).not.toEqual(plan.rule);
    },
  );

  it("takes the sequence of the lowest predicted cost, all zones together, where the cost is what counts", async () => {
    let cheapK = -1;
    let wanted: number[] = [];
    const fake = new FakeRollout(zones.map(quickZone), {
      afterwards: ({ powerW }, request) => {
        if (request.count !== 300) return;
        cheapK = 123;
        const { horizonSteps } = request;
        powerW.fill(1e6);
        powerW.fill(0, cheapK * horizonSteps, (cheapK + 1) * horizonSteps);
        wanted = Array.from({ length: horizonSteps }, (_, t) => request.heatingSetpointC[(cheapK * horizonSteps + t) * zones.length + 1]!);
      },
    });
    const plan = await createRandomShootingPlanner(fake, fakeModel(zones), { ...costShooting, numSamples: 300 }).plan(
      officeRequest({ zones, limits }),
    );
    expect(cheapK).toBe(123);
    expect(plan.chosen.zones.b!.heatingSetpointC).toEqual(wanted);
    expect(plan.chosen.zones.b!.heatingSetpointC).not.toEqual(plan.chosen.zones.a!.heatingSetpointC);
    expect(plan.reason).toMatch(/The best of 300 random sequences by predicted cost acts/);
  });

  it("compares the variance as published: a deviation of 0.5 K is certain enough for a bound of 0.3 K²", async () => {
    expect((await shoot(publishedClue, 0.5)).fallback).toBeNull();
    expect((await shoot(publishedClue, 0.56)).fallback).toBe("too-uncertain");
  });

  it("gives the same plan for the same seed and another for another", async () => {
    expect(timeless(await shoot({}))).toEqual(timeless(await shoot({})));
    expect((await shoot({}, 0.1, { seed: 2 })).chosen).not.toEqual((await shoot({})).chosen);
  });

  it("drops sequences that are not finite, and falls back unpredicted where all are", async () => {
    const half = new FakeRollout(zones.map(quickZone), {
      afterwards: ({ meanC }, { count }) => {
        for (let k = 0; k < count - 2; k += 2) meanC.fill(Number.NaN, k * 40, k * 40 + 40);
      },
    });
    const plan = await createRandomShootingPlanner(half, fakeModel(zones)).plan(officeRequest({ zones, limits }));
    expect(plan.diagnostics.samplesNotFinite).toBe(499);
    expect(plan.chosen.zones.a!.meanC.every(Number.isFinite)).toBe(true);
    const all = new FakeRollout(zones.map(quickZone), { afterwards: ({ meanC }) => void meanC.fill(Number.NaN) });
    const none = await createRandomShootingPlanner(all, fakeModel(zones)).plan(officeRequest({ zones, limits }));
    expect([none.fallback, none.rule]).toEqual(["not-finite", null]);
  });
});
