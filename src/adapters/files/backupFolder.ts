import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { configurationError } from "#domain/errors";

/** Grows when an older isotherm could not read a backup any more. */
const FORMAT = 1;
export const manifestFileName = "manifest.json";

const manifestSchema = z.object({
  format: z.number().int(),
  /** Version of the isotherm that made it, and of its store's schema. */
  isotherm: z.string(),
  schema: z.number().int(),
  site: z.string(),
  createdAt: z.string(),
  files: z.array(
    z.object({
      // No way out of the folder.
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
      bytes: z.number().int(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

export type BackupManifest = z.infer<typeof manifestSchema>;

const sumOf = async (file: string): Promise<string> => {
  const hash = createHash("sha256");
  for await (const part of createReadStream(file)) hash.update(part as Buffer);
  return hash.digest("hex");
};

/** Writes the manifest of files that lie in `folder`, last of all: a folder without one is no backup. */
export const writeManifest = async (
  folder: string,
  names: readonly string[],
  about: Pick<BackupManifest, "isotherm" | "schema" | "site" | "createdAt">,
): Promise<BackupManifest> => {
  const files: BackupManifest["files"] = [];
  for (const name of names) {
    const file = join(folder, name);
    files.push({ name, bytes: (await stat(file)).size, sha256: await sumOf(file) });
  }
  const manifest = { format: FORMAT, ...about, files };
  await atomicWrite(join(folder, manifestFileName), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return manifest;
};

/** Reads a manifest. Refuses (configuration) what is no backup, and one that this isotherm is too old for. */
export const readManifest = async (folder: string): Promise<BackupManifest> => {
  const file = join(folder, manifestFileName);
  let manifest: BackupManifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw configurationError(`${folder} is not a backup of isotherm, or one that was not finished.`, {
      place: { file },
      todo: "Name the folder that isotherm backup wrote, with its manifest.json.",
      cause,
    });
  }
  if (manifest.format !== FORMAT)
    throw configurationError(
      `The backup has format ${manifest.format} (isotherm ${manifest.isotherm}); this isotherm reads format ${FORMAT}.`,
      {
        place: { file },
        todo: "Restore it with the isotherm that made it.",
      },
    );
  return manifest;
};

/** Refuses (configuration) a folder whose files are not, byte by byte, those of the manifest; names all that differ. */
export const verifyFiles = async (folder: string, { files }: BackupManifest): Promise<void> => {
  const wrong: string[] = [];
  for (const { name, bytes, sha256 } of files) {
    const file = join(folder, name);
    const size = await stat(file).then(
      (found) => found.size,
      () => null,
    );
    if (size === null) wrong.push(`${name} is missing`);
    else if (size !== bytes) wrong.push(`${name} has ${size} bytes instead of ${bytes}`);
    else if ((await sumOf(file)) !== sha256) wrong.push(`${name} has changed`);
  }
  if (wrong.length > 0)
    throw configurationError(`The backup is damaged: ${wrong.join("; ")}.`, { place: { file: folder }, todo: "Use another backup." });
};
