import { describe, expect, test } from "vitest";
import { encodeTelemetry, precisionOf } from "#adapters/influx/encode";
import { addressOf, alarmLines, decisionLines, safeTag, tagValue } from "#adapters/influx/wireNames";
import { buildingPoint, sitePoint, zonePoint } from "#domain/points";
import { decisionAt } from "../../contracts/telemetryStore.js";

describe("the names on the wire", () => {
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
