import type { Factorisation } from "#math/gaussianProcess";
import { factoriseRows, type PosteriorProblem } from "#models/posterior";

/** Degrees of freedom of the noise's Student-t distribution. */
export const DEGREES_OF_FREEDOM = 4;
const ROUNDS = 3;
/** Rows with greater weights keep the noise that the hyperparameters gave them. */
const ORDINARY = 0.1;

/**
 * Rows with noise from a Student-t distribution as a scale mixture of normals (after Lange, Little & Taylor 1989): ε_i ~ N(0, σ²/w_i), w_i ~ Γ(ν/2, ν/2).
 * Expectation maximisation: with the posterior mean μ_i and variance v_i of f_i, w_i = (ν + 1) / (ν + ((r_i − μ_i)² + v_i) / σ²); then the posterior
 * with noise σ²/w_i, three rounds. σ² is the row's own, with any extra noise that it came with. A row far off its neighbours thus counts for less the further it is off. Weights above 0.1 (within some seven standard
 * deviations) count as 1: a model that is not quite true has moderate tails of its own, and doubting those rows cost 4 % of the accuracy after 20 steps on
 * clean weeks.
 */
export const withHeavyTails = (
  problem: PosteriorProblem,
  first: Factorisation,
): { readonly problem: PosteriorProblem; readonly factorisation: Factorisation } => {
  const { la, n, noiseVariance } = problem;
  const given = Float64Array.from({ length: n }, (_, i) => noiseVariance + (problem.extraNoiseVariance?.[i] ?? 0));
  let current = { problem, factorisation: first };
  for (let round = 0; round < ROUNDS; round++) {
    const { alpha, choleskyLower } = current.factorisation;
    const noise = Float64Array.from({ length: n }, (_, i) => noiseVariance + (current.problem.extraNoiseVariance?.[i] ?? 0));
    const weightOf = (errorK: number, variance: number, i: number): number =>
      (DEGREES_OF_FREEDOM + 1) / (DEGREES_OF_FREEDOM + (errorK * errorK + variance) / given[i]!);
    // r − μ = N α and the posterior variance v = s − s Q s with s the row's own noise variance (K = Q⁻¹ − N).
    const errorsK = noise.map((own, i) => own * alpha[i]!);
    // v is at most s: where even that leaves every row ordinary, as in most weeks, the inverse is not needed.
    if (errorsK.every((errorK, i) => weightOf(errorK, noise[i]!, i) >= ORDINARY)) return current;
    const inverse = la.inverseFromCholesky(n, choleskyLower);
    let changed = false;
    const extraNoiseVariance = noise.map((own, i) => {
      const weight = weightOf(errorsK[i]!, Math.max(0, own - own * own * inverse[i * n + i]!), i);
      if (weight >= ORDINARY) return given[i]! - noiseVariance;
      changed = true;
      return given[i]! / weight - noiseVariance;
    });
    if (!changed) return current;
    const next = { ...problem, extraNoiseVariance };
    current = { problem: next, factorisation: factoriseRows(next) };
  }
  return current;
};
