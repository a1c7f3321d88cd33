import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { siteJsonSchema, siteJsonSchemaText } from "#config/jsonSchema";
import { loadSiteConfig, parseSiteConfig } from "#config/loadSiteConfig";
import { readYaml, type YamlFile } from "#config/yamlDocument";
import { demoFile, demoText, environment, exampleFile, exampleText, load } from "./sites.js";

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly default?: unknown;
  readonly description?: string;
}
interface Option {
  readonly path: readonly (string | number)[];
  readonly schema: JsonSchema;
  readonly required: boolean;
  readonly leaf: boolean;
}

/** Blocks that begin with `#name:` or `#name.with.dots:` lose their `#`, to the end of the block. */
function uncomment(text: string): string {
  let indent: string | null = null;
  return text
    .split("\n")
    .map((line) => {
      const start = /^(\s*)#[A-Za-z][\w.]*:/.exec(line);
      if (start !== null) indent = start[1];
      else if (indent !== null && !line.startsWith(`${indent}#`)) indent = null;
      return indent === null ? line : indent + line.slice(indent.length + 1);
    })
    .join("\n");
}
const without = (text: string, ...patterns: readonly RegExp[]): string =>
  patterns.reduce((rest, pattern) => {
    if (!pattern.test(rest)) throw new Error(`${pattern} is not in the demo`);
    return rest.replace(pattern, "");
  }, text);
const embeddedBuilding = /^ {2}embedded:.*\n( {4}.*\n)+/m;
const embeddedBroker = /(?<=^mqtt:\n) {2}embedded:.*\n( {4}.*\n)+/m;
const otherZones = /( {2}- \{ id: space[2-5].*\n){4}/;
const rateFiles = /^ {6}file: (prices|carbon)\.csv.*\n/gm;
/** Belongs to another kind of source than the one that is shown. */
const typicalWeather = /^ {6}weather: site\.epw.*\n/m;
const noPeriods = /^ {4}periods: \[\].*\n/m;

/** Every option of the schema; what belongs to any one sensor, zone, period or derived point stands once. */
function options(schema: JsonSchema, at: readonly (string | number)[] = []): Option[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const here = [...at, key];
    const required = schema.required?.includes(key) ?? false;
    const option = { path: here, schema: child, required, leaf: child.properties === undefined && child.items?.properties === undefined };
    if (here.join() === "points" || (at.at(-1) === "sensors" && key !== "zoneAirTempC")) return [{ ...option, leaf: true }];
    if (child.properties !== undefined) return [option, ...options(child, here)];
    if (child.items?.properties !== undefined) return [option, ...options(child.items, [...here, 0])];
    if (key === "derived" && typeof child.additionalProperties === "object")
      return [option, ...options(child.additionalProperties, [...here, "building.hvacPowerW"])];
    return [option];
  });
}

const full = without(uncomment(demoText), noPeriods);
const parsed = (text: string): YamlFile => {
  const reading = readYaml(text);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.file;
};
const valueAt = (root: unknown, at: readonly (string | number)[]): unknown =>
  at.reduce<unknown>((value, part) => (value as Record<string | number, unknown> | undefined)?.[part], root);
const schema = siteJsonSchema() as JsonSchema;
const all = options(schema);

describe("the demo site", () => {
  it("loads without a problem or a warning, whatever the environment holds", () => {
    const config = parseSiteConfig(demoText, demoFile, { environment: {} });
    expect(config.zones.map(({ id }) => id)).toEqual(["space1", "space2", "space3", "space4", "space5"]);
    expect(config.building).toMatchObject({
      kind: "embedded",
      plant: "rc",
      building: "five-zone-office",
      weather: "new-york",
      start: "01-08",
      historyS: 604_800,
    });
    expect(config.control.mode).toBe("auto");
    expect(config.warnings).toEqual([]);
  });

  it("loads from its file", () => {
    expect(loadSiteConfig(demoFile).site.id).toBe("demo");
  });

  it("holds every option of the schema", () => {
    const { value } = parsed(full);
    expect(all.length).toBeGreaterThan(90);
    const missing = all.filter(({ path: at }) => valueAt(value, at) === undefined).map(({ path: at }) => at.join("."));
    expect(missing).toEqual([]);
  });

  it("states of every option its default, equal to the schema's, or that it is required or optional", () => {
    const file = parsed(full);
    const lines = full.split("\n");
    const wrong: string[] = [];
    for (const { path: at, schema: option, required, leaf } of all) {
      if (!leaf) continue;
      const line = lines[(file.lineOf(at, true) ?? 0) - 1];
      const stated = /# \((required|optional|default (.*?))\)(\s|$)/.exec(line)?.slice(1);
      const expected =
        option.default === undefined ? null : typeof option.default === "string" ? option.default : JSON.stringify(option.default);
      const said = stated === undefined ? (/# \(required /.test(line) ? "required" : "nothing") : stated[0];
      const right = required
        ? said === "required"
        : expected !== null
          ? stated?.[1] === expected
          : said !== "nothing" && (said === "optional" || said.startsWith("default ") || /# \(required with/.test(line));
      if (!right) wrong.push(`${at.join(".")}: ${said}, the schema says ${required ? "required" : (expected ?? "optional")}`);
    }
    expect(wrong).toEqual([]);
  });

  it("describes every option in words", () => {
    const silent = all.filter(({ schema: option }) => (option.description ?? "") === "").map(({ path: at }) => at.join("."));
    expect(silent.filter((name) => !/\.(occupied|unoccupied|limits\.heating|limits\.cooling)$/.test(name))).toEqual([]);
  });

  it("shows the defaults it states: with every option left out that has one, the site is the same", () => {
    const ours = load(demoText, demoFile);
    const least = load(
      `site: { id: demo, label: "Five-zone office, New York", timeZone: Etc/GMT+5, latitude: 40.65, longitude: -73.8, currency: USD }\nbuilding: { embedded: {} }\ncontrol: { mode: auto }\nzones:\n${ours.zones.map(({ id, label, floorAreaM2 }) => `  - { id: ${id}, label: ${label}, floorArea: ${floorAreaM2} m^2 }\n`).join("")}`,
      demoFile,
    );
    expect(JSON.parse(JSON.stringify(least))).toEqual(JSON.parse(JSON.stringify(ours)));
  });
});

describe("the options that the demo leaves commented out", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "isotherm-manual-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  for (const [name, text] of [
    ["ca.pem", pem],
    ["client.pem", pem],
    ["dashboard.pem", pem],
    ["dashboard.key", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"],
    ["client.key", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"],
    ["influx-ca.pem", pem],
    ["influx-password.txt", "influx-secret\n"],
    ["weather-key.txt", "weather-secret\n"],
    ["webhook-secret.txt", "hook-secret\n"],
    ["mail-password.txt", "mail-secret\n"],
    ["price-key.txt", "price-secret\n"],
    ["carbon-key.txt", "carbon-secret\n"],
  ] as const) {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  }

  it("make a real building with an external broker and InfluxDB when they are uncommented", () => {
    const config = parseSiteConfig(
      without(full, embeddedBuilding, embeddedBroker, otherZones, rateFiles, typicalWeather),
      path.join(folder, "site.yaml"),
      {
        environment,
      },
    );
    expect(config.building).toEqual({ kind: "mqtt", futureToleranceS: 60 });
    expect(config.points.map(({ point }) => point)).toEqual([
      "space1.zoneAirTempC",
      "space1.heatingSetpointC",
      "space1.coolingSetpointC",
      "space1.occupancyCount",
      "space1.relativeHumidityPct",
      "site.outdoorAirTempC",
      "chiller.powerKw",
      "boiler.powerKw",
    ]);
    expect(config.derived).toEqual([
      {
        point: "building.hvacPowerW",
        expression: "1000 * (chiller.powerKw + boiler.powerKw)",
        inputs: ["chiller.powerKw", "boiler.powerKw"],
        min: 0,
        max: 200_000,
      },
    ]);
    expect(config.mqtt).toMatchObject({
      embedded: null,
      url: "mqtts://broker.example:8883",
      ca: pem,
      certificate: pem,
      serverName: "broker.internal",
    });
    expect(config.mqtt.key?.reveal()).toContain("PRIVATE KEY");
    expect(config.influx?.password?.reveal()).toBe("influx-secret");
    expect(config.influx?.ca).toBe(pem);
    expect(config.planner.tariff.prices).toMatchObject({
      file: null,
      url: "https://prices.example/day-ahead?from={from}&to={to}",
      keyHeader: "x-api-key",
      rows: "data",
      time: "start",
      value: "price",
      factor: 0.001,
      scale: 1.19,
      add: 0.08,
      refreshMs: 3_600_000,
    });
    expect(config.forecast.sources).toMatchObject([
      { kind: "openMeteo", url: "https://api.open-meteo.com/v1/forecast", refreshMs: 3_600_000, requestsPerDay: 100, blendS: 21_600 },
    ]);
    expect(config.control.habits).toEqual({ use: "beside", shareFraction: 0.4 });
    expect(config.notify.webhook?.secret?.reveal()).toBe("hook-secret");
    expect(config.notify.email).toMatchObject({ server: "smtps://mail.example:465", to: ["ada@site.example"], level: "critical" });
    expect(config.planner.equipment).toEqual({ pricePerShortRun: 0.2, minOnS: 1800, minOffS: 1800 });
    expect(config.zones[0]?.comfort.adaptive).toBeNull();
    expect(config.planner.tariff.prices?.key?.reveal()).toBe("price-secret");
    expect(config.planner.tariff.intensities).toMatchObject({ factor: 0.001, scale: 1, add: 0, value: "carbonIntensity" });
    expect(config.planner.tariff.periods).toEqual([{ days: [0, 1, 2, 3, 4], startMinute: 840, endMinute: 1080, energyPricePerKwh: 0.4 }]);
  });

  it("state the schema's defaults: the InfluxDB and sensor sections are what short ones give", () => {
    const config = parseSiteConfig(
      without(full, embeddedBuilding, embeddedBroker, otherZones, rateFiles, typicalWeather),
      path.join(folder, "site.yaml"),
      {
        environment,
      },
    );
    const { influx } = load(exampleText, exampleFile);
    expect(config.influx).toMatchObject({
      batchPoints: influx?.batchPoints,
      intervalMs: influx?.intervalMs,
      timeoutMs: influx?.timeoutMs,
      database: influx?.database,
    });
  });
});

describe("the JSON Schema for editors", () => {
  it("is the one in config/site.schema.json (npx vitest run test/config/manual.test.ts -u writes it)", async () => {
    await expect(siteJsonSchemaText()).toMatchFileSnapshot("../../config/site.schema.json");
  });
});
