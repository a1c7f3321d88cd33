import { describe, expect, it } from "vitest";
import { heldOutBeside, heldOutError } from "#models/heldOut";
import { trainBuilding } from "#models/trainBuilding";
import { daysOf, la, syntheticZone } from "./support.js";

const train = (days: number, from: string, incumbent?: Awaited<ReturnType<typeof trainBuilding>>) =>
  trainBuilding({
    dataset: daysOf(whole, from, days),
    zones: ["zone"],
    prior: null,
    toLocalMs: (ms) => ms,
    la,
    options: { budget: 120, ...(incumbent === undefined ? {} : { incumbent }) },
    onProgress: () => undefined,
  });
const whole = syntheticZone(9, { truth: { heatingK: 2.2, coolingK: 2, noiseK: 0.05 } });

describe("a new model beside the one in use", () => {
  it("is judged on the days that the one in use has not seen, and only beside that one", async () => {
    const old = await train(7, "1991-01-01");
    expect(heldOutBeside(old, old)).toBeNull();
    const fresh = await train(7, "1991-01-02", old);
    expect(fresh.summary.incumbent).toBe(old.version);
    const both = heldOutBeside(fresh, old)!;
    expect(both.fresh.value).toBeGreaterThan(0);
    expect(both.before.value).toBeGreaterThan(0);
    expect(both.fresh.text).toMatch(/K after 20 steps on days left out/);
    // The same building: neither can be much worse than the other.
    expect(both.fresh.value).toBeLessThan(3 * both.before.value);
    expect(heldOutBeside(fresh, fresh)).toBeNull();
  });

  it("has no shared days where the one in use has seen them all", async () => {
    const seen = await train(9, "1991-01-01");
    const fresh = await train(7, "1991-01-03", seen);
    expect(heldOutBeside(fresh, seen)).toBeNull();
    expect(heldOutError(fresh)!.value).toBeGreaterThan(0);
  });
});
