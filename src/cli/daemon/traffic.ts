import { freeBytes } from "#adapters/files/diskSpace";
import { createPublisher, type Publisher } from "#adapters/mqtt/publisher";
import { type BrokerLink, openBrokerLink } from "#cli/daemon/broker";
import { keepDemandResponseFile, readDemandResponseFile } from "#cli/daemon/demandResponseFile";
import type { Ground } from "#cli/daemon/ground";
import { type InfluxLink, openInfluxLink } from "#cli/daemon/influxLink";
import { createDecisionTopics, createOutlet, type DecisionTopics } from "#cli/daemon/publishing";
import { openSiteLease, type SiteLease } from "#cli/daemon/siteLease";
import { createStoreWriter, type StoreWriter } from "#cli/daemon/storeWriter";
import { keepSupervisorFile, readSupervisorFile } from "#cli/daemon/supervisorFile";
import { createTelemetry, type Telemetry } from "#cli/daemon/telemetry";
import { createWatch, type Watch } from "#cli/daemon/watch";
import type { MessageBus } from "#domain/bus";
import { type AlarmBoard, createAlarmBoard } from "#loop/alarmBoard";
import { createClockWatch } from "#loop/clockWatch";
import { createDemandResponse, type DemandResponse } from "#loop/demandResponse";
import { createSupervisor, type Supervisor } from "#loop/supervisor";

/** What comes into a daemon and what goes out of it. */
export interface Traffic {
  readonly alarms: AlarmBoard;
  readonly writer: StoreWriter;
  readonly telemetry: Telemetry;
  readonly link: BrokerLink;
  readonly watch: Watch;
  readonly lease: SiteLease;
  /** For what goes out; a daemon that stands by says nothing on it. */
  readonly bus: MessageBus;
  readonly publisher: Publisher;
  readonly supervisor: Supervisor;
  readonly demandResponse: DemandResponse;
  readonly decisionTopics: DecisionTopics;
  readonly influx: InfluxLink;
}

/** Opens broker, store writer and replication, and puts the supervisor between what is decided and what is sent. */
export const openTraffic = async (ground: Ground): Promise<Traffic> => {
  const { run, shutdown, zones, data, clock, nowMs, onWarning, onError } = ground;
  const { config } = run;
  const { site, control } = config;
  const { store } = data;
  const alarms = createAlarmBoard({
    store,
    onError,
    initial: (await store.alarms(nowMs())).filter(({ clearedMs }) => clearedMs === null),
  });
  const writer = createStoreWriter({ store, onHealth: (error) => watch.storeHealth(error), signal: ground.ending.signal });
  shutdown.add("measurements", () => writer.settled(), 1_500);
  const telemetry = createTelemetry({
    mappings: ground.mappings,
    derived: config.derived,
    zones,
    stepS: control.stepS,
    phaseS: control.phaseS,
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
    freeBytes: () => freeBytes(data.path),
    clock: clock.kind === "live" ? createClockWatch({ wallMs: () => Date.now(), monotonicMs: () => performance.now() }) : null,
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
  return { alarms, writer, telemetry, link, watch, lease, bus, publisher, supervisor, demandResponse, decisionTopics, influx };
};
