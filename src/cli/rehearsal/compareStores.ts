import { openInfluxClient } from "#adapters/influx/influxClient";
import { openInfluxReader } from "#adapters/influx/influxTelemetryReader";
import { alarmLines, decisionLines, type InfluxLine } from "#adapters/influx/wireNames";
import { type BackedUpStore, openDuckdbStore } from "#adapters/store/duckdbStore";
import type { PointName } from "#domain/points";

export interface StoreComparison {
  readonly points: number;
  readonly embedded: number;
  readonly influx: number;
  /** Rows of the embedded store that share point and time with another. */
  readonly repeated: number;
  readonly missingInInflux: number;
  readonly onlyInInflux: number;
  readonly unequal: number;
  /** Values of the measured point with the fewest per minute of the live time: 1 where every minute's came. */
  readonly leastShare: number;
  /** Lines of decisions (one a zone) and of alarms (raised, cleared). */
  readonly records: RecordComparison;
}

export interface RecordComparison {
  readonly decisions: number;
  readonly alarms: number;
  readonly missingInInflux: number;
  /** Of decisions. */
  readonly onlyInInflux: number;
  readonly unequal: number;
}

export interface InfluxAccess {
  readonly url: string;
  readonly database: string;
  readonly username: string;
  readonly password: string;
  readonly building: string;
}

const PAGE_ROWS = 50_000;
const EVERYTHING = [0, 8.64e15] as const;

/** Names of all points that the store holds, the daemon's own figures among them. */
const pointsOf = async (store: BackedUpStore): Promise<ReadonlySet<PointName>> => {
  const names = new Set<PointName>();
  let seq = 0;
  for (;;) {
    const rows = await store.readAfter(seq, PAGE_ROWS);
    for (const { point } of rows) names.add(point.point);
    if (rows.length < PAGE_ROWS) return names;
    seq = rows.at(-1)!.seq;
  }
};

/** Every value of the embedded store beside InfluxDB's, point by point and millisecond by millisecond, and every decision and alarm. `measured`: points that devices report every minute. */
export const compareStores = async (
  directory: string,
  measured: readonly PointName[],
  influx: InfluxAccess,
  live: { readonly fromMs: number; readonly toMs: number },
): Promise<StoreComparison> => {
  const store = await openDuckdbStore(directory, { onWarning: () => undefined });
  const reader = await openInfluxReader(influx);
  const sums = { points: 0, embedded: 0, influx: 0, repeated: 0, missingInInflux: 0, onlyInInflux: 0, unequal: 0, leastShare: 1 };
  for (const name of new Set([...measured, ...(await pointsOf(store))])) {
    const mine = new Map<number, number>();
    for await (const { timeMs, value } of store.query([name], ...EVERYTHING)) {
      sums.embedded += 1;
      if (mine.has(timeMs)) sums.repeated += 1;
      mine.set(timeMs, value);
    }
    if (measured.includes(name)) {
      const liveValues = [...mine.keys()].filter((timeMs) => timeMs >= live.fromMs && timeMs < live.toMs).length;
      sums.leastShare = Math.min(sums.leastShare, liveValues / ((live.toMs - live.fromMs) / 60_000));
    }
    if (mine.size === 0) continue;
    sums.points += 1;
    const times = [...mine.keys()];
    for await (const { timeMs, value } of reader.query([name], times[0]!, times.at(-1)! + 1)) {
      sums.influx += 1;
      const own = mine.get(timeMs);
      if (own === undefined) sums.onlyInInflux += 1;
      else if (own !== value) sums.unequal += 1;
      mine.delete(timeMs);
    }
    sums.missingInInflux += mine.size;
  }
  await reader.close();
  const records = await compareRecords(store, influx);
  await store.close();
  return { ...sums, records };
};

type InfluxRow = Readonly<Record<string, unknown>> & { readonly time: unknown };

const compareRecords = async (store: BackedUpStore, influx: InfluxAccess): Promise<RecordComparison> => {
  const decisions: InfluxLine[] = [];
  for await (const decision of store.decisions(...EVERYTHING)) decisions.push(...decisionLines(influx.building, decision));
  const alarms = (await store.alarms(0)).flatMap((alarm) => alarmLines(influx.building, alarm));
  const client = await openInfluxClient(influx);
  const sums = { missingInInflux: 0, onlyInInflux: 0, unequal: 0 };
  try {
    for (const lines of [decisions, alarms]) {
      const [first] = lines;
      if (first === undefined) continue;
      const tags = Object.keys(first.tags).sort();
      const fields = Object.keys(first.fields);
      const keyOf = (timeMs: number, of: Readonly<Record<string, unknown>>): string =>
        JSON.stringify([timeMs, ...tags.map((tag) => of[tag])]);
      // The later one overwrites: an alarm raised and cleared in one millisecond is one line.
      const mine = new Map(lines.map((line) => [keyOf(Math.floor(line.timeMs), line.tags), line]));
      for (const row of await client.query<InfluxRow>(`SELECT * FROM "${first.measurement}"`)) {
        const key = keyOf(Number(row.time instanceof Date ? row.time.getTime() : row.time), row);
        const own = mine.get(key);
        // InfluxDB keeps every time that an alarm was raised, the embedded store the newest.
        if (own === undefined) sums.onlyInInflux += lines === decisions ? 1 : 0;
        else if (fields.some((field) => (own.fields[field] ?? null) !== (row[field] ?? null))) sums.unequal += 1;
        mine.delete(key);
      }
      sums.missingInInflux += mine.size;
    }
  } finally {
    client.close();
  }
  return { decisions: decisions.length, alarms: alarms.length, ...sums };
};
