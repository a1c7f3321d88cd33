import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { KernelSpec } from "#domain/kernel";
import { slowMeanRate } from "#math/features";
import type { ThermostatStructure } from "#models/thermostat/structure";

/** A zone left alone forgets by a factor of e within four days at the latest. */
const SLOWEST_S = 4 * 86_400;
const GATED_S = 2 * 86_400;

/** The linear leaf of a thermostat kernel: its columns and lengthscales. */
export const linearLeaf = (kernel: KernelSpec): { readonly dims: readonly number[]; readonly lengthscales: readonly number[] } => {
  const leaf = kernel.kind === "sum" ? kernel.parts.find((part) => part.kind === "linear") : undefined;
  if (leaf === undefined || leaf.kind !== "linear") throw new RangeError("A thermostat kernel has a linear part.");
  return { dims: leaf.dims ?? [], lengthscales: leaf.lengthscales };
};

/** Posterior mean of the linear coefficients: w_c = β_c + Σ_i x_ic α_i / ℓ_c², d. */
export const linearWeights = (
  kernel: KernelSpec,
  beta: Float64Array,
  x: Float64Array,
  n: number,
  d: number,
  alpha: Float64Array,
): Float64Array => {
  const weights = beta.slice();
  const { dims, lengthscales } = linearLeaf(kernel);
  dims.forEach((c, at) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += x[i * d + c]! * alpha[i]!;
    weights[c]! += sum / lengthscales[at]! ** 2;
  });
  return weights;
};

const modes = ["none", "heating", "cooling"] as const;
type Mode = (typeof modes)[number];

/**
 * How far the linear part exceeds what is allowed, and where it does most; at most 0 is stable. Free float: exp(−step / 4 days). Under full heating or cooling, which a
 * setpoint ends: exp(step / 2 days), since capacity may well grow with the zone's distance from outdoor air.
 */
export const worstExcess = (
  structure: ThermostatStructure,
  weights: Float64Array,
  stepS: number,
): { readonly mode: Mode; readonly excess: number } => {
  let worst: { mode: Mode; excess: number } = { mode: "none", excess: Number.NEGATIVE_INFINITY };
  for (const mode of modes) {
    const allowed = mode === "none" ? Math.exp(-stepS / SLOWEST_S) : Math.exp(stepS / GATED_S);
    const excess = spectralRadius(structure, weights, stepS, mode) - allowed;
    if (excess > worst.excess) worst = { mode, excess };
  }
  return worst;
};

/** The excess of `worstExcess` alone. */
export const instability = (structure: ThermostatStructure, weights: Float64Array, stepS: number): number =>
  worstExcess(structure, weights, stepS).excess;

const DIFFERENCE = 1e-5;

/** ∂ρ/∂w of a mode's spectral radius, d, by central differences: 0 for what acts on no state. */
export const radiusGradient = (structure: ThermostatStructure, weights: Float64Array, stepS: number, mode: Mode): Float64Array =>
  Float64Array.from(weights, (_, c) => {
    if (!isDynamic(structure, c)) return 0;
    const radius = (sign: number): number =>
      spectralRadius(
        structure,
        weights.map((value, i) => (i === c ? value + sign * DIFFERENCE : value)),
        stepS,
        mode,
      );
    return (radius(1) - radius(-1)) / (2 * DIFFERENCE);
  });

const isDynamic = (structure: ThermostatStructure, c: number): boolean => {
  const { term } = structure.columns[c]!.feature;
  const plain = term.kind === "gated" ? term.term : term;
  return plain.kind === "difference" || plain.kind === "offset" || plain.kind === "slowMean";
};

/**
 * Largest modulus of the eigenvalues of the linear part as a dynamic system in (T_i, T_{i−1}, M¹_i, M²_i, …): with a the trend's, m_j the masses'
 * and o the offsets' coefficients per kelvin, T' = T + a (T − T_{i−1}) + Σ_j m_j (M^j − T) − o T, M^j' = M^j + r_j (T' − M^j), with the
 * gate's coefficients added where a mode is named. Below 1 it forgets; the Matérn part is bounded, so then nothing can run away.
 */
export const spectralRadius = (...system: Parameters<typeof linearSystem>): number => {
  const { realEigenvalues, imaginaryEigenvalues } = new EigenvalueDecomposition(
    new Matrix(linearSystem(...system).rows.map((row) => [...row])),
  );
  return Math.max(...realEigenvalues.map((real, i) => Math.hypot(real, imaginaryEigenvalues[i]!)));
};

/** The system's matrix by rows, for states (T_i, T_{i−1}, M¹_i, …), and what 1 K more in T' adds to each of them. */
export const linearSystem = (
  structure: ThermostatStructure,
  weights: Float64Array,
  stepS: number,
  mode: Mode,
): { readonly rows: readonly (readonly number[])[]; readonly disturbance: readonly number[] } => {
  let trend = 0;
  let offset = 0;
  const masses = new Map<number, number>();
  structure.columns.forEach(({ feature: { term, scale } }, c) => {
    const plain = term.kind === "gated" ? (term.mode === mode ? term.term : null) : term;
    const perKelvin = weights[c]! / scale;
    if (plain?.kind === "difference") trend += perKelvin;
    if (plain?.kind === "offset") offset += perKelvin;
    if (plain?.kind === "slowMean") masses.set(plain.timeConstantS, (masses.get(plain.timeConstantS) ?? 0) + perKelvin);
  });
  const constants = [...masses.keys()];
  const pulls = [...masses.values()];
  const next = [1 + trend - offset - pulls.reduce((a, b) => a + b, 0), -trend, ...pulls];
  const rows = [next, [1, ...next.slice(1).map(() => 0)]];
  const rates = constants.map((timeConstantS) => slowMeanRate(stepS, timeConstantS));
  rates.forEach((rate, j) => {
    rows.push(next.map((value, c) => rate * value + (c === 2 + j ? 1 - rate : 0)));
  });
  return { rows, disturbance: [1, 0, ...rates] };
};

/** The same kernel with the prior spread of every coefficient that acts on a state (trend, masses, offsets) divided by `factor`. */
export const tightenDynamics = (structure: ThermostatStructure, kernel: KernelSpec, factor: number): KernelSpec => {
  if (kernel.kind !== "sum") throw new RangeError("A thermostat kernel is a sum.");
  return {
    ...kernel,
    parts: kernel.parts.map((part) =>
      part.kind !== "linear"
        ? part
        : {
            ...part,
            lengthscales: part.lengthscales.map((lengthscale, at) =>
              isDynamic(structure, part.dims![at]!) ? lengthscale * factor : lengthscale,
            ),
          },
    ),
  };
};
