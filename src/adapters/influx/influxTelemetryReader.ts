import { type InfluxClient, InfluxFailure, type InfluxOptions, openInfluxClient, untrustedTodo } from "#adapters/influx/influxClient";
import { influxDecisions } from "#adapters/influx/influxDecisions";
import { addressOf, alarmLevels, safeTag, tagValue } from "#adapters/influx/wireNames";
import { IsothermError, unavailableError } from "#domain/errors";
import type { Decision } from "#domain/plan";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { Alarm, SeriesBucket, StoreChange, StoreReader, TelemetryStore } from "#domain/store";

export interface InfluxReaderOptions extends InfluxOptions {
  /** Tag `building`. */
  readonly building: string;
  /** Points whose new values `onChange` tells of; none by default. */
  readonly watch?: readonly PointName[];
  /** How often they are looked at; default 10 000. */
  readonly pollMs?: number;
  /** Length of a control step, s; default 900. */
  readonly stepS?: number;
}

/** InfluxDB as the dashboard and imports read it. Full plans stay in the embedded store: decisions here are what `influxDecisions` can tell. */
export interface InfluxReader extends StoreReader, Pick<TelemetryStore, "query"> {
  /** Zones that ever had data. */
  zones(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const QUERY_WINDOW_MS = 7 * 86_400_000;
const DECISION_WINDOW_MS = 86_400_000;
const DEFAULT_STEP_S = 900;
/** InfluxDB's times end in 2262; nobody decides after this century. */
const LAST_MS = Date.UTC(2100, 0, 1);

interface Row {
  readonly time: { getTime(): number };
}

/** Opens a reader of what `startInfluxReplicator` wrote. Reads reject with a retryable IsothermError while InfluxDB does not answer. */
export async function openInfluxReader(options: InfluxReaderOptions): Promise<InfluxReader> {
  return new Reader(await openInfluxClient(options), options);
}

class Reader implements InfluxReader {
  readonly #client: InfluxClient;
  readonly #options: InfluxReaderOptions;
  readonly #handlers = new Set<(change: StoreChange) => void>();
  readonly #seenMs = new Map<PointName, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(client: InfluxClient, options: InfluxReaderOptions) {
    this.#client = client;
    this.#options = options;
  }

  async #query<T>(influxQl: string, values: Readonly<Record<string, string>>): Promise<readonly T[]> {
    try {
      return await this.#client.query<T>(influxQl, values);
    } catch (error) {
      throw unavailableError(
        `InfluxDB at ${this.#options.url} does not give data: ${error instanceof Error ? error.message : String(error)}`,
        {
          todo:
            error instanceof InfluxFailure && error.kind === "untrusted"
              ? untrustedTodo
              : "Check that it runs, and the database, user and password.",
        },
      );
    }
  }

  /** `SELECT <columns of the field> FROM <series of the point> WHERE …`; only names of ours stand in the text, values are bound. */
  async #select<T extends Row>(point: PointName, columns: (field: string) => string, time: string, rest = ""): Promise<readonly T[]> {
    const { measurement, tags, field } = addressOf(this.#options.building, point);
    const where = Object.keys(tags).map((key) => `"${key}" = $${key}`);
    return this.#query<T>(
      `SELECT ${columns(`"${field}"`)} FROM "${measurement}" WHERE ${[...where, ...(time === "" ? [] : [time])].join(" AND ")} ${rest}`,
      tags,
    );
  }

  async latest(points: readonly PointName[], atMs?: number): Promise<ReadonlyMap<PointName, TelemetryPoint>> {
    const until = atMs === undefined ? "" : `time <= ${Math.floor(atMs)}ms`;
    const rows = await Promise.all(
      points.map((point) => this.#select<Row & { value: number }>(point, (field) => `last(${field}) AS value`, until)),
    );
    return new Map(
      points.flatMap((point, i) => rows[i]!.map(({ time, value }) => [point, { timeMs: time.getTime(), point, value }] as const)),
    );
  }

  async series(
    points: readonly PointName[],
    fromMs: number,
    toMs: number,
    maxBuckets: number,
  ): Promise<ReadonlyMap<PointName, readonly SeriesBucket[]>> {
    if (!(Number.isFinite(fromMs) && Number.isFinite(toMs)) || !Number.isInteger(maxBuckets) || maxBuckets < 1)
      throw new IsothermError("permanent", "A series needs finite times and at least one bucket.", { todo: "Ask for a finite range." });
    const from = Math.floor(fromMs);
    const to = Math.ceil(toMs);
    const widthMs = Math.max(1, Math.ceil((to - from) / maxBuckets));
    const range = `time >= ${from}ms AND time < ${to}ms`;
    const grouping = `GROUP BY time(${widthMs}ms, ${from % widthMs}ms) fill(none)`;
    const rows = await Promise.all(
      points.map((point) =>
        this.#select<Row & Omit<SeriesBucket, "timeMs">>(
          point,
          (field) => `mean(${field}) AS mean, min(${field}) AS min, max(${field}) AS max`,
          range,
          grouping,
        ),
      ),
    );
    return new Map(
      points.map((point, i) => [point, rows[i]!.map(({ time, mean, min, max }) => ({ timeMs: time.getTime(), mean, min, max }))]),
    );
  }

  async *query(points: readonly PointName[], fromMs: number, toMs: number): AsyncIterable<TelemetryPoint> {
    // One week at a time, and from week to week where there is data.
    let start = Math.ceil(fromMs);
    const end = Math.ceil(toMs);
    while (start < end) {
      const first = await Promise.all(
        points.map((point) => this.#select<Row>(point, (field) => `first(${field})`, `time >= ${start}ms AND time < ${end}ms`)),
      );
      const firstMs = Math.min(...first.flat().map(({ time }) => time.getTime()));
      if (!Number.isFinite(firstMs)) return;
      const stop = Math.min(end, firstMs + QUERY_WINDOW_MS);
      const found = await Promise.all(
        points.map(async (point, rank) =>
          (
            await this.#select<Row & { value: number }>(point, (field) => `${field} AS value`, `time >= ${firstMs}ms AND time < ${stop}ms`)
          ).map(({ time, value }) => ({
            rank,
            row: { timeMs: time.getTime(), point, value },
          })),
        ),
      );
      yield* found
        .flat()
        .sort((a, b) => a.row.timeMs - b.row.timeMs || a.rank - b.rank)
        .map(({ row }) => row);
      start = stop;
    }
  }

  async zones(): Promise<readonly string[]> {
    const rows = await this.#query<{ value: string }>(
      'SHOW TAG VALUES FROM "isotherm_zone" WITH KEY = "zone" WHERE "building" = $building',
      {
        building: safeTag(this.#options.building),
      },
    );
    return rows.map(({ value }) => tagValue(value));
  }

  async decision(id: string): Promise<Decision | null> {
    const timeMs = Number(/^influx-(\d+)$/.exec(id)?.[1] ?? Number.NaN);
    return Number.isFinite(timeMs) ? ((await this.#decisions(timeMs, timeMs + 1))[0] ?? null) : null;
  }

  async latestDecision(): Promise<Decision | null> {
    const [last] = await this.#query<Row>('SELECT last("solve_ms") FROM "isotherm_decision" WHERE "building" = $building', {
      building: safeTag(this.#options.building),
    });
    if (last === undefined) return null;
    const timeMs = last.time.getTime();
    return (await this.#decisions(timeMs, timeMs + 1))[0] ?? null;
  }

  async *decisions(fromMs: number, toMs: number): AsyncIterable<Decision> {
    const within = `"building" = $building AND time >= ${Math.floor(fromMs)}ms AND time < ${Math.ceil(Math.min(toMs, LAST_MS))}ms`;
    const ends = await Promise.all(
      (["first", "last"] as const).map((which) =>
        this.#query<Row>(`SELECT ${which}("solve_ms") FROM "isotherm_decision" WHERE ${within}`, {
          building: safeTag(this.#options.building),
        }),
      ),
    );
    const [begin, last] = ends.map(([row]) => row?.time.getTime());
    if (begin === undefined || last === undefined) return;
    const end = last + 1;
    for (let start = begin; start < end; start += DECISION_WINDOW_MS)
      yield* await this.#decisions(start, Math.min(end, start + DECISION_WINDOW_MS));
  }

  #decisions(fromMs: number, toMs: number): Promise<readonly Decision[]> {
    const { building, stepS = DEFAULT_STEP_S } = this.#options;
    return influxDecisions((influxQl, values) => this.#query(influxQl, values), { building, stepS }, fromMs, toMs);
  }

  /** Code, level, zone and times; the words of an alarm are not in InfluxDB. */
  async alarms(sinceMs: number): Promise<readonly Alarm[]> {
    const rows = await this.#query<Row & { active: number; level: number; code: string; zone: string }>(
      'SELECT active, level FROM "isotherm_alarm" WHERE "building" = $building GROUP BY code, zone',
      { building: safeTag(this.#options.building) },
    );
    const newest = new Map<string, Alarm>();
    for (const { time, active, level, code, zone } of rows) {
      const timeMs = time.getTime();
      const before = newest.get(code);
      const name = Object.entries(alarmLevels).find(([, number]) => number === level)?.[0] as Alarm["level"] | undefined;
      newest.set(code, {
        id: tagValue(code),
        level: name ?? "warning",
        zone: zone === "all" ? null : tagValue(zone),
        text: tagValue(code),
        action: "",
        sinceMs: active > 0 ? timeMs : (before?.sinceMs ?? timeMs),
        clearedMs: active > 0 ? null : timeMs,
      });
    }
    return [...newest.values()]
      .filter(({ clearedMs }) => clearedMs === null || clearedMs >= sinceMs)
      .sort((a, b) => Number(a.clearedMs !== null) - Number(b.clearedMs !== null) || b.sinceMs - a.sinceMs);
  }

  onChange(handler: (change: StoreChange) => void): () => void {
    this.#handlers.add(handler);
    this.#timer ??= setInterval(() => void this.#poll(), this.#options.pollMs ?? 10_000).unref();
    return () => void this.#handlers.delete(handler);
  }

  async #poll(): Promise<void> {
    if (this.#handlers.size === 0 || (this.#options.watch ?? []).length === 0) return;
    // While InfluxDB is away there are no news; reads tell of it.
    const found = await this.latest(this.#options.watch ?? []).catch(() => new Map<PointName, TelemetryPoint>());
    const points = [...found.values()].filter(({ point, timeMs }) => timeMs > (this.#seenMs.get(point) ?? Number.NEGATIVE_INFINITY));
    if (points.length === 0) return;
    for (const { point, timeMs } of points) this.#seenMs.set(point, timeMs);
    for (const handler of [...this.#handlers]) handler({ kind: "telemetry", points });
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#handlers.clear();
    this.#client.close();
  }
}
