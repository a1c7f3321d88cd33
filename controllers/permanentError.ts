import { IsothermError } from "#domain/errors";

/** A fault of ours or of the data handed to a controller. */
export const permanentError = (message: string, todo: string, cause?: unknown): IsothermError =>
  new IsothermError("permanent", message, cause === undefined ? { todo } : { todo, cause });
