import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { cleanUp, getJson, startDaemon, temporaryDirectory, until } from "./daemonProcess.js";

interface Health {
  readonly sites: readonly {
    readonly id: string;
    readonly pid: number | null;
    readonly failures: number;
    readonly health: { readonly ok: boolean };
  }[];
  readonly refused: readonly { readonly file: string; readonly text: string }[];
}

/** A building whose broker is not there: its daemon opens all the same. */
const siteText = (folder: string, id: string): string => `site: { id: ${id}, timeZone: UTC, latitude: 40, longitude: -70 }
building: { mqtt: {} }
zones: [{ id: hall, sensors: { zoneAirTempC: { topic: hall/temperature } } }]
mqtt: { url: "mqtt://127.0.0.1:1" }
store: { directory: ${join(folder, "data", id)} }
dashboard: { enabled: false }
log: { level: error }
`;

describe("one daemon for many buildings", () => {
  afterEach(cleanUp);

  it("refuses a broken file, runs the others, and goes on with one when the process of another is killed", async () => {
    const folder = temporaryDirectory();
    for (const id of ["north", "south"]) writeFileSync(join(folder, `${id}.yaml`), siteText(folder, id));
    writeFileSync(join(folder, "broken.yaml"), "site: { id: broken }\n");
    const daemon = startDaemon(["--sites", folder, "--status-port", "0"]);
    const [, url] = await daemon.says(/(http:\S+)\/healthz/);
    expect(daemon.stdout()).toMatch(/^Refused .*broken\.yaml/m);
    const health = (): Promise<Health> => getJson<Health>(`${url}/healthz`);
    const bothRun = async (): Promise<boolean> => (await health()).sites.every(({ health: { ok } }) => ok);
    await until(bothRun, "both sites to run");
    const before = await health();
    expect(before.refused.map(({ text }) => text)).toEqual([expect.stringContaining("broken.yaml")]);
    expect((await fetch(`${url}/healthz`)).status).toBe(503);
    expect((await fetch(`${url}/healthz?site=south`)).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const id of ["north", "south"]) expect(metrics).toMatch(new RegExp(`^isotherm_control_late\\{.*site="${id}".*\\} 0$`, "m"));
    expect(metrics.match(/^# TYPE isotherm_control_late /gm)).toHaveLength(1);

    const pidOf = (answer: Health, id: string): number => answer.sites.find((site) => site.id === id)!.pid!;
    process.kill(pidOf(before, "north"), "SIGKILL");
    await until(async () => (await health()).sites.some(({ id, failures }) => id === "north" && failures === 1), "the end noticed");
    expect((await fetch(`${url}/healthz?site=south`)).status).toBe(200);
    await until(bothRun, "north to run again");
    const after = await health();
    expect(pidOf(after, "south")).toBe(pidOf(before, "south"));
    expect(pidOf(after, "north")).not.toBe(pidOf(before, "north"));
    expect((await daemon.end("SIGTERM")).code).toBe(0);
  }, 60_000);

  it("does not start where no file can be used", async () => {
    const folder = temporaryDirectory();
    for (const name of ["a", "b"]) writeFileSync(join(folder, `${name}.yaml`), "site: {}\n");
    const daemon = startDaemon(["--sites", folder, "--status-port", "0"]);
    await new Promise((resolve) => daemon.process.once("exit", resolve));
    expect(daemon.process.exitCode).toBe(78);
    expect(daemon.stderr()).toContain("None of the 2 site files can be used.");
  }, 30_000);
});
