import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRateFeed, type RateFeedOptions } from "#adapters/rates/rateFeed";
import { createRateFile } from "#adapters/rates/rateFile";
import { rateReader } from "#adapters/rates/rateSource";
import { rateAt } from "#math/rateSeries";
import { priceNames } from "#math/rateText";
import { rateUnit } from "#math/rateUnit";

const HOUR_MS = 3_600_000;
const startMs = Date.parse("2026-03-10T00:00:00Z");
const read = rateReader(
  {
    rows: null,
    time: null,
    value: null,
    valueNames: priceNames,
    factor: null,
    scale: 1,
    add: 0,
    unitFactor: (unit) => rateUnit(unit, "price")?.factor ?? null,
    toLocalMs: (timeMs) => timeMs,
  },
  { usual: 0.12, mayBeNegative: true },
);
const day = (value: number, fromMs = startMs): string =>
  JSON.stringify(Array.from({ length: 24 }, (_, i) => [fromMs + i * HOUR_MS, value]));

let folder: string;
let server: Server;
let base: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: IncomingMessage[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "isotherm-rates-"));
  asked = [];
  answer = (_request, response) => response.end(day(0.2));
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

/** A feed on a wall clock that the test moves. */
const feedAt = (clock: { wallMs: number }, change: Partial<RateFeedOptions> = {}) =>
  createRateFeed({
    url: () => `${base}/prices`,
    name: "prices.example",
    headers: { "x-api-key": "feed-secret" },
    holdsKey: true,
    fingerprint: "one",
    memoryFile: join(folder, "prices.json"),
    read,
    refreshMs: HOUR_MS,
    timeoutMs: 5_000,
    requestsPerDay: 5,
    siteNowMs: () => clock.wallMs,
    onError: (error) => {
      throw error;
    },
    signal: new AbortController().signal,
    wallMs: () => clock.wallMs,
    random: () => 0,
    ...change,
  });

describe("a feed of prices", () => {
  it("asks once an interval, with its key, and keeps what it read with its time across restarts", async () => {
    const clock = { wallMs: startMs };
    const feed = await feedAt(clock);
    await Promise.all([feed.refresh(), feed.refresh()]);
    expect(asked).toHaveLength(1);
    expect(asked[0]!.headers).toMatchObject({ "x-api-key": "feed-secret", "user-agent": "isotherm" });
    expect(rateAt(feed.series, startMs)).toBe(0.2);
    expect(feed).toMatchObject({ trouble: null, readMs: startMs });
    clock.wallMs += HOUR_MS - 1;
    await feed.refresh();
    const again = await feedAt(clock);
    await again.refresh();
    expect(asked).toHaveLength(1);
    expect(rateAt(again.series, startMs + HOUR_MS)).toBe(0.2);
    expect(again.readMs).toBe(startMs);
    clock.wallMs += 1;
    await again.refresh();
    expect(asked).toHaveLength(2);
    expect(readFileSync(join(folder, "prices.json"), "utf8")).not.toContain("feed-secret");
  });
  it("asks for changes only, and goes on with what it has where there are none", async () => {
    const clock = { wallMs: startMs };
    answer = (request, response) => {
      if (request.headers["if-none-match"] === '"v1"') response.writeHead(304).end();
      else response.setHeader("etag", '"v1"').end(day(0.3));
    };
    const feed = await feedAt(clock);
    await feed.refresh();
    clock.wallMs += HOUR_MS;
    await feed.refresh();
    expect(asked[1]!.headers["if-none-match"]).toBe('"v1"');
    expect(rateAt(feed.series, startMs)).toBe(0.3);
    expect(feed).toMatchObject({ trouble: null, readMs: startMs + HOUR_MS });
  });
  it("keeps the days before when an answer holds only the next one, and forgets what is older than ten days", async () => {
    const clock = { wallMs: startMs };
    const feed = await feedAt(clock);
    await feed.refresh();
    clock.wallMs += 24 * HOUR_MS;
    answer = (_request, response) => response.end(day(0.4, startMs + 24 * HOUR_MS));
    await feed.refresh();
    expect([rateAt(feed.series, startMs + HOUR_MS), rateAt(feed.series, startMs + 25 * HOUR_MS)]).toEqual([0.2, 0.4]);
    clock.wallMs += 10 * 24 * HOUR_MS;
    await feed.refresh();
    expect(rateAt(feed.series, startMs + HOUR_MS)).toBeNaN();
    expect(rateAt(feed.series, startMs + 40 * HOUR_MS)).toBe(0.4);
  });
  it("waits longer after every failure, and as long as the server asks", async () => {
    const clock = { wallMs: startMs };
    answer = (_request, response) => response.writeHead(500).end("no");
    const feed = await feedAt(clock, { requestsPerDay: 1000 });
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      await feed.refresh();
      const before = asked.length;
      let minutes = 0;
      while (asked.length === before) {
        clock.wallMs += 60_000;
        minutes++;
        await feed.refresh();
      }
      waits.push(minutes);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(feed.trouble).toBe("it answers 500");
    answer = (_request, response) => response.writeHead(429, { "retry-after": "7200" }).end();
    clock.wallMs += HOUR_MS;
    await feed.refresh();
    const before = asked.length;
    clock.wallMs += 2 * HOUR_MS - 1000;
    await feed.refresh();
    expect(asked).toHaveLength(before);
    clock.wallMs += 1000;
    answer = (_request, response) => response.end(day(0.2));
    await feed.refresh();
    expect(asked).toHaveLength(before + 1);
    expect(feed.trouble).toBeNull();
  });
  it("counts requests of a UTC day across restarts, and goes on the next day", async () => {
    const clock = { wallMs: startMs };
    for (let i = 0; i < 8; i++) {
      await (await feedAt(clock)).refresh();
      clock.wallMs += HOUR_MS;
    }
    expect(asked).toHaveLength(5);
    const feed = await feedAt(clock);
    await feed.refresh();
    expect(feed.trouble).toBe("the day's 5 requests are spent");
    expect(rateAt(feed.series, startMs)).toBe(0.2);
    clock.wallMs = startMs + 24 * HOUR_MS;
    await feed.refresh();
    expect(asked).toHaveLength(6);
  });
  it("sends its key nowhere else", async () => {
    let elsewhere = 0;
    const other = createServer((_request, response) => {
      elsewhere++;
      response.end(day(0.1));
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    answer = (_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/` }).end();
    const feed = await feedAt({ wallMs: startMs });
    await feed.refresh();
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
    expect(elsewhere).toBe(0);
    expect(feed.trouble).toMatch(/cannot be reached/);
    expect(feed.trouble).not.toContain("feed-secret");
  });
  it.each([
    ["a page", () => "<html>maintenance</html>", /no column for the time/],
    ["prices per MWh", () => day(85), /its unit is another/],
    ["nothing", () => "[]", /no rows/],
    ["gaps only", () => `[[${startMs},null]]`, /no usable row/],
  ])("refuses %s and keeps what was good", async (_what, body, message) => {
    const clock = { wallMs: startMs };
    const feed = await feedAt(clock);
    await feed.refresh();
    clock.wallMs += HOUR_MS;
    answer = (_request, response) => response.end(body());
    await feed.refresh();
    expect(feed.trouble).toMatch(message);
    expect(rateAt(feed.series, startMs)).toBe(0.2);
    expect(feed.readMs).toBe(startMs);
  });
  it("gives up a request that is not answered, one that never ends, and says when the key may be wrong", async () => {
    const clock = { wallMs: startMs };
    answer = () => undefined;
    const feed = await feedAt(clock, { timeoutMs: 100 });
    await feed.refresh();
    expect(feed.trouble).toBe("no answer within 0.1 s");
    const block = "x".repeat(1 << 20);
    answer = (_request, response) => {
      response.on("drain", () => response.write(block));
      response.write(block);
    };
    clock.wallMs += HOUR_MS;
    const endless = await feedAt(clock);
    await endless.refresh();
    expect(endless.trouble).toMatch(/longer than 8388608 bytes/);
    answer = (_request, response) => response.writeHead(403).end();
    clock.wallMs += HOUR_MS;
    await feed.refresh();
    expect(feed.trouble).toBe("it answers 403, the key may be wrong");
  });
  it("starts anew from a damaged memory, or from that of another address", async () => {
    const clock = { wallMs: startMs };
    await (await feedAt(clock)).refresh();
    expect((await feedAt(clock, { fingerprint: "two" })).series.value).toHaveLength(0);
    writeFileSync(join(folder, "prices.json"), '{"rows":[[1,');
    const feed = await feedAt(clock);
    expect(feed.series.value).toHaveLength(0);
    await feed.refresh();
    expect(rateAt(feed.series, startMs)).toBe(0.2);
  });
});

describe("a file of prices", () => {
  it("is read again when it changes, and what was good stays while it is damaged or gone", async () => {
    const file = join(folder, "prices.csv");
    const source = createRateFile(file, read, () => startMs);
    await source.refresh();
    expect(source).toMatchObject({ name: "prices.csv", trouble: "it does not exist", readMs: null });
    writeFileSync(file, "time,price\n2026-03-10T00:00Z,0.1\n2026-03-10T01:00Z,0.2\n");
    await source.refresh();
    expect(source).toMatchObject({ trouble: null, readMs: startMs });
    const now = source.series;
    await source.refresh();
    expect(source.series).toBe(now);
    writeFileSync(file, "time,price\n2026-03-10T00:00Z,0.1\n2026-03-10T01:00Z,0.3\n2026-03-10T02:00Z,0.4\n");
    await source.refresh();
    expect(rateAt(source.series, startMs + HOUR_MS)).toBe(0.3);
    writeFileSync(file, "time,pri");
    await source.refresh();
    expect(source.trouble).toMatch(/no column for the value/);
    rmSync(file);
    await source.refresh();
    expect(source.trouble).toBe("it does not exist");
    expect(rateAt(source.series, startMs + HOUR_MS)).toBe(0.3);
  });
});
