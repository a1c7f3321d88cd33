import { createCronTicks } from "#adapters/clocks/cronTicks";
import { openAdjustmentsFile } from "#adapters/files/adjustmentsFile";
import { createRequestJournal } from "#adapters/files/requestJournal";
import { createLocalSocketServer } from "#adapters/localSocket/localSocketServer";
import { listenForCommands } from "#adapters/mqtt/commands";
import { watchForeignSetpoints } from "#adapters/mqtt/foreignSetpoints";
import { createPublisher } from "#adapters/mqtt/publisher";
import { topicsOf } from "#adapters/mqtt/wire";
import { announceSite } from "#cli/daemon/announceSite";
import { createBillingPeak } from "#cli/daemon/billingPeak";
import { openBrokerLink } from "#cli/daemon/broker";
import { createControlRunner } from "#cli/daemon/controlRunner";
import { controlSiteOf, toLocalMsOf } from "#cli/daemon/controlSite";
import { openDataDirectory } from "#cli/daemon/dataDirectory";
import { dataSources } from "#cli/daemon/dataSources";
import { keepDemandResponseFile, readDemandResponseFile } from "#cli/daemon/demandResponseFile";
import type { EmbeddedBuilding } from "#cli/daemon/embeddedBuilding";
import { createForecasts } from "#cli/daemon/forecasts";
import { createMemoryReturn } from "#cli/daemon/freedMemory";
import { openInfluxLink } from "#cli/daemon/influxLink";
import { controllingText, createLearningRounds, type LearningRounds } from "#cli/daemon/learningRounds";
import { createModelService } from "#cli/daemon/modelService";
import { openBuilding } from "#cli/daemon/openBuilding";
import { type OrderParts, orderHandlers, overrideCarrier } from "#cli/daemon/orders";
import { createOutdoorMean } from "#cli/daemon/outdoorMean";
import { daemonPeople, dashboardOrders } from "#cli/daemon/people";
import { createSitePlanner, requestDirectory } from "#cli/daemon/plannerFactory";
import { mappingsOf } from "#cli/daemon/pointMappings";
import { createDecisionTopics, createOutlet, publishMeter, zoneStateOf } from "#cli/daemon/publishing";
import { loadHistory } from "#cli/daemon/rowHistory";
import type { DaemonRun } from "#cli/daemon/run";
import { scheduleViewOf } from "#cli/daemon/scheduleView";
import { Shutdown } from "#cli/daemon/shutdown";
import { createDemoClock, createLiveSiteClock } from "#cli/daemon/siteClock";
import { openSiteLease } from "#cli/daemon/siteLease";
import { createSiteTariff } from "#cli/daemon/siteTariff";
import { socketHandlers } from "#cli/daemon/socketApi";
import { createStatusBoard } from "#cli/daemon/statusBoard";
import { createStoreWriter } from "#cli/daemon/storeWriter";
import { keepSupervisorFile, readSupervisorFile } from "#cli/daemon/supervisorFile";
import { createTelemetry } from "#cli/daemon/telemetry";
import { createWatch } from "#cli/daemon/watch";
import { createWhatIf } from "#cli/daemon/whatIf";
import { createDashboard, type Dashboard } from "#dashboards/server/createDashboard";
import { type PointName, zonePoint } from "#domain/points";
import { createAlarmBoard } from "#loop/alarmBoard";
import { createControlCycle } from "#loop/controlCycle";
import type { TariffOutlook } from "#loop/cycleParts";
import { createDemandResponse } from "#loop/demandResponse";
import { createHistoryBuffer } from "#loop/historyBuffer";
import { createPlannerSlot } from "#loop/plannerSlot";
import { type Acknowledgement, createReadBack, notFollowedAlarm, reportedSetpoints } from "#loop/readBack";
import { createRegretMonitor } from "#loop/regretMonitor";
import { runLoop } from "#loop/runLoop";
import { createSupervisor } from "#loop/supervisor";

const MINUTE_MS = 60_000;
/** What decisions were made from is large, and asked for within days. */
const REQUESTS_KEPT_DAYS = 14;
const DAY_MS = 86_400_000;
/** How often freed memory goes back to the system, real time. */
const MEMORY_RETURN_MS = 5_000;
/** How long a decision waits for the last minute's values of the simulated building, real time. */
const CATCH_UP_MS = 3_000;
/** At the start: values of this age count as the zones' present ones, and so long the first decision waits for them in real time. */
const FRESH_MS = 5 * MINUTE_MS;
const FIRST_VALUES_MS = 60_000;
/** Shares of a control step, in real time, that a decision may take: beyond the first the best plan so far counts, beyond the second the rule. */
const BUDGET_SHARE = 0.35;
const DEADLINE_SHARE = 0.8;

/** Runs the daemon of one site until the signal aborts, and closes everything again. Rejects with an `IsothermError` where it cannot start. */
export const runDaemon = async (run: DaemonRun): Promise<void> => {
  const shutdown = new Shutdown();
  try {
    await startAndWait(run, shutdown);
  } catch (error) {
    // Told to end while it was still starting: that is an end like any other.
    if (!run.signal.aborted) throw error;
  } finally {
    await shutdown.run((name, error) => run.log.error({ err: error }, `closing: ${name}`));
  }
};

const startAndWait = async (run: DaemonRun, shutdown: Shutdown): Promise<void> => {
  const { config, log, say, signal } = run;
  const { site, control } = config;
  const zones = config.zones.map(({ id }) => id);
  const isDemo = config.building.kind === "embedded";
  const onWarning = (text: string): void => log.warn(text);
  const onError = (error: unknown): void => log.error({ err: error }, error instanceof Error ? error.message : String(error));
  for (const warning of config.warnings) log.warn(warning);

  const data = await openDataDirectory(config.store.directory, onWarning);
  const { store } = data;
  shutdown.add("store", () => store.close(), 2_000);
  const mappings = mappingsOf(config);
  const points: PointName[] = [...mappings.map(({ point }) => point), ...config.derived.map(({ point }) => point)];
  const stored = [...(await store.latest(points)).values()];
  const newestStoredMs = Math.max(...stored.map(({ timeMs }) => timeMs), Number.NEGATIVE_INFINITY);
  const clock =
    config.building.kind === "embedded"
      ? createDemoClock(
          Number.isFinite(newestStoredMs) ? newestStoredMs : Date.parse(`${config.building.year}-${config.building.start}T00:00:00Z`),
          run.speed,
        )
      : createLiveSiteClock();
  const nowMs = (): number => clock.nowMs();
  const stepRealMs = (control.stepS * 1_000) / clock.speed;

  // ---- what comes in and what goes out
  const alarms = createAlarmBoard({
    store,
    onError,
    initial: (await store.alarms(nowMs())).filter(({ clearedMs }) => clearedMs === null),
  });
  const ending = new AbortController();
  const writer = createStoreWriter({ store, onHealth: (error) => watch.storeHealth(error), signal: ending.signal });
  shutdown.add("measurements", () => writer.settled(), 1_500);
  const telemetry = createTelemetry({
    mappings,
    derived: config.derived,
    zones,
    stepS: control.stepS,
    clock,
    futureToleranceS: config.building.kind === "mqtt" ? config.building.futureToleranceS : 60,
    writer,
    onLog: onWarning,
  });
  const link = await openBrokerLink({ config, onWarning, onSessionTaken: () => watch.sessionTaken() });
  shutdown.add("broker", () => link.close());
  const watch = createWatch({
    alarms,
    intake: telemetry.intake,
    nowMs,
    brokerConnected: () => link.bus.connected,
    brokerUrl: link.url,
  });
  const initial = readSupervisorFile(data.supervisorFile, control.mode, onWarning);
  const lease = openSiteLease({
    bus: link.bus,
    embedded: link.embedded !== null,
    building: site.id,
    instance: data.instance,
    epoch: data.epoch,
    leaseS: control.leaseS,
    onWarning,
  });
  shutdown.add("lease", () => lease.release(), 1_000);
  // What goes out; a daemon that stands by says nothing.
  const { bus } = lease;
  const publisher = createPublisher({
    bus,
    clock,
    building: site.id,
    version: run.version,
    clockSpeed: clock.speed,
    mode: initial.mode ?? control.mode,
    onWarning,
  });
  shutdown.add("publisher", () => publisher.close());
  const supervisor = createSupervisor({
    zones,
    outlet: createOutlet(publisher, bus),
    epoch: data.epoch,
    commandValidityS: control.commandValidityS,
    initial,
  });
  shutdown.add("overrides", keepSupervisorFile(data.supervisorFile, control.mode, supervisor, onError));
  const demandResponse = createDemandResponse(readDemandResponseFile(data.demandResponseFile, onWarning));
  shutdown.add("demand response", keepDemandResponseFile(data.demandResponseFile, demandResponse, onError));
  demandResponse.onChange((event) => publisher.publishDemandResponse(event));
  publisher.publishDemandResponse(demandResponse.event(nowMs()));
  const decisionTopics = createDecisionTopics(bus, publisher, site.id);
  shutdown.add("plans", () => decisionTopics.close());
  for (const alarm of alarms.active()) publisher.publishAlarm(alarm, alarm.acknowledged !== undefined);
  store.onChange((change) => {
    if (change.kind === "alarm") publisher.publishAlarm(change.alarm, change.alarm.acknowledged !== undefined);
  });
  const influx = await openInfluxLink(config, store, data.quarantineFile, {
    onWarning,
    onHealth: (healthy, text) => watch.influx(healthy, text),
  });
  shutdown.add("InfluxDB", () => influx.stop());

  const tariff = await createSiteTariff({ config, toLocalMs: toLocalMsOf(config), nowMs, alarms, onError, signal: ending.signal });
  const comingSteps = (): Float64Array => {
    const stepMs = control.stepS * 1_000;
    return Float64Array.from({ length: config.planner.horizonSteps }, (_, t) => (Math.floor(nowMs() / stepMs) + t + 1) * stepMs);
  };

  // ---- what is known of itself
  const historyRows = Math.ceil(((Math.max(config.learning.trainingDays, 7) + 1) * 86_400) / control.stepS);
  const history = createHistoryBuffer({ stepS: control.stepS, maxRows: historyRows });
  const planners = createPlannerSlot({ onError });
  shutdown.add("planner", () => planners.close());
  const budgetMs = Math.min(config.planner.budgetMs, BUDGET_SHARE * stepRealMs);
  let rounds: LearningRounds | null = null;
  let usedBackend: string | null = null;
  let forecasts: ReturnType<typeof createForecasts> | null = null;
  const sources = () => dataSources({ config, telemetry, forecasts });
  const models = createModelService({
    config,
    store,
    alarms,
    history,
    nowMs,
    write: (rows) => writer.write(rows),
    onEvent: (event) => publisher.publishEvent(event),
    log,
    onError,
    rounds: () => rounds,
  });
  const board = createStatusBoard({
    zones,
    clockKind: isDemo ? "simulated" : "live",
    nowMs,
    speed: () => clock.speed,
    tickIntervalS: control.stepS,
    mode: () => supervisor.mode,
    modeOf: supervisor.modeOf,
    demandResponse: () => demandResponse.event(nowMs()),
    overrides: () => supervisor.overrides(nowMs()),
    plannerName: () => planners.current?.planner.name ?? null,
    backend: () => usedBackend,
    modelVersion: () => rounds?.model?.version ?? null,
    sources,
    refusedCounts: telemetry.refusedCounts,
    brokerConnected: () => link.bus.connected,
    influx: influx.status,
    troubles: watch.troubles,
  });
  const isAdaptive = config.zones.some(({ comfort }) => comfort.adaptive !== null);
  const outdoorMean = isAdaptive ? createOutdoorMean(history, toLocalMsOf(config)) : () => Number.NaN;
  const whatIf = createWhatIf({
    config,
    decision: () => board.decision,
    use: (work) => planners.use((inUse) => work(inUse?.planner ?? null)),
    runningMeanC: outdoorMean,
    limitMs: 2 * budgetMs,
  });
  let decideSoon: () => void = () => undefined;
  const orderParts: OrderParts = {
    config,
    clock,
    supervisor,
    publisher,
    demandResponse,
    current: (zone) => supervisor.inForce(nowMs()).get(zone) ?? null,
    decideSoon: () => decideSoon(),
    say: (text) => log.info(text),
  };
  const people = daemonPeople(data.path, store, onError);
  const dashboard: Dashboard = await createDashboard({
    reader: store,
    site,
    status: board.status,
    models: models.view,
    people: people.options,
    version: run.version,
    learning: config.learning,
    schedule: () => scheduleViewOf(config, nowMs(), supervisor.overrides(nowMs()), outdoorMean(nowMs())),
    adjustments: openAdjustmentsFile(data.adjustmentsFile),
    orders: dashboardOrders({
      alarms,
      models: models.keeper,
      configFile: config.file,
      override: (zone, command) => overrideCarrier(orderParts)(zone, command),
      whatIf: whatIf.ask,
    }),
    ...(config.dashboard.tls === null
      ? {}
      : { tls: { certificate: config.dashboard.tls.certificate, key: config.dashboard.tls.key.reveal() } }),
    host: config.dashboard.host,
    port: config.dashboard.port,
    allowedHosts: config.dashboard.allowedHosts,
    nowMs,
    log,
  });
  shutdown.add("dashboard", () => dashboard.close());
  const socket = await createLocalSocketServer({
    path: data.socketPath,
    handlers: socketHandlers({
      store,
      version: run.version,
      site: site.id,
      dashboardUrl: () => dashboard.url,
      mqttUrl: () => link.url,
      status: board.status,
      nowMs,
      models: models.keeper,
    }),
    onWarning,
  });
  shutdown.add("local socket", () => socket.close());
  const moved = (wanted: number, got: number): string => (wanted !== 0 && wanted !== got ? ` (port ${wanted} is taken)` : "");
  say(`Dashboard  ${dashboard.url}${moved(config.dashboard.port, dashboard.port)}`);
  say(
    `MQTT       ${link.url}${link.embedded === null ? "" : moved(config.mqtt.embedded?.port ?? 0, link.embedded.port)}, topics ${config.mqtt.baseTopic}/${site.id}/#`,
  );
  say(`Data       ${data.path}`);
  const setUp = await people.offer(dashboard.setupToken, dashboard.url);
  if (setUp !== null) say(setUp);

  // ---- the building and its past
  let building: EmbeddedBuilding | null = null;
  if (config.building.kind === "embedded") {
    building = await openBuilding({
      run,
      config: config.building,
      stateFile: data.buildingStateFile,
      newestStoredMs,
      progress: (text, fraction, timeMs) => {
        board.progress("simulating-history", text, fraction);
        if (Number.isFinite(timeMs)) clock.showMs(timeMs);
      },
      append: (rows) => store.append(rows),
    });
    clock.showMs(building.timeMs);
  }
  await loadHistory(history, store, points, nowMs() - control.stepS * 1_000 * historyRows, nowMs());
  telemetry.seed(stored, nowMs());
  const peak = createBillingPeak({ config, toLocalMs: toLocalMsOf(config), store, history });
  await peak.load(nowMs());
  store.onChange(peak.take);
  signal.throwIfAborted();

  // ---- time runs
  forecasts = createForecasts(config, history, building?.plant.weather ?? null, onWarning);
  const background: Promise<unknown>[] = [];
  const inBackground = (name: string, work: Promise<unknown>): void => {
    background.push(work.catch((error: unknown) => (ending.signal.aborted ? undefined : log.error({ err: error }, `${name} ended`))));
  };
  const subscribe = (name: string, subscribing: Promise<() => Promise<void>>): void => inBackground(name, subscribing);
  if (building !== null) {
    const living = new AbortController();
    const buildingBus = link.connectBuilding();
    clock.run(building.timeMs);
    const life = building.live(buildingBus, clock, living.signal);
    life.catch(onError);
    shutdown.add("building", async () => {
      living.abort();
      await life;
    });
    say(`Time       the office lives ${run.speed} times as fast as you (--speed)`);
    if (budgetMs < config.planner.budgetMs)
      say(
        `Planning   at this speed a decision has ${(budgetMs / 1_000).toFixed(2)} s: it draws fewer than ${config.planner.numSamples} sequences where they do not fit`,
      );
  }
  subscribe("the subscription to the sensors", telemetry.connect(link.bus));

  const journal = createRequestJournal(requestDirectory(config));
  const own = controlSiteOf(config, Math.min(config.planner.deadlineMs, DEADLINE_SHARE * stepRealMs), tariff, peak, outdoorMean);
  const respondingTariff = (outlook: TariffOutlook, stepEndMs: Float64Array): TariffOutlook => ({
    ...outlook,
    energyPricePerKwh: demandResponse.prices(stepEndMs, control.stepS, outlook.energyPricePerKwh, nowMs()),
  });
  const decide = createControlCycle({
    site: {
      ...own,
      pricePerKwh: (stepEndMs) => demandResponse.prices(stepEndMs, control.stepS, own.pricePerKwh(stepEndMs), nowMs()),
      // The record tells what energy costs meanwhile, too.
      ...(own.tariff === undefined ? {} : { tariff: (stepEndMs) => respondingTariff(own.tariff!(stepEndMs), stepEndMs) }),
      demandCharge: (atMs, stepEndMs) => demandResponse.charge(own.demandCharge?.(atMs, stepEndMs) ?? null, atMs),
    },
    clock,
    plant: {
      observe: async () => {
        const tickMs = nowMs();
        if (isDemo) await telemetry.caughtUp(Math.floor(tickMs / MINUTE_MS) * MINUTE_MS, CATCH_UP_MS);
        return telemetry.observe(tickMs);
      },
    },
    forecasts,
    planners,
    supervisor,
    history,
    decisions: store,
    alarms,
    monitor: models.monitor,
    regret: createRegretMonitor(),
    keepRequest: (id, request) => {
      whatIf.remember(id, request);
      void journal.keep(id, request).catch(onError);
    },
    onError,
  });
  const runner = createControlRunner({
    cycle: (aborted) => {
      // A question about another plan waits; a decision does not.
      whatIf.yieldToControl();
      return decide(aborted);
    },
    onDecision: (decision) => {
      board.decided(decision);
      const { numSamples, backend, adapter } = decision.plan.diagnostics;
      if (numSamples > 0) usedBackend = adapter === undefined ? backend : `${backend} (${adapter})`;
      watch.decided(decision);
      peak.decided(decision);
      decisionTopics.publish(decision);
      publishStates();
      if (rounds?.model || !rounds?.isLearning) board.progress("controlling", controllingText(decision), null);
      log.info(
        {
          decision: decision.id,
          source: decision.source,
          solveMs: Math.round(decision.plan.diagnostics.solveMs),
          samples: decision.plan.diagnostics.numSamples,
          envelope: decision.envelopeChanges.length,
        },
        decision.plan.reason,
      );
    },
  });
  decideSoon = (): void => void runner.run(ending.signal).catch((error: unknown) => !ending.signal.aborted && onError(error));

  const readBack = createReadBack(zones, control.readBack);
  let acknowledged: ReadonlyMap<string, Acknowledgement> = new Map();
  const checkReadBack = async (): Promise<void> => {
    const atMs = nowMs();
    const { zones: states, late } = readBack.look(supervisor.inForce(atMs), reportedSetpoints(zones, telemetry.latest(atMs)), atMs);
    acknowledged = states;
    for (const zone of zones) await alarms.set(late.has(zone), notFollowedAlarm(zone), atMs);
  };
  const publishStates = (): void => {
    const atMs = nowMs();
    const latest = telemetry.latest(atMs);
    const status = board.status();
    for (const zone of zones) {
      const source = status.inCharge[zone]?.source ?? "relinquish";
      const acknowledgement = acknowledged.get(zone) ?? "silent";
      const standing = alarms.active().filter((alarm) => alarm.zone === zone).length;
      publisher.publishZoneState(
        zone,
        zoneStateOf(config, {
          zone,
          nowMs: atMs,
          latest,
          decision: board.decision,
          source,
          acknowledgement,
          alarms: standing,
          mode: supervisor.modeOf(zone),
          runningMeanC: outdoorMean(atMs),
        }),
      );
      publisher.publishAvailability(zone, latest.values.has(zonePoint(zone, "zoneAirTempC")));
    }
    publishMeter(tariff, publisher, atMs, latest);
  };

  // ---- learning
  rounds = createLearningRounds({
    config,
    clock,
    dataset: () => history.dataset((history.newestMs ?? nowMs()) - config.learning.trainingDays * DAY_MS),
    versions: store,
    board,
    watch,
    log,
    say,
    signal: ending.signal,
    install: (next, coming) => {
      planners.swap({ planner: createSitePlanner(config, next, budgetMs), modelVersion: next.version });
      models.inUse(next, coming);
    },
    record: models.record,
    inTurn: models.keeper.inTurn,
    onInstalled: decideSoon,
    onWarning,
    onError,
  });
  const { learn } = rounds;
  const atNight = async (): Promise<void> => {
    await journal.forgetBefore(nowMs() - REQUESTS_KEPT_DAYS * DAY_MS).catch(onError);
    await store.forgetBefore(nowMs() - config.store.retentionS * 1_000, influx.deliveredSeq()).catch(onError);
    await learn();
  };
  await rounds.restore();

  // ---- orders of people
  subscribe(
    "the subscription to orders",
    listenForCommands({
      bus,
      building: site.id,
      zones,
      handlers: orderHandlers(orderParts),
      onDropped: (why, topic) => log.warn({ topic, why }, "an order was not carried out"),
    }),
  );
  subscribe(
    "the watch on foreign setpoints",
    watchForeignSetpoints({
      bus,
      building: site.id,
      publisher,
      nowMs,
      onForeign: ({ zone, overrules }) => watch.foreignSetpoint(zone, overrules),
    }),
  );
  subscribe(
    "the watch on our status",
    // A daemon that stood by and was killed leaves its last will where we say that we are there.
    link.bus.subscribe(topicsOf(site.id).status, ({ payload }) => {
      if (payload === "offline" && bus.connected && !ending.signal.aborted) publisher.sayOnline();
    }),
  );
  inBackground("Home Assistant's discovery", announceSite(run, data.announcedFile, bus));

  lease.guide(supervisor, {
    onCommands: () => {
      watch.standsBy(null);
      say(`Control    this daemon is in charge of the building, mode ${supervisor.mode}`);
      publishStates();
      if (board.decision !== null) decideSoon();
    },
    onStandsBy: (other) => {
      publisher.forgetSetpoints();
      watch.standsBy(other);
      say(`Control    another isotherm (${other}) commands the building: this one stands by in shadow mode`);
    },
  });

  // ---- the loops
  const firstDecision = async (): Promise<void> => {
    await telemetry.caughtUp(nowMs() - FRESH_MS, isDemo ? 3_000 : FIRST_VALUES_MS);
    // Without any temperature the next tick is early enough to command anything.
    const { values } = telemetry.latest(nowMs());
    if (!ending.signal.aborted && zones.some((zone) => values.has(zonePoint(zone, "zoneAirTempC")))) await runner.run(ending.signal);
  };
  inBackground("the first decision", firstDecision());
  if (rounds.model === null) inBackground("learning", learn());
  else board.progress("controlling", "Controlling", null);
  const ticks = createCronTicks(control.schedule);
  inBackground(
    "the control loop",
    runLoop({
      clock,
      nextTickMs: (afterMs) => ticks.nextTickMs(afterMs),
      onTick: (_tick, aborted) => runner.run(aborted),
      signal: ending.signal,
      onSkipped: (count) => log.warn({ skipped: count }, "control ticks came while a decision was still under way and were dropped"),
      onError,
      graceMs: 300,
    }),
  );
  const nights = createCronTicks(config.learning.schedule);
  inBackground(
    "nightly learning",
    runLoop({ clock, nextTickMs: (afterMs) => nights.nextTickMs(afterMs), onTick: atNight, signal: ending.signal, onError, graceMs: 300 }),
  );
  const refreshTariff = async (): Promise<void> => {
    await tariff.refresh();
    if (!ending.signal.aborted) await tariff.check(comingSteps());
  };
  void refreshTariff().catch(onError);
  const everyMinute = async (): Promise<void> => {
    await watch.check();
    await checkReadBack();
    // In its own time: a feed that does not answer holds nothing up.
    void refreshTariff().catch(onError);
    await influx.refresh().catch(onError);
    publishStates();
    const atMs = nowMs();
    publisher.publishHealth({
      uptimeS: process.uptime(),
      rssMb: process.memoryUsage.rss() / 1e6,
      lastTickMs: board.decision?.timeMs ?? null,
      lastSolveMs: board.decision?.plan.diagnostics.solveMs ?? null,
      alarms: alarms.active().length,
      sourceAgeS: Object.fromEntries(
        sources().map(({ name, lastSeenMs }) => [name, lastSeenMs === null ? null : (atMs - lastSeenMs) / 1_000]),
      ),
    });
  };
  const minutes = setInterval(() => void everyMinute().catch(onError), Math.max(1_000, MINUTE_MS / clock.speed));

  const returnMemory = await createMemoryReturn().catch((error: unknown) => {
    onError(error);
    return null;
  });
  const returning = returnMemory === null ? undefined : setInterval(returnMemory, MEMORY_RETURN_MS);

  // ---- until the end
  shutdown.add(
    "giving the zones back",
    async () => {
      clearInterval(minutes);
      clearInterval(returning);
      ending.abort();
      if (board.decision !== null) await supervisor.relinquish(nowMs());
    },
    2_000,
  );
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  say("Stopping: the zones go back to the building's own control.");
};
