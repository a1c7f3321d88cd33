import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ComfortView, ModelLiveView, SavingsView, ScheduleView, WhatIfQuestion, WhatIfView } from "#dashboards/server/wire";
import { IsothermError } from "#domain/errors";
import type { AdjustmentStore, SavingsAdjustment } from "#domain/savings";
import { buildOffice, type Office } from "../fixtures/officeStore.js";
import { officeSchedule, officeWhatIf } from "../fixtures/officeViews.js";
import { Client, passwords, quickScrypt, threePeople } from "./client.js";
import { getBody, inMemoryPeople, type RunningDashboard, serve } from "./server.js";

const inMemoryAdjustments = (): AdjustmentStore => {
  let kept: readonly SavingsAdjustment[] = [];
  return {
    load: async () => kept,
    save: async (next) => {
      kept = next;
    },
  };
};

describe("the views about model, savings, schedule and what if", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  let carriedOut: string[];
  const questions: WhatIfQuestion[] = [];
  beforeAll(async () => {
    office = await buildOffice();
    carriedOut = [];
    dashboard = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
      learning: { trainingDays: 7, minDays: 3 },
      schedule: () => officeSchedule(office),
      adjustments: inMemoryAdjustments(),
      orders: {
        overrideZone: async ({ id, zone, setpoints }) => {
          if (zone === "space5") throw new IsothermError("configuration", "That zone cannot be set.", { todo: "Choose another." });
          carriedOut.push(`${id} ${zone} ${JSON.stringify(setpoints)}`);
          return "set";
        },
        releaseZone: async () => "released",
        whatIf: async (question) => {
          questions.push(question);
          await new Promise((resolve) => setTimeout(resolve, 30));
          return officeWhatIf(office, question);
        },
      },
    });
  });
  afterAll(() => dashboard.close());
  const client = async (name: keyof typeof passwords): Promise<Client> => {
    const one = new Client(dashboard.port);
    await one.logIn(name, passwords[name]);
    return one;
  };

  it("residuals are measured − predicted of the stored points, by zone and local hour", async () => {
    const view = await getBody<ModelLiveView>(dashboard, "/api/v1/models/live");
    const zone = view.zones.find(({ zone: id }) => id === "space1")!;
    let sum = 0;
    let count = 0;
    let before = null as { readonly meanC: number; readonly endMs: number } | null;
    for await (const { observation, plan } of office.store.decisions(0, office.nowMs + 1)) {
      if (before?.endMs === observation.timeMs) {
        sum += observation.values["space1.zoneAirTempC"]! - before.meanC;
        count += 1;
      }
      before = { meanC: plan.chosen.zones.space1!.meanC[0]!, endMs: plan.stepEndMs[0]! };
    }
    expect(count).toBeGreaterThan(150);
    expect(zone.samples).toBe(count);
    expect(zone.biasK).toBeCloseTo(sum / count, 10);
    expect(zone.hours.map(({ hour }) => hour)).toEqual(Array.from({ length: 24 }, (_, hour) => hour));
    expect(zone.hours.reduce((total, { samples }) => total + samples, 0)).toBe(count);
    expect(view.zones.find(({ zone: id }) => id === "space4")!.coverage.at(-1)).toEqual({ timeMs: office.nowMs, fraction: 0.71 });
  });

  it("says of each day how much of it learning can use, and what is missing", async () => {
    const { days, completeDays, learning } = await getBody<ModelLiveView>(dashboard, "/api/v1/models/live");
    expect(learning).toEqual({ trainingDays: 7, minDays: 3 });
    const whole = days.filter(({ completeFraction }) => completeFraction === 1);
    expect(whole.length).toBeGreaterThanOrEqual(2);
    expect(days[0]).toMatchObject({ completeFraction: 0 });
    expect(days[0]!.missing).toContain("space1.zoneAirTempC");
    expect(completeDays).toBeGreaterThan(2.9);
    expect(completeDays).toBeLessThan(3.1);
  });

  it("an order sent twice under one id is carried out once; another id is another order", async () => {
    const bob = await client("bob");
    const id = randomUUID();
    const body = { id, heatingSetpointC: 21.5, minutes: 60, reason: "visitors" };
    const [first, second] = await Promise.all([
      bob.json("POST", "/zones/space1/override", body),
      bob.json("POST", "/zones/space1/override", body),
    ]);
    expect(first).toEqual({ text: "set" });
    expect(second).toEqual(first);
    expect(carriedOut).toEqual([`${id} space1 {"heatingSetpointC":21.5}`]);
    await bob.json("POST", "/zones/space1/override", { id: randomUUID(), hold: true, untilNextEntry: true });
    expect(carriedOut.at(-1)).toContain('"hold"');
  });

  it("an order that makes no sense or is not possible is refused, and changes nothing", async () => {
    const bob = await client("bob");
    const before = carriedOut.length;
    const minutes = 60;
    const refused: readonly unknown[] = [
      { id: "1", heatingSetpointC: 21, minutes },
      { id: randomUUID(), minutes },
      { id: randomUUID(), heatingSetpointC: 21 },
      { id: randomUUID(), heatingSetpointC: 21, minutes, untilNextEntry: true },
      { id: randomUUID(), heatingSetpointC: 21, hold: true, minutes },
      { id: randomUUID(), heatingSetpointC: 210, minutes },
      { id: randomUUID(), heatingSetpointC: 21, minutes, zone: "space2" },
    ];
    for (const body of refused) expect([body, await bob.status("POST", "/zones/space1/override", body)]).toEqual([body, 400]);
    expect(await bob.status("POST", "/zones/space5/override", { id: randomUUID(), heatingSetpointC: 21, minutes })).toBe(409);
    expect(carriedOut).toHaveLength(before);
  });

  it("roles: viewers order nothing and ask nothing, operators adjust no savings", async () => {
    const [eve, bob, ada] = [await client("eve"), await client("bob"), await client("ada")];
    const order = { id: randomUUID(), heatingSetpointC: 21, minutes: 5 };
    const adjustment = { first: "2026-01-13", last: "2026-01-14", kwhPerDay: 3, reason: "longer hours" };
    expect(await eve.status("POST", "/zones/space1/override", order)).toBe(403);
    expect(await eve.status("DELETE", "/zones/space1/override")).toBe(403);
    expect(await eve.status("POST", "/what-if", {})).toBe(403);
    expect(await bob.status("POST", "/savings/adjustments", adjustment)).toBe(403);
    expect(await bob.status("DELETE", "/zones/space1/override")).toBe(200);
    expect(await ada.status("POST", "/savings/adjustments", { ...adjustment, first: "2026-02-30" })).toBe(400);
    const made = await ada.json<SavingsAdjustment>("POST", "/savings/adjustments", adjustment);
    expect(made).toMatchObject({ ...adjustment, by: "ada", withdrawn: null });
    const withdrawn = await ada.json<SavingsAdjustment>("DELETE", `/savings/adjustments/${made.id}`);
    expect(withdrawn.withdrawn?.by).toBe("ada");
    const { adjustments } = await getBody<SavingsView>(dashboard, "/api/v1/savings?method=rule");
    expect(adjustments).toEqual([withdrawn]);
    expect(await ada.status("DELETE", `/savings/adjustments/${randomUUID()}`)).toBe(404);
  });

  it("one question at a time: another one meanwhile is told so", async () => {
    const bob = await client("bob");
    const first = bob.json<WhatIfView>("POST", "/what-if", { priceFactor: 2 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    const asked = await bob.status("POST", "/what-if", {});
    expect((await first).question).toEqual({ lowerShiftK: 0, upperShiftK: 0, priceFactor: 2, occupancy: "scheduled", horizonSteps: null });
    expect([409, 200]).toContain(asked);
    expect(await bob.status("POST", "/what-if", { lowerShiftK: 9 })).toBe(400);
  });

  it("savings against the rule come from the stored decisions, those against the time before say that it was too short", async () => {
    const rule = await getBody<SavingsView>(dashboard, "/api/v1/savings?method=rule");
    expect(rule.total!.days).toBe(1);
    expect(rule.total!.savedKwh).toBeCloseTo(rule.total!.baselineKwh - rule.total!.actualKwh, 9);
    expect((await getBody<SavingsView>(dashboard, "/api/v1/savings")).missing).toBe("short-baseline");
  });

  it("the schedule is what the site says", async () => {
    expect(await getBody<ScheduleView>(dashboard, "/api/v1/schedule")).toEqual(officeSchedule(office));
  });

  it("comfort shows when people set a zone by hand, stretches as one", async () => {
    const own = await buildOffice({ days: 1 });
    const by = (minutes: number, zone: string) => ({
      ...own.latest,
      id: `9-${minutes}`,
      seq: minutes,
      timeMs: own.nowMs + minutes * 60_000,
      zoneSources: { [zone]: "override" as const },
    });
    for (const minutes of [15, 30, 45]) {
      const one = by(minutes, "space2");
      await own.store.appendDecision({ ...one, plan: { ...one.plan, stepEndMs: [one.timeMs + 900_000] } });
    }
    own.nowMs += 3_600_000;
    const beside = await serve(own);
    const { overrides } = await getBody<ComfortView>(beside, "/api/v1/comfort");
    await beside.close();
    expect(overrides).toEqual([{ zone: "space2", fromMs: own.nowMs - 45 * 60_000, toMs: own.nowMs, setpoints: own.latest.command.space2 }]);
  });
});
