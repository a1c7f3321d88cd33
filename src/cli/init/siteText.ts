import { Document, isMap, isSeq, visit } from "yaml";
import type { Guess } from "#cli/init/guess";
import type { Proposal } from "#cli/init/propose";

/** How the broker is reached, as the site file says it. */
export interface BrokerSettings {
  readonly url: string;
  readonly username: string | null;
  /** File names as they stand in the site file: absolute, or from its folder. */
  readonly passwordFile: string | null;
  readonly caFile: string | null;
  readonly certificateFile: string | null;
  readonly keyFile: string | null;
  readonly serverName: string | null;
}
export interface SiteSettings {
  readonly id: string;
  readonly label: string;
  readonly timeZone: string;
  /** null: not known yet. */
  readonly place: { readonly latitudeDeg: number; readonly longitudeDeg: number } | null;
  readonly broker: BrokerSettings;
}

const pathText = (path: readonly (string | number)[]): string =>
  path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      return /^[^.[\]"'\s]+$/.test(step) ? `${index === 0 ? "" : "."}${step}` : `["${step}"]`;
    })
    .join("");

/** Battery devices report on change only: seldom heard, they live longer. */
const SLOW_S = 240;

const sensorOf = ({ leaf, unit, expression }: Guess): Record<string, string> => ({
  topic: leaf.topic,
  ...(leaf.path.length === 0 ? {} : { path: pathText(leaf.path) }),
  ...(unit === null ? {} : { unit }),
  ...(expression === null ? {} : { expression }),
  ...(leaf.intervalS !== null && leaf.intervalS < SLOW_S ? {} : { expectedInterval: "1 h", maxAge: "3 h" }),
});

const defined = (entries: Readonly<Record<string, Guess | null>>): Record<string, Record<string, string>> =>
  Object.fromEntries(Object.entries(entries).flatMap(([name, guess]) => (guess === null ? [] : [[name, sensorOf(guess)]])));

const shown = ({ leaf }: Guess): string => `${leaf.topic}${leaf.path.length === 0 ? "" : ` ${pathText(leaf.path)}`}`;

/** A site file that starts in shadow mode: measured, planned and proposed, nothing commanded. */
export function siteText({ id, label, timeZone, place, broker }: SiteSettings, proposal: Proposal): string {
  const { zones, hvacPower } = proposal;
  const severalHvac = hvacPower.length > 1;
  const points = {
    ...defined({
      "site.outdoorAirTempC": proposal.outdoorTemperature,
      "site.outdoorRelativeHumidityPct": proposal.outdoorHumidity,
      "site.globalHorizontalIrradianceWm2": proposal.irradiance,
      "site.windSpeedMps": proposal.wind,
      "building.powerW": proposal.power,
      ...(hvacPower.length === 1 ? { "building.hvacPowerW": hvacPower[0]!.guess } : {}),
    }),
    ...(severalHvac ? defined(Object.fromEntries(hvacPower.map((one) => [`${one.id}.powerW`, one.guess]))) : {}),
    ...Object.assign({}, ...zones.map((zone) => defined({ [`${zone.id}.motionCount`]: zone.motion, [`${zone.id}.co2Ppm`]: zone.co2 }))),
  };
  const document = new Document({
    site: {
      id,
      label,
      timeZone,
      latitude: place?.latitudeDeg ?? 0,
      longitude: place?.longitudeDeg ?? 0,
    },
    building: { mqtt: { expectedInterval: "5 min", maxAge: "30 min" } },
    zones: zones.map((zone) => ({
      id: zone.id,
      label: zone.label,
      sensors: defined({
        zoneAirTempC: zone.temperature,
        heatingSetpointC: zone.heatingSetpoint,
        coolingSetpointC: zone.coolingSetpoint,
        occupancyCount: zone.people,
        relativeHumidityPct: zone.humidity,
      }),
    })),
    ...(Object.keys(points).length === 0 ? {} : { points }),
    ...(severalHvac
      ? {
          derived: {
            "building.hvacPowerW": { expression: hvacPower.map((one) => `${one.id}.powerW`).join(" + "), range: ["0 kW", "1000 kW"] },
          },
        }
      : {}),
    mqtt: {
      url: broker.url,
      ...(broker.username === null ? {} : { username: broker.username }),
      ...(broker.passwordFile === null ? {} : { password: { file: broker.passwordFile } }),
      ...(broker.caFile === null ? {} : { ca: broker.caFile }),
      ...(broker.certificateFile === null ? {} : { certificate: broker.certificateFile }),
      ...(broker.keyFile === null ? {} : { key: broker.keyFile }),
      ...(broker.serverName === null ? {} : { serverName: broker.serverName }),
    },
    control: { mode: "shadow" },
  });
  // What holds only plain values fits on a line.
  visit(document, {
    Map: (_key, node) => {
      if (node.items.length > 0 && node.items.every(({ value }) => !isMap(value) && !isSeq(value)) && "topic" in node.toJSON())
        node.flow = true;
    },
  });
  const missing = [
    ...(place === null ? ["Latitude and longitude are not known: write them under site."] : []),
    ...(proposal.outdoorTemperature === null
      ? ["No outdoor temperature was found: without site.outdoorAirTempC, or forecast.sources, there is no forecast and the rule decides."]
      : []),
    ...proposal.leftOut.map(({ guess, why }) => `Left out: ${shown(guess)} (${guess.kind}): ${why}.`),
  ];
  document.commentBefore = [
    " Written by isotherm init from what was heard on the broker. Look through it: guesses may be wrong.",
    " config/sites/demo.yaml explains every option. Start with mode shadow, compare the proposals for some days, then write auto.",
    ...missing.map((line) => ` ${line.replace(/[\p{Cc}]/gu, " ").slice(0, 300)}`),
  ].join("\n");
  return document.toString({ lineWidth: 0 });
}
