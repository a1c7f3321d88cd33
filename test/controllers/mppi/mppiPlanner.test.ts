import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMppiPlanner, type MppiOptions } from "#controllers/mppi/mppiPlanner";
import { ruleName } from "#controllers/ruleBased";
import { IsothermError } from "#domain/errors";
import type { Plan } from "#domain/plan";
import type { PlanRequest } from "#domain/planner";
import {
  FakeRollout,
  type FakeZone,
  fakeModel,
  officeLimits,
  officeRequest,
  officeSetback,
  quickZone,
  slowZone,
} from "../../fixtures/thermostatBuilding.js";

const officeZones = ["a", "b", "c"];
const lead4 = (plan: { readonly name: string }): boolean => plan.name === ruleName({ leadSteps: 4, ramp: false });

const plannerOf = (fake: FakeRollout, zones: readonly string[], options: Partial<MppiOptions> = {}, spreadBoundK = 0.5) =>
  createMppiPlanner({ rollout: fake, model: fakeModel(zones, spreadBoundK), options: { numSamples: 400, ...options } });

const planFor = (make: (id: string) => FakeZone, request: PlanRequest, options: Partial<MppiOptions> = {}): Promise<Plan> =>
  plannerOf(new FakeRollout(request.zones.map(make)), request.zones, options).plan(request);

/** First step whose heating setpoint asks for heat, by the plan's own prediction. */
const startStep = (plan: Plan, zone: string, nowC = 15): number => {
  const { heatingSetpointC, meanC } = plan.chosen.zones[zone]!;
  return heatingSetpointC.findIndex((setpoint, t) => setpoint > (t === 0 ? nowC : meanC[t - 1]!) + 0.2);
};
const worstBelowK = (plan: Plan): number =>
  Math.max(
    ...Object.entries(plan.comfort).flatMap(([zone, { occupied, lowerC }]) =>
      occupied.flatMap((counts, t) => (counts ? [lowerC[t]! - plan.chosen.zones[zone]!.meanC[t]!] : [])),
    ),
  );
/** All but what depends on the clock. */
const timeless = (plan: Plan): unknown => ({ ...plan, diagnostics: { ...plan.diagnostics, solveMs: 0 } });

describe("planner on a building it knows", () => {
  it("starts a quick building later than a slow one, and both in time, though it is given one rule only", async () => {
    const free = { withinRules: false, readySteps: 0 };
    const quick = await planFor(quickZone, officeRequest({ zones: officeZones, rules: lead4 }), free);
    const slow = await planFor(slowZone, officeRequest({ zones: officeZones, rules: lead4 }), free);
    for (const zone of officeZones) {
      expect(startStep(quick, zone)).toBeGreaterThanOrEqual(10);
      expect(startStep(slow, zone)).toBeLessThanOrEqual(7);
    }
    for (const plan of [quick, slow]) {
      expect([plan.source, plan.fallback]).toEqual(["mppi", null]);
      expect(worstBelowK(plan)).toBeLessThan(0.1);
    }
  });

  it("heats and cools no step further than some plan of the rule would, however cheap the model makes that look", async () => {
    // A model that errs: heating earns. Whoever may, keeps the empty building warm.
    const generous = (id: string): FakeZone => ({ ...slowZone(id), kwhPerK: -0.3 });
    const request = officeRequest({ zones: officeZones });
    const tempted = await planFor(generous, request, { doubtedShare: 0, withinRules: false });
    expect(tempted.chosen.zones[officeZones[0]!]!.heatingSetpointC[0]).toBeGreaterThan(16);
    const plan = await planFor(generous, request);
    officeZones.forEach((zone, z) => {
      plan.chosen.zones[zone]!.heatingSetpointC.forEach((heating, t) => {
        const at = (values: Float64Array): number => values[t * officeZones.length + z]!;
        expect(heating).toBeLessThanOrEqual(Math.max(...request.rulePlans.map((rule) => at(rule.heatingSetpointC))) + 1e-9);
        expect(plan.chosen.zones[zone]!.coolingSetpointC[t]!).toBeGreaterThanOrEqual(
          Math.min(...request.rulePlans.map((rule) => at(rule.coolingSetpointC))) - 1e-9,
        );
      });
    });
  });

  it("is ready when the first occupied step ends, and a step before where told so", async () => {
    const request = officeRequest({ zones: officeZones });
    const first = request.comfort.get(officeZones[0]!)!.occupied.indexOf(1);
    const early = await planFor(slowZone, request, { readySteps: 1 });
    const punctual = await planFor(slowZone, request);
    const readyC = (plan: Plan): number => plan.chosen.zones[officeZones[0]!]!.meanC[first - 1]!;
    expect(readyC(early)).toBeGreaterThan(readyC(punctual));
    expect(punctual.chosen.zones[officeZones[0]!]!.meanC[first]!).toBeGreaterThan(
      request.comfort.get(officeZones[0]!)!.lowerC[first]! - 0.1,
    );
    expect(readyC(early)).toBeGreaterThan(request.comfort.get(officeZones[0]!)!.lowerC[first]! - 0.1);
  });

  it("gives a quick and a slow zone of one building their own starts", async () => {
    const zones = ["quick", "slow"];
    const fake = new FakeRollout([quickZone("quick"), slowZone("slow")]);
    const plan = await plannerOf(fake, zones).plan(officeRequest({ zones }));
    expect(startStep(plan, "quick") - startStep(plan, "slow")).toBeGreaterThanOrEqual(3);
    expect(worstBelowK(plan)).toBeLessThan(0.1);
  });

  it("cools ahead of occupancy in summer", async () => {
    const request = officeRequest({
      zones: officeZones,
      temperaturesC: [30, 30, 30],
      outdoorC: 32,
      band: [23, 26],
      rules: ({ name }) => name === "rule lead 9",
    });
    // One rule only leaves no room between rules.
    const plan = await planFor(slowZone, request, { withinRules: false, readySteps: 0 });
    for (const zone of officeZones) {
      const { meanC } = plan.chosen.zones[zone]!;
      for (let t = 12; t < 20; t++) expect(meanC[t]).toBeLessThan(26.1);
    }
    expect(plan.reason).toMatch(/^Starts cooling .* later than the rule would/);
  });

  it("moves nothing when nobody comes all day", async () => {
    const plan = await planFor(quickZone, officeRequest({ zones: officeZones, occupied: null }));
    for (const { heatingSetpointC, coolingSetpointC } of Object.values(plan.chosen.zones)) {
      expect(new Set(heatingSetpointC)).toEqual(new Set([officeSetback.heatingSetpointC]));
      expect(new Set(coolingSetpointC)).toEqual(new Set([officeSetback.coolingSetpointC]));
    }
    expect(plan.reason).toMatch(/^Does what the rule would .* nobody is there/);
  });

  it("lets energy never pay for leaving the band, however dear it is", async () => {
    for (const price of [0.01, 0.12, 50])
      expect(worstBelowK(await planFor(quickZone, officeRequest({ zones: officeZones, price: () => price })))).toBeLessThan(0.1);
  });

  it("saves nothing by leaving the rule's start to the hours behind the horizon", async () => {
    // The horizon ends when occupancy begins: nobody is there in it, and the rule has heated for the last hour.
    const seen = officeRequest({ zones: ["a"], horizonSteps: 24, occupied: [[20, 24]] });
    const cut = (values: Float64Array): Float64Array => values.slice(0, 20);
    const request: PlanRequest = {
      ...officeRequest({ zones: ["a"], occupied: null }),
      rulePlans: seen.rulePlans.map(({ name, heatingSetpointC, coolingSetpointC }) => ({
        name,
        heatingSetpointC: cut(heatingSetpointC),
        coolingSetpointC: cut(coolingSetpointC),
      })),
    };
    const saving = async (terminal: boolean): Promise<number> => {
      const { rule, chosen } = await planFor(quickZone, request, { terminal });
      return rule!.cost.energy + (rule!.cost.terminal ?? 0) - chosen.cost.energy - (chosen.cost.terminal ?? 0);
    };
    expect(await saving(false)).toBeGreaterThan(0.1);
    expect(Math.abs(await saving(true))).toBeLessThan(0.02);
  });

  it("makes the same plan in any currency", async () => {
    const plans = await Promise.all(
      [1, 130].map((rate) => planFor(quickZone, officeRequest({ zones: officeZones, price: () => 0.12 * rate }))),
    );
    expect(startStep(plans[0]!, "a")).toBe(startStep(plans[1]!, "a"));
    expect(plans[1]!.chosen.cost.total / plans[0]!.chosen.cost.total).toBeCloseTo(130, 0);
  });

  it("shaves the peak where it is charged for, without giving up comfort", async () => {
    const request = officeRequest({ zones: officeZones });
    const free = await planFor(quickZone, request);
    const charged = await planFor(quickZone, { ...request, demandCharge: { pricePerKw: 15, peakSoFarW: 1000 } });
    expect(Math.max(...charged.chosen.powerW)).toBeLessThan(0.5 * Math.max(...free.chosen.powerW));
    expect(worstBelowK(charged)).toBeLessThan(0.1);
    expect(charged.chosen.cost.demand).toBeCloseTo((15 * (Math.max(...charged.chosen.powerW) - 1000)) / 1000, 9);
  });

  it("pays for short runs of equipment where they cost something, never more than in the rule's plan for the whole", async () => {
    const request = officeRequest({ zones: officeZones });
    const equipment = { pricePerShortRun: 0.5, minOnS: 3600, minOffS: 3600 };
    const plan = await planFor(quickZone, { ...request, equipment });
    expect(plan.chosen.cost.wear).toBeGreaterThanOrEqual(0);
    expect(plan.chosen.cost.total).toBeLessThanOrEqual(plan.rule!.cost.total);
    expect((await planFor(quickZone, request)).chosen.cost).not.toHaveProperty("wear");
  });

  it("heats before the dear hours where prices differ", async () => {
    const price = (t: number): number => (t >= 8 ? 0.9 : 0.1);
    const early = await planFor(slowZone, officeRequest({ zones: ["a"], price, temperaturesC: [19], outdoorC: 10 }));
    const flat = await planFor(slowZone, officeRequest({ zones: ["a"], temperaturesC: [19], outdoorC: 10 }));
    expect(startStep(early, "a", 19)).toBeLessThan(8);
    expect(startStep(flat, "a", 19)).toBeGreaterThanOrEqual(8);
  });
});

describe("whatever the situation", () => {
  const situation = fc.record({
    temperaturesC: fc.array(fc.double({ min: -5, max: 45, noNaN: true }), { minLength: 2, maxLength: 2 }),
    outdoorC: fc.double({ min: -30, max: 45, noNaN: true }),
    from: fc.nat(19),
    length: fc.nat(20),
    lower: fc.double({ min: 10, max: 26, noNaN: true }),
    width: fc.double({ min: 0, max: 6, noNaN: true }),
    slew: fc.constantFrom(0.5, 2, Number.POSITIVE_INFINITY),
    deadband: fc.constantFrom(0.5, 2),
    grid: fc.constantFrom(0, 0.5),
    heating: fc.double({ min: 5, max: 28, noNaN: true }),
    gap: fc.double({ min: 0, max: 10, noNaN: true }),
    stdDev: fc.double({ min: 0, max: 1, noNaN: true }),
    price: fc.double({ min: -0.5, max: 2, noNaN: true }),
    seed: fc.nat(1000),
    nanAt: fc.option(fc.nat(119)),
  });

  it("every setpoint keeps limits, deadband and slew; a chosen plan costs no more than any surely enough rule; the same seed gives the same plan", async () => {
    await fc.assert(
      fc.asyncProperty(situation, async (s) => {
        const zones = ["a", "b"];
        const limits = { ...officeLimits, maxSlewKPerStep: s.slew, deadbandK: s.deadband };
        const inForce = { heatingSetpointC: s.heating, coolingSetpointC: s.heating + s.gap };
        const request = officeRequest(
          {
            zones,
            temperaturesC: s.temperaturesC,
            outdoorC: s.outdoorC,
            occupied: [[s.from, Math.min(20, s.from + s.length)]],
            band: [s.lower, s.lower + s.width],
            price: () => s.price,
            limits,
            seed: s.seed,
          },
          { inForce: new Map(zones.map((zone) => [zone, inForce])) },
        );
        const ruleTotals: number[] = [];
        const decide = (): Promise<Plan> => {
          const fake = new FakeRollout(zones.map(quickZone), {
            stdDevK: () => s.stdDev,
            afterwards: (result, { count, horizonSteps }) => {
              if (s.nanAt !== null && s.nanAt < count) result.meanC[s.nanAt * horizonSteps * 2 + 3] = Number.NaN;
            },
          });
          return plannerOf(fake, zones, { numSamples: 120, gridK: s.grid }).plan(request);
        };
        const plan = await decide();
        for (const zone of zones) {
          const { heatingSetpointC, coolingSetpointC, meanC } = plan.chosen.zones[zone]!;
          let [h, c] = [inForce.heatingSetpointC, inForce.coolingSetpointC];
          h = Math.min(Math.max(h, limits.minHeatingSetpointC), limits.maxHeatingSetpointC);
          c = Math.min(Math.max(c, limits.minCoolingSetpointC), limits.maxCoolingSetpointC);
          const apart = c - h >= s.deadband;
          for (let t = 0; t < 20; t++) {
            const [heating, cooling] = [heatingSetpointC[t]!, coolingSetpointC[t]!];
            expect(heating).toBeGreaterThanOrEqual(limits.minHeatingSetpointC);
            expect(heating).toBeLessThanOrEqual(limits.maxHeatingSetpointC);
            expect(cooling).toBeGreaterThanOrEqual(limits.minCoolingSetpointC);
            expect(cooling).toBeLessThanOrEqual(limits.maxCoolingSetpointC);
            expect(cooling - heating).toBeGreaterThanOrEqual(s.deadband - 1e-9);
            if (apart || t > 0) {
              expect(Math.abs(heating - h)).toBeLessThanOrEqual(s.slew + 1e-9);
              expect(Math.abs(cooling - c)).toBeLessThanOrEqual(s.slew + 1e-9);
            }
            [h, c] = [heating, cooling];
          }
          expect(meanC).toHaveLength(plan.fallback === "not-finite" || (plan.fallback !== null && plan.rule === null) ? 0 : 20);
          expect(meanC.every(Number.isFinite)).toBe(true);
        }
        const anybody = Object.values(plan.comfort).some(({ occupied }) => occupied.includes(true));
        if (plan.fallback === null) {
          if (anybody) expect(s.stdDev).toBeLessThanOrEqual(0.5);
          if (plan.rule !== null) ruleTotals.push(plan.rule.cost.total);
          for (const total of ruleTotals) expect(plan.chosen.cost.total).toBeLessThanOrEqual(total + 1e-6 * Math.abs(total));
        } else if (plan.fallback === "not-finite") expect(s.nanAt).not.toBeNull();
        else expect(s.stdDev).toBeGreaterThan(0.5);
        expect(timeless(await decide())).toEqual(timeless(plan));
      }),
      { numRuns: 60 },
    );
  });

  it("costs never more than any of the 25 rules under the same model", async () => {
    const request = officeRequest({ zones: officeZones });
    const plan = await planFor(slowZone, request);
    for (const rule of request.rulePlans) {
      const alone = await planFor(slowZone, { ...request, rulePlans: [rule] }, { numSamples: 1, terminal: false });
      expect(plan.chosen.cost.total).toBeLessThanOrEqual(alone.rule!.cost.total + 1e-9);
    }
  });
});

describe("falls back", () => {
  it("to the rule when every sequence exceeds the spread bound, and says so", async () => {
    const request = officeRequest({ zones: officeZones });
    const plan = await plannerOf(new FakeRollout(officeZones.map(quickZone), { stdDevK: () => 1.4 }), officeZones).plan(request);
    expect([plan.source, plan.fallback]).toEqual(["rule", "too-uncertain"]);
    expect(plan.chosen.zones.a!.heatingSetpointC).toEqual([...request.rulePlans[0]!.heatingSetpointC].filter((_, i) => i % 3 === 0));
    expect(plan.rule).toEqual(plan.chosen);
    expect(plan.reason).toContain("the surest spreads by 1.40 K and 0.50 K are allowed");
    expect(plan.diagnostics.samplesDiscarded).toBe(plan.diagnostics.numSamples);
  });

  it("to the rule in the one zone in which no plan is sure enough, and plans for the others", async () => {
    const request = officeRequest({ zones: officeZones });
    const building = (): FakeRollout =>
      new FakeRollout(officeZones.map(quickZone), { stdDevK: (_request, _k, _t, z) => (z === 1 ? 1.4 : 0.02) });
    const plan = await plannerOf(building(), officeZones).plan(request);
    expect([plan.source, plan.fallback, plan.fallbackZones]).toEqual(["mppi", null, ["b"]]);
    const rule = request.rulePlans[0]!;
    const columnOf = (values: Float64Array, zone: number): number[] => [...values].filter((_, i) => i % 3 === zone);
    expect(plan.chosen.zones.b!.heatingSetpointC).toEqual(columnOf(rule.heatingSetpointC, 1));
    expect(plan.chosen.zones.b!.coolingSetpointC).toEqual(columnOf(rule.coolingSetpointC, 1));
    // A plan that is cheaper than the rule is found for the others still.
    expect(plan.chosen.zones.a!.heatingSetpointC).not.toEqual(columnOf(rule.heatingSetpointC, 0));
    expect(plan.chosen.cost.total).toBeLessThan(plan.rule!.cost.total);
    expect(plan.reason).toMatch(
      / In b the rule acts: no plan is sure enough there, the surest spreads by 1\.40 K and 0\.50 K are allowed\.$/,
    );
    expect(plan.diagnostics.samplesDiscarded).toBe(0);
    const always = await plannerOf(building(), officeZones, { allowFallback: false }).plan(request);
    expect([always.source, always.fallbackZones]).toEqual(["mppi", undefined]);
  });

  it("to the rule in a zone in which the loop doubts the model, and everywhere where all are doubted", async () => {
    const request = officeRequest({ zones: officeZones });
    const why = "the last 16 steps ended 3.0 times as far from the model's predictions as they should";
    const building = (): FakeRollout => new FakeRollout(officeZones.map(quickZone));
    const plan = await plannerOf(building(), officeZones).plan({ ...request, leftToRule: new Map([["c", why]]) });
    expect([plan.source, plan.fallback, plan.fallbackZones]).toEqual(["mppi", null, ["c"]]);
    const rule = request.rulePlans[0]!;
    expect(plan.chosen.zones.c!.heatingSetpointC).toEqual([...rule.heatingSetpointC].filter((_, i) => i % 3 === 2));
    expect(plan.reason).toContain(` In c the rule acts: ${why}.`);
    // A problem without bounds of the rule's has them in that zone alone: elsewhere equipment rests at the widest pair there is, not at the limits.
    const free = await plannerOf(building(), officeZones, { withinRules: false }).plan({ ...request, leftToRule: new Map([["c", why]]) });
    expect(free.chosen.zones.c!.heatingSetpointC).toEqual(plan.chosen.zones.c!.heatingSetpointC);
    const coldest = Math.min(...request.rulePlans.flatMap(({ heatingSetpointC }) => [...heatingSetpointC]));
    for (const { heatingSetpointC } of Object.values(free.chosen.zones))
      expect(Math.min(...heatingSetpointC)).toBeGreaterThanOrEqual(coldest);

    const all = { ...request, leftToRule: new Map(officeZones.map((zone) => [zone, why])) };
    const none = await plannerOf(building(), officeZones).plan(all);
    expect([none.source, none.fallback, none.fallbackZones]).toEqual(["rule", "model-doubted", undefined]);
    expect(none.reason).toBe(`The rule acts (${rule.name}): in a (and 2 more zones) ${why}.`);
    const always = await plannerOf(building(), officeZones, { allowFallback: false }).plan(all);
    expect([always.source, always.fallback]).toEqual(["mppi", null]);
  });

  it("to the rule with a bound of 0 where people come, and not where nobody does: being wrong about an empty building harms nobody", async () => {
    const planWith = (request: PlanRequest): Promise<Plan> =>
      plannerOf(new FakeRollout(officeZones.map(quickZone)), officeZones, {}, 0).plan(request);
    expect((await planWith(officeRequest({ zones: officeZones }))).fallback).toBe("too-uncertain");
    expect((await planWith(officeRequest({ zones: officeZones, occupied: null }))).fallback).toBeNull();
  });

  it("to the rule, unpredicted, when nothing predicted is finite", async () => {
    const fake = new FakeRollout(officeZones.map(quickZone), { afterwards: (result) => void result.powerW.fill(Number.NaN) });
    const plan = await plannerOf(fake, officeZones).plan(officeRequest({ zones: officeZones }));
    expect([plan.source, plan.fallback, plan.rule]).toEqual(["rule", "not-finite", null]);
    expect(plan.chosen.zones.a!.heatingSetpointC).toHaveLength(20);
    expect(plan.chosen.zones.a!.meanC).toEqual([]);
    expect(plan.diagnostics.samplesNotFinite).toBe(plan.diagnostics.numSamples);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  it("not where it is told never to: then the least uncertain plans act", async () => {
    const stdDevK = (request: { heatingSetpointC: Float64Array }, k: number): number =>
      0.6 + 0.05 * Math.abs(request.heatingSetpointC[k * 60 + 30]! - 17);
    const plan = await plannerOf(new FakeRollout(officeZones.map(quickZone), { stdDevK }), officeZones, { allowFallback: false }).plan(
      officeRequest({ zones: officeZones }),
    );
    expect([plan.source, plan.fallback]).toEqual(["mppi", null]);
    expect(plan.chosen.zones.a!.stdDevK[0]).toBeLessThan(0.7);
    expect(plan.diagnostics.samplesDiscarded).toBe(plan.diagnostics.numSamples);
  });

  it("only from the sequences that are too uncertain: a sure one that costs more wins over an unsure cheap one", async () => {
    // Unsure of every plan that heats before the step two hours ahead.
    const stdDevK = (request: { heatingSetpointC: Float64Array }, k: number): number =>
      request.heatingSetpointC[k * 20 + 10]! > 15.5 ? 2 : 0.1;
    const plan = await plannerOf(new FakeRollout([slowZone("a")], { stdDevK }), ["a"]).plan(officeRequest({ zones: ["a"] }));
    expect(plan.source).toBe("mppi");
    expect(plan.chosen.zones.a!.heatingSetpointC[10]).toBeLessThanOrEqual(15.5);
    expect(plan.diagnostics.samplesDiscarded).toBeGreaterThan(0);
  });
});

describe("one sequence that is not finite", () => {
  it("is dropped and counted, and never reaches the plan, wherever it stands", async () => {
    for (const broken of ["meanC", "stdDevK", "powerW"] as const) {
      const fake = new FakeRollout(officeZones.map(quickZone), {
        afterwards: (result, { count, horizonSteps }) => {
          // Every second sequence.
          const width = result[broken].length / count;
          for (let k = 1; k < count; k += 2) result[broken][k * width + horizonSteps - 1] = broken === "stdDevK" ? -1 : Number.NaN;
        },
      });
      const plan = await plannerOf(fake, officeZones).plan(officeRequest({ zones: officeZones }));
      expect(plan.source).toBe("mppi");
      expect(plan.diagnostics.samplesNotFinite).toBeGreaterThan(100);
      expect(plan.chosen.powerW.every(Number.isFinite)).toBe(true);
      expect(Number.isFinite(plan.chosen.cost.total)).toBe(true);
    }
  });
});

describe("time", () => {
  it("returns the best plan so far when the deadline passes", async () => {
    let now = 0;
    const fake = new FakeRollout(officeZones.map(quickZone), {
      afterwards: () => {
        now += 10;
      },
    });
    const options = { clockMs: () => now, deadlineMs: 15 };
    const plan = await plannerOf(fake, officeZones, options).plan(officeRequest({ zones: officeZones }));
    expect(fake.runs).toBe(2);
    expect([plan.source, plan.diagnostics.solveMs]).toEqual(["mppi", 20]);
  });

  it("returns the best plan so far when it is aborted between evaluations", async () => {
    const controller = new AbortController();
    const fake = new FakeRollout(officeZones.map(quickZone), { afterwards: () => controller.abort() });
    const plan = await plannerOf(fake, officeZones).plan(officeRequest({ zones: officeZones }), controller.signal);
    expect(fake.runs).toBe(1);
    expect(plan.source).toBe("mppi");
    expect(plan.chosen.cost.total).toBeLessThanOrEqual(plan.rule!.cost.total);
  });

  it("acts by the rule when it is aborted before anything was evaluated", async () => {
    const fake = new FakeRollout(officeZones.map(quickZone));
    const plan = await plannerOf(fake, officeZones).plan(officeRequest({ zones: officeZones }), AbortSignal.abort());
    expect([fake.runs, plan.source, plan.fallback]).toEqual([0, "rule", "late"]);
  });
});

describe("warm start", () => {
  const shiftBy = (plan: Plan, steps: number): Partial<PlanRequest> => ({
    nowMs: plan.issuedAtMs + steps * 900_000,
    previousPlan: plan,
    tick: 2,
  });

  it("takes the previous plan, shifted by time, among the samples", async () => {
    const before = await planFor(
      slowZone,
      officeRequest({ zones: ["a"], rules: lead4 }, { demandCharge: { pricePerKw: 15, peakSoFarW: 0 } }),
      { withinRules: false },
    );
    const seen: number[][] = [];
    const fake = new FakeRollout([slowZone("a")], {
      afterwards: (_, { heatingSetpointC, count, horizonSteps }, run) => {
        if (run === 0) for (let k = 0; k < count; k++) seen.push([...heatingSetpointC.slice(k * horizonSteps, (k + 1) * horizonSteps)]);
      },
    });
    const request = officeRequest({ zones: ["a"], rules: lead4 }, shiftBy(before, 2));
    await plannerOf(fake, ["a"], { withinRules: false }).plan(request);
    expect(seen).toHaveLength(2);
    const tail = [...request.rulePlans[0]!.heatingSetpointC].slice(18);
    expect(seen[1]).toEqual([...before.chosen.zones.a!.heatingSetpointC.slice(2), ...tail]);
  });

  it("does without a previous plan that is over or of other zones", async () => {
    const before = await planFor(slowZone, officeRequest({ zones: ["a"] }));
    const over = await planFor(slowZone, officeRequest({ zones: ["a"] }, shiftBy(before, 40)));
    const other = await planFor(slowZone, officeRequest({ zones: ["b"] }, shiftBy(before, 1)));
    expect([over.source, other.source]).toEqual(["mppi", "mppi"]);
  });

  it("keeps nothing between calls: the second decision does not depend on the first", async () => {
    const fake = new FakeRollout([slowZone("a")]);
    const planner = plannerOf(fake, ["a"]);
    await planner.plan(officeRequest({ zones: ["a"], tick: 1 }));
    const second = await planner.plan(officeRequest({ zones: ["a"], tick: 2 }));
    const fresh = await planFor(slowZone, officeRequest({ zones: ["a"], tick: 2 }));
    expect(timeless(second)).toEqual(timeless(fresh));
  });
});

describe("budget", () => {
  it("spends the number of samples it is given, once each", async () => {
    for (const numSamples of [100, 1000]) {
      const fake = new FakeRollout(officeZones.map(quickZone));
      const plan = await plannerOf(fake, officeZones, { numSamples }).plan(officeRequest({ zones: officeZones }));
      expect(fake.samples).toBe(plan.diagnostics.numSamples);
      expect(fake.samples).toBeLessThanOrEqual(numSamples);
      expect(fake.samples).toBeGreaterThan(0.8 * numSamples);
    }
  });

  it("never hands the backend more than it takes at once", async () => {
    let most = 0;
    const fake = new FakeRollout(officeZones.map(quickZone), {
      afterwards: (_, { count }) => {
        most = Math.max(most, count);
      },
    });
    await plannerOf(fake, officeZones, { maxSamplesPerRun: 32 }).plan(officeRequest({ zones: officeZones }));
    expect(most).toBe(32);
  });
});

describe("refuses", () => {
  const refused = (change: Partial<PlanRequest>, message: RegExp) =>
    expect(planFor(quickZone, officeRequest({ zones: ["a"] }, change))).rejects.toThrow(message);

  it("requests that do not fit together, naming what does not", async () => {
    await refused({ rulePlans: [] }, /no plan of the rule/);
    await refused({ pricePerKwh: new Float64Array(3) }, /Prices cover 3 of 20/);
    await refused({ comfort: new Map() }, /Comfort of zone a/);
    await refused(
      { otherPlans: [{ name: "short", heatingSetpointC: new Float64Array(2), coolingSetpointC: new Float64Array(2) }] },
      /"short"/,
    );
    await expect(plannerOf(new FakeRollout([quickZone("b")]), ["b"]).plan(officeRequest({ zones: ["a"] }))).rejects.toThrow(
      /zones a and the model for b/,
    );
  });

  it("options that make no sense", () => {
    for (const options of [{ numSamples: 0 }, { iterations: 11 }, { mppiTemperature: 0 }, { maxSamplesPerRun: 0.5 }])
      expect(() => plannerOf(new FakeRollout([quickZone("a")]), ["a"], options)).toThrow(IsothermError);
  });

  it("nothing of a failing backend: its error reaches the caller, and close closes it", async () => {
    const fake = new FakeRollout([quickZone("a")], {
      afterwards: () => {
        throw new Error("device lost");
      },
    });
    const planner = plannerOf(fake, ["a"]);
    await expect(planner.plan(officeRequest({ zones: ["a"] }))).rejects.toThrow("device lost");
    await planner.close();
    expect(fake.closed).toBe(true);
  });
});
