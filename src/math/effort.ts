import type { EffortTerm } from "#domain/features";
import { slowMeanRate } from "#math/features";

/** The thermostat of an `EffortTerm`: the same for all of its time constants. */
export type EffortLaw = Pick<EffortTerm, "zone" | "gainPerK" | "integralTimeS" | "offsetK">;

/** Heating that a thermostat calls for, as a part of all there is: clamp(g e + I, 0, 1) for a zone e kelvins below its setpoint and offset. NaN where e is. */
export const callOf = ({ gainPerK }: EffortLaw, integral: number, errorK: number): number =>
  Math.min(Math.max(gainPerK * errorK + integral, 0), 1);

/** I + g e Δt/T_I; at a limit of the call it stays, unless it moves back inside. Without an integral time, or without e: I. */
export const nextIntegral = ({ gainPerK, integralTimeS }: EffortLaw, integral: number, errorK: number, stepS: number): number => {
  if (integralTimeS === null || !Number.isFinite(errorK)) return integral;
  const part = gainPerK * errorK + integral;
  const isFree = (part < 1 || errorK < 0) && (part > 0 || errorK > 0);
  return isFree ? integral + (gainPerK * errorK * stepS) / integralTimeS : integral;
};

/** Name of a thermostat's integral part among the states of a rollout. */
export const integralKey = ({ zone, gainPerK, integralTimeS, offsetK }: EffortLaw): string =>
  `${zone}!${gainPerK}/${integralTimeS ?? "none"}/${offsetK}`;

/** Name of a running mean H of a thermostat's calls among the states of a rollout. */
export const effortKey = (law: EffortLaw, timeConstantS: number): string => `${integralKey(law)}@${timeConstantS}`;

/** A thermostat that features name, with every running mean of its calls that they need. */
export interface EffortNeed {
  readonly key: string;
  readonly law: EffortLaw;
  /** `rate`: 1 − exp(−stepS/τ). */
  readonly means: readonly { readonly key: string; readonly timeConstantS: number; readonly rate: number }[];
}

/** The thermostats behind these terms, each once. */
export const effortNeeds = (terms: readonly EffortTerm[], stepS: number): readonly EffortNeed[] => {
  const found = new Map<string, { law: EffortLaw; constants: Set<number> }>();
  for (const { timeConstantS, zone, gainPerK, integralTimeS, offsetK } of terms) {
    const law = { zone, gainPerK, integralTimeS, offsetK };
    const key = integralKey(law);
    const one = found.get(key) ?? { law, constants: new Set() };
    if (timeConstantS !== null) one.constants.add(timeConstantS);
    found.set(key, one);
  }
  return [...found].map(([key, { law, constants }]) => ({
    key,
    law,
    means: [...constants].map((timeConstantS) => ({
      key: effortKey(law, timeConstantS),
      timeConstantS,
      rate: slowMeanRate(stepS, timeConstantS),
    })),
  }));
};

/** A thermostat over the rows of data: before the step that begins at each row its integral part and running means, and what it calls for in that step. */
export interface EffortHistory {
  readonly integral: Float64Array;
  /** By time constant. */
  readonly means: ReadonlyMap<number, Float64Array>;
  /** NaN where the temperature or the setpoint of the step is missing, as after the last row. */
  readonly calls: Float64Array;
}

/**
 * Runs a thermostat over rows: T_i at row i, the setpoint of the step in row i+1. It begins without an integral part and without heat on its way; a gap leaves everything as it is.
 */
export const effortHistory = (need: EffortNeed, temperatureC: Float64Array, setpointC: Float64Array, stepS: number): EffortHistory => {
  const { law, means } = need;
  const rows = temperatureC.length;
  const integral = new Float64Array(rows);
  const calls = new Float64Array(rows).fill(Number.NaN);
  const columns = means.map(() => new Float64Array(rows));
  for (let i = 0; i < rows; i++) {
    const errorK = i + 1 < rows ? setpointC[i + 1]! + law.offsetK - temperatureC[i]! : Number.NaN;
    const call = callOf(law, integral[i]!, errorK);
    calls[i] = call;
    if (i + 1 === rows) break;
    integral[i + 1] = nextIntegral(law, integral[i]!, errorK, stepS);
    means.forEach(({ rate }, j) => {
      const before = columns[j]![i]!;
      columns[j]![i + 1] = Number.isFinite(call) ? before + rate * (call - before) : before;
    });
  }
  return { integral, calls, means: new Map(means.map(({ timeConstantS }, j) => [timeConstantS, columns[j]!])) };
};

/** Thermostats of many samples side by side, from step to step. */
export class EffortColumns {
  readonly #stepS: number;
  readonly #needs: ReadonlyMap<string, EffortNeed>;
  /** By `integralKey` and `effortKey`. */
  readonly #states = new Map<string, Float64Array>();
  readonly #calls = new Map<string, Float64Array>();

  constructor(needs: readonly EffortNeed[], stepS: number, samples: number) {
    this.#stepS = stepS;
    this.#needs = new Map(needs.map((need) => [need.key, need]));
    for (const { key, means } of needs) {
      this.#calls.set(key, new Float64Array(samples));
      for (const name of [key, ...means.map((mean) => mean.key)]) this.#states.set(name, new Float64Array(samples));
    }
  }

  /** Sets every state by its key. */
  start(initial: (key: string) => Float64Array | number): void {
    for (const [key, column] of this.#states) {
      const value = initial(key);
      if (typeof value === "number") column.fill(value);
      else column.set(value);
    }
  }

  /** Begins a step: what every thermostat calls for at these temperatures and setpoints, °C, of its zone. */
  begin(count: number, temperatureC: (zone: string) => ArrayLike<number>, setpointC: (zone: string) => ArrayLike<number>): void {
    for (const [key, { law }] of this.#needs) {
      const [now, setpoints, integral, calls] = [
        temperatureC(law.zone),
        setpointC(law.zone),
        this.#states.get(key)!,
        this.#calls.get(key)!,
      ];
      for (let k = 0; k < count; k++) calls[k] = callOf(law, integral[k]!, setpoints[k]! + law.offsetK - now[k]!);
    }
  }

  /** Ends the step: the same temperatures and setpoints move the integral parts, the calls the running means. */
  end(count: number, temperatureC: (zone: string) => ArrayLike<number>, setpointC: (zone: string) => ArrayLike<number>): void {
    for (const [key, { law, means }] of this.#needs) {
      const [now, setpoints, integral, calls] = [
        temperatureC(law.zone),
        setpointC(law.zone),
        this.#states.get(key)!,
        this.#calls.get(key)!,
      ];
      for (let k = 0; k < count; k++) integral[k] = nextIntegral(law, integral[k]!, setpoints[k]! + law.offsetK - now[k]!, this.#stepS);
      for (const mean of means) {
        const column = this.#states.get(mean.key)!;
        for (let k = 0; k < count; k++) column[k]! += mean.rate * (calls[k]! - column[k]!);
      }
    }
  }

  /** The value of a term, one of those that the needs were made of. */
  value(term: EffortTerm): Float64Array {
    return term.timeConstantS === null ? this.#calls.get(integralKey(term))! : this.#states.get(effortKey(term, term.timeConstantS))!;
  }
}
