import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import type { PointName } from "#domain/points";
import { computeBoptestKpis } from "#simulators/boptestKpis";
import { builtInTariffs, type Tariff } from "#simulators/tariffs";

const utc = { timeZoneH: 0 };
const startMs = Date.UTC(1991, 0, 1);
const tariffOf = (pricePerKwh: number, heatPrice: number, carbonKgPerKwh: number, heatCarbon: number): Tariff => ({
  ...builtInTariffs.flat,
  energyPricePerKwh: { otherwise: pricePerKwh, periods: [] },
  fuelPricePerKwh: heatPrice,
  carbonKgPerKwh: { otherwise: carbonKgPerKwh, periods: [] },
  fuelCarbonKgPerKwh: heatCarbon,
});
const rowsOf = (stepS: number, columns: Record<PointName, readonly number[]>): Dataset => ({
  stepS,
  timesMs: Float64Array.from(Object.values(columns)[0]!, (_, i) => startMs + (i + 1) * stepS * 1000),
  columns: new Map(Object.entries(columns).map(([point, values]) => [point as PointName, Float64Array.from(values)])),
});

describe("BOPTEST's key figures", () => {
  it("are those of BOPTEST's own calculator for the same run", () => {
    const golden = JSON.parse(readFileSync(new URL("../golden/boptestKpis.json", import.meta.url), "utf8")) as {
      floorAreaM2: number;
      stepS: number;
      controlStepS: number;
      decisionMs: number[];
      constants: Record<string, number>;
      samples: Record<string, number[]>;
      kpis: Record<string, number>;
    };
    const { samples, constants } = golden;
    const ends = (name: string, offset = 0): number[] => samples[name]!.slice(1).map((value) => value - offset);
    // Mean power over each step of a curve that runs straight between samples.
    const means = (...names: string[]): number[] =>
      samples[names[0]!]!.slice(1).map((_, i) => names.reduce((sum, name) => sum + (samples[name]![i]! + samples[name]![i + 1]!) / 2, 0));
    const rows = rowsOf(golden.stepS, {
      "nor.zoneAirTempC": ends("TNor_y", 273.15),
      "sou.zoneAirTempC": ends("TSou_y", 273.15),
      "nor.co2Ppm": ends("CNor_y"),
      "sou.co2Ppm": ends("CSou_y"),
      "nor.occupancyCount": ends("TNor_y").map(() => 1),
      "sou.occupancyCount": ends("TNor_y").map(() => 1),
      "building.hvacPowerW": means("PCom_y", "PFan_y"),
      "building.fuelPowerW": means("PBoi_y"),
      "building.districtHeatingPowerW": means("PDis_y"),
    });
    const first = (name: string, offset = 0): number => samples[name]![0]! - offset;
    const result = computeBoptestKpis(rows, {
      zones: ["nor", "sou"],
      floorAreaM2: golden.floorAreaM2,
      bounds: (zone) => ({ lowerC: constants[`LowerSetp[${zone}]`]! - 273.15, upperC: constants[`UpperSetp[${zone}]`]! - 273.15 }),
      tariff: tariffOf(
        constants.PriceElectricPowerConstant!,
        constants.PriceGasPower!,
        constants.EmissionsElectricPower!,
        constants.EmissionsGasPower!,
      ),
      timeZone: utc,
      before: {
        timeMs: startMs,
        values: new Map<PointName, number>([
          ["nor.zoneAirTempC", first("TNor_y", 273.15)],
          ["sou.zoneAirTempC", first("TSou_y", 273.15)],
          ["nor.co2Ppm", first("CNor_y")],
          ["sou.co2Ppm", first("CSou_y")],
        ]),
      },
      // BOPTEST's ratio is to its control step.
      decisionMs: golden.decisionMs.map((ms) => (ms * golden.stepS) / golden.controlStepS),
      co2LimitPpm: (zone) => constants[`UpperCO2[${zone}]`]!,
    });
    expect(Object.keys(result)).toEqual(Object.keys(golden.kpis));
    // BOPTEST turns joules into kWh with 2.77778e-7.
    for (const [name, value] of Object.entries(golden.kpis)) expect(result[name as keyof typeof result]! / value, name).toBeCloseTo(1, 5);
  });

  it("give the energy, cost and emissions of BOPTEST's test case 2 reference from its energies", () => {
    // testing/references/kpis: ener_dict_SingleZone (kWh by source), ener_tot, cost_constant_tot, emis_tot; prices and emissions of the test case are constant.
    const byKind = [2.57901209935, 1.22437501512, 143.385358261, 0.0355042456583];
    const meanW = (byKind.reduce((a, b) => a + b, 0) / 48) * 1000;
    const hours = Array.from({ length: 48 }, (_, i) => meanW * (1 + 0.5 * (-1) ** i));
    const result = computeBoptestKpis(
      rowsOf(3600, { "a.zoneAirTempC": hours.map(() => 22.5), "a.occupancyCount": hours.map(() => 0), "building.hvacPowerW": hours }),
      {
        zones: ["a"],
        floorAreaM2: 48,
        bounds: () => ({ lowerC: 22, upperC: 23 }),
        tariff: tariffOf(0.2, 0, 0.5, 0),
        timeZone: utc,
      },
    );
    expect(result.ener_tot).toBeCloseTo(3.0671718671, 5);
    expect(result.cost_tot).toBeCloseTo(0.61343437342, 6);
    expect(result.emis_tot).toBeCloseTo(1.53358593355, 5);
    expect(result).toMatchObject({ tdis_tot: 0, idis_tot: null, pgas_tot: null, pdih_tot: null, time_rat: null });
  });

  const small = (change: Record<PointName, readonly number[]> = {}) =>
    rowsOf(900, {
      "a.zoneAirTempC": [19, 18, 20, 21],
      "a.occupancyCount": [0, 0, 1, 1],
      "building.hvacPowerW": [1000, 2000, 3000, 0],
      ...change,
    });
  const options = {
    zones: ["a"],
    floorAreaM2: 100,
    bounds: (_zone: string, _stepEndMs: number, occupied: boolean) =>
      occupied ? { lowerC: 20, upperC: 24 } : { lowerC: 18.5, upperC: 30 },
    tariff: builtInTariffs["flat-demand"],
    timeZone: utc,
  };
  it("judge each step by its own bounds, at its beginning and its end", () => {
    // Steps: [19,19] in 18.5…; [19,18] ends 0.5 below; [18,20] begins 2 below; [20,21] inside.
    expect(computeBoptestKpis(small(), options).tdis_tot).toBeCloseTo(((0 + 0.5) / 2 + (2 + 0) / 2) / 4, 12);
    const before = { timeMs: startMs, values: new Map<PointName, number>([["a.zoneAirTempC", 16.5]]) };
    expect(computeBoptestKpis(small(), { ...options, before }).tdis_tot).toBeCloseTo((2 / 2 + 0.25 + 1) / 4, 12);
  });
  it("know no demand charge, and the peak per square metre", () => {
    const result = computeBoptestKpis(small(), options);
    expect(result.ener_tot).toBeCloseTo(1.5 / 100, 12);
    expect(result.cost_tot).toBeCloseTo((1.5 * 0.12) / 100, 12);
    expect(result.pele_tot).toBeCloseTo(3 / 100, 12);
  });
  it("leave steps without a temperature out, and refuse power gaps, absent columns and no floor area", () => {
    expect(computeBoptestKpis(small({ "a.zoneAirTempC": [19, Number.NaN, 20, 21] }), options).tdis_tot).toBe(0);
    expect(() => computeBoptestKpis(small({ "building.hvacPowerW": [1, Number.NaN, 1, 1] }), options)).toThrow(/row 2 has no/);
    expect(() => computeBoptestKpis(small(), { ...options, zones: ["b"] })).toThrow(/b\.occupancyCount/);
    expect(() => computeBoptestKpis(small(), { ...options, floorAreaM2: 0 })).toThrow(/floor area/);
  });
});
