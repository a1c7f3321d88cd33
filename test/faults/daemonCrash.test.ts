import { afterAll, describe, expect, it } from "vitest";
import { createMqttBus } from "#adapters/mqtt/mqttBus";
import { decode } from "#adapters/mqtt/wire";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import {
  AT_ONCE_NODE_STARTS,
  cleanUp,
  getJson,
  quickSite,
  type RunningDaemon,
  runCommandLine,
  startDaemon,
  temporaryDirectory,
  until,
} from "../e2e/daemonProcess.js";

const points = "space1.zoneAirTempC,space5.zoneAirTempC,building.hvacPowerW";
const exported = async (site: string): Promise<readonly string[]> => {
  const { code, stdout, stderr } = await runCommandLine([
    "export",
    "--config",
    site,
    "--points",
    points,
    "--from",
    "1990-12-01",
    "--to",
    "1992-01-01",
  ]);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim().split("\n").slice(1);
};
const epochOf = async (daemon: RunningDaemon): Promise<number> => {
  const bus = createMqttBus({ url: await daemon.mqttUrl(), clientId: "reader", protocol: "3.1.1" });
  try {
    return await new Promise<number>((resolve) => {
      void bus.subscribe("isotherm/demo/zone/space1/setpoint", ({ payload }) => {
        const decoded = decode.setpoint(payload);
        if (decoded.ok) resolve(decoded.value.epoch);
      });
    });
  } finally {
    await bus.close();
  }
};

describe("a daemon that is killed (SIGKILL)", () => {
  afterAll(cleanUp);

  it("starts again where it was: no acknowledged row lost, the model at work at once, its commands above those of before", async () => {
    const site = quickSite(temporaryDirectory());
    let before: readonly string[] = [];
    let epoch = 0;
    let decisionId = "";
    const killAfterMs = [0, 700, 1_900];
    for (const [round, waitMs] of killAfterMs.entries()) {
      const daemon = startDaemon(["--config", site, "--speed", "600"]);
      const dashboard = await daemon.dashboardUrl();
      if (round > 0) {
        await daemon.says(/Building +goes on at/);
        await daemon.says(/Model \S+ from before the restart is in use/);
        // Everything that the killed one had acknowledged is there. Minutes that the building lives again may have been measured anew.
        const now = await exported(site);
        const times = new Set(now.map((row) => row.slice(0, row.indexOf(","))));
        expect(before.filter((row) => !times.has(row.slice(0, row.indexOf(","))))).toEqual([]);
        const kept = new Set(now);
        expect(before.slice(0, -120).filter((row) => !kept.has(row))).toEqual([]);
        expect((await getJson<{ id: string }>(`${dashboard}api/v1/decisions/${decisionId}`)).id).toBe(decisionId);
      }
      const status = await until(async () => {
        const shown = await getJson<DaemonStatus>(`${dashboard}api/v1/status`);
        return shown.controller === "mppi" && shown.modelVersion !== null ? shown : null;
      }, "the planner in charge");
      expect(status.phase === "controlling" || status.phase === "degraded").toBe(true);
      const now = await epochOf(daemon);
      expect(now).toBeGreaterThan(epoch);
      epoch = now;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      decisionId = (await getJson<{ id: string }>(`${dashboard}api/v1/decisions/latest`)).id;
      before = await exported(site);
      expect(before.length).toBeGreaterThan(3 * 96);
      expect((await daemon.end("SIGKILL")).code).toBeNull();
    }
    const last = startDaemon(["--config", site, "--speed", "600"]);
    await last.says(/Building +goes on at/);
    expect((await last.end("SIGTERM")).code).toBe(0);
  }, 240_000);

  it("simulates its history again where it was killed in the middle of it", async () => {
    // Three days are simulated before the signal arrives; four weeks are not.
    const days = 28;
    const site = quickSite(temporaryDirectory(), (text) => text.replace("history: 3 d", `history: ${days} d`));
    const first = startDaemon(["--config", site, "--speed", "60"]);
    await first.says(new RegExp(`History +day 1 of ${days}`));
    await first.end("SIGKILL");
    expect(first.stdout()).not.toContain(`History day ${days} of ${days}`);
    const second = startDaemon(["--config", site, "--speed", "60"]);
    await second.says(new RegExp(`History +day ${days} of ${days}[\\s\\S]*Time `));
    expect((await exported(site)).length).toBeGreaterThanOrEqual(days * 96);
    expect((await second.end("SIGTERM")).code).toBe(0);
  }, 240_000);
});

describe("a daemon that is told to end (SIGTERM) while it is busy", () => {
  afterAll(cleanUp);
  it.each(["Dashboard", "History +day 1", "Time ", "learned from"])("ends at once right after it said %s", async (words) => {
    const daemon = startDaemon(["--config", quickSite(temporaryDirectory()), "--speed", "120"]);
    await daemon.says(new RegExp(words));
    const { code, nodeStarts } = await daemon.end("SIGTERM");
    expect(code).toBe(0);
    expect(nodeStarts).toBeLessThan(AT_ONCE_NODE_STARTS);
  });
});
