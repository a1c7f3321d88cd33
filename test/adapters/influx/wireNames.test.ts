import { describe, expect, test } from "vitest";
import { encodeTelemetry, precisionOf } from "#adapters/influx/encode";
import { addressOf, alarmLines, decisionLines, measurements, safeTag, tagValue } from "#adapters/influx/wireNames";
import {
  forecastEntity,
  forecastLeadsH,
  forecastPoint,
  forecastQuantities,
  modelEntity,
  modelLeadsSteps,
  modelPoint,
  modelQuantities,
  savingsPoint,
  tariffPoint,
} from "#domain/figures";
import { buildingPoint, sitePoint, zonePoint } from "#domain/points";
import { decisionAt } from "../../contracts/telemetryStore.js";

/** What was promised to those who read InfluxDB, written out once more: a name that changes breaks their dashboards. */
const promised: Readonly<Record<string, { readonly tags: string; readonly fields: string }>> = {
  isotherm_zone: {
    tags: "building zone",
    fields: "t_air_c t_op_c rh_pct occ heat_sp_c cool_sp_c band_lo_c band_hi_c pmv degree_hours",
  },
  isotherm_meter: { tags: "building meter carrier", fields: "power_w energy_kwh price_per_kwh co2_g_per_kwh" },
  isotherm_weather: { tags: "building provider kind lead_h", fields: "t_out_c ghi_w_m2 rh_pct wind_m_s issued_s dni_w_m2 dhi_w_m2" },
  isotherm_model: { tags: "building zone step", fields: "mean_c sd_c resid_c z inside90 nlpd model_version_n" },
  isotherm_decision: {
    tags: "building zone source",
    fields: "heat_sp_c cool_sp_c cost_energy cost_comfort cost_uncert ess samples solve_ms reason",
  },
  isotherm_savings: { tags: "building", fields: "baseline_kwh actual_kwh saved_kwh ci_lo_kwh ci_hi_kwh cvrmse_pct nmbe_pct" },
  isotherm_alarm: { tags: "building zone code", fields: "level active" },
};
const sorted = (names: string | readonly string[]): string[] => (typeof names === "string" ? names.split(" ") : [...names]).sort();

describe("the names on the wire", () => {
  test.each(Object.entries(promised))("%s has the tags and fields that were promised", (name, { tags, fields }) => {
    expect(sorted(measurements[name]!.tags)).toEqual(sorted(tags));
    expect(sorted(measurements[name]!.fields!)).toEqual(sorted(fields));
  });

  test("figures that nobody measures lie beside the measurements, by lead and provider", () => {
    expect(addressOf("o", forecastPoint("api.open-meteo.com", 24, "outdoorAirTempC"))).toEqual({
      measurement: "isotherm_weather",
      tags: { building: "o", provider: "api.open-meteo.com", kind: "fcst", lead_h: "24" },
      field: "t_out_c",
    });
    expect(addressOf("o", modelPoint("lobby", 1, "predictedAirTempC"))).toEqual({
      measurement: "isotherm_model",
      tags: { building: "o", zone: "lobby", step: "1" },
      field: "mean_c",
    });
    expect(addressOf("o", modelPoint("lobby", 48, "predictionScore"))).toMatchObject({ tags: { zone: "lobby", step: "48" }, field: "z" });
    expect(addressOf("o", tariffPoint("hvacPricePerKwh"))).toMatchObject({ tags: { meter: "hvac" }, field: "price_per_kwh" });
    expect(addressOf("o", tariffPoint("carbonGPerKwh"))).toMatchObject({ tags: { meter: "building" }, field: "co2_g_per_kwh" });
    expect(addressOf("o", savingsPoint("savingsLowKwh"))).toEqual({
      measurement: "isotherm_savings",
      tags: { building: "o" },
      field: "ci_lo_kwh",
    });
    expect(modelPoint("lobby", 1, "predictedAirTempC")).toBe("lobby.predictedAirTempC");
  });

  test("no two figures share a place, and a provider of any name comes back as it was", () => {
    const providers = ["a", "a.b", "a%2Eb", "a+1h", "a b/c", "Küche", "", "epw:usa_ny", "last reading"];
    const names = [
      ...providers.flatMap((provider) =>
        forecastLeadsH.flatMap((lead) => forecastQuantities.map((quantity) => forecastPoint(provider, lead, quantity))),
      ),
      ...["a", "a-1", "12"].flatMap((zone) =>
        modelLeadsSteps.flatMap((lead) => modelQuantities.map((quantity) => modelPoint(zone, lead, quantity))),
      ),
      // Not made by us, and yet not to be mistaken for ours.
      "a%2eb+1h.outdoorAirTempC",
      "%+1h.outdoorAirTempC",
      "a+1.predictedAirTempC",
      "a+2h.outdoorAirTempC",
    ] as const;
    expect(new Set(names.map((name) => JSON.stringify(addressOf("o", name as `${string}.${string}`)))).size).toBe(names.length);
    for (const provider of providers) {
      const name = forecastPoint(provider, 6, "windSpeedMps");
      expect(name.split(".")).toHaveLength(2);
      expect(forecastEntity(name.split(".")[0]!)).toEqual({ provider, leadH: 6 });
    }
    expect(modelEntity("a+12")).toEqual({ zone: "a", lead: 12 });
    expect(modelEntity("a+13")).toEqual({ zone: "a+13", lead: 1 });
  });

  test("are those of the published tables", () => {
    expect(addressOf("office", zonePoint("lobby", "zoneAirTempC"))).toEqual({
      measurement: "isotherm_zone",
      tags: { building: "office", zone: "lobby" },
      field: "t_air_c",
    });
    const fields = (["heatingSetpointC", "coolingSetpointC", "occupancyCount", "relativeHumidityPct"] as const).map(
      (quantity) => addressOf("o", zonePoint("z", quantity)).field,
    );
    expect(fields).toEqual(["heat_sp_c", "cool_sp_c", "occ", "rh_pct"]);
    expect(addressOf("office", sitePoint("outdoorAirTempC"))).toEqual({
      measurement: "isotherm_weather",
      tags: { building: "office", provider: "site", kind: "obs" },
      field: "t_out_c",
    });
    expect(addressOf("office", buildingPoint("hvacPowerW"))).toEqual({
      measurement: "isotherm_meter",
      tags: { building: "office", meter: "hvac", carrier: "electricity" },
      field: "power_w",
    });
    expect(addressOf("office", buildingPoint("hvacEnergyKwh")).field).toBe("energy_kwh");
    expect(addressOf("office", buildingPoint("powerW"))).toMatchObject({ tags: { meter: "building" }, field: "power_w" });
  });

  test("leave no point out and keep different points apart, whatever their names", () => {
    expect(addressOf("o", "ahu1.supplyAirTempC")).toMatchObject({
      measurement: "isotherm_point",
      field: "supply_air_temp_c",
      tags: { entity: "ahu1" },
    });
    expect(addressOf("o", "x.time").field).not.toBe("time");
    const names = [
      "z.aB",
      "z.a_b",
      "z.a-b",
      "z.a b",
      "z.__proto__",
      "z.constructor",
      "site.zoneAirTempC",
      "z.outdoorAirTempC",
      "building.occupancyCount",
    ] as const;
    expect(new Set(names.map((name) => JSON.stringify(addressOf("o", name)))).size).toBe(names.length);
  });

  test("tags hold no control character, backslash or nothing at all, and stay apart", () => {
    const odd = ["a\nb", "a\rb", "a\tb", "a\u0000b", "a\\", "a%0Ab", "a%0A", "", "a\u2028b", "a\u0085b"];
    for (const value of odd) expect(safeTag(value)).toMatch(/^[\x20-\x7e]+$/);
    for (const value of odd) expect(safeTag(value)).not.toMatch(/\\/);
    expect(odd.map((value) => tagValue(safeTag(value)))).toEqual(odd);
    expect(new Set(odd.map(safeTag)).size).toBe(odd.length);
    expect(safeTag("Küche 2, links=rechts")).toBe("Küche 2, links=rechts");
  });

  test("fields of one series and time share a line, and the later of two values counts", () => {
    const lines = encodeTelemetry("o", [
      { timeMs: 1000, point: "z.zoneAirTempC", value: 20 },
      { timeMs: 1000, point: "z.heatingSetpointC", value: 19 },
      { timeMs: 1000, point: "z.zoneAirTempC", value: 21 },
      { timeMs: 1500, point: "z.zoneAirTempC", value: 22 },
    ]);
    expect(lines.map((line) => [line.timeMs, line.fields])).toEqual([
      [1000, { t_air_c: 21, heat_sp_c: 19 }],
      [1500, { t_air_c: 22 }],
    ]);
    expect(precisionOf(lines)).toBe("ms");
    expect(precisionOf(lines.slice(0, 1))).toBe("s");
  });

  test("a decision is a line per zone, an alarm a line per change", () => {
    expect(decisionLines("o", decisionAt(5000, 1))).toEqual([
      {
        measurement: "isotherm_decision",
        tags: { building: "o", zone: "lobby", source: "mppi" },
        fields: {
          heat_sp_c: 20,
          cool_sp_c: 24,
          cost_energy: 0.1,
          cost_comfort: 0,
          cost_uncert: 0,
          ess: 12.5,
          samples: 1000,
          solve_ms: 12,
          reason: "fine",
        },
        timeMs: 5000,
      },
    ]);
    const alarm = { id: "sensor-stale:z", level: "warning", zone: "z", text: "", action: "", sinceMs: 1000, clearedMs: 2000 } as const;
    expect(alarmLines("o", alarm).map((line) => [line.timeMs, line.fields])).toEqual([
      [1000, { level: 2, active: 1 }],
      [2000, { level: 2, active: 0 }],
    ]);
    expect(alarmLines("o", { ...alarm, clearedMs: null })).toHaveLength(1);
  });
});
