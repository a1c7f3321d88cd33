import { withNativeLock } from "#math/nativeLock";

/** The one place that loads koffi (calls into shared libraries); every native library goes through it. */
export type Koffi = typeof import("koffi");
export type NativeLibrary = import("koffi").LibraryHandle;

let loading: Promise<Koffi | null> | undefined;

/**
 * koffi, or null where this optional package is not installed or has no binary for this platform.
 * Loaded once per thread; a failure other than absence is thrown.
 */
export const loadKoffi = (): Promise<Koffi | null> => {
  loading ??= withNativeLock(() => import("koffi")).then(
    (module) => ("default" in module ? (module as unknown as { default: Koffi }).default : module),
    (error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    },
  );
  return loading;
};

const isAbsent = (error: unknown): boolean => {
  const { code, message } = error as { code?: string; message?: string };
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND" || /Cannot find the native Koffi module/i.test(message ?? "");
};

/** A library and the path that opened it. */
export interface OpenedLibrary {
  readonly path: string;
  readonly library: NativeLibrary;
}

/** The first of `paths` that the dynamic linker opens; null, with every reason in `reasons`, when it opens none. */
export const openFirstLibrary = (koffi: Koffi, paths: readonly string[], reasons: string[] = []): OpenedLibrary | null => {
  for (const path of paths) {
    try {
      return { path, library: koffi.load(path) };
    } catch (error) {
      reasons.push(`${path}: ${(error as Error).message}`);
    }
  }
  return null;
};
