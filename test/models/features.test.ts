import { describe, expect, it } from "vitest";
import type { FeatureTerm, PlainTerm } from "#domain/features";
import { DatasetRows } from "#math/datasetRows";
import { driftPoint, meanPoint } from "#math/derivedPoints";
import { evaluateTerm, fillInputs, isWorkday, localHour, slowMeanRate } from "#math/features";
import { columnKey } from "#models/columns";
import { datasetOf, START_MS, STEP_S } from "./support.js";

const T = [20, 20.5, 21.5, 21, 19, 18.5];
const other = [18, 18.2, 18.6, 19.4, 19.1, 18.8];
const out = [-5, -4, -2, 1, 0, -1];
const heat = [12.8, 21.1, 22, 21.1, 12.8, 15];
const cool = [40, 23.9, 25, 20, 32.2, 30];
const people = [0, 1, 5, 8, 3, 0];
// Rows end at 22:30, 22:45, … 23:45 on Friday, 4 January.
const fridayNight = START_MS + 3 * 86_400_000 + 22.5 * 3_600_000;
const data = new DatasetRows(
  datasetOf(
    {
      "a.zoneAirTempC": T,
      "b.zoneAirTempC": other,
      "site.outdoorAirTempC": out,
      "a.heatingSetpointC": heat,
      "a.coolingSetpointC": cool,
      "a.occupancyCount": people,
    },
    fridayNight,
  ),
);
const rows = [1, 2, 3, 4];
const values = (term: PlainTerm): number[] => {
  const column = evaluateTerm(term, data.source(rows));
  return rows.map((_, k) => (typeof column === "number" ? column : column[k]!));
};
const expected = (of: (i: number) => number): number[] => rows.map(of);
const clamp = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
const hourOf = (row: number): number => 22.5 + row / 4;

describe("every term is what its docstring says, for the step from row i to row i + 1", () => {
  it.each<[string, PlainTerm, (i: number) => number]>([
    ["state", { kind: "state", point: "a.zoneAirTempC", lagSteps: 0 }, (i) => T[i]!],
    ["state before", { kind: "state", point: "a.zoneAirTempC", lagSteps: 1 }, (i) => T[i - 1]!],
    ["difference", { kind: "difference", point: "a.zoneAirTempC", steps: 1 }, (i) => T[i]! - T[i - 1]!],
    ["neighbour", { kind: "neighbour", point: "b.zoneAirTempC", of: "a.zoneAirTempC" }, (i) => other[i]! - T[i]!],
    ["offset", { kind: "offset", point: "site.outdoorAirTempC", of: "a.zoneAirTempC" }, (i) => out[i + 1]! - T[i]!],
    ["disturbance in force", { kind: "disturbance", point: "a.occupancyCount", lagSteps: 0 }, (i) => people[i + 1]!],
    ["disturbance before", { kind: "disturbance", point: "a.occupancyCount", lagSteps: 1 }, (i) => people[i]!],
    ["setpoint in force", { kind: "setpoint", zone: "a", side: "heating", lagSteps: 0 }, (i) => heat[i + 1]!],
    ["setpoint before", { kind: "setpoint", zone: "a", side: "cooling", lagSteps: 1 }, (i) => cool[i]!],
    ["heating demand", { kind: "demand", zone: "a", mode: "heating", saturationK: 1 }, (i) => clamp(heat[i + 1]! - T[i]!, 1)],
    ["cooling demand", { kind: "demand", zone: "a", mode: "cooling", saturationK: 0.7 }, (i) => clamp(T[i]! - cool[i + 1]!, 0.7)],
    ["sine of the hour", { kind: "timeOfDay", harmonic: 1, phase: "sin" }, (i) => Math.sin((2 * Math.PI * hourOf(i + 1)) / 24)],
    ["cosine, twice a day", { kind: "timeOfDay", harmonic: 2, phase: "cos" }, (i) => Math.cos((2 * Math.PI * 2 * hourOf(i + 1)) / 24)],
    [
      "running mean of the weather",
      { kind: "offset", point: meanPoint("site.outdoorAirTempC", 3600), of: "a.zoneAirTempC" },
      (i) => out.slice(1, i + 2).reduce((mean, value) => mean + (1 - Math.exp(-STEP_S / 3600)) * (value - mean), out[0]!) - T[i]!,
    ],
    [
      "product",
      {
        kind: "product",
        factors: [
          { kind: "disturbance", point: "a.occupancyCount", lagSteps: 0 },
          { kind: "offset", point: "site.outdoorAirTempC", of: "a.zoneAirTempC" },
        ],
      },
      (i) => people[i + 1]! * (out[i + 1]! - T[i]!),
    ],
    ["a drift that nobody estimated", { kind: "disturbance", point: driftPoint("a"), lagSteps: 0 }, () => 0],
    ["workday", { kind: "workday" }, () => 0.5],
    ["constant", { kind: "constant" }, () => 1],
  ])("%s", (_name, term, of) => {
    values(term).forEach((value, k) => {
      expect(value).toBeCloseTo(expected(of)[k]!, 12);
    });
  });

  it("slow mean: M_i = M_{i−1} + (1 − exp(−stepS/τ)) (T_i − M_{i−1}), minus T_i", () => {
    const tau = 3600;
    const rate = 1 - Math.exp(-STEP_S / tau);
    const M = [T[0]!];
    for (let i = 1; i < T.length; i++) M.push(M[i - 1]! + rate * (T[i]! - M[i - 1]!));
    values({ kind: "slowMean", point: "a.zoneAirTempC", timeConstantS: tau }).forEach((value, k) => {
      expect(value).toBeCloseTo(M[rows[k]!]! - T[rows[k]!]!, 12);
    });
    expect(slowMeanRate(STEP_S, tau)).toBeCloseTo(rate, 14);
  });
});

describe("slow means", () => {
  it("start at the first temperature and hold where it is missing", () => {
    const gaps = new DatasetRows(datasetOf({ "a.zoneAirTempC": [Number.NaN, 20, Number.NaN, 22] }));
    const rate = slowMeanRate(STEP_S, 3600);
    const [first, second, third, fourth] = gaps.slowMean("a.zoneAirTempC", 3600);
    expect(first).toBeNaN();
    expect([second, third]).toEqual([20, 20]);
    expect(fourth).toBeCloseTo(20 + rate * 2, 12);
  });

  it("follow a step towards it as 1 − exp(−t/τ)", () => {
    const stepped = new DatasetRows(datasetOf({ "a.zoneAirTempC": [20, ...new Array(8).fill(30)] }));
    expect(stepped.slowMean("a.zoneAirTempC", 7200)[8]).toBeCloseTo(20 + 10 * (1 - Math.exp(-(8 * STEP_S) / 7200)), 10);
  });
});

describe("the action in force during a step", () => {
  it.each(["heating", "cooling"] as const)("is an input of that step and of no other (%s setpoint)", (side) => {
    const term: PlainTerm = { kind: "demand", zone: "a", mode: side, saturationK: 30 };
    const swapped = new DatasetRows({
      ...data.dataset,
      columns: new Map(data.dataset.columns).set(
        `a.${side}SetpointC`,
        Float64Array.from(side === "heating" ? heat : cool, (value, i) => (i === 3 ? (side === "heating" ? 30 : 5) : value)),
      ),
    });
    const before = evaluateTerm(term, data.source(rows)) as Float64Array;
    const after = evaluateTerm(term, swapped.source(rows)) as Float64Array;
    // Row 3's setpoint acts in the step from row 2 to row 3.
    expect([...after].map((value, k) => (value === before[k] ? null : rows[k])).filter((row) => row !== null)).toEqual([2]);
  });
});

describe("days and hours", () => {
  const midnight = (day: number): number => START_MS + day * 86_400_000;
  it("a step that ends at midnight belongs to the day before", () => {
    // 1 January 1991 was a Tuesday, the 5th a Saturday, the 7th a Monday.
    expect(isWorkday(midnight(4))).toBe(true);
    expect(isWorkday(midnight(4) + 1)).toBe(false);
    expect(isWorkday(midnight(6))).toBe(false);
    expect(isWorkday(midnight(6) + STEP_S * 1000)).toBe(true);
  });
  it("hold before 1970 too", () => {
    // 31 December 1969 was a Wednesday, 28 December a Sunday.
    expect(isWorkday(-3_600_000)).toBe(true);
    expect(isWorkday(-3.5 * 86_400_000)).toBe(false);
    expect(localHour(-3_600_000)).toBeCloseTo(23, 10);
  });
  it("hours start at 0 and stay below 24", () => {
    expect(localHour(midnight(3))).toBe(0);
    expect(localHour(midnight(3) - STEP_S * 1000)).toBe(23.75);
  });
  it("come from local time where it is given", () => {
    const eastern = new DatasetRows(data.dataset, (timeMs) => timeMs - 5 * 3_600_000);
    const hour = evaluateTerm({ kind: "timeOfDay", harmonic: 1, phase: "sin" }, eastern.source([1])) as Float64Array;
    expect(hour[0]).toBeCloseTo(Math.sin((2 * Math.PI * (hourOf(2) - 5)) / 24), 12);
  });
});

describe("gates", () => {
  const term: FeatureTerm = {
    kind: "gated",
    mode: "heating",
    term: { kind: "offset", point: "site.outdoorAirTempC", of: "a.zoneAirTempC" },
  };
  const spec = [{ term, scale: 8 }];
  it("let a term through where they are 1, divided by its scale", () => {
    const x = fillInputs(spec, data.source(rows), { heating: Uint8Array.of(0, 1, 1, 0), cooling: Uint8Array.of(1, 1, 1, 1) });
    expect([...x]).toEqual([0, (out[3]! - T[2]!) / 8, (out[4]! - T[3]!) / 8, 0]);
  });
  it("are closed everywhere where there is none", () => {
    expect([...fillInputs(spec, data.source(rows), { heating: null, cooling: null })]).toEqual([0, 0, 0, 0]);
  });
  it("give the same name in every building, and another one in front of another mode", () => {
    expect(columnKey(term)).toBe("heating*offset.outdoorAirTempC");
    expect(columnKey({ ...term, mode: "cooling" })).toBe("cooling*offset.outdoorAirTempC");
  });
});

describe("what is missing", () => {
  it("becomes NaN and stays it, at the ends of the data and inside", () => {
    const term: PlainTerm = { kind: "difference", point: "a.zoneAirTempC", steps: 1 };
    const column = evaluateTerm(term, data.source([0, 1])) as Float64Array;
    expect(column[0]).toBeNaN();
    expect(column[1]).toBe(0.5);
    const demand = evaluateTerm({ kind: "demand", zone: "a", mode: "heating", saturationK: 4 }, data.source([5])) as Float64Array;
    expect(demand[0]).toBeNaN();
    expect(evaluateTerm({ kind: "state", point: "c.zoneAirTempC", lagSteps: 0 }, data.source([2]))).toEqual(Float64Array.of(Number.NaN));
  });
});
