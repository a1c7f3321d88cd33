import { type Admission, admit } from "#controllers/admission";
import type { SetpointBatch } from "#controllers/mppi/cost";
import { correlatedNoise, streamOf, UniformSource } from "#controllers/mppi/noise";

/** Setpoints [t][z] of one sequence. */
export interface Sequence {
  readonly heatingSetpointC: Float64Array;
  readonly coolingSetpointC: Float64Array;
}

/** 53 bits of two FNV-1a hashes over the bits of both sides: a chance of 1e-10 to lose one of a thousand samples. */
const fingerprint = (heating: Float64Array, cooling: Float64Array): number => {
  let [low, high] = [0x811c9dc5, 0x9747b28c];
  for (const side of [heating, cooling]) {
    for (const word of new Uint32Array(side.buffer, side.byteOffset, 2 * side.length)) {
      low = Math.imul(low ^ word, 0x01000193);
      high = Math.imul(high ^ (word >>> 7) ^ (word << 3), 0x01000193);
    }
  }
  return (high >>> 11) * 0x100000000 + (low >>> 0);
};

/** A batch under construction: sequences are added in order, each made admissible as it enters. */
export class BatchBuilder {
  readonly horizonSteps: number;
  readonly nz: number;
  readonly #admission: Admission;
  readonly #heating: Float64Array;
  readonly #cooling: Float64Array;
  readonly #size: number;
  readonly #known: Set<number> | null;
  #count = 0;

  /** `known`: fingerprints of sequences that are not to be added again, extended by those added; null: everything is added. */
  constructor(capacity: number, horizonSteps: number, nz: number, admission: Admission, known: Set<number> | null = null) {
    this.horizonSteps = horizonSteps;
    this.nz = nz;
    this.#size = horizonSteps * nz;
    this.#admission = admission;
    this.#known = known;
    this.#heating = new Float64Array(capacity * this.#size);
    this.#cooling = new Float64Array(capacity * this.#size);
  }
  get count(): number {
    return this.#count;
  }
  get room(): number {
    return this.#heating.length / this.#size - this.#count;
  }
  /** Adds a copy; returns its index, or −1 where the same (admissible) sequence is known or no room is left. */
  add(sequence: Sequence): number {
    if (this.room === 0) return -1;
    const from = this.#count * this.#size;
    const to = from + this.#size;
    this.#heating.set(sequence.heatingSetpointC, from);
    this.#cooling.set(sequence.coolingSetpointC, from);
    admit(this.#heating, this.#cooling, from, this.horizonSteps, this.nz, this.#admission);
    if (this.#known !== null) {
      const key = fingerprint(this.#heating.subarray(from, to), this.#cooling.subarray(from, to));
      if (this.#known.has(key)) return -1;
      this.#known.add(key);
    }
    return this.#count++;
  }
  batch(): SetpointBatch {
    const end = this.#count * this.#size;
    return { count: this.#count, heatingSetpointC: this.#heating.subarray(0, end), coolingSetpointC: this.#cooling.subarray(0, end) };
  }
}

export const sequenceOf = (batch: SetpointBatch, k: number, size: number): Sequence => ({
  heatingSetpointC: batch.heatingSetpointC.subarray(k * size, (k + 1) * size),
  coolingSetpointC: batch.coolingSetpointC.subarray(k * size, (k + 1) * size),
});

/** `base` with zone z (or all zones for −1) taken from `donor`, on both sides or one. */
export const withZone = (
  base: Sequence,
  donor: Sequence,
  z: number,
  nz: number,
  side: "both" | "heating" | "cooling" = "both",
): Sequence => {
  const heatingSetpointC = base.heatingSetpointC.slice();
  const coolingSetpointC = base.coolingSetpointC.slice();
  for (let i = 0; i < heatingSetpointC.length; i++) {
    if (z >= 0 && i % nz !== z) continue;
    if (side !== "cooling") heatingSetpointC[i] = donor.heatingSetpointC[i]!;
    if (side !== "heating") coolingSetpointC[i] = donor.coolingSetpointC[i]!;
  }
  return { heatingSetpointC, coolingSetpointC };
};

/** Whether two sequences are the same in zone z (all zones for −1). */
export const sameInZone = (a: Sequence, b: Sequence, z: number, nz: number): boolean => {
  const step = z < 0 ? 1 : nz;
  for (let i = Math.max(0, z); i < a.heatingSetpointC.length; i += step)
    if (a.heatingSetpointC[i] !== b.heatingSetpointC[i] || a.coolingSetpointC[i] !== b.coolingSetpointC[i]) return false;
  return true;
};

/** Widest and tightest pair of each zone among some sequences: what "off" and "on" mean to them. */
export interface PairRange {
  readonly wide: Sequence;
  readonly tight: Sequence;
  /** Pair in force now, NaN where unknown: what a plan that is moved later begins with. */
  readonly now: Sequence;
}

/** Widest pair of each zone among some sequences. */
export const widestPair = (sequences: readonly Sequence[], nz: number): Sequence => {
  const heatingSetpointC = new Float64Array(nz).fill(Infinity);
  const coolingSetpointC = new Float64Array(nz).fill(-Infinity);
  for (const one of sequences)
    for (let i = 0; i < one.heatingSetpointC.length; i++) {
      heatingSetpointC[i % nz] = Math.min(heatingSetpointC[i % nz]!, one.heatingSetpointC[i]!);
      coolingSetpointC[i % nz] = Math.max(coolingSetpointC[i % nz]!, one.coolingSetpointC[i]!);
    }
  return { heatingSetpointC, coolingSetpointC };
};

export const pairRange = (sequences: readonly Sequence[], nz: number, { inForceHeatingC, inForceCoolingC }: Admission): PairRange => {
  const wide = widestPair(sequences, nz);
  const tight = { heatingSetpointC: new Float64Array(nz).fill(-Infinity), coolingSetpointC: new Float64Array(nz).fill(Infinity) };
  for (const { heatingSetpointC, coolingSetpointC } of sequences)
    for (let i = 0; i < heatingSetpointC.length; i++) {
      const z = i % nz;
      tight.heatingSetpointC[z] = Math.max(tight.heatingSetpointC[z]!, heatingSetpointC[i]!);
      tight.coolingSetpointC[z] = Math.min(tight.coolingSetpointC[z]!, coolingSetpointC[i]!);
    }
  return { wide, tight, now: { heatingSetpointC: inForceHeatingC, coolingSetpointC: inForceCoolingC } };
};

export interface PerturbationOptions {
  /** Standard deviation of smooth perturbations at first, K. */
  readonly noiseStdDevK: number;
  readonly correlationSteps: number;
  readonly sharedFraction: number;
  /** Plans are moved earlier or later by up to so many steps. */
  readonly maxShiftSteps: number;
}

/** Longest stretch that is replaced by another pair, steps. */
const MAX_STRETCH_STEPS = 8;
/** Half of the shifts and stretches are common to all zones. */
const COMMON = 0.5;

/**
 * Adds up to `count` perturbations of `nominal` to the batch, in a fixed order: smooth (band narrowed or widened by correlated noise), shifted in
 * time (zones start and stop earlier or later), and with a stretch replaced by the widest or tightest pair (stop early, start now, hold off for an
 * hour). Narrowing moves heating up and cooling down alike, because at any time at most one of them acts. A shift or stretch that gives a known
 * sequence is replaced by a blend with one of `others`. All randomness comes from (seed, tick, use).
 */
export const addPerturbations = (
  builder: BatchBuilder,
  nominal: Sequence,
  others: readonly Sequence[],
  count: number,
  range: PairRange,
  options: PerturbationOptions,
  /** Standard deviation of smooth perturbations, K, [t][z]. */
  stdDevsK: Float64Array,
  seed: number,
  tick: number,
  use: number,
): void => {
  const { horizonSteps, nz } = builder;
  const smoothCount = Math.ceil(count / 3);
  const noise = correlatedNoise(seed, streamOf(tick, 2 * use), { count: smoothCount, horizonSteps, nz, ...options });
  const random = new UniformSource(seed, streamOf(tick, 2 * use + 1));
  for (let k = 0; k < count; k++) {
    const kind = k % 3;
    if (kind === 0) builder.add(smooth(nominal, noise, (k / 3) * horizonSteps * nz, stdDevsK));
    else {
      const moved = kind === 1 ? shifted(nominal, range.now, nz, options.maxShiftSteps, random) : stretched(nominal, nz, range, random);
      if (builder.add(moved) < 0 && others.length > 0) builder.add(blended(moved, others[random.below(others.length)]!, random.next()));
    }
  }
};

/** (1 − share) a + share b. */
const blended = (a: Sequence, b: Sequence, share: number): Sequence => ({
  heatingSetpointC: a.heatingSetpointC.map((value, i) => value + share * (b.heatingSetpointC[i]! - value)),
  coolingSetpointC: a.coolingSetpointC.map((value, i) => value + share * (b.coolingSetpointC[i]! - value)),
});

const smooth = (nominal: Sequence, noise: Float64Array, from: number, stdDevsK: Float64Array): Sequence => ({
  heatingSetpointC: nominal.heatingSetpointC.map((value, i) => value + stdDevsK[i]! * noise[from + i]!),
  coolingSetpointC: nominal.coolingSetpointC.map((value, i) => value - stdDevsK[i]! * noise[from + i]!),
});

const shifted = (nominal: Sequence, now: Sequence, nz: number, maxShiftSteps: number, random: UniformSource): Sequence => {
  const steps = nominal.heatingSetpointC.length / nz;
  const draw = (): number => random.below(2 * maxShiftSteps + 1) - maxShiftSteps;
  const common = random.next() < COMMON ? draw() : null;
  const shifts = Array.from({ length: nz }, () => common ?? draw());
  const take = (values: Float64Array, before: Float64Array): Float64Array =>
    values.map((_, i) => {
      const z = i % nz;
      const t = Math.floor(i / nz) + shifts[z]!;
      return t < 0 && Number.isFinite(before[z]!) ? before[z]! : values[Math.max(0, Math.min(steps - 1, t)) * nz + z]!;
    });
  return {
    heatingSetpointC: take(nominal.heatingSetpointC, now.heatingSetpointC),
    coolingSetpointC: take(nominal.coolingSetpointC, now.coolingSetpointC),
  };
};

const stretched = (nominal: Sequence, nz: number, { wide, tight }: PairRange, random: UniformSource): Sequence => {
  const steps = nominal.heatingSetpointC.length / nz;
  const zone = random.next() < COMMON ? -1 : random.below(nz);
  const begin = random.below(steps);
  const end = Math.min(steps, begin + 1 + random.below(MAX_STRETCH_STEPS));
  const pair = random.next() < 0.5 ? wide : tight;
  const replace = (values: Float64Array, by: Float64Array): Float64Array =>
    values.map((value, i) => {
      const t = Math.floor(i / nz);
      return t >= begin && t < end && (zone < 0 || i % nz === zone) ? by[i % nz]! : value;
    });
  return {
    heatingSetpointC: replace(nominal.heatingSetpointC, pair.heatingSetpointC),
    coolingSetpointC: replace(nominal.coolingSetpointC, pair.coolingSetpointC),
  };
};

/** Adds `count` sequences that take each zone from a random one of the elites: good starts of different zones meet. */
export const addCrossovers = (
  builder: BatchBuilder,
  elites: readonly Sequence[],
  count: number,
  seed: number,
  tick: number,
  use: number,
): void => {
  if (elites.length < 2 || builder.nz < 2) return;
  const random = new UniformSource(seed, streamOf(tick, 2 * use + 1));
  const { nz } = builder;
  for (let k = 0; k < count; k++) {
    const donors = Array.from({ length: nz }, () => elites[random.below(elites.length)]!);
    builder.add({
      heatingSetpointC: elites[0]!.heatingSetpointC.map((_, i) => donors[i % nz]!.heatingSetpointC[i]!),
      coolingSetpointC: elites[0]!.coolingSetpointC.map((_, i) => donors[i % nz]!.coolingSetpointC[i]!),
    });
  }
};
