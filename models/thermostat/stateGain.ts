import type { PosteriorProblem } from "#models/posterior";
import { linearSystem, linearWeights } from "#models/thermostat/stability";
import type { ThermostatStructure } from "#models/thermostat/structure";

const DAY_S = 86_400;
const LEAST = 0.3;
const MOST = 0.98;

/**
 * How much of a temperature's error is left after one step of free float, as one number γ for a zone with memory: the linear part of the posterior answers a
 * disturbance of 1 K with ψ_0 = 1, ψ_1, … over a day (its masses follow, so that what a wall has taken up comes back), and γ forgets as
 * much, Σ_i γ^i = Σ_i ψ_i. Within [0.3, 0.98]: a free-floating zone forgets, it does not amplify.
 */
export const stateGain = (
  structure: ThermostatStructure,
  { kernel, meanCoefficients, x, n, d }: Pick<PosteriorProblem, "kernel" | "meanCoefficients" | "x" | "n" | "d">,
  alpha: Float64Array,
  stepS: number,
): number => {
  const { rows, disturbance } = linearSystem(structure, linearWeights(kernel, meanCoefficients, x, n, d, alpha), stepS, "none");
  const steps = Math.max(2, Math.round(DAY_S / stepS));
  let state = disturbance;
  let answer = 0;
  for (let i = 0; i < steps; i++) {
    answer += state[0]!;
    const before = state;
    state = rows.map((row) => row.reduce((sum, entry, j) => sum + entry * before[j]!, 0));
  }
  const forgets = (gamma: number): number => (1 - gamma ** steps) / (1 - gamma);
  let [low, high] = [LEAST, MOST];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (forgets(middle) < answer) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
};
