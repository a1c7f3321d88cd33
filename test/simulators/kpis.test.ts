import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { PointName } from "#domain/points";
import { computeKpis, seasonalComfort } from "#simulators/kpis";
import { builtInTariffs, energyPrices, loadTariff, parseTariff } from "#simulators/tariffs";
import { localStandardToMs } from "#simulators/weather/localTime";

const pittsburgh = { timeZoneH: -5 };
const zones = [1, 2, 3, 4, 5].map((n) => `space${n}-1`);

function trace(month: "jan" | "jul"): Dataset {
  const bytes = readFileSync(new URL(`../data/traces/pittsburgh-${month}-rule-lead1.csv.gz`, import.meta.url));
  const rows = parse(gunzipSync(bytes), { columns: true }) as Record<string, string>[];
  const columns = new Map<PointName, Float64Array>();
  for (const name of Object.keys(rows[0]!).slice(1))
    columns.set(
      name === "hvacPowerKw" ? "building.hvacPowerW" : (name as PointName),
      Float64Array.from(rows, (row) => Number(row[name]) * (name === "hvacPowerKw" ? 1000 : 1)),
    );
  return { stepS: 900, timesMs: Float64Array.from(rows, (row) => localStandardToMs(pittsburgh, row.stepEnd!)), columns };
}

/** Two hours of quarter-hours from 13:00 on a Tuesday, one zone. */
function small(values: { tempC?: number[]; people?: number[]; powerW?: number[] } = {}, stepS = 900): Dataset {
  const startMs = localStandardToMs(pittsburgh, "1991-01-01T13:00");
  const n = values.tempC?.length ?? values.powerW?.length ?? 8;
  return {
    stepS,
    timesMs: Float64Array.from({ length: n }, (_, i) => startMs + (i + 1) * stepS * 1000),
    columns: new Map<PointName, Float64Array>([
      ["a.zoneAirTempC", Float64Array.from(values.tempC ?? new Array(n).fill(21))],
      ["a.occupancyCount", Float64Array.from(values.people ?? new Array(n).fill(1))],
      ["building.hvacPowerW", Float64Array.from(values.powerW ?? new Array(n).fill(4000))],
    ]),
  };
}
const kpis = (rows: Dataset, tariff = builtInTariffs.flat) =>
  computeKpis(rows, { zones: ["a"], comfort: { lowerC: 20, upperC: 23.5 }, tariff, timeZone: pittsburgh });

describe("key figures of the measured EnergyPlus weeks", () => {
  it.each([
    ["jan", 683.5, 25.9, 172.6],
    ["jul", 291.2, 8.0, 62.9],
  ] as const)("%s: no violation, %f kWh, %f kW, bill %f", (month, kwh, kw, bill) => {
    const rows = trace(month);
    const result = computeKpis(rows, {
      zones,
      comfort: (stepEndMs) => seasonalComfort(pittsburgh, stepEndMs),
      tariff: builtInTariffs["flat-demand"],
      timeZone: pittsburgh,
    });
    expect(result.steps).toBe(672);
    expect(result.comfortViolationPct).toBe(0);
    expect(result.peakKw).toBeCloseTo(kw, 1);
    expect(Math.abs(result.hvacElectricityKwh - kwh)).toBeLessThan(0.06);
    expect(Math.abs(result.cost - bill)).toBeLessThan(0.06);
    expect(result.occupiedSteps).toBe(5 * 52);
    expect(Object.keys(result.comfortViolationPctByZone)).toEqual(zones);
  });
});

describe("comfort", () => {
  it("counts only occupied steps more than 0.1 K outside", () => {
    const result = kpis(small({ tempC: [19.9, 19.89, 23.6, 23.61, 10, 21, 21, 21], people: [1, 1, 1, 1, 0, 1, 1, 1] }));
    expect(result.comfortViolationPct).toBeCloseTo((100 * 2) / 7, 10);
    expect(result.occupiedSteps).toBe(7);
  });
  it("sums kelvin-hours without tolerance", () => {
    expect(kpis(small({ tempC: [19, 24.5, 21, 21], people: [1, 1, 1, 1] })).discomfortKh).toBeCloseTo(0.5, 10);
  });
  it("is the mean over zones", () => {
    const rows = small();
    const columns = new Map(rows.columns)
      .set("b.zoneAirTempC", new Float64Array(8).fill(19))
      .set("b.occupancyCount", new Float64Array(8).fill(2));
    const result = computeKpis(
      { ...rows, columns },
      { zones: ["a", "b"], comfort: { lowerC: 20, upperC: 23.5 }, tariff: builtInTariffs.flat, timeZone: pittsburgh },
    );
    expect(result.comfortViolationPct).toBe(50);
    expect(result.comfortViolationPctByZone).toEqual({ a: 0, b: 100 });
    expect(result.discomfortKh).toBeCloseTo(1, 10);
  });
  it("leaves rows without a temperature out and says how many", () => {
    const result = kpis(small({ tempC: [Number.NaN, 19, 21, 21] }));
    expect(result.missingZoneSteps).toBe(1);
    expect(result.comfortViolationPct).toBeCloseTo(100 / 3, 10);
  });
});

describe("energy and money", () => {
  it("refuses to sum over gaps", () => {
    expect(() => kpis(small({ powerW: [1, Number.NaN, 1] }))).toThrow(/row 2 has no building.hvacPowerW/);
    const { columns, ...rest } = small();
    expect(() => kpis({ ...rest, columns: new Map([...columns].filter(([point]) => point !== "building.hvacPowerW")) })).toThrow(
      IsothermError,
    );
  });
  it("takes the peak over quarters of the clock when steps are shorter", () => {
    const powerW = [...new Array(15).fill(1000), ...new Array(7).fill(0), ...new Array(8).fill(3000)];
    expect(kpis(small({ powerW }, 60)).peakKw).toBeCloseTo((8 * 3) / 15, 10);
  });
  it("charges demand pro rata of a 30-day month", () => {
    expect(kpis(small(), builtInTariffs["flat-demand"]).cost).toBeCloseTo(8 * 0.12 + (15 * 4 * (2 / 24)) / 30, 10);
  });
  it("prices the afternoon of working days at the time-of-use rate", () => {
    expect(kpis(small(), builtInTariffs.tou).cost).toBeCloseTo(4 * 0.1 + 4 * 0.4, 10);
    const at = (iso: string): number => energyPrices(builtInTariffs.tou, pittsburgh, [localStandardToMs(pittsburgh, iso)], 900)[0]!;
    expect([
      at("1991-01-01T14:00"),
      at("1991-01-01T14:15"),
      at("1991-01-01T18:00"),
      at("1991-01-01T18:15"),
      at("1991-01-05T15:00"),
    ]).toEqual([0.1, 0.4, 0.4, 0.1, 0.1]);
  });
  it("counts fuel beside electricity", () => {
    const rows = small();
    const result = kpis({ ...rows, columns: new Map(rows.columns).set("building.fuelPowerW", new Float64Array(8).fill(10_000)) });
    expect(result.fuelKwh).toBeCloseTo(20, 10);
    expect(result.cost).toBeCloseTo(8 * 0.12 + 20 * builtInTariffs.flat.fuelPricePerKwh, 10);
    expect(result.emissionsKg).toBeCloseTo(8 * 0.373 + 20 * 0.181, 10);
  });
});

describe("tariff files", () => {
  const text = `name: winter
energyPricePerKwh:
  otherwise: 0.2
  periods:
    - { days: weekends, from: "00:00", until: "24:00", value: 0.1 }
    - { days: [mon, fri], from: "7:30", until: "9:00", value: 0.5 }
demandChargePerKwMonth: 9
carbonKgPerKwh: 0.3
`;
  it("hold prices by day and time, a demand charge and carbon", () => {
    const folder = mkdtempSync(join(tmpdir(), "isotherm-tariff-"));
    try {
      writeFileSync(join(folder, "t.yaml"), text);
      const tariff = loadTariff(join(folder, "t.yaml"));
      expect(tariff).toMatchObject({ name: "winter", demandChargePerKwMonth: 9, carbonKgPerKwh: { otherwise: 0.3 } });
      const at = (iso: string): number => energyPrices(tariff, pittsburgh, [localStandardToMs(pittsburgh, iso)], 900)[0]!;
      expect([at("1991-01-05T12:00"), at("1991-01-04T08:00"), at("1991-01-03T08:00"), at("1991-01-04T09:15")]).toEqual([
        0.1, 0.5, 0.2, 0.2,
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  it("are refused with every error and its line", () => {
    const bad = text.replace("demandChargePerKwMonth: 9", "demandChargePerKwMonth: -9\ndemand: 3").replace('"9:00"', '"9 am"');
    try {
      parseTariff(bad, "t.yaml");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(IsothermError);
      const { message, place } = error as IsothermError;
      expect(place.file).toBe("t.yaml");
      expect(`${place.line}: ${message}`).toMatch(/7: .*demandChargePerKwMonth|t\.yaml:7: demandChargePerKwMonth/);
      expect(message).toMatch(/energyPricePerKwh/);
      expect(message).toMatch(/"demand"/);
    }
    expect(() => parseTariff("energyPricePerKwh: [", "t.yaml")).toThrow(IsothermError);
    expect(() => loadTariff("cheap")).toThrow(/no tariff "cheap"/);
    expect(() => loadTariff("missing.yaml")).toThrow(/cannot be read/);
  });
});
