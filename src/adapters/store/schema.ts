/** One entry per schema version; entry i brings a database from version i to i + 1. Never edit a published entry, add one. */
export const migrations: readonly string[] = [
  `
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
];

export const schemaVersion = migrations.length;
