import { describe, expect, it } from "vitest";
import { initialStateFromHistory, rolloutDisturbances } from "#controllers/rollout/initialState";
import type { Forecast } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { DriftModel, StateHistory } from "#domain/model";
import type { PointName } from "#domain/points";
import { DatasetRows } from "#math/datasetRows";
import { driftPoint, meanPoint } from "#math/derivedPoints";
import { driftStates, stepErrors } from "#math/drift";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { withDriftInput } from "#models/thermostat/driftFit";
import { MONDAY_MS, randomModel } from "./randomModel.js";

const model = randomModel({ seed: 60, numZones: 2, transition: "thermostat", m: 4, withPower: true, kernel: "linear", isBudgeted: false });
const ROWS = 40;

const history = (change: Readonly<Record<PointName, (column: Float64Array) => void>> = {}, rows = ROWS): StateHistory => {
  const column = (value: (i: number) => number): Float64Array => Float64Array.from({ length: rows }, (_, i) => value(i));
  const columns = new Map<PointName, Float64Array>([
    ["zone1.zoneAirTempC", column((i) => 20 + 0.1 * i)],
    ["zone2.zoneAirTempC", column((i) => 24 - 0.05 * i)],
    ...(["zone1", "zone2"] as const).flatMap((zone, z): [PointName, Float64Array][] => [
      [`${zone}.heatingSetpointC`, column(() => 19 + z)],
      [`${zone}.coolingSetpointC`, column(() => 25 + z)],
    ]),
    ["site.outdoorAirTempC", column((i) => i)],
    ["site.globalHorizontalIrradianceWm2", column(() => 0)],
  ]);
  for (const [point, edit] of Object.entries(change)) edit(columns.get(point as PointName)!);
  return { stepS: 900, nowMs: MONDAY_MS, columns, rows };
};

const thrownBy = (run: () => unknown): IsothermError => {
  try {
    run();
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
};

describe("initial state of a rollout", () => {
  it("holds the newest temperatures, as many as the model's lags look back, newest last", () => {
    const { temperaturesC } = initialStateFromHistory(model, history());
    expect([...temperaturesC[0]!]).toEqual([36, 37, 38, 39].map((i) => 20 + 0.1 * i));
    expect([...temperaturesC[1]!]).toEqual([36, 37, 38, 39].map((i) => 24 - 0.05 * i));
  });

  it("runs slow means over the rows: M_i = M_{i−1} + (1 − exp(−stepS/τ)) (T_i − M_{i−1})", () => {
    const { slowMeans } = initialStateFromHistory(model, history());
    let mean = 20;
    for (let i = 1; i < ROWS; i++) mean += (1 - Math.exp(-900 / 20_000)) * (20 + 0.1 * i - mean);
    expect(slowMeans.get("zone1.zoneAirTempC@20000")).toBeCloseTo(mean, 12);
    expect([...slowMeans.keys()].sort()).toEqual(["zone1.zoneAirTempC@20000", "zone2.zoneAirTempC@20000"]);
  });

  it("runs thermostats over the rows, each step with its own setpoint, and has none where no zone's heat comes late", () => {
    const late = randomModel({
      seed: 61,
      numZones: 1,
      transition: "increment",
      m: 4,
      withPower: true,
      kernel: "linear",
      isBudgeted: false,
      calls: true,
    });
    const { efforts } = initialStateFromHistory(
      late,
      history({
        "zone1.zoneAirTempC": (column) => column.set(column.map((_, i) => 20 + Math.sin(i / 4))),
        "zone1.heatingSetpointC": (column) => column.fill(18, 0, 20).fill(20.5, 20),
      }),
    );
    let [integral, mean] = [0, 0];
    for (let i = 0; i + 1 < ROWS; i++) {
      const errorK = (i + 1 < 20 ? 18 : 20.5) + 0.3 - (20 + Math.sin(i / 4));
      const part = 0.6 * errorK + integral;
      const call = Math.min(1, Math.max(0, part));
      if ((part < 1 || errorK < 0) && (part > 0 || errorK > 0)) integral += (0.6 * errorK * 900) / 8000;
      mean += (1 - Math.exp(-900 / 3600)) * (call - mean);
    }
    expect(efforts!.get("zone1!0.6/8000/0.3")).toBeCloseTo(integral, 12);
    expect(efforts!.get("zone1!0.6/8000/0.3@3600")).toBeCloseTo(mean, 12);
    expect(mean).toBeGreaterThan(0);
    expect(initialStateFromHistory(model, history()).efforts).toBeUndefined();
  });

  it("takes setpoints and lagged disturbances from the newest row", () => {
    const { heatingSetpointC, coolingSetpointC, disturbances } = initialStateFromHistory(model, history());
    expect([[...heatingSetpointC], [...coolingSetpointC]]).toEqual([
      [19, 20],
      [25, 26],
    ]);
    expect([...disturbances]).toEqual([["site.outdoorAirTempC", ROWS - 1]]);
  });

  it("fills gaps in older rows with the value before them", () => {
    const gap = history({ "zone1.zoneAirTempC": (column) => column.fill(Number.NaN, ROWS - 3, ROWS - 1) });
    const { temperaturesC, slowMeans } = initialStateFromHistory(model, gap);
    expect([...temperaturesC[0]!]).toEqual([23.6, 23.6, 23.6, 20 + 0.1 * 39]);
    expect(slowMeans.get("zone1.zoneAirTempC@20000")).toBeGreaterThan(20);
    const start = initialStateFromHistory(model, history({ "zone1.zoneAirTempC": (column) => column.fill(Number.NaN, 0, ROWS - 1) }));
    expect([...start.temperaturesC[0]!]).toEqual(new Array(4).fill(20 + 0.1 * 39));
    expect(start.slowMeans.get("zone1.zoneAirTempC@20000")).toBeCloseTo(20 + 0.1 * 39, 12);
  });

  it.each(["zone2.zoneAirTempC", "zone1.heatingSetpointC", "zone2.coolingSetpointC", "site.outdoorAirTempC"] as const)(
    "refuses stale data by name when %s is missing in the newest row",
    (point) => {
      const missing = history({ [point]: (column: Float64Array) => column.fill(Number.NaN, ROWS - 1) });
      const error = thrownBy(() => initialStateFromHistory(model, missing));
      expect(error.kind).toBe("retryable");
      expect(error.message).toMatch(/^Stale data/);
      expect(error.message).toContain(point);
      const absent = history();
      const columns = new Map([...absent.columns].filter(([name]) => name !== point));
      expect(thrownBy(() => initialStateFromHistory(model, { ...absent, columns })).message).toContain(point);
    },
  );

  it("refuses a history that is too short or has other steps than the model", () => {
    expect(thrownBy(() => initialStateFromHistory(model, history({}, 3))).kind).toBe("retryable");
    expect(thrownBy(() => initialStateFromHistory(model, { ...history(), stepS: 600 })).message).toMatch(/600 s.*900 s/);
  });
});

describe("disturbances of a rollout", () => {
  const forecast = (columns: Forecast["columns"]): Forecast => ({
    issuedAtMs: MONDAY_MS,
    provider: "test",
    stepEndMs: Float64Array.from({ length: 6 }, (_, t) => MONDAY_MS + (t + 1) * 900_000),
    columns,
  });
  const request = (columns: Forecast["columns"]) => {
    const coming = forecast(columns);
    return { forecast: coming, history: history(), localMs: coming.stepEndMs.map((ms) => ms - 5 * 3_600_000) };
  };
  const outdoor = Float64Array.from([1, 2, 3, 4, 5, Number.NaN]);
  const sun = new Float64Array(6).fill(100);

  it("are the forecast's columns that the model names, for the steps asked for", () => {
    const all = request(
      new Map<PointName, Float64Array>([
        ["site.outdoorAirTempC", outdoor],
        ["site.globalHorizontalIrradianceWm2", sun],
        ["site.windSpeedMps", sun],
      ]),
    );
    const disturbances = rolloutDisturbances(model, all, 5);
    expect([...disturbances.keys()].sort()).toEqual(["site.globalHorizontalIrradianceWm2", "site.outdoorAirTempC"]);
    expect([...disturbances.get("site.outdoorAirTempC")!]).toEqual([1, 2, 3, 4, 5]);
    expect(thrownBy(() => rolloutDisturbances(model, all)).message).toMatch(/site\.outdoorAirTempC.*no value for every one of the next 6/);
  });

  it("name the point that the forecast lacks", () => {
    const error = thrownBy(() => rolloutDisturbances(model, request(new Map([["site.outdoorAirTempC", outdoor]])), 5));
    expect(error.kind).toBe("retryable");
    expect(error.message).toContain("site.globalHorizontalIrradianceWm2");
  });

  it("carry running means on from the history into the forecast", () => {
    const point = meanPoint("site.outdoorAirTempC", 7200);
    const [zone, ...others] = model.zones;
    const posterior = {
      ...zone!.posterior,
      features: zone!.posterior.features.map(({ term, scale }) => ({
        term: term.kind === "offset" ? { ...term, point } : term,
        scale,
      })),
    };
    const withMean = { ...model, zones: [{ ...zone!, posterior }, ...others] };
    const values = rolloutDisturbances(
      withMean,
      request(
        new Map<PointName, Float64Array>([
          ["site.outdoorAirTempC", outdoor],
          ["site.globalHorizontalIrradianceWm2", sun],
        ]),
      ),
      5,
    ).get(point)!;
    const rate = 1 - Math.exp(-900 / 7200);
    let mean = 0;
    for (let i = 1; i < ROWS; i++) mean += rate * (i - mean);
    for (let t = 0; t < 5; t++) {
      mean += rate * (t + 1 - mean);
      expect(values[t]).toBeCloseTo(mean, 12);
    }
  });

  it("carry each zone's drift of late, fading, and as its history implies it", () => {
    const drift: DriftModel = { decay: [0.9, 0.99], gain: [0.3, 0.02], limitK: 0.4 };
    const [zone, ...others] = model.zones;
    const posterior = withDriftInput(zone!.posterior, zone!.zone);
    const drifting = { ...model, zones: [{ ...zone!, posterior, drift }, ...others] };
    const columns = new Map<PointName, Float64Array>([
      ["site.outdoorAirTempC", outdoor],
      ["site.globalHorizontalIrradianceWm2", sun],
    ]);
    const coming = request(columns);
    const values = rolloutDisturbances(drifting, coming, 5).get(driftPoint(zone!.zone))!;
    const timesMs = Float64Array.from({ length: ROWS }, (_, i) => MONDAY_MS - (ROWS - 1 - i) * 900_000);
    const data = new DatasetRows({ stepS: 900, timesMs, columns: coming.history.columns }, (ms) => ms - 5 * 3_600_000);
    const errors = stepErrors(createReferenceLinearAlgebra(), drifting.zones[0]!, data);
    expect(errors.some((error) => Number.isFinite(error) && Math.abs(error) > 1e-6)).toBe(true);
    const now = driftStates(drift, errors).at(-1)!;
    values.forEach((value, t) => {
      expect(value).toBeCloseTo(now[0]! * 0.9 ** t + now[1]! * 0.99 ** t, 12);
    });
    expect(values[0]).not.toBe(0);
  });
});
