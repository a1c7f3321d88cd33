import { IsothermError } from "#domain/errors";

/** One reported quantity: every report in order of time. */
export interface ReportedSeries {
  /** Upper-case key as EnergyPlus writes it, e.g. a zone; empty for meters. */
  readonly key: string;
  /** e.g. "Zone Air Temperature", "Electricity:HVAC". */
  readonly name: string;
  readonly unit: string;
  /** "TimeStep", "Hourly", "Daily", "Monthly", "RunPeriod", "Annual", "Each Call". */
  readonly frequency: string;
  readonly values: Float64Array;
}

const endOfDictionary = "End of Data Dictionary";
const endOfData = "End of Data";
/** Dictionary numbers 1–6 are marks of environment and time, not values. */
const lastMark = 6;

/**
 * Reads an `eplusout.eso` (EnergyPlus Output Details and Examples, "eplusout.eso"): the series of every environment that is no design day.
 * A file without its closing line was cut off, on a full disk for one, and gets an `IsothermError` (permanent).
 */
export function parseEso(text: string, file: string): ReportedSeries[] {
  const lines = text.split(/\r?\n/);
  const columns = new Map<string, { key: string; name: string; unit: string; frequency: string; values: number[] }>();
  let at = 1;
  for (; at < lines.length && lines[at] !== endOfDictionary; at++) {
    const entry = /^(\d+),\d+,(?:(.*),)?([^,]*?) \[(.*?)\] !(.*?)(?: \[.*)?$/.exec(lines[at]!);
    if (entry === null || Number(entry[1]) <= lastMark) continue;
    columns.set(entry[1]!, { key: entry[2] ?? "", name: entry[3]!, unit: entry[4]!, frequency: entry[5]!.trim(), values: [] });
  }
  let isDesignDay = false;
  let isComplete = false;
  for (at++; at < lines.length; at++) {
    const line = lines[at]!;
    if (line === endOfData) {
      isComplete = true;
      break;
    }
    const comma = line.indexOf(",");
    const number = line.slice(0, comma);
    if (number === "1") isDesignDay = false;
    // Design days and run periods share marks; the day type of a time mark tells them apart.
    else if (number === "2") isDesignDay = /DesignDay/.test(line);
    else if (!isDesignDay) {
      const column = columns.get(number);
      if (column !== undefined) column.values.push(Number.parseFloat(line.slice(comma + 1)));
    }
  }
  if (!isComplete)
    throw new IsothermError("permanent", "EnergyPlus's results are cut off", {
      place: { file },
      todo: "Is the disk full? Make room and run it again.",
    });
  return [...columns.values()].map((column) => ({ ...column, values: Float64Array.from(column.values) }));
}
