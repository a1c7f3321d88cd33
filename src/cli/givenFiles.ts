import { readFileSync } from "node:fs";
import { readSecretFile } from "#config/readSecret";
import { configurationError } from "#domain/errors";

/** The one line of a secret file that is named on the command line; refused where others may read it. */
export const secretIn = (file: string): string => {
  const reading = readSecretFile(file);
  if (!reading.ok) throw configurationError(reading.problem, { todo: reading.todo });
  return reading.secret.reveal();
};

/** Certificate authorities (PEM) in a file that is named on the command line. */
export const certificatesIn = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw configurationError(`This file cannot be read (${(cause as NodeJS.ErrnoException).code}).`, {
      place: { file },
      todo: "Name a file with certificates (PEM).",
      cause,
    });
  }
};
