import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStoreHealth } from "#dashboards/server/health";
import type { HealthView } from "#dashboards/server/wire";
import { buildOffice, type Office } from "../fixtures/officeStore.js";
import { threePeople } from "./client.js";
import { ask, inMemoryPeople, type RunningDashboard, serve } from "./server.js";

describe("the store's health", () => {
  it("is found out by writing, once in ten seconds whoever asks, and one write at a time", async () => {
    let nowMs = 0;
    let writes = 0;
    let finish: (() => void)[] = [];
    const errors: unknown[] = [];
    const health = createStoreHealth({
      probe: () => {
        writes++;
        return new Promise((resolve) => finish.push(resolve));
      },
      onError: (error) => errors.push(error),
      monotonicMs: () => nowMs,
    });
    const asked = [health(), health()];
    for (const resolve of finish) resolve();
    expect([await Promise.all(asked), writes]).toEqual([["ok", "ok"], 1]);
    nowMs = 9_999;
    await health();
    expect(writes).toBe(1);
    nowMs = 10_000;
    finish = [];
    const next = health();
    for (const resolve of finish) resolve();
    expect([await next, writes, errors]).toEqual(["ok", 2, []]);
  });
  it("is failing while a write fails or does not end, and ok again after one that works", async () => {
    let nowMs = 0;
    const outcomes: (() => Promise<void>)[] = [
      () => Promise.reject(new Error("no space left")),
      () => new Promise(() => undefined),
      async () => undefined,
    ];
    const errors: string[] = [];
    const health = createStoreHealth({
      probe: () => outcomes.shift()!(),
      onError: (error) => errors.push((error as Error).message),
      monotonicMs: () => nowMs,
      longestMs: 20,
    });
    const answers: string[] = [];
    for (let i = 0; i < 3; i++, nowMs += 10_000) answers.push(await health());
    expect(answers).toEqual(["failing", "failing", "ok"]);
    expect(errors).toEqual(["no space left", "the store did not take a write in time"]);
  });
});

describe("/healthz and /metrics", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  let isLate = false;
  beforeAll(async () => {
    office = await buildOffice();
    dashboard = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store },
      health: { probe: async () => undefined, isLate: () => isLate },
      metrics: async () => ({ contentType: "text/plain; version=0.0.4; charset=utf-8", text: "isotherm_control_late 0\n" }),
    });
  });
  afterAll(() => dashboard.close());

  it("tell of a control loop that does not tick", async () => {
    const health = async () => {
      const { status, body } = await ask(dashboard.port, "/healthz");
      return [status, (JSON.parse(body) as HealthView).status, (JSON.parse(body) as HealthView).control];
    };
    expect(await health()).toEqual([200, "ok", "ok"]);
    isLate = true;
    expect(await health()).toEqual([503, "failing", "late"]);
  });
  it("give figures to whoever may look, and to nobody else", async () => {
    const local = await ask(dashboard.port, "/metrics");
    expect([local.status, local.headers["content-type"], local.body]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
      "isotherm_control_late 0\n",
    ]);
    expect((await ask(dashboard.port, "/metrics", { headers: { "X-Forwarded-For": "192.0.2.1" } })).status).toBe(401);
    expect((await ask(dashboard.port, "/metrics", { headers: { Authorization: "Bearer nonsense" } })).status).toBe(401);
    expect((await ask(dashboard.port, "/metrics", { method: "POST" })).status).toBe(405);
  });
});
