import { createBatchedBackend } from "#controllers/rollout/batched/createBatchedBackend";
import { createReferenceBackend } from "#controllers/rollout/reference/createReferenceBackend";
import { unavailableError } from "#domain/errors";
import type { BackendName, RolloutBackend } from "#domain/rollout";
import { createBlasLinearAlgebra } from "#math/blasLinearAlgebra";
import { loadWasmKernels } from "#math/wasmKernels";

export interface RolloutBackendOptions {
  /** Worker threads of `wasm` and `blas`; the machine's cores, at most 4, when absent. Results do not depend on it. */
  readonly threads?: number;
}

const hasWasm = async (): Promise<boolean> => (await loadWasmKernels()) !== null;
const hasBlas = async (): Promise<boolean> => (await hasWasm()) && (await createBlasLinearAlgebra()) !== null;

/** Backends that this machine and installation have, fastest first; `reference` is always there. */
export const availableBackends = async (): Promise<readonly BackendName[]> => [
  ...((await hasBlas()) ? (["blas"] as const) : []),
  ...((await hasWasm()) ? (["wasm"] as const) : []),
  "reference",
];

/** The backend asked for; `auto` takes blas, else wasm, else reference. One that is missing is refused with what to install. */
export const createRolloutBackend = async (name: BackendName | "auto", options: RolloutBackendOptions = {}): Promise<RolloutBackend> => {
  switch (name) {
    case "auto":
      return createRolloutBackend((await availableBackends())[0]!, options);
    case "reference":
      return createReferenceBackend();
    case "webgpu":
      throw unavailableError("The webgpu backend is not in this version.", { todo: "Choose auto, blas, wasm or reference." });
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

const blasMissing = (): Error =>
  process.env.ISOTHERM_NO_BLAS === "1"
    ? unavailableError("The blas backend is hidden by ISOTHERM_NO_BLAS=1.", { todo: "Unset ISOTHERM_NO_BLAS, or choose the wasm backend." })
    : unavailableError("The blas backend needs OpenBLAS, which was not found.", {
        todo: "Install it (Debian: libopenblas0-pthread; macOS has Accelerate) and the npm package koffi, set ISOTHERM_BLAS to the library's path, or choose the wasm backend.",
      });
