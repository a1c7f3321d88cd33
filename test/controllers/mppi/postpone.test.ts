import { describe, expect, it } from "vitest";
import type { SetpointBatch } from "#controllers/mppi/cost";
import type { CandidatePool, PredictedCandidate } from "#controllers/mppi/pool";
import { postponed } from "#controllers/mppi/postpone";
import { type Sequence, sequenceOf } from "#controllers/mppi/samples";
import type { CostProblem } from "#domain/cost";

const T = 4;
const nz = 2;
const filled = (value: number): Float64Array => new Float64Array(T * nz).fill(value);
const cost: CostProblem = {
  horizonSteps: T,
  nz,
  stepS: 900,
  lowerC: filled(20),
  upperC: filled(24),
  occupied: new Uint8Array(T * nz),
  pricePerKwh: new Float64Array(T).fill(0.2),
  demandCharge: null,
  weights: { comfortPerKh: 2.4, uncertaintyPerK: 0, movementPerK: 0 },
  toleranceK: 0.05,
  terminal: null,
  inForceHeatingC: new Float64Array(nz).fill(15),
  inForceCoolingC: new Float64Array(nz).fill(30),
};
const admission = {
  limits: {
    minHeatingSetpointC: 15,
    maxHeatingSetpointC: 24,
    minCoolingSetpointC: 20,
    maxCoolingSetpointC: 30,
    deadbandK: 0.5,
    maxSlewKPerStep: Number.POSITIVE_INFINITY,
  },
  inForceHeatingC: cost.inForceHeatingC,
  inForceCoolingC: cost.inForceCoolingC,
  gridK: 0,
};
const wide: Sequence = { heatingSetpointC: filled(15), coolingSetpointC: filled(30) };
const starting: Sequence = { heatingSetpointC: filled(20), coolingSetpointC: filled(30) };
const batchOf = ({ heatingSetpointC, coolingSetpointC }: Sequence): SetpointBatch => ({ count: 1, heatingSetpointC, coolingSetpointC });

/** A world in which every zone that heats in the first step takes 1 kW then, and every one that waits costs `dearer` more in all. */
const choose = async (dearer: number, slow: readonly boolean[], nowC: readonly number[] = [16, 16]): Promise<readonly number[] | null> => {
  const judge = (batch: SetpointBatch, k: number): PredictedCandidate => {
    const { heatingSetpointC } = sequenceOf(batch, k, T * nz);
    const heating = [...heatingSetpointC.subarray(0, nz)].filter((value) => value > 15).length;
    const powerW = new Float64Array(batch.count * T);
    powerW[k * T] = 1000 * heating;
    const total = 1 + dearer * (nz - heating);
    return {
      batch,
      k,
      result: { powerW, meanC: new Float64Array(batch.count * T * nz), stdDevK: new Float64Array(batch.count * T * nz) },
      terms: { comfort: 0, energy: total, uncertainty: 0, movement: 0, total },
      total,
      spreadK: 0.1,
    } as PredictedCandidate;
  };
  const best = judge(batchOf(starting), 0);
  const pool = {
    candidates: [{ ...best, total: 2 }],
    sequence: ({ batch, k }: PredictedCandidate) => sequenceOf(batch, k, T * nz),
    predict: async (batch: SetpointBatch) => Array.from({ length: batch.count }, (_, k) => judge(batch, k)),
    isAdmitted: () => true,
    add: () => undefined,
  } as unknown as CandidatePool;
  const found = await postponed(pool, best, { cost, admission, given: [wide, starting], doubtedShare: 0.25, nowC, slow });
  return found === null ? null : [...pool.sequence(found).heatingSetpointC.subarray(0, nz)];
};

describe("starts put off by a step", () => {
  it("wait where that costs less than the doubted share of what it moves (1 kW for a quarter of an hour at 0.20: 0.0125)", async () => {
    expect(await choose(0.01, [false, false])).toEqual([15, 15]);
    expect(await choose(0.02, [false, false])).toBeNull();
  });

  it("are no starts where the zone is warm enough by itself", async () => {
    expect(await choose(0.01, [false, false], [21, 16])).toEqual([20, 15]);
  });

  it("do not wait in a zone whose heat takes hours: it would be put off again and again", async () => {
    expect(await choose(0.01, [true, false])).toEqual([20, 15]);
    expect(await choose(0.01, [true, true])).toBeNull();
  });
});
