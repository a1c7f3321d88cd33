import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { openServiceManager, type ServiceManager } from "#adapters/serviceManager/serviceManager";
import { createHeartbeat } from "#cli/daemon/heartbeat";
import { feedWatchdog } from "#cli/daemon/serviceWatchdog";

const root = fileURLToPath(new URL("../../", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "isotherm-notify-"));
const listeners: ChildProcess[] = [];
afterAll(() => {
  for (const child of listeners) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
});
const hasPython = process.platform === "linux" && spawnSync("python3", ["-c", "0"]).status === 0;

/** Node has no datagram sockets of this kind: Python listens where systemd would, and prints what it is told. */
const listen = async (path: string): Promise<{ readonly said: () => string[]; until(count: number): Promise<string[]> }> => {
  const code = `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); print("listening",flush=True)
while True: print(s.recv(4096).decode().replace("\\n"," "),flush=True)`;
  const child = spawn("python3", ["-c", code, path], { stdio: ["ignore", "pipe", "inherit"] });
  listeners.push(child);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const lines = (): string[] => text.split("\n").filter((line) => line !== "");
  const wait = async (count: number): Promise<string[]> => {
    while (lines().length < count + 1) await new Promise((resolve) => setTimeout(resolve, 10));
    return lines().slice(1);
  };
  await wait(0);
  return { said: () => lines().slice(1), until: wait };
};

const recorded = (watchdogMs: number | null) => {
  const states: string[] = [];
  const manager: ServiceManager = { watchdogMs, notify: async (state) => void states.push(state) };
  return { states, manager };
};

describe("the service manager", () => {
  it("is told nothing where there is none", async () => {
    const warnings: string[] = [];
    const manager = await openServiceManager((text) => warnings.push(text), {});
    await manager.notify("READY=1");
    expect([manager.watchdogMs, warnings]).toEqual([null, []]);
  });

  it("watches only whom it means, and a socket that is gone is told of once", async () => {
    const env = { NOTIFY_SOCKET: join(scratch, "nowhere"), WATCHDOG_USEC: "3000000" };
    expect((await openServiceManager(() => undefined, env)).watchdogMs).toBe(3_000);
    expect((await openServiceManager(() => undefined, { ...env, WATCHDOG_PID: String(process.pid) })).watchdogMs).toBe(3_000);
    expect((await openServiceManager(() => undefined, { ...env, WATCHDOG_PID: "1" })).watchdogMs).toBeNull();
    expect((await openServiceManager(() => undefined, { ...env, WATCHDOG_USEC: undefined })).watchdogMs).toBeNull();
  });

  it.skipIf(!hasPython)("hears through a real socket when the process is ready (Python listens)", async () => {
    const path = join(scratch, "notify");
    const heard = await listen(path);
    const script = `const { openServiceManager } = await import(${JSON.stringify(join(root, "dist/src/adapters/serviceManager/serviceManager.js"))});
      const manager = await openServiceManager((text) => console.error(text));
      await manager.notify("READY=1");
      await manager.notify("WATCHDOG=1");`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: "1000000" },
      stdio: ["ignore", "inherit", "pipe"],
    });
    let problems = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      problems += text;
    });
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(0);
    expect(problems).toBe("");
    expect((await heard.until(2)).map((line) => line.trim())).toEqual(["READY=1", "WATCHDOG=1"]);
  });
});

describe("the watchdog", () => {
  it("is fed while the control loop ticks, and not once it does not", async () => {
    let nowMs = 0;
    const heartbeat = createHeartbeat(1_000, () => nowMs);
    const { states, manager } = recorded(30);
    const warnings: string[] = [];
    const stop = await feedWatchdog(manager, heartbeat, (text) => warnings.push(text));
    const fed = async (): Promise<boolean> => {
      const before = states.length;
      await new Promise((resolve) => setTimeout(resolve, 120));
      return states.length > before;
    };
    expect(states).toEqual(["READY=1"]);
    heartbeat.beat();
    expect(await fed()).toBe(true);
    nowMs = 62_001;
    expect(await fed()).toBe(false);
    expect(warnings).toHaveLength(1);
    heartbeat.beat();
    expect(await fed()).toBe(true);
    stop();
    expect(await fed()).toBe(false);
    expect(new Set(states.slice(1))).toEqual(new Set(["WATCHDOG=1"]));
  });
  it("is not fed where nobody watches", async () => {
    const { states, manager } = recorded(null);
    (await feedWatchdog(manager, createHeartbeat(1_000), () => undefined))();
    expect(states).toEqual(["READY=1"]);
  });
});

describe("the heartbeat", () => {
  it("is late two steps and a minute after the last tick's end, and never before the first", () => {
    let nowMs = 0;
    const heartbeat = createHeartbeat(900_000, () => nowMs);
    nowMs = 1e9;
    expect(heartbeat.isLate).toBe(false);
    heartbeat.beat();
    nowMs += 1_860_000;
    expect(heartbeat.isLate).toBe(false);
    nowMs += 1;
    expect(heartbeat.isLate).toBe(true);
    heartbeat.beat();
    expect(heartbeat.isLate).toBe(false);
  });
});
