import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEpw } from "#simulators/weather/epw";
import { epwForecastProvider } from "#simulators/weather/epwForecastProvider";
import { loadWeather } from "#simulators/weather/loadWeather";
import { civilTime, localStandardToMs, msToLocalStandard } from "#simulators/weather/localTime";
import { solarPosition } from "#simulators/weather/sun";
import { tiltedIrradiance } from "#simulators/weather/tiltedIrradiance";
import { weatherSeries } from "#simulators/weather/weatherSeries";
import { syntheticEpw } from "../data/syntheticEpw.js";

const golden = <T>(file: string): T => JSON.parse(readFileSync(new URL(`../golden/${file}`, import.meta.url), "utf8")) as T;

describe("weather between the hours", () => {
  const pittsburgh = loadWeather("pittsburgh");
  it.each(["jan", "jul"])("has EnergyPlus's outdoor temperature at every step of the %s trace, the wrap at new year included", (month) => {
    const bytes = readFileSync(new URL(`../data/traces/pittsburgh-${month}-rule-lead1.csv.gz`, import.meta.url));
    const rows = parse(gunzipSync(bytes), { columns: true }) as { stepEnd: string; outdoorAirTempC: string }[];
    expect(rows.length).toBe(672);
    for (const { stepEnd, outdoorAirTempC } of rows)
      expect(pittsburgh.at(localStandardToMs(pittsburgh, stepEnd), 900).outdoorAirTempC, stepEnd).toBeCloseTo(Number(outdoorAirTempC), 2.2);
  });
  it("spends every hourly radiation value exactly once over the year, none of it at night", () => {
    const startMs = localStandardToMs(pittsburgh, "1991-01-01T00:00");
    const { columns } = pittsburgh.epw;
    const sums = { direct: 0, diffuse: 0, global: 0 };
    let nightWh = 0;
    for (let k = 1; k <= 35_040; k++) {
      const endMs = startMs + k * 900_000;
      const weather = pittsburgh.at(endMs, 900);
      sums.direct += weather.directNormalIrradianceWm2 / 4;
      sums.diffuse += weather.diffuseHorizontalIrradianceWm2 / 4;
      sums.global += weather.globalHorizontalIrradianceWm2 / 4;
      if (solarPosition(endMs - 450_000, pittsburgh.latitudeDeg, pittsburgh.longitudeDeg).zenithDeg >= 90)
        nightWh += weather.directNormalIrradianceWm2 / 4;
    }
    const total = (x: Float64Array): number => x.reduce((a, b) => a + b, 0);
    expect(sums.direct).toBeCloseTo(total(columns.directNormalWm2), 3);
    expect(sums.diffuse).toBeCloseTo(total(columns.diffuseHorizontalWm2), 3);
    expect(sums.global).toBeCloseTo(total(columns.globalHorizontalWm2), 3);
    expect(nightWh).toBe(0);
  });
  it("gives an hour the mean of its quarters, and any part of a quarter its value", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8759 }), (hour) => {
        const endMs = localStandardToMs(pittsburgh, "1991-01-01T00:00") + (hour + 1) * 3_600_000;
        const quarters = [0, 1, 2, 3].map((k) => pittsburgh.at(endMs - k * 900_000, 900));
        const whole = pittsburgh.at(endMs, 3600);
        for (const name of Object.keys(whole) as (keyof typeof whole)[])
          expect(whole[name]).toBeCloseTo(quarters.reduce((sum, q) => sum + q[name], 0) / 4, 8);
        expect(pittsburgh.at(endMs - 600_000, 60)).toEqual(quarters[0]);
        expect(pittsburgh.at(endMs - 840_000, 60)).toEqual(quarters[0]);
        expect(pittsburgh.at(endMs - 900_000, 60)).toEqual(quarters[1]);
      }),
      { numRuns: 100 },
    );
  });
  it("repeats in any other year", () => {
    expect(pittsburgh.at(localStandardToMs(pittsburgh, "2026-07-04T15:15"), 900)).toEqual(
      pittsburgh.at(localStandardToMs(pittsburgh, "1991-07-04T15:15"), 900),
    );
  });
  it("follows time zones east of Greenwich and on the half hour", () => {
    const indian = weatherSeries(parseEpw(syntheticEpw({ timeZoneH: 5.5 }), "in.epw"));
    expect(indian.at(localStandardToMs(indian, "1991-05-01T12:00"), 900).outdoorAirTempC).toBe(indian.epw.columns.dryBulbC[120 * 24 + 11]);
  });
  it("is a forecast provider with a row per step", async () => {
    const provider = epwForecastProvider(pittsburgh);
    const fromMs = localStandardToMs(pittsburgh, "1991-12-31T23:00");
    const forecast = await provider.forecast(fromMs, 900, 8);
    expect(provider.name).toBe("epw");
    expect(forecast.provider).toBe("epw");
    expect([...forecast.stepEndMs]).toEqual(Array.from({ length: 8 }, (_, k) => fromMs + (k + 1) * 900_000));
    expect(forecast.columns.get("site.outdoorAirTempC")![4]).toBeCloseTo(-7.2, 10);
    expect([...forecast.columns.values()].every((column) => column.length === 8 && column.every(Number.isFinite))).toBe(true);
    await expect(provider.forecast(Number.NaN, 900, 8)).rejects.toThrow(/makes no sense/);
  });
});

describe("local standard time", () => {
  it("converts to UTC and back", () => {
    expect(localStandardToMs({ timeZoneH: -5 }, "1991-01-01T00:00")).toBe(Date.UTC(1991, 0, 1, 5));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 * 365 * 1440 }), fc.constantFrom(-8, -3.5, 0, 1, 5.75, 13), (minute, timeZoneH) => {
        const ms = minute * 60_000;
        expect(localStandardToMs({ timeZoneH }, msToLocalStandard({ timeZoneH }, ms))).toBe(ms);
      }),
    );
  });
  it("has 1 January 1991 on a Tuesday and 1 July on a Monday", () => {
    const zone = { timeZoneH: -5 };
    expect(civilTime(zone, localStandardToMs(zone, "1991-01-01T07:15"))).toEqual({ month: 1, day: 1, weekday: 2, minuteOfDay: 435 });
    expect(civilTime(zone, localStandardToMs(zone, "1991-07-01")).weekday).toBe(1);
  });
  it.each(["yesterday", "1991-02-30T00:00", "1991-13-01", "1991-01-01T00:00Z", "1991-01-01T25:00", ""])("refuses %j", (text) => {
    expect(() => localStandardToMs({ timeZoneH: 0 }, text)).toThrow(/not a local standard time/);
  });
});

describe("sun position", () => {
  interface SpaCase {
    lat: number;
    lon: number;
    utc: string;
    zenith: number;
    apparent_zenith: number;
    azimuth: number;
    equation_of_time: number;
    dni_extra: number;
  }
  it.each(golden<{ solar_position_spa: SpaCase[] }>("pmvSolarEpw.json").solar_position_spa)(
    "agrees with NREL SPA within 0.05° at $lat, $lon, $utc",
    (want) => {
      const sun = solarPosition(Date.parse(want.utc.replace(" ", "T")), want.lat, want.lon);
      expect(Math.abs(sun.zenithDeg - want.zenith)).toBeLessThan(0.05);
      expect(Math.abs(sun.apparentZenithDeg - want.apparent_zenith)).toBeLessThan(0.05);
      // Near the zenith an azimuth error is a small angle on the sky.
      expect(Math.abs(sun.azimuthDeg - want.azimuth) * Math.sin((want.zenith * Math.PI) / 180)).toBeLessThan(0.05);
      expect(Math.abs(sun.equationOfTimeMin - want.equation_of_time)).toBeLessThan(0.1);
      // pvlib's default: solar constant 1366.1 and Spencer's series.
      expect(Math.abs(sun.extraterrestrialNormalWm2 * (1366.1 / 1361) - want.dni_extra)).toBeLessThan(3);
    },
  );
});

describe("irradiance on tilted surfaces", () => {
  interface PerezCase {
    utcMs: number;
    latitudeDeg: number;
    longitudeDeg: number;
    directNormalWm2: number;
    diffuseHorizontalWm2: number;
    globalHorizontalWm2: number;
    tiltDeg: number;
    azimuthDeg: number;
    beamWm2: number;
    skyDiffuseWm2: number;
    groundReflectedWm2: number;
  }
  const { cases } = golden<{ cases: PerezCase[] }>("perez.json");
  it("agrees with pvlib's Perez model within 1 W/m²", () => {
    expect(cases.length).toBe(36);
    for (const want of cases) {
      const got = tiltedIrradiance(solarPosition(want.utcMs, want.latitudeDeg, want.longitudeDeg), want, {
        ...want,
        groundReflectance: 0.2,
      });
      expect(Math.abs(got.beamWm2 - want.beamWm2)).toBeLessThan(1);
      expect(Math.abs(got.skyDiffuseWm2 - want.skyDiffuseWm2)).toBeLessThan(1);
      expect(got.groundReflectedWm2).toBeCloseTo(want.groundReflectedWm2, 6);
    }
  });
  it("gives a horizontal plane what the horizontal sensors saw, and a wall facing away no beam", () => {
    const { utcMs, latitudeDeg, longitudeDeg, ...sky } = cases[0]!;
    const sun = solarPosition(utcMs, latitudeDeg, longitudeDeg);
    expect(tiltedIrradiance(sun, sky, { tiltDeg: 0, azimuthDeg: 0, groundReflectance: 0.2 }).skyDiffuseWm2).toBeCloseTo(
      sky.diffuseHorizontalWm2,
      6,
    );
    expect(tiltedIrradiance(sun, sky, { tiltDeg: 90, azimuthDeg: sun.azimuthDeg + 180, groundReflectance: 0.2 })).toMatchObject({
      beamWm2: 0,
      cosIncidence: 0,
    });
  });
});
