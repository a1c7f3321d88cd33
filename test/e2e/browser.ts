import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";

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
