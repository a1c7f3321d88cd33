import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { type LocalReply, MAX_REQUEST_BYTES, requestSchema } from "#adapters/localSocket/protocol";
import { IsothermError, unavailableError, usageError } from "#domain/errors";

/** Answers one request; an async generator sends a chunk for every value it yields and its return value as the result. */
export type LocalHandler = (
  params: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<unknown> | AsyncGenerator<unknown, unknown>;

export interface LocalSocketServer {
  readonly path: string;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 16;
/** A client that neither asks nor reads for this long is dropped. */
const IDLE_MS = 60_000;

const isGenerator = (value: unknown): value is AsyncGenerator<unknown, unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

const errorReply = (id: number | null, error: unknown): LocalReply => {
  const known =
    error instanceof IsothermError
      ? error
      : new IsothermError("permanent", error instanceof Error ? error.message : String(error), {
          todo: "This is a fault of isotherm; the daemon's log has more.",
        });
  return { id, error: { kind: known.kind, message: known.message, todo: known.todo, exitCode: known.exitCode } };
};

/** Waits for the reader where it does not keep up, so that a large export does not pile up in memory. */
const send = (socket: Socket, reply: LocalReply): Promise<void> =>
  new Promise((resolve, reject) => {
    if (socket.destroyed) {
      reject(unavailableError("The client of the local socket is gone."));
      return;
    }
    if (socket.write(`${JSON.stringify(reply)}\n`)) {
      resolve();
      return;
    }
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });

const answer = async (
  socket: Socket,
  line: string,
  handlers: Readonly<Record<string, LocalHandler>>,
  signal: AbortSignal,
): Promise<void> => {
  let id: number | null = null;
  try {
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      throw usageError("The request is not JSON.", "Send one JSON object a line.");
    }
    const request = requestSchema.safeParse(json);
    if (!request.success) throw usageError("The request has a wrong form.", 'Send {"id": 1, "method": "status", "params": {}}.');
    id = request.data.id;
    const { method, params } = request.data;
    if (!Object.hasOwn(handlers, method))
      throw usageError(`The daemon does not know the request "${method}".`, `It knows ${Object.keys(handlers).join(", ")}.`);
    const answered = handlers[method]!(params, signal);
    let result: unknown;
    if (isGenerator(answered)) {
      for (;;) {
        const next = await answered.next();
        if (next.done === true) {
          result = next.value;
          break;
        }
        await send(socket, { id, chunk: next.value });
        signal.throwIfAborted();
      }
    } else result = await answered;
    await send(socket, { id, result: result ?? null });
  } catch (error) {
    if (!socket.destroyed) await send(socket, errorReply(id, error)).catch(() => undefined);
  }
};

/**
 * Listens on a Unix socket (mode 0600) for requests of other commands on this machine. A socket file that a killed daemon left behind is replaced:
 * whoever calls this holds the data directory already. Rejects with a retryable `IsothermError` where it cannot listen.
 */
export const createLocalSocketServer = async (options: {
  readonly path: string;
  readonly handlers: Readonly<Record<string, LocalHandler>>;
  readonly onWarning: (text: string) => void;
}): Promise<LocalSocketServer> => {
  const { path, handlers } = options;
  const sockets = new Map<Socket, AbortController>();
  const isFile = process.platform !== "win32";

  const serve = (socket: Socket): void => {
    const gone = new AbortController();
    sockets.set(socket, gone);
    socket.setEncoding("utf8");
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      gone.abort(unavailableError("The client of the local socket is gone."));
      sockets.delete(socket);
    });
    let text = "";
    let queue = Promise.resolve();
    socket.on("data", (part: string) => {
      text += part;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") queue = queue.then(() => answer(socket, line, handlers, gone.signal));
      if (text.length <= MAX_REQUEST_BYTES) return;
      options.onWarning("A client of the local socket sent an endless line and was dropped.");
      socket.destroy();
    });
  };
  const server = createServer(serve);
  server.maxConnections = MAX_CONNECTIONS;
  if (isFile) rmSync(path, { force: true });
  // The socket is made by the call itself: no moment in which others could open it.
  const mask = isFile ? process.umask(0o177) : 0;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) =>
        reject(
          unavailableError(`The daemon cannot listen on its local socket ${path}: ${error.message}`, {
            todo: "Check that the data directory can be written.",
            cause: error,
          }),
        ),
      );
      server.listen(path, resolve);
      if (isFile) process.umask(mask);
    });
  } finally {
    if (isFile) process.umask(mask);
  }
  if (isFile) chmodSync(path, 0o600);
  server.on("error", (error) => options.onWarning(`The local socket failed: ${error.message}`));
  return {
    path,
    close: async () => {
      const down = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets.keys()) socket.destroy();
      await down;
      if (isFile) rmSync(path, { force: true });
    },
  };
};
