import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { ConnectionEnd } from "#adapters/mqtt/reconnectPolicy";
import type { PublishOptions } from "#domain/bus";
import { IsothermError, unavailableError } from "#domain/errors";

/** The broker neither confirmed nor refused in time: it may be busy, and the request may yet have been granted. */
export class BrokerSilence extends IsothermError {
  constructor(message: string) {
    super("retryable", message);
  }
}

export interface ConnectionOptions {
  readonly url: string;
  readonly client: IClientOptions;
  readonly publishTimeoutMs: number;
  /** Bytes waiting in the socket beyond which a publish is refused: the link is too slow, and what waits there grows old. */
  readonly maxBufferedBytes: number;
}
export interface ConnectionEvents {
  onConnected(): void;
  /** `subscriptionIds`: the subscriptions this copy is meant for; null where the broker does not say (MQTT 3.1.1). */
  onMessage(topic: string, payload: Buffer, retained: boolean, subscriptionIds: readonly number[] | null): void;
  /** Exactly once; nothing follows. `detail` is a sentence part for people. */
  onEnd(end: ConnectionEnd, detail: string): void;
}
/** One network connection from CONNECT to its end. What it had under way dies with it. */
export interface MqttConnection {
  publish(topic: string, payload: string, options: PublishOptions): Promise<void>;
  subscribe(filter: string, subscriptionId: number): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  end(): Promise<void>;
}

const SESSION_TAKEN_OVER = 142;
const END_TIMEOUT_MS = 2_000;

/**
 * Opens one connection with its own mqtt.js client, reconnecting switched off.
 *
 * mqtt.js keeps unacknowledged messages in a store and sends them again after it reconnects, however old they are. Here a client, and with it
 * its store and queue, lives for one connection only, so no message can reach a later one.
 */
export const openMqttConnection = (options: ConnectionOptions, events: ConnectionEvents): MqttConnection => {
  const protocolVersion = options.client.protocolVersion === 4 ? 4 : 5;
  const client: MqttClient = mqtt.connect(options.url, {
    ...options.client,
    clean: true,
    resubscribe: false,
    reconnectPeriod: 0,
    queueQoSZero: false,
    rejectUnauthorized: true,
  });
  const pending = new Set<(error: Error) => void>();
  let connectedAtMs: number | null = null;
  let ended = false;
  let end: ConnectionEnd | null = null;
  let detail = "the connection was closed";

  const finish = (): void => {
    if (ended) return;
    ended = true;
    client.removeAllListeners();
    // A late error of a client that is being thrown away has nobody to tell.
    client.on("error", () => undefined);
    client.end(true);
    for (const reject of [...pending]) reject(unavailableError("The connection to the message broker was lost before it confirmed."));
    const lost: ConnectionEnd =
      connectedAtMs === null ? { kind: "closed-before-answer" } : { kind: "lost", connectedMs: performance.now() - connectedAtMs };
    events.onEnd(end ?? lost, detail);
  };

  client.on("connect", () => {
    connectedAtMs = performance.now();
    events.onConnected();
  });
  client.on("message", (topic, payload, packet) => {
    const id = packet.properties?.subscriptionIdentifier;
    events.onMessage(topic, payload, packet.retain === true, id === undefined ? null : Array.isArray(id) ? id : [id]);
  });
  client.on("disconnect", (packet) => {
    if (packet.reasonCode === SESSION_TAKEN_OVER) end = { kind: "taken" };
    detail = `the broker ended the session (reason ${packet.reasonCode ?? 0})`;
  });
  client.on("error", (error: Error & { code?: number | string }) => {
    detail = error.message === "" ? String(error.code ?? error.name) : error.message;
    if (connectedAtMs === null) end = typeof error.code === "number" ? { kind: "refused", code: error.code } : { kind: "unreachable" };
    // A protocol error without a closed socket would leave a connection nobody owns.
    setImmediate(finish);
  });
  client.on("close", finish);

  const settle = (start: (done: (error?: Error | null) => void) => (() => void) | undefined, what: string): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      let giveUp: (() => void) | undefined;
      const fail = (error: Error): void => {
        clearTimeout(timer);
        pending.delete(fail);
        reject(error);
      };
      const timer = setTimeout(() => {
        fail(new BrokerSilence(`The message broker did not confirm ${what} within ${options.publishTimeoutMs} ms.`));
        giveUp?.();
      }, options.publishTimeoutMs);
      pending.add(fail);
      giveUp = start((error) => {
        if (!pending.has(fail)) return;
        if (error) {
          fail(new IsothermError("retryable", `The message broker refused ${what}: ${error.message}`, { cause: error }));
          return;
        }
        clearTimeout(timer);
        pending.delete(fail);
        resolve();
      });
    });
  const usable = (): void => {
    if (ended || connectedAtMs === null || !client.connected) throw unavailableError("Not connected to the message broker.");
  };

  return {
    publish: async (topic, payload, { qos = 0, retain = false, expiryS }) => {
      usable();
      const waitingBytes = client.stream.writableLength ?? 0;
      if (waitingBytes > options.maxBufferedBytes)
        throw unavailableError(`The link to the message broker is too slow: ${waitingBytes} bytes still wait to be sent.`);
      await settle((done) => {
        const properties =
          protocolVersion === 5 && expiryS !== undefined ? { messageExpiryInterval: Math.max(1, Math.floor(expiryS)) } : {};
        client.publish(topic, payload, { qos, retain, properties }, done);
        const messageId = client.getLastMessageId();
        return qos === 0 ? undefined : () => client.removeOutgoingMessage(messageId);
      }, `the message on ${topic}`);
    },
    subscribe: async (filter, subscriptionIdentifier) => {
      usable();
      await settle((done) => {
        // `resubscribe`: ask again even if granted before, for the retained messages.
        const request = { [filter]: { qos: 1 as const }, resubscribe: true } as unknown as Record<string, { qos: 1 }>;
        if (protocolVersion === 5) client.subscribe(request, { qos: 1, properties: { subscriptionIdentifier } }, done);
        else client.subscribe(request, done);
        return undefined;
      }, `the subscription to ${filter}`);
    },
    unsubscribe: async (filter) => {
      usable();
      await settle((done) => {
        client.unsubscribe(filter, done);
        return undefined;
      }, `the end of the subscription to ${filter}`);
    },
    end: () =>
      new Promise<void>((resolve) => {
        if (ended) {
          resolve();
          return;
        }
        const force = setTimeout(() => {
          finish();
          resolve();
        }, END_TIMEOUT_MS);
        client.end(connectedAtMs === null, () => {
          clearTimeout(force);
          finish();
          resolve();
        });
      }),
  };
};
