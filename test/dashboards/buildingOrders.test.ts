import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DemandResponseOrder, ModeOrder } from "#dashboards/server/orders";
import { IsothermError } from "#domain/errors";
import { createClosures } from "#loop/closures";
import { buildOffice, type Office } from "../fixtures/officeStore.js";
import { Client, passwords, quickScrypt, threePeople } from "./client.js";
import { inMemoryPeople, type RunningDashboard, serve } from "./server.js";

describe("orders for the whole building", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  const modes: ModeOrder[] = [];
  const events: DemandResponseOrder[] = [];
  const closures = createClosures(["space1", "space2"]);
  beforeAll(async () => {
    office = await buildOffice();
    dashboard = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
      orders: {
        setMode: async (order) => {
          if (order.zone === "nowhere") throw new IsothermError("configuration", "There is no zone nowhere.", { todo: "Choose another." });
          modes.push(order);
          return `mode ${order.mode}`;
        },
        announceDemandResponse: async (order) => {
          events.push(order);
          return "announced";
        },
        endDemandResponse: async () => {
          if (events.length === 0) throw new IsothermError("configuration", "There is no event.");
          events.length = 0;
          return "over";
        },
        closeDays: async (order) => (closures.add(order, "2026-01-15") ? "closed" : "closed already"),
        openDays: async ({ id }) => (closures.remove(id) === null ? null : "open"),
      },
    });
  });
  afterAll(() => dashboard.close());
  const client = async (name: keyof typeof passwords): Promise<Client> => {
    const one = new Client(dashboard.port);
    await one.logIn(name, passwords[name]);
    return one;
  };

  it("an operator sets the building's mode and a zone's own, by name and with a reason, and it is written down", async () => {
    const bob = await client("bob");
    expect(await bob.json("POST", "/mode", { mode: "auto", reason: "proved itself" })).toEqual({ text: "mode auto" });
    expect(await bob.json("POST", "/zones/space1/mode", { mode: "building" })).toEqual({ text: "mode building" });
    expect(modes).toEqual([
      { zone: null, mode: "auto", by: "bob", reason: "proved itself" },
      { zone: "space1", mode: "building", by: "bob", reason: "" },
    ]);
    const ada = await client("ada");
    const { entries } = (await ada.json("GET", "/audit")) as {
      entries: { name: string; action: string; target: string; detail: string; outcome: string }[];
    };
    expect(entries.filter(({ action }) => action === "mode.set").map(({ target, detail }) => [target, detail])).toEqual([
      ["space1", "building"],
      ["building", "auto: proved itself"],
    ]);
  });

  it("an event names a limit, a price or both; it may begin later, and ends on order", async () => {
    const bob = await client("bob");
    const id = randomUUID();
    expect(await bob.status("DELETE", "/demand-response")).toBe(409);
    expect(await bob.json("POST", "/demand-response", { id, minutes: 120, limitKw: 8, startsInMinutes: 30, reason: "peak" })).toEqual({
      text: "announced",
    });
    expect(events).toEqual([{ id, startsInMinutes: 30, minutes: 120, limitKw: 8, pricePerKwh: null, by: "bob", reason: "peak" }]);
    expect(await bob.json("DELETE", "/demand-response")).toEqual({ text: "over" });
  });

  it("closes days for a zone or all, once however often it is sent, and opens them again, both written down", async () => {
    const bob = await client("bob");
    const id = randomUUID();
    const days = { id, first: "2026-02-02", last: "2026-02-06", zones: ["space2"], reason: "painters" };
    expect(await bob.json("POST", "/schedule/closures", days)).toEqual({ text: "closed" });
    expect(await bob.json("POST", "/schedule/closures", days)).toEqual({ text: "closed already" });
    expect(closures.all()).toEqual([{ ...days, by: "bob" }]);
    // Over already, unknown zone: refused by who keeps them.
    expect(await bob.status("POST", "/schedule/closures", { ...days, id: randomUUID(), first: "2026-01-01", last: "2026-01-02" })).toBe(
      409,
    );
    expect(await bob.status("POST", "/schedule/closures", { ...days, id: randomUUID(), zones: ["attic"] })).toBe(409);
    expect(await bob.json("DELETE", `/schedule/closures/${id}`)).toEqual({ text: "open" });
    expect(await bob.status("DELETE", `/schedule/closures/${id}`)).toBe(404);
    expect(closures.all()).toEqual([]);
    const ada = await client("ada");
    const { entries } = (await ada.json("GET", "/audit")) as { entries: { action: string; detail: string; outcome: string }[] };
    expect(entries.filter(({ action }) => action === "schedule.close").at(-1)).toMatchObject({
      detail: "2026-02-02 to 2026-02-06, space2: painters",
      outcome: "done",
    });
  });

  it("viewers may not, nonsense is refused, and nothing is carried out", async () => {
    const before = modes.length;
    const eve = await client("eve");
    const bob = await client("bob");
    const id = randomUUID();
    const minutes = 60;
    for (const [path, body] of [
      ["/mode", { mode: "auto" }],
      ["/zones/space1/mode", { mode: "off" }],
      ["/demand-response", { id, minutes, limitKw: 1 }],
      ["/schedule/closures", { id, first: "2026-02-02", last: "2026-02-02" }],
    ] as const)
      expect([path, await eve.status("POST", path, body)]).toEqual([path, 403]);
    expect(await eve.status("DELETE", "/demand-response")).toBe(403);
    expect(await eve.status("DELETE", `/schedule/closures/${id}`)).toBe(403);
    for (const [path, body] of [
      ["/mode", { mode: "building" }],
      ["/mode", {}],
      ["/mode", { mode: "auto", zone: "space1" }],
      ["/zones/space1/mode", { mode: "fast" }],
      ["/demand-response", { id, minutes }],
      ["/demand-response", { id, limitKw: 1 }],
      ["/demand-response", { id, minutes, limitKw: -1 }],
      ["/demand-response", { id, minutes: 0, limitKw: 1 }],
      ["/demand-response", { id: "1", minutes, limitKw: 1 }],
      ["/demand-response", { id, minutes, pricePerKwh: 1e9 }],
      ["/schedule/closures", { id, first: "2026-02-30", last: "2026-03-01" }],
      ["/schedule/closures", { id, first: "2026-02-03", last: "2026-02-02" }],
      ["/schedule/closures", { id, first: "2026-02-02" }],
      ["/schedule/closures", { id, first: "2026-02-02", last: "2026-02-02", zones: [] }],
    ] as const)
      expect([path, body, await bob.status("POST", path, body)]).toEqual([path, body, 400]);
    expect(await bob.status("POST", "/zones/nowhere/mode", { mode: "off" })).toBe(409);
    expect(modes).toHaveLength(before);
    expect(events).toEqual([]);
    expect(closures.all()).toEqual([]);
  });
});
