import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Makes a rename or creation in `directory` durable; file systems that cannot sync a directory (Windows, some network ones) are left to their own guarantees. */
export async function syncDirectory(directory: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(directory, "r");
    await handle.sync();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "EISDIR" && code !== "EINVAL" && code !== "EPERM" && code !== "ENOTSUP" && code !== "EACCES") throw error;
  } finally {
    await handle?.close();
  }
}

/**
 * Writes a whole file so that a reader, or a restart after a crash, sees the old content or the new one and never half:
 * temporary file beside it, fsync, rename, fsync of the directory. A string is written as UTF-8; an async source is written as it comes.
 * On failure (disk full, source throws) the temporary file is removed, the old file stays, and the error is thrown on.
 */
export async function atomicWrite(
  file: string,
  content: string | Uint8Array | AsyncIterable<string | Uint8Array> | Iterable<string>,
  options: { mode?: number } = {},
): Promise<void> {
  const directory = dirname(file);
  const temporary = join(directory, `.${basename(file)}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`);
  const handle = await open(temporary, "wx", options.mode ?? 0o644);
  try {
    try {
      if (typeof content === "string" || content instanceof Uint8Array) await handle.writeFile(content);
      else for await (const part of content) await handle.appendFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(directory);
}
