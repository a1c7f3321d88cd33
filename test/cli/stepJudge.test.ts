import { describe, expect, it } from "vitest";
import { createStepJudge } from "#cli/daemon/stepJudge";
import type { Dataset } from "#domain/dataset";
import type { BuildingModel, ZoneModel } from "#domain/model";
import type { PointName } from "#domain/points";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { tinyModel } from "./tinyModel.js";

const stepMs = 900_000;
const column = (...values: readonly number[]): Float64Array => Float64Array.from(values);
const dataset = (columns: Readonly<Record<string, Float64Array>>): Dataset => {
  const rows = Object.values(columns)[0]!.length;
  return {
    stepS: 900,
    timesMs: Float64Array.from({ length: rows }, (_, i) => (i + 1) * stepMs),
    columns: new Map(Object.entries(columns) as [PointName, Float64Array][]),
  };
};
const judge = createStepJudge(createReferenceLinearAlgebra(), tinyModel("m", { zoneIds: ["a"], trainedToMs: 7 }), (timeMs) => timeMs);
const setpoints = { "a.heatingSetpointC": column(21, 21, 21, 21, 21), "a.coolingSetpointC": column(24, 24, 24, 24, 24) };

describe("comparing a model with steps that are over", () => {
  it("tells version, held-out error and what the model has learned from", () => {
    expect(judge).toMatchObject({ modelVersion: "m", heldOutRmseK: 0.1, trainedToMs: 7 });
    const unmeasured = createStepJudge(createReferenceLinearAlgebra(), tinyModel("m", { summary: {} }), (timeMs) => timeMs);
    expect(unmeasured.heldOutRmseK).toBeNull();
  });

  it("predicts every step after the time asked for from the temperature before it", () => {
    const steps = judge.judge(dataset({ "a.zoneAirTempC": column(20, 20.5, 21, 22, 23.5), ...setpoints }), 2 * stepMs);
    expect(steps.map(({ endMs, measuredC }) => [endMs / stepMs, measuredC])).toEqual([
      [3, 21],
      [4, 22],
      [5, 23.5],
    ]);
    // T' = T; variance k(x, x) − (W k)² + noise = 1 − ½² + 0.01.
    for (const [k, meanC] of [20.5, 21, 22].entries()) expect(steps[k]!.meanC).toBeCloseTo(meanC, 10);
    for (const { stdDevK } of steps) expect(stdDevK).toBeCloseTo(Math.sqrt(0.76), 10);
  });

  it("tells steps on a setpoint from others, where a thermostat holds one within a step", () => {
    const plain = tinyModel("m", { zoneIds: ["a"] });
    const held = { ...plain, zones: plain.zones.map((zone): ZoneModel => ({ ...zone, transition: "thermostat" })) };
    const offSetpoint = (model: BuildingModel) =>
      createStepJudge(createReferenceLinearAlgebra(), model, (timeMs) => timeMs)
        .judge(dataset({ "a.zoneAirTempC": column(20, 21, 21.02, 22, 24), ...setpoints }), 0)
        .map(({ isOffSetpoint }) => isOffSetpoint);
    expect(offSetpoint(held)).toEqual([false, false, true, false]);
    // Heat that is long on its way, or no saturation at all: every step tells of the model.
    expect(offSetpoint(plain)).toEqual([true, true, true, true]);
  });

  it("leaves out steps without a measurement at either end, and knows nothing where there are no rows", () => {
    const steps = judge.judge(dataset({ "a.zoneAirTempC": column(20, Number.NaN, 21, 22, 23), ...setpoints }), 0);
    expect(steps.map(({ endMs }) => endMs / stepMs)).toEqual([4, 5]);
    expect(judge.judge(dataset({ "a.zoneAirTempC": column(20, 21) }), 10 * stepMs)).toEqual([]);
  });

  it("looks further ahead open loop, to the step asked for, its spread growing with every step", () => {
    const air = Array.from({ length: 20 }, (_, i) => 20 + 0.1 * i);
    const twenty = Object.fromEntries(Object.entries(setpoints).map(([name, values]) => [name, new Float64Array(20).fill(values[0]!)]));
    const data = dataset({ "a.zoneAirTempC": column(...air), ...twenty });
    const found = [...judge.ahead(data, 20 * stepMs, [1, 4, 12])];
    expect(found.map(({ steps, judged: { zone, endMs } }) => [steps, zone, endMs / stepMs])).toEqual([
      [1, "a", 20],
      [4, "a", 20],
      [12, "a", 20],
    ]);
    // T' = T: where it began is where it is said to end.
    for (const { steps, judged } of found) {
      expect(judged.measuredC).toBeCloseTo(21.9, 10);
      expect(judged.meanC).toBeCloseTo(air[19 - steps]!, 10);
    }
    const [one] = judge.judge(data, 19 * stepMs);
    expect(found[0]!.judged.meanC).toBeCloseTo(one!.meanC, 10);
    expect(found[0]!.judged.stdDevK).toBeCloseTo(one!.stdDevK, 10);
    expect(found[1]!.judged.stdDevK).toBeGreaterThan(found[0]!.judged.stdDevK);
    expect(found[2]!.judged.stdDevK).toBeGreaterThan(found[1]!.judged.stdDevK);
  });

  it("says nothing further ahead where the start or the end was not measured, or lies before the data", () => {
    const air = column(...Array.from({ length: 20 }, (_, i) => (i === 7 ? Number.NaN : 20)));
    const twenty = Object.fromEntries(Object.entries(setpoints).map(([name, values]) => [name, new Float64Array(20).fill(values[0]!)]));
    const data = dataset({ "a.zoneAirTempC": air, ...twenty });
    expect([...judge.ahead(data, 20 * stepMs, [12])]).toEqual([]);
    expect([...judge.ahead(data, 20 * stepMs, [48])]).toEqual([]);
    expect([...judge.ahead(data, 8 * stepMs, [4])]).toEqual([]);
    expect([...judge.ahead(data, 99 * stepMs, [4])]).toEqual([]);
  });
});
