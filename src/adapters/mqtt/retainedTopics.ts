import type { MessageBus, PublishOptions } from "#domain/bus";

export interface RetainedTopics {
  /** Makes `payload` the newest value of `topic` and publishes it as soon as there is a connection. */
  set(topic: string, payload: string, usable?: () => Pick<PublishOptions, "expiryS"> | null): void;
  /** Empties the topic on the broker. */
  clear(topic: string): void;
  /** Stops republishing a topic; the broker keeps what it has. */
  forget(topic: string): void;
  readonly topics: readonly string[];
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  close(): void;
}

interface Slot {
  payload: string;
  /** Asked right before every attempt: options for it, or null where the value may not go out any more. */
  usable: () => Pick<PublishOptions, "expiryS"> | null;
  /** Published and confirmed on the present connection. */
  confirmed: boolean;
  running: Promise<void> | null;
}

const RETRY_MS = 5_000;

/**
 * Keeps the newest value of each retained topic and sees to it that the broker has it: published once per connection, tried again while that
 * fails, and only ever the newest. Brokers may lose retained messages when they crash, so everything is published again on every connect.
 */
export const createRetainedTopics = (
  bus: MessageBus,
  options: { readonly onFailed?: (topic: string, error: unknown) => void; readonly retryMs?: number } = {},
): RetainedTopics => {
  const slots = new Map<string, Slot>();
  let retry: NodeJS.Timeout | null = null;
  let closed = false;
  /** Counts connections: a confirmation belongs to the connection it came over. */
  let connection = 0;

  const run = async (topic: string, slot: Slot): Promise<void> => {
    while (!closed && bus.connected && !slot.confirmed && slots.get(topic) === slot) {
      const { payload } = slot;
      const on = connection;
      const extra = slot.usable();
      if (extra === null) {
        slots.delete(topic);
        return;
      }
      try {
        await bus.publish(topic, payload, { qos: 1, retain: true, ...extra });
        // Meanwhile it may have been replaced, or another connection may have begun.
        if (slot.payload === payload && on === connection) slot.confirmed = true;
      } catch (error) {
        options.onFailed?.(topic, error);
        if (slot.payload === payload && on === connection) {
          later();
          return;
        }
      }
    }
    if (slot.confirmed && slot.payload === "" && slots.get(topic) === slot) slots.delete(topic);
  };
  const pump = (topic: string, slot: Slot): void => {
    if (slot.running !== null) return;
    slot.running = run(topic, slot).finally(() => {
      slot.running = null;
      if (!slot.confirmed && retry === null && slots.get(topic) === slot && bus.connected && !closed) pump(topic, slot);
    });
  };
  const pumpAll = (): void => {
    for (const [topic, slot] of [...slots]) pump(topic, slot);
  };
  const later = (): void => {
    retry ??= setTimeout(() => {
      retry = null;
      pumpAll();
    }, options.retryMs ?? RETRY_MS);
    retry.unref();
  };
  const removeHandler = bus.onConnection((connected) => {
    if (!connected) return;
    connection++;
    for (const slot of slots.values()) slot.confirmed = false;
    pumpAll();
  });

  const set: RetainedTopics["set"] = (topic, payload, usable = () => ({})) => {
    if (closed) return;
    const slot = slots.get(topic) ?? { payload, usable, confirmed: false, running: null };
    slot.payload = payload;
    slot.usable = usable;
    slot.confirmed = false;
    slots.set(topic, slot);
    pump(topic, slot);
  };
  return {
    set,
    clear: (topic) => set(topic, ""),
    forget: (topic) => {
      slots.delete(topic);
    },
    get topics() {
      return [...slots.keys()];
    },
    settled: async () => {
      for (;;) {
        const running = [...slots.values()].map((slot) => slot.running).filter((promise) => promise !== null);
        if (running.length === 0) return;
        await Promise.all(running);
      }
    },
    close: () => {
      closed = true;
      removeHandler();
      if (retry !== null) clearTimeout(retry);
    },
  };
};
