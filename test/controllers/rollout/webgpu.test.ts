import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { evaluateCosts } from "#controllers/mppi/cost";
import { createMppiPlanner } from "#controllers/mppi/mppiPlanner";
import { createRolloutBackend, findGraphicsAdapter } from "#controllers/rollout/createBackend";
import { createWebgpuBackend, type WebgpuOptions } from "#controllers/rollout/webgpu/createWebgpuBackend";
import { findAdapter, type GpuAdapter } from "#controllers/rollout/webgpu/gpu";
import type { ProductTile } from "#controllers/rollout/webgpu/shaders/productShader";
import { TileChoices } from "#controllers/rollout/webgpu/tileSearch";
import type { CostProblem } from "#domain/cost";
import type { BuildingModel } from "#domain/model";
import type { PreparedRollout, RolloutBackend, RolloutRequest } from "#domain/rollout";
import { factorise } from "#math/gaussianProcess";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { linearModel, officeRequest, quickZone, slowZone } from "../../fixtures/thermostatBuilding.js";
import { useSoftwareGraphics } from "../../helpers/softwareGraphics.js";
import { randomSource } from "../../math/tools.js";
import { type RandomModelOptions, randomModel, randomRequest } from "./randomModel.js";

await useSoftwareGraphics();
const adapter = await findGraphicsAdapter();
const isMissing = adapter === null;

const base: RandomModelOptions = {
  seed: 60,
  numZones: 2,
  transition: "thermostat",
  m: 23,
  withPower: true,
  kernel: "production",
  isBudgeted: false,
};

let opened: PreparedRollout[] = [];
afterEach(() => {
  for (const one of opened) one.close();
  opened = [];
});

const substitute = (): Promise<RolloutBackend> => createRolloutBackend("reference");
const prepare = async (backend: RolloutBackend | null, model: BuildingModel, maxSamples: number, horizonSteps: number) => {
  const prepared = await backend!.prepare({ model, maxSamples, horizonSteps });
  opened.push(prepared);
  return prepared;
};
const onDevice = async (model: BuildingModel, request: RolloutRequest, options: Partial<WebgpuOptions> = {}): Promise<PreparedRollout> =>
  prepare(await createWebgpuBackend({ substitute, ...options }), model, request.count, request.horizonSteps);
const onReference = async (model: BuildingModel, request: RolloutRequest): Promise<PreparedRollout> =>
  prepare(await createRolloutBackend("reference"), model, request.count, request.horizonSteps);

const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>, rtol: number, atol: number): void => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    const isClose = Number.isNaN(b) ? Number.isNaN(a) : Math.abs(a - b) <= atol + rtol * Math.abs(b);
    if (!isClose) expect.fail(`[${i}]: ${a} instead of ${b}`);
  }
};

/** Costs in which every term counts: occupied and empty steps, unknown setpoints in force, a demand charge, something owed at the end. */
const costProblem = ({ horizonSteps, initial }: RolloutRequest, nz: number): CostProblem => ({
  horizonSteps,
  nz,
  stepS: 900,
  lowerC: Float64Array.from({ length: horizonSteps * nz }, (_, i) => 19.5 + 0.2 * (i % 3)),
  upperC: Float64Array.from({ length: horizonSteps * nz }, (_, i) => (i % 5 === 0 ? Number.POSITIVE_INFINITY : 20.5)),
  occupied: Uint8Array.from({ length: horizonSteps * nz }, (_, i) => (i % nz === nz - 1 && nz > 1 ? 0 : i % 4 === 3 ? 0 : 1)),
  pricePerKwh: Float64Array.from({ length: horizonSteps }, (_, t) => 0.2 + 0.1 * Math.sin(t)),
  demandCharge: { pricePerKw: 3, peakSoFarW: 1000, otherLoadW: Array.from({ length: horizonSteps }, (_, t) => 200 * (t % 4)) },
  inForceHeatingC: initial.heatingSetpointC.map((value, z) => (z === 0 ? Number.NaN : value)),
  inForceCoolingC: initial.coolingSetpointC.slice(),
  weights: { comfortPerKh: 30, uncertaintyPerK: 0.3, movementPerK: 0.01 },
  toleranceK: 0.05,
  terminal: {
    heatToC: Float64Array.from({ length: nz }, (_, z) => (z === 0 ? 21 : Number.NEGATIVE_INFINITY)),
    coolToC: Float64Array.from({ length: nz }, (_, z) => (z === 0 ? Number.POSITIVE_INFINITY : 19)),
    pricePerK: 0.4,
  },
});

const TERMS = ["comfort", "energy", "uncertainty", "movement", "demand", "terminal", "total"] as const;

describe.skipIf(isMissing)(
  `webgpu${isMissing ? " (skipped: no graphics adapter here)" : ` on ${adapter!.name}`}`,
  { timeout: 240_000 },
  () => {
    it.each<[string, Partial<RandomModelOptions>, number, number]>([
      ["two thermostats whose errors last", { spreads: true }, 37, 9],
      ["absolute predictions without power", { transition: "absolute", withPower: false, numZones: 3 }, 5, 7],
      ["one sequence of one step", { numZones: 1 }, 1, 1],
      ["heating that seems to take away", { spreads: true, heatingK: -0.3 }, 37, 9],
      ["a day ahead", { numZones: 1, m: 12, spreads: true }, 2, 96],
    ])("costs are those of the reference's trajectories (%s)", async (_, options, count, horizonSteps) => {
      const model = randomModel({ ...base, ...options });
      const request = randomRequest(model, count, horizonSteps, 61);
      if (count > 4) request.coolingSetpointC[(3 * horizonSteps + 2) * model.zones.length] = Number.NaN;
      const problem = costProblem(request, model.zones.length);
      const expected = evaluateCosts(problem, request, await (await onReference(model, request)).run(request));
      const actual = await (await onDevice(model, request)).costs!(request, problem);
      expectClose(actual.totals, expected.totals, 1e-3, 1e-4);
      const whole = (values: Float64Array): Float64Array => values.filter((_, k) => Number.isFinite(expected.totals[k]));
      expectClose(whole(actual.spreadsK), whole(expected.spreadsK), 1e-4, 1e-6);
      for (const term of TERMS) {
        const finite = (terms: typeof actual.terms): number[] => terms.map((one, k) => (Number.isNaN(expected.totals[k]) ? 0 : one[term]!));
        expectClose(finite(actual.terms), finite(expected.terms), 1e-4, 1e-5);
      }
      expect(expected.totals.some(Number.isFinite)).toBe(true);
      // Short runs are counted along trajectories: prices are those of the device's own.
      const before = { isOn: new Uint8Array(model.zones.length), steps: new Float64Array(model.zones.length).fill(1) };
      const worn = { ...problem, equipment: { pricePerShortRun: 0.5, minOnS: 3600, minOffS: 3600, before } };
      const device = await onDevice(model, request);
      const paid = await device.costs!(request, worn);
      expect(paid.terms).toEqual(evaluateCosts(worn, request, await device.run(request)).terms);
      expect(paid.terms.some(({ wear = 0 }) => wear > 0)).toBe(true);
    });

    it("leaves a model of thermostats' calls to its substitute, and says why", async () => {
      const model = randomModel({ ...base, transition: "increment", calls: true });
      const request = randomRequest(model, 5, 4, 65);
      const device = await onDevice(model, request);
      expect(await device.run(request)).toEqual(await (await onReference(model, request)).run(request));
      expect(device.computedBy!()).toMatchObject({
        backend: "reference",
        adapter: null,
        trouble: expect.stringContaining("thermostats' calls"),
      });
    });

    it("with more samples than fit at once gives what each part gives", async () => {
      const model = randomModel({ ...base, numZones: 1, m: 9, withPower: false });
      const request = randomRequest(model, 300, 3, 62);
      const narrow = async (): Promise<GpuAdapter | null> => {
        const real = await findAdapter();
        if (real === null) return null;
        // 128 samples a run: the arrays of a second one would not fit.
        const limits = new Proxy(real.adapter.limits, {
          get: (target, name) => (name === "maxStorageBufferBindingSize" ? 128 * 40 * 4 : Reflect.get(target, name)),
        });
        return { ...real, adapter: { limits, requestDevice: (descriptor) => real.adapter.requestDevice(descriptor) } };
      };
      const whole = await (await onDevice(model, request)).run(request);
      const parts = await (await onDevice(model, request, { find: narrow })).run(request);
      expect(parts).toEqual(whole);
    });

    it.each<[string, ProductTile]>([
      ["32×32 by 4×4", { rows: 32, samples: 32, depth: 8, threadRows: 4, threadSamples: 4 }],
      ["64×64 by 8×8", { rows: 64, samples: 64, depth: 8, threadRows: 8, threadSamples: 8 }],
      ["128×64 by 8×8", { rows: 128, samples: 64, depth: 16, threadRows: 8, threadSamples: 8 }],
    ])("gives the same with every tile (%s)", async (_, product) => {
      const model = randomModel({ ...base, m: 150, numZones: 1, withPower: false, seed: 63 });
      const request = randomRequest(model, 41, 3, 64);
      const expected = await (await onReference(model, request)).run(request);
      for (const isSpecialised of [true, false]) {
        const tiles = { product, covariance: { samples: 32, lanes: 4 }, isSpecialised };
        const actual = await (await onDevice(model, request, { tiles })).run(request);
        expectClose(actual.stdDevK, expected.stdDevK, 1e-4, 1e-6);
        expectClose(actual.meanC, expected.meanC, 0, 1e-4);
      }
    });

    it("finds tile sizes on the device, keeps them in a file, and reads only what a search could have found", {
      timeout: 240_000,
    }, async () => {
      const model = randomModel({ ...base, m: 70, numZones: 1, withPower: false, seed: 69 });
      const request = randomRequest(model, 20, 3, 70);
      const file = join(mkdtempSync(join(tmpdir(), "isotherm-tiles-")), "deeper", "tiles.json");
      try {
        const expected = await (await onReference(model, request)).run(request);
        const actual = await (await onDevice(model, request, { tilesFile: file, alwaysSearch: true })).run(request);
        expectClose(actual.stdDevK, expected.stdDevK, 1e-4, 1e-6);
        const stored = JSON.parse(readFileSync(file, "utf8"));
        const [[key, tiles]] = Object.entries(stored) as [[string, { product: ProductTile }]];
        expect(key.startsWith(adapter!.name)).toBe(true);
        expect(tiles.product.rows).toBeGreaterThan(0);
        expect(new TileChoices(file).size).toBe(1);
        writeFileSync(file, JSON.stringify({ ...stored, other: { ...tiles, product: { ...tiles.product, rows: 4096 } }, nothing: null }));
        expect(new TileChoices(file).size).toBe(1);
        writeFileSync(file, "{");
        expect(new TileChoices(file).size).toBe(0);
      } finally {
        rmSync(dirname(dirname(file)), { recursive: true });
      }
    });

    it("keeps its digits where prior variances are a thousand times the noise", async () => {
      const model = steepModel(140);
      const request = randomRequest(model, 33, 6, 65);
      const expected = await (await onReference(model, request)).run(request);
      const actual = await (await onDevice(model, request)).run(request);
      expectClose(actual.meanC, expected.meanC, 0, 1e-3);
      // GPyTorch's float32 is off by up to 0.057 K at this outputscale and noise.
      expectClose(actual.stdDevK, expected.stdDevK, 1e-3, 1e-4);
    });

    it("finds the plan that the reference finds, or one as good", async () => {
      const building = [quickZone("a"), slowZone("b")];
      const model = linearModel(building);
      const request = officeRequest({ zones: ["a", "b"] });
      const planOn = async (name: "reference" | "webgpu") => {
        const rollout = await (await createRolloutBackend(name)).prepare({ model, maxSamples: 150, horizonSteps: request.horizonSteps });
        const planner = createMppiPlanner({ rollout, model, options: { numSamples: 150, maxSamplesPerRun: 150, backendName: name } });
        try {
          return await planner.plan(request);
        } finally {
          await planner.close();
        }
      };
      const [expected, actual] = [await planOn("reference"), await planOn("webgpu")];
      expect([actual.source, actual.diagnostics.backend, actual.diagnostics.adapter]).toEqual(["mppi", "webgpu", adapter!.name]);
      expect(Math.abs(actual.chosen.cost.total - expected.chosen.cost.total)).toBeLessThan(
        1e-3 * Math.abs(expected.chosen.cost.total) + 1e-4,
      );
      for (const zone of ["a", "b"]) expect(actual.chosen.zones[zone]!.meanC).toHaveLength(request.horizonSteps);
    });

    describe("when the device is lost", () => {
      let devices: GPUDevice[] = [];
      let isGone = false;
      let nowMs = 0;
      beforeEach(() => {
        devices = [];
        isGone = false;
        nowMs = 0;
      });
      const find = async (): Promise<GpuAdapter | null> => {
        const real = isGone ? null : await findAdapter();
        if (real === null) return null;
        const requestDevice = async (descriptor?: GPUDeviceDescriptor): Promise<GPUDevice> => {
          const device = await real.adapter.requestDevice(descriptor);
          devices.push(device);
          return device;
        };
        return { ...real, adapter: { limits: real.adapter.limits, requestDevice } };
      };
      const model = randomModel({ ...base, m: 9, numZones: 1, withPower: false });
      const request = randomRequest(model, 11, 4, 66);
      const lostRollout = (): Promise<PreparedRollout> => onDevice(model, request, { find, clockMs: () => nowMs });

      it("the substitute answers the same request, and the device is asked again after a pause that doubles", async () => {
        const rollout = await lostRollout();
        const reference = await (await onReference(model, request)).run(request);
        const before = await rollout.run(request);
        expect(rollout.computedBy!()).toEqual({ backend: "webgpu", adapter: adapter!.name, trouble: null });
        devices[0]!.destroy();
        isGone = true;
        expect(await rollout.run(request)).toEqual(reference);
        expect(rollout.computedBy!()).toMatchObject({ backend: "reference", adapter: null });
        expect(rollout.computedBy!().trouble).toMatch(/lost|destroyed|not there/);

        nowMs = 61_000;
        await rollout.run(request);
        isGone = false;
        // It failed twice: two minutes have to pass.
        nowMs = 61_000 + 119_000;
        await rollout.run(request);
        expect(rollout.computedBy!().backend).toBe("reference");
        nowMs = 61_000 + 121_000;
        expect(await rollout.run(request)).toEqual(before);
        expect(rollout.computedBy!()).toEqual({ backend: "webgpu", adapter: adapter!.name, trouble: null });
        expect(devices.length).toBe(2);
      });

      it("in the middle of a request, every number is still one", async () => {
        const rollout = await lostRollout();
        const problem = costProblem(request, 1);
        for (const work of [() => rollout.run(request), () => rollout.costs!(request, problem)]) {
          const answer = work();
          await new Promise((resolve) => setImmediate(resolve));
          devices.at(-1)!.destroy();
          const numbers = await answer;
          const values = "meanC" in numbers ? [...numbers.meanC, ...numbers.stdDevK, ...numbers.powerW] : [...numbers.totals];
          expect(values.every(Number.isFinite)).toBe(true);
          nowMs += 4_000_000;
        }
      });
    });
  },
);

/** One zone whose increments have a prior variance of 35 K² with noise of 0.024 K². */
const steepModel = (m: number): BuildingModel => {
  const [zone] = randomModel({ ...base, numZones: 1, transition: "increment", withPower: false, seed: 67 }).zones;
  const { features } = zone!.posterior;
  const d = features.length;
  const random = randomSource(68);
  const own = features.flatMap(({ term }, c) => (["difference", "slowMean", "offset", "disturbance"].includes(term.kind) ? [c] : []));
  const kernel = {
    kind: "scale",
    outputScale: 35,
    base: { kind: "matern52", dims: own, lengthscales: own.map((_, i) => 3 + (i % 3)) },
  } as const;
  const basisInputs = Float64Array.from({ length: m * d }, random);
  const y = Float64Array.from({ length: m }, (_, i) => 0.3 * Math.sin(3 * basisInputs[i * d + own[0]!]!) + 0.1 * random());
  const la = createReferenceLinearAlgebra();
  const noiseVariance = new Float64Array(m).fill(0.024);
  const onWarning = (text: string): void => expect.fail(text);
  const { alpha, choleskyLower } = factorise({ la, kernel, x: basisInputs, n: m, d, y, noiseVariance, onWarning });
  const posterior = {
    features,
    kernel,
    meanCoefficients: new Float64Array(d),
    basisInputs,
    m,
    d,
    alpha,
    varianceRoot: la.inverseLower(m, choleskyLower),
    p: m,
  };
  return { ...randomModel({ ...base, numZones: 1, withPower: false }), zones: [{ ...zone!, posterior }] };
};
