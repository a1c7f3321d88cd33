import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import path from "node:path";
import { Secret } from "#config/secret";

/** Where a secret comes from, as written in the site file. */
export type SecretSource = { readonly kind: "environment"; readonly name: string } | { readonly kind: "file"; readonly file: string };

export type SecretReading =
  | { readonly ok: true; readonly secret: Secret }
  | { readonly ok: false; readonly problem: string; readonly todo: string };

const MAX_BYTES = 64 * 1024;

/** A secret file as text; only `manyLines` (a PEM key) may have more than one line. */
export function readSecretFile(file: string, manyLines = false): SecretReading {
  const refuse = (problem: string, todo: string): SecretReading => ({ ok: false, problem, todo });
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT"
      ? refuse(`the secret file ${file} does not exist`, "Create it with the secret as its only line and mode 0600.")
      : refuse(`the secret file ${file} cannot be read (${code})`, "Give its user the right to read it, and nobody else.");
  }
  try {
    // The opened file is checked, not the name: it cannot be exchanged in between.
    const stat = fstatSync(handle);
    if (!stat.isFile())
      return refuse(`the secret file ${file} is not a regular file`, "Name a file that holds the secret as its only line.");
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
      return refuse(`the secret file ${file} may be read by others (mode ${mode})`, `Run: chmod 600 ${file}`);
    }
    if (stat.size > MAX_BYTES) return refuse(`the secret file ${file} holds ${stat.size} bytes`, "A secret is one line.");
    const buffer = Buffer.alloc(stat.size);
    const length = readSync(handle, buffer, 0, buffer.length, 0);
    const text = buffer.toString("utf8", 0, length).replace(/\r?\n$/, "");
    if (text === "") return refuse(`the secret file ${file} is empty`, "Write the secret into it as its only line.");
    if (text.includes("\0") || (!manyLines && /[\r\n]/.test(text)))
      return refuse(`the secret file ${file} has more than one line`, "Write the secret into it as its only line.");
    return { ok: true, secret: new Secret(text) };
  } finally {
    closeSync(handle);
  }
}

/** Fetches a secret from the environment or from a file that only its owner may read. `baseDirectory`: what relative file names start from. */
export function readSecret(
  source: SecretSource,
  environment: Readonly<Record<string, string | undefined>>,
  baseDirectory: string,
): SecretReading {
  if (source.kind === "file") return readSecretFile(path.resolve(baseDirectory, source.file));
  const value = environment[source.name];
  if (value !== undefined && value !== "") return { ok: true, secret: new Secret(value) };
  return {
    ok: false,
    problem: `the environment variable ${source.name} is ${value === undefined ? "not set" : "empty"}`,
    todo: `Set ${source.name} before the start, or name a file: { file: path }.`,
  };
}
