import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FeatureSpec } from "#domain/features";
import type { ZoneModel } from "#domain/model";
import { DatasetRows } from "#math/datasetRows";
import { normalCdf } from "#math/statistics";
import { openLoop } from "#models/evaluation/openLoop";
import { createStepPredictor, type StepPrediction } from "#models/stepPredictor";
import { datasetOf, la } from "./support.js";

const features: FeatureSpec = [
  { term: { kind: "constant" }, scale: 1 },
  { term: { kind: "gated", mode: "heating", term: { kind: "constant" } }, scale: 1 },
  { term: { kind: "gated", mode: "cooling", term: { kind: "constant" } }, scale: 1 },
];

interface Zone {
  readonly free: number;
  readonly heat: number;
  readonly cool: number;
  /** Standard deviations of the three coefficients. */
  readonly spreads: readonly [number, number, number];
}

/** A zone whose increments are `free`, + `heat` while it heats, + `cool` while it cools, each as unsure as `spreads` says: no data. */
const modelOf = ({ free, heat, cool, spreads }: Zone, change: Partial<ZoneModel> = {}): ZoneModel => ({
  zone: "a",
  transition: "thermostat",
  posterior: {
    features,
    kernel: { kind: "linear", lengthscales: spreads.map((spread) => 1 / spread) },
    meanCoefficients: Float64Array.of(free, heat, cool),
    basisInputs: new Float64Array(3),
    m: 1,
    d: 3,
    alpha: new Float64Array(1),
    varianceRoot: new Float64Array(1),
    p: 1,
  },
  noiseVarianceK2: 0.01,
  heldOffsetK: 0,
  heldStdDevK: 0.03,
  stateGain: 0.9,
  spreadScale: 1,
  ...change,
});

const stepOf = (model: ZoneModel, T: number, hea: number, coo: number): { mean: number; stdDev: number; free: number } => {
  const data = new DatasetRows(datasetOf({ "a.zoneAirTempC": [T, 0], "a.heatingSetpointC": [-99, hea], "a.coolingSetpointC": [99, coo] }));
  const { meanC, stdDevK, freeC }: StepPrediction = createStepPredictor(la, model).predict(data.source([0]), true);
  return { mean: meanC[0]!, stdDev: stdDevK![0]!, free: freeC[0]! };
};

const zone: Zone = { free: -0.3, heat: 2, cool: -1.5, spreads: [0.1, 0.2, 0.3] };
const temperature = fc.double({ min: 5, max: 40, noNaN: true });
const small = fc.double({ min: 0.01, max: 1, noNaN: true });
const zones: fc.Arbitrary<Zone> = fc.record({
  free: fc.double({ min: -3, max: 3, noNaN: true }),
  heat: fc.double({ min: -0.5, max: 4, noNaN: true }),
  cool: fc.double({ min: -4, max: 0.5, noNaN: true }),
  spreads: fc.tuple(small, small, small),
});
const setpoints = fc
  .tuple(fc.double({ min: 12, max: 24, noNaN: true }), fc.double({ min: 1, max: 10, noNaN: true }))
  .map(([hea, band]) => [hea, hea + band] as const);

describe("transition of a thermostat zone", () => {
  it.each([
    ["free float between the setpoints", 22, 15, 30, 21.7],
    ["held at heating where the capacity suffices", 20.5, 21, 30, 21],
    ["limited heating where it does not", 17, 21, 30, 17 - 0.3 + 2],
    ["held at cooling", 24, 15, 23, 23],
    ["limited cooling", 28, 15, 23, 28 - 0.3 - 1.5],
  ])("%s", (_name, T, hea, coo, expected) => {
    expect(stepOf(modelOf(zone), T, hea, coo).mean).toBeCloseTo(expected, 9);
  });

  it("is min(T_hea, max(T_heat, T_free)) below heating, max(T_coo, T_cool) above cooling, else T_free, whatever the zone", () => {
    fc.assert(
      fc.property(zones, temperature, setpoints, (one, T, [hea, coo]) => {
        const free = T + one.free;
        const expected = free < hea ? Math.min(hea, free + Math.max(0, one.heat)) : free > coo ? Math.max(coo, free + one.cool) : free;
        const step = stepOf(modelOf(one), T, hea, coo);
        return Math.abs(step.mean - expected) < 1e-9 && Math.abs(step.free - free) < 1e-9;
      }),
    );
  });

  it("never leaves the setpoints where the capacity suffices", () => {
    fc.assert(
      fc.property(zones, temperature, setpoints, (one, T, [hea, coo]) => {
        const { mean } = stepOf(modelOf({ ...one, heat: 60, cool: -60 }), T, hea, coo);
        return mean >= hea - 1e-12 && mean <= coo + 1e-12;
      }),
    );
  });

  it("adds the offset at which a setpoint is held, there alone", () => {
    const model = modelOf(zone, { heldOffsetK: -0.1 });
    expect(stepOf(model, 20.5, 21, 30).mean).toBeCloseTo(20.9, 9);
    expect(stepOf(model, 24, 15, 23).mean).toBeCloseTo(22.9, 9);
    expect(stepOf(model, 22, 15, 30).mean).toBeCloseTo(21.7, 9);
  });

  it("a later setpoint changes nothing: only the one in force during the step acts", () => {
    const column = (last: number): DatasetRows =>
      new DatasetRows(
        datasetOf({ "a.zoneAirTempC": [20, 20, 20], "a.heatingSetpointC": [12, 21, last], "a.coolingSetpointC": [40, 40, 40] }),
      );
    const predict = (data: DatasetRows): readonly number[] => [
      ...createStepPredictor(la, modelOf(zone)).predict(data.source([0, 1]), false).meanC,
    ];
    const [first, second] = predict(column(12));
    const [same, other] = predict(column(21));
    expect(same).toBe(first);
    expect(first).toBe(21);
    expect([second, other]).toEqual([19.7, 21]);
  });
});

describe("a cold zone open loop", () => {
  const STEPS = 96;
  const outdoor: FeatureSpec[number]["term"] = { kind: "offset", point: "site.outdoorAirTempC", of: "a.zoneAirTempC" };
  const cold: FeatureSpec = [
    { term: outdoor, scale: 1 },
    { term: { kind: "gated", mode: "heating", term: { kind: "constant" } }, scale: 1 },
    { term: { kind: "gated", mode: "heating", term: outdoor }, scale: 1 },
  ];

  it("stays between outdoor air and what it was or is asked for, whatever was learned of full heating, even if that runs away by itself", () => {
    fc.assert(
      fc.property(
        temperature,
        fc.double({ min: -30, max: 10, noNaN: true }),
        fc.double({ min: -5, max: 5, noNaN: true }),
        fc.double({ min: -0.3, max: 0.3, noNaN: true }),
        (T, outdoorC, heat, growth) => {
          const model = modelOf(zone);
          const posterior = { ...model.posterior, features: cold, meanCoefficients: Float64Array.of(0.05, heat, growth) };
          const heatingC = 21;
          const column = (value: number): Float64Array => new Float64Array(STEPS + 1).fill(value);
          const data = new DatasetRows(
            datasetOf({
              "a.zoneAirTempC": column(T),
              "a.heatingSetpointC": column(heatingC),
              "a.coolingSetpointC": column(99),
              "site.outdoorAirTempC": column(outdoorC),
            }),
          );
          const changed = { ...model, posterior };
          const { meanC } = openLoop(createStepPredictor(la, changed), changed, data, [0], STEPS);
          return meanC.every(([value]) => value! >= Math.min(T, outdoorC) - 1e-9 && value! <= Math.max(T, heatingC) + 1e-9);
        },
      ),
    );
  });
});

describe("spread", () => {
  it("is that of the mixture over regimes: Var ≈ c² ((1 − p_h − p_c) s_free² + p_hl s_heat² + p_cl s_cool²) + p_held s_held²", () => {
    fc.assert(
      fc.property(zones, temperature, setpoints, fc.double({ min: 0.8, max: 2.5, noNaN: true }), (one, T, [hea, coo], spreadScale) => {
        const model = modelOf(one, { spreadScale });
        const [a, b, c] = one.spreads;
        const sFree = Math.sqrt(a ** 2 + 0.01);
        const free = T + one.free;
        // Heating that seems to take away gives nothing: what comes is the free float.
        const gives = free + one.heat >= free;
        const sHeat = gives ? Math.sqrt(a ** 2 + b ** 2 + 0.01) : sFree;
        const sCool = Math.sqrt(a ** 2 + c ** 2 + 0.01);
        const pHeat = normalCdf((hea - free) / sFree);
        const pCool = normalCdf((free - coo) / sFree);
        const pHeatLimited = pHeat * normalCdf((hea - free - (gives ? one.heat : 0)) / sHeat);
        const pCoolLimited = pCool * normalCdf((free + one.cool - coo) / sCool);
        const off = Math.max(0, 1 - pHeat - pCool) * sFree ** 2 + pHeatLimited * sHeat ** 2 + pCoolLimited * sCool ** 2;
        const expected = Math.sqrt(spreadScale ** 2 * off + (pHeat - pHeatLimited + pCool - pCoolLimited) * 0.03 ** 2);
        return Math.abs(stepOf(model, T, hea, coo).stdDev - expected) < 1e-9;
      }),
    );
  });

  it("has ε² D² more where the thermostat asks for D kelvins: the free float's distance from the setpoint that it lies beyond", () => {
    const doubting = { spread: { innovationVarianceK2: 0.01, demandDoubt: 0.4, leads: [] } };
    fc.assert(
      fc.property(zones, temperature, setpoints, (one, T, [hea, coo]) => {
        const free = T + one.free;
        const demand = Math.max(0, hea - free, free - coo);
        const [sure, doubted] = [modelOf(one), modelOf(one, doubting)].map((model) => stepOf(model, T, hea, coo).stdDev);
        return Math.abs(doubted! - Math.hypot(sure!, 0.4 * demand)) < 1e-9;
      }),
    );
  });

  it("far from any setpoint is the free float's own, on one the measured scatter", () => {
    expect(stepOf(modelOf(zone), 22, 5, 40).stdDev).toBeCloseTo(Math.sqrt(0.1 ** 2 + 0.01), 9);
    expect(stepOf(modelOf({ ...zone, heat: 20 }), 15, 21, 40).stdDev).toBeCloseTo(0.03, 6);
  });
});

describe("other transitions", () => {
  it("increment: T' = T + f; absolute: T' = f; both with the scaled spread", () => {
    const s = 2 * Math.sqrt(0.1 ** 2 + 0.01);
    const increment = stepOf(modelOf(zone, { transition: "increment", spreadScale: 2 }), 15, 21, 30);
    expect(increment.mean).toBeCloseTo(14.7, 12);
    expect(increment.stdDev).toBeCloseTo(s, 12);
    const absolute = stepOf(modelOf({ ...zone, free: 19.5 }, { transition: "absolute" }), 15, 21, 30);
    expect(absolute.mean).toBeCloseTo(19.5, 12);
    expect(absolute.stdDev).toBeCloseTo(s / 2, 12);
  });
});

describe("what is missing", () => {
  it.each([
    ["temperature", Number.NaN, 21, 30],
    ["heating setpoint", 20, Number.NaN, 30],
    ["cooling setpoint", 20, 21, Number.NaN],
  ])("a missing %s gives NaN, never a free float", (_name, T, hea, coo) => {
    const { mean, stdDev } = stepOf(modelOf(zone), T, hea, coo);
    expect(mean).toBeNaN();
    expect(stdDev).toBeNaN();
  });

  it("batches do not show: 1,300 samples as one by one", () => {
    const rows = 1300;
    const T = Float64Array.from({ length: rows + 1 }, (_, i) => 15 + (i % 97) / 6);
    const data = new DatasetRows(
      datasetOf({ "a.zoneAirTempC": T, "a.heatingSetpointC": T.map(() => 20), "a.coolingSetpointC": T.map(() => 24) }),
    );
    const all = createStepPredictor(la, modelOf(zone)).predict(data.source(Array.from({ length: rows }, (_, i) => i)), true);
    for (const i of [0, 511, 512, 1023, 1024, 1299]) {
      const one = stepOf(modelOf(zone), T[i]!, 20, 24);
      expect(all.meanC[i]).toBeCloseTo(one.mean, 10);
      expect(all.stdDevK![i]).toBeCloseTo(one.stdDev, 10);
    }
  });
});
