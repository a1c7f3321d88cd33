import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import type {
  Alarm,
  AuditView,
  ComfortView,
  DaemonStatus,
  ModelsView,
  OverviewView,
  SavingsView,
  SessionView,
  SiteInfo,
  WhatIfView,
} from "#dashboards/server/wire";
import { z90, z95 } from "#dashboards/web/pages/quantiles";
import { modelFromJson } from "#models/modelJson";
import { versionOf } from "../cli/tinyModel.js";
import { Client, passwords } from "../dashboards/client.js";
import { buildPagesIfStale, checkCharts, chromiumArguments, chromiumPath } from "./browser.js";
import { cleanUp, getJson, quickSite, type RunningDaemon, startDaemon, temporaryDirectory, until } from "./daemonProcess.js";

const require = createRequire(import.meta.url);

const viewsOfAll = [
  "#/",
  "#/zones/space1",
  "#/comfort",
  "#/energy",
  "#/savings",
  "#/model",
  "#/alarms",
  "#/schedule",
  "#/what-if",
  "#/system",
  "#/account",
];

describe.skipIf(chromiumPath === undefined)("the dashboard of a running daemon (skipped where no chromium is installed)", () => {
  let browser: Browser;
  let directory: string;
  let daemon: RunningDaemon;
  let base: string;
  let learned: string;
  let watcher: Awaited<ReturnType<typeof open>>;
  const inCharge = () =>
    until(
      async () => {
        const status = await getJson<DaemonStatus>(`${base}api/v1/status`);
        return status.phase === "controlling" && status.controller === "mppi" && status.modelVersion;
      },
      "the planner in charge",
      150_000,
    );

  beforeAll(async () => {
    await buildPagesIfStale();
    browser = await chromium.launch({ executablePath: chromiumPath!, args: chromiumArguments });
    directory = temporaryDirectory();
    daemon = startDaemon(["--config", quickSite(directory), "--speed", "300"]);
    base = await daemon.dashboardUrl();
    learned = await inCharge();
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  /** A browser of its own, as somebody or nobody; keeps what the console complains of. */
  const open = async (name: keyof typeof passwords | null, options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      locale: "en-GB",
      reducedMotion: "reduce",
      ...options,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    const go = async (hash: string): Promise<void> => {
      await page.goto(`${base}${hash}`);
      await page.locator('[data-connection="live"]').waitFor();
      await page.waitForFunction(
        () => document.querySelector(".lead") !== null && !/^(Loading…|Wird geladen …)$/.test(document.querySelector(".lead")!.textContent),
      );
    };
    if (name !== null) {
      await page.goto(`${base}#/login`);
      await page.getByLabel("Name").fill(name);
      await page.getByLabel("Password").fill(passwords[name]);
      await page.keyboard.press("Enter");
      await page.locator(".user-link", { hasText: name }).waitFor();
    }
    return { page, complaints, go, close: () => context.close() };
  };
  const axe = async (page: Page): Promise<string[]> => {
    await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
    return page.evaluate(async () => {
      const { axe: runner } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
      };
      const { violations } = await runner.run();
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    });
  };
  const zoneNow = async (id: string) => (await getJson<OverviewView>(`${base}api/v1/overview`)).zones.find((zone) => zone.id === id)!;

  it("makes the first user with the token in the data directory, who adds an operator and a viewer", async () => {
    const { page, complaints, close } = await open(null);
    await page.goto(`${base}#/setup`);
    await page.getByLabel("Set-up token").fill(readFileSync(join(directory, "data/setup-token"), "utf8").trim());
    await page.getByLabel("Name").fill("ada");
    await page.getByLabel("New password").fill(passwords.ada);
    await page.keyboard.press("Enter");
    await page.locator(".user-link", { hasText: "ada" }).waitFor();
    const ada = new Client(Number(new URL(base).port));
    await ada.logIn("ada", passwords.ada);
    for (const [name, role] of [
      ["bob", "operator"],
      ["eve", "viewer"],
    ] as const)
      await ada.json("POST", "/users", { name, role, password: passwords[name] });
    expect(complaints).toEqual([]);
    await close();
  });

  it("an operator sets a zone by hand in °F with the keyboard alone, once for all who look, until it expires", async () => {
    const { page, complaints, go, close } = await open("bob");
    await go("#/account");
    await page.getByLabel("Temperatures in").selectOption("F");
    await page.getByRole("heading", { name: "Account and display" }).waitFor();
    await go("#/zones/space1");
    await page.locator('[data-action="override"]').waitFor();
    await page.getByLabel("Heating setpoint (°F)").focus();
    await page.keyboard.type("68");
    for (let k = 0; k < 3; k++) await page.keyboard.press("Tab");
    await page.keyboard.type("visitors");
    // The first answer gets lost on its way: the same order is sent again, and carried out once.
    const sent: string[] = [];
    const order = /zones\/space1\/override$/;
    await page.route(order, async (route) => {
      sent.push(route.request().postData()!);
      if (sent.length > 1) return route.continue();
      expect((await route.fetch()).status()).toBe(200);
      await route.abort("connectionreset");
    });
    await page.keyboard.press("Enter");
    await page.locator(".form-problem").waitFor();
    await page.locator('[data-action="override"]:enabled').waitFor();
    await page.keyboard.press("Enter");
    await page.locator(".form-done").waitFor();
    await page.unroute(order);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toBe(sent[0]);
    const ada = new Client(Number(new URL(base).port));
    await ada.logIn("ada", passwords.ada);
    const { entries } = await ada.json<AuditView>("GET", "/audit");
    expect(entries.filter((entry) => JSON.stringify(entry).includes("visitors"))).toHaveLength(1);
    const held = await until(async () => {
      const zone = await zoneNow("space1");
      // Who is in charge is known at once, the setpoint once it was sent.
      return zone.source === "override" && Math.abs((zone.heatingSetpointC ?? 0) - 20) < 0.001 && zone;
    }, "a zone that is set by hand");
    expect(held.untilMs).not.toBeNull();
    await page.locator('.stat [data-source="override"]').waitFor();
    // An hour of the site's time.
    await until(async () => (await zoneNow("space1")).source !== "override", "the end of the override", 60_000);
    await page.locator('.stat [data-source="override"]').waitFor({ state: "detached" });
    expect(complaints.filter((text) => !text.includes("ERR_CONNECTION_RESET"))).toEqual([]);
    await close();
  });

  it("an operator asks what if and reads the page in German; nothing is ordered", async () => {
    const { page, complaints, go, close } = await open("bob");
    await go("#/what-if");
    await page.getByLabel("Energy price times").fill("2");
    const [response] = await Promise.all([page.waitForResponse(/what-if$/), page.getByRole("button", { name: "Show the plan" }).click()]);
    const answer = (await response.json()) as WhatIfView;
    await page.locator(".form-done", { hasText: "Nothing was sent" }).waitFor();
    const figures = page.locator('[data-figure="energyKwh"] td');
    const shown = await figures.evaluateAll((cells) => cells.map((cell) => (cell as HTMLElement).dataset.value ?? "null"));
    // Null where the rule acts and no model predicts what it takes.
    const { inForce, changed } = answer;
    expect(shown.slice(0, 2)).toEqual([String(inForce.energyKwh), String(changed.energyKwh)]);
    expect((await zoneNow("space1")).source).not.toBe("override");
    await go("#/account");
    await page.getByLabel("Language", { exact: true }).selectOption("de");
    await page.getByRole("heading", { name: "Konto und Anzeige" }).waitFor();
    await page.setViewportSize({ width: 360, height: 740 });
    for (const hash of ["#/", "#/zones/space1", "#/model", "#/system"]) {
      await go(hash);
      expect([hash, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([hash, 360]);
    }
    expect(complaints).toEqual([]);
    await close();
  });

  it("a viewer sees comfort and savings as the interface gives them, without axe complaining, and can change nothing", async () => {
    watcher = await open("eve", { viewport: { width: 360, height: 740 } });
    const { page, complaints, go } = watcher;
    const answered = async <T>(path: RegExp, act: () => Promise<unknown>): Promise<T> => {
      const [answer] = await Promise.all([page.waitForResponse((response) => path.test(response.url())), act()]);
      return (await answer.json()) as T;
    };
    const comfort = await answered<ComfortView>(/v1\/comfort/, () => go("#/comfort"));
    const row = page.locator('[data-table="comfort-zones"] tbody tr').first();
    const shown = await row.locator("[data-value]").evaluateAll((cells) => cells.map((cell) => (cell as HTMLElement).dataset.value));
    expect(shown).toContain(String(comfort.zones[0]!.inBandPct));
    const savings = await answered<SavingsView>(/v1\/savings.*method=rule/, async () => {
      await go("#/savings");
      await page.getByRole("button", { name: "The rule" }).click();
    });
    await page.waitForFunction(
      (days) => document.querySelectorAll("[data-table=savings-days] tr[data-day]").length === days,
      savings.days.length,
    );
    const actual = '[data-table="savings-days"] tr[data-day] td:nth-child(2)';
    const kwh = await page.locator(actual).evaluateAll((cells) => cells.map((cell) => (cell as HTMLElement).dataset.value ?? "null"));
    expect(kwh.sort()).toEqual(savings.days.map(({ actualKwh }) => String(actualKwh)).sort());
    await go("#/zones/space1");
    expect(await page.locator('[data-action="override"]').count()).toBe(0);
    const charts = new Set<string>();
    for (const hash of viewsOfAll) {
      await go(hash);
      expect([hash, await axe(page)]).toEqual([hash, []]);
      expect([hash, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([hash, 360]);
      if ((await checkCharts(page)) > 0) charts.add(hash);
      // The visitor's system asks for reduced motion.
      const moving = await page.evaluate(() => {
        const seconds = (text: string): number =>
          Math.max(...text.split(",").map((one) => Number.parseFloat(one) * (one.includes("ms") ? 0.001 : 1)));
        return [...document.querySelectorAll("*")]
          .filter((element) => {
            const { transitionDuration, animationDuration } = getComputedStyle(element);
            return seconds(transitionDuration) > 0.001 || seconds(animationDuration) > 0.001;
          })
          .map((element) => element.outerHTML.slice(0, 100));
      });
      expect([hash, moving]).toEqual([hash, []]);
    }
    expect([...charts]).toEqual(expect.arrayContaining(["#/zones/space1", "#/energy"]));
    const refused = await page.evaluate(async () => {
      const session = (await (await fetch("api/v1/session")).json()) as SessionView;
      const answer = await fetch("api/v1/models/rollback", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrfToken ?? "" },
        body: JSON.stringify({ reason: "no right to" }),
      });
      return answer.status;
    });
    expect(refused).toBe(403);
    expect(complaints.filter((text) => !text.includes("403"))).toEqual([]);
  });

  it("a daemon that was killed shows within 10 s, its last plan stays as stored, and the page comes back with the next daemon", async () => {
    const { page, go } = watcher;
    await go("#/zones/space1");
    await page.getByRole("button", { name: "Show as table" }).first().click();
    await page.locator('[data-table="plan"] tbody tr').first().waitFor();
    const site = await getJson<SiteInfo>(`${base}api/v1/site`);
    await daemon.end("SIGKILL");
    await page.locator(".banner-bad", { hasText: "Connection lost" }).waitFor({ timeout: 10_000 });
    const shown = await page
      .locator('[data-table="plan"] tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) =>
          Object.fromEntries([...row.querySelectorAll("td")].map((cell) => [cell.dataset.column, Number(cell.dataset.value)])),
        ),
      );
    const id = (await page.locator('[data-diagnostic="decisionId"]').textContent())!;
    const reason = await page.locator("[data-reason]").getAttribute("data-reason");
    const zoneReason = await page.locator("[data-zone-reason]").getAttribute("data-zone-reason");
    const said = await page.locator("[data-reason]").textContent();
    const labels = new Map(site.zones.map(({ id, label }) => [id, label]));
    const withLabels = (text: string): string => text.replace(/space\d/g, (id) => labels.get(id)!);
    const store = await openDuckdbStore(join(directory, "data"), { onWarning: () => undefined });
    const decision = (await store.decision(id))!;
    const zone = decision.plan.chosen.zones.space1!;
    const column = (name: string) => shown.map((row) => row[name]);
    expect(reason).toBe(decision.plan.reason);
    // On the screen zones go by their labels.
    expect(said).toBe(withLabels(decision.plan.reason));
    expect(zoneReason).toBe(decision.plan.zoneReasons!.space1);
    expect(column("Expected")).toEqual(zone.meanC);
    for (const [name, z] of [
      ["p5", -z95],
      ["p10", -z90],
      ["p90", z90],
      ["p95", z95],
    ] as const)
      expect(column(name)).toEqual(zone.meanC.map((meanC, t) => meanC + z * zone.stdDevK[t]!));
    // Another night's model and an alarm, for what comes next.
    const original = modelFromJson((await store.modelVersion(learned))!.json);
    await store.saveModelVersion(versionOf({ ...original, version: "other-night" }, 10, { site: "demo", accepted: "no" }));
    await store.putAlarm({
      id: "valve:space2",
      level: "warning",
      zone: "space2",
      text: "A valve sticks.",
      action: "Look at it.",
      sinceMs: decision.timeMs,
      clearedMs: null,
    });
    await store.close();
    const siteFile = join(directory, "site.yaml");
    const { port } = new URL(base);
    const text = readFileSync(siteFile, "utf8");
    expect(text).toMatch(/dashboard:\n(?:.*\n)*? +port: 0/);
    daemon = startDaemon([
      "--config",
      quickSite(directory, (demo) => demo.replace(/(dashboard:\n(?:.*\n)*? +port: )0/, `$1${port}`)),
      "--speed",
      "300",
    ]);
    expect(await daemon.dashboardUrl()).toBe(base);
    await page.locator('[data-connection="live"]').waitFor({ timeout: 60_000 });
    expect(await page.locator(".banner-bad").isVisible()).toBe(false);
    await watcher.close();
    expect(await inCharge()).toBe(learned);
  });

  it("an operator sees to an alarm from before the restart; an admin promotes a version with a reason, and it is in force", async () => {
    const bob = await open("bob");
    await bob.go("#/alarms");
    const alarm = bob.page.locator(".alarm-row, li", { hasText: "A valve sticks." }).first();
    await alarm.getByLabel("Note (optional)").fill("ordered a new one");
    await bob.page.keyboard.press("Tab");
    await bob.page.keyboard.press("Enter");
    await bob.page.getByText("bob sees to it since").waitFor();
    const { alarms } = await getJson<{ alarms: readonly Alarm[] }>(`${base}api/v1/alarms`);
    expect(alarms.find(({ id }) => id === "valve:space2")?.acknowledged).toMatchObject({ by: "bob", note: "ordered a new one" });
    await bob.close();
    const { page, complaints, go, close } = await open("ada");
    await go("#/model");
    await page.locator('[data-version="other-night"] [data-action="promote"]').click();
    await page.getByRole("dialog").getByLabel("Reason").fill("it knew the spring");
    await page.keyboard.press("Enter");
    await page.locator(".form-done", { hasText: "other-night is in force" }).waitFor();
    const models = await getJson<ModelsView>(`${base}api/v1/models`);
    expect(models).toMatchObject({ inForce: "other-night", changes: [{ kind: "promoted", by: "ada", reason: "it knew the spring" }, {}] });
    await page.locator('[data-action="rollback"]').click();
    await page.getByRole("dialog").getByLabel("Reason").fill("it did not");
    await page.keyboard.press("Enter");
    await page.locator(".form-done", { hasText: `${learned} is in force` }).waitFor();
    expect(await getJson<ModelsView>(`${base}api/v1/models`)).toMatchObject({
      inForce: learned,
      changes: [{ kind: "rolled-back", by: "ada" }, {}, {}],
    });
    await go("#/admin");
    for (const what of ["model.promote", "model.rollback"]) await page.locator("[data-audit]", { hasText: what }).waitFor();
    expect(await axe(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});
