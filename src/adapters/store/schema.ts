export interface Migration {
  readonly up: string;
  /** Back again, for an older isotherm; what that one has no place for is lost. */
  readonly down: string;
  /** What is lost on the way back, for people; absent: nothing. */
  readonly lost?: string;
}

/** One entry per schema version; entry i brings a database from version i to i + 1, and back. Never edit a published entry, add one. */
export const migrations: readonly Migration[] = [
  {
    up: `
  CREATE TABLE points (id INTEGER NOT NULL, name VARCHAR NOT NULL);
  -- Append-only: a later row with the same time and point replaces the earlier one in reads; the replicator sees every row in seq order.
  -- late: not newer than what its point already had. Only such a row can replace another, so a range without them needs no search for replaced rows.
  CREATE TABLE telemetry (seq BIGINT NOT NULL, time_ms BIGINT NOT NULL, point_id INTEGER NOT NULL, value DOUBLE NOT NULL, late BOOLEAN NOT NULL);
  CREATE TABLE decisions (id VARCHAR NOT NULL, time_ms BIGINT NOT NULL, json VARCHAR NOT NULL);
  CREATE TABLE alarms (id VARCHAR NOT NULL, since_ms BIGINT NOT NULL, cleared_ms BIGINT, json VARCHAR NOT NULL);
  CREATE TABLE model_versions (id VARCHAR NOT NULL, created_ms BIGINT NOT NULL, checksum VARCHAR NOT NULL, json VARCHAR NOT NULL, summary VARCHAR NOT NULL);
  CREATE TABLE overrides (id VARCHAR NOT NULL, until_ms BIGINT NOT NULL, json VARCHAR NOT NULL);
  CREATE TABLE cursors (name VARCHAR NOT NULL, seq BIGINT NOT NULL);
  `,
    down: "",
  },
  {
    up: `
  CREATE TABLE model_changes (seq BIGINT NOT NULL, time_ms BIGINT NOT NULL, kind VARCHAR NOT NULL, version VARCHAR NOT NULL, version_before VARCHAR, who VARCHAR NOT NULL, reason VARCHAR NOT NULL);
  -- What the versions tell of the time before changes were written down: every accepted one was put to work.
  INSERT INTO model_changes
    WITH learned AS (SELECT id, created_ms, summary NOT LIKE '%"accepted":"no"%' AS accepted, rowid AS place FROM model_versions)
    SELECT row_number() OVER (ORDER BY created_ms, place), created_ms, CASE WHEN accepted THEN 'installed' ELSE 'refused' END, id,
      max_by(CASE WHEN accepted THEN id END, (created_ms, place)) OVER (ORDER BY created_ms, place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
      'learning', 'learned before changes were written down'
    FROM learned;
  `,
    down: "DROP TABLE model_changes;",
    lost: "the record of model changes",
  },
  {
    up: `
  CREATE TABLE audit (seq BIGINT NOT NULL, time_ms BIGINT NOT NULL, who VARCHAR NOT NULL, action VARCHAR NOT NULL, target VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL, address VARCHAR NOT NULL, detail VARCHAR NOT NULL);
  `,
    down: "DROP TABLE audit;",
    lost: "the record of what people did",
  },
  {
    // An hour's mean instead of its values has their lowest and highest; NULL: a value as it came.
    up: `
  ALTER TABLE telemetry ADD COLUMN low DOUBLE;
  ALTER TABLE telemetry ADD COLUMN high DOUBLE;
  `,
    down: `
  ALTER TABLE telemetry DROP COLUMN low;
  ALTER TABLE telemetry DROP COLUMN high;
  `,
    lost: "the lowest and highest values of hours that are kept as their mean",
  },
];

export const schemaVersion = migrations.length;
