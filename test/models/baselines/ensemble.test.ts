import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { initialStateFromHistory } from "#controllers/rollout/initialState";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { DatasetRows } from "#math/datasetRows";
import { createEnsemblePredictor, createEnsembleRollout } from "#models/baselines/ensemble/ensemblePredictor";
import { forward, predictIncrement, type ZoneEnsemble } from "#models/baselines/ensemble/network";
import { ENSEMBLE_MEMBERS, ensembleFrame, trainEnsemble, trainEnsembleBuilding } from "#models/baselines/ensemble/trainEnsemble";
import { sliceDataset } from "#models/datasetSlice";
import { evaluateZone } from "#models/evaluation/evaluateZone";
import { openLoop } from "#models/evaluation/openLoop";
import { modelFromJson, modelToJson } from "#models/modelJson";
import { changed, office, officeRows, STEP_S, ZONE } from "./office.js";

const la = await createLinearAlgebra("auto", { threads: 1 });
const quick = { epochs: 8, hidden: [16, 16] } as const;
const trained = await trainEnsemble(la, officeRows({ rows: 400, noiseK: 0.05 }), ZONE, { epochs: 30, hidden: [32, 32] });

/** y = w·x + b, one layer. */
const linear = (weights: readonly number[], bias: number) => [
  { inputs: weights.length, outputs: 1, weights: Float64Array.from(weights), biases: Float64Array.of(bias) },
];

describe("a network", () => {
  it("computes W₂ max(0, W₁ x + b₁) + b₂", () => {
    const number = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(fc.array(number, { minLength: 11, maxLength: 11 }), (v) => {
        const network = [
          { inputs: 2, outputs: 2, weights: Float64Array.from(v.slice(0, 4)), biases: Float64Array.from(v.slice(4, 6)) },
          { inputs: 2, outputs: 1, weights: Float64Array.from(v.slice(6, 8)), biases: Float64Array.of(v[8]!) },
        ];
        const [x1, x2] = [v[9]!, v[10]!];
        const h1 = Math.max(0, v[0]! * x1 + v[1]! * x2 + v[4]!);
        const h2 = Math.max(0, v[2]! * x1 + v[3]! * x2 + v[5]!);
        const expected = v[6]! * h1 + v[7]! * h2 + v[8]!;
        expect(forward(la, network, Float64Array.of(x1, x2, 0, 0), 2)[0]).toBeCloseTo(expected, 9);
      }),
    );
  });
});

describe("an ensemble", () => {
  const two: ZoneEnsemble = {
    zone: ZONE,
    features: [],
    inputMean: Float64Array.of(10),
    inputStdDev: Float64Array.of(2),
    targetMeanK: 0.5,
    targetStdDevK: 3,
    members: [linear([1], 0), linear([2], 1)],
    noiseVarianceK2: 0.01,
  };

  it("predicts the members' mean and is as uncertain as their standard deviation", () => {
    const { meanK, spreadK } = predictIncrement(la, two, Float64Array.of(14), 1);
    // Standardised input 2; outputs 2 and 5.
    expect(meanK[0]).toBeCloseTo(0.5 + 3 * 3.5, 12);
    expect(spreadK[0]).toBeCloseTo(3 * Math.sqrt(2 * 1.5 ** 2), 12);
  });

  it("gives NaN for a row with a missing input and leaves the others alone", () => {
    const { meanK } = predictIncrement(la, two, Float64Array.of(Number.NaN, 14), 2);
    expect(Number.isNaN(meanK[0]!)).toBe(true);
    expect(meanK[1]).toBeCloseTo(11, 12);
  });

  it("of five networks learns from bootstrap samples that differ, the same twice for a seed and otherwise for another", async () => {
    const data = officeRows({ rows: 120, noiseK: 0.1 });
    const once = await trainEnsemble(la, data, ZONE, { ...quick, seed: 4 });
    expect(once.members).toHaveLength(ENSEMBLE_MEMBERS);
    expect(new Set(once.members.map((member) => member[0]!.weights[0])).size).toBe(ENSEMBLE_MEMBERS);
    expect(await trainEnsemble(la, data, ZONE, { ...quick, seed: 4 })).toEqual(once);
    expect((await trainEnsemble(la, data, ZONE, { ...quick, seed: 5 })).members).not.toEqual(once.members);
  });

  it("predicts rows that it has not seen better than no change, and counts its noise", () => {
    const data = officeRows({ rows: 600, noiseK: 0.05 });
    const accuracy = evaluateZone(la, ensembleFrame(trained), data, 402, 600, createEnsemblePredictor(la, trained, "measured"));
    expect(accuracy.rmse1K).toBeLessThan(0.5 * accuracy.persistenceRmse1K);
    expect(accuracy.coverage90).toBeGreaterThan(0.7);
    expect(Math.sqrt(trained.noiseVarianceK2)).toBeGreaterThan(0.04);
  });

  it("is less sure far from its data", () => {
    const dataset = office({ rows: 400, noiseK: 0.05 });
    const predictor = createEnsemblePredictor(la, trained, "members");
    const spreadAt = (value: number): number =>
      predictor.predict(new DatasetRows(changed(dataset, "site.outdoorAirTempC", 201, value)).source([200]), true).stdDevK![0]!;
    expect(spreadAt(-60)).toBeGreaterThan(3 * spreadAt(5));
  });

  it("rolls out as it predicts step by step, spread without noise, power 0, and its frame travels as JSON", async () => {
    const dataset = office({ rows: 200, noiseK: 0.1 });
    const { model, ensembles } = await trainEnsembleBuilding(la, dataset, [ZONE], (ms) => ms, quick);
    expect([model.kind, model.power]).toEqual(["ensemble", null]);
    expect(modelFromJson(modelToJson(model))).toEqual(model);
    const data = new DatasetRows(dataset);
    const [start, steps] = [150, 8];
    const frame = model.zones[0]!;
    const { meanC } = openLoop(createEnsemblePredictor(la, ensembles[0]!, "members"), frame, data, [start], steps);
    const upcoming = (values: Float64Array): Float64Array => values.slice(start + 1, start + 1 + steps);
    const past = sliceDataset(dataset, 0, start + 1);
    const twice = (values: Float64Array): Float64Array => Float64Array.from([...values, ...values]);
    const rolled = await createEnsembleRollout(la, ensembles).run({
      count: 2,
      horizonSteps: steps,
      heatingSetpointC: twice(upcoming(data.column(`${ZONE}.heatingSetpointC`))),
      coolingSetpointC: twice(upcoming(data.column(`${ZONE}.coolingSetpointC`))),
      initial: initialStateFromHistory(model, { stepS: STEP_S, nowMs: past.timesMs[start]!, columns: past.columns, rows: start + 1 }),
      disturbances: new Map([...dataset.columns].map(([point, values]) => [point, upcoming(values)])),
      localMs: upcoming(dataset.timesMs),
    });
    for (let step = 0; step < steps; step++)
      for (const k of [0, 1]) expect(rolled.meanC[k * steps + step]).toBeCloseTo(meanC[step]![0]!, 9);
    expect(rolled.stdDevK.every((value) => value > 0)).toBe(true);
    expect(rolled.powerW.every((value) => value === 0)).toBe(true);
  });

  it("stops when it is told to, refuses a handful of rows, and reports progress that only grows", async () => {
    const data = officeRows({ rows: 100 });
    const signal = AbortSignal.abort(new Error("not now"));
    await expect(trainEnsemble(la, data, ZONE, { ...quick, signal })).rejects.toThrow("not now");
    await expect(trainEnsemble(la, officeRows({ rows: 20 }), ZONE, quick)).rejects.toThrow(/ensemble needs 48/);
    const fractions: number[] = [];
    await trainEnsemble(la, data, ZONE, { ...quick, onProgress: (fraction) => fractions.push(fraction) });
    expect(fractions.every((value, i) => value >= (fractions[i - 1] ?? 0))).toBe(true);
    expect(fractions.at(-1)).toBe(1);
  });
});
