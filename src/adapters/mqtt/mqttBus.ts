import type { IClientOptions } from "mqtt";
import { BrokerSilence, type MqttConnection, openMqttConnection } from "#adapters/mqtt/mqttConnection";
import { type ConnectionEnd, createReconnectPolicy, type ReconnectOptions } from "#adapters/mqtt/reconnectPolicy";
import { isTopic, isTopicFilter, topicMatches } from "#adapters/mqtt/topicFilter";
import type { BusMessage, MessageBus } from "#domain/bus";
import { configurationError, IsothermError, unavailableError } from "#domain/errors";

/** Certificates as PEM text. The broker's certificate is always verified; there is no switch to turn that off. */
export interface MqttTlsOptions {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Name the broker's certificate must carry where it differs from the URL's host. */
  readonly servername?: string;
}
export interface MqttWill {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}
export interface MqttBusOptions {
  /** `mqtt://host:port` or `mqtts://host:port`, without credentials. */
  readonly url: string;
  /** Fixed and unique on the broker: a second client with the same id throws this one out. */
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: MqttTlsOptions;
  readonly will?: MqttWill;
  /** Default: MQTT 5, and 3.1.1 where the broker has no 5. */
  readonly protocol?: ReconnectOptions["protocol"];
  /** A silent link is noticed after 1.5 times this. Default 10. */
  readonly keepaliveS?: number;
  readonly connectTimeoutMs?: number;
  readonly publishTimeoutMs?: number;
  /** Larger messages are dropped with a warning. Default 1 MiB. */
  readonly maxPayloadBytes?: number;
  readonly maxBufferedBytes?: number;
  readonly reconnect?: Partial<Omit<ReconnectOptions, "protocol">>;
  /** One sentence per distinct trouble, for the log. Never holds a secret. */
  readonly onWarning?: (text: string) => void;
  /** Another client uses our id: whoever is in charge should go passive. */
  readonly onSessionTaken?: () => void;
}
export interface MqttBus extends MessageBus {
  /** MQTT version in use; null while disconnected. */
  readonly protocol: "5" | "3.1.1" | null;
}

interface Filter {
  readonly handlers: Set<(message: BusMessage) => void>;
  /** Set once the first subscriber has been granted; from then on every new connection asks for it by itself. */
  granted: boolean;
  /** Tells the copies apart that MQTT 5 brokers send for overlapping filters. */
  readonly id: number;
}

/** Node's own default, kept where the environment lowers it; mqtt.js hands it on to `tls.connect` without naming it in its types. */
const TLS_FLOOR: object = { minVersion: "TLSv1.2" };

const checkOptions = (options: MqttBusOptions): void => {
  let url: URL;
  try {
    url = new URL(options.url);
  } catch (cause) {
    throw configurationError(`The MQTT broker's address is not a URL: "${options.url}"`, { todo: "Write it as mqtt://host:1883.", cause });
  }
  if (url.protocol !== "mqtt:" && url.protocol !== "mqtts:")
    throw configurationError(`The MQTT broker's address starts with "${url.protocol}"`, { todo: "Use mqtt:// or, with TLS, mqtts://." });
  if (url.username !== "" || url.password !== "")
    throw configurationError("The MQTT broker's address holds credentials.", { todo: "Give user and password on their own." });
  if (options.tls !== undefined && url.protocol !== "mqtts:")
    throw configurationError("Certificates are given for an MQTT address without TLS.", { todo: "Use mqtts:// or drop the certificates." });
  if (options.clientId === "") throw configurationError("The MQTT client id is empty.");
};

/**
 * A `MessageBus` over MQTT. Returns at once and connects in the background, with exponential back-off and jitter, for as long as it is open.
 *
 * A subscription waits for the broker's answer however long that takes, over lost connections too; it rejects where the broker refuses it.
 * Nothing is queued for any quality of service: `publish` is refused while the connection is down, and what was under way when it broke is
 * rejected and never sent again. Bad options throw a configuration `IsothermError`.
 */
export const createMqttBus = (options: MqttBusOptions): MqttBus => {
  checkOptions(options);
  const warn = (text: string): void => options.onWarning?.(text);
  const maxPayloadBytes = options.maxPayloadBytes ?? 1_048_576;
  const policy = createReconnectPolicy({
    minDelayMs: 250,
    // With the connect itself a broker that comes back is found within ten seconds.
    maxDelayMs: 8_000,
    takenDelayMs: 30_000,
    stableMs: 30_000,
    random: Math.random,
    ...options.reconnect,
    protocol: options.protocol ?? "auto",
  });
  const filters = new Map<string, Filter>();
  const connectionHandlers = new Set<(connected: boolean) => void>();
  /** Subscribers waiting for a connection. */
  const waiting = new Set<() => void>();
  let connection: MqttConnection | null = null;
  let connected = false;
  let closed = false;
  let version: 4 | 5 = 5;
  let timer: NodeJS.Timeout | null = null;
  let lastWarning = "";
  let lastFilterId = 0;

  const warnOnce = (text: string): void => {
    if (text === lastWarning) return;
    lastWarning = text;
    warn(text);
  };
  const guarded = (what: string, call: () => void): void => {
    try {
      call();
    } catch (error) {
      warn(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const tellConnection = (to: boolean): void => {
    for (const handler of [...connectionHandlers]) guarded("A handler of the MQTT connection's state", () => handler(to));
  };

  const onMessage = (topic: string, payload: Buffer, retained: boolean, ids: readonly number[] | null): void => {
    if (payload.length > maxPayloadBytes) {
      warnOnce(`Dropped a message of ${payload.length} bytes on ${topic.slice(0, 120)}; the limit is ${maxPayloadBytes}.`);
      return;
    }
    const message: BusMessage = { topic, payload: payload.toString("utf8"), retained };
    for (const [filter, { handlers, id }] of [...filters]) {
      if (ids === null ? !topicMatches(filter, topic) : !ids.includes(id)) continue;
      for (const handler of [...handlers]) guarded(`The handler of ${filter}`, () => handler(message));
    }
  };
  const onConnected = (): void => {
    connected = true;
    lastWarning = "";
    policy.connected();
    // Subscriptions go on the wire before anything that the connection handlers publish.
    for (const [filter, { granted, id }] of filters) {
      if (!granted) continue;
      if (connection !== null)
        askUntilAnswered(connection, filter, id).catch((error: unknown) => {
          if (connected) warn(error instanceof Error ? error.message : String(error));
        });
    }
    for (const wake of [...waiting]) wake();
    tellConnection(true);
  };
  const onEnd = (end: ConnectionEnd, detail: string): void => {
    const was = connected;
    connected = false;
    connection = null;
    if (was) tellConnection(false);
    if (closed) return;
    const { delayMs, sessionTaken } = policy.ended(end);
    if (sessionTaken) {
      warn(`Another MQTT client uses the id "${options.clientId}" and took its session over.`);
      guarded("The handler of a taken session", () => options.onSessionTaken?.());
    } else if (delayMs > 0) {
      warnOnce(was ? `Lost the connection to ${options.url}: ${detail}.` : `Cannot connect to ${options.url}: ${detail}.`);
    }
    timer = setTimeout(connect, delayMs);
  };
  const connect = (): void => {
    timer = null;
    version = policy.protocolVersion;
    const client: IClientOptions = {
      ...options.tls,
      clientId: options.clientId,
      protocolVersion: version,
      keepalive: options.keepaliveS ?? 10,
      connectTimeout: options.connectTimeoutMs ?? 10_000,
      ...TLS_FLOOR,
      ...(options.username === undefined ? {} : { username: options.username }),
      ...(options.password === undefined ? {} : { password: options.password }),
      ...(options.will === undefined ? {} : { will: { ...options.will, payload: Buffer.from(options.will.payload) } }),
      ...(version === 5 ? { properties: { sessionExpiryInterval: 0, maximumPacketSize: maxPayloadBytes + 65_536 } } : {}),
    };
    connection = openMqttConnection(
      {
        url: options.url,
        client,
        publishTimeoutMs: options.publishTimeoutMs ?? 5_000,
        maxBufferedBytes: options.maxBufferedBytes ?? 1_048_576,
      },
      { onConnected, onMessage, onEnd },
    );
  };
  const whenConnected = (): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        resolve();
      };
      waiting.add(wake);
    });
  /**
   * Asks for a subscription on one connection until the broker grants or refuses it. A busy broker answers late, and whoever took that for a refusal would be deaf
   * for as long as the connection lasts.
   */
  const askUntilAnswered = async (on: MqttConnection, filter: string, id: number): Promise<void> => {
    for (;;) {
      try {
        await on.subscribe(filter, id);
        return;
      } catch (error) {
        if (!(error instanceof BrokerSilence) || closed || connection !== on || !filters.has(filter)) throw error;
        warnOnce(`${error.message} It is asked again.`);
      }
    }
  };
  /** Asks the broker until it grants; a connection lost meanwhile is only a reason to ask the next one. */
  const grant = async (filter: string, id: number): Promise<void> => {
    for (;;) {
      if (closed) throw unavailableError("The message bus is closed.");
      const on = connection;
      if (!connected || on === null) {
        await whenConnected();
        continue;
      }
      try {
        await askUntilAnswered(on, filter, id);
        return;
      } catch (error) {
        if (connection === on && connected && !closed) throw error;
      }
    }
  };
  connect();

  return {
    get connected() {
      return connected;
    },
    get protocol() {
      return connected ? (version === 5 ? "5" : "3.1.1") : null;
    },
    publish: async (topic, payload, publishOptions = {}) => {
      if (!isTopic(topic)) throw new IsothermError("permanent", `Not a topic to publish to: "${topic.slice(0, 80)}"`);
      if (!connected || connection === null) throw unavailableError("Not connected to the message broker.");
      await connection.publish(topic, payload, publishOptions);
    },
    subscribe: async (filter, handler) => {
      if (!isTopicFilter(filter)) throw new IsothermError("permanent", `Not a topic filter: "${filter.slice(0, 80)}"`);
      const entry = filters.get(filter) ?? { handlers: new Set(), granted: false, id: ++lastFilterId };
      // One wrapper per call, so that the same function may subscribe twice.
      const own = (message: BusMessage): void => handler(message);
      filters.set(filter, entry);
      entry.handlers.add(own);
      const cancel = async (): Promise<void> => {
        if (!entry.handlers.delete(own) || entry.handlers.size > 0) return;
        filters.delete(filter);
        if (connected && connection !== null) await connection.unsubscribe(filter);
      };
      try {
        await grant(filter, entry.id);
        entry.granted = true;
      } catch (error) {
        entry.handlers.delete(own);
        if (entry.handlers.size === 0) filters.delete(filter);
        throw error;
      }
      return cancel;
    },
    onConnection: (handler) => {
      connectionHandlers.add(handler);
      return () => {
        connectionHandlers.delete(handler);
      };
    },
    close: async () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      for (const wake of [...waiting]) wake();
      await connection?.end();
    },
  };
};
