import { describe, expect, it } from "vitest";
import { DatasetRows } from "#math/datasetRows";
import { gatesOf, holdToleranceK, regimeOf, regimes, rowRegimes } from "#math/regimes";
import { trainingRows } from "#models/thermostat/trainingRows";
import { datasetOf, normalSource, syntheticZone, withColumn } from "./support.js";

const at = (temperatureC: number): number => regimeOf(temperatureC, 21.1, 23.9, 0.06);

describe("regime of a row", () => {
  it("is idle between the setpoints, limited outside, held on one", () => {
    expect(at(22)).toBe(regimes.idle);
    expect(at(20)).toBe(regimes.heatingLimited);
    expect(at(26)).toBe(regimes.coolingLimited);
    expect([at(21.05), at(21.1), at(21.15)]).toEqual([regimes.heldHeating, regimes.heldHeating, regimes.heldHeating]);
    expect(at(23.95)).toBe(regimes.heldCooling);
    expect([at(21.17), at(23.83)]).toEqual([regimes.idle, regimes.idle]);
  });
  it("opens one gate where equipment is at its limit and none elsewhere", () => {
    const { heating, cooling } = gatesOf([0, 1, 2, 3, 4]);
    expect([...heating]).toEqual([0, 1, 0, 0, 0]);
    expect([...cooling]).toEqual([0, 0, 1, 0, 0]);
  });
});

describe("hold tolerance", () => {
  const rows = 400;
  const hold = (noise: (i: number) => number): { T: Float64Array; heat: Float64Array; cool: Float64Array } => ({
    T: Float64Array.from({ length: rows }, (_, i) => (i % 96 < 40 ? 17 : 21.1 + noise(i))),
    heat: Float64Array.from({ length: rows }, (_, i) => (i % 96 < 40 ? 12.8 : 21.1)),
    cool: new Float64Array(rows).fill(28),
  });
  it("is 0.06 K for a simulator that lands on the setpoint", () => {
    const { T, heat, cool } = hold(() => 0);
    expect(holdToleranceK(T, heat, cool)).toBe(0.06);
  });
  it("is three times the scatter for a sensor that wanders by 0.2 K, at most 0.4 K", () => {
    const uniform = normalSource(3);
    const { T, heat, cool } = hold(() => Math.max(-0.2, Math.min(0.2, 0.07 * uniform())));
    const tolerance = holdToleranceK(T, heat, cool);
    expect(tolerance).toBeGreaterThan(0.14);
    expect(tolerance).toBeLessThanOrEqual(0.4);
    const coarse = hold((i) => (i % 2 === 0 ? 0.2 : -0.2));
    expect(holdToleranceK(coarse.T, coarse.heat, coarse.cool)).toBe(0.4);
  });
  it("is 0.06 K where no setpoint is ever reached, and where nothing is known", () => {
    const T = Float64Array.from({ length: rows }, (_, i) => 22.5 + Math.sin(i));
    expect(holdToleranceK(T, new Float64Array(rows).fill(12), new Float64Array(rows).fill(32))).toBe(0.06);
    const nothing = new Float64Array(rows).fill(Number.NaN);
    expect(holdToleranceK(nothing, nothing, nothing)).toBe(0.06);
  });
  it("does not take a passage through a setpoint for holding it", () => {
    const T = Float64Array.from({ length: rows }, (_, i) => 21.1 + 4 * Math.sin(i * 0.9));
    expect(holdToleranceK(T, new Float64Array(rows).fill(21.1), new Float64Array(rows).fill(32))).toBe(0.06);
  });
});

describe("a zone below heating that falls", () => {
  const regimesOf = (temperatureC: readonly number[], heatingC = 21, mayLookAhead = true): number[] => {
    const data = new DatasetRows(
      datasetOf({
        "zone.zoneAirTempC": temperatureC,
        "zone.heatingSetpointC": temperatureC.map(() => heatingC),
        "zone.coolingSetpointC": temperatureC.map(() => 26),
      }),
    );
    return [...rowRegimes(data, "zone", 0.06, mayLookAhead)];
  };
  const { idle, heatingLimited: limited, heldHeating: held } = regimes;

  it("has its fan off where the fall begins at once or ends at once: night cycling, a dead band", () => {
    expect(regimesOf([21, 21, 19.2, 18.9, 21, 21])).toEqual([held, held, idle, idle, held, held]);
    expect(regimesOf([21, 21, 20.9, 20.78, 20.66, 21, 21])).toEqual([held, held, idle, idle, idle, held, held]);
    // What the rows after it tell is not told yet while the fall lasts.
    expect(regimesOf([21, 21, 20.9, 20.78, 20.66, 21, 21], 21, false)).toEqual([held, held, limited, limited, limited, held, held]);
    expect(regimesOf([21, 21, 19.2, 18.9, 21, 21], 21, false)).toEqual([held, held, idle, idle, held, held]);
  });

  it("is heated at its limit where it slides into the fall and out of it, and wherever it rises", () => {
    expect(regimesOf([21, 21, 20.9, 20.7, 20.6, 20.7, 20.9, 21])).toEqual([held, held, ...Array(5).fill(limited), held]);
    expect(regimesOf([16, 16.2, 18, 19.6, 21])).toEqual([...Array(4).fill(limited), held]);
  });

  it("of an undersized zone in a cold week teaches its capacity, row by row", () => {
    const data = new DatasetRows(syntheticZone(4, { truth: { heatingK: 0.4, coolingK: 2, noiseK: 0.02 }, outdoorC: -15 }));
    const T = data.column("zone.zoneAirTempC");
    const heating = data.column("zone.heatingSetpointC");
    const below = [...T].flatMap((value, i) => (i > 0 && value < heating[i]! - 0.06 ? [i] : []));
    const regime = rowRegimes(data, "zone");
    expect(below.filter((i) => T[i]! < T[i - 1]!).length).toBeGreaterThan(20);
    expect(below.filter((i) => regime[i] === limited).length / below.length).toBeGreaterThan(0.9);
  });
});

describe("training rows", () => {
  it("leave held rows out, count them, and keep their distance from the setpoint", () => {
    const data = new DatasetRows(syntheticZone(4));
    const rows = trainingRows(data, "zone", []);
    const regime = rowRegimes(data, "zone");
    const held = [...regime].filter((one, i) => i > 0 && one >= regimes.heldHeating).length;
    expect(held).toBeGreaterThan(20);
    expect(rows.leftOut.held).toBe(held);
    expect(rows.heldOffsetsK).toHaveLength(held);
    expect(Math.max(...rows.heldOffsetsK.map(Math.abs))).toBeLessThanOrEqual(0.06);
    // The first step has no row before it: its trend is unknown.
    expect(rows.n + held + rows.leftOut.missing!).toBe(data.length - 1);
    expect(rows.leftOut.missing).toBe(1);
    for (const [i, row] of rows.rows.entries()) {
      const T = data.column("zone.zoneAirTempC");
      expect(rows.y[i]).toBe(T[row + 1]! - T[row]!);
      expect(regime[row + 1]).toBeLessThan(regimes.heldHeating);
    }
    expect(rows.x.every(Number.isFinite)).toBe(true);
  });

  it("a noisy sensor's held rows are found too: few land among the limited ones", () => {
    const normal = normalSource(5);
    const clean = syntheticZone(5);
    const noisy = withColumn(clean, "zone.zoneAirTempC", (value) => value + 0.07 * normal());
    const heldOf = (dataset: typeof clean): number => trainingRows(new DatasetRows(dataset), "zone", []).leftOut.held!;
    expect(heldOf(noisy)).toBeGreaterThan(0.85 * heldOf(clean));
  });

  it("refuse data without the zone, its setpoints or outdoor air, naming the column", () => {
    const whole = syntheticZone(1);
    for (const point of ["zone.zoneAirTempC", "zone.heatingSetpointC", "zone.coolingSetpointC", "site.outdoorAirTempC"] as const) {
      const lacking = { ...whole, columns: new Map([...whole.columns].filter(([name]) => name !== point)) };
      expect(() => trainingRows(new DatasetRows(lacking), "zone", [])).toThrow(`The data have no column ${point}.`);
      expect(() => trainingRows(new DatasetRows(withColumn(whole, point, () => Number.NaN)), "zone", [])).toThrow(
        `The data have no value in the column ${point}.`,
      );
    }
  });

  it("do without a neighbour, irradiance or occupancy that is mostly missing", () => {
    const whole = syntheticZone(3);
    const dead = new Float64Array(whole.timesMs.length).fill(Number.NaN);
    const data = new DatasetRows({
      ...whole,
      columns: new Map([
        ...whole.columns,
        ["dead.zoneAirTempC", dead],
        ["alive.zoneAirTempC", whole.columns.get("zone.zoneAirTempC")!],
        ["site.directNormalIrradianceWm2", dead],
        ["zone.occupancyCount", dead],
      ]),
    });
    const rows = trainingRows(data, "zone", ["dead", "alive"]);
    expect(rows.n).toBe(trainingRows(new DatasetRows(whole), "zone", []).n);
    const keys = rows.structure.columns.map(({ key }) => key);
    expect(keys.filter((key) => key === "neighbour")).toHaveLength(1);
    expect(keys.some((key) => /occupancy|Irradiance/.test(key))).toBe(false);
  });

  it("take global irradiance where there is no direct one", () => {
    const { columns, ...whole } = syntheticZone(1);
    const sun = columns.get("site.directNormalIrradianceWm2")!;
    const global = new Map(
      [...columns].map(([name, values]) =>
        name.startsWith("site.direct") ? (["site.globalHorizontalIrradianceWm2", sun] as const) : [name, values],
      ),
    );
    const { structure } = trainingRows(new DatasetRows({ ...whole, columns: global }), "zone", []);
    expect(structure.columns.filter(({ key }) => key.includes("globalHorizontalIrradianceWm2"))).toHaveLength(4);
  });

  it("of two rows there is nothing to learn, of none nothing breaks", () => {
    expect(
      trainingRows(
        new DatasetRows(datasetOf({ ...Object.fromEntries([...syntheticZone(1).columns].map(([k, v]) => [k, v.slice(0, 2)])) })),
        "zone",
        [],
      ).n,
    ).toBe(0);
    expect(() => trainingRows(new DatasetRows(datasetOf({})), "zone", [])).toThrow("no column zone.zoneAirTempC");
  });
});
