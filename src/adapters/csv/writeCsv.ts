import { formatTimeCell } from "#adapters/csv/cells";
import { writeTextFile } from "#adapters/files/textFile";
import type { Dataset } from "#domain/dataset";
import { buildingPoint, type Observation, type PointName, sitePoint, zonePoint } from "#domain/points";

const ROWS_PER_CHUNK = 2000;

/** A header cell; quoted where it must be, and never a formula for the spreadsheet that opens it. */
const headerCell = (name: string): string => {
  const safe = /^[=+\-@\t\r]/.test(name) ? `'${name}` : name;
  return /[",\r\n;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

function* inChunks(header: readonly string[], rows: Iterable<string>): Iterable<string> {
  let chunk = [header.map(headerCell).join(",")];
  for (const row of rows) {
    chunk.push(row);
    if (chunk.length < ROWS_PER_CHUNK) continue;
    yield `${chunk.join("\n")}\n`;
    chunk = [];
  }
  if (chunk.length > 0) yield `${chunk.join("\n")}\n`;
}

/** The shortest text that is read back as the same number, the sign of zero too. */
const exactCell = (value: number): string => (Object.is(value, -0) ? "-0" : Number.isFinite(value) ? String(value) : "");

/**
 * Writes a dataset as CSV (`.gz`: compressed), whole or not at all: `time` and the columns in their order, full precision, an empty cell for NaN.
 * Times are written as they are stored, without an offset; `readDatasetCsv` reads the same dataset back.
 */
export async function writeDatasetCsv(file: string, dataset: Dataset): Promise<void> {
  const columns = [...dataset.columns];
  function* rows(): Iterable<string> {
    for (const [i, timeMs] of dataset.timesMs.entries())
      yield [formatTimeCell(timeMs), ...columns.map(([, values]) => exactCell(values[i]!))].join(",");
  }
  await writeTextFile(file, inChunks(["time", ...columns.map(([point]) => point)], rows()));
}

/**
 * Writes a closed-loop run as CSV, one row per step: `stepEnd`, outdoor temperature, then per zone temperatures, heating setpoints, cooling setpoints and
 * occupant counts, then `hvacPowerKw`; three decimals, an empty cell where a value is missing. Whole or not at all.
 */
export async function writeTraceCsv(file: string, zones: readonly string[], steps: Iterable<Observation>): Promise<void> {
  const zoneColumns = (["zoneAirTempC", "heatingSetpointC", "coolingSetpointC", "occupancyCount"] as const).flatMap((quantity) =>
    zones.map((zone) => zonePoint(zone, quantity)),
  );
  const cell = (value: number | undefined) => (value === undefined || !Number.isFinite(value) ? "" : value.toFixed(3));
  function* rows(): Iterable<string> {
    for (const { timeMs, values } of steps) {
      const powerW = values.get(buildingPoint("hvacPowerW"));
      const cells = [sitePoint("outdoorAirTempC"), ...zoneColumns].map((point: PointName) => cell(values.get(point)));
      yield [formatTimeCell(timeMs), ...cells, cell(powerW === undefined ? undefined : powerW / 1000)].join(",");
    }
  }
  await writeTextFile(file, inChunks(["stepEnd", "outdoorAirTempC", ...zoneColumns, "hvacPowerKw"], rows()));
}
