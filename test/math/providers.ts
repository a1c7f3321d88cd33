import { createBlasLinearAlgebra } from "#math/blasLinearAlgebra";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { loadWasmKernels } from "#math/wasmKernels";

/** A provider under test; `missing` says why it cannot be tested here. */
export interface Provider {
  readonly name: string;
  readonly missing: string | null;
  readonly load: () => Promise<LinearAlgebra>;
}

const hasBlas = (await createBlasLinearAlgebra()) !== null;
const hasWasm = (await loadWasmKernels()) !== null;

export const providers: readonly Provider[] = [
  { name: "reference", missing: null, load: () => createLinearAlgebra("reference") },
  { name: "wasm", missing: hasWasm ? null : "kernels.wasm is not built", load: () => createLinearAlgebra("wasm") },
  { name: "blas", missing: hasBlas ? null : "OpenBLAS is not installed", load: () => createLinearAlgebra("blas", { threads: 1 }) },
];

export const availableProviders = providers.filter(({ missing }) => missing === null);
