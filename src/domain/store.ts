import type { AuditStore } from "#domain/people";
import type { Decision } from "#domain/plan";
import type { PointName, TelemetryPoint } from "#domain/points";

export interface TelemetryStore {
  /** Resolves once the points are safe on disk. A point with the same time and name replaces the earlier one. Non-finite values are refused with an error. */
  append(points: readonly TelemetryPoint[]): Promise<void>;
  /** `fromMs` inclusive, `toMs` exclusive, ordered by time. */
  query(points: readonly PointName[], fromMs: number, toMs: number): AsyncIterable<TelemetryPoint>;
}

/** One downsampled bucket of a series. */
export interface SeriesBucket {
  readonly timeMs: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

export type AlarmLevel = "info" | "warning" | "critical";
export interface Alarm {
  /** Stable code and scope, e.g. `sensor-stale:space1`. */
  readonly id: string;
  readonly level: AlarmLevel;
  readonly zone: string | null;
  readonly text: string;
  /** What a person should do. */
  readonly action: string;
  readonly sinceMs: number;
  readonly clearedMs: number | null;
  /** Who saw to it, and when; absent until somebody did, and again once it grows worse. */
  readonly acknowledged?: AlarmAcknowledgement;
}

export interface AlarmAcknowledgement {
  readonly by: string;
  readonly timeMs: number;
  readonly note: string;
}

/** A learned model as stored: opaque JSON with its identity. */
export interface ModelVersion {
  readonly id: string;
  readonly createdMs: number;
  /** sha-256 of `json`. */
  readonly checksum: string;
  readonly json: string;
  /** Held-out metrics and where it came from, for people. */
  readonly summary: Readonly<Record<string, number | string>>;
}

export type ModelVersionHead = Omit<ModelVersion, "json">;

/**
 * What became of a version. installed: learned and put to work. refused: learned, saved and not put to work. promoted: put to work by a person.
 * rolled-back: the one in force before was put to work again. forgotten: deleted, so that the disk does not fill.
 */
export type ModelChangeKind = "installed" | "refused" | "promoted" | "rolled-back" | "forgotten";

/** One entry of the audit log of models; never changed, never deleted. */
export interface ModelChange {
  readonly timeMs: number;
  readonly kind: ModelChangeKind;
  readonly version: string;
  /** In force until then; null where there was none. */
  readonly before: string | null;
  /** `learning`, `start`, or the person who ordered it. */
  readonly by: string;
  readonly reason: string;
}

export interface DecisionStore {
  appendDecision(decision: Decision): Promise<void>;
  decision(id: string): Promise<Decision | null>;
  latestDecision(): Promise<Decision | null>;
  /** Ordered by time; `fromMs` inclusive, `toMs` exclusive. */
  decisions(fromMs: number, toMs: number): AsyncIterable<Decision>;
}

export interface AlarmStore {
  /** Raises or clears: the newest record per id counts. */
  putAlarm(alarm: Alarm): Promise<void>;
  /** Active ones first, then cleared ones since `sinceMs`. */
  alarms(sinceMs: number): Promise<readonly Alarm[]>;
}

export interface ModelVersionStore {
  saveModelVersion(version: ModelVersion): Promise<void>;
  /** Newest first. Versions whose checksum does not match are left out and counted in a warning. */
  modelVersions(): Promise<readonly ModelVersion[]>;
  /** All versions without their models, newest first: a model is megabytes of JSON. Checksums are not looked at. */
  modelVersionHeads?(): Promise<readonly ModelVersionHead[]>;
  /** One version; null where there is none, or (with a warning) where its checksum does not match. */
  modelVersion?(id: string): Promise<ModelVersion | null>;
  /** Forgets all versions but the `newest` newest ones and those named in `keepIds`; resolves with the ids forgotten, newest first. */
  pruneModelVersions?(newest: number, keepIds: readonly string[]): Promise<readonly string[]>;
  recordModelChange?(change: ModelChange): Promise<void>;
  /** All of them, in the order in which they were recorded. */
  modelChanges?(): Promise<readonly ModelChange[]>;
}

/** What the dashboard needs; met by the embedded store and by InfluxDB readers. */
export interface StoreReader {
  /** Newest value of each point at or before `atMs` (default: newest of all). */
  latest(points: readonly PointName[], atMs?: number): Promise<ReadonlyMap<PointName, TelemetryPoint>>;
  /** Mean, minimum and maximum over equal buckets, made in the database. */
  series(
    points: readonly PointName[],
    fromMs: number,
    toMs: number,
    maxBuckets: number,
  ): Promise<ReadonlyMap<PointName, readonly SeriesBucket[]>>;
  decision(id: string): Promise<Decision | null>;
  latestDecision(): Promise<Decision | null>;
  decisions(fromMs: number, toMs: number): AsyncIterable<Decision>;
  alarms(sinceMs: number): Promise<readonly Alarm[]>;
  /** Called after every acknowledged append; returns its removal. */
  onChange(handler: (change: StoreChange) => void): () => void;
}
export type StoreChange =
  | { readonly kind: "telemetry"; readonly points: readonly TelemetryPoint[] }
  | { readonly kind: "decision"; readonly decision: Decision }
  | { readonly kind: "alarm"; readonly alarm: Alarm };

/** Rows for a replicator, in the order of their acknowledgement: `seq` grows by one per row and never repeats. */
export interface ReplicationSource {
  readAfter(seq: number, maxRows: number): Promise<readonly { readonly seq: number; readonly point: TelemetryPoint }[]>;
  cursor(name: string): Promise<number>;
  setCursor(name: string, seq: number): Promise<void>;
}

export interface EmbeddedStore
  extends TelemetryStore,
    DecisionStore,
    AlarmStore,
    ModelVersionStore,
    AuditStore,
    Omit<StoreReader, keyof DecisionStore | "alarms">,
    ReplicationSource {
  close(): Promise<void>;
}
