import { type InfluxReplicator, startInfluxReplicator } from "#adapters/influx/influxReplicator";
import { influxOptionsOf } from "#cli/influxOptions";
import type { SiteConfig } from "#config/siteConfig";
import type { InfluxStatus } from "#dashboards/server/daemonStatus";
import type { EmbeddedStore } from "#domain/store";

export interface InfluxLink {
  status(): InfluxStatus;
  /** Number of the last row that InfluxDB has confirmed; undefined where there is no InfluxDB. */
  deliveredSeq(): number | undefined;
  /** Counts what is not delivered yet; up to some thousands. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

const MOST_COUNTED = 5_000;

/** The replication to InfluxDB where the site has one; it never holds anything else up. */
export const openInfluxLink = async (
  config: SiteConfig,
  store: EmbeddedStore,
  quarantineFile: string,
  report: { readonly onWarning: (text: string) => void; readonly onHealth: (healthy: boolean, text: string) => void },
): Promise<InfluxLink> => {
  const { influx } = config;
  if (influx === null)
    return {
      status: () => ({ state: "off", backlogRows: 0 }),
      deliveredSeq: () => undefined,
      refresh: async () => undefined,
      stop: async () => undefined,
    };
  const replicator: InfluxReplicator = await startInfluxReplicator(store, {
    ...influxOptionsOf(influx),
    batchRows: influx.batchPoints,
    pollMs: influx.intervalMs,
    building: config.site.id,
    quarantineFile,
    ...report,
  });
  let backlogRows = 0;
  return {
    status: () => ({
      state: replicator.status().healthy === false ? "unreachable" : backlogRows > influx.batchPoints ? "catching-up" : "delivering",
      backlogRows,
    }),
    deliveredSeq: () => replicator.status().cursorSeq,
    refresh: async () => {
      backlogRows = (await store.readAfter(replicator.status().cursorSeq, MOST_COUNTED)).length;
    },
    stop: () => replicator.stop(),
  };
};
