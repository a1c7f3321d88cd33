import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadSiteConfig, parseSiteConfig } from "#config/loadSiteConfig";
import { SiteConfigError } from "#config/problem";
import { demoText, environment, exampleFile, exampleText, leastSite, load, refusal } from "./sites.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "isotherm-config-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: string | Buffer, mode = 0o600): string => {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
};
const refusedFile = (file: string): string => {
  try {
    loadSiteConfig(file, { environment });
  } catch (error) {
    if (error instanceof SiteConfigError) return error.describe();
    throw error;
  }
  throw new Error("accepted");
};

describe("a site file", () => {
  it("needs only a place, a building and a zone", () => {
    const config = load(leastSite);
    expect(config.site).toMatchObject({ id: "s", label: "s", currency: "EUR", zones: [{ id: "a", label: "a", floorAreaM2: null }] });
    expect(config.control).toMatchObject({ mode: "shadow", stepS: 900, schedule: "*/15 * * * *", commandValidityS: 2700 });
    expect(config.zones[0].comfort).toMatchObject({ occupied: { lowerC: 21, upperC: 24 }, unoccupied: { lowerC: 16, upperC: 32 } });
    expect(config.mqtt).toMatchObject({ embedded: { port: 1883 }, url: null, clientId: "isotherm-s" });
    expect(config.influx).toBeNull();
    expect(config.store.directory).toBe("var/s");
  });

  it("of a real building gives every point in canonical units, and derived points in computable order", () => {
    const config = load(exampleText, exampleFile);
    const source = (point: string) => config.points.find((known) => known.point === point);
    expect(source("meeting.zoneAirTempC")).toMatchObject({
      path: ["points", 0, "presentValue"],
      suffix: "C",
      min: 2,
      max: 50,
      maxJump: 8,
      stuckAfterS: 86_400,
    });
    const { factor, offset } = source("meeting.zoneAirTempC")?.conversion ?? { factor: 0, offset: 0 };
    expect(factor * 68 + offset).toBeCloseTo(20, 9);
    expect(source("server.zoneAirTempC")).toMatchObject({
      expression: "value / 10",
      min: 10,
      max: 45,
      maxJump: 3,
      conversion: { factor: 1, offset: 0 },
    });
    expect(source("chiller.powerKw")).toMatchObject({ conversion: { factor: 0.001, offset: 0 }, min: 0, max: 60 });
    expect(source("open-plan.doorC")).toMatchObject({ topic: "zigbee2mqtt/open-plan-door", path: ["temperature"], maxAgeS: 10_800 });
    expect(config.derived.map(({ point, inputs }) => [point, inputs])).toEqual([
      ["building.hvacPowerW", ["chiller.powerKw", "heatPump.powerKw"]],
      ["open-plan.zoneAirTempC", ["open-plan.windowC", "open-plan.doorC"]],
    ]);
    expect(config.derived[0]).toMatchObject({ min: 0, max: 100_000 });
    expect(config.mqtt.password?.reveal()).toBe("broker-secret");
    expect(config.planner.tariff).toMatchObject({ demandChargePerKw: 8, carbonKgPerKwh: 0.38 });
    expect(config.warnings).toEqual([]);
  });

  it("puts derived points that need each other in order, and refuses circles", () => {
    const text = (c: string): string =>
      `${leastSite}derived: { x.cK: { expression: x.bK + 1 }, x.bK: { expression: x.aK + 1 }, x.aK: { expression: "${c}" } }\n`;
    expect(load(text("a.zoneAirTempC")).derived.map(({ point }) => point)).toEqual(["x.aK", "x.bK", "x.cK"]);
    expect(refusal(text("x.cK"))).toContain("it needs itself: x.aK → x.cK → x.bK → x.aK");
  });

  it("is refused with all of its problems at once, each with its line, what is there and what would be right", () => {
    const message = refusal(
      [
        "site: { id: s p, timeZone: Europe/Berlni, latitude: 95, longitude: 13.4, currency: EURO }",
        "building: { embedded: {} }",
        "zones:",
        "  - id: a",
        "    lable: A",
        "    floorArea: 30",
        "  - id: a",
        "    floorArea: 30 kW",
        "control:",
        "  mode: automatic",
        "  step: 15 minuets",
        "  limits: { heating: { max: 23 degC } }",
        "planner:",
        "  samples: 1e9",
        "  weights: { comfort: 2 USD/Kh }",
        "  horizon: 150",
        "dashbord: {}",
        "log: { level: }",
      ].join("\n"),
    );
    const lines = message.split("\n");
    expect(lines[0]).toBe("14 problems in site.yaml:");
    for (const [line, words, todo] of [
      [1, 'site.id: "s p" is not an id', "Write an id"],
      [1, "site.timeZone:", 'Did you mean "Europe/Berlin"?'],
      [1, "site.latitude: 95 is not a number from -90 to 90", "Write a number such as 52.52."],
      [1, 'site.currency: "EURO" is not a currency', "EUR"],
      [5, "zones[0].lable: is not a known option", 'Did you mean "label"?'],
      [6, "zones[0].floorArea: 30 has no unit", "30 m^2"],
      [7, 'zones[1].id: "a" is the id of zones[0] already', "own id"],
      [8, 'zones[1].floorArea: "30 kW" is not an area', "30 m^2"],
      [10, 'control.mode: "automatic" is not one of off, shadow, auto', "auto"],
      [11, 'control.step: "15 minuets" is not a duration', "15 min"],
      [12, "control.limits: heating could reach 23 degC", "cooling.min"],
      [14, "planner.samples: 1000000000 is not a whole number from 10 to 1000000", "Write a whole number"],
      [17, "dashbord: is not a known option", 'Did you mean "dashboard"?'],
      [18, "log.level: nothing is written here", "Write"],
    ] as const) {
      const at = lines.findIndex((text) => text.startsWith(`site.yaml:${line}: ${words}`));
      expect(at, `${line}: ${words}\n${message}`).toBeGreaterThan(0);
      expect(lines[at + 1]).toContain(todo);
    }
    expect(message).not.toMatch(/\n\s+at .*:\d+:\d+/);
  });

  it.each<[string, string, RegExp]>([
    [
      "heating above cooling",
      "control: { limits: { heating: { max: 24 degC } } }",
      /heating could reach 24 degC.*deadband of 0.5 K.*\n.*heating.max \+ deadband/,
    ],
    ["swapped limits", "control: { limits: { cooling: { min: 33 degC } } }", /min 33 degC is above max 32 degC/],
    [
      "a setback outside the limits",
      "control: { setback: { heating: 10 degC } }",
      /control.setback.heating: 10 degC is outside the limits of 15 to 22.5/,
    ],
    [
      "a comfort band that cannot be commanded",
      "control: { comfort: { occupied: { lower: 23 degC } } }",
      /23 degC can never be a heating setpoint/,
    ],
    [
      "an unoccupied band tighter than the occupied",
      "control: { comfort: { unoccupied: { lower: 22 degC } } }",
      /is tighter than the occupied one/,
    ],
    [
      "a band narrower than the deadband",
      "control: { comfort: { occupied: { lower: 22 degC, upper: 22.2 degC } } }",
      /narrower than the deadband/,
    ],
    ["a step that does not divide an hour", "control: { step: 7 min }", /420 s do not divide an hour/],
    ["a schedule of another step", 'control: { schedule: "*/10 * * * *" }', /does not run every 15 min.*\n.*"\*\/15/],
    ["an uneven schedule", 'control: { schedule: "0,15,30,40 * * * *" }', /does not run every 15 min/],
    ["seconds in a schedule", 'control: { schedule: "0 */15 * * * *" }', /not a cron expression of five fields/],
    ["a command that expires before the next", "control: { commandValidity: 10 min }", /shorter than the step/],
    ["a horizon beyond the forecast", "planner: { horizon: 97 }", /97 steps of 900 s look 24.25 h ahead, the forecast only 24 h/],
    ["a budget beyond the deadline", "planner: { budget: 2 min }", /longer than the deadline of 60 s/],
    ["a deadline beyond the step", "planner: { deadline: 15 min }", /not shorter than the step/],
    ["prices in another currency", "planner: { tariff: { energy: 0.1 USD/kWh } }", /is in USD, the site counts in EUR/],
    ["prices from nowhere", "planner: { tariff: { prices: { unit: EUR/MWh } } }", /names no source\n.*file: or url:/],
    ["prices from two places", "planner: { tariff: { prices: { file: a.csv, url: 'https://a.example/p' } } }", /stands beside url/],
    ["a key without an address", "planner: { tariff: { prices: { file: a.csv, key: { file: k.txt } } } }", /only an address needs it/],
    ["an address without its key", "planner: { tariff: { intensities: { url: 'https://a.example/p?k={key}' } } }", /has a place for a key/],
    [
      "prices in a unit of none",
      "planner: { tariff: { prices: { file: a.csv, unit: EUR/kW } } }",
      /"EUR\/kW" is not such a unit.*\n.*EUR\/MWh/,
    ],
    [
      "prices by the hour in another currency",
      "planner: { tariff: { prices: { file: a.csv, unit: USD/MWh } } }",
      /is in USD, the site counts in EUR/,
    ],
    ["a bare price", "planner: { tariff: { energy: 0.1 } }", /0.1 has no unit.*\n.*0.12 EUR\/kWh/],
    ["more days needed than used", "learning: { trainingDays: 2 }", /minDays: 3 is more than the 2 training days/],
    ["a prior that is not there", "learning: { prior: nowhere.json }", /the prior .*nowhere.json does not exist/],
    ["two brokers", "mqtt: { url: mqtt://127.0.0.1, embedded: {} }", /stands beside url/],
    ["a password in an address", "mqtt: { url: mqtt://user:hunter2@host }", /a user name or password stands in the address/],
    ["an address that is none", "mqtt: { url: http://host }", /is not an address that starts with mqtt:\/\/ or mqtts:\/\//],
    ["a password without a user", `mqtt: { password: "\${ISOTHERM_MQTT_PASSWORD}" }`, /mqtt.password: stands without username/],
    ["a dashboard certificate without its key", "dashboard: { certificate: nowhere.pem }", /certificate and key go together/],
    ["a certificate without its key", "mqtt: { url: mqtts://h, certificate: nowhere.pem }", /certificate and key go together/],
    ["TLS files without TLS", "mqtt: { url: mqtt://h, ca: nowhere.pem }", /only an encrypted connection uses it/],
    [
      "an authority for an InfluxDB without TLS",
      "influx: { url: http://h:8086, ca: nowhere.pem }",
      /influx.ca: only an encrypted connection/,
    ],
    [
      "an authority that is not there",
      "influx: { url: https://h:8086, ca: nowhere.pem }",
      /influx.ca: .*nowhere.pem cannot be read \(ENOENT\)/,
    ],
    ["an unset variable", `mqtt: { username: u, password: "\${NOT_SET_ANYWHERE}" }`, /environment variable NOT_SET_ANYWHERE is not set/],
    ["one port twice", "dashboard: { port: 1883 }", /port of the embedded broker/],
    ["a day that does not exist", "building: { embedded: { start: 02-30 } }", /02-30 is not a day of 1991/],
    ["a week with unknown days", "control: { comfort: { week: { monday: ['07:00-18:00'] } } }", /"monday" names no days.*\n.*mon-fri/],
    ["a day named twice", "control: { comfort: { week: { mon-fri: '07:00-18:00', wed: [] } } }", /wed is in "mon-fri" already/],
    ["a time that does not exist", "control: { comfort: { week: { mon: ['07:00-25:00'] } } }", /"07:00-25:00" is not a span/],
    ["a date that does not exist", "control: { comfort: { holidays: [2026-02-30] } }", /"2026-02-30" is no date/],
    [
      "a derived point of unknown points",
      "derived: { x.aC: { expression: a.zoneAirTemC + 1 } }",
      /column 1: "a.zoneAirTemC" is not known here\n.*Did you mean "a.zoneAirTempC"\?/,
    ],
    ["a derived point without unit", "derived: { x.warmth: { expression: '1' } }", /does not end in a unit/],
    ["a measured point derived", "derived: { a.zoneAirTempC: { expression: '1' } }", /is measured already/],
    [
      "a dangerous formula",
      "derived: { x.aC: { expression: 'cos.constructor(\"return process\")()' } }",
      /column 1: there is no function "cos.constructor"/,
    ],
    ["sensors of an embedded building", "points: { site.outdoorAirTempC: { topic: t } }", /brings its own points/],
    ["a section that is a list", "control: []", /control: \[\] is not a section/],
    ["a section that is a word", "control: auto", /"auto" is not a section.*\n.*mode, goLive, step/],
  ])("is refused for %s", (_name, lines, words) => {
    const base = lines.startsWith("building") ? leastSite.replace(/building.*\n/, "") : leastSite;
    const message = refusal(`${base}${lines}\n`);
    expect(message).toMatch(words);
    expect(message).toMatch(/^(\d+ problems in )?site.yaml(:[1-9]\d*)?:/);
  });

  it.each<[string, string, RegExp]>([
    ["no temperature sensor", "sensors: { occupancyCount: { topic: p } }", /nothing measures the air temperature of zone "a"/],
    ["a wildcard", "sensors: { zoneAirTempC: { topic: a/+/t } }", /has a wildcard/],
    ["one topic twice", "sensors: { zoneAirTempC: { topic: t }, relativeHumidityPct: { topic: t } }", /"t" feeds a.zoneAirTempC already/],
    ["its own topics", "sensors: { zoneAirTempC: { topic: isotherm/s/zone/a/state } }", /isotherm itself publishes/],
    ["a unit of another kind", "sensors: { zoneAirTempC: { topic: t, unit: kW } }", /"kW" cannot be converted/],
    ["a formula of unknown names", "sensors: { zoneAirTempC: { topic: t, expression: x / 10 } }", /column 1: "x" is not known here/],
    ["a range upside down", "sensors: { zoneAirTempC: { topic: t, range: [45 degC, 5 degC] } }", /"45 degC" is not below "5 degC"/],
    [
      "a range without units",
      "sensors: { zoneAirTempC: { topic: t, range: [5, 45] } }",
      /range\[0\]: 5 has no unit[\s\S]*range\[1\]: 45 has no unit/,
    ],
    ["a jump of another unit", "sensors: { zoneAirTempC: { topic: t, maxJump: 5 W } }", /"5 W" is not a temperature difference/],
    ["an age below the interval", "sensors: { zoneAirTempC: { topic: t, maxAge: 1 min } }", /too old after 60 s/],
    ["a path that is none", "sensors: { zoneAirTempC: { topic: t, path: a..b } }", /is not a path into a message/],
    ["an unknown quantity", "sensors: { zoneAirTemp: { topic: t } }", /Did you mean "zoneAirTempC"\?/],
  ])("of a real building is refused for %s", (_name, sensors, words) => {
    expect(refusal(`${leastSite.replace("embedded", "mqtt")}    ${sensors}\n`)).toMatch(words);
  });

  it("of a real building takes known site quantities only, and no point twice", () => {
    const base = `${leastSite.replace("embedded", "mqtt")}    sensors: { zoneAirTempC: { topic: t } }\n`;
    expect(refusal(`${base}points: { site.outdoorTempC: { topic: u } }`)).toContain('Did you mean "site.outdoorAirTempC"?');
    expect(refusal(`${base}points: { a.zoneAirTempC: { topic: u } }`)).toContain("a.zoneAirTempC has a source already");
    expect(load(`${base}points: { lobby.co2Ppm: { topic: u, path: 'data["co 2"][3]' } }`).points[1].path).toEqual(["data", "co 2", 3]);
  });

  it("does not repeat the same fault in checks that depend on it", () => {
    expect(refusal(leastSite.replace("id: a", "id: a b"))).not.toContain("\n3 problems");
    expect(refusal(`${leastSite}control: { limits: { heating: { max: 99 degC } } }`).split("\n")).toHaveLength(2);
  });

  it("ASVS 12.3.1 TLS on all links: names every link to another machine that is open, databases too, and none on this machine", () => {
    const password = `"${"$".concat("{ISOTHERM_MQTT_PASSWORD}")}"`;
    const open = load(
      `${leastSite}mqtt: { url: mqtt://broker.example }\ninflux: { url: http://influx.example:8086, database: a, username: b, password: ${password} }\n`,
    ).warnings.join("\n");
    for (const name of ["mqtt.url", "influx.url"]) expect(open).toContain(`${name} is not encrypted`);
    for (const [broker, database] of [
      ["mqtts://broker.example", "https://influx.example:8086"],
      ["mqtt://127.0.0.1", "http://localhost:8086"],
    ])
      expect(
        load(
          `${leastSite}mqtt: { url: ${broker} }\ninflux: { url: ${database}, database: a, username: b, password: ${password} }\n`,
        ).warnings.join("\n"),
      ).not.toContain("not encrypted");
  });

  it("warns of what is allowed and doubtful", () => {
    const { warnings } = load(`${leastSite}mqtt: { url: mqtt://broker.example }\ndashboard: { host: 0.0.0.0 }\n`);
    expect(warnings.join("\n")).toMatch(/mqtt.url is not encrypted[\s\S]*dashboard.host 0.0.0.0/);
    const nowhere = (latitude: number): string =>
      load(leastSite.replace(/latitude: [\d.]+/, `latitude: ${latitude}`).replace(/longitude: [\d.]+/, "longitude: 0")).warnings.join("\n");
    expect(nowhere(0)).toMatch(/site\.latitude and site\.longitude are 0/);
    expect(nowhere(51.48)).toBe("");
  });
});

describe("YAML", () => {
  it.each<[string, string, RegExp]>([
    ["empty", "", /the file is empty/],
    ["only comments", "# nothing\n---\n", /the file is empty/],
    ["tabs", "site:\n\tid: x\n", /:2: .*[Tt]abs?.*\n.*spaces/],
    ["a duplicate key", `${leastSite}log: {}\nlog: {}\n`, /:6: the key log stands twice/],
    ["two documents", `${leastSite}---\n${leastSite}`, /the file holds 2 documents/],
    ["an open bracket", "site: { id: x\nzones: []\n", /site.yaml:\d/],
    ["a list", "- a\n- b\n", /is not a section/],
    ["a word", "hello", /"hello" is not a section/],
    ["an unknown tag", `${leastSite}log: !!js/function {}\n`, /tag/],
    ["an unknown alias", `${leastSite}log: *nobody\n`, /alias/i],
    ["__proto__", `${leastSite}points: { __proto__: { topic: x } }\n`, /"__proto__" is no key/],
    ["brackets without end", `log: ${"[".repeat(5000)}`, /nested too deeply/],
    ["lists without end", `log: ${"- ".repeat(20_000)}`, /site.yaml/],
    ["indentation without end", Array.from({ length: 400 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"), /nested too deeply/],
    [
      "aliases without end",
      `a: &a [x, x]\n${[..."bcdefghijklmnop"].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefghijklmno"[i]}`).join(", ")}]`).join("\n")}\n`,
      /alias/i,
    ],
    ["a control character", `${leastSite}log: { level: "a\\u0007" }\n`, /is not one of/],
  ])("with %s is refused in words", (_name, text, words) => {
    const message = refusal(text);
    expect(message).toMatch(words);
    expect(message).not.toMatch(/\n\s+at .*:\d+:\d+/);
  });

  it("may begin with a byte-order mark, end lines in CRLF, and share settings by aliases", () => {
    expect(load(`\uFEFF${leastSite.replaceAll("\n", "\r\n")}`).site.id).toBe("s");
    expect(
      load(`${leastSite}    comfort: &c { occupied: { upper: 25 degC } }\n  - { id: b, comfort: *c }\n`).zones[1].comfort.occupied.upperC,
    ).toBe(25);
  });

  it("never fails in any other way, whatever bytes are changed", () => {
    const lines = demoText
      .split("\n")
      .filter((line) => line.trim() !== "" && !line.trim().startsWith("#"))
      .map((line) => line.replace(/\s+# .*/, ""));
    const piece = fc.constantFrom(
      "",
      " ",
      "\t",
      ":",
      "{",
      "}",
      "[",
      "]",
      "-",
      "null",
      "1e999",
      ".nan",
      "~",
      "x",
      "*a",
      "&a",
      "<<:",
      '"',
      "'",
      "#",
      "|",
      ">",
      "%",
      "@",
      "!!x",
      "- ",
      "?",
      ": ",
      "\u0000",
      "é",
      "999999",
    );
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.nat(40), fc.nat(8), piece, (index, column, cut, text) => {
        const changed = lines.map((line, i) => (i === index ? line.slice(0, column) + text + line.slice(column + cut) : line)).join("\n");
        try {
          const config = parseSiteConfig(changed, "fuzz.yaml", { environment });
          return config.zones.length > 0;
        } catch (error) {
          if (!(error instanceof SiteConfigError)) throw error;
          return error.problems.length > 0 && error.problems.every(({ problem, line }) => problem !== "" && (line === null || line >= 1));
        }
      }),
      { numRuns: 250, seed: 5 },
    );
  });
});

describe("files", () => {
  it("that are missing, directories, binary or huge are refused in words", () => {
    expect(refusedFile(path.join(folder, "none.yaml"))).toMatch(/there is no such file\n.*isotherm init/);
    mkdirSync(path.join(folder, "dir"));
    expect(refusedFile(path.join(folder, "dir"))).toContain("it is a directory");
    expect(refusedFile(write("latin1.yaml", Buffer.from([0x73, 0x3a, 0xfc, 0x0a])))).toContain("it is not UTF-8 text");
    expect(refusedFile(write("huge.yaml", "#".repeat(1024 * 1024 + 1)))).toContain("it holds 1048577 bytes");
  });

  it("name secrets beside them, which only their owner may read", () => {
    const text = `${leastSite}mqtt: { username: u, password: { file: secret.txt } }\n`;
    const site = write("site.yaml", text);
    expect(refusedFile(site)).toMatch(/secret.txt does not exist/);
    write("secret.txt", "hunter2\n", 0o600);
    expect(loadSiteConfig(site).mqtt.password?.reveal()).toBe("hunter2");
    write("secret.txt", "", 0o600);
    expect(refusedFile(site)).toContain("is empty");
    write("secret.txt", "a\nb\n", 0o600);
    expect(refusedFile(site)).toContain("more than one line");
  });

  it.skipIf(process.platform === "win32")("with secrets that others may read are refused with the command that mends it", () => {
    const site = write("site2.yaml", `${leastSite}mqtt: { username: u, password: { file: open.txt } }\n`);
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      const secret = write("open.txt", "hunter2", mode);
      const message = refusedFile(site);
      expect(message).toContain(`mode 0${mode.toString(8)}`);
      expect(message).toContain(`Run: chmod 600 ${secret}`);
      expect(message).not.toContain("hunter2");
    }
    write("open.txt", "hunter2", 0o400);
    expect(loadSiteConfig(site).mqtt.password?.reveal()).toBe("hunter2");
  });
});

describe("secrets", () => {
  it("written into the file are refused without being repeated", () => {
    for (const secret of ["hunter2-literal", "{ word: hunter2-literal }", "[hunter2-literal]", "{ file: '' }"]) {
      const message = refusal(`${leastSite}mqtt: { username: u, password: ${secret} }\n`);
      expect(message).toMatch(/mqtt.password: .*secret/);
      expect(message).not.toContain("hunter2-literal");
    }
  });

  it("never show in JSON, text, inspection, spreading, cloning or errors", () => {
    const config = load(exampleText, exampleFile);
    const { password } = config.mqtt;
    expect(password?.reveal()).toBe("broker-secret");
    const shown = [
      JSON.stringify(config),
      inspect(config, { depth: 10, showHidden: true }),
      `${password}`,
      String(password),
      JSON.stringify({ ...password }),
      inspect(structuredClone({ ...config.mqtt, password: { ...password } })),
    ];
    for (const text of shown) expect(text).not.toContain("broker-secret");
    expect(JSON.stringify(password)).toBe('"[secret]"');
  });
});
