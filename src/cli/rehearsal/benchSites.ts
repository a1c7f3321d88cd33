import { type ChildProcess, fork, spawn } from "node:child_process";
import { cpSync, createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { TimeLine } from "#cli/daemon/run";
import { endProcess, freePort, startMosquitto, untilTrue } from "#cli/rehearsal/broker";
import type { BuildingsOrder } from "#cli/rehearsal/buildings";
import { type Memory, memoryOf } from "#cli/rehearsal/memory";
import { MEMORY_PER_BUILDING_LIMIT_MB, missedLimits, TICK_LATENESS_P99_LIMIT_S } from "#cli/rehearsal/sitesLimits";
import { buildingText, controllerText, type OfficeText } from "#cli/rehearsal/siteText";
import { makeTemplate } from "#cli/rehearsal/template";

const SAMPLE_MS = 5_000;

export interface SitesBench {
  readonly sites: number;
  readonly minutes: number;
  /** Simulated seconds per second. */
  readonly speed: number;
}
/** ISOTHERM_BENCH_SITES, ISOTHERM_BENCH_MINUTES, ISOTHERM_BENCH_SPEED; whole hours at real speed are `50 60 1`. */
const fromEnvironment = (): SitesBench => {
  const of = (name: string, otherwise: number): number => Number(process.env[`ISOTHERM_BENCH_${name}`] ?? otherwise);
  return { sites: of("SITES", 50), minutes: of("MINUTES", 8), speed: of("SPEED", 6) };
};

const main = fileURLToPath(new URL("../../main.js", import.meta.url));
const buildingsScript = fileURLToPath(new URL("./buildings.js", import.meta.url));

const metric = (text: string, name: string): number => {
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? Number.NaN : Number(line.slice(name.length + 1));
};
const sumOf = (text: string, name: string, needle = ""): number =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && line.includes(needle))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
const quantile = (text: string, name: string, q: string): number => metric(text, `${name}{quantile="${q}"}`);

/** Many five-zone offices on a real Mosquitto, each simulated in another process, controlled by one daemon. Resolves with the limits it missed. */
export const benchSites = async (say: (line: string) => void, wanted: SitesBench = fromEnvironment()): Promise<readonly string[]> => {
  const { sites, minutes, speed } = wanted;
  const folder = mkdtempSync(join(tmpdir(), "isotherm-bench-sites-"));
  const running: (ChildProcess | null)[] = [];
  try {
    const port = await freePort();
    running.push(await startMosquitto(folder, port));
    const office = (id: string, directory: string): OfficeText => ({
      id,
      directory,
      timeZone: "Etc/GMT+5",
      start: "01-15",
      year: 2026,
      historyDays: 7,
      mode: "auto",
      mqtt: `  url: mqtt://127.0.0.1:${port}\n`,
    });
    const template = join(folder, "template");
    say("  a week of history and a model of it …");
    const startMs = await makeTemplate(office("template", template), template, () => undefined);
    const ids = Array.from({ length: sites }, (_, i) => `office-${String(i + 1).padStart(3, "0")}`);
    mkdirSync(join(folder, "sites"));
    mkdirSync(join(folder, "buildings"));
    const buildings = ids.map((id) => {
      const directory = join(folder, "data", id);
      cpSync(template, directory, { recursive: true });
      writeFileSync(join(folder, "sites", `${id}.yaml`), controllerText(office(id, directory)));
      const configFile = join(folder, "buildings", `${id}.yaml`);
      writeFileSync(configFile, buildingText(office(id, directory)));
      cpSync(join(template, "building.json"), join(folder, "buildings", `${id}.json`));
      return { configFile, stateFile: join(folder, "buildings", `${id}.json`) };
    });
    const timeLine: TimeLine = { startMs, anchorMs: Date.now(), speed };
    const simulated = fork(buildingsScript, [], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    running.push(simulated);
    const order: BuildingsOrder = { buildings, timeLine, broker: { url: `mqtt://127.0.0.1:${port}` } };
    simulated.send(order);
    const status = await freePort();
    const text = `${new Date(startMs).toISOString()},${timeLine.anchorMs},${speed}`;
    const beganMs = performance.now();
    const daemon = spawn(
      process.execPath,
      [main, "start", "--sites", join(folder, "sites"), "--status-port", String(status), "--time-line", text],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    running.push(daemon);
    const log = createWriteStream(join(folder, "daemon.log"));
    daemon.stdout.pipe(log, { end: false });
    daemon.stderr.pipe(log, { end: false });
    const url = `http://127.0.0.1:${status}`;
    const healthy = async (): Promise<boolean> => {
      if (daemon.exitCode !== null) throw new Error(`the daemon ended with code ${daemon.exitCode}; see ${folder}/daemon.log`);
      const answer = await fetch(`${url}/healthz`).catch(() => null);
      return answer?.status === 200;
    };
    await untilTrue("all sites to run", 120_000 + 4_000 * sites, healthy);
    const openedS = (performance.now() - beganMs) / 1_000;
    say(`  ${sites} buildings run after ${openedS.toFixed(0)} s; measuring for ${minutes} min at ${speed} times real speed`);
    const before = await (await fetch(`${url}/metrics`)).text();
    const samples: Memory[] = [];
    const endMs = performance.now() + minutes * 60_000;
    while (performance.now() < endMs) {
      await sleep(SAMPLE_MS);
      samples.push(memoryOf(daemon.pid!));
    }
    const after = await (await fetch(`${url}/metrics`)).text();
    const ok = await healthy();
    const name = "isotherm_sites_tick_lateness_seconds";
    const ticks = metric(after, `${name}_count`) - metric(before, `${name}_count`);
    const most = samples.reduce((a, b) => (b.rssMb > a.rssMb ? b : a));
    const mean = samples.reduce((sum, { rssMb }) => sum + rssMb, 0) / samples.length;
    const s = (value: number): string => `${value.toFixed(value < 1 ? 3 : 2)} s`;
    const all = sumOf(after, "isotherm_decisions_total") - sumOf(before, "isotherm_decisions_total");
    const planned = sumOf(after, "isotherm_decisions_total", 'source="mppi"') - sumOf(before, "isotherm_decisions_total", 'source="mppi"');
    say(
      `  interval 15 min simulated = ${(900 / speed).toFixed(0)} s real; every time below is in real seconds, so the load is ${speed} times that of real speed`,
    );
    say(`  ticks ${ticks}, decisions ${all}, of them by the planner ${planned}; all sites healthy at the end: ${ok ? "yes" : "NO"}`);
    say(
      `  tick lateness p50 ${s(quantile(after, name, "0.5"))}, p99 ${s(quantile(after, name, "0.99"))} (limit ${TICK_LATENESS_P99_LIMIT_S} s), most ${s(quantile(after, name, "1"))}`,
    );
    const delay = "isotherm_sites_decision_delay_seconds";
    say(
      `  decision out after its tick's time: p50 ${s(quantile(after, delay, "0.5"))}, p99 ${s(quantile(after, delay, "0.99"))}, most ${s(quantile(after, delay, "1"))}`,
    );
    say(
      `  memory per building: ${(most.rssMb / sites).toFixed(1)} MB at most, ${(mean / sites).toFixed(1)} MB on average (resident, limit ${MEMORY_PER_BUILDING_LIMIT_MB}); ` +
        `${(most.pssMb / sites).toFixed(1)} MB with shared pages counted once; ${most.processes} processes, ${most.rssMb.toFixed(0)} MB in all`,
    );
    if (!ok) say(`  ${await (await fetch(`${url}/healthz`)).text()}`);
    return missedLimits({
      tickLatenessP99S: quantile(after, name, "0.99"),
      memoryPerBuildingMb: most.rssMb / sites,
      ticks,
      healthy: ok,
    });
  } finally {
    for (const child of running.reverse()) await endProcess(child);
    if (process.env.ISOTHERM_BENCH_KEEP === undefined) rmSync(folder, { recursive: true, force: true });
    else say(`  kept: ${folder}`);
  }
};
