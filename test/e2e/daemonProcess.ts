import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const checkoutRoot = fileURLToPath(new URL("../../", import.meta.url));
export const builtMain = join(checkoutRoot, "dist/src/main.js");

/** Five seconds on an idle machine, where Node starts in 50 ms; more on a busy one. */
export const AT_ONCE_NODE_STARTS = 100;
const nodeStartMs = (): number => {
  const beganMs = performance.now();
  spawnSync(process.execPath, ["-e", "0"]);
  return performance.now() - beganMs;
};

/** The demo site made quick: three days of history, few short sequences, any free ports. `change` edits its text further. */
export const quickSite = (directory: string, change: (text: string) => string = (text) => text): string => {
  const demo = readFileSync(join(checkoutRoot, "config/sites/demo.yaml"), "utf8");
  const replacements: readonly (readonly [RegExp, string])[] = [
    [/directory: var\/demo/, `directory: ${join(directory, "data")}`],
    [/port: 1883/, "port: 0"],
    [/port: 8080/, "port: 0"],
    [/history: 7 d/, "history: 3 d"],
    [/trainingDays: 7/, "trainingDays: 3"],
    [/minDays: 3/, "minDays: 2"],
    [/samples: 1000/, "samples: 60"],
    [/horizon: 20/, "horizon: 8"],
  ];
  let text = demo;
  for (const [pattern, by] of replacements) {
    if (!pattern.test(text)) throw new Error(`${pattern} is not in the demo site`);
    text = text.replace(pattern, by);
  }
  const file = join(directory, "site.yaml");
  writeFileSync(file, change(text));
  return file;
};

export interface RunningDaemon {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the first match in what it says; rejects when it ends or `timeoutMs` pass before. */
  says(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  readonly dashboardUrl: () => Promise<string>;
  readonly mqttUrl: () => Promise<string>;
  /** Signals it and resolves with exit code and how long it took. */
  /** `nodeStarts`: how many starts of a bare Node process on this machine, as busy as it is, its end took. */
  end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly nodeStarts: number }>;
}

const started = new Set<ChildProcess>();
const directories = new Set<string>();

export const temporaryDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "isotherm-daemon-"));
  directories.add(directory);
  return directory;
};

/** Ends what tests left running and removes their directories. */
export const cleanUp = async (): Promise<void> => {
  for (const child of started) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
  started.clear();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  directories.clear();
};

export const startDaemon = (
  args: readonly string[],
  options: { readonly nodeArgs?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): RunningDaemon => {
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), builtMain, "start", ...args], {
    cwd: checkoutRoot,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.add(child);
  let out = "";
  let err = "";
  const listeners = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    for (const listener of [...listeners]) listener();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const says: RunningDaemon["says"] = (pattern, timeoutMs = 120_000) =>
    new Promise((resolve, reject) => {
      const done = (end: () => void): void => {
        clearTimeout(timer);
        listeners.delete(look);
        end();
      };
      const look = (): void => {
        const match = pattern.exec(out);
        if (match !== null) done(() => resolve(match));
      };
      const timer = setTimeout(() => done(() => reject(new Error(`it never said ${pattern}:\n${out}\n${err}`))), timeoutMs);
      listeners.add(look);
      void exited.then(() => done(() => reject(new Error(`it ended before it said ${pattern}:\n${out}\n${err}`))));
      look();
    });
  return {
    process: child,
    stdout: () => out,
    stderr: () => err,
    says,
    dashboardUrl: async () => (await says(/^Dashboard +(http:\S+)/m))[1]!,
    mqttUrl: async () => (await says(/^MQTT +(mqtt:[^\s,]+)/m))[1]!,
    end: async (signal) => {
      const startMs = nodeStartMs();
      const beganMs = performance.now();
      child.kill(signal);
      const code = await exited;
      return { code, nodeStarts: (performance.now() - beganMs) / Math.max(startMs, nodeStartMs()) };
    },
  };
};

/** Runs a command to its end. */
export const runCommandLine = (
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [...nodeArgs, builtMain, ...args], { cwd: checkoutRoot, stdio: ["ignore", "pipe", "pipe"] });
    started.add(child);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("exit", (code) => resolve({ code, stdout, stderr }));
  });

/** Asks again until the answer is there. */
export const until = async <T>(ask: () => Promise<T | null | undefined | false>, what: string, timeoutMs = 90_000): Promise<T> => {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer as T;
    if (performance.now() > endMs) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

export const getJson = async <T>(url: string): Promise<T> => (await (await fetch(url)).json()) as T;
