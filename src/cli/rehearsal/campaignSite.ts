import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { passwordOf, type SecureBroker } from "#cli/rehearsal/servers";
import type { OfficeText } from "#cli/rehearsal/siteText";

const DAY_MS = 86_400_000;
export const CAMPAIGN_SITE = "campaign";

/** The site file's parts for a campaign that begins at `firstDayMs`, with the secrets and certificates that it names beside it. */
export const campaignOffice = (options: {
  readonly folder: string;
  readonly directory: string;
  readonly firstDayMs: number;
  readonly holidayMs: number;
  readonly broker: SecureBroker;
  readonly influxUrl: string;
  readonly weatherUrl: string;
}): OfficeText => {
  const { folder, directory, firstDayMs, holidayMs, broker, influxUrl, weatherUrl } = options;
  const { ca, cert, key, servername } = broker.tls;
  for (const [file, text] of [
    ["site-ca.pem", ca],
    ["site-client.pem", cert],
    ["site-client.key", key],
    ["isotherm.password", passwordOf("isotherm")],
  ] as const)
    writeFileSync(join(folder, file), text, { mode: 0o600 });
  return {
    id: CAMPAIGN_SITE,
    directory,
    timeZone: "America/New_York",
    start: new Date(firstDayMs).toISOString().slice(5, 10),
    year: new Date(firstDayMs).getUTCFullYear(),
    historyDays: 4,
    mode: "shadow",
    sensors: "sensors",
    control: `  comfort: { week: { mon-fri: ["07:00-18:00"] }, holidays: [${new Date(Math.floor(holidayMs / DAY_MS) * DAY_MS).toISOString().slice(0, 10)}] }\n`,
    planner: "  samples: 60\n  horizon: 8\n",
    mqtt: `  url: ${broker.url}
  username: isotherm
  password: { file: isotherm.password }
  ca: site-ca.pem
  certificate: site-client.pem
  key: site-client.key
  serverName: ${servername}
`,
    more: `learning: { trainingDays: 4, minDays: 2 }
influx: { url: "${influxUrl}", database: isotherm, username: isotherm, password: { file: isotherm.password } }
forecast: { sources: [{ kind: openMeteo, url: "${weatherUrl}", requestsPerDay: 1000 }] }
`,
  };
};
