import { createHash } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** `sun_path` of the kernel holds 108 bytes on Linux, 104 on macOS and the BSDs. */
const LONGEST_PATH_BYTES = 103;

/**
 * Where the daemon of a data directory listens: `isotherm.sock` inside it; in the folder for temporary files under the directory's hash where that
 * name is too long for a socket, and a named pipe on Windows. The same for every spelling of an existing directory.
 */
export const socketPathOf = (dataDir: string): string => {
  const directory = existsSync(dataDir) ? realpathSync(dataDir) : resolve(dataDir);
  const hash = createHash("sha256").update(directory).digest("hex").slice(0, 24);
  if (process.platform === "win32") return `\\\\.\\pipe\\isotherm-${hash}`;
  const inside = join(directory, "isotherm.sock");
  return Buffer.byteLength(inside) <= LONGEST_PATH_BYTES ? inside : join(tmpdir(), `isotherm-${hash}.sock`);
};
