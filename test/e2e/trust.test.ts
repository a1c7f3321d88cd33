import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMqttBus, type MqttBus } from "#adapters/mqtt/mqttBus";
import { createMosquitto, hasMosquitto, type Mosquitto } from "../adapters/mqtt/mosquitto.js";
import { buildPagesIfStale, chromiumArguments, chromiumPath } from "./browser.js";
import { cleanUp, type RunningDaemon, startDaemon, temporaryDirectory } from "./daemonProcess.js";

/** What the screen has to say within ten seconds of a trouble, and of its end. */
const SAID_MS = 10_000;
const MAX_AGE_S = 4;

const siteText = (url: string, directory: string): string => `
site: { id: house, label: House, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building:
  mqtt: { expectedInterval: 1 s, maxAge: ${MAX_AGE_S} s }
zones:
  - { id: hall, label: Hall, sensors: { zoneAirTempC: { topic: sensors/hall } } }
  - { id: office, label: Office, sensors: { zoneAirTempC: { topic: sensors/office } } }
points:
  site.outdoorAirTempC: { topic: sensors/roof }
mqtt: { url: "${url}" }
control: { mode: auto }
store: { directory: "${directory}" }
dashboard: { port: 0 }
log: { level: warn }
`;

const missing = [hasMosquitto ? "" : "Mosquitto", chromiumPath === undefined ? "Chromium" : ""].filter((name) => name !== "");

describe.skipIf(missing.length > 0)(
  `the screen tells what the controller really knows${missing.length > 0 ? ` (skipped: no ${missing.join(", no ")})` : ""}`,
  () => {
    let broker: Mosquitto;
    let house: MqttBus;
    let daemon: RunningDaemon;
    let browser: Browser;
    let page: Page;
    let timer: NodeJS.Timeout;
    const silent = new Set<string>();

    beforeAll(async () => {
      await buildPagesIfStale();
      broker = await createMosquitto();
      await broker.start();
      const directory = temporaryDirectory();
      const file = join(directory, "site.yaml");
      writeFileSync(file, siteText(broker.url, join(directory, "data")));
      daemon = startDaemon(["--config", file]);
      house = createMqttBus({ url: broker.url, clientId: "house" });
      let k = 0;
      timer = setInterval(() => {
        if (!house.connected) return;
        k++;
        for (const [topic, value] of [
          ["sensors/hall", 20 + 0.01 * (k % 7)],
          ["sensors/office", 21 + 0.01 * (k % 5)],
          ["sensors/roof", 3.5],
        ] as const)
          if (!silent.has(topic)) void house.publish(topic, String(value)).catch(() => undefined);
      }, 500);
      const url = await daemon.dashboardUrl();
      browser = await chromium.launch({ executablePath: chromiumPath!, args: chromiumArguments });
      page = await browser.newPage({ viewport: { width: 1280, height: 900 }, locale: "en-GB" });
      await page.goto(url);
    }, 120_000);
    afterAll(async () => {
      clearInterval(timer);
      await browser?.close();
      await house?.close();
      await cleanUp();
      await broker?.dispose();
    });
    const banner = (text: string | RegExp) => page.locator(".banner:visible", { hasText: text });
    const said = async (text: string | RegExp, afterMs = 0): Promise<void> => banner(text).waitFor({ timeout: SAID_MS + afterMs });
    const gone = async (text: string | RegExp): Promise<void> => banner(text).waitFor({ state: "hidden", timeout: SAID_MS });

    it("nothing is wrong while everything reports", async () => {
      const hall = page.locator('[data-zone="hall"] .tile-temp[data-value]');
      await hall.waitFor({ timeout: 30_000 });
      await page.waitForFunction(() => Number((document.querySelector('[data-zone="hall"] .tile-temp') as HTMLElement).dataset.value) > 19);
      expect(await banner(/No new temperature|not connected/).count()).toBe(0);
      expect(await page.locator(".tile-temp.is-old").count()).toBe(0);
    }, 60_000);

    it("one silent sensor among others is named, its reading marked as old, and no longer as soon as it reports", async () => {
      silent.add("sensors/hall");
      await said(/No new temperature from: Hall/, 1_000 * MAX_AGE_S);
      const old = page.locator('[data-zone="hall"] .tile-temp.is-old');
      await old.waitFor({ timeout: SAID_MS });
      expect(await old.textContent()).toMatch(/old, of \d\d:\d\d/);
      expect(await page.locator('[data-zone="office"] .tile-temp.is-old').count()).toBe(0);
      silent.clear();
      await gone(/No new temperature/);
      await old.waitFor({ state: "detached", timeout: SAID_MS });
    }, 60_000);

    it("a broker that is away is said at once, and that it is back", async () => {
      await broker.stop("SIGKILL");
      await said(/message broker is not connected/);
      await broker.start();
      await gone(/message broker is not connected/);
    }, 60_000);

    it("a daemon that is gone is said, and what is shown marked as of then", async () => {
      await daemon.end("SIGKILL");
      await said(/Connection lost\. What you see is from/);
      expect(await page.locator('[data-connection="lost"]').count()).toBe(1);
    }, 60_000);
  },
);
