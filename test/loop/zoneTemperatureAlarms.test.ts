import { describe, expect, it } from "vitest";
import { createZoneTemperatureAlarms, type ZoneLook, zoneTemperatureAlarmText } from "#loop/zoneTemperatureAlarms";

const setpoints = { heatingSetpointC: 21, coolingSetpointC: 24 };
const look = (changes: Partial<ZoneLook> = {}): ReadonlyMap<string, ZoneLook> =>
  new Map([["a", { temperatureC: 22, setpoints, beingReadied: false, state: "auto", ...changes }]]);
/** Looks once a minute; resolves with the first minute at which each level is told. */
const first = (temperatureC: number, settle: Partial<ZoneLook> = {}) => {
  const alarms = createZoneTemperatureAlarms();
  alarms.look(look(settle), 0);
  const told: Record<string, number> = {};
  for (let minute = 1; minute <= 200; minute++) {
    const alarm = alarms.look(look({ temperatureC }), minute * 60_000).get("a");
    if (alarm !== undefined) told[`${alarm.side} ${alarm.level}`] ??= minute;
  }
  return told;
};

describe("zone temperature alarms (ASHRAE Guideline 36, 5.3.6)", () => {
  it("are level 3 at 2 K and level 2 at 3 K, after ten minutes, on both sides", () => {
    expect(first(25.9)).toEqual({});
    expect(first(26)).toEqual({ "high 3": 11 });
    expect(first(27)).toEqual({ "high 2": 11 });
    expect(first(19.1)).toEqual({});
    expect(first(19)).toEqual({ "low 3": 11 });
    expect(first(18)).toEqual({ "low 2": 11 });
  });
  it("begin their ten minutes anew after a minute in which all was well", () => {
    const alarms = createZoneTemperatureAlarms();
    alarms.look(look(), 0);
    const levels: (number | undefined)[] = [];
    for (let minute = 1; minute <= 21; minute++)
      levels.push(alarms.look(look({ temperatureC: minute === 10 ? 22 : 18.5 }), minute * 60_000).get("a")?.level);
    expect(levels.findIndex((level) => level !== undefined)).toBe(20);
  });
  it("wait 18 minutes for every kelvin between room and a setpoint that has moved, and two hours at most", () => {
    // 3 K to go: 54 min, then the ten minutes.
    expect(first(18, { setpoints: { heatingSetpointC: 16, coolingSetpointC: 32 }, temperatureC: 18 })).toEqual({ "low 2": 65 });
    expect(first(12, { setpoints: { heatingSetpointC: 12, coolingSetpointC: 32 }, temperatureC: 12 })).toEqual({ "low 2": 131 });
  });
  it("wait no longer for a setpoint than it moved: small moves at every step do not silence them", () => {
    const alarms = createZoneTemperatureAlarms();
    let level: number | undefined;
    for (let minute = 0; minute <= 60; minute++) {
      const heatingSetpointC = 21 + (Math.floor(minute / 15) % 2) * 0.1;
      level ??= alarms
        .look(look({ temperatureC: minute === 0 ? 22 : 17, setpoints: { ...setpoints, heatingSetpointC } }), minute * 60_000)
        .get("a")?.level;
    }
    expect(level).toBe(2);
  });
  it("wait after a change of who commands the zone, and while it is made ready", () => {
    const alarms = createZoneTemperatureAlarms();
    alarms.look(look({ temperatureC: 22 }), 0);
    for (let minute = 1; minute <= 11; minute++) alarms.look(look({ temperatureC: 18 }), minute * 60_000);
    expect(alarms.look(look({ temperatureC: 18 }), 12 * 60_000).size).toBe(1);
    expect(alarms.look(look({ temperatureC: 18, beingReadied: true }), 13 * 60_000).size).toBe(0);
    expect(alarms.look(look({ temperatureC: 18 }), 14 * 60_000).size).toBe(0);
    expect(alarms.look(look({ temperatureC: 18 }), 24 * 60_000).size).toBe(1);
    expect(alarms.look(look({ temperatureC: 18, state: "shadow" }), 25 * 60_000).size).toBe(0);
    expect(alarms.look(look({ temperatureC: 18, state: "shadow" }), (25 + 53) * 60_000).size).toBe(0);
  });
  it("say nothing of a zone without temperature or setpoints, and forget what was before", () => {
    const alarms = createZoneTemperatureAlarms();
    expect(alarms.look(look({ temperatureC: undefined }), 0).size).toBe(0);
    alarms.look(look(), 0);
    for (let minute = 1; minute <= 11; minute++) alarms.look(look({ temperatureC: 18 }), minute * 60_000);
    for (const missing of [{ temperatureC: Number.NaN }, { setpoints: undefined }]) {
      expect(alarms.look(look(missing), 12 * 60_000).size).toBe(0);
      expect(alarms.look(look({ temperatureC: 18 }), 13 * 60_000).size).toBe(0);
    }
  });
  it("are told in words with what to do", () => {
    expect(zoneTemperatureAlarmText("a", { level: 2, side: "high", beyondK: 3.04 })).toMatchObject({
      id: "zone-temperature:a",
      level: "critical",
      text: "Zone a is 3.0 K above its cooling setpoint for more than 10 minutes (Guideline 36 level 2).",
    });
    expect(zoneTemperatureAlarmText("a", { level: 3, side: "low", beyondK: 2 })).toMatchObject({ level: "warning" });
    expect(zoneTemperatureAlarmText("a", undefined).id).toBe("zone-temperature:a");
  });
});
