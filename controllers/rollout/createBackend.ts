import { isMainThread } from "node:worker_threads";
import { createBatchedBackend } from "#controllers/rollout/batched/createBatchedBackend";
import type { Precision } from "#controllers/rollout/batched/createBlockPredictor";
import { createReferenceBackend } from "#controllers/rollout/reference/createReferenceBackend";
import { createWebgpuBackend, type WebgpuOptions } from "#controllers/rollout/webgpu/createWebgpuBackend";
import { findAdapter, type GpuAdapter, mayHaveAdapter } from "#controllers/rollout/webgpu/gpu";
import { unavailableError } from "#domain/errors";
import type { BackendName, RolloutBackend } from "#domain/rollout";
import { createBlasLinearAlgebra } from "#math/blasLinearAlgebra";
import { loadWasmKernels } from "#math/wasmKernels";

export interface RolloutBackendOptions {
  /** Worker threads of `wasm` and `blas`; the machine's cores, at most 4, when absent. Results do not depend on it. */
  readonly threads?: number;
  /** Of `wasm` and `blas`: float64 when absent. */
  readonly precision?: Precision;
  /** Of `webgpu`. */
  readonly webgpu?: Omit<WebgpuOptions, "substitute">;
}

/**
 * What planning computes with: half of the time, and predictions within 1e-4 K of float64's, far below what a sensor resolves (docs/performance.md). What is stored and
 * trained stays float64.
 */
export const planningPrecision: Precision = "float32";

const hasWasm = async (): Promise<boolean> => (await loadWasmKernels()) !== null;
const hasBlas = async (): Promise<boolean> => (await hasWasm()) && (await createBlasLinearAlgebra()) !== null;

/**
 * The graphics adapter that the webgpu backend would use here, looked for once; null: none. In a thread there is none: one that is ended while Dawn works for
 * it takes the whole process with it.
 */
export const findGraphicsAdapter = async (): Promise<{ readonly name: string; readonly isSoftware: boolean } | null> => {
  if (!isMainThread || !mayHaveAdapter()) return null;
  found ??= findAdapter();
  return found;
};
let found: Promise<GpuAdapter | null> | null = null;

/** Backends that this machine and installation have, fastest first; `reference` is always there. A graphics driver that computes on the processor comes last. */
export const availableBackends = async (): Promise<readonly BackendName[]> => {
  const adapter = await findGraphicsAdapter();
  return [
    ...(adapter !== null && !adapter.isSoftware ? (["webgpu"] as const) : []),
    ...((await hasBlas()) ? (["blas"] as const) : []),
    ...((await hasWasm()) ? (["wasm"] as const) : []),
    "reference" as const,
    ...(adapter?.isSoftware === true ? (["webgpu"] as const) : []),
  ];
};

const withoutGraphics = async (options: RolloutBackendOptions): Promise<RolloutBackend> => {
  const names = await availableBackends();
  return createRolloutBackend(names.find((name) => name !== "webgpu")!, options);
};

/**
 * The backend asked for; `auto` takes webgpu where there is a graphics processor, else blas, else wasm, else reference. One that is missing is refused with
 * what to install. A software graphics driver computes only where webgpu is named.
 */
export const createRolloutBackend = async (name: BackendName | "auto", options: RolloutBackendOptions = {}): Promise<RolloutBackend> => {
  switch (name) {
    case "auto":
      return createRolloutBackend((await availableBackends())[0]!, options);
    case "reference":
      return createReferenceBackend();
    case "webgpu": {
      if (!isMainThread) throw graphicsMissing("in a thread: one that is ended while it computes would take the process with it");
      const backend = await createWebgpuBackend({ substitute: () => withoutGraphics(options), ...options.webgpu });
      if (backend === null) throw graphicsMissing("without a graphics adapter, and none was found");
      return backend;
    }
    default:
      if (!(await hasWasm())) {
        throw unavailableError(`The ${name} backend needs the WebAssembly kernels (kernels.wasm), which are not built.`, {
          todo: "Run `npm run build`, or choose the reference backend.",
        });
      }
      if (name === "blas" && !(await hasBlas())) throw blasMissing();
      return createBatchedBackend(name, options);
  }
};

const graphicsMissing = (why: string): Error =>
  unavailableError(`The webgpu backend does not work ${why}.`, {
    todo: "Install the npm package webgpu and a driver (Linux: a Vulkan driver and libvulkan1), or choose auto, blas, wasm or reference.",
  });

const blasMissing = (): Error =>
  process.env.ISOTHERM_NO_BLAS === "1"
    ? unavailableError("The blas backend is hidden by ISOTHERM_NO_BLAS=1.", { todo: "Unset ISOTHERM_NO_BLAS, or choose the wasm backend." })
    : unavailableError("The blas backend needs OpenBLAS, which was not found.", {
        todo: "Install it (Debian: libopenblas0-pthread; macOS has Accelerate) and the npm package koffi, set ISOTHERM_BLAS to the library's path, or choose the wasm backend.",
      });
