import type { Decision } from "#domain/plan";
import { buildingPoint, type Observation, zonePoint } from "#domain/points";

/** How true the plans' next steps were: every decision's prediction of the step it began against what that step brought. */
export interface PlanCalibration {
  /** Predictions of a zone's temperature that were compared. */
  readonly predictions: number;
  /** Root mean square error of the next step's temperature, K. */
  readonly rmse1K: number;
  /** Share of these errors within ±1.645 predicted standard deviations. */
  readonly coverage90: number;
  /** Root mean square error of the next step's HVAC power, kW; absent where no plan predicted power. */
  readonly powerRmse1Kw?: number;
}

/** Half-width of the central 90 % interval of a normal distribution, standard deviations. */
const Z90 = 1.645;
const rootMeanSquare = (errors: readonly number[]): number =>
  Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);

/**
 * Compares the first step of each chosen plan with the row that ended it; a zone counts where the pair that was sent is the one that the plan was
 * predicted for. null where nothing was predicted.
 */
export function planCalibration(decisions: readonly Decision[], rows: readonly Observation[]): PlanCalibration | null {
  const rowAt = new Map(rows.map((row) => [row.timeMs, row.values]));
  const errorsK: number[] = [];
  const powerErrorsKw: number[] = [];
  let within = 0;
  for (const { plan, command } of decisions) {
    const measured = rowAt.get(plan.stepEndMs[0]!);
    if (measured === undefined) continue;
    let asPlanned = true;
    for (const [zone, planned] of Object.entries(plan.chosen.zones)) {
      const sent = command[zone];
      const isSent = sent?.heatingSetpointC === planned.heatingSetpointC[0] && sent?.coolingSetpointC === planned.coolingSetpointC[0];
      asPlanned &&= isSent;
      const errorK = (measured.get(zonePoint(zone, "zoneAirTempC")) ?? Number.NaN) - (planned.meanC[0] ?? Number.NaN);
      if (!isSent || !Number.isFinite(errorK)) continue;
      errorsK.push(errorK);
      if (Math.abs(errorK) <= Z90 * (planned.stdDevK[0] ?? Number.NaN)) within++;
    }
    const powerErrorW = (measured.get(buildingPoint("hvacPowerW")) ?? Number.NaN) - (plan.chosen.powerW[0] ?? Number.NaN);
    if (asPlanned && Number.isFinite(powerErrorW)) powerErrorsKw.push(powerErrorW / 1000);
  }
  if (errorsK.length === 0) return null;
  return {
    predictions: errorsK.length,
    rmse1K: rootMeanSquare(errorsK),
    coverage90: within / errorsK.length,
    ...(powerErrorsKw.length === 0 ? {} : { powerRmse1Kw: rootMeanSquare(powerErrorsKw) }),
  };
}
