import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WhatIfQuestion } from "#dashboards/server/wire";
import { z90, z95 } from "#dashboards/web/pages/quantiles";
import { type RunningDashboard, serve } from "../dashboards/server.js";
import { buildOffice, type Office, officeSite } from "../fixtures/officeStore.js";
import { officeModels, officeSchedule, officeWhatIf } from "../fixtures/officeViews.js";
import { buildPagesIfStale, checkCharts, chromiumArguments, chromiumPath } from "./browser.js";

const root = join(import.meta.dirname, "../..");
const webRoot = join(root, "dist/dashboards/web");
const require = createRequire(import.meta.url);

const pages = [
  "#/",
  "#/zones/space4",
  "#/comfort",
  "#/energy",
  "#/savings",
  "#/model",
  "#/schedule",
  "#/what-if",
  "#/alarms",
  "#/system",
  "#/account",
] as const;
/** What a daemon knows beside the store. */
const everything = (of: Office) => ({
  webRoot,
  models: async () => officeModels(of),
  learning: { trainingDays: 7, minDays: 3 },
  schedule: () => officeSchedule(of),
  adjustments: { load: async () => [], save: async () => undefined },
  orders: {
    overrideZone: async ({ zone }: { readonly zone: string }) => `Zone ${zone} is set by hand.`,
    releaseZone: async () => "",
    whatIf: async (question: WhatIfQuestion) => officeWhatIf(of, question),
  },
});
const evilLabel = '<img src=x onerror="window.broken = true">';

/** A network between browser and dashboard that can swallow what is sent without closing anything. */
const createNetwork = async (targetPort: number) => {
  const sockets = new Set<Socket>();
  let swallowing = false;
  const server = createServer((near) => {
    const far = connect(targetPort, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => swallowing || to.write(chunk));
      from.on("close", () => to.destroy());
      from.on("error", () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    swallow: (on: boolean): void => {
      swallowing = on;
    },
    close: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

describe.skipIf(chromiumPath === undefined)("dashboard in Chromium (skipped where no chromium is installed)", () => {
  let browser: Browser;
  let office: Office;
  let dashboard: RunningDashboard;

  beforeAll(async () => {
    await buildPagesIfStale();
    browser = await chromium.launch({
      executablePath: chromiumPath!,
      args: chromiumArguments,
    });
    office = await buildOffice();
    dashboard = await serve(office, everything(office));
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
  });

  /** Opens a page and keeps everything the browser complains of. */
  const open = async (hash: string, options: BrowserContextOptions = {}, base = dashboard.base) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(base) && !request.url().startsWith("data:")) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(`${base}/${hash}`);
    await page.locator("h1").waitFor();
    await page.waitForFunction(() => document.querySelector(".lead")?.textContent !== "Loading…");
    await page.locator('[data-connection="live"]').waitFor();
    return { page, complaints, close: () => context.close() };
  };

  /** A button changes its name once pressed, so they are pressed one after the other. */
  const openTables = async (page: Page): Promise<void> => {
    const closed = page.locator('button[aria-expanded="false"]:visible');
    while ((await closed.count()) > 0) await closed.first().click();
  };

  const axe = async (page: Page): Promise<string[]> => {
    // Through the debugger, which the content security policy does not govern: nothing of the page is loosened for the test.
    await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
    const violations = await page.evaluate(async () => {
      const runner = (
        globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> };
        }
      ).axe;
      return (await runner.run()).violations;
    });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  };

  it.each(pages)("shows %s without an error, a policy violation or a request elsewhere", async (hash) => {
    const { page, complaints, close } = await open(hash);
    expect(complaints).toEqual([]);
    expect(await page.locator("main").textContent()).not.toMatch(/NaN|undefined|\[object/);
    await close();
  });

  it("shows on the zone page the stored decision, number for number", async () => {
    const { page, close } = await open("#/zones/space4");
    const { plan, id } = office.latest;
    expect(await page.locator("[data-reason]").getAttribute("data-reason")).toBe(plan.reason);
    const labels = new Map(officeSite.zones.map(({ id, label }) => [id, label]));
    expect(await page.locator("[data-reason]").textContent()).toBe(plan.reason.replace(/space\d/g, (zone) => labels.get(zone)!));
    await page.getByRole("button", { name: "Show as table" }).first().click();
    const table = await page.locator('[data-table="plan"]').evaluate((element) =>
      [...element.querySelectorAll("tbody tr")].map((row) => ({
        endMs: Number(row.querySelector("th")?.dataset.value),
        cells: Object.fromEntries([...row.querySelectorAll("td")].map((cell) => [cell.dataset.column, cell.dataset.value])),
        texts: Object.fromEntries([...row.querySelectorAll("td")].map((cell) => [cell.dataset.column, cell.textContent])),
      })),
    );
    const chosen = plan.chosen.zones.space4!;
    const rule = plan.rule!.zones.space4!;
    expect(table.map((row) => row.endMs)).toEqual(plan.stepEndMs);
    const column = (name: string): number[] => table.map((row) => Number(row.cells[name]));
    expect(column("Expected")).toEqual(chosen.meanC);
    expect(column("Standard deviation")).toEqual(chosen.stdDevK);
    // What the rule would do to the room, and the sun that both count on.
    expect(column("Expected with the rule")).toEqual(rule.meanC);
    expect(column("Sun")).toEqual(plan.globalHorizontalIrradianceWm2);
    expect(column("Heating setpoint")).toEqual(chosen.heatingSetpointC);
    expect(column("Cooling setpoint")).toEqual(chosen.coolingSetpointC);
    expect(column("Rule heating")).toEqual(rule.heatingSetpointC);
    expect(column("Rule cooling")).toEqual(rule.coolingSetpointC);
    expect(column("Band from")).toEqual(plan.comfort.space4!.lowerC);
    expect(column("Building power")).toEqual(plan.chosen.powerW);
    expect(column("Price per kWh")).toEqual(plan.pricePerKwh);
    for (const [name, z] of [
      ["p5", -z95],
      ["p10", -z90],
      ["p90", z90],
      ["p95", z95],
    ] as const) {
      expect(column(name)).toEqual(chosen.meanC.map((mean, t) => mean + z * chosen.stdDevK[t]!));
    }
    expect(table.map((row) => Number.parseFloat(row.texts.Expected!))).toEqual(chosen.meanC.map((mean) => Number(mean.toFixed(2))));
    expect(await page.locator('[data-diagnostic="decisionId"]').textContent()).toBe(id);
    for (const [kind, cost] of [
      ["chosen", plan.chosen.cost],
      ["rule", plan.rule!.cost],
    ] as const) {
      for (const [factor, value] of Object.entries(cost)) {
        expect(Number(await page.locator(`td[data-plan="${kind}"][data-factor="${factor}"]`).getAttribute("data-value"))).toBe(value);
      }
    }
    expect(Number(await page.locator('[data-diagnostic="effectiveSampleSize"]').getAttribute("data-value"))).toBe(
      plan.diagnostics.effectiveSampleSize,
    );
    expect(Number(await page.locator('[data-diagnostic="samplesDiscarded"]').getAttribute("data-value"))).toBe(
      plan.diagnostics.samplesDiscarded,
    );
    await close();
  });

  it("gives every chart a spoken description and a table", async () => {
    for (const hash of ["#/zones/space1", "#/energy", "#/"]) {
      const { page, close } = await open(hash);
      await page.locator(".chart-card canvas").first().waitFor();
      const cards = await page.locator(".chart-card:visible").count();
      expect(cards).toBeGreaterThan(0);
      expect(await checkCharts(page)).toBe(cards);
      await close();
    }
  });

  it("says every state with a word beside its icon and shows times in the site's zone", async () => {
    const { page, close } = await open("#/", { timezoneId: "America/Los_Angeles" });
    for (const badge of await page.locator(".tile .badge").all()) {
      expect(await badge.textContent()).toMatch(/\w{3}/);
      expect(await badge.locator("svg").count()).toBe(1);
    }
    expect(await page.locator(".tile").first().textContent()).toContain("until 14:30");
    await close();
  });

  it("can be used with the keyboard alone, with the focus always visible", async () => {
    const { page, close } = await open("#/");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
    // What was saved stands before the zones, and leads to how it is known.
    await page.locator('[data-stat="saved"] a').waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("href"))).toBe("#/savings");
    const reached: string[] = [];
    for (let i = 0; i < officeSite.zones.length; i++) {
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(() => ({
        href: document.activeElement?.getAttribute("href") ?? "",
        outline: getComputedStyle(document.activeElement!).outlineStyle,
      }));
      expect(focus.outline).not.toBe("none");
      reached.push(focus.href);
    }
    expect([...reached].sort()).toEqual(officeSite.zones.map((zone) => `#/zones/${zone.id}`).sort());
    await page.keyboard.press("Enter");
    await page.locator(".why-card").waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
    await page.getByRole("button", { name: "24 h" }).focus();
    await page.keyboard.press("Space");
    expect(await page.getByRole("button", { name: "24 h" }).getAttribute("aria-pressed")).toBe("true");
    await close();
  });

  it.each(pages)("fits a phone of 360 px without sideways scrolling on %s", async (hash) => {
    const { page, close } = await open(hash, { viewport: { width: 360, height: 740 } });
    await openTables(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await close();
  });

  it.each(["light", "dark"] as const)("has nothing serious for axe to find in %s", { timeout: 120_000 }, async (colorScheme) => {
    for (const hash of pages) {
      const { page, close } = await open(hash, { colorScheme });
      await openTables(page);
      expect(await axe(page)).toEqual([]);
      await close();
    }
  });

  it("keeps the chosen theme over a reload, before the first paint", async () => {
    const { page, close } = await open("#/", { colorScheme: "light" });
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await page.locator('[data-action="theme"]').click();
    await page.locator('[data-action="theme"]').click();
    const dark = await paper();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.locator("h1").waitFor();
    expect(await paper()).toBe(dark);
    await close();
  });

  it("brings a new measurement and decision to an open page, keeping the focus where it is", async () => {
    const { page, complaints, close } = await open("#/");
    await page.locator('[data-zone="space2"] a').focus();
    const decision = await office.advance();
    await page.locator(`[data-decision="${decision.id}"]`).waitFor();
    const shown = await page.locator('[data-zone="space2"] .tile-temp').getAttribute("data-value");
    expect(Number(shown)).toBe(decision.observation.values["space2.zoneAirTempC"]);
    expect(await page.evaluate(() => document.activeElement?.getAttribute("href"))).toBe("#/zones/space2");
    expect(complaints).toEqual([]);
    await close();
  });

  it("says within 10 s that the connection is lost, and recovers by itself", async () => {
    const own = await serve(office, { webRoot });
    const { page, close } = await open("#/", {}, own.base);
    await own.close();
    await page.locator(".banner-bad", { hasText: "Connection lost" }).waitFor({ timeout: 10_000 });
    expect(await page.locator(".connection").textContent()).toBe("Connection lost");
    const again = await serve(office, { webRoot, port: own.port });
    expect(again.port).toBe(own.port);
    await page.locator('[data-connection="live"]').waitFor({ timeout: 20_000 });
    expect(await page.locator(".banner-bad").isVisible()).toBe(false);
    await close();
    await again.close();
  });

  it("says within 10 s that the connection is lost when the network swallows everything, and recovers", async () => {
    const network = await createNetwork(dashboard.port);
    const { page, close } = await open("#/", {}, network.base);
    network.swallow(true);
    await page.locator(".banner-bad", { hasText: "Connection lost" }).waitFor({ timeout: 10_000 });
    network.swallow(false);
    await page.locator('[data-connection="live"]').waitFor({ timeout: 20_000 });
    await close();
    await network.close();
  });

  it("says how old the data is once nothing is measured any more", async () => {
    const quiet = await buildOffice({ days: 0.25 });
    const own = await serve(quiet, { webRoot });
    const { page, close } = await open("#/", {}, own.base);
    expect(await page.locator(".banner-warn", { hasText: "Data is" }).isVisible()).toBe(false);
    quiet.nowMs += 2 * 3_600_000;
    await page.locator(".banner-warn", { hasText: /Data is 2\.0\sh old/ }).waitFor();
    await close();
    await own.close();
  });

  it("shows zone names, reasons and alarms as text, whatever they hold", async () => {
    const site = {
      ...officeSite,
      label: evilLabel,
      zones: officeSite.zones.map((zone) => ({ ...zone, label: `${evilLabel} ${zone.label}` })),
    };
    const hostile = await buildOffice({ days: 0.25, site });
    await hostile.store.putAlarm({
      id: "x:1",
      level: "critical",
      zone: null,
      text: evilLabel,
      action: evilLabel,
      sinceMs: hostile.nowMs,
      clearedMs: null,
    });
    await hostile.store.appendDecision({
      ...hostile.latest,
      id: "9-9",
      epoch: 9,
      seq: 9,
      plan: { ...hostile.latest.plan, reason: evilLabel },
    });
    const own = await serve(hostile, everything(hostile));
    for (const hash of pages) {
      const { page, complaints, close } = await open(hash, {}, own.base);
      expect(await page.evaluate(() => (globalThis as { broken?: boolean }).broken)).toBeUndefined();
      expect(await page.locator("img").count()).toBe(0);
      expect(await page.locator("body").textContent()).toContain(evilLabel);
      expect(complaints).toEqual([]);
      await close();
    }
    await own.close();
  });

  it("shows progress and empty states while the history is gathered", async () => {
    const starting = await buildOffice({ empty: true });
    const own = await serve(starting, { webRoot });
    const { page, complaints, close } = await open("#/", {}, own.base);
    await page.getByText("Day 3 of 7 of the building's history").first().waitFor();
    expect(await page.locator("progress").getAttribute("value")).toBe("0.4");
    await page.goto(`${own.base}/#/zones/space1`);
    await page.getByText("Nothing has been decided yet").waitFor();
    expect(complaints).toEqual([]);
    expect(await axe(page)).toEqual([]);
    await close();
    await own.close();
  });

  it("says so when an address names no zone", async () => {
    const { page, close } = await open("#/comfort");
    await page.goto(`${dashboard.base}/#/zones/%E0%A4%A`);
    await page.locator(".banner-warn", { hasText: "zone" }).waitFor();
    await close();
  });

  it("can be installed: a manifest with an icon, all from this server", async () => {
    const { page, complaints, close } = await open("#/");
    const href = await page.locator('link[rel="manifest"]').getAttribute("href");
    const answer = await page.request.get(new URL(href!, `${dashboard.base}/`).href);
    const manifest = (await answer.json()) as { start_url: string; display: string; icons: { src: string; sizes: string; type: string }[] };
    expect(manifest.icons.filter(({ type }) => type === "image/png").map(({ sizes }) => sizes)).toEqual(
      expect.arrayContaining(["192x192", "512x512"]),
    );
    expect([manifest.start_url, manifest.display]).toEqual(["./", "standalone"]);
    for (const { src } of manifest.icons) expect((await page.request.get(new URL(src, `${dashboard.base}/`).href)).status()).toBe(200);
    expect(complaints).toEqual([]);
    await close();
  });

  it("weighs at most 300 kB gzipped", () => {
    const files = readdirSync(webRoot, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(webRoot, name)).isFile());
    const bytes = files.reduce((total, name) => total + gzipSync(readFileSync(join(webRoot, name))).length, 0);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThanOrEqual(300_000);
  });
});
