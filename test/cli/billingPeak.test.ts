import { describe, expect, it } from "vitest";
import { openInMemoryStore } from "#adapters/store/inMemoryStore";
import { createBillingPeak, peakPoint } from "#cli/daemon/billingPeak";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import { localTime } from "#config/comfort";
import { parseSiteConfig } from "#config/loadSiteConfig";
import type { Decision } from "#domain/plan";
import { buildingPoint, type TelemetryPoint } from "#domain/points";
import { createHistoryBuffer } from "#loop/historyBuffer";
import { billingStartMs } from "#math/localInstants";
import { decisionAt } from "../contracts/telemetryStore.js";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const at = (iso: string): number => Date.parse(iso);
const configOf = (tariff: string, more = "", building = "building: { embedded: {} }") =>
  parseSiteConfig(
    `site: { id: s, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
${building}
planner: { tariff: { ${tariff} } }
${more}
`,
    "site.yaml",
    { environment: {} },
  );
const zone = "zones: [{ id: a }]";
const sensorZone = "zones: [{ id: a, sensors: { zoneAirTempC: { topic: a/t } } }]";
const hvac = buildingPoint("hvacPowerW");
const whole = buildingPoint("powerW");
/** A value a minute over a quarter-hour that ends at `endMs`. */
const quarter = (endMs: number, watts: number, point = hvac): TelemetryPoint[] =>
  Array.from({ length: 15 }, (_, i) => ({ timeMs: endMs - i * MINUTE_MS, point, value: watts }));

const open = async (nowMs: number, config = configOf("demand: 15 EUR/kW", zone), stored: readonly TelemetryPoint[] = []) => {
  const store = openInMemoryStore();
  await store.append(stored);
  const history = createHistoryBuffer({ stepS: 900, maxRows: 960 });
  const start = async () => {
    const peak = createBillingPeak({ config, toLocalMs: toLocalMsOf(config), store, history });
    await peak.load(nowMs);
    return peak;
  };
  return { store, history, start, peak: await start() };
};
const charge = (peak: Awaited<ReturnType<typeof open>>["peak"], nowMs: number) => peak.charge(nowMs, [nowMs + 900_000])!;

describe("begin of a billing period", () => {
  const berlin = (timeMs: number): number => {
    const { date, minute } = localTime("Europe/Berlin", timeMs);
    return Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS;
  };
  it.each([
    ["2026-03-01T00:30:00Z", 1, "2026-02-28T23:00:00.000Z"],
    ["2026-02-28T22:30:00Z", 1, "2026-01-31T23:00:00.000Z"],
    ["2026-04-01T10:00:00Z", 1, "2026-03-31T22:00:00.000Z"],
    ["2026-01-10T10:00:00Z", 15, "2025-12-14T23:00:00.000Z"],
    ["2026-11-15T00:00:00Z", 15, "2026-11-14T23:00:00.000Z"],
  ])("%s with day %d is %s", (iso, day, expected) => {
    expect(new Date(billingStartMs(at(iso), day, berlin)).toISOString()).toBe(expected);
  });
  it("is the first moment of a day whose midnight the clocks skip", () => {
    const cairo = (timeMs: number): number => {
      const { date, minute } = localTime("Africa/Cairo", timeMs);
      return Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS;
    };
    // Friday 28 April 2023, 0:00 became 1:00.
    expect(new Date(billingStartMs(at("2023-05-02T10:00:00Z"), 28, cairo)).toISOString()).toBe("2023-04-27T22:00:00.000Z");
  });
});

describe("the peak of a billing period", () => {
  const now = at("2026-01-20T12:00:00Z");
  it("is the highest mean over a quarter-hour since local midnight of the first, read from the store at the start", async () => {
    const { peak } = await open(now, undefined, [
      ...quarter(at("2025-12-31T22:45:00Z"), 90_000),
      ...quarter(at("2026-01-01T00:00:00Z"), 4_000),
      ...quarter(at("2026-01-09T09:15:00Z"), 12_000),
      // A minute's spike is not a quarter-hour.
      ...quarter(at("2026-01-12T09:15:00Z"), 3_000),
      { timeMs: at("2026-01-12T09:07:30Z"), point: hvac, value: 60_000 },
    ]);
    expect(charge(peak, now)).toEqual({
      pricePerKw: 15,
      peakSoFarW: 12_000,
      counted: { point: hvac, basis: "meter", windowEndMs: at("2026-01-09T09:15:00Z"), periodStartMs: at("2025-12-31T23:00:00Z") },
    });
  });
  it("grows with what is measured, counts a window once it has ended, and begins anew with the month", async () => {
    const { peak } = await open(now);
    expect(charge(peak, now)).toMatchObject({ peakSoFarW: 0, counted: { basis: "none" } });
    const end = now + 15 * MINUTE_MS;
    peak.take({ kind: "telemetry", points: quarter(end, 8_000) });
    expect(charge(peak, end - 1).peakSoFarW).toBe(0);
    expect(charge(peak, end).peakSoFarW).toBe(8_000);
    // A latecomer within the hour still counts in its window.
    peak.take({ kind: "telemetry", points: quarter(end, 4_000) });
    expect(charge(peak, end).peakSoFarW).toBe(6_000);
    for (const later of [end + 2 * 60 * MINUTE_MS, at("2026-01-31T22:59:00Z")]) expect(charge(peak, later).peakSoFarW).toBe(6_000);
    expect(charge(peak, at("2026-01-31T23:00:00Z"))).toMatchObject({
      peakSoFarW: 0,
      counted: { basis: "none", periodStartMs: at("2026-01-31T23:00:00Z") },
    });
  });
  it("survives a restart, also where the measurements are no longer kept", async () => {
    const { store, peak, start } = await open(now, undefined, quarter(at("2026-01-09T09:15:00Z"), 12_000));
    expect(charge(await start(), now)).toEqual(charge(peak, now));
    const forgetful = await open(now);
    const decision = decisionAt(now, 1);
    const before = charge(peak, now);
    await forgetful.store.appendDecision({ ...decision, plan: { ...decision.plan, demandCharge: before } });
    expect(charge(await forgetful.start(), now)).toEqual(before);
    // Of another month, or of another meter, it says nothing.
    const counted = { ...before.counted!, periodStartMs: 0 };
    await forgetful.store.appendDecision({
      ...decision,
      id: "2-1",
      timeMs: now + 1,
      plan: { ...decision.plan, demandCharge: { ...before, counted } },
    });
    expect(charge(await forgetful.start(), now).peakSoFarW).toBe(0);
    await store.close();
  });
  it("is what plans foretold where nothing is measured, and says so", async () => {
    const config = configOf("demand: 15 EUR/kW", sensorZone, "building: { mqtt: {} }");
    expect(peakPoint(config)).toEqual({ point: hvac, basis: "predicted" });
    const { peak } = await open(now, config);
    const template = decisionAt(now, 1);
    const plan = (powerW: number, endMs: number): Decision => ({
      ...template,
      mode: "auto",
      plan: { ...template.plan, stepEndMs: [endMs], chosen: { ...template.plan.chosen, powerW: [powerW] } },
    });
    const end = now + 15 * MINUTE_MS;
    peak.decided(plan(7_000, end));
    peak.decided({ ...plan(99_000, end), mode: "shadow" });
    expect(charge(peak, end)).toMatchObject({ peakSoFarW: 7_000, counted: { basis: "predicted", point: hvac } });
    peak.take({ kind: "telemetry", points: quarter(end, 5_000) });
    expect(charge(peak, end).peakSoFarW).toBe(5_000);
  });
  it("is never below the contract's floor, and costs nothing where it is free or another objective is followed", async () => {
    const floor = await open(now, configOf("demand: 15 EUR/kW, demandFloor: 30 kW", zone), quarter(at("2026-01-09T09:15:00Z"), 12_000));
    expect(charge(floor.peak, now)).toMatchObject({ peakSoFarW: 30_000, counted: { basis: "contract" } });
    for (const config of [
      configOf("energy: 0.2 EUR/kWh", zone),
      configOf("demand: 15 EUR/kW }, objective: energy, horizon: 20, weights: {", zone),
    ])
      expect((await open(now, config)).peak.charge(now, [now])).toBeNull();
  });
  it("is the whole building's where its meter is there, with the other load of the day before for the coming steps", async () => {
    const points = `points: { ${whole}: { topic: m/w, unit: W }, ${hvac}: { topic: m/h, unit: W } }`;
    const config = configOf("demand: 15 EUR/kW", `${sensorZone}\n${points}`, "building: { mqtt: {} }");
    expect(peakPoint(config)).toEqual({ point: whole, basis: "meter" });
    const { peak, history } = await open(now, config, [...quarter(now, 20_000, whole), ...quarter(now, 90_000)]);
    for (let i = 0; i <= 96; i++)
      history.add({
        timeMs: now - DAY_MS + i * 900_000,
        values: new Map([
          [whole, 10_000 + i],
          [hvac, 4_000],
        ]),
      });
    const { peakSoFarW, otherLoadW, counted } = peak.charge(now, [now + 900_000, now + 1_800_000, now + DAY_MS + 900_000])!;
    expect(peakSoFarW).toBe(20_000);
    expect(counted).toMatchObject({ point: whole, basis: "meter" });
    expect(otherLoadW).toEqual([6_001, 6_002, 6_001]);
  });
  it("is said to be derived where its point is computed", () => {
    const derived = `${zone}\nderived: { ${whole}: { expression: building.hvacPowerW + 3000 } }`;
    expect(peakPoint(configOf("demand: 15 EUR/kW", derived))).toEqual({ point: whole, basis: "derived" });
    expect(peakPoint(configOf("demand: 15 EUR/kW", zone))).toEqual({ point: hvac, basis: "meter" });
  });
  it("makes comfort weigh half a kW of it more, where nobody chose a weight", () => {
    expect(configOf("demand: 15 EUR/kW", zone).planner.weights.comfortPerKh).toBeCloseTo(2.4 + 7.5, 12);
    expect(configOf("demand: 0 EUR/kW", zone).planner.weights.comfortPerKh).toBe(2.4);
  });
});
