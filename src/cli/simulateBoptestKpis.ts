import { stepS } from "#cli/simulateOptions";
import type { SimulatedSite } from "#cli/simulatePlant";
import { setback } from "#cli/simulateSite";
import type { Dataset } from "#domain/dataset";
import type { Observation } from "#domain/points";
import { type BoptestKpis, computeBoptestKpis } from "#simulators/boptestKpis";
import type { ComfortBand } from "#simulators/kpis";
import type { Tariff } from "#simulators/tariffs";

/**
 * BOPTEST's key figures of the scored rows; null where the floor area is unknown. Discomfort is counted against the run's comfort band while a zone is
 * occupied and the setback otherwise, on a BOPTEST plant against the test case's own
 * bounds, and its CO₂ against the test case's limits.
 * @param before the row at the start of the scored days.
 */
export function boptestFigures(
  rows: Dataset,
  run: SimulatedSite,
  tariff: Tariff,
  comfortAt: (stepEndMs: number) => ComfortBand,
  decisionMs: readonly number[],
  before: Observation | null,
): BoptestKpis | null {
  if (run.floorAreaM2 === null || run.floorAreaM2 === undefined) return null;
  const band = (_zone: string, stepEndMs: number, occupied: boolean): ComfortBand =>
    occupied ? comfortAt(stepEndMs) : { lowerC: setback.heatingSetpointC, upperC: setback.coolingSetpointC };
  const { co2LimitAt } = run;
  const firstMs = rows.timesMs[0];
  const hasCo2Limits =
    co2LimitAt !== undefined && firstMs !== undefined && run.plant.zones.every((zone) => co2LimitAt(zone, firstMs) !== null);
  return computeBoptestKpis(rows, {
    zones: run.plant.zones,
    floorAreaM2: run.floorAreaM2,
    bounds: run.boundsAt ?? band,
    tariff,
    timeZone: run.timeZone,
    ...(before === null || before.timeMs !== rows.timesMs[0]! - stepS * 1000 ? {} : { before }),
    decisionMs,
    // A step for which the plant gives no limit exceeds none.
    ...(hasCo2Limits ? { co2LimitPpm: (zone: string, stepEndMs: number) => co2LimitAt(zone, stepEndMs) ?? Number.POSITIVE_INFINITY } : {}),
  });
}
