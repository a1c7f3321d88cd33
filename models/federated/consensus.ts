import type { NormalPrior } from "#models/prior";

/** Where consensus ADMM stands. Vectors are over the shared names; a participant that lacks a name has NaN there. */
export interface Consensus {
  /** z */
  readonly z: Float64Array;
  readonly rho: number;
  readonly participants: ReadonlyMap<string, { readonly theta: Float64Array /** u, the scaled dual. */; readonly dual: Float64Array }>;
  /** Root mean squares of θ_s − z and of ρ-free z − z_before. */
  readonly primalResidual: number;
  readonly dualResidual: number;
}

/** ρ doubles or halves where one residual is so many times the other (Boyd et al. 2011, section 3.4.1). */
const IMBALANCE = 5;
const RHO_STEP = 2;

/** Everybody at z, duals 0. @param has which names each participant has. */
export const startConsensus = (z: Float64Array, rho: number, has: ReadonlyMap<string, ArrayLike<boolean>>): Consensus => ({
  z,
  rho,
  participants: new Map(
    [...has].map(([id, isThere]) => [
      id,
      { theta: z.map((value, i) => (isThere[i] ? value : Number.NaN)), dual: z.map((_, i) => (isThere[i] ? 0 : Number.NaN)) },
    ]),
  ),
  primalResidual: Number.POSITIVE_INFINITY,
  dualResidual: Number.POSITIVE_INFINITY,
});

/** z − u_s: what participant s is drawn to in its next step. */
export const centreFor = ({ z, participants }: Consensus, id: string): Float64Array => {
  const { dual } = participants.get(id)!;
  return z.map((value, i) => value - dual[i]!);
};

/**
 * One step of consensus ADMM in scaled form (Boyd, Parikh, Chu, Peleato & Eckstein 2011, section 7.1; for GP hyperparameters Xu, Yin, Xu, Zhang & Cui 2019)
 * for min Σ_s f_s(θ_s) + ½ Σ_i ((z_i − m_i)/σ_i)² with θ_s = z on the names that s has:
 * z_i = (m_i/σ_i² + ρ Σ_s (θ_si + u_si)) / (1/σ_i² + ρ N_i), inside [lower, upper]; u_s ← u_s + θ_s − z.
 * `answers` are the θ_s of those that answered; the others leave, with their duals.
 */
export const consensusStep = (
  before: Consensus,
  answers: ReadonlyMap<string, Float64Array>,
  priors: readonly NormalPrior[],
  lower: ArrayLike<number>,
  upper: ArrayLike<number>,
): Consensus => {
  const { rho } = before;
  const stay = [...answers].map(([id, theta]) => ({ id, theta, dual: before.participants.get(id)!.dual }));
  const z = before.z.map((_, i) => {
    const { location, spread } = priors[i]!;
    let weight = 1 / spread ** 2;
    let sum = location / spread ** 2;
    for (const { theta, dual } of stay) {
      if (Number.isNaN(theta[i]!)) continue;
      weight += rho;
      sum += rho * (theta[i]! + dual[i]!);
    }
    return Math.min(upper[i]!, Math.max(lower[i]!, sum / weight));
  });
  let primal = 0;
  let count = 0;
  const moved = stay.map(({ id, theta, dual }) => {
    const next = dual.map((value, i) => value + theta[i]! - z[i]!);
    for (let i = 0; i < z.length; i++) {
      if (Number.isNaN(theta[i]!)) continue;
      primal += (theta[i]! - z[i]!) ** 2;
      count++;
    }
    return { id, theta, dual: next };
  });
  const primalResidual = Math.sqrt(primal / Math.max(1, count));
  const dualResidual = Math.sqrt(z.reduce((sum, value, i) => sum + (value - before.z[i]!) ** 2, 0) / Math.max(1, z.length));
  const factor = primalResidual > IMBALANCE * dualResidual ? RHO_STEP : dualResidual > IMBALANCE * primalResidual ? 1 / RHO_STEP : 1;
  return {
    z,
    rho: rho * factor,
    // The scaled dual is y/ρ: it changes with ρ.
    participants: new Map(moved.map(({ id, theta, dual }) => [id, { theta, dual: dual.map((value) => value / factor) }])),
    primalResidual,
    dualResidual,
  };
};
