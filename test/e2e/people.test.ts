import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OverviewView } from "#dashboards/server/wire";
import { createAlarmBoard } from "#loop/alarmBoard";
import { passwords, quickScrypt, threePeople } from "../dashboards/client.js";
import { getBody, inMemoryPeople, type RunningDashboard, serve } from "../dashboards/server.js";
import { buildOffice, type Office } from "../fixtures/officeStore.js";
import { buildPagesIfStale, chromiumArguments, chromiumPath } from "./browser.js";

const webRoot = join(import.meta.dirname, "../../dist/dashboards/web");
const require = createRequire(import.meta.url);

describe.skipIf(chromiumPath === undefined)("people in Chromium (skipped where no chromium is installed)", () => {
  let browser: Browser;
  let office: Office;
  let dashboard: RunningDashboard;
  const serveOffice = async (people: Awaited<ReturnType<typeof threePeople>>): Promise<RunningDashboard> => {
    const board = createAlarmBoard({ store: office.store, onError: (error) => expect.unreachable(String(error)) });
    await board.set(
      true,
      { id: "sensor-stale:space1", level: "warning", zone: "space1", text: "The sensor is silent.", action: "Look at its battery." },
      office.nowMs,
    );
    return serve(office, {
      webRoot,
      people: { store: inMemoryPeople(people), audit: office.store, scryptCost: quickScrypt },
      orders: {
        acknowledge: (id, acknowledgement) => board.acknowledge(id, acknowledgement),
        examine: async () => [
          { check: "Broker", state: "ok", text: "answers", todo: "" },
          { check: "Clock", state: "failed", text: "It is 1970.", todo: "Set the clock." },
        ],
      },
    });
  };
  beforeAll(async () => {
    await buildPagesIfStale();
    browser = await chromium.launch({ executablePath: chromiumPath!, args: chromiumArguments });
    office = await buildOffice();
    dashboard = await serveOffice(await threePeople());
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
  });

  const open = async (hash: string, base = dashboard.base, options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      // A refusal that a page shows is in the browser's log, too.
      if ((message.type() === "error" || message.type() === "warning") && !/status of 40[0-9]/.test(message.text()))
        complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${base}/${hash}`);
    await page.locator("h1").waitFor();
    return { page, complaints, close: () => context.close() };
  };
  const logIn = async (page: Page, name: keyof typeof passwords): Promise<void> => {
    await page.goto(`${page.url().split("#")[0]}#/login`);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill(passwords[name]);
    await page.keyboard.press("Enter");
    await page.locator(".user-link", { hasText: name }).waitFor();
  };
  const axe = async (page: Page): Promise<string[]> => {
    await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
    return page.evaluate(async () => {
      const runner = (globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } })
        .axe;
      return (await runner.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
    });
  };

  it("the first user is made with the token, by keyboard alone, and is an admin from then on", async () => {
    const own = await serveOffice({ users: [], tokens: [] });
    const { page, complaints, close } = await open("#/setup", own.base);
    await page.getByLabel("Set-up token").focus();
    await page.keyboard.type("wrong");
    await page.keyboard.press("Tab");
    await page.keyboard.type("ada");
    await page.keyboard.press("Tab");
    await page.keyboard.type(passwords.ada);
    await page.keyboard.press("Enter");
    await page.locator(".form-problem", { hasText: "wrong" }).waitFor();
    await page.getByLabel("Set-up token").fill(own.setupToken!);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "People" }).waitFor();
    expect(await page.locator(".user-link").textContent()).toBe("ada");
    expect(complaints).toEqual([]);
    await close();
    await own.close();
  });

  it("shows what each role may: nobody sees buttons that would be refused", async () => {
    for (const [name, acknowledges, manages] of [
      [null, false, false],
      ["eve", false, false],
      ["bob", true, false],
      ["ada", true, true],
    ] as const) {
      const { page, close } = await open("#/");
      if (name !== null) await logIn(page, name);
      await page.goto(`${dashboard.base}/#/alarms`);
      const alarm = page.locator('[data-alarm="sensor-stale:space1"]');
      await alarm.waitFor();
      expect([name, await alarm.locator('[data-action="acknowledge"]').isVisible()]).toEqual([name, acknowledges]);
      expect([name, await page.getByRole("link", { name: "People" }).isVisible()]).toEqual([name, manages]);
      await page.goto(`${dashboard.base}/#/system`);
      await page.locator('[data-table="sources"] tbody tr').first().waitFor();
      expect([name, await page.locator('[data-action="examine"]').isVisible()]).toEqual([name, acknowledges]);
      await close();
    }
  });

  it("a wrong password is refused in words and keeps the name that was typed", async () => {
    const { page, close } = await open("#/login");
    await page.getByLabel("Name").fill("eve");
    await page.getByLabel("Password").fill("not the right one");
    await page.keyboard.press("Enter");
    await page.locator(".form-problem", { hasText: "wrong" }).waitFor();
    expect(await page.getByLabel("Name").inputValue()).toBe("eve");
    await close();
  });

  it("an operator acknowledges an alarm: shown once the server has stored who and when", async () => {
    const { page, complaints, close } = await open("#/alarms");
    await page.locator('[data-alarm="sensor-stale:space1"] .hint', { hasText: "operator" }).waitFor();
    await logIn(page, "bob");
    await page.goto(`${dashboard.base}/#/alarms`);
    const alarm = page.locator('[data-alarm="sensor-stale:space1"]');
    expect(await alarm.textContent()).toContain("Look at its battery.");
    await alarm.getByLabel("Note (optional)").fill("Battery ordered");
    await alarm.getByRole("button", { name: "Acknowledge" }).click();
    await page.locator(".alarm-seen", { hasText: "bob" }).waitFor();
    expect(await alarm.textContent()).toContain("Battery ordered");
    expect(await page.locator(".lead").textContent()).toContain("1 not acknowledged");
    const stored = (await office.store.alarms(0)).find(({ id }) => id === "sensor-stale:space1");
    expect(stored?.acknowledged).toEqual({ by: "bob", timeMs: office.nowMs, note: "Battery ordered" });
    expect(complaints).toEqual([]);
    await close();
  });

  it("an operator has everything examined and reads what to do", async () => {
    const { page, close } = await open("#/");
    await logIn(page, "bob");
    await page.goto(`${dashboard.base}/#/system`);
    await page.getByRole("button", { name: "Examine" }).click();
    await page.locator(".finding-failed", { hasText: "Set the clock." }).waitFor();
    expect(await page.locator(".finding-ok").count()).toBe(1);
    await close();
  });

  it("an admin adds a user and a token, whose secret is shown once, and finds both in the audit log", async () => {
    const { page, complaints, close } = await open("#/");
    await logIn(page, "ada");
    await page.getByRole("link", { name: "People" }).click();
    const hostile = '<img src=x onerror="window.broken = true">';
    const users = page.locator("section", { has: page.getByRole("heading", { name: "Users" }) });
    await users.getByLabel("Name").fill("Zoë");
    await users.getByLabel("Password").fill("four green lanterns");
    await users.getByRole("button", { name: "Add user" }).click();
    await page.locator('[data-user="Zoë"]').waitFor();
    const tokens = page.locator("section", { has: page.getByRole("heading", { name: "API tokens" }) });
    await tokens.getByLabel("Label").fill(hostile);
    await tokens.getByRole("button", { name: "Add token" }).click();
    const secret = (await page.locator("[data-secret]").textContent())!;
    const answer = await fetch(`${dashboard.base}/api/v1/overview`, { headers: { Authorization: `Bearer ${secret}` } });
    expect(answer.status).toBe(200);
    await page.locator("[data-audit]", { hasText: "token.create" }).waitFor();
    expect(await page.locator("[data-audit]", { hasText: "user.create" }).first().textContent()).toContain("Zoë");
    expect(await page.evaluate(() => (globalThis as { broken?: boolean }).broken)).toBeUndefined();
    await page.reload();
    await page.locator("[data-token]").first().waitFor();
    expect(await page.locator("body").textContent()).not.toContain(secret);
    await page.getByRole("button", { name: "Remove Zoë" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    expect(await page.locator('[data-user="Zoë"]').count()).toBe(1);
    await page.getByRole("button", { name: "Remove Zoë" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.locator('[data-user="Zoë"]').waitFor({ state: "detached" });
    expect(complaints).toEqual([]);
    await close();
  });

  it("logs out, and what needs a role is gone", async () => {
    const { page, close } = await open("#/");
    await logIn(page, "ada");
    await page.locator(".user-link").click();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.locator(".user-link", { hasText: "Log in" }).waitFor();
    expect(await page.getByRole("link", { name: "People" }).isVisible()).toBe(false);
    await close();
  });

  it("from elsewhere shows the way in and nothing of the building", async () => {
    const { page, close } = await open("#/", dashboard.base, {
      extraHTTPHeaders: { "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https" },
    });
    await page.getByLabel("Password").waitFor();
    expect(await page.locator("body").textContent()).not.toContain("Riverside");
    await close();
    const plain = await open("#/", dashboard.base, { extraHTTPHeaders: { "X-Forwarded-For": "203.0.113.7" } });
    await plain.page.getByText("Passwords do not travel unencrypted").waitFor();
    expect(await plain.page.getByLabel("Password").count()).toBe(0);
    await plain.close();
  });

  it("speaks German, in words, dates and numbers, from the choice or the browser's language, and says so to screen readers", async () => {
    const { page, complaints, close } = await open("#/account");
    await page.getByLabel("Language", { exact: true }).selectOption("de");
    await page.getByRole("heading", { name: "Konto und Anzeige" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("de");
    await page.goto(`${dashboard.base}/#/`);
    await page.getByRole("heading", { name: "Neueste Entscheidungen" }).waitFor();
    expect(await page.locator(".tile-temp").first().textContent()).toMatch(/^\d+,\d\s°C$/);
    for (const [hash, words] of [
      ["#/zones/space4", "Warum jetzt"],
      ["#/comfort", "Schlechteste Stunden"],
      ["#/energy", "Energie je Stunde"],
      ["#/alarms", "Anstehend"],
      ["#/system", "Datenquellen"],
    ] as const) {
      await page.goto(`${dashboard.base}/${hash}`);
      await page.getByRole("heading", { name: words }).waitFor();
      await page.waitForFunction(() => document.querySelector(".lead")?.textContent !== "Wird geladen …");
    }
    expect(complaints).toEqual([]);
    await close();
    const own = await open("#/alarms", dashboard.base, { locale: "de-CH" });
    await own.page.getByRole("heading", { name: "Alarme" }).waitFor();
    await own.close();
  });

  it("shows °F where it was chosen, converted from what is stored", async () => {
    const { page, close } = await open("#/account");
    // The choice loads the page anew; going elsewhere before would take that back.
    await Promise.all([page.waitForEvent("load"), page.getByLabel("Temperatures in").selectOption("F")]);
    await page.goto(`${dashboard.base}/#/`);
    await page.locator(".tile-temp").first().waitFor();
    const { zones } = await getBody<OverviewView>(dashboard, "/api/v1/overview");
    for (const { id, zoneAirTempC } of zones) {
      const shown = page.locator(`[data-zone="${id}"] .tile-temp`);
      expect(Number(await shown.getAttribute("data-value"))).toBe(zoneAirTempC);
      expect(await shown.textContent()).toBe(`${(zoneAirTempC! * 1.8 + 32).toFixed(1)}\u00a0°F`);
    }
    await page.goto(`${dashboard.base}/#/zones/space4`);
    await page.locator(".lead-temp").waitFor();
    expect(await page.locator("canvas").first().getAttribute("aria-label")).toMatch(/°F/);
    await page.locator(".why-card .facts").waitFor();
    expect(await page.locator(".strip").textContent()).not.toMatch(/°C/);
    await close();
  });

  it.each(["light", "dark"] as const)(
    "has nothing for axe to find on the pages about people in %s, and fits 360 px",
    { timeout: 120_000 },
    async (colorScheme) => {
      const { page, close } = await open("#/login", dashboard.base, { colorScheme, viewport: { width: 360, height: 740 } });
      expect(await axe(page)).toEqual([]);
      await logIn(page, "ada");
      for (const hash of ["#/alarms", "#/system", "#/admin", "#/account"]) {
        await page.goto(`${dashboard.base}/${hash}`);
        await page.locator("h1").waitFor();
        await page.waitForFunction(() => document.querySelector(".lead")?.textContent !== "Loading…");
        expect([hash, await axe(page)]).toEqual([hash, []]);
        expect([hash, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([hash, 360]);
      }
      await close();
    },
  );

  it("Swagger UI shows the interface under the content security policy, without a complaint", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${dashboard.base}/api/docs`);
    await page.getByText("/api/v1/overview").waitFor();
    await page.getByText("/api/v1/overview").click();
    await page.getByRole("button", { name: "Try it out" }).click();
    await page.getByRole("button", { name: "Execute" }).click();
    await page.locator(".live-responses-table").getByText("200", { exact: true }).first().waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });
});
