import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = ["mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"].find(
  (path) => spawnSync(path, ["-h"]).error === undefined,
);
export const hasMosquitto = binary !== undefined;
export const mosquittoName = hasMosquitto ? "Mosquitto" : "Mosquitto (skipped: not installed)";

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

export const until = async (condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 20_000): Promise<void> => {
  const endMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

export interface Mosquitto {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  start(): Promise<void>;
  /** Resolves when the process is gone. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** Ends it and removes its folder. */
  dispose(): Promise<void>;
}

/** A Mosquitto process of our own on a free loopback port; `extra(folder)` adds configuration lines. */
export const createMosquitto = async (extra: (folder: string) => string = () => ""): Promise<Mosquitto> => {
  const folder = await mkdtemp(join(tmpdir(), "isotherm-mosquitto-"));
  const port = await freePort();
  const config = join(folder, "mosquitto.conf");
  const more = extra(folder);
  const lines = [
    `listener ${port} 127.0.0.1`,
    // As root it would change to a user that cannot write its database here.
    `user ${process.getuid?.() === 0 ? "root" : ""}`,
    "persistence true",
    `persistence_location ${folder}/`,
    "autosave_on_changes true",
    "autosave_interval 1",
    more.includes("allow_anonymous") ? "" : "allow_anonymous true",
    more,
  ];
  await writeFile(config, lines.filter((line) => line !== "user ").join("\n"));
  let child: ChildProcess | null = null;
  const stop = async (signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> => {
    const process = child;
    if (process === null || process.exitCode !== null || process.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => process.once("exit", () => resolve()));
    process.kill(signal);
    process.kill("SIGCONT");
    await gone;
    child = null;
  };
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    folder,
    start: async () => {
      child = spawn(binary ?? "mosquitto", ["-c", config], { stdio: "ignore" });
      await until(() => answers(port), "Mosquitto to listen");
    },
    stop,
    signal: (signal) => {
      child?.kill(signal);
    },
    dispose: async () => {
      await stop("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
};
