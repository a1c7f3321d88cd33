import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import path from "node:path";
import { comfortOf, peopleAssumed } from "#config/crossChecks";
import { readDerivedPoints, readPointSources } from "#config/pointSources";
import type { ConfigPath } from "#config/problem";
import { readSecret, readSecretFile, type SecretReading, type SecretSource } from "#config/readSecret";
import type { Report } from "#config/report";
import type { SiteFile } from "#config/schema";
import type { Secret } from "#config/secret";
import type {
  DashboardConfig,
  EmbeddedBuildingConfig,
  ForecastSourceConfig,
  InfluxConfig,
  MqttBuildingConfig,
  MqttConfig,
  NotifyConfig,
  PlannerConfig,
  RateSourceConfig,
  SiteConfig,
} from "#config/siteConfig";

export interface BuildContext {
  /** As the person named it. */
  readonly file: string;
  /** What relative names of secrets, certificates, weather and priors start from: the folder of the site file. */
  readonly baseDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly report: Report;
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || (isIP(host) === 4 && host.startsWith("127."));

const give = (reading: SecretReading, at: ConfigPath, report: Report): Secret | null => {
  if (reading.ok) return reading.secret;
  report(at, reading.problem, reading.todo);
  return null;
};

const secretAt = (source: SecretSource | undefined, at: ConfigPath, context: BuildContext): Secret | null =>
  source === undefined ? null : give(readSecret(source, context.environment, context.baseDirectory), at, context.report);

function pemAt(name: string | undefined, at: ConfigPath, { baseDirectory, report }: BuildContext): string | null {
  if (name === undefined) return null;
  const file = path.resolve(baseDirectory, name);
  try {
    const text = readFileSync(file, "utf8");
    if (!text.includes("-----BEGIN CERTIFICATE-----")) report(at, `${file} holds no certificate`, "Name a file in PEM format.");
    return text;
  } catch (error) {
    report(at, `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, "Name a file in PEM format that isotherm may read.");
    return null;
  }
}

function buildMqtt(file: SiteFile, context: BuildContext): MqttConfig {
  const { mqtt, site } = file;
  const { url = null } = mqtt;
  return {
    embedded: url === null ? { port: mqtt.embedded?.port ?? 1883 } : null,
    url,
    username: mqtt.username ?? null,
    password: secretAt(mqtt.password, ["mqtt", "password"], context),
    ca: pemAt(mqtt.ca, ["mqtt", "ca"], context),
    certificate: pemAt(mqtt.certificate, ["mqtt", "certificate"], context),
    key:
      mqtt.key === undefined
        ? null
        : give(readSecretFile(path.resolve(context.baseDirectory, mqtt.key), true), ["mqtt", "key"], context.report),
    serverName: mqtt.serverName ?? null,
    clientId: mqtt.clientId ?? `isotherm-${site.id}`,
    baseTopic: mqtt.baseTopic,
    keepaliveS: mqtt.keepalive,
  };
}

function buildDashboard({ dashboard }: SiteFile, context: BuildContext): DashboardConfig {
  const { enabled, host, port, allowedHosts } = dashboard;
  const certificate = pemAt(dashboard.certificate, ["dashboard", "certificate"], context);
  const key =
    dashboard.key === undefined
      ? null
      : give(readSecretFile(path.resolve(context.baseDirectory, dashboard.key), true), ["dashboard", "key"], context.report);
  return { enabled, host, port, allowedHosts, tls: certificate === null || key === null ? null : { certificate, key } };
}

function buildInflux(influx: SiteFile["influx"], context: BuildContext): InfluxConfig | null {
  if (influx === undefined) return null;
  return {
    url: influx.url,
    database: influx.database,
    username: influx.username ?? null,
    password: secretAt(influx.password, ["influx", "password"], context),
    ca: pemAt(influx.ca, ["influx", "ca"], context),
    batchPoints: influx.batch,
    intervalMs: influx.interval * 1000,
    timeoutMs: influx.timeout * 1000,
  };
}

/** An id as it is; a file's path resolved, and reported where there is none. */
function weatherAt(name: string, at: ConfigPath, { baseDirectory, report }: BuildContext): string {
  if (!name.toLowerCase().endsWith(".epw")) return name;
  const file = path.resolve(baseDirectory, name);
  if (!existsSync(file))
    report(at, `the weather file ${file} does not exist`, "Name an EPW file, or an id of isotherm simulate --list-weather.");
  return file;
}

function buildBuilding(file: SiteFile, context: BuildContext): EmbeddedBuildingConfig | MqttBuildingConfig {
  const { embedded, mqtt } = file.building;
  if (embedded === undefined) return { kind: "mqtt", futureToleranceS: mqtt?.futureTolerance ?? 60 };
  const weather = weatherAt(embedded.weather, ["building", "embedded", "weather"], context);
  const { plant, building, start, year, history } = embedded;
  return { kind: "embedded", plant, building, weather, start, year, historyS: history };
}

const OPEN_METEO_LICENCE = "Weather data by Open-Meteo.com, CC BY 4.0. Its free service is for non-commercial use.";
/** A front that came early or late is through by then; the weather of a day is remembered for about one. */
const FORECAST_BLEND_S = 6 * 3600;
const TYPICAL_BLEND_S = 24 * 3600;

function buildForecastSources(file: SiteFile, context: BuildContext): readonly ForecastSourceConfig[] {
  return (file.forecast.sources ?? []).map((source, index): ForecastSourceConfig => {
    const at: ConfigPath = ["forecast", "sources", index];
    if (source.kind === "persistence") return { kind: "persistence" };
    if (source.kind === "typical")
      return {
        kind: "typical",
        weather: weatherAt(source.weather ?? "", [...at, "weather"], context),
        blendS: source.blend ?? TYPICAL_BLEND_S,
      };
    const { url = "" } = source;
    const isOpenMeteo = URL.canParse(url) && /(^|\.)open-meteo\.com$/.test(new URL(url).hostname);
    return {
      kind: "openMeteo",
      url,
      key: secretAt(source.key, [...at, "key"], context),
      licence: source.licence ?? (isOpenMeteo ? OPEN_METEO_LICENCE : null),
      refreshMs: source.refresh * 1000,
      timeoutMs: source.timeout * 1000,
      requestsPerDay: source.requestsPerDay,
      blendS: source.blend ?? FORECAST_BLEND_S,
    };
  });
}

function buildNotify({ notify }: SiteFile, context: BuildContext): NotifyConfig {
  const { webhook, email } = notify;
  return {
    webhook:
      webhook === undefined
        ? null
        : { url: webhook.url, secret: secretAt(webhook.secret, ["notify", "webhook", "secret"], context), level: webhook.level },
    email:
      email === undefined
        ? null
        : {
            server: email.server,
            username: email.username ?? null,
            password: secretAt(email.password, ["notify", "email", "password"], context),
            from: email.from,
            to: email.to,
            level: email.level,
          },
    groupMs: notify.group * 1000,
    mostPerHour: notify.mostPerHour,
    timeoutMs: notify.timeout * 1000,
  };
}

/** Where nobody chose: 20 kWh at 0.12, and half a kW of the demand charge (docs/decisions/0021-what-comfort-weighs.md). */
const COMFORT_PER_KH = 2.4;
const COMFORT_KW_PER_KH = 0.5;

type RateSourceFile = NonNullable<SiteFile["planner"]["tariff"]["prices" | "intensities"]>;

function buildRates(source: RateSourceFile | undefined, name: "prices" | "intensities", context: BuildContext): RateSourceConfig | null {
  if (source === undefined) return null;
  const { file, url, unit } = source;
  return {
    file: file === undefined ? null : path.resolve(context.baseDirectory, file),
    url: url ?? null,
    key: secretAt(source.key, ["planner", "tariff", name, "key"], context),
    keyHeader: source.keyHeader,
    rows: source.rows ?? null,
    time: source.time ?? null,
    value: source.value ?? null,
    factor: unit?.factor ?? null,
    scale: "scale" in source ? source.scale : 1,
    add: "add" in source ? source.add.amount : 0,
    refreshMs: source.refresh * 1000,
    timeoutMs: source.timeout * 1000,
    requestsPerDay: source.requestsPerDay,
  };
}

function buildPlanner({ planner }: SiteFile, context: BuildContext): PlannerConfig {
  const { weights, tariff } = planner;
  return {
    numSamples: planner.samples,
    horizonSteps: planner.horizon,
    seed: planner.seed,
    backend: planner.backend,
    budgetMs: planner.budget * 1000,
    deadlineMs: planner.deadline * 1000,
    errorLevelK: planner.errorLevel,
    objective: planner.objective,
    probingShare: planner.probing,
    equipment:
      planner.equipment === undefined
        ? null
        : {
            pricePerShortRun: planner.equipment.shortRun,
            minOnS: planner.equipment.minOn,
            minOffS: planner.equipment.minOff,
          },
    weights: {
      comfortPerKh: weights.comfort?.amount ?? COMFORT_PER_KH + COMFORT_KW_PER_KH * tariff.demand.amount,
      uncertaintyPerK: weights.uncertainty.amount,
      movementPerK: weights.movement.amount,
    },
    tariff: {
      energyPricePerKwh: tariff.energy.amount,
      periods: tariff.periods.map(({ days, hours, energy }) => ({ days, ...hours, energyPricePerKwh: energy.amount })),
      prices: buildRates(tariff.prices, "prices", context),
      demandChargePerKw: tariff.demand.amount,
      billingDay: tariff.billingDay,
      demandFloorKw: tariff.demandFloor,
      carbonKgPerKwh: tariff.carbon,
      intensities: buildRates(tariff.intensities, "intensities", context),
      carbonPricePerTonne: tariff.carbonPrice.amount,
    },
  };
}

function doubts(file: SiteFile): readonly string[] {
  const { site, mqtt, influx, dashboard, forecast, notify } = file;
  const plain = (url: string | undefined, protocol: string): boolean =>
    url !== undefined && new URL(url).protocol === protocol && !isLoopback(new URL(url).hostname);
  return [
    ...(site.latitude === 0 && site.longitude === 0
      ? [
          "site.latitude and site.longitude are 0, which is in the sea: the sun stands wrong in what is learned and forecast. Write where the building is.",
        ]
      : []),
    ...(plain(mqtt.url, "mqtt:") ? ["mqtt.url is not encrypted: anyone on the network can read and change setpoints. Use mqtts://."] : []),
    ...(influx !== undefined && influx.password !== undefined && plain(influx.url, "http:")
      ? ["influx.url is not encrypted: the password can be read on the network. Use https://."]
      : []),
    ...(["prices", "intensities"] as const).flatMap((name) => {
      const source = file.planner.tariff[name];
      return source?.key !== undefined && plain(source.url, "http:")
        ? [`planner.tariff.${name}.url is not encrypted: its key can be read on the network. Use https://.`]
        : [];
    }),
    ...(forecast.sources ?? []).flatMap((source, index) =>
      source.key !== undefined && plain(source.url, "http:")
        ? [`forecast.sources[${index}].url is not encrypted: its key can be read on the network. Use https://.`]
        : [],
    ),
    ...(plain(notify.webhook?.url, "http:")
      ? ["notify.webhook.url is not encrypted: alarms can be read and held back on the network. Use https://."]
      : []),
    ...(isLoopback(dashboard.host) || dashboard.certificate !== undefined
      ? []
      : [
          `dashboard.host ${dashboard.host} can be reached from other machines, unencrypted: nobody can log in there. Name dashboard.certificate and dashboard.key, or leave it on 127.0.0.1 behind a proxy that speaks https.`,
        ]),
  ];
}

/** Turns the checked file into what the program works with: canonical units, secrets read, points resolved. What is wrong goes to the report. */
export function buildSiteConfig(file: SiteFile, context: BuildContext): SiteConfig {
  const { site, control, forecast, learning, store } = file;
  const { limits, setback, rule } = control;
  const { habits } = control.comfort;
  const ownPrior = learning.prior !== "shipped" && learning.prior !== "none";
  const prior = ownPrior ? path.resolve(context.baseDirectory, learning.prior) : learning.prior;
  if (ownPrior && !existsSync(prior))
    context.report(
      ["learning", "prior"],
      `the prior ${prior} does not exist`,
      "Write shipped, none, or a file made by isotherm meta-train.",
    );
  const zones = file.zones.map((zone) => ({
    id: zone.id,
    label: zone.label ?? zone.id,
    floorAreaM2: zone.floorArea ?? null,
    comfort: comfortOf(file, zone),
  }));
  return {
    file: context.file,
    site: {
      id: site.id,
      label: site.label ?? site.id,
      zones: zones.map(({ id, label, floorAreaM2 }) => ({ id, label, floorAreaM2 })),
      timeZone: site.timeZone,
      latitudeDeg: site.latitude,
      longitudeDeg: site.longitude,
      currency: site.currency,
    },
    building: buildBuilding(file, context),
    zones,
    points: readPointSources(file, context.report),
    derived: readDerivedPoints(file, context.report),
    mqtt: buildMqtt(file, context),
    control: {
      mode: control.mode,
      goLive: control.goLive,
      stepS: control.step,
      schedule: control.schedule,
      phaseS: 0,
      limits: {
        minHeatingSetpointC: limits.heating.min,
        maxHeatingSetpointC: limits.heating.max,
        minCoolingSetpointC: limits.cooling.min,
        maxCoolingSetpointC: limits.cooling.max,
        deadbandK: limits.deadband,
        maxSlewKPerStep: limits.maxSlew,
      },
      habits: habits === undefined ? null : { use: habits.use, shareFraction: habits.share },
      vote: peopleAssumed(control.comfort),
      setback: { heatingSetpointC: setback.heating, coolingSetpointC: setback.cooling },
      rule: { leadS: rule.lead, ramp: rule.ramp },
      minimumTimes: { minOnS: control.minimumTimes.on, minOffS: control.minimumTimes.off },
      protection: {
        frostC: control.protection.frost,
        frostHeatingC: control.protection.frostHeating,
        overheatC: control.protection.overheat,
        overheatCoolingC: control.protection.overheatCooling,
      },
      unmeasuredS: control.unmeasured,
      commandValidityS: control.commandValidity,
      readBack: { toleranceK: control.readBack.tolerance, graceS: control.readBack.after },
      leaseS: control.lease,
    },
    forecast: {
      provider: forecast.provider,
      sources: buildForecastSources(file, context),
      lengthS: forecast.length,
      maxAgeS: forecast.maxAge,
    },
    planner: buildPlanner(file, context),
    learning: { ...learning, prior },
    store: { directory: store.directory ?? `var/${site.id}`, backups: store.backups ?? null, rawS: store.raw, retentionS: store.retention },
    influx: buildInflux(file.influx, context),
    dashboard: buildDashboard(file, context),
    notify: buildNotify(file, context),
    log: file.log,
    warnings: doubts(file),
  };
}
