import { factorise } from "#math/gaussianProcess";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { factorOf, inverseOf, posteriorOf, times } from "#models/meta/dense";
import { LINEAR } from "#models/meta/taskSummary";
import { MEAN, type NormalPrior, type Prior } from "#models/prior";
import { priorDensity } from "#models/priorDensity";
import { hyperparameterSpace } from "#models/thermostat/hyperparameters";
import type { TrainingRows } from "#models/thermostat/trainingRows";

/** Linear lengthscales so long that the linear part explains nothing. */
const SHUT_OFF = 15;
/** γ of the likelihood of the coefficients, as where the covariance was learned. */
const LIKELIHOOD_POWER = 0.3;

/**
 * The prior of this zone's coefficients once its own rows have spoken through what other buildings say about how coefficients vary together. With b ~ N(m, S)
 * and the rows' information A = γ Φᵀ K⁻¹ Φ, r = γ Φᵀ K⁻¹ y (K without its linear part), the expected coefficients are b̂ = (S⁻¹ + A)⁻¹ (S⁻¹ m + r). The kernel's
 * linear part can only hold independent coefficients: each gets its mean and variance given all others at b̂, P = 1 / diag(S⁻¹), β = b̂ − P S⁻¹ (b̂ − m). With these the posterior mean
 * over independent coefficients is b̂ again: the rows are not counted twice. A prior without covariance comes back as it is.
 */
export const conditionedPrior = (la: LinearAlgebra, prior: Prior, rows: TrainingRows): Prior => {
  if (prior.covariance === undefined) return prior;
  const { structure, n, d, x, y } = rows;
  const keys = [...new Set(structure.columns.map(({ key }) => key))];
  const count = keys.length;
  const { location: m, covariance } = priorDensity(
    prior,
    keys.map((key) => MEAN + key),
    prior.stepS,
  );
  const space = hyperparameterSpace(structure, prior);
  const { kernel, noiseVariance } = space.at(space.start.map((value, p) => (space.names[p]!.startsWith(LINEAR) ? SHUT_OFF : value)));
  const { choleskyLower } = factorise({
    la,
    kernel,
    x,
    n,
    d,
    y,
    noiseVariance: new Float64Array(n).fill(noiseVariance),
    onWarning: () => undefined,
  });
  // Columns of one key (one a neighbour) share their coefficient.
  const phi = new Float64Array(n * count);
  structure.columns.forEach(({ key }, c) => {
    const at = keys.indexOf(key);
    for (let i = 0; i < n; i++) phi[i * count + at]! += x[i * d + c]!;
  });
  la.solveLower(n, count, choleskyLower, phi, false);
  const whitened = y.slice();
  la.solveLower(n, 1, choleskyLower, whitened, false);
  const information = new Float64Array(count * count);
  const right = new Float64Array(count);
  la.gemm(true, false, count, count, n, LIKELIHOOD_POWER, phi, phi, 0, information);
  la.gemm(true, false, count, 1, n, LIKELIHOOD_POWER, phi, whitened, 0, right);
  const factor = factorOf(la, count, covariance);
  const precision = inverseOf(la, factor);
  const pulled = times(count, precision, m).map((value, i) => value + right[i]!);
  const expected = times(count, posteriorOf(la, factor, information).covariance, pulled);
  const away = times(
    count,
    precision,
    expected.map((value, i) => value - m[i]!),
  );
  const meanCoefficients: Record<string, NormalPrior> = { ...prior.meanCoefficients };
  const logHyperparameters: Record<string, NormalPrior> = { ...prior.logHyperparameters };
  keys.forEach((key, i) => {
    const variance = 1 / precision[i * count + i]!;
    const spread = Math.sqrt(variance);
    meanCoefficients[key] = { location: expected[i]! - variance * away[i]!, spread };
    const name = LINEAR + key;
    const before = logHyperparameters[name];
    if (before !== undefined) logHyperparameters[name] = { ...before, location: -Math.log(spread) };
  });
  return { ...prior, meanCoefficients, logHyperparameters };
};
