import type { FeatureSpec } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import { type PointName, sitePoint, zonePoint } from "#domain/points";
import { meanPoint } from "#math/derivedPoints";
import type { EffortLaw } from "#math/effort";
import { type Column, column } from "#models/columns";

const HOUR_S = 3600;

/** What is known of the zone's surroundings: decides which inputs there are. */
export interface ZoneInputs {
  readonly zone: string;
  readonly neighbours: readonly string[];
  /** Irradiance point to use, if the data have one. */
  readonly irradiance: PointName | null;
  /** Largest occupant count in training; 0: unknown or never occupied. */
  readonly occupancyScale: number;
  /** The thermostat of heating whose heat is hours on its way; absent or null: heating and cooling act at once. */
  readonly emitter?: EffortLaw | null;
}

/** Running means of a slow emitter's calls: what is on its way through a thin and a thick floor. */
const EFFORT_TIMES_S = [HOUR_S, 4 * HOUR_S];

/** The thermostat-aware model of one zone as columns of inputs and the leaves that see them. */
export interface ThermostatStructure {
  readonly columns: readonly Column[];
  readonly features: FeatureSpec;
  /** Columns of the smooth (Matérn-5/2) part of the free float. */
  readonly smooth: readonly number[];
  /** Columns of the linear part: free float, and the capacities behind their gates. */
  readonly linear: readonly number[];
  /** Time columns of the recurring daily pattern: sharp, such as a fan that stops at 17:00. */
  readonly time: readonly number[];
  /** The cooling gate itself; −1 where the structure has no gates. */
  readonly coolingGate: number;
}

/** What a thermostat calls for and has called for of late, and the same times outdoor air: what a heat pump delivers depends on it. */
const effortColumns = (law: EffortLaw): readonly Column[] =>
  [null, ...EFFORT_TIMES_S].flatMap((timeConstantS) => {
    const { zone, gainPerK, integralTimeS, offsetK } = law;
    const effort = { kind: "effort", zone, gainPerK, integralTimeS, offsetK, timeConstantS } as const;
    const outdoor = { kind: "disturbance", point: sitePoint("outdoorAirTempC"), lagSteps: 0 } as const;
    return [column(effort, 0.5), column({ kind: "product", factors: [effort, outdoor] }, 5)];
  });

/**
 * Inputs of the step: trend, slow masses (1 h, 12 h), outdoor air, sun, people, time of day and week; capacity columns are gated.
 * Scales are physical and fixed, not taken from the data, so that hyperparameters mean the same in every building.
 */
export const thermostatStructure = (inputs: ZoneInputs): ThermostatStructure => {
  const point = zonePoint(inputs.zone, "zoneAirTempC");
  const trend = column({ kind: "difference", point, steps: 1 }, 0.5);
  const fastMass = column({ kind: "slowMean", point, timeConstantS: HOUR_S }, 1);
  const slowMass = column({ kind: "slowMean", point, timeConstantS: 12 * HOUR_S }, 2);
  const outdoor = column({ kind: "offset", point: sitePoint("outdoorAirTempC"), of: point }, 8);
  const capacityDrivers = [trend, fastMass, slowMass, outdoor];
  const constant = column({ kind: "constant" }, 1);
  const time = [
    column({ kind: "timeOfDay", harmonic: 1, phase: "sin" }, 0.7),
    column({ kind: "timeOfDay", harmonic: 1, phase: "cos" }, 0.7),
    column({ kind: "workday" }, 0.5),
  ];
  const smooth: Column[] = [
    ...capacityDrivers,
    ...(inputs.irradiance === null
      ? []
      : [0, 1].map((lagSteps) => column({ kind: "disturbance", point: inputs.irradiance!, lagSteps }, 300))),
    ...(inputs.occupancyScale > 0
      ? // The step before too: air answers to people, lights and machines at once, the room's mass over hours.
        [0, 1].map((lagSteps) =>
          column({ kind: "disturbance", point: zonePoint(inputs.zone, "occupancyCount"), lagSteps }, 0.5 * inputs.occupancyScale),
        )
      : []),
    ...time,
    column({ kind: "timeOfDay", harmonic: 2, phase: "sin" }, 0.7),
    column({ kind: "timeOfDay", harmonic: 2, phase: "cos" }, 0.7),
  ];
  const neighbours = inputs.neighbours.map((zone) => column({ kind: "neighbour", point: zonePoint(zone, "zoneAirTempC"), of: point }, 2));
  // What walls and roof still hold of the last half day's weather, and the sun by the hour: which façade it reaches.
  const envelope = column({ kind: "offset", point: meanPoint(sitePoint("outdoorAirTempC"), 12 * HOUR_S), of: point }, 8);
  const sunByHour =
    inputs.irradiance === null
      ? []
      : (["sin", "cos"] as const).map((phase) =>
          column(
            {
              kind: "product",
              factors: [
                { kind: "disturbance", point: inputs.irradiance!, lagSteps: 0 },
                { kind: "timeOfDay", harmonic: 1, phase },
              ],
            },
            300,
          ),
        );
  const emitter = inputs.emitter ?? null;
  const limits = emitter === null ? (["heating", "cooling"] as const) : [];
  const gated = limits.flatMap((mode) =>
    [constant, ...capacityDrivers].map(({ feature }) =>
      column({ kind: "gated", mode, term: feature.term as Exclude<typeof feature.term, { kind: "gated" }> }, feature.scale),
    ),
  );
  const columns = [
    ...smooth,
    ...neighbours,
    envelope,
    ...sunByHour,
    constant,
    ...gated,
    ...(emitter === null ? [] : effortColumns(emitter)),
  ];
  const indices = (wanted: readonly Column[]): number[] => wanted.map((one) => columns.indexOf(one));
  return {
    columns,
    features: columns.map(({ feature }) => feature),
    smooth: indices(smooth),
    linear: indices(columns),
    time: indices(time),
    coolingGate: columns.findIndex(({ key }) => key === "cooling*constant"),
  };
};

/** Held at 0: the gate's own scale says nothing that the output scale behind it does not. */
export const FIXED_HYPERPARAMETER = "dailyCooling.gate";

/** Behind the output scales of a zone with a slow emitter: it moves by hundredths of a kelvin a step, and what is left to curves is less still. */
const SLOW = ".slow";

/** Names of the log hyperparameters in the order of `thermostatKernel`, then the noise: what a prior speaks of. */
export const hyperparameterNames = (structure: ThermostatStructure): readonly string[] => {
  const key = (c: number): string => structure.columns[c]!.key;
  const slow = structure.coolingGate < 0 ? SLOW : "";
  return [
    `smooth.outputScale${slow}`,
    ...structure.smooth.map((c) => `smooth.lengthscale.${key(c)}`),
    ...structure.linear.map((c) => `linear.lengthscale.${key(c)}`),
    `daily.outputScale${slow}`,
    ...structure.time.map((c) => `daily.lengthscale.${key(c)}`),
    ...(structure.coolingGate < 0
      ? []
      : [FIXED_HYPERPARAMETER, "dailyCooling.outputScale", ...structure.time.map((c) => `dailyCooling.lengthscale.${key(c)}`)]),
    "noiseVariance",
  ];
};

/**
 * Covariance of the increment T' − T, K²:
 * k = s² k_52(smooth) + Σ_c x_c x'_c / ℓ_c² + s_d² k_52(time) + g g' s_c² k_52(time), with g the cooling gate.
 * The linear part is a normal prior of standard deviation 1/ℓ_c on each coefficient around the prior mean β_c.
 */
export const thermostatKernel = (structure: ThermostatStructure, hyperparameter: (name: string) => number): KernelSpec => {
  const key = (c: number): string => structure.columns[c]!.key;
  const matern = (part: string, dims: readonly number[]): KernelSpec => ({
    kind: "scale",
    outputScale: hyperparameter(`${part}.outputScale${structure.coolingGate < 0 ? SLOW : ""}`),
    base: { kind: "matern52", dims, lengthscales: dims.map((c) => hyperparameter(`${part}.lengthscale.${key(c)}`)) },
  });
  return {
    kind: "sum",
    parts: [
      matern("smooth", structure.smooth),
      { kind: "linear", dims: structure.linear, lengthscales: structure.linear.map((c) => hyperparameter(`linear.lengthscale.${key(c)}`)) },
      matern("daily", structure.time),
      ...(structure.coolingGate < 0
        ? []
        : [
            {
              kind: "product" as const,
              parts: [
                { kind: "linear" as const, dims: [structure.coolingGate], lengthscales: [hyperparameter(FIXED_HYPERPARAMETER)] },
                matern("dailyCooling", structure.time),
              ],
            },
          ]),
    ],
  };
};
