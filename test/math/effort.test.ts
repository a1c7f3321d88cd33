import { describe, expect, it } from "vitest";
import type { EffortTerm } from "#domain/features";
import { DatasetRows } from "#math/datasetRows";
import { callOf, nextIntegral } from "#math/effort";
import { evaluateTerm } from "#math/features";

const STEP_S = 900;
const term = (timeConstantS: number | null, integralTimeS: number | null = 8000): EffortTerm => ({
  kind: "effort",
  zone: "a",
  gainPerK: 0.6,
  integralTimeS,
  offsetK: 0.5,
  timeConstantS,
});
const temperatureC = [20, 19.8, 19.6, 19.7, 20, 20.4, 20.9, 21.4, 21.6, 21.2];
const setpointC = [18, 18, 21, 21, 21, 21, 21, 21, 18, 18];
const rowsOf = (temperature: readonly number[]): DatasetRows =>
  new DatasetRows({
    stepS: STEP_S,
    timesMs: Float64Array.from(temperature, (_, i) => i * STEP_S * 1000),
    columns: new Map([
      ["a.zoneAirTempC", Float64Array.from(temperature)],
      ["a.heatingSetpointC", Float64Array.from(setpointC)],
    ]),
  });
const steps = [0, 1, 2, 3, 4, 5, 6, 7, 8];

describe("a thermostat's calls", () => {
  it("are clamp(g e + I, 0, 1), with I + g e Δt/T_I that stays at a limit unless it moves back inside", () => {
    expect(callOf(term(null), 0.1, 0.5)).toBeCloseTo(0.4, 15);
    expect([callOf(term(null), 0.1, 3), callOf(term(null), 0.1, -3)]).toEqual([1, 0]);
    expect(callOf(term(null), 0.1, Number.NaN)).toBeNaN();
    expect(nextIntegral(term(null), 0.1, 0.5, STEP_S)).toBeCloseTo(0.1 + (0.6 * 0.5 * STEP_S) / 8000, 15);
    expect([nextIntegral(term(null), 0.1, 3, STEP_S), nextIntegral(term(null), 0.1, -3, STEP_S)]).toEqual([0.1, 0.1]);
    expect(nextIntegral(term(null), 1.2, -0.1, STEP_S)).toBeCloseTo(1.2 - (0.6 * 0.1 * STEP_S) / 8000, 15);
    expect(nextIntegral(term(null, null), 0.1, 0.5, STEP_S)).toBe(0.1);
  });

  it("over rows take the temperature at a step's beginning and the setpoint in force during it; H follows them with 1 − exp(−Δt/τ)", () => {
    const source = rowsOf(temperatureC).source(steps);
    let [integral, mean] = [0, 0];
    const rate = 1 - Math.exp(-STEP_S / 3600);
    const [calls, means] = [evaluateTerm(term(null), source), evaluateTerm(term(3600), source)] as [Float64Array, Float64Array];
    for (const i of steps) {
      const errorK = setpointC[i + 1]! + 0.5 - temperatureC[i]!;
      const part = 0.6 * errorK + integral;
      const call = Math.min(1, Math.max(0, part));
      expect(calls[i]).toBeCloseTo(call, 14);
      expect(means[i]).toBeCloseTo(mean, 14);
      if ((part < 1 || errorK < 0) && (part > 0 || errorK > 0)) integral += (0.6 * errorK * STEP_S) / 8000;
      mean += rate * (call - mean);
    }
    expect(Math.max(...calls)).toBe(1);
    expect(Math.min(...calls)).toBe(0);
  });

  it("of a gap are unknown and leave the thermostat as it was", () => {
    const gap = temperatureC.map((value, i) => (i === 3 ? Number.NaN : value));
    const source = rowsOf(gap).source(steps);
    const [calls, means] = [evaluateTerm(term(null), source), evaluateTerm(term(3600), source)] as [Float64Array, Float64Array];
    expect(calls[3]).toBeNaN();
    expect(means[4]).toBe(means[3]);
    expect(Number.isFinite(calls[4]!)).toBe(true);
  });
});
