import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { configurationError, unavailableError } from "#domain/errors";

/** Writes a file that a person asked for, whole or not at all, with the folders it needs. Where it may not be written: exit code 78; a full or failing disk: 69. */
export const writeOutput = async (file: string, text: string): Promise<void> => {
  try {
    await mkdir(dirname(file), { recursive: true });
    await atomicWrite(file, text);
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    if (["EACCES", "EPERM", "EROFS", "ENOTDIR", "EISDIR", "EEXIST"].includes(code)) {
      throw configurationError(`This file cannot be written: ${message}.`, {
        place: { file },
        todo: "Name another file, or give the right to write there.",
        cause,
      });
    }
    throw unavailableError(`This file could not be written: ${message}.`, { place: { file }, todo: "Check the disk.", cause });
  }
};
