import { existsSync } from "node:fs";

/** Opens the overview with an empty cache on a throttled processor; null where there is no Chromium to do it with. */
export const firstView = async (
  base: string,
  throttling: number,
): Promise<{ readonly readyMs: number; readonly bytes: number; readonly requests: number } | null> => {
  const executablePath = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
    (path) => path !== undefined && existsSync(path),
  );
  if (executablePath === undefined) return null;
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-sync",
    ],
  });
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Emulation.setCPUThrottlingRate", { rate: throttling });
    let bytes = 0;
    let requests = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => {
      bytes += encodedDataLength;
      requests++;
    });
    await page.goto(base, { waitUntil: "commit" });
    for (const part of [".tile-temp", ".strip .stat"]) await page.locator(part).first().waitFor({ timeout: 60_000 });
    // The page's own clock began with the navigation. A text: what runs in the page is not code of this program.
    const readyMs: number = await page.evaluate("performance.now()");
    return { readyMs, bytes, requests };
  } finally {
    await browser.close();
  }
};
