import { describe, expect, it } from "vitest";
import { defaultWeights } from "#controllers/mppi/cost";
import { createMppiPlanner } from "#controllers/mppi/mppiPlanner";
import { comfortOutlook, explainPlan, planReasons, type ReasonInput } from "#controllers/mppi/reason";
import type { Plan, PredictedPlan } from "#domain/plan";
import { normalCdf } from "#math/statistics";
import {
  FakeRollout,
  type FakeZone,
  fakeModel,
  officeRequest,
  quickZone,
  type Situation,
  slowZone,
} from "../../fixtures/thermostatBuilding.js";

const decide = (make: (id: string) => FakeZone, situation: Situation, rule: string, currency = "EUR"): Promise<Plan> => {
  const request = officeRequest(situation);
  const first = request.rulePlans.find(({ name }) => name === rule)!;
  return createMppiPlanner({
    rollout: new FakeRollout(situation.zones.map(make)),
    model: fakeModel(situation.zones),
    options: { numSamples: 300, currency },
  }).plan({ ...request, rulePlans: [first, ...request.rulePlans.filter((one) => one !== first)] });
};

/** First step before or at occupancy whose setpoint asks for heat, by the plan's own prediction. */
const startStep = (plan: PredictedPlan, zone: string, nowC: number): number =>
  plan.zones[zone]!.heatingSetpointC.findIndex((setpoint, t) => setpoint > (t === 0 ? nowC : plan.zones[zone]!.meanC[t - 1]!) + 0.2);
const money = ({ cost }: PredictedPlan): number => cost.energy + (cost.demand ?? 0) + (cost.terminal ?? 0);

const reasonInput = (plan: Plan): ReasonInput => ({
  zones: Object.keys(plan.chosen.zones),
  stepS: plan.stepS,
  comfort: plan.comfort,
  chosen: plan.chosen,
  rule: plan.rule!,
  ruleName: "rule lead 1",
  nowC: Object.keys(plan.chosen.zones).map(() => 15),
  currency: "EUR",
  comfortPerKh: 1,
});

describe("the reason of a plan", () => {
  it("names the start, the difference to the rule and the saving with the plan's own numbers", async () => {
    const plan = await decide(quickZone, { zones: ["space1-1"], price: () => 2 }, "rule lead 4");
    const found =
      /^Starts heating space1-1 (\d+) min before occupancy, (\d+) min later than the rule would: saves ([\d.]+) EUR, comfort is expected within 0\.1 K of the band for (\d+) % of the time that people are there\.$/.exec(
        plan.reason,
      );
    expect(found).not.toBeNull();
    const start = startStep(plan.chosen, "space1-1", 15);
    expect(Number(found![1])).toBe((12 - start) * 15);
    expect(Number(found![2])).toBe((start - startStep(plan.rule!, "space1-1", 15)) * 15);
    expect(Number(found![3])).toBeCloseTo(money(plan.rule!) - money(plan.chosen), 2);
    const { meanC, stdDevK } = plan.chosen.zones["space1-1"]!;
    const kept = meanC
      .slice(12)
      .map((mean, i) => normalCdf((23.5 + 0.1 - mean) / stdDevK[12 + i]!) - normalCdf((20 - 0.1 - mean) / stdDevK[12 + i]!));
    expect(Number(found![4])).toBe(Math.floor((100 * kept.reduce((sum, one) => sum + one, 0)) / kept.length));
  });

  it("says of every zone what is done there, and of one that the rule has, why", async () => {
    const plan = await decide(slowZone, { zones: ["a", "b", "c"], price: () => 1 }, "rule lead 1");
    expect(Object.keys(plan.zoneReasons!)).toEqual(["a", "b", "c"]);
    for (const [zone, reason] of Object.entries(plan.zoneReasons!)) {
      // Only of this zone: no others are counted, and no costs, which are the building's.
      expect(reason).toMatch(new RegExp(`^(Starts heating ${zone} |Does what the rule would|Keeps ${zone} )`));
      expect(reason).not.toMatch(/more zone|EUR/);
    }
    const starts = Object.entries(plan.zoneReasons!).filter(
      ([zone]) => startStep(plan.chosen, zone, 15) !== startStep(plan.rule!, zone, 15),
    );
    expect(starts.length).toBeGreaterThan(0);
    for (const [zone, reason] of starts) {
      const minutes = /(\d+) min before occupancy/.exec(reason);
      expect(Number(minutes![1])).toBe((12 - startStep(plan.chosen, zone, 15)) * 15);
    }
    const doubted = planReasons(
      { ...reasonInput(plan), zones: ["a", "b"] },
      { unsure: [{ zone: "a", surestK: 0.31 }], boundK: 0.2, doubted: ["b"], why: new Map([["b", "the model is doubted"]]) },
    );
    expect(doubted.zoneReasons).toEqual({
      a: "In a the rule acts: no plan is sure enough there, the surest spreads by 0.31 K and 0.20 K are allowed.",
      b: "In b the rule acts: the model is doubted.",
    });
    expect(doubted.reason).toContain("In a the rule acts");
    expect(
      planReasons({ ...reasonInput(plan), rule: null }, { unsure: [], boundK: 1, doubted: [], why: undefined }).zoneReasons,
    ).toBeNull();
  });

  it("says what comfort a dearer plan spares", async () => {
    const plan = await decide(slowZone, { zones: ["a", "b", "c"], price: () => 1 }, "rule lead 1");
    const found =
      /^Starts heating [abc] \(and 2 more zones\) \d+ min before occupancy, \d+ min earlier than the rule would: spares ([\d.]+) Kh outside the band for ([\d.]+) EUR more,/.exec(
        plan.reason,
      );
    expect(found, plan.reason).not.toBeNull();
    expect(Number(found![1])).toBeCloseTo(
      (plan.rule!.cost.comfort - plan.chosen.cost.comfort) / defaultWeights(Float64Array.of(1)).comfortPerKh,
      2,
    );
    expect(Number(found![2])).toBeCloseTo(money(plan.chosen) - money(plan.rule!), 2);
  });

  it("counts in the currency it is given", async () => {
    const plan = await decide(quickZone, { zones: ["a"], price: () => 1 }, "rule lead 12", "kWh");
    expect(plan.reason).toMatch(/saves [\d.]+ kWh/);
  });
});

const trajectory = (heating: number[], meanC: number[], stdDevK = 0.05) => ({
  heatingSetpointC: heating,
  coolingSetpointC: heating.map(() => 26),
  meanC,
  stdDevK: meanC.map(() => stdDevK),
});
const predicted = (zone: ReturnType<typeof trajectory>, cost: Partial<PredictedPlan["cost"]> = {}): PredictedPlan => ({
  zones: { a: zone },
  powerW: [],
  cost: { comfort: 0, energy: 1, uncertainty: 0, movement: 0, total: 1, ...cost },
});
const input = (chosen: PredictedPlan, rule: PredictedPlan, occupied: boolean[], nowC: number): ReasonInput => ({
  zones: ["a"],
  stepS: 900,
  comfort: { a: { lowerC: occupied.map(() => 20), upperC: occupied.map(() => 24), occupied } },
  chosen,
  rule,
  ruleName: "rule lead 1",
  nowC: [nowC],
  currency: "EUR",
  comfortPerKh: 10,
});
const always = [true, true, true];

describe("the sentence", () => {
  it("says so when the plan is the rule's", () => {
    const same = predicted(trajectory([20, 20, 20], [20, 20, 20]));
    expect(explainPlan(input(same, same, always, 20))).toMatch(
      /^Does what the rule would \(rule lead 1\), nothing cheaper was found: comfort is expected/,
    );
  });

  it("names how much warmer or cooler a zone is kept", () => {
    const chosen = predicted(trajectory([20.4, 20.4, 20.4], [20.4, 20.4, 20.4]), { energy: 1.1 });
    const rule = predicted(trajectory([20, 20, 20], [20, 20, 20]));
    expect(explainPlan(input(chosen, rule, always, 20))).toMatch(
      /^Keeps a 0\.4 K warmer than the rule would while it is occupied: costs 0\.10 EUR more,/,
    );
    expect(explainPlan(input(rule, chosen, always, 20))).toMatch(
      /^Keeps a 0\.4 K cooler than the rule would while it is occupied: saves 0\.10 EUR,/,
    );
  });

  it("admits when the band will be missed, and to which side", () => {
    const cold = predicted(trajectory([20, 20, 20], [18.6, 19.5, 20]));
    const warm = predicted(trajectory([20, 20, 20], [25.2, 24.5, 24]));
    expect(explainPlan(input(cold, predicted(trajectory([19, 19, 19], [18, 18, 18])), always, 18))).toMatch(
      /a is expected up to 1\.4 K below its band\.$/,
    );
    expect(explainPlan(input(warm, predicted(trajectory([19, 19, 19], [26, 26, 26])), always, 26))).toMatch(
      /a is expected up to 1\.2 K above its band\.$/,
    );
  });

  it("says when a zone needs no start at all, or the rule none", () => {
    const idle = predicted(trajectory([15, 15, 20], [21, 21, 21]));
    const early = predicted(trajectory([15, 23, 23], [21, 22, 22]));
    const occupied = [false, false, true];
    expect(explainPlan(input(idle, early, occupied, 21))).toMatch(
      /^Does not start heating a for occupancy, where the rule would 15 min before/,
    );
    expect(explainPlan(input(early, idle, occupied, 21))).toMatch(
      /^Starts heating a 15 min before occupancy, where the rule would not start at all/,
    );
    const onTime = predicted(trajectory([15, 15, 23], [21, 21, 22]));
    expect(explainPlan(input(onTime, early, occupied, 21))).toMatch(
      /^Starts heating a when occupancy begins, 15 min later than the rule would/,
    );
  });

  it("is as sure as the least sure step, and expects the mean of all", () => {
    const plan = predicted(trajectory([20, 20, 20], [20.1, 22, 22], 0.2));
    const { confidence, expectedShare } = comfortOutlook(input(plan, plan, always, 20));
    expect(expectedShare).toBeCloseTo((confidence + 2) / 3, 9);
    expect(confidence).toBeCloseTo(normalCdf(1) - (1 - normalCdf((24.1 - 20.1) / 0.2)), 9);
  });
});
