import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { firstView } from "#cli/rehearsal/dashboardFirstView";
import { benchDashboardHistory } from "#cli/rehearsal/dashboardHistory";
import { missedDashboardLimits } from "#cli/rehearsal/dashboardLimits";
import { slopeOf, watchDaemon, watchedLine } from "#cli/rehearsal/dashboardLive";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import { configurationError } from "#domain/errors";
import { median, quantile } from "#math/statistics";

const viewers = 200;
/** "Two throttled cores": half as quick as this machine's. */
const JUDGED_THROTTLING = 2;
const speed = 60;
/** The package's folder, from the sources or from dist. */
const root = fileURLToPath(new URL(import.meta.url.includes("/dist/") ? "../../../../" : "../../../", import.meta.url));

/** The demo site in a folder of its own on free ports, planning as it ships. */
const startDemo = async (folder: string): Promise<{ readonly base: string; readonly end: () => Promise<void> }> => {
  const site = join(folder, "site.yaml");
  const demo = readFileSync(join(root, "config/sites/demo.yaml"), "utf8");
  writeFileSync(
    site,
    demo
      .replace(/directory: var\/demo/, `directory: ${join(folder, "data")}`)
      .replace(/port: 1883/, "port: 0")
      .replace(/port: 8080/, "port: 0"),
  );
  const child = spawn(process.execPath, [join(root, "dist/src/main.js"), "start", "--config", site, "--speed", String(speed)], {
    cwd: root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const base = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const match = /^Dashboard +(http:\S+)/m.exec(said);
      if (match !== null) resolve(match[1]!);
    });
    child.once("exit", () => reject(configurationError("The demo daemon ended at once.", { todo: "Build it first: npm run build." })));
  });
  return {
    base,
    end: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
};

/**
 * The dashboard under load: the first view on a throttled processor, 200 live viewers on a daemon that goes on controlling, beside the same daemon without them, and a
 * year of history. ISOTHERM_BENCH_MINUTES: minutes with and minutes without viewers (10). Resolves with the limits it missed.
 */
export const benchDashboard = async (print: (line: string) => void): Promise<readonly string[]> => {
  const minutes = Number(process.env.ISOTHERM_BENCH_MINUTES ?? "10");
  if (!(minutes > 0))
    throw configurationError("ISOTHERM_BENCH_MINUTES is not a number of minutes.", { todo: "Give one above 0, such as 3." });
  await benchDashboardHistory(print);
  const folder = mkdtempSync(join(tmpdir(), "isotherm-bench-dashboard-"));
  const demo = await startDemo(folder);
  try {
    for (;;) {
      const { phase, controller } = (await (await fetch(`${demo.base}api/v1/status`)).json()) as DaemonStatus;
      if (phase === "controlling" && controller === "mppi") break;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    let firstViewMs: number | null = null;
    for (const throttling of [1, JUDGED_THROTTLING, 4]) {
      const turns = [];
      for (let turn = 0; turn < 3; turn++) turns.push(await firstView(demo.base, throttling));
      const seen = turns.filter((turn) => turn !== null);
      if (seen.length === 0) {
        print("  first view: not measured, there is no Chromium (CHROMIUM_PATH)");
        break;
      }
      const { bytes, requests } = seen[0]!;
      if (throttling === JUDGED_THROTTLING) firstViewMs = median(seen.map(({ readyMs }) => readyMs));
      print(
        `  first view, processor slowed ${throttling} times: median of ${seen.length} ${median(seen.map(({ readyMs }) => readyMs)).toFixed(0)} ms (limit 1,500), ` +
          `${(bytes / 1000).toFixed(0)} kB in ${requests} requests (limit 300)`,
      );
    }
    // One page is always watching, so that delays without the others have a measure, too.
    const alone = await watchDaemon(demo.base, 1, minutes);
    print(watchedLine(alone));
    const crowded = await watchDaemon(demo.base, viewers, minutes);
    print(watchedLine(crowded));
    return missedDashboardLimits({
      firstViewMs,
      delayP95S: crowded.delayS.length === 0 ? Number.NaN : quantile(crowded.delayS, 0.95),
      ticks: crowded.ticks,
      lateTicks: crowded.lateTicks,
      lateTicksWithout: alone.lateTicks,
      memoryMbPerMinute: slopeOf(crowded.memory),
    });
  } finally {
    await demo.end();
    rmSync(folder, { recursive: true, force: true });
  }
};
