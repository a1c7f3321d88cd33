import { unavailableError } from "#domain/errors";
import { createBlasLinearAlgebra } from "#math/blasLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { loadWasmKernels } from "#math/wasmKernels";
import { createWasmLinearAlgebra } from "#math/wasmLinearAlgebra";

export type LinearAlgebraPreference = "auto" | LinearAlgebra["name"];

export interface LinearAlgebraOptions {
  /** Threads that one BLAS call may use; the library's own default when absent. The other providers use one. */
  readonly threads?: number;
}

/**
 * The linear algebra asked for; `auto` takes blas, else wasm, else reference.
 * A named provider that this machine or installation lacks is refused with what to install.
 */
export const createLinearAlgebra = async (
  preference: LinearAlgebraPreference = "auto",
  options: LinearAlgebraOptions = {},
): Promise<LinearAlgebra> => {
  if (preference === "reference") return createReferenceLinearAlgebra();
  const kernels = await loadWasmKernels();
  if (preference === "auto" || preference === "blas") {
    const blas = await createBlasLinearAlgebra({
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(kernels === null ? {} : { kernels }),
    });
    if (blas !== null) return blas;
    if (preference === "blas") throw blasMissing();
  }
  if (kernels !== null) return createWasmLinearAlgebra(kernels);
  if (preference === "wasm") throw wasmMissing();
  return createReferenceLinearAlgebra();
};

const blasMissing = (): Error =>
  process.env.ISOTHERM_NO_BLAS === "1"
    ? unavailableError("OpenBLAS is hidden by ISOTHERM_NO_BLAS=1.", { todo: "Unset ISOTHERM_NO_BLAS, or choose the wasm provider." })
    : unavailableError("OpenBLAS was not found.", {
        todo: "Install it (Debian: libopenblas0-pthread; macOS has Accelerate) and the npm package koffi, or set ISOTHERM_BLAS to the library's path.",
      });

const wasmMissing = (): Error =>
  unavailableError("The WebAssembly kernels (kernels.wasm) are not built.", { todo: "Run `npm run build`." });
