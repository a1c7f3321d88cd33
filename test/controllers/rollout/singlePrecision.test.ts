import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { availableBackends, createRolloutBackend } from "#controllers/rollout/createBackend";
import type { BuildingModel } from "#domain/model";
import type { RolloutRequest, RolloutResult } from "#domain/rollout";
import { randomModel, randomRequest } from "./randomModel.js";

const available = await availableBackends();

const roll = async (
  backend: "reference" | "wasm" | "blas",
  model: BuildingModel,
  request: RolloutRequest,
  threads = 1,
): Promise<RolloutResult> => {
  const prepared = await (await createRolloutBackend(backend, { threads, precision: "float32" })).prepare({
    model,
    maxSamples: request.count,
    horizonSteps: request.horizonSteps,
  });
  try {
    return await prepared.run(request);
  } finally {
    prepared.close();
  }
};

/** Spreads are the latent standard deviation of each step by itself, with the kernel's scale and the noise stretched as far as fitted ones are. */
const latentModel = (model: BuildingModel): BuildingModel => ({
  ...model,
  zones: model.zones.map(({ spread: _, drift: __, ...zone }) => ({
    ...zone,
    noiseVarianceK2: 0,
    heldStdDevK: 0.05,
    stateGain: 0,
    spreadScale: 1,
  })),
});

const options = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  numZones: fc.integer({ min: 1, max: 3 }),
  transition: fc.constantFrom("thermostat" as const, "increment" as const, "absolute" as const),
  m: fc.integer({ min: 1, max: 70 }),
  withPower: fc.boolean(),
  kernel: fc.constantFrom("production" as const, "gated" as const, "linear" as const),
  isBudgeted: fc.boolean(),
  products: fc.boolean(),
  sharp: fc.boolean(),
});

describe.each(["wasm", "blas"] as const)("%s in single precision", (backend) => {
  const isMissing = !available.includes(backend);
  describe.skipIf(isMissing)(isMissing ? "(skipped: not available here)" : "beside the float64 reference", { timeout: 120_000 }, () => {
    it("errs by at most 0.01 K in the mean and 2 % in the variance on random models", async () => {
      await fc.assert(
        fc.asyncProperty(options, async (chosen) => {
          const model = latentModel(randomModel(chosen));
          const request = randomRequest(model, 19, 6, chosen.seed);
          const [expected, actual] = [await roll("reference", model, request), await roll(backend, model, request)];
          expected.meanC.forEach((value, i) => {
            expect(Math.abs(actual.meanC[i]! - value)).toBeLessThanOrEqual(0.01);
            const variance = expected.stdDevK[i]! ** 2;
            expect(Math.abs(actual.stdDevK[i]! ** 2 - variance)).toBeLessThanOrEqual(0.02 * variance + 1e-9);
          });
          expected.powerW.forEach((value, i) => {
            expect(Math.abs(actual.powerW[i]! - value)).toBeLessThanOrEqual(0.1 + 1e-3 * value);
          });
        }),
        { numRuns: 25 },
      );
    });

    it("is no copy of the float64 result, and gives the same digits on one thread and on two", async () => {
      const model = randomModel({
        seed: 61,
        numZones: 2,
        transition: "thermostat",
        m: 33,
        withPower: true,
        kernel: "production",
        isBudgeted: false,
      });
      const request = randomRequest(model, 400, 5, 62);
      const [one, two] = [await roll(backend, model, request, 1), await roll(backend, model, request, 2)];
      const double = await roll("reference", model, request);
      expect(two).toEqual(one);
      expect(one.meanC).not.toEqual(double.meanC);
    });
  });
});
