import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DecisionSummary, LiveEvents } from "#dashboards/server/wire";
import { buildOffice, type Office } from "../fixtures/officeStore.js";
import { ask, listenToEvents, type RunningDashboard, serve } from "./server.js";

describe("live channel", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  beforeEach(async () => {
    office = await buildOffice({ days: 0.25 });
    dashboard = await serve(office);
  });
  afterEach(() => dashboard.close());

  it("begins with the status and repeats it as a heartbeat", async () => {
    const client = await listenToEvents(dashboard);
    expect(client.response.headers.get("content-type")).toContain("text/event-stream");
    const first = await client.until((event) => event.name === "status");
    await client.until((event) => event.name === "status", client.events.indexOf(first) + 2);
    expect(first.data).toMatchObject({ phase: "controlling", nowMs: office.nowMs });
    await client.close();
  });

  it("brings measurements, the decision and alarms as they are stored", async () => {
    const client = await listenToEvents(dashboard);
    await client.until((event) => event.name === "status");
    const decision = await office.advance();
    await office.store.putAlarm({
      id: "test:1",
      level: "critical",
      zone: null,
      text: "t",
      action: "a",
      sinceMs: office.nowMs,
      clearedMs: null,
    });
    const told = await client.until((event) => event.name === "decision");
    expect(told.data).toMatchObject({ id: decision.id, source: decision.source, reason: decision.plan.reason, command: decision.command });
    expect(told.data as object).not.toHaveProperty("plan");
    const telemetry = (await client.until((event) => event.name === "telemetry")).data as LiveEvents["telemetry"];
    expect(telemetry.points).toContainEqual({
      timeMs: office.nowMs,
      point: "space1.zoneAirTempC",
      value: decision.observation.values["space1.zoneAirTempC"],
    });
    expect((await client.until((event) => event.name === "alarm")).data).toMatchObject({ id: "test:1" });
    await client.close();
  });

  it("sends a client that comes back exactly what it missed, in order", async () => {
    const first = await listenToEvents(dashboard);
    await first.until((event) => event.name === "status");
    await office.advance();
    const seen = await first.until((event) => event.name === "decision");
    await first.until((event) => event.name === "telemetry");
    await first.close();
    const lastId = first.events.at(-1)!.id;
    expect(Number(lastId.split("-")[1])).toBeGreaterThanOrEqual(Number(seen.id.split("-")[1]));
    const missed = [await office.advance(), await office.advance(), await office.advance()].map((decision) => decision.id);
    const again = await listenToEvents(dashboard, lastId);
    await again.until((event) => event.name === "decision" && (event.data as DecisionSummary).id === missed[2]);
    expect(again.events.filter((event) => event.name === "decision").map((event) => (event.data as DecisionSummary).id)).toEqual(missed);
    const numbers = again.events.map((event) => Number(event.id.split("-")[1]));
    expect([...numbers].sort((a, b) => a - b)).toEqual(numbers);
    await again.close();
  });

  it.each(["000000000000-1", "nonsense", "-1", "000000000000-999999999999999"])(
    "tells a client with the unknown id %s to load everything anew",
    async (id) => {
      const client = await listenToEvents(dashboard, id);
      await client.until((event) => event.name === "reset");
      await client.close();
    },
  );

  it.each([
    { what: "many small events", count: 2100, characters: 1, isHeld: false },
    { what: "few large events", count: 110, characters: 10_000, isHeld: false },
    { what: "fewer large events", count: 80, characters: 10_000, isHeld: true },
  ])("holds what was missed up to a bound in number and size: $what", async ({ count, characters, isHeld }) => {
    const client = await listenToEvents(dashboard);
    await client.until((event) => event.name === "status");
    await office.advance();
    const { id } = await client.until((event) => event.name === "decision");
    await client.close();
    for (let i = 0; i < count; i++) {
      await office.store.putAlarm({
        id: `flood:${i}`,
        level: "info",
        zone: null,
        text: "t".repeat(characters),
        action: "a",
        sinceMs: office.nowMs,
        clearedMs: null,
      });
    }
    const again = await listenToEvents(dashboard, id);
    await again.until((event) => event.name === "status");
    expect(again.events.filter((event) => event.name === "reset")).toHaveLength(isHeld ? 0 : 1);
    expect(again.events.filter((event) => event.name === "alarm")).toHaveLength(isHeld ? count : 0);
    await again.close();
  });

  it("gathers a flood of measurements into few events that hold the newest value of each point", async () => {
    const client = await listenToEvents(dashboard);
    await client.until((event) => event.name === "status");
    const lastMs = office.nowMs + 500;
    for (let i = 1; i <= 500; i++)
      await office.store.append([{ timeMs: office.nowMs + i, point: "space1.zoneAirTempC", value: 20 + i / 1000 }]);
    await client.until(
      (event) =>
        event.name === "telemetry" &&
        (event.data as LiveEvents["telemetry"]).points.some((point) => point.timeMs === lastMs && point.value === 20.5),
    );
    expect(client.events.filter((event) => event.name === "telemetry").length).toBeLessThan(50);
    await client.close();
  });

  it("ends when the dashboard closes, and answers HEAD without opening a channel", async () => {
    expect((await ask(dashboard.port, "/api/v1/events", { method: "HEAD" })).status).toBe(200);
    const other = await serve(office);
    const client = await listenToEvents(other);
    await client.until((event) => event.name === "status");
    await other.close();
    await client.close();
    expect(client.response.status).toBe(200);
  });
});
