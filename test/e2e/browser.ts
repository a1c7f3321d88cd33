import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { build } from "vite";
import { expect } from "vitest";

export const chromiumPath = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path): path is string => path !== undefined && existsSync(path),
);

export const chromiumArguments = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const root = join(import.meta.dirname, "../..");

const newestMs = (folder: string): number =>
  Math.max(...readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => statSync(join(folder, name)).mtimeMs));

/** The pages as they are now lie in dist/dashboards/web. */
export const buildPagesIfStale = async (): Promise<void> => {
  const built = join(root, "dist/dashboards/web/index.html");
  if (existsSync(built) && statSync(built).mtimeMs >= newestMs(join(root, "dashboards/web"))) return;
  await build({ configFile: join(root, "dashboards/web/vite.config.ts"), logLevel: "error", mode: "production" });
};

/** Every chart on the page says in words what it shows, in figures too, and shows its numbers as a table. Returns how many charts there are. */
export const checkCharts = async (page: Page): Promise<number> => {
  let count = 0;
  for (const chart of await page.locator(".chart-card:visible").all()) {
    // Without a picture the card says that there is nothing to show yet.
    if ((await chart.locator("canvas:visible").count()) === 0) continue;
    count++;
    for (const picture of await chart.locator("canvas").all()) {
      expect(await picture.getAttribute("role")).toBe("img");
      expect(await picture.getAttribute("aria-label")).toMatch(/\d/);
    }
    await chart.getByRole("button", { name: "Show as table" }).click();
    expect(await chart.locator("table tbody tr").count()).toBeGreaterThan(0);
  }
  return count;
};
