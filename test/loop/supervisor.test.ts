import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SetpointCommand } from "#domain/setpoints";
import { createPlannerSlot } from "#loop/plannerSlot";
import { type ControlMode, createSupervisor, type Supervisor } from "#loop/supervisor";

const pairs = new Map([["a", { heatingSetpointC: 20, coolingSetpointC: 24 }]]);
const made = (send: (command: SetpointCommand) => Promise<void> = async () => undefined) =>
  createSupervisor({ zones: ["a"], outlet: { send }, epoch: 3, commandValidityS: 60 });

describe("supervisor", () => {
  it("counts commands up and never uses a number twice, even when sending fails", async () => {
    const supervisor = made(async () => Promise.reject(new Error("away")));
    const first = supervisor.command(pairs, "mppi", 0);
    await expect(first.sent).rejects.toThrow("away");
    const second = supervisor.command(pairs, "mppi", 1);
    await expect(second.sent).rejects.toThrow("away");
    expect([first.command, second.command].map(({ epoch, seq }) => [epoch, seq])).toEqual([
      [3, 1],
      [3, 2],
    ]);
    expect(supervisor.inForce(1).size).toBe(0);
  });
  it("forgets what is in force when the command expires", async () => {
    const supervisor = made();
    await supervisor.command(pairs, "mppi", 0).sent;
    expect(supervisor.inForce(59_999).get("a")).toEqual(pairs.get("a"));
    expect(supervisor.inForce(60_000).size).toBe(0);
  });
  it.each([
    ["an unknown zone", { zone: "z", setpoints: { heatingSetpointC: 20, coolingSetpointC: 24 }, untilMs: null }],
    ["NaN", { zone: "a", setpoints: { heatingSetpointC: Number.NaN, coolingSetpointC: 24 }, untilMs: null }],
    ["heating above cooling", { zone: "a", setpoints: { heatingSetpointC: 25, coolingSetpointC: 24 }, untilMs: null }],
    ["an end in the past", { zone: "a", setpoints: { heatingSetpointC: 20, coolingSetpointC: 24 }, untilMs: 5 }],
  ])("refuses an override with %s", (_what, override) => {
    const supervisor = made();
    expect(() => supervisor.override({ ...override, by: "x" }, 10)).toThrow();
    expect(supervisor.overrides(10).size).toBe(0);
  });
  it("drops an override at its end or when it is released, and tells of every change", () => {
    const supervisor = made();
    let changes = 0;
    supervisor.onChange(() => {
      changes++;
    });
    const override = { zone: "a", setpoints: { heatingSetpointC: 20, coolingSetpointC: 24 }, by: "x" };
    supervisor.override({ ...override, untilMs: 100 }, 0);
    expect(supervisor.overrides(99).size).toBe(1);
    expect(supervisor.overrides(100).size).toBe(0);
    supervisor.override({ ...override, untilMs: null, reason: "" }, 100);
    expect(supervisor.overrides(100).get("a")).not.toHaveProperty("reason");
    supervisor.override({ ...override, untilMs: null, reason: "cold feet" }, 100);
    expect(supervisor.overrides(100).get("a")!.reason).toBe("cold feet");
    expect(supervisor.release("a")).toBe(true);
    expect(supervisor.release("a")).toBe(false);
    expect(changes).toBe(5);
  });
});

describe("planner slot", () => {
  it("closes a replaced planner only after the decision that uses it", async () => {
    const closed: string[] = [];
    const planner = (name: string) => ({
      planner: { name, plan: async () => Promise.reject(new Error()), close: async () => void closed.push(name) },
      modelVersion: name,
    });
    const slot = createPlannerSlot({ onError: () => undefined, initial: planner("old") });
    await slot.use(async (inUse) => {
      slot.swap(planner("new"));
      await Promise.resolve();
      expect(inUse!.modelVersion).toBe("old");
      expect(closed).toEqual([]);
    });
    await Promise.resolve();
    expect(closed).toEqual(["old"]);
    await slot.close();
    expect(closed).toEqual(["old", "new"]);
  });
});

describe("modes of zones", () => {
  const both = new Map(["a", "b"].map((zone) => [zone, { heatingSetpointC: 20, coolingSetpointC: 24 }]));
  const made = () => {
    const sent: SetpointCommand[] = [];
    const proposed: SetpointCommand[] = [];
    const supervisor = createSupervisor({
      zones: ["a", "b"],
      outlet: { send: async (command) => void sent.push(command), propose: async (command) => void proposed.push(command) },
      epoch: 3,
      commandValidityS: 60,
    });
    return { supervisor, sent, proposed, zonesOf: (list: SetpointCommand[]) => list.map(({ zones, source }) => [source, ...zones.keys()]) };
  };
  it("sends to zones in auto, proposes in those in shadow, leaves out those that are off, and gives back only what left auto", async () => {
    const { supervisor, sent, proposed, zonesOf } = made();
    await supervisor.command(both, "rule", 0).sent;
    await supervisor.setZoneMode("b", "shadow", 1);
    await supervisor.command(both, "rule", 2).sent;
    await supervisor.setZoneMode("b", "off", 3);
    expect([...supervisor.command(both, "rule", 4).command.zones.keys()]).toEqual(["a"]);
    await supervisor.setZoneMode("b", null, 5);
    await supervisor.command(both, "rule", 6).sent;
    expect(zonesOf(sent)).toEqual([
      ["rule", "a", "b"],
      ["relinquish", "b"],
      ["rule", "a"],
      ["rule", "a"],
      ["rule", "a", "b"],
    ]);
    expect(zonesOf(proposed)).toEqual([["rule", "b"]]);
    expect([...supervisor.inForce(7).keys()]).toEqual(["a", "b"]);
  });
  it("an answer of the broker that comes late confirms nothing that has changed since", async () => {
    let answer = (): void => undefined;
    const supervisor = createSupervisor({
      zones: ["a", "b"],
      outlet: {
        send: ({ source }) =>
          new Promise((resolve) => {
            if (source === "relinquish") resolve();
            else answer = resolve;
          }),
      },
      epoch: 3,
      commandValidityS: 60,
      initial: { mode: "auto" },
    });
    const first = supervisor.command(both, "rule", 0).sent;
    const confirmFirst = answer;
    const second = supervisor.command(new Map([["a", { heatingSetpointC: 19, coolingSetpointC: 25 }]]), "rule", 1).sent;
    answer();
    await second;
    await supervisor.setZoneMode("b", "shadow", 2);
    confirmFirst();
    await first;
    expect([...supervisor.inForce(3)]).toEqual([["a", { heatingSetpointC: 19, coolingSetpointC: 25 }]]);
  });
  it("numbers of one epoch confirm nothing under the next", async () => {
    let answer = (): void => undefined;
    const supervisor = createSupervisor({
      zones: ["a"],
      outlet: {
        send: () =>
          new Promise((resolve) => {
            answer = resolve;
          }),
      },
      epoch: 3,
      commandValidityS: 60,
    });
    const late = supervisor.command(pairs, "rule", 0).sent;
    const confirmLate = answer;
    supervisor.setEpoch(4);
    const next = supervisor.command(new Map([["a", { heatingSetpointC: 18, coolingSetpointC: 26 }]]), "rule", 1).sent;
    confirmLate();
    await late;
    expect(supervisor.inForce(2).size).toBe(0);
    answer();
    await next;
    expect(supervisor.inForce(2).get("a")).toEqual({ heatingSetpointC: 18, coolingSetpointC: 26 });
  });
  it("the building's mode, set by a person, is every zone's", async () => {
    const { supervisor } = made();
    await supervisor.setZoneMode("a", "shadow", 0);
    await supervisor.setMode("auto", 1);
    expect([supervisor.modeOf("a"), supervisor.zoneModes.size]).toEqual(["auto", 0]);
    await expect(supervisor.setZoneMode("z", "auto", 2)).rejects.toThrow("no zone");
  });
  it("while it stands by, nothing goes out, and under a greater epoch its numbers begin anew", async () => {
    const { supervisor, sent, proposed } = made();
    await supervisor.command(both, "rule", 0).sent;
    supervisor.standBy(true);
    supervisor.standBy(true);
    await supervisor.command(both, "rule", 1).sent;
    await supervisor.relinquish(2);
    expect([sent.length, proposed.length, supervisor.inForce(2).size]).toEqual([1, 1, 0]);
    supervisor.standBy(false);
    supervisor.setEpoch(9);
    supervisor.setEpoch(4);
    expect(supervisor.command(both, "rule", 3).command).toMatchObject({ epoch: 9, seq: 1 });
  });
});

describe("what people ordered before a restart", () => {
  it("counts again, but for zones that are gone", () => {
    const order = (zone: string) => ({
      zone,
      setpoints: { heatingSetpointC: 19, coolingSetpointC: 25 },
      sinceMs: 1,
      untilMs: null,
      by: "Ada",
    });
    const supervisor = createSupervisor({
      zones: ["a"],
      outlet: { send: async () => undefined },
      epoch: 1,
      commandValidityS: 60,
      initial: { mode: "shadow", zoneModes: { a: "auto", gone: "auto" }, overrides: [order("a"), order("gone")] },
    });
    expect([...supervisor.overrides(2).values()]).toEqual([order("a")]);
    expect([supervisor.mode, [...supervisor.zoneModes]]).toEqual(["shadow", [["a", "auto"]]]);
  });
});

describe("withdrawn zones", () => {
  const both = new Map(["a", "b"].map((zone) => [zone, { heatingSetpointC: 20, coolingSetpointC: 24 }]));
  const made = (fails: { now: boolean } = { now: false }) => {
    const sent: SetpointCommand[] = [];
    const supervisor = createSupervisor({
      zones: ["a", "b"],
      outlet: {
        send: async (command) => {
          if (fails.now) throw new Error("away");
          sent.push(command);
        },
      },
      epoch: 1,
      commandValidityS: 60,
      initial: { mode: "auto", zoneModes: { b: "shadow", gone: "auto" }, overrides: [], seq: 4 },
    });
    return { supervisor, sources: () => sent.map(({ source, zones, seq }) => [source, seq, ...zones.keys()]) };
  };
  it("are given back once where they were in auto, left out of commands, and commanded again afterwards", async () => {
    const { supervisor, sources } = made();
    await supervisor.withdraw(["a", "b", "nowhere"], 0);
    await supervisor.withdraw(["a", "b"], 1);
    expect(supervisor.command(both, "rule", 2).command.zones.size).toBe(0);
    await supervisor.setZoneMode("b", "auto", 3);
    await supervisor.withdraw(["a", "b"], 4);
    await supervisor.withdraw([], 5);
    await supervisor.command(both, "rule", 6).sent;
    await supervisor.withdraw(["a"], 7);
    expect(sources()).toEqual([
      ["relinquish", 5, "a"],
      ["relinquish", 7, "b"],
      ["rule", 8, "a", "b"],
      ["relinquish", 9, "a"],
    ]);
  });
  it("are tried again where giving back failed, and nothing of them stays in force", async () => {
    const fails = { now: false };
    const { supervisor, sources } = made(fails);
    await supervisor.command(both, "rule", 0).sent;
    fails.now = true;
    await expect(supervisor.withdraw(["a"], 1)).rejects.toThrow("away");
    expect(supervisor.inForce(1).size).toBe(0);
    fails.now = false;
    await supervisor.withdraw(["a"], 2);
    expect(sources().map(([source]) => source)).toEqual(["rule", "relinquish"]);
  });
});

describe("the supervisor, whatever is ordered in whatever order", () => {
  const zones = ["a", "b", "c"];
  const zone = fc.constantFrom(...zones);
  const mode = fc.constantFrom<ControlMode>("auto", "shadow", "off");
  const pair = fc.record({
    heatingSetpointC: fc.double({ min: 10, max: 30 }),
    coolingSetpointC: fc.double({ min: 10, max: 30 }),
  });
  type Order = (supervisor: Supervisor, nowMs: number) => unknown;
  const order: fc.Arbitrary<Order> = fc.oneof(
    mode.map(
      (next): Order =>
        (s, nowMs) =>
          s.setMode(next, nowMs),
    ),
    fc.tuple(zone, fc.option(mode)).map(
      ([which, next]): Order =>
        (s, nowMs) =>
          s.setZoneMode(which, next, nowMs),
    ),
    fc.boolean().map(
      (other): Order =>
        (s) =>
          s.standBy(other),
    ),
    fc.integer({ min: 1, max: 9 }).map(
      (epoch): Order =>
        (s) =>
          s.setEpoch(epoch),
    ),
    fc.subarray(zones).map(
      (which): Order =>
        (s, nowMs) =>
          s.withdraw(which, nowMs),
    ),
    fc.tuple(zone, pair, fc.option(fc.integer({ min: -50, max: 200 }))).map(
      ([which, setpoints, forMs]): Order =>
        (s, nowMs) =>
          s.override({ zone: which, setpoints, untilMs: forMs === null ? null : nowMs + forMs, by: "x" }, nowMs),
    ),
    zone.map(
      (which): Order =>
        (s) =>
          s.release(which),
    ),
    fc.constant<Order>((s, nowMs) => s.relinquish(nowMs)),
    fc.subarray(zones).map(
      (which): Order =>
        (s, nowMs) =>
          s.command(new Map(which.map((one) => [one, { heatingSetpointC: 20, coolingSetpointC: 24 }])), "mppi", nowMs).sent,
    ),
  );
  const step = fc.record({ order, waitMs: fc.integer({ min: 0, max: 40 }), fails: fc.boolean() });

  it("numbers rise, nothing is sent to a zone that is not in auto or was withdrawn, nothing at all while it stands by, and what is in force was sent", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        let nowMs = 1_000;
        let fails = false;
        let told = 0;
        const numbers: [number, number][] = [];
        const lastSent = new Map<string, SetpointCommand>();
        // Not thrown where they are seen: whoever sends takes any error for a broker that is away.
        const wrong: string[] = [];
        const check = (command: SetpointCommand, wanted: ControlMode): void => {
          const { epoch, seq, source } = command;
          numbers.push([epoch, seq]);
          if (command.validUntilMs !== command.issuedAtMs + 60) wrong.push(`${seq} is valid until ${command.validUntilMs}`);
          // Giving back is the one thing that is sent to zones which are no longer in auto, or withdrawn.
          if (source === "relinquish") return;
          for (const one of command.zones.keys()) {
            if (supervisor.modeOf(one) !== wanted) wrong.push(`${seq} goes to ${one}, which is in ${supervisor.modeOf(one)}`);
            if (withdrawn.has(one)) wrong.push(`${seq} goes to ${one}, which was withdrawn`);
          }
        };
        const supervisor = createSupervisor({
          zones,
          epoch: 2,
          commandValidityS: 0.06,
          outlet: {
            send: async (command) => {
              if (standsBy) wrong.push(`${command.seq} is sent while it stands by`);
              check(command, "auto");
              if (fails) throw new Error("away");
              for (const one of command.zones.keys()) lastSent.set(one, command);
            },
            propose: async (command) => check(command, "shadow"),
          },
        });
        let standsBy = false;
        let withdrawn: ReadonlySet<string> = new Set();
        const watched: Supervisor = {
          ...supervisor,
          standBy: (other) => {
            standsBy = other;
            supervisor.standBy(other);
          },
          withdraw: (which, atMs) => {
            withdrawn = new Set(which);
            return supervisor.withdraw(withdrawn, atMs);
          },
        };
        const stop = supervisor.onChange(({ seq, mode: now }) => {
          told++;
          if (seq < 0 || now !== supervisor.mode) wrong.push(`told of ${seq} in ${now}`);
        });
        for (const { order: carryOut, waitMs, fails: failsNow } of steps) {
          nowMs += waitMs;
          fails = failsNow;
          try {
            await carryOut(watched, nowMs);
          } catch {
            // A refusal, or a broker that was away: neither may leave anything behind.
          }
          for (const [one, { setpoints, untilMs }] of supervisor.overrides(nowMs)) {
            expect(zones).toContain(one);
            expect(setpoints.heatingSetpointC).toBeLessThan(setpoints.coolingSetpointC);
            expect(untilMs === null || untilMs > nowMs).toBe(true);
          }
          for (const [one, setpoints] of supervisor.inForce(nowMs)) {
            const last = lastSent.get(one)!;
            expect(last.source).not.toBe("relinquish");
            expect(last.zones.get(one)).toEqual(setpoints);
            expect(nowMs).toBeLessThan(last.validUntilMs);
            expect([supervisor.modeOf(one), withdrawn.has(one)]).toEqual(["auto", false]);
          }
        }
        expect(wrong).toEqual([]);
        for (const [i, [epoch, seq]] of numbers.entries()) {
          const [epochBefore, seqBefore] = numbers[i - 1] ?? [0, 0];
          // A command goes to zones in auto and is proposed in those in shadow under one number.
          expect(epoch > epochBefore || (epoch === epochBefore && seq >= seqBefore)).toBe(true);
        }
        stop();
        const before = told;
        supervisor.command(new Map(), "rule", nowMs);
        expect(told).toBe(before);
      }),
      { numRuns: 200 },
    );
  });
});
