import { createConnection, type Socket } from "node:net";
import { replySchema } from "#adapters/localSocket/protocol";
import { IsothermError, unavailableError } from "#domain/errors";

export interface LocalRequestOptions {
  readonly onChunk?: (chunk: unknown) => void | Promise<void>;
  readonly signal?: AbortSignal;
  /** Longest silence, ms; default 30,000. */
  readonly timeoutMs?: number;
}

const open = (path: string): Promise<Socket | null> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      // ENOENT: no daemon; ECONNREFUSED: a killed one left its socket behind.
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED" || error.code === "ENOTDIR") resolve(null);
      else
        reject(
          unavailableError(`The daemon's local socket ${path} cannot be opened (${error.code}).`, {
            todo: error.code === "EACCES" ? "Run the command as the user that runs isotherm." : "Is the daemon still running?",
            cause: error,
          }),
        );
    });
  });

/**
 * Asks the daemon that listens on `path`; undefined where none does. Rejects with the daemon's own error, or with a retryable one where it does not
 * answer in time or ends meanwhile.
 */
export const askDaemon = async (
  path: string,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  options: LocalRequestOptions = {},
): Promise<unknown> => {
  const socket = await open(path);
  if (socket === null) return undefined;
  const onAbort = (): void => void socket.destroy(options.signal?.reason);
  try {
    options.signal?.throwIfAborted();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    socket.setEncoding("utf8");
    socket.setTimeout(options.timeoutMs ?? 30_000, () =>
      socket.destroy(unavailableError("The daemon does not answer.", { todo: "Look at its log; restart it if it hangs." })),
    );
    socket.write(`${JSON.stringify({ id: 1, method, params })}\n`);
    let text = "";
    for await (const part of socket as AsyncIterable<string>) {
      text += part;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const reply = replySchema.parse(JSON.parse(line));
        if ("error" in reply) {
          const { kind, message, todo, exitCode } = reply.error;
          throw new IsothermError(kind, message, { todo, exitCode });
        }
        if ("result" in reply) return reply.result;
        await options.onChunk?.(reply.chunk);
      }
    }
    throw unavailableError("The daemon ended before it answered.", { todo: "Try again." });
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
    socket.destroy();
  }
};
