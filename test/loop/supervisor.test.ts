import { describe, expect, it } from "vitest";
import type { SetpointCommand } from "#domain/setpoints";
import { createPlannerSlot } from "#loop/plannerSlot";
import { createSupervisor } from "#loop/supervisor";

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
    supervisor.override({ ...override, untilMs: null }, 100);
    expect(supervisor.release("a")).toBe(true);
    expect(supervisor.release("a")).toBe(false);
    expect(changes).toBe(4);
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
    await supervisor.command(both, "rule", 1).sent;
    await supervisor.relinquish(2);
    expect([sent.length, proposed.length, supervisor.inForce(2).size]).toEqual([1, 1, 0]);
    supervisor.standBy(false);
    supervisor.setEpoch(9);
    supervisor.setEpoch(4);
    expect(supervisor.command(both, "rule", 3).command).toMatchObject({ epoch: 9, seq: 1 });
  });
});
