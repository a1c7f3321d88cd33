import { describe, expect, it } from "vitest";
import { createReadBack } from "#loop/readBack";

const sent = new Map([["a", { heatingSetpointC: 20.3, coolingSetpointC: 24 }]]);
const minute = 60_000;
const rules = { toleranceK: 0.3, graceS: 600 };
const says = (heatingSetpointC?: number, coolingSetpointC?: number) =>
  new Map([
    [
      "a",
      { ...(heatingSetpointC === undefined ? {} : { heatingSetpointC }), ...(coolingSetpointC === undefined ? {} : { coolingSetpointC }) },
    ],
  ]);

describe("acknowledgement by read-back", () => {
  it.each([
    ["the same", says(20.3, 24), "followed"],
    ["rounded to half a degree", says(20.5, 24), "followed"],
    ["at the tolerance", says(20.6, 24), "followed"],
    ["another heating setpoint", says(21, 24), "differs"],
    ["another cooling setpoint", says(20.3, 25), "differs"],
    ["one side only, the right one", says(20.3), "followed"],
    ["one side only, a wrong one", says(undefined, 26), "differs"],
    ["nothing", new Map(), "silent"],
  ])("%s", (_what, reported, state) => {
    expect(createReadBack(["a"], rules).look(sent, reported, 0).zones.get("a")).toBe(state);
  });
  it("has nothing to compare where nothing is in force", () => {
    expect(createReadBack(["a"], rules).look(new Map(), says(16, 30), 0).zones.get("a")).toBe("silent");
  });
  it("tells of a device only when it has differed for longer than the grace time, also while setpoints move, and stops when it follows", () => {
    const readBack = createReadBack(["a"], rules);
    const lateAt = (minutes: number, reported = says(16, 30), inForce = sent): boolean =>
      readBack.look(inForce, reported, minutes * minute).late.has("a");
    expect(lateAt(0)).toBe(false);
    expect(lateAt(5, says(16, 30), new Map([["a", { heatingSetpointC: 21, coolingSetpointC: 25 }]]))).toBe(false);
    expect(lateAt(9)).toBe(false);
    expect(lateAt(10)).toBe(true);
    expect(lateAt(11, says(20.3, 24))).toBe(false);
    expect(lateAt(12)).toBe(false);
    expect(lateAt(22)).toBe(true);
  });
});
