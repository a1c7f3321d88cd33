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
 * occupied and the setback otherwise, on a BOPTEST plant against the test case's own bounds.
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
  return computeBoptestKpis(rows, {
    zones: run.plant.zones,
    floorAreaM2: run.floorAreaM2,
    bounds: run.boundsAt ?? band,
    tariff,
    timeZone: run.timeZone,
    ...(before === null || before.timeMs !== rows.timesMs[0]! - stepS * 1000 ? {} : { before }),
    decisionMs,
  });
}
