import { loadKoffi, type NativeLibrary, openFirstLibrary } from "#math/native";

/** glibc's, with which this process runs; null where there is none or no koffi. */
const openLibc = async (): Promise<NativeLibrary | null> => {
  if (process.platform !== "linux") return null;
  const koffi = await loadKoffi();
  return koffi === null ? null : (openFirstLibrary(koffi, ["libc.so.6"])?.library ?? null);
};

/** `M_ARENA_MAX` of malloc.h. */
const M_ARENA_MAX = -8;
/**
 * Heaps of the C library for all threads together. It would make eight a processor, and every one keeps what the busiest hour of some thread left in it
 * between what is still in use: 30 MB more after every night's learning, measured. Threads that allocate at once wait for one another; what they compute lies in blocks that they keep.
 */
export const MOST_HEAPS = 2;

/** Bounds the C library's heaps to `MOST_HEAPS` from now on; before threads start. False where there is no glibc or no koffi: then nothing changes. */
export const boundHeaps = async (): Promise<boolean> => {
  const libc = await openLibc();
  try {
    return libc?.func("int mallopt(int, int)")(M_ARENA_MAX, MOST_HEAPS) === 1;
  } catch {
    // Another C library under glibc's name.
    return false;
  }
};

/**
 * Gives memory that is free inside the C library's heaps back to the system: matrices that threads have freed stay there otherwise, a heap per
 * thread, and the process only ever grows. glibc's `malloc_trim`, off the event loop; null where there is no glibc or no koffi.
 */
export const createMemoryReturn = async (): Promise<(() => void) | null> => {
  const libc = await openLibc();
  if (libc === null) return null;
  let trim: ReturnType<typeof libc.func>;
  try {
    trim = libc.func("int malloc_trim(size_t)");
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
