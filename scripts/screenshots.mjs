// Takes pictures of a running dashboard for the documentation: node scripts/screenshots.mjs [URL] [--out docs/images]
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string", default: "docs/images" }, zone: { type: "string" }, help: { type: "boolean", default: false } },
});
const base = (positionals[0] ?? "http://127.0.0.1:8080/").replace(/#.*$/, "");
if (values.help) {
  console.log(
    "node scripts/screenshots.mjs [URL] [--out FOLDER] [--zone ID]\nDesktop, dark and phone pictures of every page. CHROMIUM_PATH names the browser where it is not found.",
  );
  process.exit(0);
}
const executablePath = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => path !== undefined && existsSync(path),
);
if (executablePath === undefined) {
  console.error("No Chromium found. Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.");
  process.exit(69);
}

const views = [
  { name: "desktop", options: { viewport: { width: 1440, height: 900 }, colorScheme: "light" } },
  { name: "dark", options: { viewport: { width: 1440, height: 900 }, colorScheme: "dark" } },
  { name: "phone", options: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, colorScheme: "light" } },
];

const siteOf = async () => {
  try {
    const response = await fetch(new URL("api/v1/site", base));
    if (response.ok) return await response.json();
    console.error(`${base} answered ${response.status}. Give the address that the daemon printed.`);
  } catch (error) {
    console.error(`${base} does not answer (${error.cause?.code ?? error.message}). Start isotherm first: npm start`);
  }
  process.exit(69);
};

const site = await siteOf();
const zone = values.zone ?? site.zones[0]?.id;
const pages = [
  { name: "overview", hash: "#/" },
  { name: "zone", hash: `#/zones/${encodeURIComponent(zone ?? "")}` },
  { name: "comfort", hash: "#/comfort" },
  { name: "energy", hash: "#/energy" },
  { name: "savings", hash: "#/savings" },
  { name: "model", hash: "#/model" },
  { name: "schedule", hash: "#/schedule" },
  {
    name: "what-if",
    hash: "#/what-if",
    // Twice the price, answered.
    prepare: async (page) => {
      const ask = page.locator("form button[type=submit]");
      if (!(await ask.isVisible())) return;
      await page.locator("form input").nth(2).fill("2");
      await ask.click();
      await page.locator(".form-done, .form-problem").waitFor();
    },
  },
  { name: "alarms", hash: "#/alarms" },
  { name: "system", hash: "#/system" },
];
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath,
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  for (const { name: view, options } of views) {
    const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    for (const { name, hash, prepare } of pages) {
      await page.goto(`${base}${hash}`);
      await page.locator('[data-connection="live"]').waitFor();
      await page.waitForFunction(
        () =>
          [...document.querySelectorAll(".skeleton:not([hidden])")].every((one) => one.offsetParent === null) &&
          document.querySelector(".lead")?.textContent !== "Loading…",
      );
      await prepare?.(page);
      const path = join(out, `${name}-${view}.png`);
      // The whole page on a desktop; on a phone what its screen shows, with the navigation where it belongs.
      await page.screenshot({ path, fullPage: view !== "phone" });
      console.log(path);
    }
    await context.close();
  }
} finally {
  await browser.close();
}
