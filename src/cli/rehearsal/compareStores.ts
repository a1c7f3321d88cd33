import { openInfluxReader } from "#adapters/influx/influxTelemetryReader";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
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
  /** Values of the point with the fewest per minute of the live time: 1 where every minute's came. */
  readonly leastShare: number;
}

/** Every value of the embedded store beside InfluxDB's, point by point and millisecond by millisecond. */
export const compareStores = async (
  directory: string,
  names: readonly PointName[],
  influx: {
    readonly url: string;
    readonly database: string;
    readonly username: string;
    readonly password: string;
    readonly building: string;
  },
  live: { readonly fromMs: number; readonly toMs: number },
): Promise<StoreComparison> => {
  const store = await openDuckdbStore(directory, { onWarning: () => undefined });
  const reader = await openInfluxReader(influx);
  const sums = { points: 0, embedded: 0, influx: 0, repeated: 0, missingInInflux: 0, onlyInInflux: 0, unequal: 0, leastShare: 1 };
  const everything = [0, 8.64e15] as const;
  for (const name of names) {
    const mine = new Map<number, number>();
    for await (const { timeMs, value } of store.query([name], ...everything)) {
      sums.embedded += 1;
      if (mine.has(timeMs)) sums.repeated += 1;
      mine.set(timeMs, value);
    }
    const liveValues = [...mine.keys()].filter((timeMs) => timeMs >= live.fromMs && timeMs < live.toMs).length;
    sums.leastShare = Math.min(sums.leastShare, liveValues / ((live.toMs - live.fromMs) / 60_000));
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
  await store.close();
  return sums;
};
