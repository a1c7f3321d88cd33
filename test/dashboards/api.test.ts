import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  Alarm,
  ComfortView,
  Decision,
  DecisionListView,
  EnergyView,
  HealthView,
  ModelsView,
  OverviewView,
  Problem,
  SeriesView,
  SiteInfo,
  StatusView,
  ZoneView,
} from "#dashboards/server/wire";
import {
  buildOffice,
  horizonSteps,
  type Office,
  officeCarbonKgPerKwh,
  officeDemandCharge,
  officeNowMs,
  officePricePerKwh,
  officeSite,
} from "../fixtures/officeStore.js";
import { ask, getBody, type RunningDashboard, serve } from "./server.js";

const stepMs = 900_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Local midnight in Berlin before the office's now. */
const midnightMs = Date.UTC(2026, 0, 14, 23);

const allNumbers = (value: unknown, path = "$"): string[] => {
  if (typeof value === "number") return Number.isFinite(value) ? [] : [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => allNumbers(inner, `${path}.${key}`));
};

describe("dashboard API", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  beforeAll(async () => {
    office = await buildOffice();
    dashboard = await serve(office);
  });
  afterAll(() => dashboard.close());

  it("tells the site and the daemon's status with the newest data's time", async () => {
    expect(await getBody<SiteInfo>(dashboard, "/api/v1/site")).toEqual(officeSite);
    const status = await getBody<StatusView>(dashboard, "/api/v1/status");
    expect(status).toMatchObject({ phase: "controlling", mode: "auto", nowMs: officeNowMs, newestDataMs: officeNowMs });
  });

  it("marks the reading of a zone that has been silent for too long, says nothing of its comfort, and leaves the others alone", async () => {
    const silentSinceMs = officeNowMs - 20 * 60_000;
    const troubled = await serve(office, { status: () => ({ ...office.status, silentZones: { space2: silentSinceMs } }) });
    try {
      const { zones } = await getBody<OverviewView>(troubled, "/api/v1/overview");
      expect(zones.map(({ id, isOld, state }) => [id, isOld, state])).toEqual(
        officeSite.zones.map(({ id }) => [id, id === "space2", id === "space2" ? "unknown" : "in-band"]),
      );
      expect((await getBody<StatusView>(troubled, "/api/v1/status")).silentZones).toEqual({ space2: silentSinceMs });
    } finally {
      await troubled.close();
    }
  });

  it("tells the versions of the model where somebody knows them, and says so where nobody does", async () => {
    const nobody = await ask(dashboard.port, "/api/v1/models");
    expect(nobody.status).toBe(404);
    expect(JSON.parse(nobody.body)).toMatchObject({ error: expect.stringMatching(/no models/) });
    const view: ModelsView = {
      inForce: "m2",
      rollbackTo: "m1",
      versions: [{ version: "m2", createdMs: 1, state: "in-force", inForceSinceMs: 2, reason: "better", summary: { heldOutRmse20K: 0.2 } }],
      changes: [{ timeMs: 2, kind: "installed", version: "m2", before: "m1", by: "learning", reason: "better" }],
      accuracy: [{ zone: "space1", samples: 60, coverage90Fraction: 0.9, rmseK: Number.NaN, heldOutRmseK: 0.2 }],
    };
    const knowing = await serve(office, { models: async () => view });
    try {
      const shown = await getBody<ModelsView>(knowing, "/api/v1/models");
      expect(shown).toEqual({ ...view, accuracy: [{ ...view.accuracy[0], rmseK: null }] });
      expect((await ask(knowing.port, "/api/v1/models?all=1")).status).toBe(400);
    } finally {
      await knowing.close();
    }
  });

  it("shows every zone's temperature, band, setpoints and who set them", async () => {
    const view = await getBody<OverviewView>(dashboard, "/api/v1/overview");
    expect(view.zones.map((zone) => zone.id)).toEqual(officeSite.zones.map((zone) => zone.id));
    for (const zone of view.zones) {
      expect(zone.zoneAirTempC).toBe(office.latest.observation.values[`${zone.id}.zoneAirTempC`]);
      expect(zone.heatingSetpointC).toBe(office.latest.command[zone.id]!.heatingSetpointC);
      expect(zone.band).toEqual({ lowerC: 20, upperC: 23.5, occupied: true });
      expect(zone).toMatchObject({
        source: "mppi",
        state: "in-band",
        untilMs: office.latest.validUntilMs,
        reason: office.latest.plan.reason,
      });
    }
    expect(view.alarmCounts).toEqual({ info: 0, warning: 1, critical: 0 });
    expect(view.today.fromMs).toBe(midnightMs);
    expect(view.recentDecisions[0]!.id).toBe(office.latest.id);
  });

  it("gives the stored plan of a zone number for number", async () => {
    const view = await getBody<ZoneView>(dashboard, "/api/v1/zones/space4?hours=6");
    const { plan } = office.latest;
    expect(view.plan).toMatchObject({
      decisionId: office.latest.id,
      stepEndMs: plan.stepEndMs,
      ...plan.chosen.zones.space4,
      ruleHeatingSetpointC: plan.rule!.zones.space4!.heatingSetpointC,
      ruleMeanC: plan.rule!.zones.space4!.meanC,
      powerW: plan.chosen.powerW,
      pricePerKwh: plan.pricePerKwh,
    });
    expect(view.plan!.meanC).toHaveLength(horizonSteps);
    expect(view.why).toMatchObject({
      reason: plan.reason,
      chosenCost: plan.chosen.cost,
      ruleCost: plan.rule!.cost,
      diagnostics: plan.diagnostics,
    });
    expect(view.measured).toHaveLength(25);
    expect(view.measured.at(-1)).toMatchObject({ timeMs: officeNowMs, mean: office.latest.observation.values["space4.zoneAirTempC"] });
    expect(view.history.at(-1)).toMatchObject({ stepEndMs: officeNowMs, lowerC: 20, upperC: 23.5, occupied: true });
  });

  it("finds decisions by id, the newest, and by time in pages that neither overlap nor leave out", async () => {
    expect(await getBody<Decision>(dashboard, "/api/v1/decisions/latest")).toEqual(office.latest);
    expect(await getBody<Decision>(dashboard, `/api/v1/decisions/${office.latest.id}`)).toEqual(office.latest);
    const fromMs = officeNowMs - 10 * stepMs;
    const ids: string[] = [];
    for (let from: number | null = fromMs; from !== null; ) {
      const page: DecisionListView = await getBody(dashboard, `/api/v1/decisions?from=${from}&to=${officeNowMs + 1}&limit=4`);
      expect(page.decisions.length).toBeLessThanOrEqual(4);
      ids.push(...page.decisions.map((decision) => decision.id));
      from = page.nextFromMs;
    }
    expect(ids).toHaveLength(11);
    expect(new Set(ids).size).toBe(11);
  });

  it("accepts times as ISO text and as milliseconds alike", async () => {
    const iso = await getBody<SeriesView>(
      dashboard,
      "/api/v1/series?points=space1.zoneAirTempC,building.hvacPowerW&from=2026-01-15T08:00:00Z&to=2026-01-15T11:00:00%2B01:00&buckets=8",
    );
    const ms = await getBody<SeriesView>(
      dashboard,
      `/api/v1/series?points=space1.zoneAirTempC,building.hvacPowerW&from=${Date.UTC(2026, 0, 15, 8)}&to=${Date.UTC(2026, 0, 15, 10)}&buckets=8`,
    );
    expect(iso).toEqual(ms);
    expect(iso.series["space1.zoneAirTempC"]).toHaveLength(8);
  });

  it("counts comfort as a literal evaluation of the stored decisions and measurements does", async () => {
    const view = await getBody<ComfortView>(dashboard, `/api/v1/comfort?from=${midnightMs}&to=${officeNowMs}`);
    let inBand = 0;
    let steps = 0;
    let discomfortKh = 0;
    const decisions: Decision[] = [];
    for await (const decision of office.store.decisions(midnightMs, officeNowMs)) decisions.push(decision);
    for (const decision of decisions) {
      for (const { id } of officeSite.zones) {
        const { lowerC, upperC, occupied } = decision.plan.comfort[id]!;
        if (!occupied[0]) continue;
        const endMs = decision.plan.stepEndMs[0]!;
        const reached = (await office.store.latest([`${id}.zoneAirTempC`], endMs)).get(`${id}.zoneAirTempC`)!;
        expect(reached.timeMs).toBe(endMs);
        const outside = Math.max(lowerC[0]! - reached.value, reached.value - upperC[0]!, 0);
        steps++;
        if (outside <= 0.1) inBand++;
        discomfortKh += outside / 4;
      }
    }
    expect(steps).toBe(5 * 24);
    expect(view.zones.reduce((total, zone) => total + zone.scoredSteps, 0)).toBe(steps);
    expect(view.inBandPct).toBeCloseTo((100 * inBand) / steps, 9);
    expect(view.inBandPct).toBeLessThan(100);
    expect(view.discomfortKh).toBeCloseTo(discomfortKh, 9);
    expect(view.hours.map((hour) => hour.hour)).toEqual([8, 9, 10, 11, 12, 13]);
    expect(view.days.map((day) => day.day)).toEqual(["2026-01-15"]);
  });

  it("sums energy and cost step by step at the price then in force", async () => {
    const fromMs = officeNowMs - 2 * hourMs;
    const view = await getBody<EnergyView>(dashboard, `/api/v1/energy?from=${fromMs}&to=${officeNowMs}`);
    let energyKwh = 0;
    let cost = 0;
    for await (const { timeMs, value } of office.store.query(["building.hvacPowerW"], fromMs + 1, officeNowMs + 1)) {
      energyKwh += value / 4000;
      cost += (value / 4000) * officePricePerKwh(timeMs);
    }
    expect(view.energyKwh).toBeCloseTo(energyKwh, 9);
    expect(view.cost).toBeCloseTo(cost, 9);
    expect(view.costCoverageFraction).toBeCloseTo(1, 12);
    expect(view.power).toHaveLength(8);
    expect(view.hours.map((hour) => hour.coverageFraction)).toEqual([1, 1]);
    expect(view.peakKw).toBe(Math.max(...view.power.map((step) => step.meanKw)));
  });

  it("sums emissions with the intensity of each step's decision, and says what the newest one says of the tariff", async () => {
    const fromMs = officeNowMs - 6 * hourMs;
    const view = await getBody<EnergyView>(dashboard, `/api/v1/energy?from=${fromMs}&to=${officeNowMs}`);
    let emissionsKg = 0;
    for (const { startMs, meanKw } of view.power) emissionsKg += (meanKw / 4) * officeCarbonKgPerKwh(startMs + 900_000);
    expect(view.emissionsKg).toBeCloseTo(emissionsKg, 9);
    expect(view.emissionsCoverageFraction).toBeCloseTo(1, 12);
    expect([view.wholeKwh, view.fuelKwh]).toEqual([null, null]);
    const newest = (await office.store.latestDecision())!;
    const { pricePerKwh, stepEndMs } = newest.plan;
    const other = pricePerKwh.findIndex((price) => price !== pricePerKwh[0]);
    expect(view.tariff).toEqual({
      timeMs: newest.timeMs,
      pricePerKwh: pricePerKwh[0],
      next: other < 0 ? null : { timeMs: stepEndMs[other]! - 900_000, pricePerKwh: pricePerKwh[other] },
      carbonKgPerKwh: newest.plan.carbonKgPerKwh![0],
      demandCharge: {
        pricePerKw: 8,
        peakKw: 12.5,
        cost: 100,
        peakEndMs: officeDemandCharge.counted!.windowEndMs,
        periodStartMs: officeDemandCharge.counted!.periodStartMs,
      },
    });
  });

  it("takes whole local days in place of instants", async () => {
    const view = await getBody<EnergyView>(dashboard, "/api/v1/energy?firstDay=2026-01-14&lastDay=2026-01-15");
    const midnight = (day: number): number => Date.UTC(2026, 0, day, -1);
    expect([view.fromMs, view.toMs]).toEqual([midnight(14), midnight(16)]);
    expect(view.days.map(({ day }) => day)).toEqual(["2026-01-14", "2026-01-15"]);
    const comfort = await getBody<ComfortView>(dashboard, "/api/v1/comfort?firstDay=2026-01-15&lastDay=2026-01-15");
    expect([comfort.fromMs, comfort.toMs]).toEqual([midnight(15), midnight(16)]);
  });

  it("says which part of the energy has no known price instead of guessing one", async () => {
    const view = await getBody<EnergyView>(dashboard, `/api/v1/energy?from=${officeNowMs - 3 * dayMs}&to=${officeNowMs}`);
    expect(view.costCoverageFraction).toBeGreaterThan(0.3);
    expect(view.costCoverageFraction).toBeLessThan(1);
    expect(view.days.map((day) => day.cost === null)).toEqual([true, false, false, false]);
  });

  it("lists alarms with what to do", async () => {
    const { alarms } = await getBody<{ alarms: Alarm[] }>(dashboard, "/api/v1/alarms");
    expect(alarms).toHaveLength(1);
    expect(alarms[0]!.action).not.toBe("");
  });

  it("answers health outside the API", async () => {
    expect(await getBody<HealthView>(dashboard, "/healthz")).toEqual({
      status: "ok",
      phase: "controlling",
      store: "ok",
      control: "ok",
      lastTickMs: officeNowMs,
    });
  });

  it("sends only finite numbers, and JSON that is not cached", async () => {
    for (const path of ["overview", "status", "zones/space1", "comfort", "energy", "decisions", "alarms"]) {
      const answer = await ask(dashboard.port, `/api/v1/${path}`);
      expect(answer.headers["content-type"]).toContain("application/json");
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect(allNumbers(JSON.parse(answer.body))).toEqual([]);
    }
  });

  it.each([
    ["zones/attic", 404],
    ["zones/..%2fsecret", 400],
    ["zones/space1?hours=0", 400],
    ["zones/space1?hours=abc", 400],
    ["zones/space1?hour=12", 400],
    ["decisions/9-999", 404],
    ["decisions?from=yesterday", 400],
    ["decisions?from=2026-01-15T10:00:00", 400],
    ["decisions?limit=100000", 400],
    ["series", 400],
    ["series?points=", 400],
    ["series?points=space1.zoneAirTempC;drop", 400],
    ["series?points=space1.zoneAirTempC&buckets=2001", 400],
    ["series?points=space1.zoneAirTempC&from=2026-01-15T10:00:00Z&to=2026-01-15T10:00:00Z", 400],
    ["series?points=space1.zoneAirTempC&points=space2.zoneAirTempC", 400],
    ["comfort?from=0&to=99999999999999", 400],
    ["comfort?from=NaN", 400],
    ["energy?from=2020-01-01T00:00:00Z", 400],
    ["energy?to=1e30", 400],
    ["energy?firstDay=2026-01-14", 400],
    ["energy?firstDay=2026-01-15&lastDay=2026-01-14", 400],
    ["energy?firstDay=2026-02-30&lastDay=2026-03-01", 400],
    ["energy?firstDay=2026-01-14&lastDay=2026-01-15&to=2026-01-15T10:00:00Z", 400],
    [`alarms?since=${"9".repeat(3000)}`, 400],
    ["overview?x=1", 400],
    ["nothing", 404],
  ])("refuses %s with a problem that says what, where and what to do", async (path, status) => {
    const answer = await ask(dashboard.port, `/api/v1/${path}`);
    expect(answer.status).toBe(status);
    const problem = JSON.parse(answer.body) as Problem;
    for (const key of ["error", "where", "todo"] as const) expect(problem[key]).toMatch(/\S/);
  });
});

describe("dashboard API before anything was measured", () => {
  it("answers every view with nulls and empty lists, not with errors", async () => {
    const office = await buildOffice({ empty: true });
    const dashboard = await serve(office);
    try {
      const overview = await getBody<OverviewView>(dashboard, "/api/v1/overview");
      expect(overview.zones.every((zone) => zone.zoneAirTempC === null && zone.state === "unknown" && zone.source === null)).toBe(true);
      expect(overview.today).toMatchObject({ inBandPct: null, energyKwh: null, cost: null, peakKw: null });
      expect(await getBody<ZoneView>(dashboard, "/api/v1/zones/space1")).toMatchObject({ plan: null, why: null, measured: [] });
      expect(await getBody<ComfortView>(dashboard, "/api/v1/comfort")).toMatchObject({ inBandPct: null, days: [], hours: [] });
      expect(await getBody<EnergyView>(dashboard, "/api/v1/energy")).toMatchObject({ power: [], peakKw: null, cost: null });
      expect((await ask(dashboard.port, "/api/v1/decisions/latest")).status).toBe(404);
    } finally {
      await dashboard.close();
    }
  });

  it("follows decisions that are made while it runs", async () => {
    const office = await buildOffice({ days: 0.5 });
    const dashboard = await serve(office);
    try {
      const before = await getBody<ComfortView>(dashboard, `/api/v1/comfort?from=${midnightMs}&to=${officeNowMs + dayMs}`);
      for (let i = 0; i < 4; i++) await office.advance();
      const after = await getBody<ComfortView>(dashboard, `/api/v1/comfort?from=${midnightMs}&to=${officeNowMs + dayMs}`);
      const scored = (view: ComfortView): number => view.zones.reduce((total, zone) => total + zone.scoredSteps, 0);
      expect(scored(after) - scored(before)).toBe(4 * 5);
    } finally {
      await dashboard.close();
    }
  });
});
