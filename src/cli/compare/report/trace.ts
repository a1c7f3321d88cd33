import { readFile } from "node:fs/promises";
import { parse } from "csv-parse/sync";

/** The scored steps of one run, by column; NaN where a value is missing. */
export interface Trace {
  /** Ends of the steps in local standard time, as if it were UTC. */
  readonly timesMs: readonly number[];
  readonly zones: readonly string[];
  readonly column: (name: string) => readonly number[];
}

/** Reads a trace that `simulate --trace` wrote. */
export async function readTrace(file: string): Promise<Trace> {
  const [header, ...rows] = parse(await readFile(file, "utf8"), { bom: true }) as string[][];
  const names = header ?? [];
  const columns = new Map<string, readonly number[]>();
  const timeColumn = names.indexOf("stepEnd");
  const number = (text: string | undefined): number => (text === undefined || text === "" ? Number.NaN : Number(text));
  return {
    timesMs: rows.map((row) => Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(row[timeColumn]!) ? row[timeColumn]! : `${row[timeColumn]}Z`)),
    zones: names.filter((name) => name.endsWith(".zoneAirTempC")).map((name) => name.slice(0, name.lastIndexOf("."))),
    column: (name) => {
      const at = names.indexOf(name);
      // Asked for by every plot of the run.
      let values = columns.get(name);
      if (values === undefined) {
        values = rows.map((row) => (at < 0 ? Number.NaN : number(row[at])));
        columns.set(name, values);
      }
      return values;
    },
  };
}
