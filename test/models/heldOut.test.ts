import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { BuildingModel } from "#domain/model";
import { heldOutBeside, heldOutError } from "#models/heldOut";
import { type Prior, readPrior } from "#models/prior";
import { trainBuilding } from "#models/trainBuilding";
import { daysOf, la, syntheticZone } from "./support.js";

const train = (days: number, from: string, incumbent?: Awaited<ReturnType<typeof trainBuilding>>, prior: Prior | null = null) =>
  trainBuilding({
    dataset: daysOf(whole, from, days),
    zones: ["zone"],
    prior,
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

describe("how a prior is listened to", () => {
  const prior = readPrior(fileURLToPath(new URL("../../models/priors/reference-buildings.json", import.meta.url)));
  const nameOf = (model: BuildingModel): string => model.priorUse!.byZone.zone!;

  it("is kept from the model in use for a week, and chosen anew after it, for another prior, or where less than a week had chosen", async () => {
    const old = await train(7, "1991-01-01", undefined, prior);
    expect(old.priorUse?.chosenMs).toBe(old.trainedToMs);
    // Whatever it was: another way is kept too, so it is not chosen again by chance.
    const another = nameOf(old) === "prior" ? "prior's coefficients" : "prior";
    const stood = { ...old, priorUse: { ...old.priorUse!, byZone: { zone: another } } };
    const next = await train(7, "1991-01-02", stood, prior);
    expect(next.priorUse).toEqual(stood.priorUse);
    const weekOld = { ...stood, priorUse: { ...stood.priorUse, chosenMs: stood.priorUse.chosenMs - 6 * 86_400_000 } };
    expect((await train(7, "1991-01-02", weekOld, prior)).priorUse!.chosenMs).toBeGreaterThan(stood.priorUse.chosenMs);
    expect((await train(4, "1991-01-02", old, null)).priorUse).toBeUndefined();
    expect((await train(4, "1991-01-01", undefined, prior)).priorUse).toBeUndefined();
  }, 120_000);
});
