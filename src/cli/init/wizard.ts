import { existsSync } from "node:fs";
import path from "node:path";
import { createMqttBus, type MqttBusOptions } from "#adapters/mqtt/mqttBus";
import type { Guess } from "#cli/init/guess";
import { createLeafCollector, type Leaf } from "#cli/init/leaves";
import { type Proposal, type ProposedZone, proposeSite } from "#cli/init/propose";
import { type SiteSettings, siteText } from "#cli/init/siteText";
import { writeOutput } from "#cli/outputFile";
import { parseSiteConfig } from "#config/loadSiteConfig";
import { configurationError, unavailableError, usageError } from "#domain/errors";
import { ID_PATTERN } from "#domain/points";

export interface WizardOptions {
  readonly bus: MqttBusOptions;
  readonly filter: string;
  readonly listenMs: number;
  readonly out: string;
  readonly force: boolean;
  readonly settings: SiteSettings;
  /** Answers a question; the empty answer takes what is proposed. null: everything is taken as proposed. */
  readonly ask: ((question: string, proposed: string) => Promise<string>) | null;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly progress: (line: string) => void;
}

const CONNECT_MS = 10_000;

/** Everything that is heard on a broker for a while, stored messages included. */
export const listen = async ({
  bus: options,
  filter,
  listenMs,
  signal,
  progress,
}: Pick<WizardOptions, "bus" | "filter" | "listenMs" | "signal" | "progress">): Promise<readonly Leaf[]> => {
  const troubles: string[] = [];
  const bus = createMqttBus({ ...options, onWarning: (text) => void troubles.push(text) });
  const collector = createLeafCollector();
  try {
    const connected = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), CONNECT_MS);
      bus.onConnection((is) => {
        if (!is) return;
        clearTimeout(timer);
        resolve(true);
      });
    });
    if (!connected)
      throw unavailableError(troubles.at(-1) ?? `${options.url} does not answer.`, {
        todo: "Start the broker, or check address, user, password, certificates and network.",
      });
    await bus.subscribe(filter, (message) => collector.take(message, performance.now()));
    const endMs = performance.now() + listenMs;
    while (performance.now() < endMs) {
      signal.throwIfAborted();
      progress(`Listening: ${collector.topics} topics, ${Math.ceil((endMs - performance.now()) / 1000)} s to go`);
      await new Promise((resolve) => setTimeout(resolve, Math.min(500, Math.max(1, endMs - performance.now()))));
    }
    return collector.leaves();
  } finally {
    await bus.close();
  }
};

const newest = ({ leaf }: Guess): string => `${Number((leaf.values.at(-1) ?? Number.NaN).toPrecision(4))}`;
const where = ({ leaf }: Guess): string => `${leaf.topic}${leaf.path.length === 0 ? "" : ` ${leaf.path.join(".")}`}`;

/** A zone and what it was made of, for a person to judge. */
export const describeZone = (zone: ProposedZone): string => {
  const parts: readonly (readonly [string, Guess | null])[] = [
    ["temperature", zone.temperature],
    ["heating setpoint", zone.heatingSetpoint],
    ["cooling setpoint", zone.coolingSetpoint],
    ["humidity", zone.humidity],
    ["people", zone.people],
    ["motion", zone.motion],
    ["CO2", zone.co2],
  ];
  return [
    `Zone ${zone.id}`,
    ...parts.flatMap(([what, guess]) =>
      guess === null ? [] : [`  ${what.padEnd(17)} ${newest(guess).padStart(7)} ${guess.unit ?? ""}  ${where(guess)}`.trimEnd()],
    ),
  ].join("\n");
};

const askZones = async (
  zones: readonly ProposedZone[],
  ask: NonNullable<WizardOptions["ask"]>,
  say: (line: string) => void,
): Promise<readonly ProposedZone[]> => {
  const kept: ProposedZone[] = [];
  for (const zone of zones) {
    say(describeZone(zone));
    for (;;) {
      const answer = (await ask("  Its id (- leaves it out)", zone.id)).trim() || zone.id;
      if (answer === "-") break;
      if (!ID_PATTERN.test(answer) || ["site", "building"].includes(answer) || kept.some(({ id }) => id === answer)) {
        say(`  "${answer}" cannot be its id: letters, digits, - and _, and each zone its own.`);
        continue;
      }
      kept.push({ ...zone, id: answer, label: answer === zone.id ? zone.label : answer });
      break;
    }
  }
  return kept;
};

const askSettings = async (
  settings: SiteSettings,
  ask: NonNullable<WizardOptions["ask"]>,
  say: (line: string) => void,
): Promise<SiteSettings> => {
  const id = (await ask("Id of the site", settings.id)).trim() || settings.id;
  const label = (await ask("Name of the site", settings.label)).trim() || settings.label;
  const timeZone = (await ask("Time zone", settings.timeZone)).trim() || settings.timeZone;
  const before = settings.place === null ? "" : `${settings.place.latitudeDeg}, ${settings.place.longitudeDeg}`;
  for (;;) {
    const answer = (await ask("Latitude, longitude (degrees; empty: later)", before)).trim() || before;
    if (answer === "") return { ...settings, id, label, timeZone, place: null };
    const [latitudeDeg, longitudeDeg, more] = answer.split(/[,\s]+/).map(Number);
    if (more === undefined && Math.abs(latitudeDeg ?? Number.NaN) <= 90 && Math.abs(longitudeDeg ?? Number.NaN) <= 180)
      return { ...settings, id, label, timeZone, place: { latitudeDeg: latitudeDeg!, longitudeDeg: longitudeDeg! } };
    say("  Write two numbers such as 52.52, 13.40.");
  }
};

export interface WizardResult {
  readonly file: string;
  readonly zones: readonly string[];
  readonly points: readonly string[];
  readonly leftOut: number;
}

/** Listens, proposes, asks, and writes a site file that loads and starts in shadow mode. Nothing is written where the file is there already (unless forced) or no zone was found. */
export const runWizard = async (options: WizardOptions): Promise<WizardResult> => {
  const { out, ask, say } = options;
  if (existsSync(out) && !options.force)
    throw usageError(`${out} is there already.`, "Name another file with --out, or overwrite it with --force.");
  say(`Listening on ${options.bus.url} for ${Math.round(options.listenMs / 1000)} s …`);
  const leaves = await listen(options);
  const heard = proposeSite(leaves);
  if (heard.zones.length === 0)
    throw unavailableError(
      leaves.length === 0
        ? `Nothing was heard on ${options.bus.url} under ${options.filter}.`
        : `Among ${leaves.length} numbers none looks like the air temperature of a room.`,
      { todo: "Listen for longer (--listen 10min), or check that sensors publish and that the user may read their topics." },
    );
  say(`Found ${heard.zones.length} ${heard.zones.length === 1 ? "zone" : "zones"} among ${leaves.length} numbers.`);
  let { settings } = options;
  let proposal: Proposal = heard;
  if (ask === null) for (const zone of heard.zones) say(describeZone(zone));
  else {
    settings = await askSettings(settings, ask, say);
    proposal = { ...heard, zones: await askZones(heard.zones, ask, say) };
    if (proposal.zones.length === 0) throw usageError("Every zone was left out.", "Keep at least one.");
  }
  for (const [what, guess] of [
    ["Outdoor temperature", proposal.outdoorTemperature],
    ["Building's meter", proposal.power],
    ...proposal.hvacPower.map((one) => ["HVAC meter", one.guess] as const),
  ] as const)
    say(`${what}: ${guess === null ? "not found" : `${newest(guess)} ${guess.unit ?? ""} ${where(guess)}`}`);
  const text = siteText(settings, proposal);
  const file = path.resolve(out);
  let config: ReturnType<typeof parseSiteConfig>;
  try {
    config = parseSiteConfig(text, file);
  } catch (cause) {
    throw configurationError(`What was put together is no site file: ${cause instanceof Error ? cause.message : String(cause)}`, {
      todo: "Check the answers and the options of the broker.",
      cause,
    });
  }
  await writeOutput(file, text);
  return {
    file: out,
    zones: config.zones.map(({ id }) => id),
    points: [...config.points.map(({ point }) => point), ...config.derived.map(({ point }) => point)],
    leftOut: proposal.leftOut.length,
  };
};
