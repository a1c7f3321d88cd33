import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createMqttBus, type MqttBus, type MqttWill } from "#adapters/mqtt/mqttBus";
import { configurationError } from "#domain/errors";

export interface FederateBusArguments {
  readonly broker: string;
  readonly federation: string;
  readonly username?: string;
  readonly ca?: string;
}

/** A local step may hold the event loop for a while; the broker shall not take that for a lost connection. */
const KEEPALIVE_S = 60;

/** The connection of one process of a federation; troubles go to `say`. */
export const federateBus = (options: FederateBusArguments, role: string, say: (line: string) => void, will?: MqttWill): MqttBus => {
  const password = process.env.ISOTHERM_MQTT_PASSWORD;
  return createMqttBus({
    url: options.broker,
    clientId: `isotherm-${role.slice(0, 40)}-${randomBytes(4).toString("hex")}`,
    keepaliveS: KEEPALIVE_S,
    onWarning: say,
    ...(options.username === undefined ? {} : { username: options.username, ...(password === undefined ? {} : { password }) }),
    ...(options.ca === undefined ? {} : { tls: { ca: certificate(options.ca) } }),
    ...(will === undefined ? {} : { will }),
  });
};

const certificate = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw configurationError("This certificate cannot be read.", { place: { file }, todo: "Give a PEM file with --ca.", cause });
  }
};

/** An id as it stands in topics and file names. */
export const checkedId = (option: string, id: string): string => {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(id)) return id;
  throw configurationError(`${option} "${id.slice(0, 80)}" is not an id.`, { todo: "Use at most 64 of a-z A-Z 0-9 _ -." });
};
