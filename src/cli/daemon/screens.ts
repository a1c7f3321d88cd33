import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { openAdjustmentsFile } from "#adapters/files/adjustmentsFile";
import { createLocalSocketServer } from "#adapters/localSocket/localSocketServer";
import { createBackupKeeper } from "#cli/daemon/backupKeeper";
import { writeBackup } from "#cli/daemon/dataBackup";
import { dataSources, silentZones } from "#cli/daemon/dataSources";
import type { Ground } from "#cli/daemon/ground";
import type { Knowledge } from "#cli/daemon/knowledge";
import { createMetrics, type Metrics } from "#cli/daemon/metrics";
import { orderHandlers, orderPartsOf, overrideCarrier } from "#cli/daemon/orders";
import { daemonPeople, dashboardOrders } from "#cli/daemon/people";
import { scheduleViewOf } from "#cli/daemon/scheduleView";
import { socketHandlers } from "#cli/daemon/socketApi";
import { createStatusBoard, type StatusBoard } from "#cli/daemon/statusBoard";
import type { Traffic } from "#cli/daemon/traffic";
import { createWhatIf, type WhatIf } from "#cli/daemon/whatIf";
import { localTime } from "#config/comfort";
import { createDashboard, type DashboardOptions } from "#dashboards/server/createDashboard";
import type { DataSource } from "#dashboards/server/daemonStatus";

/** Where people and other commands look at a running daemon. */
export interface Screens {
  readonly board: StatusBoard;
  readonly metrics: Metrics;
  /** What the daemon lives on, with its age. */
  readonly sources: () => readonly DataSource[];
  readonly whatIf: WhatIf;
}

/** Opens dashboard and local socket, and says where they are. */
export const openScreens = async (ground: Ground, traffic: Traffic, knowledge: Knowledge): Promise<Screens> => {
  const { run, shutdown, zones, data, clock, nowMs } = ground;
  const { config, log, say } = run;
  const { site, control } = config;
  const { store } = data;
  const { alarms, telemetry, link, watch, supervisor, demandResponse, influx } = traffic;
  const { models, planners } = knowledge;
  const sources = () => dataSources({ config, telemetry, forecasts: knowledge.forecasts });
  const board = createStatusBoard({
    zones,
    clockKind: ground.isDemo ? "simulated" : "live",
    nowMs,
    speed: () => clock.speed,
    tickIntervalS: control.stepS,
    mode: () => supervisor.mode,
    modeOf: supervisor.modeOf,
    demandResponse: () => demandResponse.event(nowMs()),
    overrides: () => supervisor.overrides(nowMs()),
    plannerName: () => planners.current?.planner.name ?? null,
    backend: () => knowledge.usedBackend,
    modelVersion: () => knowledge.rounds?.model?.version ?? null,
    sources,
    silentZones: () => silentZones(config, telemetry, nowMs()),
    refusedCounts: telemetry.refusedCounts,
    brokerConnected: () => link.bus.connected,
    influx: influx.status,
    forecast: () => knowledge.forecasts?.status() ?? null,
    troubles: watch.troubles,
  });
  const { heartbeat } = knowledge;
  const metrics = await createMetrics(ground, traffic, knowledge, board.status, () => heartbeat.isLate);
  const runningMeanC = (atMs: number): number => knowledge.outdoorMean(atMs);
  const whatIf = createWhatIf({
    config,
    decision: () => board.decision,
    use: (work) => planners.use((inUse) => work(inUse?.planner ?? null)),
    runningMeanC,
    presence: () => knowledge.presence,
    limitMs: 2 * knowledge.budgetMs,
  });
  const orderParts = orderPartsOf(ground, traffic, knowledge, () => knowledge.decideSoon());
  const makeBackup = async (): Promise<string> => {
    const folder = join(resolve(data.path), `backup-${randomBytes(6).toString("hex")}`);
    await writeBackup({ store, directory: data.path, siteFile: config.file, site: site.id, version: run.version, folder });
    return folder;
  };
  const backups = createBackupKeeper({ make: makeBackup, site: site.id, directory: config.store.backups });
  const people = daemonPeople(data.path, store, ground.onError);
  const dashboardParts: DashboardOptions = {
    reader: store,
    site,
    status: board.status,
    models: models.view,
    forecastErrors: () => knowledge.forecasts?.errors() ?? [],
    people: people.options,
    version: run.version,
    health: { probe: () => store.probe(), isLate: () => heartbeat.isLate },
    metrics: metrics.render,
    learning: config.learning,
    schedule: () => scheduleViewOf(config, nowMs(), supervisor.overrides(nowMs()), ground.closures, runningMeanC(nowMs())),
    adjustments: openAdjustmentsFile(data.adjustmentsFile),
    orders: dashboardOrders({
      alarms,
      models: models.keeper,
      configFile: config.file,
      override: overrideCarrier(orderParts),
      handlers: orderHandlers(orderParts),
      closures: ground.closures,
      decideSoon: () => knowledge.decideSoon(),
      today: () => localTime(site.timeZone, nowMs()).date,
      whatIf: whatIf.ask,
      backups,
      nowMs,
    }),
    ...(config.dashboard.tls === null
      ? {}
      : { tls: { certificate: config.dashboard.tls.certificate, key: config.dashboard.tls.key.reveal() } }),
    host: config.dashboard.host,
    port: config.dashboard.port,
    allowedHosts: config.dashboard.allowedHosts,
    nowMs,
    log,
  };
  const dashboard = config.dashboard.enabled ? await createDashboard(dashboardParts) : null;
  if (dashboard !== null) shutdown.add("dashboard", () => dashboard.close());
  const socket = await createLocalSocketServer({
    path: data.socketPath,
    handlers: socketHandlers({
      store,
      version: run.version,
      site: site.id,
      dashboardUrl: () => dashboard?.url ?? null,
      mqttUrl: () => link.url,
      status: board.status,
      nowMs,
      models: models.keeper,
      backup: makeBackup,
    }),
    onWarning: ground.onWarning,
  });
  shutdown.add("local socket", () => socket.close());
  const moved = (wanted: number, got: number): string => (wanted !== 0 && wanted !== got ? ` (port ${wanted} is taken)` : "");
  say(
    dashboard === null
      ? "Dashboard  none (dashboard.enabled: false)"
      : `Dashboard  ${dashboard.url}${moved(config.dashboard.port, dashboard.port)}`,
  );
  say(
    `MQTT       ${link.url}${link.embedded === null ? "" : moved(config.mqtt.embedded?.port ?? 0, link.embedded.port)}, topics ${config.mqtt.baseTopic}/${site.id}/#`,
  );
  say(`Data       ${data.path}`);
  const setUp = dashboard === null ? null : await people.offer(dashboard.setupToken, dashboard.url);
  if (setUp !== null) say(setUp);
  run.host?.opened({ status: board.status, isLate: () => heartbeat.isLate, probe: () => store.probe(), metrics: metrics.rendered });
  return { board, metrics, sources, whatIf };
};
