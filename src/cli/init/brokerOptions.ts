import { readFileSync } from "node:fs";
import path from "node:path";
import type { MqttBusOptions } from "#adapters/mqtt/mqttBus";
import type { BrokerSettings } from "#cli/init/siteText";
import { readSecretFile } from "#config/readSecret";
import { configurationError, usageError } from "#domain/errors";

export interface BrokerArguments {
  readonly broker?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly out: string;
}

const secretIn = (file: string, manyLines: boolean): string => {
  const reading = readSecretFile(path.resolve(file), manyLines);
  if (!reading.ok) throw configurationError(reading.problem, { todo: reading.todo });
  return reading.secret.reveal();
};
const textIn = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw configurationError(`This file cannot be read (${(cause as NodeJS.ErrnoException).code}).`, {
      place: { file },
      todo: "Name a file in PEM format.",
      cause,
    });
  }
};

/** How to reach the broker now, and what the site file says of it: files are named from the site file's folder. */
export const brokerOf = (options: BrokerArguments): { readonly bus: MqttBusOptions; readonly settings: BrokerSettings } => {
  const { broker: url = "", user, passwordFile, ca, cert, key, serverName } = options;
  const isTls = url.startsWith("mqtts:");
  if (!isTls && (ca ?? cert ?? key ?? serverName) !== undefined)
    throw usageError("Certificates are given for a broker without encryption.", "Write --broker mqtts://…, or leave them out.");
  if ((cert === undefined) !== (key === undefined)) throw usageError("--cert and --key go together.", "Name both files.");
  if (passwordFile !== undefined && user === undefined) throw usageError("--password-file stands without --user.", "Name the user.");
  const folder = path.dirname(path.resolve(options.out));
  const named = (file: string | undefined): string | null => (file === undefined ? null : path.relative(folder, path.resolve(file)));
  return {
    bus: {
      url,
      clientId: `isotherm-init-${process.pid}`,
      ...(user === undefined ? {} : { username: user }),
      ...(passwordFile === undefined ? {} : { password: secretIn(passwordFile, false) }),
      ...(isTls
        ? {
            tls: {
              ...(ca === undefined ? {} : { ca: textIn(ca) }),
              ...(cert === undefined ? {} : { cert: textIn(cert) }),
              ...(key === undefined ? {} : { key: secretIn(key, true) }),
              ...(serverName === undefined ? {} : { servername: serverName }),
            },
          }
        : {}),
    },
    settings: {
      url,
      username: user ?? null,
      passwordFile: named(passwordFile),
      caFile: named(ca),
      certificateFile: named(cert),
      keyFile: named(key),
      serverName: serverName ?? null,
    },
  };
};
