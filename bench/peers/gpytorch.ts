import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { unavailableError } from "#domain/errors";
import type { KernelSpec } from "#domain/kernel";

/** One exact log marginal likelihood, as both sides compute it. */
export interface LikelihoodCase {
  readonly name: string;
  readonly kernel: KernelSpec;
  readonly noiseVariance: number;
  /** n×d, row-major. */
  readonly x: Float64Array;
  readonly n: number;
  readonly d: number;
  readonly y: Float64Array;
}

export interface PeerRun {
  readonly ms: readonly number[];
  readonly logMarginalLikelihood: number;
  /** With respect to every log hyperparameter of the kernel and the noise. */
  readonly gradient: readonly number[];
}

export interface GpytorchPeer {
  /** e.g. `GPyTorch 1.15, torch 2.15`. */
  readonly version: string;
  remember(one: LikelihoodCase): Promise<void>;
  run(name: string, dtype: "float64" | "float32", threads: number, count: number): Promise<PeerRun>;
  close(): Promise<void>;
}

/** A script of this folder, from the sources or from dist. */
const scriptPath = (name: string): string =>
  fileURLToPath(new URL(import.meta.url.includes("/dist/") ? `../../../bench/peers/${name}` : name, import.meta.url));

/** A Python process that answers a line of JSON with a line of JSON. */
export interface PeerProcess {
  /** e.g. `GPyTorch 1.15, torch 2.15`. */
  readonly version: string;
  ask<T>(request: object): Promise<T>;
  close(): Promise<void>;
}

/** Runs a script of this folder; null where the `python3` on the path has no GPyTorch. */
export const startGpytorch = async (script: string): Promise<PeerProcess | null> => {
  if (spawnSync("python3", ["-c", "import gpytorch"], { stdio: "ignore" }).status !== 0) return null;
  const child = spawn("python3", [scriptPath(script)], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <T>(): Promise<T> => {
    const next = await lines.next();
    if (next.done === true) throw unavailableError("GPyTorch's process ended.", { todo: "Its own message stands above." });
    return JSON.parse(next.value) as T;
  };
  const { gpytorch, torch } = await answer<{ readonly gpytorch: string; readonly torch: string }>();
  return {
    version: `GPyTorch ${gpytorch}, torch ${torch}`,
    ask: <T>(request: object): Promise<T> => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return answer<T>();
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
};

/** GPyTorch's likelihoods in a Python process of its own; null where the `python3` on the path has none. */
export const openGpytorch = async (): Promise<GpytorchPeer | null> => {
  const peer = await startGpytorch("gpytorchFit.py");
  if (peer === null) return null;
  return {
    version: peer.version,
    remember: async ({ name, kernel, noiseVariance, x, n, d, y }) => {
      const rows = Array.from({ length: n }, (_, i) => Array.from(x.subarray(i * d, (i + 1) * d)));
      await peer.ask({ case: name, x: rows, y: Array.from(y.subarray(0, n)), kernel, noiseVariance });
    },
    run: (name, dtype, threads, count) => peer.ask<PeerRun>({ run: name, dtype, threads, count }),
    close: peer.close,
  };
};
