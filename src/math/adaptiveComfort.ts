import type { TemperatureBand } from "#math/thermalComfort";

/** EN 16798-1: categories by how much people expect. ASHRAE 55: share of them that is to be content, %. */
export type AdaptiveStandard =
  | { readonly standard: "en16798"; readonly category: "I" | "II" | "III" }
  | { readonly standard: "ashrae55"; readonly acceptabilityPct: 80 | 90 };

/** Weight of each day over that of the day after it (EN 16798-1:2019, B.2.2; within ASHRAE 55's 0.6…0.9). */
const ALPHA = 0.8;
/** Days that count: the week before; further ones together weigh a fifth. */
export const RUNNING_MEAN_DAYS = 7;

/**
 * Running mean of the outdoor temperature, °C:
 *   θ_rm = Σ_{i=1…n} α^(i−1) θ_ed−i / Σ α^(i−1),   α = 0.8, n ≤ 7
 * (EN 16798-1:2019, equation B.2; ASHRAE 55-2020, A1, with the same weights.) `dailyMeansC`: θ_ed−1, θ_ed−2, … of the days before, newest first; a day that is not known (NaN) is left
 * out with its weight. NaN where yesterday and the day before are both unknown.
 */
export const runningMeanOutdoorC = (dailyMeansC: readonly number[]): number => {
  const days = dailyMeansC.slice(0, RUNNING_MEAN_DAYS);
  if (!days.slice(0, 2).some(Number.isFinite)) return Number.NaN;
  let [sum, weights] = [0, 0];
  days.forEach((meanC, i) => {
    if (!Number.isFinite(meanC)) return;
    sum += ALPHA ** i * meanC;
    weights += ALPHA ** i;
  });
  return sum / weights;
};

const EN_BELOW_K = { I: 3, II: 4, III: 5 } as const;
const EN_ABOVE_K = { I: 2, II: 3, III: 4 } as const;
const ASHRAE_K = { 80: 3.5, 90: 2.5 } as const;

/**
 * Operative temperatures that people in naturally conditioned rooms accept, °C, from the running mean θ_rm of the outdoor temperature:
 *   EN 16798-1:2019, B.2.2:   θ_c = 0.33 θ_rm + 18.8,   category I −3 … +2 K, II −4 … +3 K, III −5 … +4 K,   for 10 ≤ θ_rm ≤ 30 °C
 *   ASHRAE 55-2020, 5.4.2.2:  θ_c = 0.31 θ_rm + 17.8,   80 % ± 3.5 K, 90 % ± 2.5 K,                          for 10 ≤ θ_rm ≤ 33.5 °C
 * without the allowance for moving air. null outside these ranges and for NaN: the standards say nothing there. (de Dear and Brager 1998; Nicol and Humphreys 2010.)
 */
export const adaptiveBand = (given: AdaptiveStandard, runningMeanC: number): TemperatureBand | null => {
  const highest = given.standard === "en16798" ? 30 : 33.5;
  if (!(runningMeanC >= 10 && runningMeanC <= highest)) return null;
  if (given.standard === "en16798") {
    const comfortC = 0.33 * runningMeanC + 18.8;
    return { lowerC: comfortC - EN_BELOW_K[given.category], upperC: comfortC + EN_ABOVE_K[given.category] };
  }
  const comfortC = 0.31 * runningMeanC + 17.8;
  const widthK = ASHRAE_K[given.acceptabilityPct];
  return { lowerC: comfortC - widthK, upperC: comfortC + widthK };
};
