import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ControlLease, createControlLease } from "#adapters/mqtt/controlLease";
import { createInMemoryBroker } from "#adapters/mqtt/inMemoryBus";
import { withLease } from "#adapters/mqtt/leasedBus";
import { createPublisher } from "#adapters/mqtt/publisher";
import { decode, topicsOf } from "#adapters/mqtt/wire";
import type { BusMessage, MessageBus } from "#domain/bus";
import { createSupervisor } from "#loop/supervisor";

const leaseMs = 60_000;
const { lease: topic, setpoint } = topicsOf("site");

/** A broker with one order of messages for all, and for each client a queue that the test empties when it likes. */
const queuedBroker = () => {
  let retained = "";
  const clients = new Set<{ up: boolean; queue: BusMessage[] }>();
  const connect = () => {
    const client = { up: true, queue: [] as BusMessage[] };
    clients.add(client);
    let handler: ((message: BusMessage) => void) | null = null;
    const onConnection = new Set<(connected: boolean) => void>();
    const stored = (): void => {
      if (retained !== "") client.queue.push({ topic, payload: retained, retained: true });
    };
    const bus: MessageBus = {
      get connected() {
        return client.up;
      },
      publish: async (to, payload) => {
        if (!client.up) throw new Error("down");
        retained = payload;
        for (const other of clients) if (other.up) other.queue.push({ topic: to, payload, retained: false });
      },
      subscribe: async (_filter, to) => {
        handler = to;
        stored();
        return async () => undefined;
      },
      onConnection: (to) => {
        onConnection.add(to);
        return () => onConnection.delete(to);
      },
      close: async () => undefined,
    };
    return {
      bus,
      deliver: (most: number): void => {
        for (let i = 0; i < most && client.queue.length > 0; i++) handler?.(client.queue.shift()!);
      },
      setUp: (up: boolean): void => {
        if (up === client.up) return;
        client.up = up;
        client.queue.length = 0;
        if (up) stored();
        for (const tell of [...onConnection]) tell(up);
      },
    };
  };
  return { connect, forget: () => (retained = "") };
};

type Step =
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "check" | "up" | "down" | "restart" | "release"; readonly who: number }
  | { readonly kind: "deliver"; readonly who: number; readonly most: number };
const who = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 40_000 }) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("check" as const), who }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("deliver" as const), who, most: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("up" as const, "down" as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("restart" as const, "release" as const), who }) },
);

describe("the lease on a building", () => {
  it("is held by one daemon at most, under growing epochs, whatever is late, lost, stopped or started anew; and by one when all is well again", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 150 }), async (steps) => {
        let nowMs = 1_000_000;
        let sessions = 0;
        const broker = queuedBroker();
        const start = async (index: number) => {
          const link = broker.connect();
          const session = `s${++sessions}`;
          const instance = `daemon-${index}`;
          // As in the daemon: seconds of the wall clock, so greater with every start.
          const epoch = 1_000 * sessions;
          const lease = await createControlLease({ ...link, building: "site", instance, session, epoch, leaseMs, clocks: [() => nowMs] });
          return { link, lease };
        };
        const daemons = [await start(0), await start(1), await start(2)];
        let last: { lease: ControlLease; epoch: number } | null = null;
        const look = (): void => {
          const holders = daemons.filter(({ lease }) => lease.held());
          expect(holders.length).toBeLessThanOrEqual(1);
          const holder = holders[0]?.lease;
          if (holder === undefined) return;
          const { epoch } = holder.view;
          if (last !== null && last.lease !== holder) expect(epoch).toBeGreaterThan(last.epoch);
          last = { lease: holder, epoch };
        };
        const apply = async (one: Step): Promise<void> => {
          if (one.kind === "time") nowMs += one.ms;
          else {
            const { link, lease } = daemons[one.who]!;
            if (one.kind === "check") lease.check();
            else if (one.kind === "deliver") link.deliver(one.most);
            else if (one.kind === "up" || one.kind === "down") link.setUp(one.kind === "up");
            else {
              // A process that ends says nothing more; one that ends well has released before.
              if (one.kind === "release") await lease.release();
              link.setUp(false);
              daemons[one.who] = await start(one.who);
            }
          }
          await Promise.resolve();
          look();
        };
        for (const one of steps) await apply(one);
        for (let i = 0; i < 3; i++) await apply({ kind: "up", who: i });
        for (let s = 0; s < 300; s++) {
          await apply({ kind: "time", ms: 1_000 });
          for (let i = 0; i < 3; i++) await apply({ kind: "check", who: i });
          for (let i = 0; i < 3; i++) await apply({ kind: "deliver", who: i, most: 100 });
        }
        expect(daemons.filter(({ lease }) => lease.held()).length).toBe(1);
      }),
      { numRuns: 100 },
    );
  }, 120_000);

  it("is not taken on a stored claim of one's own after somebody else's has run out: others may have been granted it unheard", async () => {
    let nowMs = 0;
    const broker = queuedBroker();
    const make = async (name: string, epoch: number) => {
      const link = broker.connect();
      return {
        link,
        lease: await createControlLease({
          ...link,
          building: "site",
          instance: name,
          session: name,
          epoch,
          leaseMs,
          clocks: [() => nowMs],
        }),
      };
    };
    const a = await make("a", 1);
    const b = await make("b", 2);
    const c = await make("c", 3);
    a.link.deliver(3);
    expect(a.lease.held()).toBe(true);
    // All that c hears is b's stored claim; a renews, unheard by c.
    c.link.deliver(1);
    expect(c.lease.view.other).toBe("b");
    nowMs += 30_000;
    a.lease.check();
    nowMs += 30_001;
    a.link.deliver(10);
    expect(a.lease.held()).toBe(true);
    // b has been silent for a lease: c claims, loses its connection, and finds that claim stored when it comes back.
    c.lease.check();
    c.link.setUp(false);
    c.link.setUp(true);
    c.link.deliver(100);
    expect([a.lease.held(), b.lease.held(), c.lease.held()]).toEqual([true, false, false]);
    // Once a has gone and nobody else speaks it is c's turn.
    a.link.setUp(false);
    b.link.setUp(false);
    for (let s = 0; s < 200; s++) {
      nowMs += 1_000;
      c.lease.check();
      c.link.deliver(100);
    }
    expect(c.lease.held()).toBe(true);
  });

  it("is not said to be held by whose claim took a lease to come back: his next start would take that for its own", async () => {
    let nowMs = 0;
    const broker = queuedBroker();
    const make = async (instance: string, session: string, epoch: number) => {
      const link = broker.connect();
      return {
        link,
        lease: await createControlLease({ ...link, building: "site", instance, session, epoch, leaseMs, clocks: [() => nowMs] }),
      };
    };
    const a = await make("a", "a1", 1);
    const b = await make("b", "b1", 2);
    b.link.deliver(2);
    expect(b.lease.view.other).toBe("a");
    nowMs += leaseMs;
    b.lease.check();
    // Only now does a hear its first claim, and b's second one stands behind it.
    a.link.deliver(1);
    expect(a.lease.held()).toBe(false);
    a.link.setUp(false);
    const again = await make("a", "a2", 3);
    b.link.deliver(1);
    expect(b.lease.held()).toBe(true);
    again.link.deliver(100);
    expect([b.lease.held(), again.lease.held()]).toEqual([true, false]);
  });

  it("passes at once when it is released, and after one lease when its holder falls silent", async () => {
    let nowMs = 0;
    const broker = createInMemoryBroker();
    const make = (name: string, bus = broker.connect()) =>
      createControlLease({ bus, building: "site", instance: name, session: name, epoch: 1, leaseMs, clocks: [() => nowMs] });
    const a = await make("a");
    const b = await make("b");
    expect([a.view.state, b.view]).toEqual(["holder", { state: "passive", epoch: 1, other: "a" }]);
    await a.release();
    b.check();
    expect(b.view).toEqual({ state: "holder", epoch: 2, other: null });
    const c = await make("c");
    nowMs += leaseMs - 1;
    c.check();
    expect([b.held(), c.view.state]).toEqual([false, "passive"]);
    nowMs += 1;
    c.check();
    expect(c.view).toMatchObject({ state: "holder", epoch: 3 });
  });

  it("is had at once where the broker comes later than the daemon", async () => {
    const bus = createInMemoryBroker().connect();
    bus.setConnected(false);
    const making = createControlLease({ bus, building: "site", instance: "a", session: "a", epoch: 1, leaseMs, clocks: [() => 0] });
    bus.setConnected(true);
    expect((await making).view.state).toBe("holder");
  });

  it("a restarted daemon does not wait for its own lease", async () => {
    const broker = createInMemoryBroker();
    const make = (session: string, bus = broker.connect()) =>
      createControlLease({ bus, building: "site", instance: "a", session, epoch: 1, leaseMs, clocks: [() => 0] });
    const before = broker.connect();
    await make("s1", before);
    before.setConnected(false);
    expect((await make("s2")).view).toMatchObject({ state: "holder", epoch: 2 });
  });

  it("two supervisors on one bus: no setpoint of the one that lost goes out, and the other's come under a greater epoch", async () => {
    let nowMs = Date.UTC(2026, 0, 5);
    const clock = { nowMs: () => nowMs, sleepUntil: async () => undefined };
    const broker = createInMemoryBroker();
    const seen: { epoch: number; heat: number }[] = [];
    await broker.connect().subscribe(setpoint("a"), ({ payload, retained }) => {
      const message = decode.setpoint(payload);
      if (message.ok && !retained) seen.push({ epoch: message.value.epoch, heat: message.value.setpoints!.heatingSetpointC });
    });
    const make = async (name: string, heat: number) => {
      const raw = broker.connect();
      const lease = await createControlLease({
        bus: raw,
        building: "site",
        instance: name,
        session: name,
        epoch: 1,
        leaseMs,
        clocks: [() => nowMs],
      });
      const bus = withLease(raw, lease);
      const publisher = createPublisher({ bus, clock, building: "site", version: "1", mode: "auto" });
      const supervisor = createSupervisor({
        zones: ["a"],
        epoch: 1,
        commandValidityS: 3_600,
        outlet: { send: async (command) => void publisher.publishCommand(command) },
      });
      supervisor.standBy(!lease.held());
      lease.onChange(({ state, epoch }) => {
        if (state === "holder") supervisor.setEpoch(epoch);
        if (state === "passive") publisher.forgetSetpoints();
        supervisor.standBy(state !== "holder");
      });
      const decide = async (): Promise<void> => {
        lease.check();
        await supervisor.command(new Map([["a", { heatingSetpointC: heat, coolingSetpointC: 24 }]]), "rule", nowMs).sent;
        await publisher.settled();
      };
      return { raw, lease, decide };
    };
    const first = await make("first", 20);
    const second = await make("second", 18);
    const both = async (): Promise<void> => {
      await first.decide();
      await second.decide();
      nowMs += 10_000;
    };
    for (let i = 0; i < 5; i++) await both();
    expect(new Set(seen.map(({ heat }) => heat))).toEqual(new Set([20]));
    first.raw.setConnected(false);
    seen.length = 0;
    for (let i = 0; i < 10; i++) await both();
    expect(new Set(seen.map(({ heat }) => heat))).toEqual(new Set([18]));
    const epochs = seen.map(({ epoch }) => epoch);
    expect(Math.min(...epochs)).toBe(2);
    first.raw.setConnected(true);
    seen.length = 0;
    for (let i = 0; i < 10; i++) await both();
    expect(new Set(seen.map(({ heat }) => heat))).toEqual(new Set([18]));
  });
});
