import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { configurationError, unavailableError } from "#domain/errors";

/**
 * Bytes that this process may still write under a folder: free blocks for ordinary users × block size, of the file system that holds it.
 * A folder that is yet to be made is judged by its nearest ancestor. Rejects (configuration) where a file lies on the way, (retryable) where the file system does not say.
 */
export const freeBytes = async (directory: string): Promise<number> => {
  for (let at = resolve(directory); ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT" && at !== dirname(at)) continue;
      if (code === "ENOTDIR")
        throw configurationError(`${directory} cannot be a folder: something before it in the path is a file.`, {
          todo: "Name another folder, or move the file away.",
          cause,
        });
      throw unavailableError(`The free space under ${directory} cannot be read (${code ?? "unknown error"}).`, {
        todo: "Check that the disk is mounted and may be read.",
        cause,
      });
    }
  }
};
