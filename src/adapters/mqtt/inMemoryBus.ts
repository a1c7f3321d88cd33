import { isTopic, isTopicFilter, topicMatches } from "#adapters/mqtt/topicFilter";
import type { BusMessage, MessageBus, PublishOptions } from "#domain/bus";
import { IsothermError, unavailableError } from "#domain/errors";

interface Subscription {
  readonly filter: string;
  readonly handler: (message: BusMessage) => void;
}

/** A broker inside the process: retained messages and the buses connected to it. */
export interface InMemoryBroker {
  /** A bus on this broker; `setConnected` plays a lost and found connection. */
  connect(): InMemoryBus;
  readonly retained: ReadonlyMap<string, string>;
}
export interface InMemoryBus extends MessageBus {
  setConnected(connected: boolean): void;
}

/** Makes a broker inside the process, for tests and simulations: same contract as MQTT, delivery in order, nothing leaves the process. */
export const createInMemoryBroker = (onWarning: (text: string) => void = () => undefined): InMemoryBroker => {
  const retained = new Map<string, string>();
  const deliver = new Set<(topic: string, payload: string) => void>();

  const connect = (): InMemoryBus => {
    let connected = true;
    let closed = false;
    const subscriptions = new Set<Subscription>();
    const waiting = new Set<() => void>();
    const connectionHandlers = new Set<(connected: boolean) => void>();

    const call = ({ filter, handler }: Subscription, message: BusMessage): void => {
      try {
        handler(message);
      } catch (error) {
        onWarning(`The handler of ${filter} failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    const receive = (topic: string, payload: string): void => {
      if (!connected) return;
      for (const subscription of [...subscriptions])
        if (topicMatches(subscription.filter, topic)) call(subscription, { topic, payload, retained: false });
    };
    const sendRetained = (subscription: Subscription): void => {
      for (const [topic, payload] of [...retained])
        if (topicMatches(subscription.filter, topic)) call(subscription, { topic, payload, retained: true });
    };
    const change = (to: boolean): void => {
      if (connected === to || closed) return;
      connected = to;
      if (to) {
        for (const wake of [...waiting]) wake();
        for (const subscription of [...subscriptions]) sendRetained(subscription);
      }
      for (const handler of [...connectionHandlers]) handler(to);
    };
    deliver.add(receive);

    return {
      get connected() {
        return connected;
      },
      setConnected: change,
      publish: async (topic: string, payload: string, options: PublishOptions = {}) => {
        if (!isTopic(topic)) throw new IsothermError("permanent", `Not a topic to publish to: "${topic.slice(0, 80)}"`);
        if (!connected) throw unavailableError("Not connected to the message broker.");
        if (options.retain === true) {
          if (payload === "") retained.delete(topic);
          else retained.set(topic, payload);
        }
        for (const send of [...deliver]) send(topic, payload);
      },
      subscribe: async (filter, handler) => {
        if (!isTopicFilter(filter)) throw new IsothermError("permanent", `Not a topic filter: "${filter.slice(0, 80)}"`);
        if (closed) throw unavailableError("The message bus is closed.");
        while (!connected) {
          await new Promise<void>((resolve) => {
            const wake = (): void => {
              waiting.delete(wake);
              resolve();
            };
            waiting.add(wake);
          });
          if (closed) throw unavailableError("The message bus is closed.");
        }
        const subscription = { filter, handler };
        subscriptions.add(subscription);
        sendRetained(subscription);
        return async () => {
          subscriptions.delete(subscription);
        };
      },
      onConnection: (handler) => {
        connectionHandlers.add(handler);
        return () => {
          connectionHandlers.delete(handler);
        };
      },
      close: async () => {
        change(false);
        closed = true;
        deliver.delete(receive);
        for (const wake of [...waiting]) wake();
      },
    };
  };
  return { connect, retained };
};
