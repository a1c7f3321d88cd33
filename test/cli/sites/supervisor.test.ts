import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SitesSupervisor, superviseSites } from "#cli/sites/supervisor";
import { Turns } from "#cli/sites/turns";

/** A process of sites that lives as the real one does, and misbehaves for a site called after what it does. */
const script = `
let sites = [];
setInterval(() => process.send({ kind: "beat" }), 50);
process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  if (message.kind === "stop") process.exit(0);
  if (message.kind === "report") process.send({ kind: "report", ask: message.ask, metrics: [],
    health: Object.fromEntries(sites.map((id) => [id, { ok: true, text: "", phase: "controlling" }])) });
  if (message.kind !== "start") return;
  sites = message.sites.map(({ id }) => id);
  const bad = sites.find((id) => ["throws", "loops", "fills"].includes(id));
  if (bad === undefined) return;
  process.send({ kind: "busy", site: bad, isBusy: true });
  setTimeout(() => {
    if (bad === "throws") throw new Error("on purpose");
    if (bad === "loops") for (;;);
    const kept = [];
    for (;;) kept.push(Array.from({ length: 1e5 }, (_, i) => ({ i })));
  }, 100);
});`;

describe("a daemon of many sites", () => {
  let folder = "";
  let supervisor: SitesSupervisor | null = null;
  let said: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "isotherm-supervisor-"));
    writeFileSync(join(folder, "group.cjs"), script);
    said = [];
  });
  afterEach(async () => {
    await supervisor?.close(2_000);
    rmSync(folder, { recursive: true, force: true });
  });
  const start = (ids: readonly string[], processes: number): SitesSupervisor =>
    superviseSites({
      sites: ids.map((id) => ({ id, file: `${id}.yaml`, phaseS: 0 })),
      processes,
      speed: 1,
      turns: new Turns({ plan: { atOnce: 1, longestMs: 1_000 }, learn: { atOnce: 1, longestMs: 1_000 } }),
      spawn: (): ChildProcess =>
        fork(join(folder, "group.cjs"), [], { execArgv: ["--max-old-space-size=40"], stdio: ["ignore", "ignore", "ignore", "ipc"] }),
      log: pino({ level: "silent" }),
      say: (line) => said.push(line),
      hangMs: 1_500,
    });
  const stateOf = async (id: string) => (await supervisor!.report()).sites.find((site) => site.id === id)!;
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    const endMs = performance.now() + 15_000;
    while (!(await condition())) {
      if (performance.now() > endMs) throw new Error(`never:\n${said.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  it("sets sites apart that throw, loop or fill the memory, starts them again after a wait that doubles, and lets the others run on", async () => {
    const kinds = ["throws", "loops", "fills"];
    supervisor = start(["a", "throws", "b", "loops", "c", "fills", "d"], 4);
    await until(async () => (await stateOf("d")).health.ok);
    const pidOfOther = (await stateOf("d")).pid;
    // Twice each: it is started again, and fails again, alone.
    for (const kind of kinds) await until(async () => (await stateOf(kind)).failures >= 2);
    for (const id of ["a", "b", "c"]) await until(async () => (await stateOf(id)).health.ok);
    const { sites } = await supervisor.report();
    const pids = new Map(sites.map(({ id, pid }) => [id, pid]));
    expect(pids.get("d")).toBe(pidOfOther);
    expect(sites.filter(({ id }) => !kinds.includes(id)).map(({ failures }) => failures)).toEqual([0, 0, 0, 0]);
    for (const kind of kinds) {
      expect(sites.filter(({ id, pid }) => id !== kind && pid !== null && pid === pids.get(kind))).toEqual([]);
      expect((await stateOf(kind)).lastFailure).toMatch(kind === "loops" ? /did not answer/ : /ended/);
      for (const seconds of [1, 2])
        expect(said.filter((line) => line.endsWith(`${kind} is started again in ${seconds} s.`))).toHaveLength(1);
    }
  }, 40_000);
});
