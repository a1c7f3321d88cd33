import type { BusMessage, MessageBus } from "#domain/bus";

const OWN_ROOT = "isotherm";

/** The same bus with another first level instead of `isotherm` on the wire, for brokers whose topics begin otherwise; all other topics are left as they are. */
export const withBaseTopic = <T extends MessageBus>(bus: T, baseTopic: string): MessageBus => {
  if (baseTopic === OWN_ROOT) return bus;
  const swap = (topic: string, from: string, to: string): string =>
    topic.startsWith(`${from}/`) ? `${to}${topic.slice(from.length)}` : topic;
  return {
    get connected() {
      return bus.connected;
    },
    publish: (topic, payload, options) => bus.publish(swap(topic, OWN_ROOT, baseTopic), payload, options),
    subscribe: (filter, handler) =>
      bus.subscribe(swap(filter, OWN_ROOT, baseTopic), (message: BusMessage) =>
        handler({ ...message, topic: filter.startsWith(`${OWN_ROOT}/`) ? swap(message.topic, baseTopic, OWN_ROOT) : message.topic }),
      ),
    onConnection: (handler) => bus.onConnection(handler),
    close: () => bus.close(),
  };
};
