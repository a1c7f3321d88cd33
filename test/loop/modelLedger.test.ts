import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelChange, ModelChangeKind } from "#domain/store";
import { everInForce, stateOf, versionsInForce } from "#loop/modelLedger";

const log = (...entries: readonly (readonly [ModelChangeKind, string])[]): ModelChange[] =>
  entries.map(([kind, version], timeMs) => ({ timeMs, kind, version, before: null, by: "x", reason: "" }));

describe("the log of model changes", () => {
  it("tells what is in force, and nothing where nothing ever was", () => {
    expect(versionsInForce([])).toEqual([]);
    expect(versionsInForce(log(["refused", "a"]))).toEqual([]);
    expect(versionsInForce(log(["installed", "a"], ["refused", "b"], ["installed", "c"]))).toEqual(["a", "c"]);
  });

  it("goes back one version further with every roll-back", () => {
    const three = log(["installed", "a"], ["installed", "b"], ["installed", "c"]);
    expect(versionsInForce([...three, ...log(["rolled-back", "b"])])).toEqual(["a", "b"]);
    expect(versionsInForce([...three, ...log(["rolled-back", "b"], ["rolled-back", "a"])])).toEqual(["a"]);
    expect(versionsInForce([...three, ...log(["rolled-back", "b"], ["installed", "d"])])).toEqual(["a", "b", "d"]);
  });

  it("undoes a promotion by a roll-back, also one to a version that was in force earlier", () => {
    const changes = log(["installed", "a"], ["installed", "b"], ["promoted", "a"], ["rolled-back", "b"]);
    expect(versionsInForce(changes)).toEqual(["a", "b"]);
  });

  it("says of every version what it is", () => {
    const changes = log(["installed", "a"], ["refused", "b"], ["installed", "c"], ["rolled-back", "a"], ["forgotten", "d"]);
    expect(["a", "b", "c", "d", "e"].map((version) => stateOf(version, changes))).toEqual([
      "in-force",
      "refused",
      "was-in-force",
      "saved",
      "saved",
    ]);
    expect(everInForce(changes)).toEqual(["c", "a"]);
  });

  it("always has the version of the last change that put one to work on top", () => {
    const kinds: readonly ModelChangeKind[] = ["installed", "refused", "promoted", "rolled-back", "forgotten"];
    const entry = fc.tuple(fc.constantFrom(...kinds), fc.constantFrom("a", "b", "c", "d"));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
        const changes = log(...entries);
        const last = entries.findLast(([kind]) => kind !== "refused" && kind !== "forgotten");
        const stack = versionsInForce(changes);
        expect(stack.at(-1)).toBe(last?.[1]);
        expect(everInForce(changes).at(-1)).toBe(last?.[1]);
        for (const version of stack) expect(everInForce(changes)).toContain(version);
      }),
    );
  });
});
