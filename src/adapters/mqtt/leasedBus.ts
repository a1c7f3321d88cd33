import type { ControlLease } from "#adapters/mqtt/controlLease";
import type { MessageBus } from "#domain/bus";
import { unavailableError } from "#domain/errors";

/**
 * The same bus for those who may publish only while the lease is held: without it they find it not connected, and when the lease comes it is a new connection to
 * them, so that they publish anew what is retained. Asked at every message, so that nothing goes out after the lease has ended. Subscriptions work either way.
 */
export const withLease = (bus: MessageBus, lease: Pick<ControlLease, "held" | "onChange">): MessageBus => ({
  get connected() {
    return bus.connected && lease.held();
  },
  publish: async (topic, payload, options) => {
    if (!lease.held()) throw unavailableError("Another isotherm daemon commands this building.");
    await bus.publish(topic, payload, options);
  },
  subscribe: (filter, handler) => bus.subscribe(filter, handler),
  onConnection: (handler) => {
    let was = bus.connected && lease.held();
    return lease.onChange(({ state }) => {
      const is = state === "holder";
      if (is === was) return;
      was = is;
      handler(is);
    });
  },
  close: () => bus.close(),
});
