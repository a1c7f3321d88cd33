import { describe, expect, it } from "vitest";
import { planProblem } from "#controllers/mppi/planProblem";
import {
  costShooting,
  createRandomShootingPlanner,
  mendedClue,
  publishedClue,
  type RandomShootingOptions,
  zoneReward,
} from "#controllers/randomShooting";
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
  it("draws pairs inside the action ranges, cooling not below heating, and gives all zones the first one's as published", async () => {
    const drawn: number[][] = [];
    const fake = new FakeRollout(zones.map(quickZone), {
      afterwards: (_, request, run) => {
        if (run === 0) drawn.push([...request.heatingSetpointC], [...request.coolingSetpointC]);
      },
    });
    const plan = await createRandomShootingPlanner(fake, fakeModel(zones), publishedClue).plan(officeRequest({ zones, limits }));
    const [heating, cooling] = drawn;
    heating!.forEach((value, i) => {
      expect(value >= 15 && value < 22 && cooling![i]! >= 21 && cooling![i]! < 30 && cooling![i]! >= value).toBe(true);
      if (i % 2 === 1) expect([value, cooling![i]]).toEqual([heating![i - 1], cooling![i - 1]]);
    });
    const mean = heating!.reduce((a, b) => a + b) / heating!.length;
    expect(Math.abs(mean - 18.5)).toBeLessThan(0.1);
    expect(plan.chosen.zones.a!.heatingSetpointC).toEqual(plan.chosen.zones.b!.heatingSetpointC);
    expect([plan.source, plan.fallback, plan.diagnostics.numSamples]).toEqual(["mppi", null, 1000]);
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
    expect(zoneReward(candidate, problem, 0, publishedClue)).toBeCloseTo(published, 12);
    const mended = -(4 + 2) - 0.5 * 0.2 + 0.99 * (-0.8 - 0.5 * 0.3) + 0.99 ** 2 * (-0.6 - 0.5 * 0.4);
    expect(zoneReward(candidate, problem, 0, mendedClue)).toBeCloseTo(mended, 12);
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
    const script = await shoot({ ...publishedClue, fallback: "published-script" }, 1);
    expect([script.chosen.zones.a!.heatingSetpointC[0], script.chosen.zones.a!.coolingSetpointC[0]]).toEqual([24, 24]);
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
