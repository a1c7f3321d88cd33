import { existsSync } from "node:fs";
import { join } from "node:path";
import { mayHaveAdapter } from "#controllers/rollout/webgpu/gpu";
import { loadKoffi, type NativeLibrary } from "#math/native";

/** Where Debian's chromium package puts SwiftShader, a Vulkan driver that computes on the processor, and a Vulkan loader. */
const CHROMIUM = "/usr/lib/chromium";

/** A library stays loaded as long as its handle is held. */
let loader: NativeLibrary | null = null;

/**
 * Lets WebGPU find SwiftShader in this process where nothing else is there to compute on and Chromium is installed: names its driver, and loads the Vulkan
 * loader that came with it where the system has none. To be called before anything looks for an adapter.
 */
export const useSoftwareGraphics = async (): Promise<void> => {
  const driver = join(CHROMIUM, "vk_swiftshader_icd.json");
  if (!mayHaveAdapter() && existsSync(driver)) process.env.VK_ICD_FILENAMES = driver;
  if (process.env.VK_ICD_FILENAMES !== driver || loader !== null) return;
  const koffi = await loadKoffi();
  for (const library of ["libvulkan.so.1", join(CHROMIUM, "libvulkan.so.1")]) {
    try {
      loader = koffi?.load(library) ?? null;
      return;
    } catch {
      // The next one.
    }
  }
};

/** The same for a process that a test starts; to be called after `useSoftwareGraphics`. */
export const graphicsEnv = (): NodeJS.ProcessEnv =>
  process.env.VK_ICD_FILENAMES?.startsWith(CHROMIUM) === true
    ? { ...process.env, LD_LIBRARY_PATH: [CHROMIUM, process.env.LD_LIBRARY_PATH].filter((path) => path).join(":") }
    : { ...process.env };
