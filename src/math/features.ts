import type { EffortTerm, Feature, FeatureSpec, FeatureTerm, PlainTerm } from "#domain/features";
import type { PointName } from "#domain/points";

/** A column with one value per sample, or one value that all samples share. */
export type SampleColumn = Float64Array | number;

/** What the features of `count` samples are made from: rows of a data set, or control sequences at one step of a rollout. */
export interface FeatureSource {
  readonly count: number;
  /** T_{i−lagSteps} of a state point, °C. */
  state(point: PointName, lagSteps: number): SampleColumn;
  /** M_i of a state point. */
  slowMean(point: PointName, timeConstantS: number): SampleColumn;
  /** c_i or H_i of a thermostat. */
  effort(term: EffortTerm): SampleColumn;
  /** In force during the step (lag 0) or the one before (lag 1). */
  disturbance(point: PointName, lagSteps: number): SampleColumn;
  setpoint(zone: string, side: "heating" | "cooling", lagSteps: number): SampleColumn;
  /** Local wall-clock time of the step's end as if it were UTC, ms. */
  localMs(): SampleColumn;
}

/** 1 where the zone's equipment runs at its limit, else 0; null: nowhere. */
export interface Gates {
  readonly heating: Uint8Array | null;
  readonly cooling: Uint8Array | null;
}

const DAY_MS = 86_400_000;

/** Local hour of the day, [0, 24). */
export const localHour = (localMs: number): number => ((((localMs % DAY_MS) + DAY_MS) % DAY_MS) / DAY_MS) * 24;

/** Monday to Friday by the day that holds the step: a step ending at midnight belongs to the day before. */
export const isWorkday = (localMs: number): boolean => {
  // 1 January 1970 was a Thursday.
  const day = (((Math.floor((localMs - 1) / DAY_MS) + 3) % 7) + 7) % 7;
  return day < 5;
};

/** 1 − exp(−stepS/τ): how far a slow mean moves towards the state in one step. */
export const slowMeanRate = (stepS: number, timeConstantS: number): number => -Math.expm1(-stepS / timeConstantS);

const at = (column: SampleColumn, k: number): number => (typeof column === "number" ? column : column[k]!);

const combine = (count: number, a: SampleColumn, b: SampleColumn, f: (a: number, b: number) => number): SampleColumn => {
  if (typeof a === "number" && typeof b === "number") return f(a, b);
  const out = new Float64Array(count);
  for (let k = 0; k < count; k++) out[k] = f(at(a, k), at(b, k));
  return out;
};

const map = (column: SampleColumn, f: (value: number) => number): SampleColumn => (typeof column === "number" ? f(column) : column.map(f));

const clamp = (value: number, upper: number): number => Math.min(Math.max(value, 0), upper);

/** Value of one plain term for every sample. */
export const evaluateTerm = (term: PlainTerm, source: FeatureSource): SampleColumn => {
  const { count } = source;
  const minus = (a: number, b: number): number => a - b;
  switch (term.kind) {
    case "state":
      return source.state(term.point, term.lagSteps);
    case "difference":
      return combine(count, source.state(term.point, 0), source.state(term.point, term.steps), minus);
    case "slowMean":
      return combine(count, source.slowMean(term.point, term.timeConstantS), source.state(term.point, 0), minus);
    case "effort":
      return source.effort(term);
    case "neighbour":
      return combine(count, source.state(term.point, 0), source.state(term.of, 0), minus);
    case "offset":
      return combine(count, source.disturbance(term.point, 0), source.state(term.of, 0), minus);
    case "disturbance":
      return source.disturbance(term.point, term.lagSteps);
    case "setpoint":
      return source.setpoint(term.zone, term.side, term.lagSteps);
    case "demand": {
      const state = source.state(`${term.zone}.zoneAirTempC`, 0);
      const setpoint = source.setpoint(term.zone, term.mode, 0);
      const sign = term.mode === "heating" ? 1 : -1;
      return combine(count, setpoint, state, (s, t) => clamp(sign * (s - t), term.saturationK));
    }
    case "timeOfDay": {
      const wave = term.phase === "sin" ? Math.sin : Math.cos;
      return map(source.localMs(), (ms) => wave((2 * Math.PI * term.harmonic * localHour(ms)) / 24));
    }
    case "workday":
      return map(source.localMs(), (ms) => (isWorkday(ms) ? 0.5 : -0.5));
    case "constant":
      return 1;
    case "product":
      return combine(count, evaluateTerm(term.factors[0], source), evaluateTerm(term.factors[1], source), (a, b) => a * b);
  }
};

/** The terms without product that a term is made of; itself where it is none. */
export const factorsOf = (term: PlainTerm): readonly Exclude<PlainTerm, { kind: "product" }>[] =>
  term.kind === "product" ? term.factors.flatMap(factorsOf) : [term];

/** The term inside a gate, or the term itself. */
export const plainTerm = (term: FeatureTerm): PlainTerm => (term.kind === "gated" ? term.term : term);

/**
 * Inputs x (count×d, row-major): x_c = gate · term / scale. `out` is filled in place and returned.
 * A missing value becomes NaN and stays NaN.
 */
export const fillInputs = (
  spec: FeatureSpec,
  source: FeatureSource,
  gates: Gates,
  out: Float64Array = new Float64Array(source.count * spec.length),
): Float64Array => {
  const d = spec.length;
  const { count } = source;
  spec.forEach(({ term, scale }: Feature, c) => {
    const column = evaluateTerm(plainTerm(term), source);
    const gate = term.kind === "gated" ? gates[term.mode] : undefined;
    if (gate === null) {
      for (let k = 0; k < count; k++) out[k * d + c] = 0;
      return;
    }
    for (let k = 0; k < count; k++) out[k * d + c] = gate !== undefined && gate[k] === 0 ? 0 : at(column, k) / scale;
  });
  return out;
};

/** Largest lag of a state that the features look back, in steps. */
export const stateLagSteps = (spec: FeatureSpec): number =>
  spec
    .flatMap(({ term }) => factorsOf(plainTerm(term)))
    .reduce((largest, term) => Math.max(largest, term.kind === "state" ? term.lagSteps : term.kind === "difference" ? term.steps : 0), 0);

/** Every slow mean that the features need. */
export const slowMeansOf = (spec: FeatureSpec): readonly { readonly point: PointName; readonly timeConstantS: number }[] => {
  const found = new Map<string, { point: PointName; timeConstantS: number }>();
  for (const { term } of spec) {
    for (const plain of factorsOf(plainTerm(term)))
      if (plain.kind === "slowMean")
        found.set(`${plain.point}@${plain.timeConstantS}`, { point: plain.point, timeConstantS: plain.timeConstantS });
  }
  return [...found.values()];
};

/** Every term of thermostats' calls among the features. */
export const effortsOf = (spec: FeatureSpec): readonly EffortTerm[] =>
  spec.flatMap(({ term }) => factorsOf(plainTerm(term)).flatMap((plain) => (plain.kind === "effort" ? [plain] : [])));

/** Every disturbance point that the features need. */
export const disturbancesOf = (spec: FeatureSpec): readonly PointName[] => {
  const found = new Set<PointName>();
  for (const { term } of spec) {
    for (const plain of factorsOf(plainTerm(term))) if (plain.kind === "disturbance" || plain.kind === "offset") found.add(plain.point);
  }
  return [...found];
};
