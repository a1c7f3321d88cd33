import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { unavailableError } from "#domain/errors";

const portsToTry = 20;

const listenOnce = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      server.off("listening", onListening);
      reject(error);
    };
    const onListening = (): void => {
      server.off("error", onError);
      resolve();
    };
    server.once("error", onError);
    server.once("listening", onListening);
    server.listen({ host, port, exclusive: true });
  });

/** Listens on `port`, or on the next free one above it; 0 lets the system choose. Returns the port. */
export const listenOnFreePort = async (server: Server, host: string, port: number): Promise<number> => {
  const lastPort = port === 0 ? 0 : Math.min(65_535, port + portsToTry - 1);
  for (let candidate = port; candidate <= lastPort; candidate++) {
    try {
      await listenOnce(server, host, candidate);
      return (server.address() as AddressInfo).port;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EADDRINUSE") continue;
      const todo =
        code === "EADDRNOTAVAIL" || code === "ENOTFOUND"
          ? "Set the dashboard's host to an address of this machine, e.g. 127.0.0.1."
          : code === "EACCES"
            ? "Choose a port of 1024 or above."
            : "Check the dashboard's host and port.";
      throw unavailableError(`The dashboard cannot listen on ${host} port ${candidate} (${code ?? "unknown error"}).`, {
        todo,
        cause: error,
      });
    }
  }
  throw unavailableError(`The dashboard found no free port on ${host} from ${port} to ${lastPort}.`, {
    todo: "End what listens there, or choose another port.",
  });
};
