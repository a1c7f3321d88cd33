import { rmSync } from "node:fs";
import { loadKoffi } from "#math/native";

/**
 * Node joins its threads when the process ends, and a thread inside native code cannot be interrupted: an engine that hangs would keep the process for
 * ever. While engine threads live, the end of the process goes by the C library's `_exit`, which does not wait; run folders are removed before.
 */
let threads = 0;
const folders = new Set<string>();
let isArmed = false;
let exitNow: ((code: number) => void) | null = null;

const arm = (): void => {
  if (isArmed) return;
  isArmed = true;
  void loadKoffi().then((koffi) => {
    if (koffi === null) return;
    exitNow =
      process.platform === "win32"
        ? koffi.load("kernel32.dll").func("void __stdcall ExitProcess(uint32_t code)")
        : koffi.load(process.platform === "darwin" ? "libSystem.B.dylib" : null).func("void _exit(int code)");
  });
  process.on("exit", (code) => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    if (threads > 0) exitNow?.(code);
  });
};

/** Counts an engine thread until the returned function is called. */
export const ownEngineThread = (): (() => void) => {
  arm();
  threads++;
  return () => {
    threads--;
  };
};

/** Removes the folder when the process ends, unless the returned function has done so before. */
export const ownFolder = (folder: string): (() => void) => {
  arm();
  folders.add(folder);
  return () => {
    folders.delete(folder);
    rmSync(folder, { recursive: true, force: true });
  };
};
