import { describe, expect, it } from "vitest";
import type { ZoneModel } from "#domain/model";
import { DatasetRows } from "#math/datasetRows";
import { fillInputs } from "#math/features";
import { factorise } from "#math/gaussianProcess";
import { gatesOf, rowRegimes } from "#math/regimes";
import { demandSteps } from "#models/calibration/demandDoubt";
import { leftOutDays, leftOutTrajectories, withoutRows } from "#models/calibration/leftOutDays";
import { openLoop } from "#models/evaluation/openLoop";
import { createStepPredictor } from "#models/stepPredictor";
import { fitZone } from "#models/thermostat/fitZone";
import { expectClose } from "../../math/tools.js";
import { la, syntheticZone } from "../support.js";

const data = new DatasetRows(syntheticZone(5));
const { model } = await fitZone(la, data, "zone", [], null, { budget: null, maxIterations: 4 });
const { posterior } = model;
const { kernel, basisInputs, m, d, alpha } = posterior;
/** Any targets will do: those that the posterior's mean takes at its inputs. */
const noise = new Float64Array(m).fill(model.noiseVarianceK2 + 1e-4);
const y = Float64Array.from({ length: m }, (_, i) => Math.sin(i) * 0.1);
const whole = factorise({ la, kernel, x: basisInputs, n: m, d, y, noiseVariance: noise, onWarning: expect.fail });
const zone: ZoneModel = { ...model, posterior: { ...posterior, alpha: whole.alpha } };

const without = (rows: readonly number[]) => {
  const out = new Set(rows);
  const keep = Array.from({ length: m }, (_, i) => i).filter((i) => !out.has(i));
  const x = Float64Array.from(keep.flatMap((i) => [...basisInputs.subarray(i * d, (i + 1) * d)]));
  const part = { la, kernel, x, n: keep.length, d, y: Float64Array.from(keep, (i) => y[i]!), noiseVariance: noise.slice(0, keep.length) };
  const refit = factorise({ ...part, onWarning: expect.fail });
  const root = la.inverseLower(keep.length, refit.choleskyLower);
  return {
    keep,
    refit,
    posterior: { ...posterior, basisInputs: x, m: keep.length, alpha: refit.alpha, varianceRoot: root, p: keep.length },
  };
};

describe("a posterior without some of its rows", () => {
  const rows = Array.from({ length: 40 }, (_, i) => 17 + i);
  const problem = { la, model: zone, n: m, choleskyLower: whole.choleskyLower, alpha: whole.alpha, day: [], driftStates: [] };
  const part = withoutRows(problem, la.inverseFromCholesky(m, whole.choleskyLower), rows);

  it("has the weights of a refit, and none on the rows left out", () => {
    const { keep, refit } = without(rows);
    expectClose(
      keep.map((i) => part.alpha[i]!),
      refit.alpha,
      1e-6,
      Math.max(...refit.alpha.map(Math.abs)),
    );
    expect(rows.every((row) => part.alpha[row] === 0)).toBe(true);
  });

  it("has the variances of a refit", () => {
    const source = data.source([20, 60, 130, 300]);
    const regime = rowRegimes(data, "zone");
    const inputs = fillInputs(posterior.features, source, gatesOf([21, 61, 131, 301].map((row) => regime[row]!)));
    const expected = createStepPredictor(la, { ...zone, transition: "increment", posterior: without(rows).posterior }).predict(
      source,
      true,
    );
    const actual = part.latentK2(inputs, 4);
    // A step that idles has the free float's inputs.
    const idle = [0, 1, 2, 3].filter((k) => regime[[21, 61, 131, 301][k]!] !== 1 && regime[[21, 61, 131, 301][k]!] !== 2);
    expect(idle.length).toBeGreaterThan(0);
    for (const k of idle) expect(Math.abs(actual[k]! - expected.latentK2![k]!)).toBeLessThan(1e-6);
    expect(actual.every((value) => value > 0)).toBe(true);
  });
});

describe("trajectories with their days left out", () => {
  const day = Array.from({ length: m }, (_, i) => Math.floor((5 * i) / m));
  const driftStates = Array.from({ length: data.length }, () => [0, 0]);
  const leftOut = (days: readonly number[]) =>
    leftOutDays({ la, model: zone, n: m, choleskyLower: whole.choleskyLower, alpha: whole.alpha, day: days, driftStates }, data, 8);
  const run = (days: readonly number[]) => leftOutTrajectories(leftOut(days), model.spread!, data, [4, 20]);
  const first = Math.floor((data.localMs(1) - 1) / 86_400_000);

  it("begin on every day and are left out where the data end before them", () => {
    const [after4, after20] = run(day.map((one) => one + first));
    expect(after4!.steps).toBe(4);
    expect(after4!.ratios.length).toBeGreaterThan(after20!.ratios.length);
    expect(after4!.ratios.length).toBeLessThanOrEqual(60);
    expect(after20!.ratios.length).toBeGreaterThan(50);
    expect([...after4!.ratios, ...after20!.ratios].every((ratio) => ratio >= 0)).toBe(true);
  });

  it("are none where leaving days out leaves too little", () => {
    expect(run(day.map(() => 3)).map(({ ratios }) => ratios.length)).toEqual([0, 0]);
  });

  it("hold every step of every day once, and those in which the thermostat asks for something tell by how much", () => {
    const days = leftOut(day.map((one) => one + first));
    expect(days.flatMap(({ steps }) => steps)).toEqual(Array.from({ length: data.length - 1 }, (_, i) => i));
    const steps = demandSteps(days, zone, { ...model.spread!, demandDoubt: 0 }, data);
    expect(steps.length).toBeGreaterThan(20);
    expect(steps.length).toBeLessThan(data.length);
    expect(steps.every(({ demandK, stdDevK }) => demandK > 0 && stdDevK > 0)).toBe(true);
  });
});

describe("a fitted zone", () => {
  it("says how sure it is after many steps: a day in advance less than an hour, and on the whole no less than it has to be", () => {
    const { spread } = model;
    expect(spread!.innovationVarianceK2).toBeGreaterThan(0);
    expect(spread!.leads.map(({ steps }) => steps)).toEqual([1, 4, 20, 96]);
    const starts = Array.from({ length: 80 }, (_, i) => 30 + 4 * i);
    const { meanC, stdDevK } = openLoop(createStepPredictor(la, model), model, data, starts, 20, true);
    const temperature = data.column("zone.zoneAirTempC");
    for (const steps of [4, 20]) {
      const inside = starts.filter(
        (row, k) => Math.abs(temperature[row + steps]! - meanC[steps - 1]![k]!) <= 1.645 * stdDevK[steps - 1]![k]!,
      );
      expect(inside.length / starts.length).toBeGreaterThan(0.85);
    }
    expect(alpha.length).toBe(m);
  });
});
