import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { controlSiteOf, toLocalMsOf } from "#cli/daemon/controlSite";
import { createSiteTariff } from "#cli/daemon/siteTariff";
import { energyPriceSchedule } from "#config/comfort";
import { parseSiteConfig } from "#config/loadSiteConfig";
import type { Alarm } from "#domain/store";
import { createAlarmBoard } from "#loop/alarmBoard";
import { fakeSite, stepMs } from "../loop/fakeSite.js";

const HOUR_MS = 3_600_000;
const nowMs = Date.parse("2026-03-10T12:00:00Z");
const ends = (steps: number): Float64Array => Float64Array.from({ length: steps }, (_, t) => nowMs + (t + 1) * 900_000);

let folder: string;
const opened: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "isotherm-tariff-"));
});
afterEach(async () => {
  for (const server of opened.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(folder, { recursive: true });
});

const siteOf = async (planner: string) => {
  const config = parseSiteConfig(
    `site: { id: s, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building: { embedded: {} }
zones: [{ id: a }]
store: { directory: "${folder}" }
planner: ${planner}
`,
    join(folder, "site.yaml"),
    { environment: { PRICE_KEY: "feed-secret" } },
  );
  const alarms: Alarm[] = [];
  const tariff = await createSiteTariff({
    config,
    toLocalMs: toLocalMsOf(config),
    nowMs: () => nowMs,
    alarms: createAlarmBoard({ store: { putAlarm: async (alarm) => void alarms.push(alarm) }, onError: () => undefined }),
    onError: (error) => {
      throw error;
    },
    signal: new AbortController().signal,
  });
  return { config, tariff, alarms };
};
/** Berlin hours from `hour` UTC on, as local times without an offset. */
const csv = (values: readonly (number | string)[], fromMs = nowMs, title = "price"): string =>
  [`time,${title}`, ...values.map((value, i) => `${new Date(fromMs + (i + 1) * HOUR_MS).toISOString().slice(0, 16)},${value}`)].join("\n");

describe("a site's tariff", () => {
  it("is the site file's own, to the bit, where no source is named", async () => {
    const { config, tariff } = await siteOf(
      "{ tariff: { energy: 0.1 EUR/kWh, periods: [{ days: mon-fri, hours: '14:00-18:00', energy: 0.4 EUR/kWh }] } }",
    );
    const stepEndMs = ends(96);
    const outlook = tariff.outlook(stepEndMs);
    expect([...outlook.weighedPerKwh]).toEqual([...energyPriceSchedule(config, stepEndMs)]);
    expect([...outlook.energyPricePerKwh]).toEqual([...outlook.weighedPerKwh]);
    expect(outlook).toMatchObject({ carbonKgPerKwh: null, notes: [] });
    expect(tariff.now(nowMs)).toEqual({ energyPricePerKwh: 0.1, carbonKgPerKwh: 0.4 });
    expect(tariff.now(nowMs + 90 * 60_000).energyPricePerKwh).toBe(0.4);
  });
  it("reads prices of a file in the site's clock, negative ones too", async () => {
    writeFileSync(join(folder, "prices.csv"), csv([250, -40, 100], nowMs, "Day-ahead [EUR/MWh]"));
    const { tariff, alarms } = await siteOf("{ tariff: { prices: { file: prices.csv, value: Day-ahead, add: 0.05 EUR/kWh } } }");
    const { energyPricePerKwh, notes } = tariff.outlook(ends(12));
    // 12:00 UTC is 13:00 in Berlin, which is the file's first row.
    [0.3, 0.3, 0.3, 0.3, 0.01, 0.01, 0.01, 0.01, 0.15, 0.15, 0.15, 0.15].forEach((price, t) => {
      expect(energyPricePerKwh[t]).toBeCloseTo(price, 12);
    });
    expect(notes).toEqual([]);
    await tariff.check(ends(12));
    expect(alarms).toEqual([]);
  });
  it("fills gaps by the stated rule, says so once as an alarm and in every plan's reason, and never gives NaN", async () => {
    const yesterday = Array.from({ length: 24 }, (_, i) => (10 + i) / 100);
    writeFileSync(join(folder, "prices.csv"), csv([...yesterday, 0.5, "NaN", "n/a"], nowMs - 24 * HOUR_MS));
    const { config, tariff, alarms } = await siteOf("{ horizon: 4, tariff: { prices: { file: prices.csv } } }");
    const values = tariff.outlook(ends(12)).energyPricePerKwh;
    expect([...values]).toEqual([
      ...new Array<number>(4).fill(0.5),
      ...new Array<number>(4).fill(0.11),
      ...new Array<number>(4).fill(0.12),
    ]);
    const note = "Prices of energy (prices.csv) have gaps: 8 of 12 coming steps take the same hour of an earlier day.";
    expect(tariff.outlook(ends(12)).notes).toEqual([note]);
    await tariff.check(ends(12));
    await tariff.check(ends(12));
    expect(alarms).toHaveLength(1);
    expect(alarms[0]).toMatchObject({ id: "energy-prices", level: "warning", text: `${note} Left out: 2 rows without a value.` });
    await tariff.check(ends(4));
    expect(alarms.at(-1)).toMatchObject({ id: "energy-prices", clearedMs: nowMs });

    const site = controlSiteOf(config, 1000, tariff, { charge: () => null });
    const loop = fakeSite({
      site: {
        pricePerKwh: site.pricePerKwh,
        tariff: (stepEndMs) => tariff.outlook(stepEndMs.map((ms) => ms - loop.now() + nowMs + 4 * stepMs)),
      },
    });
    const { plan } = (await loop.tick())!;
    expect(plan.reason).toBe("eager Prices of energy (prices.csv) have gaps: all 4 coming steps take the same hour of an earlier day.");
    expect(plan.pricePerKwh).toEqual([0.11, 0.11, 0.11, 0.11]);
  });
  it.each([
    [
      "is not there",
      null,
      /^Prices of energy \(prices\.csv\) have gaps: all 4 coming steps take planner\.tariff\.energy\. The newest could not be read: it does not exist\.$/,
    ],
    ["holds another unit", csv(Array.from({ length: 24 }, () => 85)), /its unit is another/],
    ["is empty", "", /no column for the time/],
    ["holds nothing but NaN", csv(["NaN", "NaN"]), /no usable row/],
  ])("is the configured price where the file %s, with one alarm", async (_what, text, message) => {
    if (text !== null) writeFileSync(join(folder, "prices.csv"), text);
    const { tariff, alarms } = await siteOf("{ tariff: { energy: 0.25 EUR/kWh, prices: { file: prices.csv } } }");
    expect([...tariff.outlook(ends(4)).weighedPerKwh]).toEqual([0.25, 0.25, 0.25, 0.25]);
    for (let i = 0; i < 3; i++) {
      await tariff.refresh();
      await tariff.check(ends(4));
    }
    expect(alarms).toHaveLength(1);
    expect(alarms[0]!.text).toMatch(message);
  });
  it("asks a feed for the days around now with its key in the address, and prices the coming steps with the answer", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end(JSON.stringify({ data: Array.from({ length: 24 }, (_, i) => ({ start: nowMs + i * HOUR_MS, price: 100 + i })) }));
    });
    opened.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { tariff } = await siteOf(
      `{ tariff: { prices: { url: "http://127.0.0.1:${(server.address() as AddressInfo).port}/p?a={from}&b={to}&c={fromDate}&d={toDate}&k={key}", key: "\${PRICE_KEY}", rows: data, unit: EUR/MWh } } }`,
    );
    await tariff.refresh();
    await tariff.refresh();
    expect(asked.map(decodeURIComponent)).toEqual([
      "/p?a=2026-03-08T23:00:00Z&b=2026-03-12T23:00:00Z&c=2026-03-09&d=2026-03-13&k=feed-secret",
    ]);
    expect(tariff.outlook(ends(5)).energyPricePerKwh[4]).toBeCloseTo(0.101, 12);
  });
  it("weighs what the objective says: bill p + q c / 1000, energy p0, carbon p0 c / c0", async () => {
    writeFileSync(join(folder, "carbon.csv"), csv([600, 200], nowMs, "carbonIntensity [g/kWh]"));
    const tariff = "tariff: { energy: 0.2 EUR/kWh, carbon: 0.4 kg/kWh, carbonPrice: 100 EUR/t, intensities: { file: carbon.csv } }";
    const weighed = async (objective: string) => {
      const outlook = (await siteOf(`{ objective: ${objective}, ${tariff} }`)).tariff.outlook(ends(8));
      expect([...outlook.energyPricePerKwh]).toEqual(new Array<number>(8).fill(0.2));
      for (const [t, carbon] of outlook.carbonKgPerKwh!.entries()) expect(carbon).toBeCloseTo(t < 4 ? 0.6 : 0.2, 12);
      return [outlook.weighedPerKwh[0]!, outlook.weighedPerKwh[7]!];
    };
    for (const [objective, [first, last]] of [
      ["bill", [0.2 + 0.06, 0.2 + 0.02]],
      ["energy", [0.2, 0.2]],
      ["carbon", [0.3, 0.1]],
    ] as const) {
      const got = await weighed(objective);
      expect(got[0]).toBeCloseTo(first, 12);
      expect(got[1]).toBeCloseTo(last, 12);
    }
  });
});

describe("the record of a plan", () => {
  it("holds the bill's prices, and beside them what the planner weighed and emits, only where they differ", async () => {
    const tariff = {
      energyPricePerKwh: new Float64Array(4).fill(0.25),
      carbonKgPerKwh: new Float64Array(4).fill(0.5),
      notes: [],
    };
    const loop = fakeSite({ site: { pricePerKwh: () => new Float64Array(4).fill(0.3), tariff: () => tariff } });
    const { plan } = (await loop.tick())!;
    expect(plan).toMatchObject({
      pricePerKwh: [0.25, 0.25, 0.25, 0.25],
      weighedPerKwh: [0.3, 0.3, 0.3, 0.3],
      carbonKgPerKwh: [0.5, 0.5, 0.5, 0.5],
      reason: "eager",
    });
    const plain = fakeSite({
      site: { pricePerKwh: () => new Float64Array(4).fill(0.25), tariff: () => ({ ...tariff, carbonKgPerKwh: null }) },
    });
    const record = (await plain.tick())!.plan;
    for (const key of ["weighedPerKwh", "carbonKgPerKwh", "demandCharge"]) expect(record).not.toHaveProperty(key);
  });
  it("is the plan as it is where the tariff cannot be told", async () => {
    const loop = fakeSite({
      site: {
        tariff: () => {
          throw new Error("no tariff");
        },
      },
    });
    expect((await loop.tick())!.plan).toMatchObject({ pricePerKwh: [0.2, 0.2, 0.2, 0.2], reason: "eager" });
    expect(loop.errors).toHaveLength(1);
  });
});
