import type { Dataset } from "#domain/dataset";
import { configurationError } from "#domain/errors";
import { type PointName, sitePoint, zonePoint } from "#domain/points";
import { isWorkday } from "#math/features";
import { findingAt, type GateFinding, shownTime, spansWhere } from "#models/trainingGate/report";
import { missingSpans } from "#models/trainingGate/stuck";

const DAY_MS = 86_400_000;
const HOUR_S = 3600;

/** Working days without anybody, in a row, that make a holiday. */
const HOLIDAY_WORKDAYS = 2;

/**
 * Working days on which nobody came although on other working days somebody does: noted, not left out. Nights, weekends and holidays are where the zone
 * floats freely, and occupancy, setpoints and weather of such days are logged like those of any other (docs/decisions/0013).
 */
export const holidays = (dataset: Dataset, zones: readonly string[], toLocalMs: (timeMs: number) => number): readonly GateFinding[] => {
  const columns = zones.map((zone) => dataset.columns.get(zonePoint(zone, "occupancyCount"))).filter((column) => column !== undefined);
  if (columns.length === 0) return [];
  const days = new Map<number, { from: number; to: number; workday: boolean; people: boolean; known: number }>();
  dataset.timesMs.forEach((timeMs, row) => {
    const localMs = toLocalMs(timeMs);
    const day = Math.floor((localMs - 1) / DAY_MS);
    const one = days.get(day) ?? { from: row, to: row, workday: isWorkday(localMs), people: false, known: 0 };
    days.set(day, {
      ...one,
      to: row + 1,
      people: one.people || columns.some((column) => column[row]! > 0),
      known: one.known + Number(columns.some((column) => Number.isFinite(column[row]!))),
    });
  });
  const perDay = 86_400 / dataset.stepS;
  const workdays = [...days.values()].filter(({ workday, known }) => workday && known >= 0.9 * perDay);
  if (!workdays.some(({ people }) => people)) return [];
  return spansWhere(workdays.length, (i) => !workdays[i]!.people)
    .filter(({ from, to }) => to - from >= HOLIDAY_WORKDAYS)
    .map(({ from, to }) =>
      findingAt(
        dataset,
        { from: workdays[from]!.from, to: workdays[to - 1]!.to },
        {
          reason: "holiday",
          action: "noted",
          point: null,
          what: `nobody came on ${to - from} working days in a row`,
          advice: "They teach the zones without people; how people come and go is learned from the other days.",
        },
      ),
    );
};

/** Hours without a zone's temperature or outdoor air, and columns that never change. Only noted: what is missing cannot be left out, and constants harm nothing. */
export const gapsAndConstants = (dataset: Dataset, zones: readonly string[]): readonly GateFinding[] => {
  const findings: GateFinding[] = [];
  const needed = [...zones.map((zone) => zonePoint(zone, "zoneAirTempC")), sitePoint("outdoorAirTempC")];
  for (const point of needed) {
    for (const span of missingSpans(dataset.columns.get(point) ?? new Float64Array(), Math.ceil(HOUR_S / dataset.stepS)))
      findings.push(findingAt(dataset, span, { reason: "gap", action: "noted", point, what: "nothing was recorded" }));
  }
  const all = { from: 0, to: dataset.timesMs.length };
  for (const [point, values] of dataset.columns) {
    if (values.length < 2) continue;
    const first = values.find(Number.isFinite);
    if (first === undefined) findings.push(findingAt(dataset, all, { reason: "gap", action: "noted", point, what: "the column is empty" }));
    else if (values.every((value) => Number.isNaN(value) || value === first))
      findings.push(
        findingAt(dataset, all, {
          reason: "constant",
          action: "noted",
          point,
          what: `it is ${Number(first.toPrecision(6))} throughout`,
          ...(point.endsWith("SetpointC")
            ? { advice: "What the zone does under another setpoint follows from the model's structure alone." }
            : {}),
        }),
      );
  }
  return findings;
};

/** Refuses zones whose temperature never changes, or is nowhere: there is nothing to learn from. Exit code 78. */
export const refuseEmptyTargets = (dataset: Dataset, zones: readonly string[]): void => {
  const rows = dataset.timesMs.length;
  if (rows < 2)
    throw configurationError(`The training data hold ${rows === 1 ? "one row" : "no rows"}; a step needs two.`, {
      todo: "Give more data, 7 days are wanted.",
    });
  for (const zone of zones) {
    const point: PointName = zonePoint(zone, "zoneAirTempC");
    const values = dataset.columns.get(point)?.filter(Number.isFinite) ?? new Float64Array();
    const span = `between ${shownTime(dataset.timesMs[0]!)} and ${shownTime(dataset.timesMs[rows - 1]!)}`;
    if (values.length === 0)
      throw configurationError(`${point} has no value ${span}.`, { todo: "Choose other days, or look at the sensor." });
    if (values.length >= 2 && values.every((value) => value === values[0]))
      throw configurationError(`${point} is ${values[0]} °C in all ${values.length} rows ${span}: there is nothing to learn from.`, {
        todo: "Look at the sensor, or choose days on which the zone was not held on one setpoint all the time.",
      });
  }
};
