import type { Dataset } from "#domain/dataset";
import { type PointName, sitePoint, zonePoint } from "#domain/points";
import { holdToleranceK } from "#math/regimes";
import { gapsAndConstants, holidays, refuseEmptyTargets } from "#models/trainingGate/notes";
import { openWindowSpans } from "#models/trainingGate/openWindow";
import { impossibleValues } from "#models/trainingGate/ranges";
import { findingAt, type GatedDataset, type GateFinding, type Span } from "#models/trainingGate/report";
import { spikes } from "#models/trainingGate/spikes";
import { movement, stuckSpans } from "#models/trainingGate/stuck";
import { orderRows } from "#models/trainingGate/times";
import { refuseOtherUnits } from "#models/trainingGate/units";

export interface GateOptions {
  /** Turns times into local wall-clock time, for working days; default: they are local. */
  readonly toLocalMs?: (timeMs: number) => number;
}

const ZONE_SPIKE_K = 1.5;
const OUTDOOR_SPIKE_K = 10;
const ZONE_STUCK_S = 3 * 3600;
/** Weather files carry hourly values in whole degrees: a still night is no fault. */
const OUTDOOR_STUCK_S = 36 * 3600;

/**
 * What may teach a model: the data in order of time with values that cannot be trusted made missing (NaN), and a report of every finding in words. The
 * data given are not changed. Refused, with what to do (IsothermError, exit code 78): fewer than two rows, an hour that is there twice, temperatures that
 * are not in °C, zones without any value or with one value throughout. Rows on which nothing was found keep their values bit for bit.
 */
export const gateTrainingData = (given: Dataset, zones: readonly string[], options: GateOptions = {}): GatedDataset => {
  const toLocalMs = options.toLocalMs ?? ((timeMs: number) => timeMs);
  const ordered = orderRows(given);
  refuseEmptyTargets(ordered.dataset, zones);
  refuseOtherUnits(ordered.dataset, zones);
  const columns = new Map([...ordered.dataset.columns].map(([point, values]) => [point, values.slice()]));
  const dataset: Dataset = { ...ordered.dataset, columns };
  const rows = dataset.timesMs.length;
  const gated = new Uint8Array(rows);
  const findings: GateFinding[] = [...ordered.findings];
  const leaveOut = (point: PointName, { from, to }: Span): void => {
    const values = columns.get(point)!;
    for (let row = from; row < to; row++) {
      if (Number.isNaN(values[row]!)) continue;
      values[row] = Number.NaN;
      gated[row] = 1;
    }
  };
  const suspect = (point: PointName, span: Span, reason: GateFinding["reason"], what: string, advice?: string): void => {
    findings.push(findingAt(dataset, span, { reason, action: "leftOut", point, what, ...(advice === undefined ? {} : { advice }) }));
    leaveOut(point, span);
  };

  for (const { points, span, finding } of impossibleValues(dataset, zones)) {
    findings.push(finding);
    for (const point of points) leaveOut(point, span);
  }
  const outdoor = sitePoint("outdoorAirTempC");
  const outdoorC = columns.get(outdoor);
  const sun = columns.get(sitePoint("directNormalIrradianceWm2")) ?? columns.get(sitePoint("globalHorizontalIrradianceWm2"));
  const rowsOf = (seconds: number): number => Math.ceil(seconds / dataset.stepS);
  if (outdoorC !== undefined) {
    for (const span of spikes(outdoorC, OUTDOOR_SPIKE_K)) suspect(outdoor, span, "spike", jumpText(outdoorC, span));
    const never = { values: outdoorC, mayStand: () => false, somethingMoved: () => true, leastRows: rowsOf(OUTDOOR_STUCK_S) };
    for (const span of stuckSpans(never)) suspect(outdoor, span, "stuck", `it stood still at ${shownC(outdoorC[span.from]!)}`);
  }
  for (const zone of zones) {
    const air = zonePoint(zone, "zoneAirTempC");
    const airC = columns.get(air);
    if (airC === undefined) continue;
    for (const span of spikes(airC, ZONE_SPIKE_K)) suspect(air, span, "spike", jumpText(airC, span));
    const none = new Float64Array(rows).fill(Number.NaN);
    const heatingC = columns.get(zonePoint(zone, "heatingSetpointC")) ?? none;
    const coolingC = columns.get(zonePoint(zone, "coolingSetpointC")) ?? none;
    const toleranceK = holdToleranceK(airC, heatingC, coolingC);
    const near = (row: number, setpoint: Float64Array): boolean => Math.abs(airC[row]! - setpoint[row]!) <= toleranceK;
    const stood = stuckSpans({
      values: airC,
      mayStand: (row) => near(row, heatingC) || near(row, coolingC),
      // Where nothing else is known, standing still to the last digit is enough.
      somethingMoved: (span) =>
        outdoorC === undefined ||
        jumps(airC, span.from) ||
        jumps(airC, span.to) ||
        movement(outdoorC, span) > 0.5 ||
        movement(sun, span) > 50 ||
        movement(heatingC, span) > 0.2 ||
        movement(coolingC, span) > 0.2,
      leastRows: rowsOf(ZONE_STUCK_S),
    });
    for (const span of stood) {
      const moved = movement(outdoorC, span);
      const meanwhile = moved > 0.5 ? ` while outdoor air moved by ${moved.toFixed(1)} K,` : "";
      suspect(
        air,
        span,
        "stuck",
        `the sensor stood still at ${shownC(airC[span.from]!)}${meanwhile}`,
        "Look at the sensor and its connection.",
      );
    }
    if (outdoorC === undefined) continue;
    for (const span of openWindowSpans({ stepS: dataset.stepS, timesMs: dataset.timesMs, airC, heatingC, coolingC, outdoorC })) {
      const before = airC[span.from - 1]!;
      const furthest = furthestFrom(before, airC, span);
      const what = `${before.toFixed(1)} °C went to ${furthest.toFixed(1)} °C, towards outdoor air of ${outdoorC[span.from]!.toFixed(1)} °C, as it never does by itself (an open window or door?)`;
      suspect(air, span, "openWindow", what);
    }
  }
  findings.push(...gapsAndConstants(given === ordered.dataset ? given : ordered.dataset, zones), ...holidays(dataset, zones, toLocalMs));
  return {
    dataset,
    report: { findings, rowsIn: given.timesMs.length, rowsOut: rows, rowsGated: gated.reduce((sum, one) => sum + one, 0) },
  };
};

/** A value that a sensor jumps to and then keeps is as suspect as one that it keeps while the weather changes. */
const jumps = (values: Float64Array, row: number): boolean => Math.abs(values[row]! - values[row - 1]!) > ZONE_SPIKE_K;

const shownC = (value: number): string => `${Number(value.toFixed(2))} °C`;

const jumpText = (values: Float64Array, { from, to }: Span): string =>
  `it jumped from ${shownC(values[from - 1]!)} to ${shownC(values[from]!)} and back to ${shownC(values[to]!)}`;

const furthestFrom = (startC: number, values: Float64Array, { from, to }: Span): number => {
  let furthest = startC;
  for (let row = from; row < to; row++) if (Math.abs(values[row]! - startC) > Math.abs(furthest - startC)) furthest = values[row]!;
  return furthest;
};
