import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BusMessage, MessageBus } from "#domain/bus";
import { IsothermError } from "#domain/errors";

export interface BusUnderTest {
  readonly a: MessageBus;
  readonly b: MessageBus;
  /** Breaks the connection of both buses and returns when they have noticed. */
  breakLink(): Promise<void>;
  /** Lets both connect again and returns when they have. */
  mendLink(): Promise<void>;
  end(): Promise<void>;
}

const soon = async (condition: () => boolean): Promise<void> => {
  const endMs = performance.now() + 10_000;
  while (!condition() && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
};

/** What every `MessageBus` must do. `make` returns two connected buses on one fresh broker. */
export const messageBusContract = (name: string, make: () => Promise<BusUnderTest>): void => {
  describe(`message bus contract: ${name}`, () => {
    let bus: BusUnderTest;
    beforeEach(async () => {
      bus = await make();
    });
    afterEach(async () => {
      await bus.end();
    });
    const listen = async (on: MessageBus, filter: string): Promise<{ got: BusMessage[]; cancel: () => Promise<void> }> => {
      const got: BusMessage[] = [];
      return { got, cancel: await on.subscribe(filter, (message) => got.push(message)) };
    };
    /** All that b had been sent before this has arrived when it returns: messages of one connection keep their order. */
    const drain = async (): Promise<void> => {
      const topic = `isotherm/site/marker/${Math.floor(performance.now() * 1e6)}`;
      const { got, cancel } = await listen(bus.b, topic);
      await bus.a.publish(topic, "marker", { qos: 1 });
      await soon(() => got.length === 1);
      await cancel();
    };

    it("delivers what is published, in order, to a subscriber with wildcards", async () => {
      const { got } = await listen(bus.b, "isotherm/+/zone/#");
      for (let i = 0; i < 50; i++) await bus.a.publish("isotherm/site/zone/lobby/state", String(i), { qos: i % 2 === 0 ? 1 : 0 });
      await bus.a.publish("isotherm/site/status", "online", { qos: 1 });
      await soon(() => got.length >= 50);
      await drain();
      expect(got.map((message) => message.payload)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
      expect(got.every((message) => !message.retained && message.topic === "isotherm/site/zone/lobby/state")).toBe(true);
    });

    it("keeps text of any script and an empty message as they are", async () => {
      const { got } = await listen(bus.b, "isotherm/site/event");
      await bus.a.publish("isotherm/site/event", "Küche 21 °C 暖房 🌡", { qos: 1 });
      await bus.a.publish("isotherm/site/event", "", { qos: 1 });
      await soon(() => got.length === 2);
      expect(got.map((message) => message.payload)).toEqual(["Küche 21 °C 暖房 🌡", ""]);
    });

    it("hands a late subscriber the newest retained message, marked as retained, and none after it was cleared", async () => {
      await bus.a.publish("isotherm/site/info", "old", { qos: 1, retain: true });
      await bus.a.publish("isotherm/site/info", "new", { qos: 1, retain: true });
      const first = await listen(bus.b, "isotherm/site/info");
      await soon(() => first.got.length === 1);
      expect(first.got[0]).toEqual({ topic: "isotherm/site/info", payload: "new", retained: true });
      await bus.a.publish("isotherm/site/info", "", { qos: 1, retain: true });
      await first.cancel();
      const second = await listen(bus.b, "isotherm/site/info");
      await drain();
      expect(second.got).toEqual([]);
    });

    it("serves two subscribers of one filter, and the one that is left after the other cancelled", async () => {
      const first = await listen(bus.b, "isotherm/site/event");
      const second = await listen(bus.b, "isotherm/site/event");
      await bus.a.publish("isotherm/site/event", "1", { qos: 1 });
      await soon(() => first.got.length === 1 && second.got.length === 1);
      await first.cancel();
      await first.cancel();
      await bus.a.publish("isotherm/site/event", "2", { qos: 1 });
      await soon(() => second.got.length === 2);
      expect(first.got.length).toBe(1);
    });

    it("hands a message once to each subscriber whose filters overlap with another's", async () => {
      const wide = await listen(bus.b, "isotherm/#");
      const narrow = await listen(bus.b, "isotherm/site/event");
      await bus.a.publish("isotherm/site/event", "1", { qos: 1 });
      await drain();
      await drain();
      expect(narrow.got.map((message) => message.payload)).toEqual(["1"]);
      expect(wide.got.filter((message) => message.payload === "1").length).toBe(1);
    });

    it("a handler that throws does not stop the others", async () => {
      await bus.b.subscribe("isotherm/site/event", () => {
        throw new Error("broken handler");
      });
      const { got } = await listen(bus.b, "isotherm/site/event");
      await bus.a.publish("isotherm/site/event", "1", { qos: 1 }).catch(() => undefined);
      await soon(() => got.length === 1);
    });

    it("refuses topics and filters that MQTT does not know", async () => {
      for (const topic of ["", "isotherm/+/x", "isotherm/#", "a\u0000b", "a/".repeat(200), "x".repeat(70_000)])
        await expect(bus.a.publish(topic, "x")).rejects.toMatchObject({ name: "IsothermError", kind: "permanent" });
      for (const filter of ["", "a/#/b", "a+/b", "a/b#"])
        await expect(bus.a.subscribe(filter, () => undefined)).rejects.toMatchObject({ name: "IsothermError", kind: "permanent" });
    });

    it("refuses to publish while the connection is down, and delivers none of it later, whatever the quality of service", async () => {
      const { got } = await listen(bus.b, "isotherm/site/zone/lobby/setpoint");
      const changes: boolean[] = [];
      bus.a.onConnection((connected) => changes.push(connected));
      await bus.breakLink();
      expect(bus.a.connected).toBe(false);
      for (const qos of [0, 1] as const) {
        const refusal = await bus.a
          .publish("isotherm/site/zone/lobby/setpoint", "stale", { qos, retain: qos === 1 })
          .catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(IsothermError);
        expect((refusal as IsothermError).kind).toBe("retryable");
      }
      await bus.mendLink();
      await bus.a.publish("isotherm/site/zone/lobby/setpoint", "fresh", { qos: 1 });
      await soon(() => got.some((message) => message.payload === "fresh"));
      await drain();
      expect(got.map((message) => message.payload)).toEqual(["fresh"]);
      expect(changes).toEqual([false, true]);
    });

    it("a subscription asked for while the connection is down is granted after it is back", async () => {
      await bus.breakLink();
      const got: BusMessage[] = [];
      let granted = false;
      const subscribing = bus.b
        .subscribe("isotherm/site/event", (message) => got.push(message))
        .then(() => {
          granted = true;
        });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(granted).toBe(false);
      await bus.mendLink();
      await subscribing;
      await bus.a.publish("isotherm/site/event", "1", { qos: 1 });
      await soon(() => got.length === 1);
    });

    it("after close it is disconnected, refuses to publish and ends waiting subscribers", async () => {
      await bus.breakLink();
      const waiting = bus.b.subscribe("isotherm/site/event", () => undefined);
      const ended = expect(waiting).rejects.toMatchObject({ kind: "retryable" });
      await bus.b.close();
      await ended;
      expect(bus.b.connected).toBe(false);
      await expect(bus.b.publish("isotherm/site/event", "1")).rejects.toMatchObject({ kind: "retryable" });
      await bus.mendLink();
    });
  });
};
