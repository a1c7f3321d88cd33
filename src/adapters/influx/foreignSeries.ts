import { type InfluxClient, InfluxFailure, type InfluxOptions, openInfluxClient, untrustedTodo } from "#adapters/influx/influxClient";
import { unavailableError } from "#domain/errors";

/** One field of one series that somebody else writes into InfluxDB. */
export interface ForeignSeries {
  /** Retention policy; absent: the database's default. */
  readonly policy?: string;
  readonly measurement: string;
  readonly field: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Means over so long, stamped with the middle of their time; absent: every value. */
  readonly everyMs?: number;
}

export interface ForeignRow {
  readonly timeMs: number;
  readonly value: unknown;
}

/** InfluxDB as history is taken from it. Reads reject with an `IsothermError`. */
export interface ForeignReader {
  /** Time of the first value at or after `fromMs` and before `toMs`; null: there is none. */
  firstMs(series: ForeignSeries, fromMs: number, toMs: number): Promise<number | null>;
  /** `fromMs` inclusive, `toMs` exclusive, in the order of time. */
  rows(series: ForeignSeries, fromMs: number, toMs: number): Promise<readonly ForeignRow[]>;
  close(): void;
}

const todos: Readonly<Partial<Record<InfluxFailure["kind"], string>>> = {
  unreachable: "Start it, or check its address; the import goes on where it was.",
  untrusted: untrustedTodo,
  unauthorised: "Check user and password; the user needs the right to read that database.",
  "no-database": "Check the name of the database.",
  rejected: "Check measurement, field and tags in the mapping file.",
};

/** A name in InfluxQL: nothing in it can end it. */
const quoted = (name: string): string => `"${name.replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`;

export const openForeignReader = async (options: InfluxOptions): Promise<ForeignReader> => {
  const client: InfluxClient = await openInfluxClient(options);
  const ask = async <T>(text: string, values: Readonly<Record<string, string>>): Promise<readonly T[]> => {
    try {
      return await client.query<T>(text, values);
    } catch (error) {
      const kind = error instanceof InfluxFailure ? error.kind : "unreachable";
      const message = error instanceof Error ? error.message : String(error);
      throw unavailableError(`InfluxDB at ${options.url} does not give its history: ${message}`, { todo: todos[kind] ?? "Try again." });
    }
  };
  const select = (columns: string, { policy, measurement, tags }: ForeignSeries, fromMs: number, toMs: number, rest = ""): string => {
    const from = policy === undefined ? quoted(measurement) : `${quoted(policy)}.${quoted(measurement)}`;
    const where = Object.keys(tags).map((tag, index) => `${quoted(tag)} = $tag${index}`);
    return `SELECT ${columns} FROM ${from} WHERE ${[...where, `time >= ${Math.ceil(fromMs)}ms`, `time < ${Math.ceil(toMs)}ms`].join(" AND ")} ${rest}`;
  };
  const values = ({ tags }: ForeignSeries): Record<string, string> =>
    Object.fromEntries(Object.values(tags).map((value, index) => [`tag${index}`, value]));
  return {
    firstMs: async (series, fromMs, toMs) => {
      const rows = await ask<{ time: { getTime(): number } }>(
        select(`first(${quoted(series.field)}) AS value`, series, fromMs, toMs),
        values(series),
      );
      return rows[0]?.time.getTime() ?? null;
    },
    rows: async (series, fromMs, toMs) => {
      const { everyMs } = series;
      const read = async (text: string, shiftMs: number): Promise<readonly ForeignRow[]> =>
        (await ask<{ time: { getTime(): number }; value: unknown }>(text, values(series))).map(({ time, value }) => ({
          timeMs: time.getTime() + shiftMs,
          value,
        }));
      const all = select(`${quoted(series.field)} AS value`, series, fromMs, toMs);
      if (everyMs === undefined) return read(all, 0);
      const means = select(`mean(${quoted(series.field)}) AS value`, series, fromMs, toMs, `GROUP BY time(${everyMs}ms) fill(none)`);
      try {
        return await read(means, everyMs / 2);
      } catch (error) {
        // Text and true/false have no mean: they are rare, and come as they are.
        if (error instanceof Error && /unsupported mean iterator/i.test(error.message)) return read(all, 0);
        throw error;
      }
    },
    close: () => client.close(),
  };
};
