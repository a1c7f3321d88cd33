import { loadKoffi, openFirstLibrary } from "#math/native";

/**
 * Gives memory that is free inside the C library's heaps back to the system: matrices that threads have freed stay there otherwise, a heap per
 * thread, and the process only ever grows. glibc's `malloc_trim`, off the event loop; null where there is no glibc or no koffi.
 */
export const createMemoryReturn = async (): Promise<(() => void) | null> => {
  if (process.platform !== "linux") return null;
  const koffi = await loadKoffi();
  const opened = koffi === null ? null : openFirstLibrary(koffi, ["libc.so.6"]);
  if (opened === null) return null;
  let trim: ReturnType<typeof opened.library.func>;
  try {
    trim = opened.library.func("int malloc_trim(size_t)");
  } catch {
    // Another C library under glibc's name: it looks after its heaps itself.
    return null;
  }
  let isBusy = false;
  return () => {
    if (isBusy) return;
    isBusy = true;
    trim.async(0, () => {
      isBusy = false;
    });
  };
};
