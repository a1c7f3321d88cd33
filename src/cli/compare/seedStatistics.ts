import { mean, normalQuantile, standardDeviation } from "#math/statistics";

/** 97.5 % quantiles of Student's t for 1 to 10 degrees of freedom (Abramowitz & Stegun, table 26.10). */
const smallQuantiles = [12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139];

/**
 * t with P(|T| ≤ t) = 0.95 for ν degrees of freedom: exact to six digits up to 10, beyond by Cornish–Fisher
 * t ≈ z + (z³ + z)/4ν + (5z⁵ + 16z³ + 3z)/96ν² + (3z⁷ + 19z⁵ + 17z³ − 15z)/384ν³
 * + (79z⁹ + 776z⁷ + 1482z⁵ − 1920z³ − 945z)/92160ν⁴ (Abramowitz & Stegun 26.7.5). NaN below 1.
 */
export function studentT95(degrees: number): number {
  if (!(degrees >= 1)) return Number.NaN;
  if (degrees <= smallQuantiles.length) return smallQuantiles[Math.floor(degrees) - 1]!;
  const z = normalQuantile(0.975);
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3) +
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / (92_160 * degrees ** 4)
  );
}

export interface SeedStatistics {
  readonly mean: number;
  readonly min: number;
  /** The highest value: of everything compared here, less is better. */
  readonly worst: number;
  /** Half the width of the 95 % confidence interval of the mean, t · s/√n; null for a single seed. */
  readonly halfWidth95: number | null;
}

/** What several seeds of one run say together; NaN for none. */
export function seedStatistics(values: readonly number[]): SeedStatistics {
  const n = values.length;
  return {
    mean: mean(values),
    min: Math.min(...values),
    worst: Math.max(...values),
    halfWidth95: n < 2 ? null : (studentT95(n - 1) * standardDeviation(values, 1)) / Math.sqrt(n),
  };
}
