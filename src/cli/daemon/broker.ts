import { randomBytes } from "node:crypto";
import { createEmbeddedBroker, type EmbeddedBroker } from "#adapters/broker/embeddedBroker";
import { createMqttBus, type MqttBus, type MqttBusOptions } from "#adapters/mqtt/mqttBus";
import { encode, topicsOf } from "#adapters/mqtt/wire";
import { withBaseTopic } from "#cli/daemon/baseTopicBus";
import type { MqttConfig, SiteConfig } from "#config/siteConfig";
import type { MessageBus } from "#domain/bus";

/** The daemon's way to MQTT: its own broker where the site has none, its own connection, and one for an embedded building. */
export interface BrokerLink {
  readonly url: string;
  /** The broker inside the daemon; null where the site has its own. */
  readonly embedded: EmbeddedBroker | null;
  readonly bus: MessageBus;
  /** A connection of the simulated building, with its own rights. */
  connectBuilding(): MessageBus;
  close(): Promise<void>;
}

export interface BrokerLinkOptions {
  readonly config: SiteConfig;
  readonly onWarning: (text: string) => void;
  /** Another client took our id: whoever that is, there must not be two controllers. */
  readonly onSessionTaken: () => void;
}

/** How to reach a site's external broker; `clientId` and what is said of trouble are the caller's. */
export const mqttOptionsOf = (mqtt: MqttConfig): Pick<MqttBusOptions, "url" | "keepaliveS" | "username" | "password" | "tls"> => ({
  url: mqtt.url!,
  keepaliveS: mqtt.keepaliveS,
  ...(mqtt.username === null ? {} : { username: mqtt.username }),
  ...(mqtt.password === null ? {} : { password: mqtt.password.reveal() }),
  ...(new URL(mqtt.url!).protocol !== "mqtts:"
    ? {}
    : {
        tls: {
          ...(mqtt.ca === null ? {} : { ca: mqtt.ca }),
          ...(mqtt.certificate === null ? {} : { cert: mqtt.certificate }),
          ...(mqtt.key === null ? {} : { key: mqtt.key.reveal() }),
          ...(mqtt.serverName === null ? {} : { servername: mqtt.serverName }),
        },
      }),
});

/** Starts the embedded broker where the site asks for one and opens the daemon's connection, with its last will. Returns before the connection is there. */
export const openBrokerLink = async ({ config, onWarning, onSessionTaken }: BrokerLinkOptions): Promise<BrokerLink> => {
  const { mqtt, site } = config;
  const root = mqtt.baseTopic;
  const status = topicsOf(site.id).status.replace(/^isotherm/, root);
  const password = randomBytes(24).toString("base64url");
  const buildingPassword = randomBytes(24).toString("base64url");
  const buildingId = `${mqtt.clientId}-building`;
  const embedded =
    mqtt.embedded === null
      ? null
      : await createEmbeddedBroker({
          port: mqtt.embedded.port,
          anonymousRead: [`${root}/#`, "building/#", "homeassistant/#"],
          users: [
            { username: "isotherm", password, read: ["#"], write: [`${root}/#`, "homeassistant/#"], clientIds: [mqtt.clientId] },
            {
              username: "building",
              password: buildingPassword,
              read: [`${root}/${site.id}/zone/+/setpoint`],
              write: [`building/${site.id}/#`],
              clientIds: [buildingId],
            },
            // Orders of a site without a broker of its own come from programs on this machine that know the site's password.
            ...(mqtt.username === null || mqtt.password === null
              ? []
              : [
                  {
                    username: mqtt.username,
                    password: mqtt.password.reveal(),
                    read: ["#"],
                    write: [
                      ...["zone/+/override", "zone/+/mode", "mode", "demand_response", "model"].map(
                        (order) => `${root}/${site.id}/${order}/set`,
                      ),
                      "building/#",
                      "sensors/#",
                    ],
                  },
                ]),
          ],
          onWarning,
        });
  const url = embedded?.url ?? mqtt.url!;
  const open = (clientId: string, own: { username: string; password: string }, more: Partial<MqttBusOptions>): MqttBus =>
    createMqttBus({
      url,
      clientId,
      keepaliveS: mqtt.keepaliveS,
      onWarning,
      ...(embedded !== null
        ? // aedes speaks 3.1.1 only: asking for 5 first would cost a refused connection.
          { protocol: "3.1.1" as const, ...own }
        : mqttOptionsOf(mqtt)),
      ...more,
    });
  const bus = open(
    mqtt.clientId,
    { username: "isotherm", password },
    { will: { topic: status, payload: encode.status(false), qos: 1, retain: true }, onSessionTaken },
  );
  const buses: MqttBus[] = [bus];
  return {
    url,
    embedded,
    bus: withBaseTopic(bus, root),
    connectBuilding: () => {
      const building = open(buildingId, { username: "building", password: buildingPassword }, {});
      buses.push(building);
      return withBaseTopic(building, root);
    },
    close: async () => {
      await Promise.all(buses.map((each) => each.close()));
      await embedded?.close();
    },
  };
};
