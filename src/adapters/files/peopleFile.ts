import { lstatSync, readFileSync } from "node:fs";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { configurationError } from "#domain/errors";
import type { PeopleRecord, PeopleStore } from "#domain/people";

const role = z.enum(["viewer", "operator", "admin"]);
const fileSchema = z.strictObject({
  schema: z.literal(1),
  users: z.array(
    z.strictObject({
      id: z.string().min(1),
      name: z.string().min(1),
      role,
      disabled: z.boolean(),
      passwordHash: z.string().startsWith("scrypt$"),
      createdMs: z.number(),
      generation: z.number().int(),
    }),
  ),
  tokens: z.array(
    z.strictObject({
      id: z.string().min(1),
      label: z.string(),
      role,
      secretHash: z.string().regex(/^[0-9a-f]{64}$/),
      createdMs: z.number(),
      createdBy: z.string(),
      expiresMs: z.number().nullable(),
    }),
  ),
});

/**
 * Users and tokens in one JSON file that only its owner may read. A file that is damaged, or that others may read, is refused (configuration):
 * taking it for "nobody yet" would open what it closed.
 */
export const openPeopleFile = (file: string): PeopleStore => ({
  load: async () => {
    let text: string;
    try {
      // No symbolic links: whoever could place one would choose who may log in.
      const stat = lstatSync(file);
      if (!stat.isFile())
        throw configurationError(`${file} is not a regular file.`, {
          todo: "Move it away; isotherm keeps its users there.",
          place: { file },
        });
      if (process.platform !== "win32" && (stat.mode & 0o077) !== 0)
        throw configurationError(`${file} holds password hashes and may be read by others.`, {
          todo: `Run: chmod 600 ${file}`,
          place: { file },
        });
      text = readFileSync(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return { users: [], tokens: [] };
      throw error;
    }
    try {
      const { users, tokens } = fileSchema.parse(JSON.parse(text));
      return { users, tokens };
    } catch (cause) {
      throw configurationError(`${file}, which holds the dashboard's users, is damaged.`, {
        todo: "Restore it from a backup, or move it away and set up the first user anew.",
        place: { file },
        cause,
      });
    }
  },
  save: ({ users, tokens }: PeopleRecord) => atomicWrite(file, `${JSON.stringify({ schema: 1, users, tokens })}\n`, { mode: 0o600 }),
});
