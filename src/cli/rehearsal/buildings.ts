import { setMaxListeners } from "node:events";
import { createMqttBus } from "#adapters/mqtt/mqttBus";
import { createEmbeddedBuilding } from "#cli/daemon/embeddedBuilding";
import type { TimeLine } from "#cli/daemon/run";
import { createTimeLineClock } from "#cli/daemon/siteClock";
import { withDeviceLog } from "#cli/rehearsal/deviceLog";
import { loadSiteConfig } from "#config/loadSiteConfig";
import type { MessageBus } from "#domain/bus";

// Simulated buildings in a process of their own, which knows nothing of their controller but MQTT.

/** What the process is told once. `stateFile`: where a building's history ended. */
export interface BuildingsOrder {
  readonly buildings: readonly { readonly configFile: string; readonly stateFile: string }[];
  readonly timeLine: TimeLine;
  /** First level of the topics of its sensors; `building` unless set. */
  readonly sensors?: string;
  /** Where its devices write down what they are told and hold to; nowhere unless set. */
  readonly deviceLog?: string;
  readonly broker: {
    readonly url: string;
    readonly username?: string;
    readonly password?: string;
    readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string; readonly servername?: string };
  };
}

const live = ({ buildings, timeLine, broker, sensors, deviceLog }: BuildingsOrder, signal: AbortSignal): Promise<unknown> => {
  const clock = createTimeLineClock(timeLine);
  return Promise.all(
    buildings.map(async ({ configFile, stateFile }) => {
      const config = loadSiteConfig(configFile);
      if (config.building.kind !== "embedded") throw new Error(`${configFile} has no simulated building`);
      const building = createEmbeddedBuilding({
        config,
        building: config.building,
        stateFile,
        onWarning: (text) => void process.stderr.write(`${config.site.id}: ${text}\n`),
      });
      if (!building.restore()) await building.beginAt(clock.nowMs());
      const bus = createMqttBus({ ...broker, clientId: `building-${config.site.id}`, onWarning: () => undefined });
      const renamed: MessageBus =
        sensors === undefined
          ? bus
          : {
              get connected() {
                return bus.connected;
              },
              publish: (topic, payload, options) => bus.publish(topic.replace(/^building\//, `${sensors}/`), payload, options),
              subscribe: (filter, handler) => bus.subscribe(filter, handler),
              onConnection: (handler) => bus.onConnection(handler),
              close: () => bus.close(),
            };
      await building.live(deviceLog === undefined ? renamed : withDeviceLog(renamed, deviceLog, clock), clock, signal);
      await bus.close();
    }),
  );
};

const ending = new AbortController();
// Every building listens for the end.
setMaxListeners(0, ending.signal);
process.on("SIGTERM", () => ending.abort());
process.on("disconnect", () => process.exit(0));
process.once("message", (order: BuildingsOrder) => {
  live(order, ending.signal).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(70);
    },
  );
});
