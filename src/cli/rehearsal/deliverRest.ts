import { join } from "node:path";
import { startInfluxReplicator } from "#adapters/influx/influxReplicator";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { untilTrue } from "#cli/rehearsal/broker";
import type { InfluxAccess } from "#cli/rehearsal/compareStores";

const LONGEST_MS = 120_000;
const POLL_MS = 50;
/** Decisions and alarms follow in the rounds after the last row. */
const ROUNDS_AFTER = 20;

/**
 * Delivers to InfluxDB what the embedded store held when its daemon ended, by the daemon's own replication, as its next start would: rows go every few seconds, which are hours of a quick
 * campaign. Resolves with how many rows waited.
 */
export const deliverRest = async (directory: string, influx: InfluxAccess): Promise<number> => {
  const store = await openDuckdbStore(directory, { onWarning: () => undefined });
  const cursorBefore = await store.cursor("influx");
  let lastSeq = cursorBefore;
  for (;;) {
    const rows = await store.readAfter(lastSeq, 50_000);
    if (rows.length === 0) break;
    lastSeq = rows.at(-1)!.seq;
  }
  const replicator = await startInfluxReplicator(store, {
    ...influx,
    quarantineFile: join(directory, "quarantine.jsonl"),
    onWarning: () => undefined,
    pollMs: POLL_MS,
  });
  try {
    await untilTrue("the rest in InfluxDB", LONGEST_MS, () => replicator.status().cursorSeq >= lastSeq);
    await new Promise((resolve) => setTimeout(resolve, ROUNDS_AFTER * POLL_MS));
  } finally {
    await replicator.stop();
    await store.close();
  }
  return lastSeq - cursorBefore;
};
