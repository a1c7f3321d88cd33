import { describe, expect, it } from "vitest";
import type { BuildingModel } from "#domain/model";
import type { PointName } from "#domain/points";
import { DatasetRows } from "#math/datasetRows";
import { driftStates, stepErrors } from "#math/drift";
import { meteredDriftStates } from "#math/meterDrift";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { MONDAY_MS, randomModel } from "../controllers/rollout/randomModel.js";

const la = createReferenceLinearAlgebra();
const rows = 60;
const model = randomModel({
  seed: 4,
  numZones: 2,
  transition: "thermostat",
  m: 12,
  withPower: true,
  kernel: "production",
  isBudgeted: false,
  spreads: true,
});
const [first, second] = model.zones.map(({ zone }) => zone) as [string, string];

/** A cold night in which the first zone is held at 20 °C by its heating; the second, where it is not held too, floats well above its setpoint. */
const night = (powerW: number, isSecondHeld = false): DatasetRows => {
  const steady = (value: number): Float64Array => new Float64Array(rows).fill(value);
  const drifting = Float64Array.from({ length: rows }, (_, i) => 22 - 0.01 * i);
  const columns = new Map<PointName, Float64Array>([
    [`${first}.zoneAirTempC`, steady(20)],
    [`${first}.heatingSetpointC`, steady(20)],
    [`${first}.coolingSetpointC`, steady(26)],
    [`${second}.zoneAirTempC`, isSecondHeld ? steady(20) : drifting],
    [`${second}.heatingSetpointC`, steady(isSecondHeld ? 20 : 15)],
    [`${second}.coolingSetpointC`, steady(26)],
    ["site.outdoorAirTempC", steady(-10)],
    ["site.globalHorizontalIrradianceWm2", steady(0)],
    ["building.hvacPowerW", steady(powerW)],
  ]);
  return new DatasetRows(
    { stepS: 900, timesMs: Float64Array.from({ length: rows }, (_, i) => MONDAY_MS + i * 900_000), columns },
    (ms) => ms,
  );
};
const sum = (states: readonly number[]): number => states.reduce((total, value) => total + value, 0);
const drifts = (data: DatasetRows, of: BuildingModel = model, steps = 40): number[] => meteredDriftStates(la, of, data, steps).map(sum);
/** What temperatures alone say. */
const plain = (data: DatasetRows): number[] =>
  model.zones.map((zone) => sum(driftStates(zone.drift!, stepErrors(la, zone, data, rows - 1 - 40)).at(-1)!));

/** The power at which the first zone's drift is none: what the model predicts of that night. */
const predictedW = (isSecondHeld: boolean, steps = 40): number => {
  let [low, high] = [0, 50_000];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (drifts(night(middle, isSecondHeld), model, steps)[0]! > 0) low = middle;
    else high = middle;
  }
  return low;
};

describe("drifts by the meter", () => {
  it("fall where the meter says more than was predicted and rise where it says less, in zones that are held alone", () => {
    const base = predictedW(false);
    expect(base).toBeGreaterThan(100);
    const found = [-0.9, -0.3, 0, 0.3, 0.9].map((share) => drifts(night(base * (1 + share))));
    for (let i = 1; i < found.length; i++) {
      expect(found[i]![0]!).toBeLessThan(found[i - 1]![0]!);
      expect(found[i]![1]).toBeCloseTo(plain(night(0))[1]!, 12);
    }
    expect(found[2]![0]).toBeCloseTo(0, 6);
    expect(plain(night(2 * base))[0]).toBe(0);
  });

  it("take in, of one step's error, what the hidden spread bears beside the power model's noise, and less than all of it", () => {
    const base = predictedW(false, 1);
    const power = model.power!;
    const c = power.zones.indexOf(first);
    const slopeW = (power.posterior.meanCoefficients[c]! / power.inputScale[c]!) * power.outputScaleW;
    const { decay, gain, limitK } = model.zones[0]!.drift!;
    const weight = decay.reduce((total, rho, j) => total + rho * gain[j]!, 0);
    for (const moreW of [-0.2 * base, 0.2 * base]) {
      const errorK = (-(0.15 ** 2) * slopeW * moreW) / (0.15 ** 2 * slopeW ** 2 + power.noiseStdDevW ** 2);
      expect(Math.abs(errorK)).toBeLessThan(Math.min(limitK, Math.abs(moreW / slopeW)));
      expect(drifts(night(base + moreW), model, 1)[0]).toBeCloseTo(weight * errorK, 6);
    }
  });

  it("share an error among the zones that are held", () => {
    const more = (isSecondHeld: boolean): readonly number[] => {
      const base = predictedW(isSecondHeld);
      const [before, after] = [drifts(night(base, isSecondHeld)), drifts(night(base + 300, isSecondHeld))];
      return after.map((value, z) => value - before[z]!);
    };
    const [alone] = more(false);
    const [together, other] = more(true);
    expect(alone!).toBeLessThan(together!);
    expect(together!).toBeLessThan(0);
    expect(other!).toBeLessThan(0);
  });

  it("are those of the temperatures alone without a power model, a meter, or an answer of the equipment", () => {
    const data = night(9000);
    expect(drifts(data, { ...model, power: null })).toEqual(plain(data));
    const unmetered = night(Number.NaN);
    expect(drifts(unmetered)).toEqual(plain(unmetered));
    const called = {
      ...model,
      zones: model.zones.map((zone) => ({
        ...zone,
        call: { kind: "effort" as const, zone: zone.zone, gainPerK: 1, integralTimeS: null, offsetK: 0, timeConstantS: null },
      })),
    };
    expect(drifts(data, called)).toEqual(plain(data));
  });

  it("do not depend on the order in which the power model names the zones", () => {
    const { power, zones } = model;
    const nz = zones.length;
    const swapped = (values: Float64Array, stride: number): Float64Array =>
      values.map((_, i) => {
        const [row, c] = [Math.floor(i / stride), i % stride];
        const from = c < 2 * nz ? (c < nz ? nz - 1 - c : 3 * nz - 1 - c) : c;
        return values[row * stride + from]!;
      });
    const p = power!.posterior;
    const kernel = JSON.parse(JSON.stringify(p.kernel)) as typeof p.kernel;
    if (kernel.kind === "sum")
      for (const part of kernel.parts) {
        const leaf = part.kind === "scale" ? part.base : part;
        if ("lengthscales" in leaf && leaf.lengthscales.length === p.d)
          Object.assign(leaf, { lengthscales: [...swapped(Float64Array.from(leaf.lengthscales), p.d)] });
      }
    const other: BuildingModel = {
      ...model,
      power: {
        ...power!,
        zones: [...power!.zones].reverse(),
        posterior: { ...p, kernel, basisInputs: swapped(p.basisInputs, p.d), meanCoefficients: swapped(p.meanCoefficients, p.d) },
        inputScale: swapped(power!.inputScale, p.d),
      },
    };
    const [a, b] = [drifts(night(9000, true)), drifts(night(9000, true), other)];
    a.forEach((value, z) => {
      expect(b[z]).toBeCloseTo(value, 9);
    });
  });
});
