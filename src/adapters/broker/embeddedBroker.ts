import { createServer, type Server, type Socket } from "node:net";
import type { AuthenticateError, Client } from "aedes";
import { type BrokerUser, createAccessList, type Identity } from "#adapters/broker/accessList";
import { PacketGate, type PacketLimits } from "#adapters/broker/packetGate";
import { filterCovers, isTopic, topicMatches } from "#adapters/mqtt/topicFilter";
import { configurationError, unavailableError } from "#domain/errors";

export type { BrokerUser } from "#adapters/broker/accessList";

export interface EmbeddedBrokerOptions {
  /** Loopback only. Default 127.0.0.1. */
  readonly host?: "127.0.0.1" | "::1" | "localhost";
  /** Wanted port; where it is taken the next free one is used. 0: any. */
  readonly port: number;
  readonly users: readonly BrokerUser[];
  /** What a client without credentials may subscribe to; it may never publish. Default `isotherm/#`. */
  readonly anonymousRead?: readonly string[];
  readonly maxConnections?: number;
  readonly limits?: Partial<PacketLimits>;
  readonly connectTimeoutMs?: number;
  readonly drainTimeoutMs?: number;
  /** One sentence per refused thing, at most one per kind and minute. */
  readonly onWarning?: (text: string) => void;
}
export interface EmbeddedBroker {
  readonly port: number;
  /** True where the wanted port was taken. */
  readonly moved: boolean;
  readonly url: string;
  /** How often each kind of thing was refused. */
  refusals(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);
const PORTS_TO_TRY = 20;
const WARNING_PERIOD_MS = 60_000;
/** MQTT 3.1.1 CONNACK: bad user name or password. */
const BAD_CREDENTIALS = 4;
const KEEPALIVE_LIMIT_S = 300;

const listen = (server: Server, host: string, port: number): Promise<number | null> =>
  new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(null);
      else reject(unavailableError(`The embedded MQTT broker cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.removeListener("error", onError);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });

/** The wanted port, the ones after it, then any. */
const listenSomewhere = async (server: Server, host: string, port: number): Promise<number> => {
  const wanted = port === 0 ? [] : Array.from({ length: PORTS_TO_TRY }, (_, i) => port + i).filter((p) => p <= 65_535);
  for (const candidate of [...wanted, 0]) {
    const got = await listen(server, host, candidate);
    if (got !== null) return got;
  }
  throw unavailableError(`No free port for the embedded MQTT broker on ${host}.`);
};

/**
 * Starts an MQTT 3.1.1 broker inside the process, on loopback only, for sites without one of their own.
 *
 * Clients without credentials read `anonymousRead` and write nothing; users read and write what their lists say, their last wills included. No
 * session outlives its connection, so nothing is queued for an absent client. Throws a configuration error for a host off loopback, a
 * retryable one where no port is free.
 */
export const createEmbeddedBroker = async (options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> => {
  const host = options.host ?? "127.0.0.1";
  if (!LOOPBACK.has(host))
    throw configurationError(`The embedded MQTT broker may not listen on ${host}.`, {
      todo: "It has no TLS. Use 127.0.0.1, or run Mosquitto for other machines.",
    });
  const access = createAccessList(options.users, options.anonymousRead ?? ["isotherm/#"]);
  const limits: PacketLimits = {
    maxPacketBytes: 262_144,
    maxPacketsPerS: 1_000,
    maxBytesPerS: 4_194_304,
    maxWaitingBytes: 4_194_304,
    ...options.limits,
  };
  const gates = new WeakMap<object, PacketGate>();
  const identities = new WeakMap<Client, Identity>();
  const counts = new Map<string, number>();
  const warnedMs = new Map<string, number>();
  const refused = (kind: string, text: string): void => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const nowMs = performance.now();
    if (nowMs - (warnedMs.get(kind) ?? Number.NEGATIVE_INFINITY) < WARNING_PERIOD_MS) return;
    warnedMs.set(kind, nowMs);
    options.onWarning?.(`Embedded broker: ${text}`);
  };
  const nameOf = (client: Client | null): string => (client === null ? "broker" : (identities.get(client)?.name ?? "unknown"));

  const { Aedes } = await import("aedes");
  const broker = await Aedes.createBroker({
    connectTimeout: options.connectTimeoutMs ?? 5_000,
    drainTimeout: options.drainTimeoutMs ?? 30_000,
    keepaliveLimit: KEEPALIVE_LIMIT_S,
    maxTopicLevels: 32,
    preConnect: (_client, packet, done) => {
      // A kept session would queue setpoints for an absent client and deliver them when they are long stale.
      packet.clean = true;
      done(null, true);
    },
    authenticate: (client, username, password, done) => {
      const identity = access.identify(client.id, username, password as Buffer | undefined);
      const present = (broker as unknown as { clients: Record<string, Client | undefined> }).clients[client.id];
      if (identity === null || (present !== undefined && nameOf(present) !== identity.name)) {
        refused("login", `refused a client as "${String(username ?? "anonymous").slice(0, 40)}".`);
        const error = new Error("bad user name, password or client id") as AuthenticateError;
        error.returnCode = BAD_CREDENTIALS;
        done(error, false);
        return;
      }
      identities.set(client, identity);
      done(null, true);
    },
    authorizePublish: (client, packet, done) => {
      const identity = client === null ? undefined : identities.get(client);
      const allowed = isTopic(packet.topic) && (identity?.write ?? []).some((filter) => topicMatches(filter, packet.topic));
      if (allowed && packet.payload.length <= limits.maxPacketBytes) {
        done(null);
        return;
      }
      refused("publish", `refused a message of ${nameOf(client)} on ${packet.topic.slice(0, 120)}.`);
      done(new Error("not authorized to publish here"));
    },
    authorizeForward: (client, packet) => {
      const gate = gates.get(client);
      if (gate?.overfull !== true) return packet;
      // Dropped rather than waited for: after it has connected again it gets the newest retained messages.
      refused("slow", `dropped ${nameOf(client)}: it does not read what it subscribed to.`);
      gate.destroy();
      return null;
    },
    authorizeSubscribe: (client, subscription, done) => {
      const allowed = (identities.get(client)?.read ?? []).some((filter) => filterCovers(filter, subscription.topic));
      if (!allowed) refused("subscribe", `refused a subscription of ${nameOf(client)} to ${subscription.topic.slice(0, 120)}.`);
      done(null, allowed ? subscription : null);
    },
  });
  broker.on("connectionError", (_client, error) => refused("connection", `closed a connection: ${error.message}.`));
  broker.on("clientError", (client, error) => refused("client", `closed the connection of ${nameOf(client)}: ${error.message}.`));

  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    const gate = new PacketGate(socket, limits, (reason) => refused("packet", `a client ${reason}.`));
    gates.set(broker.handle(gate), gate);
  });
  server.maxConnections = options.maxConnections ?? 200;
  server.on("drop", () => refused("connections", `refused a connection: ${server.maxConnections} are open already.`));
  let port: number;
  try {
    port = await listenSomewhere(server, host, options.port);
  } catch (error) {
    await new Promise<void>((resolve) => broker.close(resolve));
    throw error;
  }

  server.on("error", (error) => refused("listener", `its listener failed: ${error.message}.`));

  return {
    port,
    moved: options.port !== 0 && port !== options.port,
    url: `mqtt://${host === "::1" ? "[::1]" : host}:${port}`,
    refusals: () => Object.fromEntries(counts),
    close: async () => {
      const down = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(resolve));
      for (const socket of sockets) socket.destroy();
      await down;
    },
  };
};
