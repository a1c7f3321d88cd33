// Draws the web manifest's PNG icons from favicon.svg with Chromium: node scripts/makeIcons.mjs
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { checkoutRoot } from "./lib/checkout.mjs";

const folder = join(checkoutRoot, "dashboards/web/public");
const drawing = readFileSync(join(folder, "favicon.svg"), "utf8").replace(/^.*?<svg /s, "<svg ");
const executablePath = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => path !== undefined && existsSync(path),
);
if (executablePath === undefined) {
  console.error("No Chromium found. Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.");
  process.exit(69);
}
// A maskable icon fills its square and keeps its drawing within the inner circle of four fifths; so does Apple's.
const icons = [
  { name: "icon-192.png", size: 192, share: 1, fill: "transparent" },
  { name: "icon-512.png", size: 512, share: 1, fill: "transparent" },
  { name: "icon-maskable-512.png", size: 512, share: 0.72, fill: "#0f5f63" },
  { name: "apple-touch-icon.png", size: 180, share: 0.86, fill: "#0f5f63" },
];
const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
try {
  for (const { name, size, share, fill } of icons) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    await page.setContent(
      `<style>html,body{margin:0;background:${fill}}body{width:${size}px;height:${size}px;display:grid;place-items:center}svg{width:${share * 100}%}</style>${drawing}`,
    );
    const png = await page.screenshot({ omitBackground: true });
    writeFileSync(join(folder, name), png);
    console.log(`${name} ${png.length} bytes`);
    await page.close();
  }
} finally {
  await browser.close();
}
