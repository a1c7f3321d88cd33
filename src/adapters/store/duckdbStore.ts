import { randomBytes } from "node:crypto";
import { createReadStream, realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { auditStatement, readAudit } from "#adapters/store/auditTable";
import { ChangeFeed } from "#adapters/store/changeFeed";
import { bucketWidthMs, checkModelVersion, checkPoints } from "#adapters/store/checks";
import { dayAfterMs, downsampleDay, nextRawDayMs } from "#adapters/store/downsampling";
import { DuckdbGate, SerialQueue } from "#adapters/store/duckdbGate";
import { type DuckdbSession, databaseFileName } from "#adapters/store/duckdbSession";
import type { Statement } from "#adapters/store/modelVersionTable";
import * as modelVersions from "#adapters/store/modelVersionTable";
import * as telemetry from "#adapters/store/telemetryTable";
import { IsothermError } from "#domain/errors";
import type { AuditEntry, StoredAuditEntry } from "#domain/people";
import type { Decision } from "#domain/plan";
import type { PointName, TelemetryPoint } from "#domain/points";
import type {
  Alarm,
  EmbeddedStore,
  ModelChange,
  ModelVersion,
  ModelVersionHead,
  ModelVersionStore,
  SeriesBucket,
  StoreChange,
} from "#domain/store";

export interface BackedUpStore extends Omit<EmbeddedStore, keyof ModelVersionStore>, Required<ModelVersionStore> {
  /**
   * Writes a consistent copy of the whole store to `file`, whole or not at all; appends wait meanwhile, reads go on. The copy opens as a store
   * of its own once it lies in a directory as `isotherm.duckdb`.
   */
  backup(file: string): Promise<void>;
  /** Resolves once something was written and committed: what cannot be written is not well, though it still answers. */
  probe(): Promise<void>;
  /**
   * Deletes telemetry and cleared alarms from before `beforeMs`, decisions from before `decisionsBeforeMs` (default: the same). Kept: rows that a replicator has not delivered
   * (above `throughSeq`; all are delivered where it is absent), the newest value of every point, and the newest decision.
   */
  forgetBefore(beforeMs: number, throughSeq?: number, decisionsBeforeMs?: number): Promise<void>;
  /** Keeps whole hours before `beforeMs` as their means, with lowest and highest value; see `downsampleDay` for what stays. Other work comes in between days. */
  downsampleBefore(beforeMs: number, throughSeq?: number): Promise<void>;
}

export interface DuckdbStoreOptions {
  /** What a person should know but nothing failed of: a damaged model version left out, a checkpoint that had to wait. */
  readonly onWarning: (text: string) => void;
  /** Refuses writes; still refused while another process holds the file. */
  readonly readOnly?: boolean;
  /** Monotonic milliseconds, for the interval between checkpoints; replaced in tests. */
  readonly monotonicMs?: () => number;
}

const CHECKPOINT_INTERVAL_MS = 10 * 60_000;
/** Rows per transaction: a large import neither blocks the event loop for long nor outgrows the memory limit. */
const MAX_ROWS_PER_COMMIT = 20_000;
const QUERY_WINDOW_MS = 7 * 86_400_000;
const DECISION_PAGE = 32;
const DAY_MS = 86_400_000;

interface PendingAppend {
  readonly points: readonly TelemetryPoint[];
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Opens the embedded store in `dataDir` (made if absent): one DuckDB file `isotherm.duckdb` that this process alone holds.
 * Appends resolve once DuckDB has committed and synced its log. Rejects with an IsothermError that says what to do when the
 * file is held by another process (retryable), damaged (permanent, nothing changed), foreign or newer (configuration).
 */
export async function openDuckdbStore(dataDir: string, options: DuckdbStoreOptions): Promise<BackedUpStore> {
  const store = new DuckdbStore(dataDir, options);
  await store.open();
  return store;
}

class DuckdbStore implements BackedUpStore {
  readonly #onWarning: (text: string) => void;
  readonly #monotonicMs: () => number;
  readonly #file: string;
  readonly #readOnly: boolean;
  readonly #gate: DuckdbGate;
  readonly #writes = new SerialQueue();
  readonly #reads = new SerialQueue();
  readonly #changes: ChangeFeed;
  #pending: PendingAppend[] = [];
  #index!: telemetry.TelemetryIndex;
  #lastCheckpointMs: number;
  #dirty = false;

  constructor(dataDir: string, options: DuckdbStoreOptions) {
    this.#onWarning = options.onWarning;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#lastCheckpointMs = this.#monotonicMs();
    this.#changes = new ChangeFeed(options.onWarning);
    this.#file = join(dataDir, databaseFileName);
    this.#readOnly = options.readOnly ?? false;
    this.#gate = new DuckdbGate(dataDir, this.#file, this.#readOnly, async ({ reader }) => {
      this.#index = await telemetry.loadIndex(reader);
    });
  }

  open(): Promise<void> {
    return this.#gate.open();
  }

  async append(points: readonly TelemetryPoint[]): Promise<void> {
    checkPoints(points);
    if (points.length === 0) return;
    const copy = points.map(({ timeMs, point, value }) => ({ timeMs, point, value }));
    for (let start = 0; start < copy.length; start += MAX_ROWS_PER_COMMIT)
      await this.#appendPart(copy.slice(start, start + MAX_ROWS_PER_COMMIT));
    this.#changes.tell({ kind: "telemetry", points: copy });
  }

  #appendPart(points: readonly TelemetryPoint[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ points, resolve, reject });
      void this.#writes.run(() => this.#commitPending());
    });
  }

  /** Commits what is waiting, together: one sync of the log serves all callers that came meanwhile. */
  async #commitPending(): Promise<void> {
    const group: PendingAppend[] = [];
    for (
      let rows = 0;
      this.#pending.length > 0 && (group.length === 0 || rows + this.#pending[0]!.points.length <= MAX_ROWS_PER_COMMIT);
    ) {
      const next = this.#pending.shift()!;
      rows += next.points.length;
      group.push(next);
    }
    if (group.length === 0) return;
    const points = group.flatMap((waiting) => waiting.points);
    try {
      await this.#transaction(async (connection) => {
        const fresh = await telemetry.insertRows(connection, this.#index, points);
        return () => telemetry.remember(this.#index, points, fresh);
      });
    } catch (error) {
      for (const waiting of group) waiting.reject(error);
      return;
    }
    for (const waiting of group) waiting.resolve();
    await this.#checkpointIfDue();
  }

  /** Runs inside the write queue. `work` returns what to do once its changes are committed. */
  async #transaction(work: (connection: DuckDBConnection) => Promise<(() => void) | undefined>): Promise<void> {
    if (this.#readOnly)
      throw new IsothermError("permanent", "The store is open read-only.", { place: { file: this.#file }, todo: "Open it for writing." });
    await this.#gate.use(async ({ writer }) => {
      try {
        await writer.run("BEGIN");
        const committed = await work(writer);
        await writer.run("COMMIT");
        this.#dirty = true;
        committed?.();
      } catch (error) {
        await writer.run("ROLLBACK").catch(() => undefined);
        // A failed commit may or may not be in the log; only the file knows.
        this.#gate.distrust();
        throw error;
      }
    });
  }

  #write(sql: readonly Statement[], change?: StoreChange): Promise<void> {
    return this.#writes
      .run(async () => {
        await this.#transaction(async (connection) => {
          for (const [statement, values] of sql) await connection.run(statement, values);
          return undefined;
        });
      })
      .then(() => {
        if (change !== undefined) this.#changes.tell(change);
      });
  }

  async #checkpointIfDue(): Promise<void> {
    if (this.#dirty && this.#monotonicMs() - this.#lastCheckpointMs >= CHECKPOINT_INTERVAL_MS) await this.#checkpoint();
  }

  async #checkpoint(): Promise<void> {
    this.#lastCheckpointMs = this.#monotonicMs();
    try {
      await this.#reads.run(() => this.#gate.use(async ({ writer }) => void (await writer.run("CHECKPOINT"))));
      this.#dirty = false;
    } catch (error) {
      this.#onWarning(`The store could not tidy up its log: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #read<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.#reads.run(() => this.#gate.use(({ reader }: DuckdbSession) => work(reader)));
  }

  async *query(points: readonly PointName[], fromMs: number, toMs: number): AsyncIterable<TelemetryPoint> {
    // One week at a time: memory stays bounded, and appends and other reads come in between.
    let start = Math.max(fromMs, this.#index.firstTimeMs);
    const end = Math.min(toMs, this.#index.lastTimeMs + 1);
    while (start < end) {
      const stop = Math.min(end, start + QUERY_WINDOW_MS);
      const rows = await this.#read((reader) => telemetry.readRange(reader, this.#index, points, start, stop));
      yield* rows;
      start = stop;
      if (rows.length > 0 || start >= end) continue;
      const next = await this.#read((reader) => telemetry.nextTimeMs(reader, this.#index, points, start, end));
      if (next === null) return;
      start = next;
    }
  }

  async latest(points: readonly PointName[], atMs?: number): Promise<ReadonlyMap<PointName, TelemetryPoint>> {
    const found = new Map<PointName, TelemetryPoint>();
    const earlier: PointName[] = [];
    await this.#gate.open();
    for (const point of points) {
      const newest = this.#index.newest.get(point);
      if (newest === undefined) continue;
      if (atMs === undefined || newest.timeMs <= atMs) found.set(point, newest);
      else earlier.push(point);
    }
    if (atMs === undefined || earlier.length === 0) return found;
    const take = async (fromMs: number) => {
      const left = earlier.filter((point) => !found.has(point));
      if (left.length === 0) return;
      for (const row of await this.#read((reader) => telemetry.readLatest(reader, this.#index, left, fromMs, atMs)))
        found.set(row.point, row);
    };
    await take(atMs - DAY_MS);
    await take(Number.NEGATIVE_INFINITY);
    return found;
  }

  async series(
    points: readonly PointName[],
    fromMs: number,
    toMs: number,
    maxBuckets: number,
  ): Promise<ReadonlyMap<PointName, readonly SeriesBucket[]>> {
    const widthMs = bucketWidthMs(fromMs, toMs, maxBuckets);
    return this.#read((reader) => telemetry.readSeries(reader, this.#index, points, fromMs, toMs, widthMs));
  }

  appendDecision(decision: Decision): Promise<void> {
    return this.#write(
      [
        ["DELETE FROM decisions WHERE id = $id", { id: decision.id }],
        [
          "INSERT INTO decisions VALUES ($id, $timeMs::BIGINT, $json)",
          { id: decision.id, timeMs: BigInt(Math.round(decision.timeMs)), json: JSON.stringify(decision) },
        ],
      ],
      { kind: "decision", decision },
    );
  }

  async decision(id: string): Promise<Decision | null> {
    return (await this.#jsonRows<Decision>("SELECT json FROM decisions WHERE id = $id", { id }))[0] ?? null;
  }

  async latestDecision(): Promise<Decision | null> {
    const sql = "SELECT json FROM decisions WHERE rowid = (SELECT arg_max(rowid, (time_ms, rowid)) FROM decisions)";
    return (await this.#jsonRows<Decision>(sql, {}))[0] ?? null;
  }

  async *decisions(fromMs: number, toMs: number): AsyncIterable<Decision> {
    const keys = await this.#read(async (reader) => {
      const result = await reader.runAndReadAll(
        `SELECT id FROM decisions WHERE time_ms >= $fromMs::DOUBLE AND time_ms < $toMs::DOUBLE ORDER BY time_ms, rowid`,
        { fromMs, toMs },
      );
      return (result.getColumns()[0] ?? []) as string[];
    });
    for (let i = 0; i < keys.length; i += DECISION_PAGE) {
      const page = keys.slice(i, i + DECISION_PAGE);
      const values = Object.fromEntries(page.map((id, k) => [`id${k}`, id]));
      const rows = await this.#jsonRows<Decision>(
        `SELECT json FROM decisions WHERE id IN (${page.map((_, k) => `$id${k}`)}) ORDER BY time_ms, rowid`,
        values,
      );
      yield* rows;
    }
  }

  putAlarm(alarm: Alarm): Promise<void> {
    return this.#write(
      [
        ["DELETE FROM alarms WHERE id = $id", { id: alarm.id }],
        [
          "INSERT INTO alarms VALUES ($id, $sinceMs::BIGINT, $clearedMs::BIGINT, $json)",
          {
            id: alarm.id,
            sinceMs: BigInt(Math.round(alarm.sinceMs)),
            clearedMs: alarm.clearedMs === null ? null : BigInt(Math.round(alarm.clearedMs)),
            json: JSON.stringify(alarm),
          },
        ],
      ],
      { kind: "alarm", alarm },
    );
  }

  alarms(sinceMs: number): Promise<readonly Alarm[]> {
    return this.#jsonRows<Alarm>(
      `SELECT json FROM alarms WHERE cleared_ms IS NULL OR cleared_ms >= $sinceMs::DOUBLE
       ORDER BY cleared_ms IS NOT NULL, coalesce(cleared_ms, since_ms) DESC, id`,
      { sinceMs },
    );
  }

  async saveModelVersion(version: ModelVersion): Promise<void> {
    checkModelVersion(version);
    await this.#write(modelVersions.savingStatements(version));
    // Megabytes of text: whoever starts after a crash should not have to read them from the log first.
    await this.#writes.run(() => this.#checkpoint());
  }

  async modelVersions(): Promise<readonly ModelVersion[]> {
    return this.#wholeVersions(await this.#read((reader) => modelVersions.readVersions(reader)));
  }

  modelVersionHeads(): Promise<readonly ModelVersionHead[]> {
    return this.#read(modelVersions.readHeads);
  }

  async modelVersion(id: string): Promise<ModelVersion | null> {
    return this.#wholeVersions(await this.#read((reader) => modelVersions.readVersions(reader, id)))[0] ?? null;
  }

  async pruneModelVersions(newest: number, keepIds: readonly string[]): Promise<readonly string[]> {
    const old = (await this.modelVersionHeads()).slice(newest).filter(({ id }) => !keepIds.includes(id));
    if (old.length > 0) await this.#write(old.map(({ id }) => modelVersions.forgettingStatement(id)));
    return old.map(({ id }) => id);
  }

  recordModelChange(change: ModelChange): Promise<void> {
    return this.#write([modelVersions.recordingStatement(change)]);
  }

  modelChanges(): Promise<readonly ModelChange[]> {
    return this.#read(modelVersions.readChanges);
  }

  recordAudit(entry: AuditEntry): Promise<void> {
    return this.#write([auditStatement(entry)]);
  }

  auditEntries(limit: number, beforeSeq?: number): Promise<readonly StoredAuditEntry[]> {
    return this.#read((reader) => readAudit(reader, limit, beforeSeq));
  }

  #wholeVersions({ whole, damaged }: modelVersions.VersionsRead): readonly ModelVersion[] {
    if (damaged.length > 0)
      this.#onWarning(
        `${damaged.length} model version(s) left out, their checksum does not match: ${damaged.join(", ")}. Learn the model again or restore a backup.`,
      );
    return whole;
  }

  readAfter(seq: number, maxRows: number): Promise<readonly { readonly seq: number; readonly point: TelemetryPoint }[]> {
    return this.#read((reader) => telemetry.readAfterSeq(reader, this.#index, seq, maxRows));
  }

  cursor(name: string): Promise<number> {
    return this.#read(async (reader) => {
      const rows = (await reader.runAndReadAll("SELECT seq::DOUBLE FROM cursors WHERE name = $name", { name })).getRows();
      return (rows[0]?.[0] as number | undefined) ?? 0;
    });
  }

  setCursor(name: string, seq: number): Promise<void> {
    return this.#write([
      ["DELETE FROM cursors WHERE name = $name", { name }],
      ["INSERT INTO cursors VALUES ($name, $seq::BIGINT)", { name, seq: BigInt(seq) }],
    ]);
  }

  probe(): Promise<void> {
    return this.setCursor("probe", Date.now());
  }

  async downsampleBefore(beforeMs: number, throughSeq = Number.MAX_SAFE_INTEGER): Promise<void> {
    let afterMs = Number.NEGATIVE_INFINITY;
    for (;;) {
      const dayMs = await this.#read((reader) => nextRawDayMs(reader, afterMs, beforeMs));
      if (dayMs === null) return;
      await this.#writes.run(() =>
        this.#transaction(async (connection) => {
          await downsampleDay(connection, this.#index, dayMs, beforeMs, throughSeq);
          return undefined;
        }),
      );
      afterMs = dayAfterMs(dayMs);
    }
  }

  async forgetBefore(beforeMs: number, throughSeq = Number.MAX_SAFE_INTEGER, decisionsBeforeMs = beforeMs): Promise<void> {
    await this.#writes.run(() =>
      this.#transaction(async (connection) => {
        await connection.run(`DELETE FROM telemetry WHERE ${telemetry.forgettable(this.#index, beforeMs, throughSeq)}`);
        const before = { beforeMs };
        await connection.run("DELETE FROM decisions WHERE time_ms < $beforeMs::DOUBLE AND time_ms < (SELECT max(time_ms) FROM decisions)", {
          beforeMs: decisionsBeforeMs,
        });
        await connection.run("DELETE FROM alarms WHERE cleared_ms < $beforeMs::DOUBLE", before);
        return undefined;
      }),
    );
  }

  onChange(handler: (change: StoreChange) => void): () => void {
    return this.#changes.add(handler);
  }

  backup(file: string): Promise<void> {
    // Through SQL: copying the database file would, on closing it, drop the lock that keeps other processes out (POSIX locks belong to the process).
    const copy = join(realpathSync(dirname(this.#file)), `backup-${randomBytes(6).toString("hex")}.duckdb`);
    return this.#writes.run(() =>
      this.#gate.use(async ({ writer }) => {
        try {
          await writer.run(`ATTACH '${copy.replaceAll("'", "''")}' AS copied`);
          try {
            await writer.run("COPY FROM DATABASE isotherm TO copied");
          } finally {
            await writer.run("DETACH copied");
          }
          await atomicWrite(file, createReadStream(copy));
        } finally {
          await rm(copy, { force: true });
          await rm(`${copy}.wal`, { force: true });
        }
      }),
    );
  }

  async close(): Promise<void> {
    await this.#writes.drained();
    await this.#reads.drained();
    this.#changes.clear();
    await this.#gate.close(async ({ writer }) => {
      if (this.#dirty)
        await writer.run("CHECKPOINT").catch((error) => this.#onWarning(`The store's log stays for the next start: ${error.message}`));
    });
  }

  async #jsonRows<T>(sql: string, values: Record<string, string | number>): Promise<readonly T[]> {
    const texts = await this.#read(async (reader) => (await reader.runAndReadAll(sql, values)).getColumns()[0] ?? []);
    return texts.map((text) => JSON.parse(text as string) as T);
  }
}
