import { describe, expect, it } from "vitest";
import { changedRequest, createWhatIf } from "#cli/daemon/whatIf";
import { loadSiteConfig } from "#config/loadSiteConfig";
import type { WhatIfQuestion } from "#dashboards/server/wire";
import type { Decision } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";
import { planOfSequence } from "#loop/rulePlan";

const config = loadSiteConfig("config/sites/demo.yaml");
const zones = config.zones.map(({ id }) => id);
const stepMs = config.control.stepS * 1000;
/** A Wednesday, 06:00 at the site: occupied from 07:00. */
const nowMs = Date.UTC(1991, 0, 9, 11);
const horizonSteps = 12;
const same: WhatIfQuestion = { lowerShiftK: 0, upperShiftK: 0, priceFactor: 1, occupancy: "scheduled", horizonSteps: null };
const stepEndMs = Float64Array.from({ length: horizonSteps }, (_, t) => nowMs + (t + 1) * stepMs);
const base: PlanRequest = changedRequest(
  config,
  {
    nowMs,
    stepS: config.control.stepS,
    horizonSteps,
    zones,
    history: { stepS: config.control.stepS, nowMs, columns: new Map(), rows: 0 },
    forecast: { issuedAtMs: nowMs, provider: "test", stepEndMs, columns: new Map() },
    localMs: stepEndMs,
    comfort: new Map(),
    limits: config.control.limits,
    inForce: new Map(),
    pricePerKwh: new Float64Array(horizonSteps).fill(0.12),
    rulePlans: [],
    otherPlans: [],
    previousPlan: null,
    seed: 1,
    tick: 7,
  },
  same,
  Number.NaN,
);
const ruleOf = (request: PlanRequest) =>
  planOfSequence(request, request.rulePlans[0]!, { source: "mppi", fallback: null, reason: "as asked" });
const occupiedSteps = (request: PlanRequest): number =>
  request.comfort
    .get(zones[0]!)!
    .occupied.slice(0, request.horizonSteps)
    .reduce((sum, one) => sum + one, 0);

describe("a what-if question", () => {
  it("changes what it names in a copy, the rule's plans with it, and leaves the rest", () => {
    const before = structuredClone(base.pricePerKwh);
    const dearer = changedRequest(
      config,
      base,
      { ...same, priceFactor: 2, lowerShiftK: -1, upperShiftK: 1.5, horizonSteps: 8 },
      Number.NaN,
    );
    expect(dearer.pricePerKwh).toEqual(new Float64Array(8).fill(0.24));
    expect(base.pricePerKwh).toEqual(before);
    const { occupied } = config.zones[0]!.comfort;
    const band = dearer.comfort.get(zones[0]!)!;
    expect([band.lowerC[7], band.upperC[7]]).toEqual([occupied.lowerC - 1, occupied.upperC + 1.5]);
    for (const { heatingSetpointC } of dearer.rulePlans) expect(heatingSetpointC).toHaveLength(8 * zones.length);
    expect(dearer.rulePlans[0]!.heatingSetpointC[7 * zones.length]).toBe(occupied.lowerC - 1);
    expect([dearer.seed, dearer.tick, dearer.history]).toEqual([base.seed, base.tick, base.history]);
  });

  it("a building in which nobody comes, or somebody is all the time", () => {
    expect(occupiedSteps(base)).toBe(8);
    expect(occupiedSteps(changedRequest(config, base, { ...same, occupancy: "empty" }, Number.NaN))).toBe(0);
    expect(occupiedSteps(changedRequest(config, base, { ...same, occupancy: "occupied" }, Number.NaN))).toBe(horizonSteps);
  });

  it("refuses a band that is none", () => {
    expect(() => changedRequest(config, base, { ...same, lowerShiftK: 3, upperShiftK: -3 }, Number.NaN)).toThrow(/band/);
  });

  const decision = { id: "1-7", plan: ruleOf(base) } as Decision;
  const whatIfWith = (planner: Planner | null) =>
    createWhatIf({
      config,
      decision: () => decision,
      use: (work) => work(planner),
      runningMeanC: () => Number.NaN,
      presence: () => undefined,
      limitMs: 60_000,
    });

  it("is answered beside what is in force, and refused before a decision or a model", async () => {
    const asked: PlanRequest[] = [];
    const whatIf = whatIfWith({
      name: "echo",
      plan: async (request) => {
        asked.push(request);
        return ruleOf(request);
      },
      close: async () => undefined,
    });
    await expect(whatIf.ask(same)).rejects.toThrow(/Nothing has been decided/);
    whatIf.remember("1-7", base);
    const view = await whatIf.ask({ ...same, lowerShiftK: -1 });
    expect(asked).toHaveLength(1);
    const zone = zones[0]!;
    const last = horizonSteps - 1;
    expect(view.inForce.zones[zone]!.heatingSetpointC[last]! - view.changed.zones[zone]!.heatingSetpointC[last]!).toBe(1);
    // The rule alone predicts nothing, so nothing is claimed.
    expect(view.changed.energyKwh).toBe(null);
    const without = whatIfWith(null);
    without.remember("1-7", base);
    await expect(without.ask(same)).rejects.toThrow(/no model/);
  });

  it("ends at once with the best plan so far where a decision begins", async () => {
    const whatIf = whatIfWith({
      name: "slow",
      plan: (request, signal) =>
        new Promise((resolve) => signal?.addEventListener("abort", () => resolve({ ...ruleOf(request), reason: "cut short" }))),
      close: async () => undefined,
    });
    whatIf.remember("1-7", base);
    const answer = whatIf.ask(same);
    whatIf.yieldToControl();
    expect((await answer).changed.reason).toBe("cut short");
  });
});
