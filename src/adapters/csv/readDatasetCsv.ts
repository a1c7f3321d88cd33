import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, gunzipSync } from "node:zlib";
import { CsvError, parse } from "csv-parse";
import { parseNumberCell, parseTimeCell } from "#adapters/csv/cells";
import { type ColumnOptions, useColumns } from "#adapters/csv/columns";
import { type CsvDataset, onEvenGrid } from "#adapters/csv/grid";
import { configurationError, IsothermError, unavailableError } from "#domain/errors";
import type { PointName } from "#domain/points";

export type { CsvDataset };

export interface ReadCsvOptions extends ColumnOptions {
  /** Longest gap that is filled with missing rows, seconds; default one day. */
  readonly maxGapS?: number;
}

interface ReadColumn {
  readonly at: number;
  readonly name: string;
  readonly point: PointName;
  readonly factor: number;
  readonly values: number[];
}

const MAX_RECORD_CHARS = 1_000_000;

/**
 * Reads a `.csv` or `.csv.gz` with a header, a time column (`time` or `stepEnd`) and canonical columns: bare zone quantities become
 * `<zone>.<quantity>`, bare weather `site.<quantity>`, `hvacPowerW` and `hvacPowerKw` `building.hvacPowerW`; dotted names keep their quantity and get a
 * lower-case entity. A row describes the step that ended at its time; times without an offset are local standard time, read as UTC.
 * Gaps up to `maxGapS` become NaN rows, repeated identical rows go, both with a warning. Anything else wrong gets one IsothermError with file and line (exit code 78).
 */
export async function readDatasetCsv(file: string, options: ReadCsvOptions = {}): Promise<CsvDataset> {
  const gzipped = await looksGzipped(file);
  const timesMs: number[] = [];
  const lines: number[] = [];
  let header: readonly string[] = [];
  let timeAt = -1;
  let read: readonly ReadColumn[] = [];
  let ignoredAt: readonly number[] = [];
  const readHeader = (record: readonly string[]) => {
    if (record.some((name) => /[\p{Cc}\ufffd]/u.test(name))) throw binary(file);
    header = record.map((name) => name.trim());
    const uses = useColumns(record, options, file);
    timeAt = uses.findIndex((use) => use.kind === "time");
    read = uses.flatMap((use, at) =>
      use.kind === "point" ? [{ at, name: header[at]!, point: use.point, factor: use.factor, values: [] }] : [],
    );
    ignoredAt = uses.flatMap((use, at) => (use.kind === "ignored" ? [at] : []));
  };
  const readRow = (record: readonly string[], line: number) => {
    if (record.length !== header.length)
      throw configurationError(`This row has ${record.length} cells, the header has ${header.length}.`, {
        place: { file, line },
        todo: "Correct or remove the row; decimals need a point.",
      });
    lines.push(line);
    timesMs.push(parseTimeCell(record[timeAt]!, file, line));
    for (const { at, name, factor, values } of read) {
      const value = parseNumberCell(record[at]!, name, file, line);
      values.push(factor === 1 ? value : value * factor);
    }
  };
  // Lines are counted here, and rows of a wrong length let through to here: csv-parse copies its state for every record when asked for them.
  const parser = parse({
    bom: true,
    delimiter: await delimiterOf(file, gzipped),
    skip_empty_lines: false,
    relax_column_count: true,
    max_record_size: MAX_RECORD_CHARS,
  });
  const readRecords = async (records: AsyncIterable<string[]>) => {
    let line = 0;
    for await (const record of records) {
      line++;
      if (record.length === 1 && record[0] === "") continue;
      if (header.length === 0) readHeader(record);
      else readRow(record, line);
      // Line breaks inside quoted cells.
      for (const at of ignoredAt) if (record[at]!.includes("\n")) line += record[at]!.split("\n").length - 1;
    }
  };
  // Of several errors (ours closes the streams, which complain) the first is the cause.
  let failure: unknown;
  const guarded = (records: AsyncIterable<string[]>) =>
    readRecords(records).catch((error: unknown) => {
      failure ??= error;
      throw error;
    });
  try {
    if (gzipped) await pipeline(createReadStream(file), createGunzip(), parser, guarded);
    else await pipeline(createReadStream(file), parser, guarded);
  } catch (error) {
    throw readError(failure instanceof IsothermError ? failure : error, file);
  }
  if (header.length === 0) throw configurationError("The file is empty.", { place: { file }, todo: "It needs a header line and rows." });
  const ignored = ignoredAt.map((at) => header[at]);
  const warnings: string[] = [];
  if (ignored.length > 0) warnings.push(`${file}: columns that isotherm does not know are left out: ${ignored.join(", ")}.`);
  for (const { name, values } of read) {
    const missing = values.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0);
    if (missing > 0) warnings.push(`${file}: column ${name} has ${missing} empty cell(s) of ${values.length}.`);
  }
  return onEvenGrid({ file, timesMs, lines, points: read, maxGapS: options.maxGapS ?? 86_400, warnings });
}

async function firstBytes(file: string, count: number): Promise<Buffer> {
  try {
    const handle = await open(file, "r");
    try {
      const buffer = Buffer.alloc(count);
      const { bytesRead } = await handle.read(buffer, 0, count, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw readError(error, file);
  }
}

/** By content, not by name: a renamed file is read as what it is. Refuses bytes that no text holds. */
async function looksGzipped(file: string): Promise<boolean> {
  const start = await firstBytes(file, 4096);
  if (start[0] === 0x1f && start[1] === 0x8b) return true;
  if (start.some((byte) => byte < 9 || (byte > 13 && byte < 32))) throw binary(file);
  return false;
}

/** The separator that the header line holds most of. */
async function delimiterOf(file: string, gzipped: boolean): Promise<string> {
  let start = await firstBytes(file, gzipped ? 4096 : 65_536);
  try {
    if (gzipped) start = gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw readError(error, file);
  }
  const head = start.toString("utf8").split(/\r?\n/, 1)[0]!;
  const count = (delimiter: string) => head.split(delimiter).length;
  return [",", ";", "\t"].reduce((best, next) => (count(next) > count(best) ? next : best));
}

const binary = (file: string) =>
  configurationError("This is not a CSV file but binary data.", {
    place: { file },
    todo: "Give a text file with comma-separated values, .csv or .csv.gz.",
  });

/** Errors of csv-parse, zlib and the file system in words. */
function readError(error: unknown, file: string): IsothermError {
  if (error instanceof IsothermError) return error;
  const { code, message, lines } = error as { code?: string; message?: string; lines?: number };
  const place = lines === undefined ? { file } : { file, line: lines };
  if (code === "ENOENT") return configurationError("There is no such file.", { place, todo: "Check the name." });
  if (code === "EISDIR") return configurationError("This is a folder, not a file.", { place, todo: "Name the file." });
  if (code === "EACCES" || code === "EPERM")
    return configurationError("The file may not be read.", { place, todo: "Give the user that runs isotherm the right to read it." });
  if (code?.startsWith("Z_"))
    return configurationError(`The compressed file is damaged: ${message}.`, { place, todo: "Compress or copy it again." });
  if (code === "CSV_MAX_RECORD_SIZE") return binary(file);
  if (error instanceof CsvError)
    return configurationError(`This is not valid CSV: ${message!.slice(0, 200)}`, { place, todo: "Check the quotes of this row." });
  return unavailableError(`The file could not be read: ${message}`, { place, todo: "Check the disk.", cause: error });
}
