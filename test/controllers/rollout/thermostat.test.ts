import { describe, expect, it } from "vitest";
import { availableBackends, createRolloutBackend } from "#controllers/rollout/createBackend";
import type { Feature } from "#domain/features";
import type { BuildingModel, PosteriorData } from "#domain/model";
import { type PointName, zonePoint } from "#domain/points";
import type { RolloutRequest } from "#domain/rollout";
import { factorise } from "#math/gaussianProcess";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { randomSource } from "../../math/tools.js";
import { MONDAY_MS } from "./randomModel.js";

const la = createReferenceLinearAlgebra();
const ZONE = "room";
const AIR = zonePoint(ZONE, "zoneAirTempC");
const OUTDOOR: PointName = "site.outdoorAirTempC";
const STEPS = 16;

/** ΔT = 0.05 (T_out − T) + 3 K heating − 3 K cooling by the mean, and a GP that has seen little: its spread is about half a kelvin. */
const room = (capacityK: number): BuildingModel => {
  const features: readonly Feature[] = [
    { term: { kind: "offset", point: OUTDOOR, of: AIR }, scale: 1 },
    { term: { kind: "gated", mode: "heating", term: { kind: "constant" } }, scale: 1 },
    { term: { kind: "gated", mode: "cooling", term: { kind: "constant" } }, scale: 1 },
  ];
  const [m, d] = [6, 3];
  const random = randomSource(1);
  const x = Float64Array.from({ length: m * d }, (_, i) => (i % d === 0 ? 20 * random() : 0));
  const kernel = { kind: "scale" as const, outputScale: 0.25, base: { kind: "rbf" as const, dims: [0], lengthscales: [5] } };
  const noiseVariance = new Float64Array(m).fill(0.1);
  const y = new Float64Array(m);
  const fitted = factorise({ la, kernel, x, n: m, d, y, noiseVariance, onWarning: (text) => expect.fail(text) });
  const posterior: PosteriorData = {
    features,
    kernel,
    meanCoefficients: Float64Array.of(0.05, capacityK, -capacityK),
    basisInputs: x,
    m,
    d,
    alpha: fitted.alpha,
    varianceRoot: la.inverseLower(m, fitted.choleskyLower),
    p: m,
  };
  return {
    version: "room",
    kind: "test",
    stepS: 900,
    zones: [
      {
        zone: ZONE,
        transition: "thermostat",
        posterior,
        noiseVarianceK2: 0.02,
        heldOffsetK: 0,
        heldStdDevK: 0.01,
        stateGain: 0.9,
        spreadScale: 1,
      },
    ],
    power: null,
    spreadBoundK: 1,
    trainedFromMs: 0,
    trainedToMs: 0,
    trainRows: m,
    prior: "none",
    summary: {},
  };
};

const request = (count: number, outdoorC: (t: number) => number): RolloutRequest => {
  const random = randomSource(2);
  const heatingSetpointC = Float64Array.from({ length: count * STEPS }, () => 20 + random());
  return {
    count,
    horizonSteps: STEPS,
    heatingSetpointC,
    coolingSetpointC: heatingSetpointC.map((value) => value + 1.5 + 0.5 * random()),
    initial: {
      temperaturesC: [Float64Array.of(21)],
      slowMeans: new Map(),
      heatingSetpointC: Float64Array.of(20),
      coolingSetpointC: Float64Array.of(24),
      disturbances: new Map(),
    },
    disturbances: new Map([[OUTDOOR, Float64Array.from({ length: STEPS }, (_, t) => outdoorC(t))]]),
    localMs: Float64Array.from({ length: STEPS }, (_, t) => MONDAY_MS + t * 900_000),
  };
};

const COUNT = 50;
const swings = (t: number): number => (t % 8 < 4 ? -15 : 50);

describe.each(await availableBackends())("thermostat on %s", (name) => {
  const roll = async (model: BuildingModel, asked: RolloutRequest) => {
    const prepared = await (await createRolloutBackend(name, { threads: 1 })).prepare({ model, maxSamples: COUNT, horizonSteps: STEPS });
    const result = await prepared.run(asked);
    prepared.close();
    return result;
  };

  it("never leaves the band between its setpoints when the equipment suffices, in frost and in heat", async () => {
    const asked = request(COUNT, swings);
    const { meanC } = await roll(room(6), asked);
    meanC.forEach((value, i) => {
      expect(value).toBeGreaterThanOrEqual(asked.heatingSetpointC[i]! - 1e-9);
      expect(value).toBeLessThanOrEqual(asked.coolingSetpointC[i]! + 1e-9);
    });
  });

  it("is sure of the temperature exactly where a setpoint is held, and unsure elsewhere", async () => {
    const asked = request(COUNT, swings);
    const { meanC, stdDevK } = await roll(room(6), asked);
    const isHeld = Array.from(meanC, (value, i) =>
      [asked.heatingSetpointC[i]!, asked.coolingSetpointC[i]!].some((setpoint) => Math.abs(value - setpoint) < 1e-9),
    );
    expect(new Set(isHeld)).toEqual(new Set([true, false]));
    isHeld.forEach((held, i) => {
      if (held) expect(stdDevK[i]).toBeCloseTo(0.01, 12);
      else expect(stdDevK[i]).toBeGreaterThan(Math.sqrt(0.02));
    });
  });

  it("follows the free float, no lower, where the data say that full heating takes away, however long it lasts", async () => {
    const asked = request(COUNT, () => -15);
    const [nothing, away] = [await roll(room(0), asked), await roll(room(-2), asked)];
    expect(Math.min(...nothing.meanC)).toBeLessThan(15);
    expect(Math.min(...nothing.meanC)).toBeGreaterThan(-15);
    asked.heatingSetpointC.forEach((setpointC, i) => {
      // Above cooling a capacity below 0 is still believed: it would warm the room, which frost does not let happen here.
      expect(away.meanC[i]).toBeLessThan(setpointC + 5);
      expect(away.meanC[i]).toBeCloseTo(nothing.meanC[i]!, 9);
    });
    expect(Math.min(...away.stdDevK)).toBeGreaterThan(Math.sqrt(0.02));
  });

  it("falls short of the setpoint by what the equipment lacks, and its spread grows from step to step", async () => {
    const asked = request(COUNT, () => -15);
    const { meanC, stdDevK } = await roll(room(0.2), asked);
    for (let k = 0; k < COUNT; k++) {
      const row = k * STEPS;
      expect(meanC[row + STEPS - 1]).toBeLessThan(asked.heatingSetpointC[row + STEPS - 1]! - 2);
      const unheld = [6, 7, 8, 9, 10].map((t) => stdDevK[row + t]!);
      expect(unheld.every((value, i) => i === 0 || value > unheld[i - 1]!)).toBe(true);
    }
  });
});
