import { ChangeFeed } from "#adapters/store/changeFeed";
import { bucketWidthMs, checkModelVersion, checkPoints, rankOf, sha256 } from "#adapters/store/checks";
import { IsothermError } from "#domain/errors";
import type { AuditEntry, StoredAuditEntry } from "#domain/people";
import type { Decision } from "#domain/plan";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { Alarm, EmbeddedStore, ModelChange, ModelVersion, ModelVersionHead, SeriesBucket } from "#domain/store";

/** Times of one point in order, and the value at each. */
interface Track {
  readonly timesMs: number[];
  readonly values: Map<number, number>;
}

/** First position whose time is at or after `timeMs`. */
function lowerBound(timesMs: readonly number[], timeMs: number): number {
  let low = 0;
  let high = timesMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timesMs[middle]! < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The whole store contract in plain arrays: for offline runs and tests. Nothing survives `close`. */
export function openInMemoryStore(options: { readonly onWarning?: (text: string) => void } = {}): EmbeddedStore {
  return new InMemoryStore(options.onWarning ?? (() => undefined));
}

class InMemoryStore implements EmbeddedStore {
  readonly #log: TelemetryPoint[] = [];
  readonly #tracks = new Map<PointName, Track>();
  // JSON text, as on disk: what was stored does not change when the caller's object does.
  readonly #decisions = new Map<string, { readonly timeMs: number; readonly json: string }>();
  readonly #alarms = new Map<string, string>();
  readonly #versions = new Map<string, string>();
  readonly #modelChanges: string[] = [];
  readonly #audit: StoredAuditEntry[] = [];
  readonly #cursors = new Map<string, number>();
  readonly #changes: ChangeFeed;
  readonly #onWarning: (text: string) => void;
  #closed = false;

  constructor(onWarning: (text: string) => void) {
    this.#onWarning = onWarning;
    this.#changes = new ChangeFeed(onWarning);
  }

  #open(): void {
    if (this.#closed) throw new IsothermError("permanent", "The store is closed.", { todo: "Open it again." });
  }

  async append(points: readonly TelemetryPoint[]): Promise<void> {
    this.#open();
    checkPoints(points);
    if (points.length === 0) return;
    const copy = points.map(({ timeMs, point, value }) => ({ timeMs, point, value }));
    for (const row of copy) {
      this.#log.push(row);
      let track = this.#tracks.get(row.point);
      if (track === undefined) {
        track = { timesMs: [], values: new Map() };
        this.#tracks.set(row.point, track);
      }
      if (!track.values.has(row.timeMs)) {
        const last = track.timesMs.at(-1);
        if (last === undefined || last < row.timeMs) track.timesMs.push(row.timeMs);
        else track.timesMs.splice(lowerBound(track.timesMs, row.timeMs), 0, row.timeMs);
      }
      track.values.set(row.timeMs, row.value);
    }
    this.#changes.tell({ kind: "telemetry", points: copy });
  }

  *#rows(point: PointName, fromMs: number, toMs: number): Iterable<TelemetryPoint> {
    const track = this.#tracks.get(point);
    if (track === undefined) return;
    const end = lowerBound(track.timesMs, toMs);
    for (let i = lowerBound(track.timesMs, fromMs); i < end; i++) {
      const timeMs = track.timesMs[i]!;
      yield { timeMs, point, value: track.values.get(timeMs)! };
    }
  }

  async *query(points: readonly PointName[], fromMs: number, toMs: number): AsyncIterable<TelemetryPoint> {
    this.#open();
    const rank = rankOf(points);
    const rows = [...rank.keys()].flatMap((point) => [...this.#rows(point, fromMs, toMs)]);
    rows.sort((a, b) => a.timeMs - b.timeMs || rank.get(a.point)! - rank.get(b.point)!);
    yield* rows;
  }

  async latest(points: readonly PointName[], atMs = Number.POSITIVE_INFINITY): Promise<ReadonlyMap<PointName, TelemetryPoint>> {
    this.#open();
    const found = new Map<PointName, TelemetryPoint>();
    for (const point of points) {
      const track = this.#tracks.get(point);
      if (track === undefined) continue;
      const at = lowerBound(track.timesMs, atMs);
      const timeMs = track.timesMs[at] === atMs ? atMs : track.timesMs[at - 1];
      if (timeMs !== undefined) found.set(point, { timeMs, point, value: track.values.get(timeMs)! });
    }
    return found;
  }

  async series(
    points: readonly PointName[],
    fromMs: number,
    toMs: number,
    maxBuckets: number,
  ): Promise<ReadonlyMap<PointName, readonly SeriesBucket[]>> {
    this.#open();
    const widthMs = bucketWidthMs(fromMs, toMs, maxBuckets);
    const start = Math.floor(fromMs);
    const series = new Map<PointName, readonly SeriesBucket[]>();
    for (const point of points) {
      const buckets: { timeMs: number; sum: number; count: number; min: number; max: number }[] = [];
      for (const { timeMs, value } of this.#rows(point, fromMs, toMs)) {
        const at = start + Math.floor((timeMs - start) / widthMs) * widthMs;
        const last = buckets.at(-1);
        if (last?.timeMs !== at) buckets.push({ timeMs: at, sum: value, count: 1, min: value, max: value });
        else {
          last.sum += value;
          last.count++;
          last.min = Math.min(last.min, value);
          last.max = Math.max(last.max, value);
        }
      }
      series.set(
        point,
        buckets.map(({ timeMs, sum, count, min, max }) => ({ timeMs, mean: sum / count, min, max })),
      );
    }
    return series;
  }

  async appendDecision(decision: Decision): Promise<void> {
    this.#open();
    this.#decisions.delete(decision.id);
    this.#decisions.set(decision.id, { timeMs: decision.timeMs, json: JSON.stringify(decision) });
    this.#changes.tell({ kind: "decision", decision });
  }

  async decision(id: string): Promise<Decision | null> {
    this.#open();
    const stored = this.#decisions.get(id);
    return stored === undefined ? null : (JSON.parse(stored.json) as Decision);
  }

  async latestDecision(): Promise<Decision | null> {
    this.#open();
    let newest: { readonly timeMs: number; readonly json: string } | null = null;
    for (const stored of this.#decisions.values()) if (newest === null || stored.timeMs >= newest.timeMs) newest = stored;
    return newest === null ? null : (JSON.parse(newest.json) as Decision);
  }

  async *decisions(fromMs: number, toMs: number): AsyncIterable<Decision> {
    this.#open();
    const inRange = [...this.#decisions.values()].filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
    for (const { json } of inRange.sort((a, b) => a.timeMs - b.timeMs)) yield JSON.parse(json) as Decision;
  }

  async putAlarm(alarm: Alarm): Promise<void> {
    this.#open();
    this.#alarms.set(alarm.id, JSON.stringify(alarm));
    this.#changes.tell({ kind: "alarm", alarm });
  }

  async alarms(sinceMs: number): Promise<readonly Alarm[]> {
    this.#open();
    return [...this.#alarms.values()]
      .map((json) => JSON.parse(json) as Alarm)
      .filter(({ clearedMs }) => clearedMs === null || clearedMs >= sinceMs)
      .sort(
        (a, b) =>
          Number(a.clearedMs !== null) - Number(b.clearedMs !== null) ||
          (b.clearedMs ?? b.sinceMs) - (a.clearedMs ?? a.sinceMs) ||
          (a.id < b.id ? -1 : 1),
      );
  }

  async saveModelVersion(version: ModelVersion): Promise<void> {
    this.#open();
    checkModelVersion(version);
    this.#versions.delete(version.id);
    this.#versions.set(version.id, JSON.stringify(version));
  }

  async modelVersions(): Promise<readonly ModelVersion[]> {
    this.#open();
    const versions = [...this.#versions.values()].map((json) => JSON.parse(json) as ModelVersion).reverse();
    const whole = versions.filter(({ json, checksum }) => sha256(json) === checksum);
    if (whole.length < versions.length) this.#onWarning(`${versions.length - whole.length} model version(s) left out: checksum.`);
    return whole.sort((a, b) => b.createdMs - a.createdMs);
  }

  async modelVersionHeads(): Promise<readonly ModelVersionHead[]> {
    this.#open();
    return [...this.#versions.values()]
      .map((json) => JSON.parse(json) as ModelVersion)
      .reverse()
      .sort((a, b) => b.createdMs - a.createdMs)
      .map(({ id, createdMs, checksum, summary }) => ({ id, createdMs, checksum, summary }));
  }

  async modelVersion(id: string): Promise<ModelVersion | null> {
    return (await this.modelVersions()).find((version) => version.id === id) ?? null;
  }

  async pruneModelVersions(newest: number, keepIds: readonly string[]): Promise<readonly string[]> {
    const old = (await this.modelVersionHeads()).slice(newest).filter(({ id }) => !keepIds.includes(id));
    for (const { id } of old) this.#versions.delete(id);
    return old.map(({ id }) => id);
  }

  async recordModelChange(change: ModelChange): Promise<void> {
    this.#open();
    this.#modelChanges.push(JSON.stringify(change));
  }

  async modelChanges(): Promise<readonly ModelChange[]> {
    this.#open();
    return this.#modelChanges.map((json) => JSON.parse(json) as ModelChange);
  }

  async recordAudit(entry: AuditEntry): Promise<void> {
    this.#open();
    this.#audit.push({ ...entry, seq: this.#audit.length + 1 });
  }

  async auditEntries(limit: number, beforeSeq = Number.POSITIVE_INFINITY): Promise<readonly StoredAuditEntry[]> {
    this.#open();
    return this.#audit
      .filter(({ seq }) => seq < beforeSeq)
      .slice(-limit)
      .reverse();
  }

  async readAfter(seq: number, maxRows: number): Promise<readonly { readonly seq: number; readonly point: TelemetryPoint }[]> {
    this.#open();
    return this.#log.slice(seq, seq + maxRows).map((point, i) => ({ seq: seq + i + 1, point }));
  }

  async cursor(name: string): Promise<number> {
    this.#open();
    return this.#cursors.get(name) ?? 0;
  }

  async setCursor(name: string, seq: number): Promise<void> {
    this.#open();
    this.#cursors.set(name, seq);
  }

  onChange(handler: Parameters<EmbeddedStore["onChange"]>[0]): () => void {
    return this.#changes.add(handler);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#changes.clear();
  }
}
