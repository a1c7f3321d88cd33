import { buildingPoint, sitePoint, zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import type { EffortLaw } from "#math/effort";
import type { LinearAlgebra } from "#math/linearAlgebra";
import type { LeftOutDay } from "#models/calibration/leftOutDays";
import { openLoop } from "#models/evaluation/openLoop";
import { trainingRows } from "#models/thermostat/trainingRows";

/** Air that moves faster than this, K in a quarter of an hour, in one step of a hundred is heated or cooled itself: nothing slow is looked for. */
const QUICK_K = 0.3;
const FEWEST_ROWS = 96;
/** Steps in which the thermostat must have called for something, and in which it must not have: from fewer its heat cannot be told. */
const FEWEST_CALLS = 24;
const CALLING = 0.05;

const GAINS = [0.3, 0.6, 1.2, 2.4];
const INTEGRALS_S = [null, 4000, 8000, 16_000, 32_000];
const OFFSETS_K = [0, 0.25, 0.5, 0.75];
/** Refinement: by so much, then by half of it, a few times. */
const FACTOR = 1.4;
const OFFSET_STEP_K = 0.12;
const REFINEMENTS = 4;
/** Of the squares of an input, so that inputs that are alike share what they explain. */
const RIDGE = 1e-4;

/** Residual sum of squares of y on x (n×d), over n; each coefficient held back by a ridge of its own column. NaN where the columns cannot be told apart. */
const residualVariance = (la: LinearAlgebra, x: Float64Array, n: number, d: number, y: Float64Array): number => {
  const a = new Float64Array(d * d);
  la.gemm(true, false, d, d, n, 1, x, x, 0, a);
  for (let c = 0; c < d; c++) a[c * d + c]! += RIDGE * a[c * d + c]! + 1e-9 * n;
  const w = new Float64Array(d);
  la.gemm(true, false, d, 1, n, 1, x, y, 0, w);
  if (la.cholesky(d, a) !== 0) return Number.NaN;
  la.solveLower(d, 1, a, w, false);
  la.solveLower(d, 1, a, w, true);
  const left = y.slice();
  la.gemm(false, false, n, 1, d, -1, x, w, 1, left);
  return left.reduce((sum, value) => sum + value * value, 0) / n;
};

/** How badly a thermostat's calls explain the rows: ½ log of what a linear model leaves of the increments and, where it is metered, of the power; the lower the better. */
const scoreOf = (la: LinearAlgebra, data: DatasetRows, law: EffortLaw, neighbours: readonly string[]): number => {
  const { x, n, d, y, rows } = trainingRows(data, law.zone, neighbours, undefined, law);
  if (n < FEWEST_ROWS) return Number.POSITIVE_INFINITY;
  const { calls } = data.effort(law, null);
  const calling = rows.reduce((count, row) => count + Number(calls[row]! > CALLING), 0);
  if (calling < FEWEST_CALLS || n - calling < FEWEST_CALLS) return Number.POSITIVE_INFINITY;
  const own = 0.5 * Math.log(residualVariance(la, x, n, d, y));
  const power = data.dataset.columns.get(buildingPoint("hvacPowerW"));
  const outdoor = data.column(sitePoint("outdoorAirTempC"));
  const metered = power === undefined ? [] : rows.filter((row) => Number.isFinite(power[row + 1]!));
  if (power === undefined || metered.length < FEWEST_ROWS) return own;
  const inputs = Float64Array.from(metered.flatMap((row) => [calls[row]!, (calls[row]! * outdoor[row + 1]!) / 10, 1]));
  const watts = Float64Array.from(metered, (row) => power[row + 1]!);
  return own + 0.5 * Math.log(residualVariance(la, inputs, metered.length, 3, watts));
};

/** The same law, each of its numbers moved up and down. */
const around = (law: EffortLaw, share: number): EffortLaw[] => {
  const factor = FACTOR ** share;
  const { gainPerK, integralTimeS, offsetK } = law;
  return [
    { ...law, gainPerK: gainPerK * factor },
    { ...law, gainPerK: gainPerK / factor },
    { ...law, offsetK: offsetK + OFFSET_STEP_K * share },
    { ...law, offsetK: offsetK - OFFSET_STEP_K * share },
    ...(integralTimeS === null ? [] : [integralTimeS * factor, integralTimeS / factor].map((one) => ({ ...law, integralTimeS: one }))),
  ];
};

const quickest = (data: DatasetRows, zone: string): number => {
  const temperature = data.column(zonePoint(zone, "zoneAirTempC"));
  const moves = Array.from(temperature.subarray(1), (value, i) => Math.abs(value - temperature[i]!)).filter(Number.isFinite);
  moves.sort((a, b) => a - b);
  return ((moves[Math.floor(0.99 * (moves.length - 1))] ?? Number.POSITIVE_INFINITY) * 900) / data.dataset.stepS;
};

/**
 * The thermostat that the rows speak of if heat reaches the zone late: of a grid of gains, integral times and offsets, refined by coordinates, the one whose calls explain
 * the zone's increments and the building's power best in a linear model. null where the zone moves as quickly as air that is heated itself, or hardly calls for heat.
 */
export const likeliestEmitter = (la: LinearAlgebra, data: DatasetRows, zone: string, neighbours: readonly string[]): EffortLaw | null => {
  if (!(quickest(data, zone) < QUICK_K)) return null;
  let best: { law: EffortLaw; score: number } | null = null;
  const offer = (law: EffortLaw): boolean => {
    const score = scoreOf(la, data, law, neighbours);
    if (!Number.isFinite(score) || (best !== null && score >= best.score)) return false;
    best = { law, score };
    return true;
  };
  for (const gainPerK of GAINS)
    for (const integralTimeS of INTEGRALS_S) for (const offsetK of OFFSETS_K) offer({ zone, gainPerK, integralTimeS, offsetK });
  for (let round = 0, share = 1; round < REFINEMENTS; round++, share /= 2) {
    let tries = 6;
    while (
      best !== null &&
      tries-- > 0 &&
      around((best as { law: EffortLaw }).law, share)
        .map(offer)
        .includes(true)
    );
  }
  return (best as { law: EffortLaw } | null)?.law ?? null;
};

/** A day's planning looks so far. */
const LEADS = [20, 96];
/** The other way to see a zone is taken where it errs at most so much of what the usual one does, at every lead. */
const MARGIN = 0.75;

/** Root mean square errors after 20 and 96 steps over days left out, K; null where no trajectory is so long. */
const openLoopErrors = (days: readonly LeftOutDay[], data: DatasetRows): readonly number[] | null => {
  const squares = LEADS.map(() => ({ sum: 0, count: 0 }));
  for (const { starts, zone, predictor } of days) {
    const temperature = data.column(zonePoint(zone.zone, "zoneAirTempC"));
    const { meanC } = openLoop(predictor, zone, data, starts, LEADS[LEADS.length - 1]!);
    LEADS.forEach((steps, i) => {
      starts.forEach((row, k) => {
        const error = temperature[row + steps]! - meanC[steps - 1]![k]!;
        if (!Number.isFinite(error)) return;
        squares[i]!.sum += error * error;
        squares[i]!.count++;
      });
    });
  }
  return squares.some(({ count }) => count === 0) ? null : squares.map(({ sum, count }) => Math.sqrt(sum / count));
};

/** Whether days left out bear out that heat comes late: errors after 20 and after 96 steps are at most three quarters of those of a thermostat that holds its setpoint. */
export const isSlow = (usual: readonly LeftOutDay[], slow: readonly LeftOutDay[], data: DatasetRows): boolean => {
  const [before, after] = [openLoopErrors(usual, data), openLoopErrors(slow, data)];
  if (before === null || after === null) return false;
  return after.every((error, i) => error <= MARGIN * before[i]!);
};
