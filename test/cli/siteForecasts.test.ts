import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openInMemoryStore } from "#adapters/store/inMemoryStore";
import { controlSiteOf, toLocalMsOf } from "#cli/daemon/controlSite";
import { createForecasts } from "#cli/daemon/forecasts";
import { createHabits } from "#cli/daemon/habits";
import { createSiteTariff } from "#cli/daemon/siteTariff";
import { comfortAt } from "#config/comfort";
import { parseSiteConfig } from "#config/loadSiteConfig";
import type { Alarm } from "#domain/store";
import { createAlarmBoard } from "#loop/alarmBoard";
import { createHistoryBuffer } from "#loop/historyBuffer";

const HOUR_MS = 3_600_000;
const stepMs = 900_000;

let folder: string;
let server: Server;
let base: string;
let isUp = true;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "isotherm-forecasts-"));
  isUp = true;
  server = createServer((_request, response) => {
    const fromS = Math.floor(Date.now() / 3_600_000) * 3600 - 24 * 3600;
    const time = Array.from({ length: 72 }, (_, i) => fromS + i * 3600);
    response
      .writeHead(isUp ? 200 : 503)
      .end(isUp ? JSON.stringify({ hourly: { time, temperature_2m: time.map((_, i) => 5 + (i % 24) / 4) } }) : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/forecast`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const siteOf = (more: string) =>
  parseSiteConfig(
    `site: { id: s, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building: { mqtt: {} }
zones: [{ id: a, sensors: { zoneAirTempC: { topic: a }, occupancyCount: { topic: people } } }]
store: { directory: "${folder}" }
${more}
`,
    join(folder, "site.yaml"),
    { environment: {} },
  );

const forecastsOf = async (sources: string) => {
  const config = siteOf(`forecast: { sources: ${sources} }`);
  const nowMs = Math.floor(Date.now() / stepMs) * stepMs;
  const history = createHistoryBuffer({ stepS: 900, maxRows: 800 });
  for (let t = nowMs - 2 * 24 * HOUR_MS; t <= nowMs; t += stepMs)
    history.add({
      timeMs: t,
      values: new Map([
        ["site.outdoorAirTempC", 7],
        ["a.occupancyCount", 3],
      ]),
    });
  const alarms: Alarm[] = [];
  const problems: string[] = [];
  const forecasts = await createForecasts({
    config,
    history,
    weather: null,
    usualPeople: () => Number.NaN,
    directory: folder,
    nowMs: () => nowMs,
    alarms: createAlarmBoard({ store: { putAlarm: async (alarm) => void alarms.push(alarm) }, onError: () => undefined }),
    onProblem: (text) => void problems.push(text),
    onError: (error) => {
      throw error;
    },
    signal: new AbortController().signal,
  });
  return { forecasts, alarms, problems, nowMs, history };
};

describe("a real site's forecasts", () => {
  it("come from the first choice, with people from the site itself; the one in use is known with its age", async () => {
    const { forecasts, alarms, nowMs } = await forecastsOf(
      `[{ kind: openMeteo, url: "${base}", licence: Test licence }, { kind: typical, weather: new-york }]`,
    );
    expect(forecasts.status()).toMatchObject({ provider: null, issuedAtMs: null });
    await forecasts.refresh();
    const forecast = await forecasts.forecast(nowMs, 900, 20);
    expect(forecast.provider).toMatch(/^127\.0\.0\.1/);
    expect([...forecast.columns.get("a.occupancyCount")!]).toEqual(new Array(20).fill(3));
    await forecasts.check();
    expect(alarms).toEqual([]);
    const status = forecasts.status();
    expect(status).toMatchObject({ provider: forecast.provider, licence: "Test licence" });
    expect(Date.now() - status.issuedAtMs!).toBeLessThan(60_000);
    expect(status.sources.map(({ name, state }) => [name, state])).toEqual([
      [forecast.provider, "in-use"],
      ["typical year (new-york)", "stand-by"],
      ["persistence", "stand-by"],
    ]);
  });
  it("fall back in the order of the site file, with one alarm that names what serves instead", async () => {
    isUp = false;
    const { forecasts, alarms, nowMs } = await forecastsOf(`[{ kind: openMeteo, url: "${base}" }, { kind: typical, weather: new-york }]`);
    await forecasts.refresh();
    expect(await forecasts.forecast(nowMs, 900, 20)).toMatchObject({
      provider: expect.stringMatching(/^(typical year \(new-york\)|persistence)$/),
    });
    await forecasts.check();
    await forecasts.check();
    expect(alarms).toHaveLength(1);
    expect(alarms[0]).toMatchObject({ id: "forecast-source", level: "warning" });
    expect(alarms[0]!.text).toMatch(/is not usable; (typical year \(new-york\)|persistence) serves instead: .* it answers 503\.$/);
    expect(forecasts.status().sources[0]).toMatchObject({ state: "failed", trouble: expect.stringMatching(/503/) });
  });
  it("remember over a restart how wrong each source was", async () => {
    const site = `[{ kind: openMeteo, url: "${base}" }]`;
    const { forecasts, nowMs, history } = await forecastsOf(site);
    await forecasts.refresh();
    for (let step = 1; step <= 8; step++) {
      history.add({ timeMs: nowMs + step * stepMs, values: new Map([["site.outdoorAirTempC", 9]]) });
      await forecasts.learn();
    }
    await forecasts.close();
    const learned = forecasts.errors();
    expect(learned.map(({ provider, leadS, count }) => [provider, leadS, count]).sort()).toEqual([
      [expect.stringMatching(/^127/), 3600, 4],
      ["persistence", 3600, 4],
    ]);
    const again = await forecastsOf(site);
    expect(again.forecasts.errors()).toEqual(learned);
  });
});

describe("occupied hours", () => {
  const now = Date.parse("2026-03-30T00:00:00Z");
  /** Saturdays from ten to twelve, Berlin time; nobody on working days. */
  const isThere = (localMs: number): boolean => new Date(localMs).getUTCDay() === 6 && [10, 11].includes(new Date(localMs).getUTCHours());
  const open = async (comfort: string) => {
    const config = siteOf(`control: { comfort: ${comfort} }`);
    const toLocal = toLocalMsOf(config);
    const store = openInMemoryStore();
    const rows = Array.from({ length: 8 * 168 * 2 }, (_, i) => now - (i + 1) * (HOUR_MS / 2)).map((timeMs) => ({
      timeMs,
      point: "a.occupancyCount" as const,
      value: isThere(toLocal(timeMs)) ? 4 : 0,
    }));
    await store.append(rows);
    const habits = createHabits({ config, points: ["a.occupancyCount"], store, nowMs: () => now });
    await habits.refresh();
    return { config, habits };
  };
  const saturday = Date.parse("2026-04-04T08:30:00Z");
  const tuesday = Date.parse("2026-03-31T08:30:00Z");
  it.each([
    ["the schedule's alone where the site does not ask", "{}", false, true],
    ["the schedule's and the habit's", "{ habits: {} }", true, true],
    ["the habit's instead", "{ habits: { use: instead } }", true, false],
    ["no holiday's", '{ habits: {}, holidays: ["2026-04-04"] }', false, true],
  ])("are %s", async (_what, comfort, onSaturday, onTuesday) => {
    const { config, habits } = await open(comfort);
    expect(comfortAt(config, "a", saturday, Number.NaN, habits.presence).occupied).toBe(onSaturday);
    expect(comfortAt(config, "a", tuesday, Number.NaN, habits.presence).occupied).toBe(onTuesday);
  });
  it("reach the planner and its rules, and the number of people", async () => {
    const { config, habits } = await open("{ habits: { use: instead } }");
    const tariff = await createSiteTariff({
      config,
      toLocalMs: toLocalMsOf(config),
      nowMs: () => saturday,
      alarms: createAlarmBoard({ store: { putAlarm: async () => undefined }, onError: () => undefined }),
      onError: () => undefined,
      signal: new AbortController().signal,
    });
    const site = controlSiteOf(config, 1000, tariff, { charge: () => null }, undefined, habits.presence);
    const stepEndMs = Float64Array.from({ length: 20 }, (_, t) => saturday + (t + 1) * stepMs);
    const outlook = { nowMs: saturday, stepEndMs, forecast: { issuedAtMs: 0, provider: "", stepEndMs, columns: new Map() } };
    const { occupied } = site.comfort(outlook).get("a")!;
    // 10:30 to noon, local time.
    expect([...occupied]).toEqual([...new Array(6).fill(1), ...new Array(14).fill(0)]);
    expect(site.candidates(outlook).rulePlans[0]!.heatingSetpointC[0]).toBe(21);
    expect(habits.people("a", saturday)).toBe(4);
    expect(habits.people("a", tuesday)).toBe(0);
  });
});
