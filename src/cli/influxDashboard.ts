import type { InfluxOptions } from "#adapters/influx/influxClient";
import { type InfluxReader, openInfluxReader } from "#adapters/influx/influxTelemetryReader";
import { createLogger } from "#cli/daemon/logger";
import { certificatesIn, secretIn } from "#cli/givenFiles";
import { influxOptionsOf } from "#cli/influxOptions";
import { loadSiteConfig } from "#config/loadSiteConfig";
import type { SiteConfig } from "#config/siteConfig";
import { createDashboard, type Dashboard } from "#dashboards/server/createDashboard";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import { newestOf, watchedPoints } from "#dashboards/server/views";
import type { SiteInfo } from "#domain/building";
import { usageError } from "#domain/errors";
import type { Decision } from "#domain/plan";

/** Null: as the site file says, or the default. */
export interface InfluxDashboardOrder {
  readonly url: string | null;
  readonly configFile: string | null;
  readonly database: string | null;
  readonly building: string | null;
  readonly timeZone: string | null;
  readonly username: string | null;
  readonly passwordFile: string | null;
  readonly caFile: string | null;
  readonly port: number;
}

const DEFAULT_STEP_S = 900;
const LOOK_EVERY_MS = 5_000;
/** Data of another day than the machine's is a simulated site's: its newest value is its present. */
const SAME_DAY_MS = 86_400_000;
/** A decision this many steps old says that nobody decides any more. */
const FRESH_STEPS = 2;

const optionsOf = (order: InfluxDashboardOrder, config: SiteConfig | null): InfluxOptions => {
  const own = order.url === null ? (config?.influx ?? null) : null;
  if (order.url === null && own === null) throw usageError("The site file names no InfluxDB.", "Name one: --influx http://127.0.0.1:8086.");
  return {
    ...(own === null ? { url: order.url!, database: "isotherm" } : influxOptionsOf(own)),
    ...(order.database === null ? {} : { database: order.database }),
    ...(order.username === null ? {} : { username: order.username }),
    ...(order.passwordFile === null ? {} : { password: secretIn(order.passwordFile) }),
    ...(order.caFile === null ? {} : { ca: certificatesIn(order.caFile) }),
  };
};

/** Names as the zones' ids where no site file has better ones. */
const unnamedSite = async (reader: InfluxReader, id: string, timeZone: string | null): Promise<SiteInfo> => {
  const zones = await reader.zones();
  if (zones.length === 0)
    throw usageError(
      `InfluxDB has no zones of a building ${id}.`,
      "Check --database and --building: it is the site's id, as in the tag `building`.",
    );
  return {
    id,
    label: id,
    zones: zones.map((zone) => ({ id: zone, label: zone, floorAreaM2: null })),
    timeZone: timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    latitudeDeg: 0,
    longitudeDeg: 0,
    currency: "EUR",
  };
};

/** What can be told of a daemon that is only known by what it has written. */
const statusOf = (newest: Decision | null, nowMs: number, stepS: number, isSimulated: boolean): DaemonStatus => {
  const isFresh = newest !== null && nowMs - newest.timeMs <= FRESH_STEPS * stepS * 1000;
  const sentence =
    newest === null
      ? "InfluxDB holds no decision yet."
      : isFresh
        ? newest.plan.reason
        : `The newest decision in InfluxDB is of ${new Date(newest.timeMs).toISOString()}.`;
  return {
    phase: isFresh ? "controlling" : "degraded",
    progressText: sentence,
    progressFraction: null,
    mode: "auto",
    inCharge: {},
    controller: newest?.source ?? "none",
    backend: null,
    modelVersion: null,
    clock: { kind: isSimulated ? "simulated" : "live", timeMs: nowMs, speedFactor: 1 },
    lastTickMs: newest?.timeMs ?? null,
    tickIntervalS: stepS,
    sources: [],
    refusedCounts: {},
    brokerConnected: true,
    influx: { state: "off", backlogRows: 0 },
  };
};

/** Serves the dashboard from InfluxDB to this machine's browsers: nothing can be ordered, and nobody needs to log in. Rejects where InfluxDB does not answer or knows no such building. */
export const serveInfluxDashboard = async (order: InfluxDashboardOrder): Promise<Dashboard> => {
  const config = order.configFile === null ? null : loadSiteConfig(order.configFile);
  const stepS = config?.control.stepS ?? DEFAULT_STEP_S;
  const influx = optionsOf(order, config);
  const building = order.building ?? config!.site.id;
  const bare = await openInfluxReader({ ...influx, building, stepS });
  const site = config?.site ?? (await unnamedSite(bare, building, order.timeZone).finally(() => void bare.close()));
  await bare.close();
  const reader = await openInfluxReader({ ...influx, building, stepS, watch: watchedPoints(site), pollMs: LOOK_EVERY_MS });
  let newestDataMs: number | null = null;
  let newestDecision: Decision | null = null;
  const look = async (): Promise<void> => {
    const [latest, decision] = await Promise.all([reader.latest(watchedPoints(site)), reader.latestDecision()]);
    newestDataMs = newestOf(latest.values());
    newestDecision = decision;
  };
  await look();
  const log = await createLogger("warn");
  // While InfluxDB is away the age of what is shown tells of it.
  const timer = setInterval(
    () => void look().catch((error: unknown) => log.warn({ err: error }, "InfluxDB does not answer")),
    LOOK_EVERY_MS,
  );
  const isSimulated = (): boolean => newestDataMs !== null && Math.abs(newestDataMs - Date.now()) > SAME_DAY_MS;
  const nowMs = (): number => (isSimulated() ? newestDataMs! + 1 : Date.now());
  const dashboard = await createDashboard({
    reader,
    site,
    status: () => statusOf(newestDecision, nowMs(), stepS, isSimulated()),
    people: {
      store: { load: async () => ({ users: [], tokens: [] }), save: async () => undefined },
      audit: { recordAudit: async () => undefined, auditEntries: async () => [] },
    },
    nowMs,
    port: order.port,
    log,
  });
  return {
    ...dashboard,
    close: async () => {
      clearInterval(timer);
      await dashboard.close();
      await reader.close();
    },
  };
};
