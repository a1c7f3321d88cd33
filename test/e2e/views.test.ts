import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EnergyView, ModelLiveView, SavingsView, SeriesView } from "#dashboards/server/wire";
import { createClosures } from "#loop/closures";
import { passwords, quickScrypt, threePeople } from "../dashboards/client.js";
import { getBody, inMemoryPeople, type RunningDashboard, serve } from "../dashboards/server.js";
import { buildOffice, type Office } from "../fixtures/officeStore.js";
import { officeModels, officeSchedule, officeWhatIf } from "../fixtures/officeViews.js";
import { buildPagesIfStale, checkCharts, chromiumArguments, chromiumPath } from "./browser.js";

const webRoot = join(import.meta.dirname, "../../dist/dashboards/web");

describe.skipIf(chromiumPath === undefined)(
  "model, savings, schedule and what if in Chromium (skipped where no chromium is installed)",
  () => {
    let browser: Browser;
    let office: Office;
    let dashboard: RunningDashboard;
    const ordered: string[] = [];
    const orders: unknown[] = [];
    const promoted: string[] = [];
    const closures = createClosures(["space1", "space2"]);
    beforeAll(async () => {
      await buildPagesIfStale();
      browser = await chromium.launch({ executablePath: chromiumPath!, args: chromiumArguments });
      office = await buildOffice();
      dashboard = await serve(office, {
        webRoot,
        people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
        models: async () => officeModels(office),
        learning: { trainingDays: 7, minDays: 3 },
        schedule: () => ({ ...officeSchedule(office), closures: closures.all() }),
        adjustments: { load: async () => [], save: async () => undefined },
        orders: {
          promoteModel: async ({ version, reason }) => {
            promoted.push(`${version}: ${reason}`);
            return `Model ${version} is in force.`;
          },
          rollbackModel: async () => "",
          overrideZone: async (order) => {
            orders.push(order);
            return `Zone ${order.zone} is set by hand.`;
          },
          releaseZone: async () => "",
          setMode: async ({ mode, by, reason }) => {
            ordered.push(`${by}: ${mode}, ${reason}`);
            return `The building is in mode ${mode}.`;
          },
          announceDemandResponse: async ({ limitKw, pricePerKwh, startsInMinutes, minutes }) => {
            ordered.push(`${limitKw} ${pricePerKwh} ${startsInMinutes} ${minutes}`);
            return "The event is announced.";
          },
          endDemandResponse: async () => "The event is over.",
          closeDays: async (order) => (closures.add(order, "2026-01-15") ? "closed" : "closed already"),
          openDays: async ({ id }) => (closures.remove(id) === null ? null : "open"),
          whatIf: async (question) => officeWhatIf(office, question),
        },
      });
    }, 120_000);
    afterAll(async () => {
      await browser?.close();
      await dashboard?.close();
    });

    const open = async (
      hash: string,
      name?: keyof typeof passwords,
      locale = "en-GB",
    ): Promise<{ page: Page; close: () => Promise<void> }> => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale });
      const page = await context.newPage();
      if (name !== undefined) {
        await page.goto(`${dashboard.base}/#/login`);
        await page.getByLabel("Name").fill(name);
        await page.getByLabel(/^Passwor[dt]$/).fill(passwords[name]);
        await page.keyboard.press("Enter");
        await page.locator(".user-link", { hasText: name }).waitFor();
      }
      await page.goto(`${dashboard.base}/${hash}`);
      await page.waitForFunction(
        () => document.querySelector(".lead") !== null && !/^(Loading…|Wird geladen …)$/.test(document.querySelector(".lead")!.textContent),
      );
      return { page, close: () => context.close() };
    };
    const values = (page: Page, selector: string): Promise<number[]> =>
      page.locator(selector).evaluateAll((cells) => cells.map((cell) => Number((cell as HTMLElement).dataset.value)));

    it("the model page shows the stored figures, and an admin promotes a version with a reason", async () => {
      const { page, close } = await open("#/model", "ada");
      await page.locator('[data-table="model-residuals"] tbody td').first().waitFor();
      const live = await getBody<ModelLiveView>(dashboard, "/api/v1/models/live");
      expect(await values(page, '[data-table="model-residuals"] tbody tr:first-child td')).toEqual(
        live.zones[0]!.hours.map(({ biasK }) => biasK),
      );
      expect(await values(page, '[data-table="model-days"] td[data-value]')).toEqual(
        [...live.days].reverse().map(({ completeFraction }) => completeFraction),
      );
      expect(await page.locator('[data-table="model-accuracy"] [data-zone="space4"]').textContent()).toContain(
        "71 %: too sure".replace(" ", "\u00a0"),
      );
      const promote = page.locator('[data-version="gp-2026-01-12"] [data-action="promote"]');
      await promote.click();
      await page.keyboard.press("Escape");
      expect(await promote.evaluate((one) => one === document.activeElement)).toBe(true);
      await promote.click();
      // Nothing is promoted without a reason.
      await page.keyboard.press("Enter");
      expect(promoted).toEqual([]);
      await page.keyboard.type("the new one drifts");
      await page.keyboard.press("Enter");
      await page.locator(".form-done", { hasText: "gp-2026-01-12 is in force" }).waitFor();
      expect(promoted).toEqual(["gp-2026-01-12: the new one drifts"]);
      await close();
    });

    it("the charts of the model and savings pages are described in words and shown as tables", async () => {
      for (const [hash, first] of [
        ["#/model", '[data-lane="coverage"]'],
        ["#/savings", '[data-lane="savings"]'],
      ] as const) {
        const { page, close } = await open(hash);
        if (hash === "#/savings") await page.getByRole("button", { name: "The rule" }).click();
        await page.locator(first).first().waitFor();
        expect([hash, await checkCharts(page)]).not.toEqual([hash, 0]);
        await close();
      }
    });

    it("the savings page is printed, as a PDF too, with its figures and without what only a screen can do", async () => {
      const { page, close } = await open("#/savings");
      await page.getByRole("button", { name: "The rule" }).click();
      const day = page.locator('[data-table="savings-days"] tr[data-day]').first();
      await day.waitFor();
      await page.emulateMedia({ media: "print" });
      expect(await day.isVisible()).toBe(true);
      for (const hidden of ["[data-action=csv]", "[data-action=print]", "nav", ".no-print"])
        expect([hidden, await page.locator(`${hidden}:visible`).count()]).toEqual([hidden, 0]);
      // Dark writing on white paper, whatever the screen's theme; and the screen's theme afterwards.
      await page.emulateMedia({ media: "print", colorScheme: "dark" });
      const shown = () =>
        page.evaluate(() => [
          getComputedStyle(document.body).backgroundColor,
          Number.parseInt(/\d+/.exec(getComputedStyle(document.body).color)![0], 10),
        ]);
      const [, onScreen] = await shown();
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      const [paper, ink] = await shown();
      await page.evaluate(() => dispatchEvent(new Event("afterprint")));
      expect([(onScreen as number) > 200, paper, (ink as number) < 60]).toEqual([true, "rgba(0, 0, 0, 0)", true]);
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBeUndefined();
      const printed = await page.pdf({ format: "A4" });
      expect(printed.subarray(0, 5).toString()).toBe("%PDF-");
      expect(printed.length).toBeGreaterThan(10_000);
      await close();
    });

    it("the savings page shows the interface's figures, says when a saving is not proven, and exports them", async () => {
      const { page, close } = await open("#/savings");
      await page.locator(".lead", { hasText: "too short" }).waitFor();
      await page.getByRole("button", { name: "The rule" }).click();
      await page.locator('[data-table="savings-days"] tr[data-day]').first().waitFor();
      const view = await getBody<SavingsView>(dashboard, "/api/v1/savings?method=rule");
      const counted = view.days.filter(({ excluded }) => excluded === null);
      const shown = await values(page, '[data-table="savings-days"] tr[data-day]:not([data-excluded]) td:nth-child(2)');
      expect(shown).toEqual(counted.map(({ actualKwh }) => actualKwh));
      expect(await page.locator('[data-day][data-excluded="before-control"]').count()).toBeGreaterThan(0);
      const [download] = await Promise.all([page.waitForEvent("download"), page.locator('[data-action="csv"]').click()]);
      const lines = readFileSync((await download.path())!, "utf8").split("\r\n");
      expect(lines[0]).toBe('"day","actual_kwh","baseline_kwh","adjustment_kwh","counted_hours","hours","excluded"');
      expect(lines).toContain(`"saved_kwh",${view.total!.savedKwh}`);
      await close();
    });

    it("the schedule page names what is in force, what comes next, and who set a zone by hand", async () => {
      const { page, close } = await open("#/schedule");
      const row = page.locator('[data-table="schedule-zones"] [data-zone="space2"]');
      await row.waitFor();
      expect(await row.textContent()).toMatch(/occupied, 20\.0–23\.5.*18:00: empty.*bob, until/);
      expect(await page.locator('[data-table="week"] .is-today').textContent()).toMatch(/Thursday.*today.*08:00–18:00/);
      await close();
    });

    it("an operator changes the building's mode with a reason and announces a demand-response event; a viewer sees both and changes neither", async () => {
      const { page, close } = await open("#/schedule", "bob");
      const mode = page.locator('[data-card="mode"]');
      await mode.locator('[data-mode="shadow"]').click();
      await page.keyboard.press("Escape");
      expect(ordered).toEqual([]);
      await mode.locator('[data-mode="shadow"]').click();
      await page.keyboard.type("the valves are serviced");
      await page.keyboard.press("Enter");
      await mode.locator(".form-done", { hasText: "in mode shadow" }).waitFor();
      expect(ordered).toEqual(["bob: shadow, the valves are serviced"]);
      const response = page.locator('[data-card="demand-response"]');
      await page.getByLabel("Limit (kW)").fill("6");
      await page.getByLabel("Begins").selectOption("in 4 hours");
      await page.getByRole("button", { name: "Announce" }).click();
      await response.locator(".form-done", { hasText: "is announced" }).waitFor();
      expect(ordered.at(-1)).toBe("6 null 240 120");
      await close();
      const german = await open("#/schedule", "bob", "de-DE");
      await german.page.locator('[data-mode="off"]').click();
      await german.page.keyboard.type("Ferien");
      await german.page.keyboard.press("Enter");
      await german.page.locator(".form-done", { hasText: "Betriebsart des Gebäudes: aus." }).waitFor();
      await german.close();
      const eve = await open("#/schedule", "eve");
      await eve.page.locator('[data-card="mode"] .hint').waitFor();
      expect(await eve.page.locator("[data-mode]").count()).toBe(0);
      expect(await eve.page.getByRole("button", { name: "Announce" }).count()).toBe(0);
      await eve.close();
    });

    it("an operator closes days and opens them again, and the page says so at once; a viewer only reads them", async () => {
      const { page, close } = await open("#/schedule", "bob");
      const card = page.locator('[data-card="closures"]');
      await card.locator(".empty").waitFor();
      await card.getByLabel("First day").fill("2026-12-24");
      await card.getByLabel("Last day").fill("2027-01-01");
      await card.getByLabel("Where").selectOption("space2");
      await card.getByLabel("Reason").fill("company holidays");
      await card.getByRole("button", { name: "Close these days" }).click();
      await card.locator(".form-done", { hasText: /Closed on .*Dec.* to .*Jan.*2027/ }).waitFor();
      const entry = card.locator("[data-closure]");
      expect(await entry.textContent()).toMatch(/Dec.* to .*Jan.*2027: .*; bob \(company holidays\)/);
      expect(closures.all()).toMatchObject([{ first: "2026-12-24", last: "2027-01-01", zones: ["space2"], by: "bob" }]);
      // One day, sent without a last one.
      await card.getByLabel("First day").fill("2027-02-01");
      await card.getByRole("button", { name: "Close these days" }).click();
      await card.locator("[data-closure]").nth(1).waitFor();
      expect(closures.all()[1]).toMatchObject({ first: "2027-02-01", last: "2027-02-01", zones: null });
      const eve = await open("#/schedule", "eve");
      await eve.page.locator("[data-closure]").first().waitFor();
      expect(await eve.page.locator('[data-card="closures"] button').count()).toBe(0);
      await eve.close();
      await entry
        .first()
        .getByRole("button", { name: /Remove .*Dec/ })
        .click();
      await page.locator("dialog").getByRole("button", { name: "Remove" }).click();
      await card.locator(".form-done", { hasText: "the week holds again" }).waitFor();
      expect(closures.all()).toHaveLength(1);
      await close();
    });

    it("the energy page shows any days, beside the time before them, and the tariff in force", async () => {
      const { page, close } = await open("#/energy");
      const energy = page.locator('[data-stat="energy"]');
      const tariff = page.locator('[data-card="tariff"]');
      await tariff.locator(".fact").first().waitFor();
      const { tariff: said } = await getBody<EnergyView>(dashboard, "/api/v1/energy");
      expect(await tariff.textContent()).toMatch(/12\.50\skW/);
      expect(said!.demandCharge!.cost).toBe(100);
      expect(await tariff.textContent()).toContain("100.00");
      await page.getByRole("button", { name: "Days…" }).click();
      await page.getByLabel("From", { exact: true }).fill("2026-01-15");
      await page.getByLabel("Up to and with").fill("2026-01-14");
      await page.locator(".range .hint", { hasText: "before the first" }).waitFor();
      await page.getByLabel("Up to and with").fill("2026-01-15");
      const day = await getBody<EnergyView>(dashboard, "/api/v1/energy?firstDay=2026-01-15&lastDay=2026-01-15");
      await page.locator(".card", { hasText: "Energy by day" }).getByRole("button", { name: "Show as table" }).click();
      await page.locator(`[data-table="energy-days"] td[data-value="${day.days[0]!.energyKwh}"]`).first().waitFor({ state: "attached" });
      await page.getByRole("button", { name: "With the time before" }).click();
      // The day is not over: as much of the day before as has passed of it.
      const sameTimeBefore = office.nowMs - 24 * 3_600_000;
      const before = await getBody<EnergyView>(dashboard, `/api/v1/energy?from=${day.fromMs - 24 * 3_600_000}&to=${sameTimeBefore}`);
      expect(before.days).toHaveLength(1);
      await page.locator('[data-stat="energy"] .stat-note', { hasText: "before" }).waitFor();
      expect(await values(page, '[data-table="energy-days-before"] td:nth-child(2)')).toEqual([before.days[0]!.energyKwh]);
      // The office lives each day alike.
      expect(await energy.textContent()).toContain(`as before (${before.energyKwh.toFixed(1)}`);
      expect(await page.locator('[data-stat="outdoors"]').textContent()).toMatch(/°C.*in the time before/);
      await close();
    });

    it("a zone's week, month and year are shown as the database sums them, with a table", async () => {
      const { page, close } = await open("#/zones/space2");
      const card = page.locator(".card", { hasText: "Longer history" });
      await card.locator("canvas").waitFor();
      const asked = page.waitForResponse(/series\?/);
      await card.getByRole("button", { name: "A year" }).click();
      const answer = await asked;
      const view = (await answer.json()) as SeriesView;
      expect(Math.round((view.toMs - view.fromMs) / 86_400_000)).toBe(365);
      await card.getByRole("button", { name: "Show as table" }).click();
      const zone = view.series["space2.zoneAirTempC"]!;
      await page.waitForFunction(
        (count) => document.querySelectorAll('[data-table="zone-history"] tbody tr').length === count,
        zone.length,
      );
      expect(await values(page, '[data-table="zone-history"] td:nth-child(2)')).toEqual(zone.map(({ mean }) => mean));
      expect(await values(page, '[data-table="zone-history"] td:nth-child(4)')).toEqual(zone.map(({ max }) => max));
      expect(await card.locator("canvas").getAttribute("aria-label")).toMatch(/between \d+\.\d.*and \d+\.\d/);
      await close();
    });

    it("a what-if question is answered beside the plan in force, and orders nothing", async () => {
      const { page, close } = await open("#/what-if", "bob");
      const before = orders.length;
      await page.getByLabel("Energy price times").fill("2");
      await page.getByRole("button", { name: "Show the plan" }).click();
      await page.locator(".form-done", { hasText: "Nothing was sent" }).waitFor();
      const answer = officeWhatIf(office, { lowerShiftK: 0, upperShiftK: 0, priceFactor: 2, occupancy: "scheduled", horizonSteps: null });
      expect(await values(page, '[data-figure="energyKwh"] td')).toEqual([
        answer.inForce.energyKwh,
        answer.changed.energyKwh,
        answer.changed.energyKwh! - answer.inForce.energyKwh!,
      ]);
      await page.locator(".what-if-charts canvas").first().waitFor();
      expect(await checkCharts(page)).toBeGreaterThan(0);
      expect(orders).toHaveLength(before);
      await close();
    });

    it("a wall screen has no menus and nothing to operate, goes round the pages, halts and is left with the keyboard", async () => {
      const { page, close } = await open("#/", "bob");
      await page.clock.install();
      await page.goto(`${dashboard.base}/?kiosk#/zones/space1`);
      await page.locator("canvas").first().waitFor();
      expect(await page.locator(".main-nav").isVisible()).toBe(false);
      // Bob may set zones by hand; whoever walks by may not.
      expect(await page.locator('[data-action="override"]').count()).toBe(0);
      const hash = () => page.evaluate(() => location.hash);
      await page.clock.fastForward(20_500);
      await page.waitForFunction(() => location.hash === "#/zones/space1");
      await page.clock.fastForward(20_000);
      await page.waitForFunction(() => location.hash === "#/");
      await page.keyboard.press("Space");
      await page.locator('[data-action="kiosk-halt"][aria-pressed="true"]').waitFor();
      await page.clock.fastForward(60_000);
      expect(await hash()).toBe("#/");
      await page.goto(`${dashboard.base}/?kiosk=stay#/`);
      await page.locator(".tile").first().waitFor();
      await page.clock.fastForward(60_000);
      expect(await hash()).toBe("#/");
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      await page.keyboard.press("Escape");
      await page.locator(".main-nav").waitFor();
      expect(await page.evaluate(() => location.search)).toBe("");
      await close();
    });

    it("an operator sets a zone by hand with the keyboard alone; nobody else can", async () => {
      const eve = await open("#/zones/space1", "eve");
      expect(await eve.page.locator('[data-action="override"]').count()).toBe(0);
      await eve.close();
      const { page, close } = await open("#/zones/space1", "bob");
      await page.getByLabel("Heating setpoint (°C)").focus();
      await page.keyboard.type("21.5");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Tab");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Tab");
      await page.keyboard.type("visitors");
      await page.keyboard.press("Enter");
      await page.locator(".form-done", { hasText: "set by hand" }).waitFor();
      expect(orders.at(-1)).toMatchObject({
        zone: "space1",
        setpoints: { heatingSetpointC: 21.5 },
        until: { minutes: 240 },
        by: "bob",
        reason: "visitors",
      });
      await close();
    });
  },
);
