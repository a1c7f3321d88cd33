import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unavailableError } from "#domain/errors";

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

export const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

export const untilTrue = async (what: string, longestMs: number, ask: () => boolean | Promise<boolean>): Promise<void> => {
  const endMs = performance.now() + longestMs;
  while (!(await ask())) {
    if (performance.now() > endMs) throw unavailableError(`Waited ${longestMs / 1_000} s in vain for ${what}.`);
    await sleep(100);
  }
};

/** Ends a process that was started here and waits for it. */
export const endProcess = async (child: ChildProcess | null, signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  await gone;
};

/** A Mosquitto on a port; without `lines` an open one on loopback. */
export const startMosquitto = async (folder: string, port: number, lines?: readonly string[]): Promise<ChildProcess> => {
  const binary = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"].find((path) => existsSync(path));
  if (binary === undefined) throw unavailableError("This needs Mosquitto.", { todo: "Install it (Debian: mosquitto) and try again." });
  const file = join(folder, "mosquitto.conf");
  const own = process.getuid?.() === 0 ? ["user root"] : [];
  writeFileSync(file, [...own, ...(lines ?? [`listener ${port} 127.0.0.1`, "allow_anonymous true"]), ""].join("\n"));
  const child = spawn(binary, ["-c", file], { stdio: "ignore" });
  await untilTrue("Mosquitto", 10_000, () => listens(port));
  return child;
};
