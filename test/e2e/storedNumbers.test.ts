import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Decision } from "#domain/plan";
import { buildingPoint, type PointName, zonePoint } from "#domain/points";
import { type RunningDashboard, serve } from "../dashboards/server.js";
import { buildOffice, type Office, officeNowMs } from "../fixtures/officeStore.js";
import { buildPagesIfStale, chromiumArguments, chromiumPath } from "./browser.js";

const HOUR_MS = 3_600_000;
/** The office's local time is UTC + 1 in January. */
const berlinDay = (timeMs: number): string => new Date(timeMs + HOUR_MS).toISOString().slice(0, 10);

/** What the pages show, computed a second time: from the store's rows and decisions alone, with no code of the dashboard's server. */
describe.skipIf(chromiumPath === undefined)("figures on the screen and rows in the store (skipped where no chromium is installed)", () => {
  let browser: Browser;
  let office: Office;
  let dashboard: RunningDashboard;
  let decisions: Decision[];
  beforeAll(async () => {
    await buildPagesIfStale();
    browser = await chromium.launch({ executablePath: chromiumPath!, args: chromiumArguments });
    office = await buildOffice();
    dashboard = await serve(office, { webRoot: join(import.meta.dirname, "../../dist/dashboards/web") });
    decisions = [];
    for await (const decision of office.store.decisions(0, Number.MAX_SAFE_INTEGER)) decisions.push(decision);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
  });

  const rowsOf = async (point: PointName): Promise<Map<number, number>> => {
    const rows = new Map<number, number>();
    for await (const { timeMs, value } of office.store.query([point], 0, officeNowMs + 1)) rows.set(timeMs, value);
    return rows;
  };
  const open = async (hash: string): Promise<Page> => {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB" })).newPage();
    await page.goto(`${dashboard.base}/${hash}`);
    return page;
  };
  const shownValue = async (page: Page, selector: string): Promise<number> =>
    Number(await page.locator(selector).getAttribute("data-value"));

  it("comfort: the share of occupied steps that ended in the band, and the kelvin-hours outside it, zone by zone and day by day", async () => {
    const page = await open("#/comfort");
    await page.locator('[data-table="comfort-zones"] tr[data-zone]').first().waitFor();
    let outsideAnywhereKh = 0;
    for (const { id } of office.site.zones) {
      const measured = await rowsOf(zonePoint(id, "zoneAirTempC"));
      let steps = 0;
      let inBand = 0;
      let warmKh = 0;
      let coldKh = 0;
      for (const { plan } of decisions) {
        const { lowerC, upperC, occupied } = plan.comfort[id]!;
        const reachedC = measured.get(plan.stepEndMs[0]!);
        if (!occupied[0] || reachedC === undefined) continue;
        const warmK = Math.max(0, reachedC - upperC[0]!);
        const coldK = Math.max(0, lowerC[0]! - reachedC);
        steps++;
        if (warmK + coldK <= 0.1) inBand++;
        warmKh += (warmK * plan.stepS) / 3600;
        coldKh += (coldK * plan.stepS) / 3600;
      }
      expect(steps).toBeGreaterThan(60);
      const row = `[data-table="comfort-zones"] tr[data-zone="${id}"]`;
      expect(await shownValue(page, `${row} td:nth-child(2)`)).toBeCloseTo((100 * inBand) / steps, 9);
      expect(await shownValue(page, `${row} td:nth-child(3)`)).toBeCloseTo(warmKh, 9);
      expect(await shownValue(page, `${row} td:nth-child(4)`)).toBeCloseTo(coldKh, 9);
      outsideAnywhereKh += warmKh + coldKh;
    }
    // Nothing to compare would be nothing shown.
    expect(outsideAnywhereKh).toBeGreaterThan(0);
    await page.context().close();
  });

  it("the overview says what was saved, or why nobody can say, as the interface does", async () => {
    const page = await open("#/");
    const stat = page.locator('[data-stat="saved"]');
    await stat.locator(".stat-note").waitFor();
    const { missing } = (await (await fetch(`${dashboard.base}/api/v1/savings`)).json()) as { missing: string };
    expect(missing).toBe("short-baseline");
    expect(await stat.textContent()).toMatch(/Saved, 30 days.*–.*too little is known of the time before/);
    expect(await stat.locator("a").getAttribute("href")).toBe("#/savings");
    await page.context().close();
  });

  it("savings beside the rule: what the meter counted and what the rule would have used, day by day and in sum", async () => {
    const page = await open("#/savings");
    await page.getByRole("button", { name: "The rule" }).click();
    await page.locator('[data-table="savings-days"] tr[data-day]').first().waitFor();
    const meterKwh = await rowsOf(buildingPoint("hvacEnergyKwh"));
    const byHour = new Map<number, Decision[]>();
    for (const decision of decisions) {
      const hour = Math.floor((decision.plan.stepEndMs[0]! - 1) / HOUR_MS) * HOUR_MS;
      byHour.set(hour, [...(byHour.get(hour) ?? []), decision]);
    }
    const days = new Map<string, { actual: number; rule: number; hours: number }>();
    for (const [hour, own] of byHour) {
      const [atStart, atEnd] = [meterKwh.get(hour), meterKwh.get(hour + HOUR_MS)];
      if (own.length < 4 || atStart === undefined || atEnd === undefined) continue;
      const actual = atEnd - atStart;
      const kwh = (key: "chosen" | "rule"): number => own.reduce((sum, { plan }) => sum + (plan[key]!.powerW[0]! * plan.stepS) / 3.6e6, 0);
      const day = days.get(berlinDay(hour)) ?? { actual: 0, rule: 0, hours: 0 };
      days.set(berlinDay(hour), {
        actual: day.actual + actual,
        rule: day.rule + actual + kwh("rule") - kwh("chosen"),
        hours: day.hours + 1,
      });
    }
    const counted = await page
      .locator('[data-table="savings-days"] tr[data-day]:not([data-excluded])')
      .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.day!));
    expect(counted.length).toBeGreaterThan(0);
    for (const day of counted) {
      const { actual, rule, hours } = days.get(day)!;
      expect(hours).toBeGreaterThanOrEqual(18);
      const row = `[data-table="savings-days"] tr[data-day="${day}"]`;
      expect(await shownValue(page, `${row} td:nth-child(2)`)).toBeCloseTo(actual, 6);
      expect(await shownValue(page, `${row} td:nth-child(3)`)).toBeCloseTo(rule, 6);
      expect(await shownValue(page, `${row} td:nth-child(4)`)).toBeCloseTo(rule - actual, 6);
    }
    await page.context().close();
  });
});
