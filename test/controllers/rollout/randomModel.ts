import { expect } from "vitest";
import { rolloutRequirements } from "#controllers/rollout/requirements";
import type { EffortTerm, Feature, FeatureSpec, FeatureTerm, PlainTerm } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import type { BuildingModel, PosteriorData, PowerModel, Transition, ZoneModel } from "#domain/model";
import { type PointName, zonePoint } from "#domain/points";
import { type RolloutRequest, slowMeanKey } from "#domain/rollout";
import { factorise } from "#math/gaussianProcess";
import { POWER_DRIVERS } from "#math/powerInputs";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { randomSource } from "../../math/tools.js";

const la = createReferenceLinearAlgebra();
const OUTDOOR: PointName = "site.outdoorAirTempC";
const SUN: PointName = "site.globalHorizontalIrradianceWm2";
export const MONDAY_MS = Date.UTC(2026, 0, 5);

export interface RandomModelOptions {
  readonly seed: number;
  readonly numZones: number;
  readonly transition: Transition;
  readonly m: number;
  readonly withPower: boolean;
  /** `production`: the kernel that zones are fitted with; `gated`: own leaves see gated columns; `linear`: nothing but a linear leaf. */
  readonly kernel: "production" | "gated" | "linear";
  /** Inducing form: a root that is rectangular and full. */
  readonly isBudgeted: boolean;
  /** What the mean of full heating adds, K a step; default 1. */
  readonly heatingK?: number;
  /** Errors last: a drift and factors by lead. */
  readonly spreads?: boolean;
  /** Terms that are products: of weather and a state, of two states, of weather alone. */
  readonly products?: boolean;
  /** Zones whose heat comes late: terms of their thermostats' calls, and calls that the power model reads. Not with the transition "thermostat". */
  readonly calls?: boolean;
  /** The hour counts sharply: samples are near to few basis rows. */
  readonly sharp?: boolean;
}

/** Every kind of term a zone can have, with the gates of a thermostat. */
const featuresOf = (zones: readonly string[], z: number, options: RandomModelOptions): FeatureSpec => {
  const zone = zones[z]!;
  const point = zonePoint(zone, "zoneAirTempC");
  const next = zones[(z + 1) % zones.length]!;
  const gated = (mode: "heating" | "cooling", term: PlainTerm): FeatureTerm => ({ kind: "gated", mode, term });
  const list: readonly (readonly [FeatureTerm, number])[] = [
    [{ kind: "state", point, lagSteps: 0 }, 20],
    [{ kind: "difference", point, steps: 1 }, 1],
    [{ kind: "difference", point, steps: 3 }, 2],
    [{ kind: "slowMean", point, timeConstantS: 20_000 }, 2],
    [{ kind: "offset", point: OUTDOOR, of: point }, 15],
    [{ kind: "disturbance", point: SUN, lagSteps: 0 }, 400],
    [{ kind: "disturbance", point: OUTDOOR, lagSteps: 1 }, 20],
    [{ kind: "timeOfDay", harmonic: 1, phase: "sin" }, 1],
    [{ kind: "timeOfDay", harmonic: 1, phase: "cos" }, 1],
    [{ kind: "workday" }, 1],
    [{ kind: "constant" }, 1],
    [gated("heating", { kind: "constant" }), 1],
    [gated("cooling", { kind: "constant" }), 1],
    [gated("heating", { kind: "offset", point: OUTDOOR, of: point }), 15],
    [gated("cooling", { kind: "disturbance", point: SUN, lagSteps: 0 }), 400],
    [gated("heating", { kind: "state", point, lagSteps: 2 }), 20],
  ];
  const neighbour: readonly (readonly [FeatureTerm, number])[] =
    next === zone ? [] : [[{ kind: "neighbour", point: zonePoint(next, "zoneAirTempC"), of: point }, 2]];
  const control: readonly (readonly [FeatureTerm, number])[] =
    options.transition === "thermostat"
      ? []
      : [
          [{ kind: "setpoint", zone, side: "heating", lagSteps: 0 }, 20],
          [{ kind: "setpoint", zone, side: "cooling", lagSteps: 1 }, 25],
          [{ kind: "demand", zone, mode: "heating", saturationK: 2 }, 2],
          [{ kind: "demand", zone: next, mode: "cooling", saturationK: 2 }, 2],
        ];
  const offset: PlainTerm = { kind: "offset", point: OUTDOOR, of: point };
  const sun: PlainTerm = { kind: "disturbance", point: SUN, lagSteps: 0 };
  const products: readonly (readonly [FeatureTerm, number])[] =
    options.products === true
      ? [
          [{ kind: "product", factors: [sun, offset] }, 4000],
          [{ kind: "product", factors: [{ kind: "difference", point, steps: 2 }, offset] }, 20],
          [{ kind: "product", factors: [sun, { kind: "timeOfDay", harmonic: 1, phase: "sin" }] }, 400],
        ]
      : [];
  const effort = (of: string, integralTimeS: number | null, timeConstantS: number | null): EffortTerm => ({
    kind: "effort",
    zone: of,
    gainPerK: 0.6,
    integralTimeS,
    offsetK: 0.3,
    timeConstantS,
  });
  const calls: readonly (readonly [FeatureTerm, number])[] =
    options.calls === true
      ? [
          [effort(zone, 8000, null), 0.5],
          [effort(zone, 8000, 3600), 0.5],
          [effort(zone, null, 14_400), 0.5],
          [effort(next, 8000, 14_400), 0.5],
          [{ kind: "product", factors: [effort(zone, 8000, null), offset] }, 10],
          [{ kind: "product", factors: [effort(zone, 8000, 3600), { kind: "disturbance", point: OUTDOOR, lagSteps: 0 }] }, 10],
        ]
      : [];
  return [...list, ...neighbour, ...control, ...products, ...calls].map(([term, scale]): Feature => ({ term, scale }));
};

const kernelOf = (features: FeatureSpec, kind: RandomModelOptions["kernel"], sharp: boolean, random: () => number): KernelSpec => {
  const d = features.length;
  const every = Array.from({ length: d }, (_, c) => c);
  const isSharp = (c: number): boolean => sharp && features[c]!.term.kind === "timeOfDay";
  const leaf = (name: "rbf" | "matern32" | "matern52" | "linear", dims: readonly number[]): KernelSpec => ({
    kind: name,
    dims,
    lengthscales: dims.map((c) => (1.5 + random() / 2) * (isSharp(c) ? 0.05 : 1)),
  });
  const linear: KernelSpec = { kind: "scale", outputScale: 0.05, base: leaf("linear", every) };
  if (kind === "linear") return linear;
  const isGated = (c: number): boolean => features[c]!.term.kind === "gated";
  const free = every.filter((c) => !isGated(c) && features[c]!.term.kind !== "constant");
  const time = every.filter((c) => features[c]!.term.kind === "timeOfDay" || features[c]!.term.kind === "workday");
  const gatedConstant = every.filter((c) => {
    const { term } = features[c]!;
    return term.kind === "gated" && term.mode === "cooling" && term.term.kind === "constant";
  });
  const parts: KernelSpec[] = [
    { kind: "scale", outputScale: 0.6, base: leaf("matern52", free) },
    linear,
    { kind: "scale", outputScale: 0.3, base: leaf("matern52", time) },
    { kind: "product", parts: [leaf("linear", gatedConstant), { kind: "scale", outputScale: 0.4, base: leaf("matern32", time) }] },
  ];
  if (kind === "gated") {
    parts.push({ kind: "scale", outputScale: 0.2, base: leaf("rbf", every) });
    parts.push({ kind: "product", parts: [leaf("linear", every.filter(isGated)), leaf("rbf", [0, ...time])] });
  }
  return { kind: "sum", parts };
};

/** A GP fitted to `target` over random inputs, in exact or budgeted form. */
const fitRandomly = (
  kernel: KernelSpec,
  basisInputs: Float64Array,
  m: number,
  d: number,
  isBudgeted: boolean,
  random: () => number,
): Omit<PosteriorData, "features"> => {
  const y = Float64Array.from({ length: m }, () => 0.3 * random());
  const fitted = factorise({
    la,
    kernel,
    x: basisInputs,
    n: m,
    d,
    y,
    noiseVariance: new Float64Array(m).fill(0.1),
    onWarning: (text) => expect.fail(text),
  });
  const inverse = la.inverseLower(m, fitted.choleskyLower);
  const p = isBudgeted ? Math.max(1, Math.floor((2 * m) / 3)) : m;
  // Rows mixed by rotations of neighbours: the same kind of numbers, but nothing is triangular any more.
  const root = inverse.slice(0, p * m);
  if (isBudgeted) {
    for (let i = 0; i + 1 < p; i++) {
      for (let j = 0; j < m; j++) {
        const [a, b] = [root[i * m + j]!, root[(i + 1) * m + j]!];
        root[i * m + j] = 0.8 * a + 0.6 * b;
        root[(i + 1) * m + j] = 0.8 * b - 0.6 * a;
      }
    }
  }
  const meanCoefficients = Float64Array.from({ length: d }, () => 0.02 * random());
  return { kernel, meanCoefficients, basisInputs, m, d, alpha: fitted.alpha, varianceRoot: root, p };
};

const randomZone = (zones: readonly string[], z: number, options: RandomModelOptions, random: () => number): ZoneModel => {
  const features = featuresOf(zones, z, options);
  const d = features.length;
  const { m } = options;
  const basisInputs = Float64Array.from({ length: m * d }, (_, i) => {
    const { term } = features[i % d]!;
    const isOpen = term.kind !== "gated" || random() > 0;
    return isOpen ? random() : 0;
  });
  const posterior = fitRandomly(
    kernelOf(features, options.kernel, options.sharp === true, random),
    basisInputs,
    m,
    d,
    options.isBudgeted,
    random,
  );
  const { meanCoefficients } = posterior;
  features.forEach(({ term }, c) => {
    // Equipment that heats and cools by about a kelvin a step; an absolute model that stays near 20 °C.
    if (term.kind === "gated" && term.term.kind === "constant")
      meanCoefficients[c] = term.mode === "heating" ? (options.heatingK ?? 1) : -1;
    if (options.transition === "absolute" && c === 0) meanCoefficients[c] = 20;
  });
  return {
    zone: zones[z]!,
    transition: options.transition,
    posterior: { ...posterior, features },
    noiseVarianceK2: 0.01,
    ...(options.calls === true
      ? { call: { kind: "effort" as const, zone: zones[z]!, gainPerK: 0.6, integralTimeS: 8000, offsetK: 0.3, timeConstantS: null } }
      : {}),
    heldOffsetK: 0.03 * random(),
    heldStdDevK: 0.04,
    stateGain: 0.85,
    spreadScale: 1.3,
    ...(options.spreads === true
      ? {
          drift: { decay: [0.9, 0.99], gain: [0.4, 0.02], limitK: 0.4 },
          spread: {
            innovationVarianceK2: 0.02,
            demandDoubt: 0.3,
            capacityDoubt: 0.15,
            leads: [
              { steps: 1, factor: 1 },
              { steps: 4, factor: 1.6 },
              { steps: 10, factor: 0.9 },
            ],
          },
        }
      : {}),
  };
};

const randomPower = (zones: readonly string[], m: number, random: () => number): PowerModel => {
  const d = 2 * zones.length + POWER_DRIVERS;
  const own = Array.from({ length: 2 * zones.length }, (_, c) => c);
  const kernel: KernelSpec = {
    kind: "sum",
    parts: [
      { kind: "scale", outputScale: 0.5, base: { kind: "matern52", lengthscales: Array.from({ length: d }, () => 2 + random()) } },
      { kind: "linear", dims: own, lengthscales: own.map(() => 2) },
    ],
  };
  const basisInputs = Float64Array.from({ length: m * d }, random);
  const posterior = fitRandomly(kernel, basisInputs, m, d, false, random);
  posterior.meanCoefficients.fill(0.4, 0, 2 * zones.length);
  const inputScale = Float64Array.from({ length: d }, (_, c) =>
    c < 2 * zones.length ? 1.5 : c === 2 * zones.length || c === d - 1 ? 15 : 1,
  );
  return { posterior, zones: [...zones].reverse(), inputScale, outputScaleW: 4000, noiseStdDevW: 100 };
};

/** A model with consistent matrices and plausible dynamics around 20 °C, the same for the same seed. */
export const randomModel = (options: RandomModelOptions): BuildingModel => {
  const random = randomSource(options.seed);
  const zones = Array.from({ length: options.numZones }, (_, z) => `zone${z + 1}`);
  return {
    version: `random-${options.seed}`,
    kind: "random",
    stepS: 900,
    zones: zones.map((_, z) => randomZone(zones, z, options, random)),
    power: options.withPower ? randomPower(zones, Math.max(3, options.m >> 1), random) : null,
    spreadBoundK: 1,
    trainedFromMs: MONDAY_MS - 7 * 86_400_000,
    trainedToMs: MONDAY_MS,
    trainRows: options.m,
    prior: "none",
    summary: {},
  };
};

/** Random setpoints around the zones' temperatures, with weather and time for every step. */
export const randomRequest = (model: BuildingModel, count: number, horizonSteps: number, seed: number): RolloutRequest => {
  const random = randomSource(seed);
  const nz = model.zones.length;
  const size = count * horizonSteps * nz;
  const heatingSetpointC = Float64Array.from({ length: size }, () => 19 + 2 * random());
  const states = rolloutRequirements(model).efforts.flatMap(({ key, means }) => [key, ...means.map((mean) => mean.key)]);
  const efforts = new Map(states.map((key) => [key, 0.4 + 0.3 * random()] as const));
  return {
    count,
    horizonSteps,
    heatingSetpointC,
    coolingSetpointC: heatingSetpointC.map((value) => value + 2.2 + 1.8 * random()),
    initial: {
      temperaturesC: model.zones.map(() => Float64Array.from({ length: 5 }, () => 20 + 1.5 * random())),
      slowMeans: new Map(model.zones.map(({ zone }) => [slowMeanKey(zonePoint(zone, "zoneAirTempC"), 20_000), 20 + random()] as const)),
      ...(states.length === 0 ? {} : { efforts }),
      heatingSetpointC: new Float64Array(nz).fill(19),
      coolingSetpointC: new Float64Array(nz).fill(24),
      disturbances: new Map<PointName, number>([
        [OUTDOOR, 5],
        [SUN, 0],
      ]),
    },
    disturbances: new Map<PointName, Float64Array>([
      [OUTDOOR, Float64Array.from({ length: horizonSteps }, () => 10 + 8 * random())],
      [SUN, Float64Array.from({ length: horizonSteps }, () => Math.max(0, 500 * random()))],
    ]),
    localMs: Float64Array.from({ length: horizonSteps }, (_, t) => MONDAY_MS + (t + 20) * 900_000),
  };
};
