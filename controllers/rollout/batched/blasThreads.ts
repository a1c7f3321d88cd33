import { openBlasLibrary } from "#math/blasLinearAlgebra";
import { loadKoffi } from "#math/native";
import { withNativeLock } from "#math/nativeLock";

let holders = 0;
let before = 0;

/**
 * Keeps OpenBLAS at one thread a call until the returned function is called: blocks of samples are spread over threads instead, and a product's
 * digits must not depend on how many threads shared it. The setting is the process's, so the last holder puts back what the first one found.
 * Does nothing for libraries without this setting (Accelerate).
 */
export type HoldOneThread = () => () => void;

export const oneBlasThread = async (): Promise<HoldOneThread> => {
  const [koffi, blas] = await Promise.all([loadKoffi(), openBlasLibrary()]);
  if (koffi === null || blas === null || blas.setThreads === null) return () => () => {};
  const { setThreads } = blas;
  const getThreads = await withNativeLock(async () => koffi.load(blas.path).func("int openblas_get_num_threads()") as () => number);
  return () => {
    if (holders++ === 0) {
      before = getThreads();
      setThreads(1);
    }
    return () => {
      if (--holders === 0) setThreads(before);
    };
  };
};
