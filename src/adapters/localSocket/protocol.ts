import { z } from "zod";
import type { ErrorKind, ExitCode } from "#domain/errors";

// One JSON object a line, in both directions. A request is answered by any number of chunks and then by exactly one result or error.

/** Requests are names and short parameters; a longer line is nobody's request. */
export const MAX_REQUEST_BYTES = 65_536;

export const requestSchema = z.strictObject({
  id: z.number().int().min(0),
  method: z.string().min(1).max(64),
  params: z.record(z.string().max(64), z.unknown()).default({}),
});
export type LocalRequest = z.infer<typeof requestSchema>;

const exitCodes = [2, 69, 70, 78] as const satisfies readonly ExitCode[];
const kinds = ["retryable", "permanent", "configuration"] as const satisfies readonly ErrorKind[];

export const replySchema = z.union([
  z.strictObject({ id: z.number(), chunk: z.unknown() }),
  z.strictObject({ id: z.number(), result: z.unknown() }),
  z.strictObject({
    id: z.number().nullable(),
    error: z.strictObject({ kind: z.enum(kinds), message: z.string(), todo: z.string(), exitCode: z.literal(exitCodes) }),
  }),
]);
export type LocalReply = z.infer<typeof replySchema>;
