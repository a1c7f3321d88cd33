import { configurationError } from "#domain/errors";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { loadKoffi, type NativeLibrary, openFirstLibrary } from "#math/native";
import { withNativeLock } from "#math/nativeLock";
import { squaredDistancesInPlainTypeScript } from "#math/referenceLinearAlgebra";
import { stationaryInPlainTypeScript } from "#math/stationary";
import type { WasmKernels } from "#math/wasmKernels";

const ROW_MAJOR = 101;
const NO_TRANSPOSE = 111;
const TRANSPOSE = 112;
const LOWER = 122;
const NON_UNIT = 131;
const LEFT = 141;

/** Where distributions put OpenBLAS; names without a folder are searched on the dynamic linker's path. */
const USUAL_PLACES: Readonly<Record<string, readonly string[]>> = {
  linux: [
    "libopenblas.so.0",
    "libopenblasp.so.0",
    "libopenblas.so",
    "/usr/lib/x86_64-linux-gnu/libopenblas.so.0",
    "/usr/lib/aarch64-linux-gnu/libopenblas.so.0",
    "/usr/lib64/libopenblasp.so.0",
    "/usr/lib64/libopenblas.so.0",
    "/usr/lib/libopenblas.so.3",
    "/opt/OpenBLAS/lib/libopenblas.so.0",
  ],
  darwin: [
    "/System/Library/Frameworks/Accelerate.framework/Accelerate",
    "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
    "/usr/local/opt/openblas/lib/libopenblas.dylib",
  ],
  win32: ["libopenblas.dll", "openblas.dll"],
};

export interface BlasOptions {
  /** Threads that one call may use (OpenBLAS only); the library's own default, every core, when absent. */
  readonly threads?: number;
  /** Vectorised covariances and distances; plain TypeScript when absent. */
  readonly kernels?: WasmKernels;
}

type Matrix = Float64Array;

/** The calls that isotherm makes, with their C argument order. */
export interface BlasLibrary {
  readonly path: string;
  readonly dgemm: (
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: Matrix,
    lda: number,
    b: Matrix,
    ldb: number,
    beta: number,
    c: Matrix,
    ldc: number,
  ) => void;
  /** C (m×n) ← A (m×k) B (k×n), row-major with leading dimensions. */
  readonly sgemm: (
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    lda: number,
    b: Float32Array,
    ldb: number,
    c: Float32Array,
    ldc: number,
  ) => void;
  readonly dtrsmLower: (transpose: boolean, n: number, m: number, l: Matrix, b: Matrix) => void;
  /** B (n×m) ← L B for lower triangular L (n×n). */
  readonly dtrmmLower: (n: number, m: number, l: Matrix, b: Matrix, ldb: number) => void;
  /** The same in single precision. */
  readonly strmmLower: (n: number, m: number, l: Float32Array, b: Float32Array, ldb: number) => void;
  /** LAPACK on the column-major upper triangle, which is the row-major lower one; returns `info`. */
  readonly dpotrf: (n: number, a: Matrix) => number;
  readonly dpotri: (n: number, a: Matrix) => number;
  readonly dtrtri: (n: number, a: Matrix) => number;
  readonly setThreads: ((threads: number) => void) | null;
}

/**
 * OpenBLAS or Accelerate, or null where koffi or every library is missing or ISOTHERM_NO_BLAS=1 hides them.
 * A path in ISOTHERM_BLAS that cannot be opened is a configuration error.
 */
export const openBlasLibrary = async (): Promise<BlasLibrary | null> => {
  if (process.env.ISOTHERM_NO_BLAS === "1") return null;
  const koffi = await loadKoffi();
  if (koffi === null) return null;
  const named = process.env.ISOTHERM_BLAS;
  const isNamed = named !== undefined && named !== "";
  const reasons: string[] = [];
  const bound = await withNativeLock(async () => {
    const opened = openFirstLibrary(koffi, isNamed ? [named] : (USUAL_PLACES[process.platform] ?? []), reasons);
    return opened === null ? null : bind(opened.path, opened.library);
  });
  if (bound !== null || !isNamed) return bound;
  throw configurationError(`ISOTHERM_BLAS names a library that cannot be opened: ${reasons.join("; ")}`, {
    todo: "Set ISOTHERM_BLAS to the full path of libopenblas, or unset it.",
  });
};

const bind = (path: string, library: NativeLibrary): BlasLibrary => {
  // `void *` hands koffi the address of the typed array: no copy, any direction.
  const dgemm = library.func("void cblas_dgemm(int, int, int, int, int, int, double, void *, int, void *, int, double, void *, int)");
  const sgemm = library.func("void cblas_sgemm(int, int, int, int, int, int, float, void *, int, void *, int, float, void *, int)");
  const dtrsm = library.func("void cblas_dtrsm(int, int, int, int, int, int, int, double, void *, int, void *, int)");
  const dtrmm = library.func("void cblas_dtrmm(int, int, int, int, int, int, int, double, void *, int, void *, int)");
  const strmm = library.func("void cblas_strmm(int, int, int, int, int, int, int, float, void *, int, void *, int)");
  const dpotrf = library.func("void dpotrf_(const char *, void *, void *, void *, void *, size_t)");
  const dpotri = library.func("void dpotri_(const char *, void *, void *, void *, void *, size_t)");
  const dtrtri = library.func("void dtrtri_(const char *, const char *, void *, void *, void *, void *, size_t, size_t)");
  const flag = (transpose: boolean): number => (transpose ? TRANSPOSE : NO_TRANSPOSE);
  const info = new Int32Array(1);
  return {
    path,
    dgemm: (transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) =>
      dgemm(ROW_MAJOR, flag(transposeA), flag(transposeB), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc),
    sgemm: (m, n, k, a, lda, b, ldb, c, ldc) => sgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, 1, a, lda, b, ldb, 0, c, ldc),
    dtrsmLower: (transpose, n, m, l, b) => dtrsm(ROW_MAJOR, LEFT, LOWER, flag(transpose), NON_UNIT, n, m, 1, l, n, b, m),
    dtrmmLower: (n, m, l, b, ldb) => dtrmm(ROW_MAJOR, LEFT, LOWER, NO_TRANSPOSE, NON_UNIT, n, m, 1, l, n, b, ldb),
    strmmLower: (n, m, l, b, ldb) => strmm(ROW_MAJOR, LEFT, LOWER, NO_TRANSPOSE, NON_UNIT, n, m, 1, l, n, b, ldb),
    dpotrf: (n, a) => {
      const order = Int32Array.of(n);
      dpotrf("U", order, a, order, info, 1);
      return info[0]!;
    },
    dpotri: (n, a) => {
      const order = Int32Array.of(n);
      dpotri("U", order, a, order, info, 1);
      return info[0]!;
    },
    dtrtri: (n, a) => {
      const order = Int32Array.of(n);
      dtrtri("U", "N", order, a, order, info, 1, 1);
      return info[0]!;
    },
    setThreads: setThreadsOf(library),
  };
};

const setThreadsOf = (library: NativeLibrary): BlasLibrary["setThreads"] => {
  try {
    return library.func("void openblas_set_num_threads(int)") as (threads: number) => void;
  } catch {
    return null; // Accelerate has no such call.
  }
};

/** The provider on an opened library; `blas` stays reachable for fused code paths. */
export interface BlasLinearAlgebra extends LinearAlgebra {
  readonly name: "blas";
  readonly blas: BlasLibrary;
  readonly kernels: WasmKernels | null;
}

/** Linear algebra on OpenBLAS (or Accelerate); null where there is none (see openBlasLibrary). */
export const createBlasLinearAlgebra = async (options: BlasOptions = {}): Promise<BlasLinearAlgebra | null> => {
  const blas = await openBlasLibrary();
  if (blas === null) return null;
  if (options.threads !== undefined) blas.setThreads?.(options.threads);
  const { kernels } = options;
  return {
    name: "blas",
    blas,
    kernels: kernels ?? null,
    gemm: (transposeA, transposeB, m, n, k, alpha, a, b, beta, c) => {
      if (m === 0 || n === 0) return;
      if (k === 0) scaleBy(beta, m * n, c);
      else blas.dgemm(transposeA, transposeB, m, n, k, alpha, a, transposeA ? m : k, b, transposeB ? k : n, beta, c, n);
    },
    cholesky: (n, a) => {
      if (n === 0) return 0;
      const order = blas.dpotrf(n, a);
      if (order !== 0) return Math.abs(order);
      // dpotrf skips comparisons with NaN in some versions, so look at the diagonal ourselves.
      for (let i = 0; i < n; i++) {
        if (!(a[i * n + i]! > 0)) return i + 1;
        a.fill(0, i * n + i + 1, (i + 1) * n);
      }
      return 0;
    },
    solveLower: (n, m, l, b, transpose) => {
      if (n > 0 && m > 0) blas.dtrsmLower(transpose, n, m, l, b);
    },
    inverseFromCholesky: (n, l) => {
      const out = l.slice(0, n * n);
      if (n > 0) blas.dpotri(n, out);
      for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[j * n + i] = out[i * n + j]!;
      return out;
    },
    inverseLower: (n, l) => {
      const out = l.slice(0, n * n);
      if (n > 0) blas.dtrtri(n, out);
      return out;
    },
    stationary: kernels === undefined ? stationaryInPlainTypeScript : kernels.stationary,
    squaredDistances: kernels === undefined ? squaredDistancesInPlainTypeScript : kernels.squaredDistances,
  };
};

const scaleBy = (beta: number, length: number, c: Float64Array): void => {
  if (beta === 0) c.fill(0, 0, length);
  else for (let i = 0; i < length; i++) c[i]! *= beta;
};
