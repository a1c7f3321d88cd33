import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readOpenMeteo } from "#adapters/weather/openMeteo";
import { createWebForecast, type WebForecastOptions } from "#adapters/weather/webForecast";

const HOUR_MS = 3_600_000;
const startMs = Date.parse("2026-03-10T12:00:00Z");
const hours = 72;

/** An answer as Open-Meteo gives it: from yesterday midnight on, T = 10 + sin, sun 600 W/m² from 8 to 16 UTC. */
const table = (
  change: (hourly: Record<string, unknown>) => Record<string, unknown> = (hourly) => hourly,
  fromMs = startMs - 24 * HOUR_MS,
) => {
  const times = Array.from({ length: hours }, (_, i) => fromMs + i * HOUR_MS);
  const at = (f: (timeMs: number) => number): number[] => times.map(f);
  const sunny = (timeMs: number): boolean => new Date(timeMs).getUTCHours() > 8 && new Date(timeMs).getUTCHours() <= 16;
  return {
    utc_offset_seconds: 0,
    hourly_units: { time: "unixtime", temperature_2m: "°C", wind_speed_10m: "m/s", shortwave_radiation: "W/m²" },
    hourly: change({
      time: times.map((timeMs) => timeMs / 1000),
      temperature_2m: at((timeMs) => 10 + 5 * Math.sin(((timeMs - startMs) / 86_400_000) * 2 * Math.PI)),
      relative_humidity_2m: at(() => 60),
      wind_speed_10m: at(() => 3),
      shortwave_radiation: at((timeMs) => (sunny(timeMs) ? 600 : 0)),
      direct_normal_irradiance: at(() => 0),
      diffuse_radiation: at(() => 0),
    }),
  };
};

let folder: string;
let server: Server;
let base: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: IncomingMessage[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "isotherm-weather-"));
  asked = [];
  answer = (_request, response) => response.end(JSON.stringify(table()));
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/forecast`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const open = (clock: { wallMs: number }, change: Partial<WebForecastOptions> = {}) =>
  createWebForecast({
    url: base,
    key: "weather-secret",
    latitudeDeg: 52.5,
    longitudeDeg: 13.4,
    lengthS: 86_400,
    maxAgeS: 6 * 3600,
    memoryFile: join(folder, "forecast.json"),
    refreshMs: HOUR_MS,
    timeoutMs: 500,
    requestsPerDay: 24,
    onError: (error) => {
      throw error;
    },
    signal: new AbortController().signal,
    wallMs: () => clock.wallMs,
    random: () => 0,
    ...change,
  });

describe("a weather service on the web", () => {
  it("is asked for the site's place in our units, once an interval, and laid on control steps", async () => {
    const clock = { wallMs: startMs };
    const weather = await open(clock);
    await expect(weather.forecast(startMs, 900, 4)).rejects.toThrow(/has not been read yet/);
    await weather.refresh();
    await weather.refresh();
    expect(asked).toHaveLength(1);
    const query = new URL(asked[0]!.url!, base).searchParams;
    expect(Object.fromEntries(query)).toMatchObject({
      latitude: "52.5",
      longitude: "13.4",
      apikey: "weather-secret",
      timeformat: "unixtime",
      wind_speed_unit: "ms",
      forecast_days: "3",
    });
    const { issuedAtMs, provider, columns, stepEndMs } = await weather.forecast(startMs, 3600, 4);
    expect(issuedAtMs).toBe(startMs);
    expect(provider).toMatch(/^127\.0\.0\.1:/);
    expect([...stepEndMs]).toEqual([1, 2, 3, 4].map((h) => startMs + h * HOUR_MS));
    // Hours at 12:00, 13:00, …: a step from 12:00 to 13:00 is judged at 12:30, between two of them.
    const hourly = (h: number): number => 10 + 5 * Math.sin((h / 24) * 2 * Math.PI);
    [0, 1, 2, 3].forEach((h) => {
      expect(columns.get("site.outdoorAirTempC")![h]).toBeCloseTo((hourly(h) + hourly(h + 1)) / 2, 12);
    });
    // The hour before 13:00, 14:00, 15:00, 16:00 has its sun in its middle.
    expect([...columns.get("site.globalHorizontalIrradianceWm2")!]).toEqual([600, 600, 600, 600]);
    clock.wallMs += HOUR_MS;
    await weather.refresh();
    expect(asked).toHaveLength(2);
  });

  it("keeps what it read on disk, with its age, and does not use it beyond its age", async () => {
    const clock = { wallMs: startMs };
    await (await open(clock)).refresh();
    answer = (_request, response) => response.writeHead(502).end();
    clock.wallMs += 2 * HOUR_MS;
    const again = await open(clock);
    await again.refresh();
    expect(again.trouble).toBe("it answers 502");
    expect(again.failures).toBe(1);
    expect(await again.forecast(clock.wallMs, 900, 20)).toMatchObject({ issuedAtMs: startMs });
    expect(readFileSync(join(folder, "forecast.json"), "utf8")).not.toContain("weather-secret");
    clock.wallMs += 5 * HOUR_MS;
    await expect(again.forecast(clock.wallMs, 900, 4)).rejects.toThrow(/said is 7\.0 h old: it answers 502/);
  });

  it("goes on without a memory that was damaged", async () => {
    writeFileSync(join(folder, "forecast.json"), '{"rows": [[1, "x"]]}');
    const weather = await open({ wallMs: startMs });
    await weather.refresh();
    expect(weather.trouble).toBeNull();
  });

  it.each([
    ["is not JSON", "<html>busy</html>", "its answer is not JSON"],
    ["says why it refuses", JSON.stringify({ error: true, reason: "Latitude must be in range" }), "it says: Latitude must be in range"],
    ["has no table", JSON.stringify({ hourly: [] }), "its answer has no hourly table"],
    ["has no temperature", JSON.stringify(table(({ temperature_2m: _, ...rest }) => rest)), "its answer has no temperature_2m"],
    [
      "is of unequal length",
      JSON.stringify(table((hourly) => ({ ...hourly, temperature_2m: (hourly.temperature_2m as number[]).slice(1) }))),
      "temperature_2m does not have a value for every hour",
    ],
    [
      "is absurd",
      JSON.stringify(table((hourly) => ({ ...hourly, temperature_2m: (hourly.temperature_2m as number[]).map((t) => t + 273.15) }))),
      /^outdoorAirTempC 28\d.* is impossible$/,
    ],
    [
      "jumps",
      JSON.stringify(
        table((hourly) => ({ ...hourly, temperature_2m: (hourly.temperature_2m as number[]).map((t, i) => (i === 40 ? 45 : t)) })),
      ),
      /^the temperature jumps from /,
    ],
    [
      "stands still",
      JSON.stringify(table((hourly) => ({ ...hourly, temperature_2m: new Array(hours).fill(0) }))),
      "the temperature stays 0 °C for 24 hours",
    ],
    [
      "is short",
      JSON.stringify(
        table((hourly) => Object.fromEntries(Object.entries(hourly).map(([name, values]) => [name, (values as number[]).slice(0, 30)]))),
      ),
      "it looks 5.0 h ahead, 24.0 h are needed",
    ],
    ["is stale", JSON.stringify(table(undefined, startMs - 100 * HOUR_MS)), /^it ends at 2026-03-09T07:00Z, in the past$/],
    ["begins too late", JSON.stringify(table(undefined, startMs + 5 * HOUR_MS)), "it begins in the future only"],
    [
      "has holes",
      JSON.stringify(
        table((hourly) => ({ ...hourly, temperature_2m: (hourly.temperature_2m as number[]).map((t, i) => (i % 2 ? null : t)) })),
      ),
      /coming temperatures are missing$/,
    ],
    [
      "is in Fahrenheit",
      JSON.stringify({ ...table(), hourly_units: { temperature_2m: "°F" } }),
      "temperature_2m comes in °F instead of °C",
    ],
    ["is endless", `{"hourly": "${"x".repeat(9 * 1024 * 1024)}"}`, /longer than/],
  ])("refuses an answer that %s, keeps the one before, and waits before it asks again", async (_what, body, problem) => {
    const clock = { wallMs: startMs };
    const weather = await open(clock);
    await weather.refresh();
    answer = (_request, response) => response.end(body);
    clock.wallMs += HOUR_MS;
    // The words are those at noon; an hour later the answers are no better.
    const judged = readOpenMeteo(body, { nowMs: startMs, leastAheadMs: 24 * HOUR_MS });
    if (!body.startsWith('{"hourly": "x')) expect(judged).toMatchObject({ ok: false, problem: expect.stringMatching(problem) });
    await weather.refresh();
    expect(weather.trouble).not.toBeNull();
    expect(weather.failures).toBe(1);
    expect(await weather.forecast(clock.wallMs, 900, 8)).toMatchObject({ issuedAtMs: startMs });
    const requests = asked.length;
    clock.wallMs += 30_000;
    await weather.refresh();
    expect(asked).toHaveLength(requests);
  });

  it("ends a request that is never answered, and tells no other host its key", async () => {
    const clock = { wallMs: startMs };
    answer = () => undefined;
    const weather = await open(clock, { timeoutMs: 100 });
    await weather.refresh();
    expect(weather.trouble).toBe("no answer within 0.1 s");
    let elsewhere = 0;
    const other = createServer((_request, response) => {
      elsewhere++;
      response.end("{}");
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    answer = (_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/` }).end();
    clock.wallMs += 2 * HOUR_MS;
    await weather.refresh();
    expect(weather.trouble).toMatch(/cannot be reached/);
    expect(elsewhere).toBe(0);
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  });

  it("spends its day's requests and no more, and asks again the next day", async () => {
    const clock = { wallMs: startMs };
    const weather = await open(clock, { requestsPerDay: 2 });
    for (let i = 0; i < 5; i++) {
      await weather.refresh();
      clock.wallMs += HOUR_MS;
    }
    expect(asked).toHaveLength(2);
    expect(weather.trouble).toBe("the day's 2 requests are spent");
    clock.wallMs = startMs + 12 * HOUR_MS;
    await weather.refresh();
    expect(asked).toHaveLength(3);
  });

  it("never throws and never lets through what is impossible, whatever the answer", () => {
    const limits = { nowMs: startMs, leastAheadMs: 24 * HOUR_MS };
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((hourly) => JSON.stringify({ hourly, hourly_units: hourly })),
        ),
        (text) => {
          expect(readOpenMeteo(text, limits).ok).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double(), fc.constant(null)), { minLength: hours, maxLength: hours }), (values) => {
        const reading = readOpenMeteo(JSON.stringify(table((hourly) => ({ ...hourly, temperature_2m: values }))), limits);
        if (reading.ok) for (const [, t] of reading.rows) if (t != null) expect(Math.abs(t)).toBeLessThanOrEqual(70);
      }),
      { numRuns: 200 },
    );
  });
});
