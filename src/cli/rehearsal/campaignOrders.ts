import type { MqttBus } from "#adapters/mqtt/mqttBus";
import { decode } from "#adapters/mqtt/wire";
import { untilTrue } from "#cli/rehearsal/broker";
import type { Clock } from "#domain/clock";

/** How long an answer is waited for, real time: a daemon that was just killed gives none. */
const ANSWER_MS = 5_000;

const RECONNECT_MS = 20_000;

/** Orders of people and programs, and what became of them. */
export interface Orders {
  /** Gives an order and waits for its answer; resolves with the site time at which it was answered well, or null. */
  give(bus: MqttBus, topic: string, order: object): Promise<number | null>;
  readonly answered: number;
  /** Nobody answered: they were given while the daemon was away, and need not hold. */
  readonly unanswered: number;
  readonly refused: readonly string[];
}

export const giveOrders = async (reader: MqttBus, clock: Pick<Clock, "nowMs">): Promise<Orders> => {
  const waiting = new Map<string, (atMs: number | null) => void>();
  const orders = { answered: 0, unanswered: 0, refused: [] as string[] };
  const hear = ({ topic, payload }: { readonly topic: string; readonly payload: string }): void => {
    const result = decode.result(payload);
    if (!result.ok) return;
    const settle = waiting.get(result.value.id);
    if (settle === undefined) return;
    orders.answered += 1;
    if (!result.value.ok) orders.refused.push(`${topic}: ${result.value.error}`);
    settle(result.value.ok ? clock.nowMs() : null);
  };
  await reader.subscribe("isotherm/+/+/result", hear);
  await reader.subscribe("isotherm/+/zone/+/+/result", hear);
  let given = 0;
  return {
    get answered() {
      return orders.answered;
    },
    get unanswered() {
      return orders.unanswered;
    },
    get refused() {
      return orders.refused;
    },
    give: async (bus, topic, order) => {
      given += 1;
      // A client whose broker was away is back a moment after it.
      await untilTrue("a client's connection", RECONNECT_MS, () => bus.connected);
      const id = `c${given}`;
      let timer: NodeJS.Timeout | undefined;
      const answer = new Promise<number | null>((resolve) => {
        waiting.set(id, resolve);
        timer = setTimeout(() => {
          orders.unanswered += 1;
          resolve(null);
        }, ANSWER_MS);
      });
      await bus.publish(topic, JSON.stringify({ id, ...order }), { qos: 1 });
      const atMs = await answer;
      clearTimeout(timer);
      waiting.delete(id);
      return atMs;
    },
  };
};
