import { describe, expect, it } from "vitest";
import type { SetpointBatch } from "#controllers/mppi/cost";
import type { PredictedCandidate } from "#controllers/mppi/pool";
import { explainProbe, type ProbeContext, probed } from "#controllers/mppi/probing";
import { sequenceOf } from "#controllers/mppi/samples";
import type { CostProblem } from "#domain/cost";

const T = 6;
const zones = ["north", "south"];
const nz = zones.length;
const filled = (value: number): Float64Array => new Float64Array(T * nz).fill(value);

const cost: CostProblem = {
  horizonSteps: T,
  nz,
  stepS: 900,
  lowerC: filled(20),
  upperC: filled(24),
  occupied: new Uint8Array(T * nz).fill(1),
  pricePerKwh: new Float64Array(T).fill(0.2),
  demandCharge: null,
  weights: { comfortPerKh: 2.4, uncertaintyPerK: 0, movementPerK: 0 },
  toleranceK: 0.05,
  terminal: null,
  inForceHeatingC: new Float64Array(nz).fill(20),
  inForceCoolingC: new Float64Array(nz).fill(24),
};
const limits = {
  minHeatingSetpointC: 15,
  maxHeatingSetpointC: 24,
  minCoolingSetpointC: 20,
  maxCoolingSetpointC: 30,
  deadbandK: 0.5,
  maxSlewKPerStep: Number.POSITIVE_INFINITY,
};
const admission = {
  limits,
  inForceHeatingC: cost.inForceHeatingC,
  inForceCoolingC: cost.inForceCoolingC,
  gridK: 0,
  tightest: { heatingSetpointC: filled(20), coolingSetpointC: filled(24) },
};

/** What a model would say: `unsure` K where a zone floats after its first step was moved, 0.05 K where it is held; a probe costs `extra`, `discomfort` in comfort. */
interface World {
  readonly unsure: readonly number[];
  readonly extra?: readonly number[];
  readonly discomfort?: number;
  readonly admitted?: boolean;
}
const judged = (batch: SetpointBatch, k: number, world: World): PredictedCandidate => {
  const meanC = new Float64Array(batch.count * T * nz).fill(20);
  const stdDevK = new Float64Array(batch.count * T * nz).fill(0.05);
  let total = 10;
  let comfort = 0;
  for (let z = 0; z < nz; z++) {
    const at = k * T * nz + z;
    const moved = batch.heatingSetpointC[at]! !== 20 || batch.coolingSetpointC[at]! !== 24;
    if (!moved) continue;
    for (let t = 1; t < T; t++) stdDevK[(k * T + t) * nz + z] = world.unsure[z]!;
    total += world.extra?.[z] ?? 0.001;
    comfort += world.discomfort ?? 0;
  }
  const terms = { comfort, energy: total - comfort, uncertainty: 0, movement: 0, total };
  return { batch, k, result: { meanC, stdDevK, powerW: new Float64Array(batch.count * T) }, terms, total, spreadK: 0.1 };
};
const poolOf = (world: World, seen: SetpointBatch[] = []) => ({
  sequence: ({ batch, k }: { batch: SetpointBatch; k: number }) => sequenceOf(batch, k, T * nz),
  predict: async (batch: SetpointBatch) => {
    seen.push(batch);
    return Array.from({ length: batch.count }, (_, k) => judged(batch, k, world));
  },
  isAdmitted: () => world.admitted ?? true,
});
const best = (world: World): PredictedCandidate =>
  judged({ count: 1, heatingSetpointC: filled(20), coolingSetpointC: filled(24) }, 0, world);
const context: ProbeContext = {
  cost,
  admission,
  zones,
  nowC: [20.1, 20],
  allowance: { budget: 0.01, excludedZones: [] },
  leftToRule: [],
};
const tryIt = (world: World, changes: Partial<ProbeContext> = {}) => probed(poolOf(world), best(world), { ...context, ...changes });

describe("a probe", () => {
  it("moves one held zone's setpoint into the band for the first step only, where the model is least sure for its cost", async () => {
    const found = await tryIt({ unsure: [0.2, 0.4] });
    expect(found?.probe).toEqual({
      zone: "south",
      mode: "heating",
      setpointC: 21,
      plannedC: 20,
      cost: expect.closeTo(0.001, 9),
      stdDevK: 0.4,
    });
    const { heatingSetpointC, coolingSetpointC } = sequenceOf(found!.candidate.batch, found!.candidate.k, T * nz);
    expect([...heatingSetpointC]).toEqual([20, 21, ...new Array(T * nz - 2).fill(20)]);
    expect([...coolingSetpointC]).toEqual(new Array(T * nz).fill(24));
    // Ten times as dear, and no longer the best choice.
    expect((await tryIt({ unsure: [0.2, 0.4], extra: [0.0005, 0.009] }))?.probe.zone).toBe("north");
  });

  it("cools a zone that stands on its cooling setpoint", async () => {
    const found = await tryIt({ unsure: [0.3, 0.05] }, { nowC: [23.9, 22] });
    expect(found?.probe).toMatchObject({ zone: "north", mode: "cooling", plannedC: 24 });
    expect(found?.probe.setpointC).toBeCloseTo(22.9, 9);
  });

  it.each<[string, World, Partial<ProbeContext>]>([
    ["the model is sure already", { unsure: [0.09, 0.09] }, {}],
    ["it costs more than is allowed", { unsure: [0.4, 0.4], extra: [0.02, 0.02] }, {}],
    ["nothing is allowed", { unsure: [0.4, 0.4] }, { allowance: { budget: 0, excludedZones: [] } }],
    ["it would cost comfort", { unsure: [0.4, 0.4], discomfort: 0.01 }, {}],
    ["its spread would be discarded", { unsure: [0.4, 0.4], admitted: false }, {}],
    ["both zones are excluded", { unsure: [0.4, 0.4] }, { allowance: { budget: 0.01, excludedZones: zones } }],
    ["the rule acts in both zones", { unsure: [0.4, 0.4] }, { leftToRule: [0, 1] }],
    ["the zones float between their setpoints", { unsure: [0.4, 0.4] }, { nowC: [22, 22] }],
    ["nobody is there for the next hour", { unsure: [0.4, 0.4] }, { cost: { ...cost, occupied: new Uint8Array(T * nz) } }],
    ["the band has no room", { unsure: [0.4, 0.4] }, { cost: { ...cost, upperC: filled(20.6) } }],
  ])("is not made where %s", async (_, world, changes) => {
    expect(await tryIt(world, changes)).toBeNull();
  });

  it("says what it does and what that costs", () => {
    const probe = { zone: "south", mode: "heating", setpointC: 21, plannedC: 20, cost: 0.00123, stdDevK: 0.4 } as const;
    expect(explainProbe(probe, "EUR")).toBe(
      " Warms south by 1.0 K for one step to see how it drifts back, of which the model is unsure by 0.40 K: costs 0.0012 EUR.",
    );
  });
});
