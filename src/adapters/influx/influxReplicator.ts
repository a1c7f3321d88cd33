import { setTimeout as wait } from "node:timers/promises";
import { encodeTelemetry } from "#adapters/influx/encode";
import { type InfluxClient, InfluxFailure, type InfluxOptions, openInfluxClient, untrustedTodo } from "#adapters/influx/influxClient";
import { type QuarantinedRow, quarantineTo } from "#adapters/influx/quarantine";
import { alarmLines, decisionLines, type InfluxLine, probeLine } from "#adapters/influx/wireNames";
import type { AlarmStore, DecisionStore, ReplicationSource, StoreReader } from "#domain/store";

/** What is replicated: telemetry always; decisions and alarms where the source has them. */
export type InfluxSource = ReplicationSource &
  Partial<Pick<DecisionStore, "decisions"> & Pick<AlarmStore, "alarms"> & Pick<StoreReader, "onChange">>;

export interface InfluxReplicatorOptions extends InfluxOptions {
  /** Tag `building` of every point. */
  readonly building: string;
  /** JSON lines of rows that InfluxDB refuses, with its reason. */
  readonly quarantineFile: string;
  readonly onWarning: (text: string) => void;
  /** Told on every change of health, with words for an alarm. */
  readonly onHealth?: (healthy: boolean, text: string) => void;
  /** Rows per request; default 2000. */
  readonly batchRows?: number;
  /** How often to look for new rows where the source does not tell; default 1000. */
  readonly pollMs?: number;
  /** First and longest wait after a failure; the wait doubles and is drawn between its half and its whole. Defaults 500 and 60 000. */
  readonly backoffMs?: readonly [number, number];
  /** A write probe after this long without a write; default 60 000. */
  readonly probeMs?: number;
  readonly nowMs?: () => number;
  readonly random?: () => number;
}

export interface InfluxReplicatorStatus {
  /** Whether the last write, of rows or of the probe, was confirmed; null before the first. */
  readonly healthy: boolean | null;
  readonly lastConfirmedMs: number | null;
  readonly lastError: string | null;
  /** Every row up to this one is in InfluxDB or quarantined. */
  readonly cursorSeq: number;
  readonly confirmedRows: number;
  readonly quarantinedRows: number;
  readonly failedAttempts: number;
}

export interface InfluxReplicator {
  status(): InfluxReplicatorStatus;
  /** Ends within the moment: a request under way is broken off, and its rows are sent again by the next start. */
  stop(): Promise<void>;
}

const CURSOR = "influx";
const DECISIONS_CURSOR = "influx-decisions";
const ALARMS_CURSOR = "influx-alarms";

/**
 * Copies the store's rows to InfluxDB 1.x in their order, at least once, where repeating changes nothing: the cursor moves only after confirmation.
 * While InfluxDB is away or slow it waits at its cursor; the store is the spool. It never throws after its start.
 */
export async function startInfluxReplicator(source: InfluxSource, options: InfluxReplicatorOptions): Promise<InfluxReplicator> {
  const client = await openInfluxClient(options);
  return new Replicator(source, client, options);
}

class Replicator implements InfluxReplicator {
  readonly #source: InfluxSource;
  readonly #client: InfluxClient;
  readonly #options: InfluxReplicatorOptions;
  readonly #nowMs: () => number;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #decisionsChanged = true;
  #alarmsChanged = true;
  #cursorSeq = 0;
  #healthy: boolean | null = null;
  #lastConfirmedMs: number | null = null;
  #lastWriteAtMs = Number.NEGATIVE_INFINITY;
  #lastError: string | null = null;
  #confirmedRows = 0;
  #quarantinedRows = 0;
  #failedAttempts = 0;
  #lastDecisionId: string | null = null;
  #sentAlarms = new Set<string>();

  constructor(source: InfluxSource, client: InfluxClient, options: InfluxReplicatorOptions) {
    this.#source = source;
    this.#client = client;
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => Date.now());
    // Decisions and alarms are read again only after a change, where the source tells of changes.
    const unsubscribe = source.onChange?.((change) => {
      if (change.kind === "decision") this.#decisionsChanged = true;
      if (change.kind === "alarm") this.#alarmsChanged = true;
    });
    this.#done = this.#run().finally(() => {
      unsubscribe?.();
      client.close();
    });
  }

  status(): InfluxReplicatorStatus {
    return {
      healthy: this.#healthy,
      lastConfirmedMs: this.#lastConfirmedMs,
      lastError: this.#lastError,
      cursorSeq: this.#cursorSeq,
      confirmedRows: this.#confirmedRows,
      quarantinedRows: this.#quarantinedRows,
      failedAttempts: this.#failedAttempts,
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#client.close();
    await this.#done;
  }

  async #run(): Promise<void> {
    const [firstMs, longestMs] = this.#options.backoffMs ?? [500, 60_000];
    let backoffMs = firstMs;
    let started = false;
    while (!this.#stopping.signal.aborted) {
      try {
        if (!started) this.#cursorSeq = await this.#source.cursor(CURSOR);
        started = true;
        const moved = await this.#replicateOnce();
        backoffMs = firstMs;
        if (!moved) await this.#pause(this.#options.pollMs ?? 1000);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#failed(error);
        await this.#pause(backoffMs * (0.5 + 0.5 * (this.#options.random ?? Math.random)()));
        backoffMs = Math.min(longestMs, backoffMs * 2);
      }
    }
  }

  /** One batch of rows; decisions, alarms and the probe once there are no more. Returns whether there may be more at once. */
  async #replicateOnce(): Promise<boolean> {
    const rows = await this.#source.readAfter(this.#cursorSeq, this.#options.batchRows ?? 2000);
    if (rows.length > 0) {
      const refused: QuarantinedRow[] = [];
      await this.#deliver(rows, refused);
      if (refused.length > 0) await this.#quarantine(refused);
      const seq = rows.at(-1)!.seq;
      await this.#source.setCursor(CURSOR, seq);
      this.#cursorSeq = seq;
      this.#confirmedRows += rows.length - refused.length;
      return true;
    }
    if (await this.#ifChanged("decisions", () => this.#replicateDecisions())) return true;
    await this.#ifChanged("alarms", () => this.#replicateAlarms());
    if (this.#nowMs() - this.#lastWriteAtMs >= (this.#options.probeMs ?? 60_000))
      await this.#write([probeLine(this.#options.building, this.#nowMs())]);
    return false;
  }

  /** Runs `work` unless the source would have told of something new; what failed is tried again. */
  async #ifChanged(what: "decisions" | "alarms", work: () => Promise<boolean>): Promise<boolean> {
    if (!(what === "decisions" ? this.#decisionsChanged : this.#alarmsChanged)) return false;
    const tells = this.#source.onChange !== undefined;
    const set = (changed: boolean) => {
      if (what === "decisions") this.#decisionsChanged = changed;
      else this.#alarmsChanged = changed;
    };
    // Before the work: a change that comes meanwhile counts.
    set(!tells);
    try {
      const more = await work();
      if (more) set(true);
      return more;
    } catch (error) {
      set(true);
      throw error;
    }
  }

  /** Sends rows; a batch that InfluxDB refuses is halved until the refused rows stand alone. */
  async #deliver(rows: Awaited<ReturnType<ReplicationSource["readAfter"]>>, refused: QuarantinedRow[]): Promise<void> {
    const finite: (typeof rows)[number][] = [];
    for (const row of rows)
      if (Number.isFinite(row.point.value) && Number.isFinite(row.point.timeMs)) finite.push(row);
      else refused.push({ ...row, reason: "the value or time is not finite" });
    if (finite.length === 0) return;
    try {
      const points = finite.map((row) => row.point);
      await this.#write(encodeTelemetry(this.#options.building, points));
    } catch (error) {
      if (!(error instanceof InfluxFailure)) throw error;
      const splittable = error.blamesPoints || error.kind === "too-large";
      if (!splittable) throw error;
      if (finite.length === 1) {
        refused.push({ ...finite[0]!, reason: error.message });
        return;
      }
      const middle = finite.length >> 1;
      await this.#deliver(finite.slice(0, middle), refused);
      await this.#deliver(finite.slice(middle), refused);
    }
  }

  async #quarantine(rows: readonly QuarantinedRow[]): Promise<void> {
    try {
      await quarantineTo(this.#options.quarantineFile, rows);
    } catch (error) {
      this.#options.onWarning(`The list of rows that InfluxDB refused could not be written (${messageOf(error)}); they stay in the store.`);
    }
    this.#quarantinedRows += rows.length;
    const { seq, point, reason } = rows[0]!;
    this.#options.onWarning(
      `InfluxDB refused ${rows.length} row(s) for good, e.g. row ${seq} ${point.point}: ${reason}. They stay in the store and are listed in ${this.#options.quarantineFile}.`,
    );
  }

  /** Decisions from the cursor's time on, which is that of the last one delivered: sent again, it overwrites itself. */
  async #replicateDecisions(): Promise<boolean> {
    if (this.#source.decisions === undefined) return false;
    const fromMs = await this.#source.cursor(DECISIONS_CURSOR);
    const lines: InfluxLine[] = [];
    let lastMs = fromMs;
    let lastId = this.#lastDecisionId;
    for await (const decision of this.#source.decisions(fromMs, Number.MAX_SAFE_INTEGER)) {
      lines.push(...decisionLines(this.#options.building, decision));
      lastMs = Math.floor(decision.timeMs);
      lastId = decision.id;
      if (lines.length >= 500) break;
    }
    if (lastId === this.#lastDecisionId && lastMs === fromMs) return false;
    await this.#writeText(lines, "decision");
    if (lastMs > fromMs) await this.#source.setCursor(DECISIONS_CURSOR, lastMs);
    const more = lines.length >= 500 && lastMs > fromMs;
    this.#lastDecisionId = lastId;
    return more;
  }

  async #replicateAlarms(): Promise<boolean> {
    if (this.#source.alarms === undefined) return false;
    const sinceMs = await this.#source.cursor(ALARMS_CURSOR);
    const alarms = await this.#source.alarms(sinceMs);
    const keyOf = (alarm: (typeof alarms)[number]) => JSON.stringify([alarm.id, alarm.sinceMs, alarm.clearedMs]);
    const fresh = alarms.filter((alarm) => !this.#sentAlarms.has(keyOf(alarm)));
    if (fresh.length === 0) return false;
    await this.#writeText(
      fresh.flatMap((alarm) => alarmLines(this.#options.building, alarm)),
      "alarm",
    );
    const lastMs = fresh.reduce((last, alarm) => Math.max(last, Math.floor(alarm.clearedMs ?? 0)), sinceMs);
    if (lastMs > sinceMs) await this.#source.setCursor(ALARMS_CURSOR, lastMs);
    this.#sentAlarms = new Set(alarms.map(keyOf));
    return false;
  }

  /** Derived lines (decisions, alarms): those that InfluxDB refuses are warned of and left out; the records stay in the store. */
  async #writeText(lines: readonly InfluxLine[], what: string): Promise<void> {
    try {
      await this.#write(lines);
    } catch (error) {
      if (!(error instanceof InfluxFailure && (error.blamesPoints || error.kind === "too-large"))) throw error;
      if (lines.length > 1) {
        const middle = lines.length >> 1;
        await this.#writeText(lines.slice(0, middle), what);
        await this.#writeText(lines.slice(middle), what);
      } else this.#options.onWarning(`InfluxDB refused a ${what} for good: ${error.message}. It stays in the store.`);
    }
  }

  async #write(lines: readonly InfluxLine[]): Promise<void> {
    try {
      await this.#client.write(lines);
    } catch (error) {
      if (!(error instanceof InfluxFailure && error.kind === "no-database")) throw error;
      await this.#client.createDatabase();
      await this.#client.write(lines);
    }
    this.#lastWriteAtMs = this.#nowMs();
    this.#lastConfirmedMs = this.#lastWriteAtMs;
    this.#lastError = null;
    this.#health(true, "InfluxDB takes data again.");
  }

  #failed(error: unknown): void {
    this.#failedAttempts++;
    this.#lastError = messageOf(error);
    const kind = error instanceof InfluxFailure ? error.kind : null;
    if (kind === null) {
      this.#health(false, `Replication to InfluxDB waits for the store: ${this.#lastError}`);
      return;
    }
    const todo = {
      unreachable: "Nothing is lost: what is in the store is sent once it answers.",
      untrusted: untrustedTodo,
      unauthorised: "Check user, password and the user's right to write.",
      "no-database": `Create the database "${this.#options.database}" or give the user the right to.`,
      rejected: "Check database and retention policy.",
      "too-large": "Lower batchRows.",
    }[kind];
    this.#health(false, `InfluxDB at ${this.#options.url} does not take data (${this.#lastError}). ${todo}`);
  }

  #health(healthy: boolean, text: string): void {
    if (this.#healthy === healthy) return;
    const first = this.#healthy === null;
    this.#healthy = healthy;
    if (!healthy) this.#options.onWarning(text);
    this.#options.onHealth?.(healthy, first && healthy ? "InfluxDB takes data." : text);
  }

  /** Until time is up or `stop`. */
  async #pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
