import { IsothermError } from "#domain/errors";

/** Something a GPU or its driver refused; another backend can do the same work. */
export const errorOf = (message: string, cause?: unknown): IsothermError =>
  new IsothermError("retryable", message, { todo: "Check the graphics driver; rollouts go on without the GPU.", cause });
