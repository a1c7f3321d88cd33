import { describe, expect, it } from "vitest";
import { evaluateCosts } from "#controllers/mppi/cost";
import { runsBefore, shortRunsOf } from "#controllers/mppi/shortRuns";
import type { CostProblem } from "#domain/cost";
import type { StateHistory } from "#domain/model";
import type { PointName } from "#domain/points";
import type { RolloutResult } from "#domain/rollout";

const T = 8;
const base = (nz: number): CostProblem => ({
  horizonSteps: T,
  nz,
  stepS: 900,
  lowerC: new Float64Array(T * nz).fill(20),
  upperC: new Float64Array(T * nz).fill(24),
  occupied: new Uint8Array(T * nz),
  pricePerKwh: new Float64Array(T).fill(0.1),
  demandCharge: null,
  inForceHeatingC: new Float64Array(nz).fill(20),
  inForceCoolingC: new Float64Array(nz).fill(24),
  weights: { comfortPerKh: 12, uncertaintyPerK: 0, movementPerK: 0 },
  toleranceK: 0,
  terminal: null,
});
const wear = (onBefore: boolean, stepsBefore: number, nz = 1) => ({
  pricePerShortRun: 0.5,
  minOnS: 1800,
  minOffS: 3600,
  before: { isOn: new Uint8Array(nz).fill(onBefore ? 1 : 0), steps: new Float64Array(nz).fill(stepsBefore) },
});
const batch = (nz: number, count = 1) => ({
  count,
  heatingSetpointC: new Float64Array(count * T * nz).fill(20),
  coolingSetpointC: new Float64Array(count * T * nz).fill(24),
});
/** 1: on its heating setpoint, 2: on its cooling setpoint, 0: between. */
const resultOf = (states: readonly number[]): RolloutResult => ({
  meanC: Float64Array.from(states, (state) => (state === 1 ? 20.05 : state === 2 ? 24.3 : 22)),
  stdDevK: new Float64Array(states.length),
  powerW: new Float64Array(T),
});
const shortRuns = (states: readonly number[], before: ReturnType<typeof wear>): number =>
  shortRunsOf(base(1), before, batch(1), resultOf(states), 0);

describe("short runs of equipment", () => {
  it.each([
    ["none where nothing changes", [0, 0, 0, 0, 0, 0, 0, 0], wear(false, 1), 0],
    ["none for runs and pauses of their least times", [1, 1, 0, 0, 0, 0, 1, 1], wear(false, 4), 0],
    ["half for a run of half its least time", [0, 1, 0, 0, 0, 0, 0, 0], wear(false, 9), 1 - 1 / 2],
    ["each by how much it misses", [1, 0, 1, 1, 0, 0, 0, 1], wear(false, 9), 1 - 1 / 2 + (1 - 1 / 4) + (1 - 3 / 4)],
    ["by cooling as by heating", [0, 2, 0, 0, 0, 0, 0, 0], wear(false, 9), 1 / 2],
    ["with the time before now, for the run that was under way", [1, 0, 0, 0, 0, 0, 0, 0], wear(true, 1), 0],
    ["of the run that was under way, where it ends at once", [0, 0, 0, 0, 0, 0, 0, 0], wear(true, 1), 1 / 2],
    ["none where nobody knows what was before", [1, 1, 1, 1, 1, 1, 1, 1], wear(false, Number.POSITIVE_INFINITY), 0],
    ["none of the run that is not over at the end", [0, 0, 0, 0, 0, 0, 0, 1], wear(false, 9), 0],
  ])("are %s", (_what, states, before, expected) => {
    expect(shortRuns(states, before)).toBeCloseTo(expected, 12);
  });
  it("are summed over zones, of each sequence by itself", () => {
    const nz = 2;
    const quiet = new Array<number>(T * nz).fill(0);
    const busy = quiet.map((_, i) => (i % nz === 1 && Math.floor(i / nz) === 3 ? 1 : 0));
    const result = { ...resultOf([...quiet, ...busy]), powerW: new Float64Array(2 * T) };
    const { terms, totals } = evaluateCosts({ ...base(nz), equipment: wear(false, 9, nz) }, batch(nz, 2), result);
    expect(terms.map(({ wear: cost }) => cost)).toEqual([0, 0.5 * 0.5]);
    expect(totals[1]! - totals[0]!).toBeCloseTo(0.25, 12);
  });
});

describe("what equipment did before now", () => {
  const history = (temps: readonly number[]): StateHistory => {
    const column = (values: readonly number[]) => Float64Array.from(values);
    const columns = new Map<PointName, Float64Array>([
      ["a.zoneAirTempC", column(temps)],
      ["a.heatingSetpointC", column(temps.map(() => 20))],
      ["a.coolingSetpointC", column(temps.map(() => 24))],
    ]);
    return { stepS: 900, nowMs: 0, columns, rows: temps.length };
  };
  const stateAfter = (temps: readonly number[]) => {
    const { isOn, steps } = runsBefore(history(temps), ["a"], new Map());
    return [isOn[0], steps[0]];
  };
  it("is counted back from the newest row, and for ever where it is not known", () => {
    expect(stateAfter([22, 22, 20, 20, 20])).toEqual([1, 3]);
    expect(stateAfter([20, 22])).toEqual([0, 1]);
    expect(stateAfter([22, 22])).toEqual([0, Number.POSITIVE_INFINITY]);
    expect(stateAfter([20, Number.NaN, 22])).toEqual([0, Number.POSITIVE_INFINITY]);
    expect(stateAfter([20, Number.NaN])).toEqual([0, Number.POSITIVE_INFINITY]);
    expect(runsBefore(history([22]), ["b"], new Map()).steps[0]).toBe(Number.POSITIVE_INFINITY);
  });
});
