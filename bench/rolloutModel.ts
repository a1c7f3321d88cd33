import type { FeatureSpec, FeatureTerm, PlainTerm } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import type { BuildingModel, PosteriorData } from "#domain/model";
import { type PointName, zonePoint } from "#domain/points";
import { type RolloutRequest, slowMeanKey } from "#domain/rollout";
import { factorise } from "#math/gaussianProcess";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { POWER_DRIVERS } from "#math/powerInputs";
import { seededRandom } from "./seededRandom.js";

const OUTDOOR: PointName = "site.outdoorAirTempC";
const SUN: PointName = "site.globalHorizontalIrradianceWm2";
const SLOW_S = 20_000;

/** Features of a zone as they are fitted: free columns, a constant, constants and weather behind the gates; d = 23. */
const zoneFeatures = (zones: readonly string[], z: number): FeatureSpec => {
  const point = zonePoint(zones[z]!, "zoneAirTempC");
  const neighbour = zonePoint(zones[(z + 1) % zones.length]!, "zoneAirTempC");
  const occupancy = zonePoint(zones[z]!, "occupancyCount");
  const gated = (mode: "heating" | "cooling", term: PlainTerm): FeatureTerm => ({ kind: "gated", mode, term });
  const offset: PlainTerm = { kind: "offset", point: OUTDOOR, of: point };
  const slow: PlainTerm = { kind: "slowMean", point, timeConstantS: SLOW_S };
  const sun: PlainTerm = { kind: "disturbance", point: SUN, lagSteps: 0 };
  const crowd: PlainTerm = { kind: "disturbance", point: occupancy, lagSteps: 0 };
  const constant: PlainTerm = { kind: "constant" };
  const terms: readonly FeatureTerm[] = [
    ...([1, 2, 4] as const).map((steps) => ({ kind: "difference" as const, point, steps })),
    slow,
    offset,
    { kind: "neighbour", point: neighbour, of: point },
    sun,
    { kind: "disturbance", point: SUN, lagSteps: 1 },
    crowd,
    { kind: "timeOfDay", harmonic: 1, phase: "sin" },
    { kind: "timeOfDay", harmonic: 1, phase: "cos" },
    { kind: "workday" },
    constant,
    ...[constant, offset, slow, sun, crowd].flatMap((term) => [gated("heating", term), gated("cooling", term)]),
  ];
  return terms.map((term) => ({ term, scale: 1 }));
};

const zoneKernel = (features: FeatureSpec): KernelSpec => {
  const all = features.map((_, c) => c);
  const free = all.slice(0, 12);
  const time = all.slice(9, 12);
  const ard = (dims: readonly number[], lengthscale: number) => ({
    dims,
    lengthscales: dims.map((_, i) => lengthscale * (1 + 0.1 * (i % 5))),
  });
  return {
    kind: "sum",
    parts: [
      { kind: "scale", outputScale: 0.4, base: { kind: "matern52", ...ard(free, 2) } },
      { kind: "linear", ...ard(all, 3) },
      { kind: "scale", outputScale: 0.2, base: { kind: "matern52", ...ard(time, 1) } },
      {
        kind: "product",
        parts: [
          { kind: "linear", ...ard([14], 1) },
          { kind: "scale", outputScale: 0.2, base: { kind: "matern52", ...ard(time, 1) } },
        ],
      },
    ],
  };
};

/** A random posterior with m basis rows and, as exact and budgeted ones have it, a triangular root. */
const randomPosterior = (la: LinearAlgebra, kernel: KernelSpec, m: number, d: number): Omit<PosteriorData, "features"> => {
  const random = seededRandom(m + d);
  const basisInputs = Float64Array.from({ length: m * d }, () => 2 * random() - 1);
  const y = Float64Array.from({ length: m }, () => 0.2 * (2 * random() - 1));
  const noiseVariance = new Float64Array(m).fill(0.05);
  const onWarning = (text: string): never => {
    throw new Error(text);
  };
  const { alpha, choleskyLower } = factorise({ la, kernel, x: basisInputs, n: m, d, y, noiseVariance, onWarning });
  const varianceRoot = la.inverseLower(m, choleskyLower);
  return { kernel, meanCoefficients: new Float64Array(d), basisInputs, m, d, alpha, varianceRoot, p: m };
};

/** A model of the production kernel's shape with m basis rows a zone and a power model. */
export const benchModel = (la: LinearAlgebra, numZones: number, m: number): BuildingModel => {
  const zones = Array.from({ length: numZones }, (_, z) => `zone${z + 1}`);
  const powerD = 2 * numZones + POWER_DRIVERS;
  const powerKernel: KernelSpec = { kind: "scale", outputScale: 0.3, base: { kind: "matern52", lengthscales: new Array(powerD).fill(2) } };
  return {
    version: "bench",
    kind: "bench",
    stepS: 900,
    zones: zones.map((zone, z) => {
      const features = zoneFeatures(zones, z);
      const posterior = randomPosterior(la, zoneKernel(features), m, features.length);
      // Heating and cooling of about a kelvin a step.
      posterior.meanCoefficients[13] = 1;
      posterior.meanCoefficients[14] = -1;
      return {
        zone,
        transition: "thermostat",
        posterior: { ...posterior, features },
        noiseVarianceK2: 0.01,
        heldOffsetK: 0,
        heldStdDevK: 0.05,
        stateGain: 0.8,
        spreadScale: 1,
      };
    }),
    power: {
      posterior: randomPosterior(la, powerKernel, Math.min(m, 300), powerD),
      zones,
      inputScale: new Float64Array(powerD).fill(1),
      outputScaleW: 5000,
      noiseStdDevW: 100,
    },
    spreadBoundK: 1,
    trainedFromMs: 0,
    trainedToMs: 0,
    trainRows: m,
    prior: "none",
    summary: {},
  };
};

/** Setpoints that never act (`floating`: the variance is computed in every zone and step) or random ones around 21 °C (`controlled`). */
export const benchRequest = (
  model: BuildingModel,
  count: number,
  horizonSteps: number,
  scenario: "floating" | "controlled",
): RolloutRequest => {
  const random = seededRandom(count);
  const nz = model.zones.length;
  const size = count * horizonSteps * nz;
  const isFloating = scenario === "floating";
  const steps = (value: () => number): Float64Array => Float64Array.from({ length: horizonSteps }, value);
  return {
    count,
    horizonSteps,
    heatingSetpointC: Float64Array.from({ length: size }, () => (isFloating ? 5 : 19 + 2 * random())),
    coolingSetpointC: Float64Array.from({ length: size }, () => (isFloating ? 40 : 22 + 2 * random())),
    initial: {
      temperaturesC: model.zones.map((_, z) => new Float64Array(5).fill(20 + 0.3 * z)),
      slowMeans: new Map(model.zones.map(({ zone }) => [slowMeanKey(zonePoint(zone, "zoneAirTempC"), SLOW_S), 20] as const)),
      heatingSetpointC: new Float64Array(nz).fill(20),
      coolingSetpointC: new Float64Array(nz).fill(24),
      disturbances: new Map([[SUN, 0]]),
    },
    disturbances: new Map<PointName, Float64Array>([
      [OUTDOOR, steps(() => 20 + random())],
      [SUN, steps(random)],
      ...model.zones.map(({ zone }) => [zonePoint(zone, "occupancyCount"), steps(random)] as const),
    ]),
    localMs: Float64Array.from({ length: horizonSteps }, (_, t) => Date.UTC(2026, 0, 5, 6) + t * 900_000),
  };
};
