import { afterEach, describe, expect, it } from "vitest";
import { availableBackends, createRolloutBackend } from "#controllers/rollout/createBackend";
import type { BuildingModel } from "#domain/model";
import type { BackendName, PreparedRollout, RolloutBackend, RolloutRequest, RolloutResult } from "#domain/rollout";
import { type RandomModelOptions, randomModel, randomRequest } from "../controllers/rollout/randomModel.js";
import { recordBackendRan } from "../helpers/backendsRan.js";
import { useSoftwareGraphics } from "../helpers/softwareGraphics.js";

await useSoftwareGraphics();
const available = await availableBackends();
const wanted: readonly BackendName[] = ["reference", "wasm", "blas", "webgpu"];

/** A backend, and what it computes in where that can be chosen. */
interface Variant {
  readonly name: BackendName;
  readonly precision: "float64" | "float32";
}
const variants: readonly Variant[] = [
  ...wanted.map((name) => ({ name, precision: name === "webgpu" ? "float32" : "float64" }) as const),
  { name: "wasm", precision: "float32" },
  { name: "blas", precision: "float32" },
];
const reference: Variant = { name: "reference", precision: "float64" };

const opened: PreparedRollout[] = [];
afterEach(() => {
  for (const prepared of opened.splice(0)) prepared.close();
});

const rollOut = async (
  { name, precision }: Variant,
  model: BuildingModel,
  request: RolloutRequest,
  threads = 1,
): Promise<RolloutResult> => {
  const backend = await createRolloutBackend(name, { threads, precision });
  const prepared = await backend.prepare({ model, maxSamples: request.count, horizonSteps: request.horizonSteps });
  opened.push(prepared);
  return prepared.run(request);
};

const FIELDS = ["meanC", "stdDevK", "powerW"] as const;

/** A thousandth of a temperature in °C would be much for a temperature: in float32 they are known to 0.1 mK and a millionth. */
const toleranceOf = async ({ name, precision }: Variant, field: (typeof FIELDS)[number]): Promise<RolloutBackend["tolerance"]> => {
  const { tolerance } = await createRolloutBackend(name, { precision });
  return field === "meanC" ? { atol: tolerance.atol, rtol: Math.min(tolerance.rtol, 1e-6) } : tolerance;
};

/** Every number within the backend's stated tolerance of the reference's; NaN exactly where the reference has NaN. */
const expectParity = async (variant: Variant, model: BuildingModel, request: RolloutRequest): Promise<RolloutResult> => {
  const expected = await rollOut(reference, model, request);
  const actual = await rollOut(variant, model, request);
  for (const field of FIELDS) {
    const tolerance = await toleranceOf(variant, field);
    expect(actual[field].length).toBe(expected[field].length);
    for (let i = 0; i < expected[field].length; i++) {
      const [a, b] = [actual[field][i]!, expected[field][i]!];
      const isClose = Number.isNaN(b) ? Number.isNaN(a) : Math.abs(a - b) <= tolerance.atol + tolerance.rtol * Math.abs(b);
      if (!isClose) expect.fail(`${field}[${i}]: ${a} from ${variant.name}, ${b} from reference`);
    }
  }
  recordBackendRan(variant.name);
  return actual;
};

const base: RandomModelOptions = {
  seed: 1,
  numZones: 2,
  transition: "thermostat",
  m: 23,
  withPower: true,
  kernel: "production",
  isBudgeted: false,
};

const cases: readonly (readonly [string, Partial<RandomModelOptions>, number, number])[] = [
  ["five thermostats with a power model", { numZones: 5, m: 30 }, 37, 9],
  ["one thermostat without neighbours or power", { numZones: 1, withPower: false }, 21, 12],
  ["a budgeted model with a full rectangular root", { isBudgeted: true, seed: 3 }, 18, 8],
  ["kernels that see gates in every kind of leaf", { kernel: "gated", seed: 4 }, 15, 6],
  ["gated kernels in budgeted form", { kernel: "gated", isBudgeted: true, seed: 5 }, 9, 6],
  ["a linear kernel", { kernel: "linear", seed: 6 }, 11, 6],
  ["a linear kernel in budgeted form", { kernel: "linear", isBudgeted: true, seed: 7, m: 12 }, 11, 6],
  ["increments with setpoints and demands as inputs", { transition: "increment", numZones: 3, seed: 8 }, 13, 8],
  ["absolute predictions", { transition: "absolute", numZones: 3, seed: 9 }, 13, 8],
  ["gated columns without a thermostat", { transition: "increment", kernel: "gated", seed: 10 }, 10, 5],
  ["one sequence", { seed: 11 }, 1, 10],
  ["one step", { seed: 12 }, 17, 1],
  ["one sequence of one step from one basis row", { seed: 13, m: 1 }, 1, 1],
  ["five thermostats whose errors last", { numZones: 5, m: 30, spreads: true, seed: 15 }, 37, 14],
  ["a budgeted model whose errors last, in more blocks than one", { isBudgeted: true, spreads: true, seed: 16, m: 12 }, 150, 6],
  ["increments whose errors last", { transition: "increment", numZones: 2, spreads: true, seed: 17 }, 13, 8],
  ["terms that are products of others", { transition: "increment", numZones: 2, products: true, seed: 18 }, 9, 5],
  ["a day ahead", { numZones: 1, m: 17, spreads: true, withPower: false, seed: 19 }, 3, 96],
  ["more sequences than a block holds", { numZones: 1, m: 9, withPower: false, seed: 14 }, 259, 3],
];

/** Thermostats' calls are no matter of the graphics backend: it leaves such models to another (webgpu.test.ts). */
const callCases: typeof cases = [
  ["zones whose heat comes late", { transition: "increment", calls: true, numZones: 2, spreads: true, seed: 24 }, 13, 12],
  ["calls in more blocks than one, in budgeted form", { transition: "increment", calls: true, isBudgeted: true, m: 12, seed: 25 }, 150, 6],
  ["calls a day ahead", { transition: "increment", calls: true, numZones: 1, m: 17, seed: 26 }, 3, 96],
];

describe.each(variants)("$name rollout in $precision", (variant) => {
  const { name, precision } = variant;
  const isMissing = !available.includes(name);
  const suffix = isMissing ? ` (skipped: ${name} is not available here)` : "";

  // A software graphics driver compiles every model's shaders anew.
  const timeout = name === "webgpu" ? 240_000 : 60_000;
  describe.skipIf(isMissing)(`agrees with the reference${suffix}`, { timeout }, () => {
    it.each(name === "webgpu" ? cases : [...cases, ...callCases])("for %s", async (_, options, count, horizonSteps) => {
      const model = randomModel({ ...base, ...options });
      const request = randomRequest(model, count, horizonSteps, 100 + (options.seed ?? 0));
      const result = await expectParity(variant, model, request);
      for (const field of FIELDS) expect(result[field].every(Number.isFinite)).toBe(true);
    });

    it("and a sequence that is not finite is NaN from there on without disturbing the others", async () => {
      const model = randomModel({ ...base, numZones: 3, seed: 20 });
      const request = randomRequest(model, 14, 7, 21);
      const clean = await rollOut(variant, model, request);
      request.heatingSetpointC[(3 * 7 + 2) * 3 + 1] = Number.NaN;
      request.coolingSetpointC[(6 * 7 + 4) * 3] = Number.POSITIVE_INFINITY;
      request.coolingSetpointC[(13 * 7 + 6) * 3 + 2] = Number.NaN;
      const broken = await expectParity(variant, model, request);
      for (let k = 0; k < 14; k++) {
        for (let t = 0; t < 7; t++) {
          const fails = (k === 3 && t >= 2) || (k === 6 && t >= 4) || (k === 13 && t >= 6);
          expect(Number.isNaN(broken.powerW[k * 7 + t])).toBe(fails);
          for (let z = 0; z < 3; z++) {
            const at = (k * 7 + t) * 3 + z;
            if (fails) expect([broken.meanC[at], broken.stdDevK[at]]).toEqual([Number.NaN, Number.NaN]);
            else expect(Math.abs(broken.meanC[at]! - clean.meanC[at]!)).toBeLessThan(precision === "float32" ? 1e-5 : 1e-9);
          }
        }
      }
    });

    it("and weather that only a closed gate sees may be missing", async () => {
      const model = randomModel({ ...base, numZones: 1, kernel: "linear", withPower: false, seed: 22 });
      const [zone] = model.zones;
      const isSun = (c: number): boolean => {
        const { term } = zone!.posterior.features[c]!;
        return term.kind === "disturbance" && term.point === "site.globalHorizontalIrradianceWm2";
      };
      const features = zone!.posterior.features.map((feature, c) =>
        isSun(c) ? { term: { kind: "constant" as const }, scale: 1 } : feature,
      );
      const withoutSun: BuildingModel = { ...model, zones: [{ ...zone!, posterior: { ...zone!.posterior, features } }] };
      const request = randomRequest(withoutSun, 40, 4, 23);
      request.disturbances.get("site.globalHorizontalIrradianceWm2")![2] = Number.NaN;
      const result = await expectParity(variant, withoutSun, request);
      const failed = Array.from({ length: 40 }, (_, k) => Number.isNaN(result.meanC[k * 4 + 2]));
      expect(new Set(failed)).toEqual(new Set([true, false]));
    });

    // The others have one thread.
    const fast = name === "wasm" || name === "blas" ? [name] : [];
    it.each(fast)("and gives identical digits on one thread and on two (%s)", async () => {
      const model = randomModel({ ...base, numZones: 2, m: 40, seed: 30, spreads: true });
      const request = randomRequest(model, 600, 3, 31);
      const one = await rollOut(variant, model, request, 1);
      const two = await rollOut(variant, model, request, 2);
      for (const field of FIELDS) expect(two[field]).toEqual(one[field]);
    });
  });
});
