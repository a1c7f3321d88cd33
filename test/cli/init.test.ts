import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMqttBus, type MqttBus } from "#adapters/mqtt/mqttBus";
import { createLeafCollector } from "#cli/init/leaves";
import { proposeSite } from "#cli/init/propose";
import { type SiteSettings, siteText } from "#cli/init/siteText";
import { runWizard, type WizardOptions } from "#cli/init/wizard";
import { loadSiteConfig, parseSiteConfig } from "#config/loadSiteConfig";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import { createMosquitto, hasMosquitto, type Mosquitto, mosquittoName } from "../adapters/mqtt/mosquitto.js";
import { cleanUp, getJson, runCommandLine, startDaemon, until } from "../e2e/daemonProcess.js";

type Messages = Readonly<Record<string, unknown>>;

const zigbee2mqtt: Messages = {
  "zigbee2mqtt/bridge/state": { state: "online" },
  "zigbee2mqtt/Living Room Sensor": { temperature: 21.4, humidity: 43, battery: 97, voltage: 2900, linkquality: 120, pressure: 1011 },
  "zigbee2mqtt/Living Room Thermostat": {
    local_temperature: 20.9,
    local_temperature_calibration: 0,
    occupied_heating_setpoint: 20.5,
    max_heat_setpoint_limit: 30,
    battery: 80,
    linkquality: 90,
  },
  "zigbee2mqtt/Büro": { temperature: 22.1, co2: 640, occupancy: true },
  "zigbee2mqtt/Outdoor": { temperature: -3.2, humidity: 81 },
  "zigbee2mqtt/Fridge": { temperature: 5.1 },
};
const tasmota: Messages = {
  "tele/lobby/LWT": "Online",
  "tele/lobby/STATE": { Time: "2026-01-05T10:00:00", Uptime: "3T10", UptimeSec: 5000, Heap: 23, Wifi: { RSSI: 80, Signal: -60 } },
  "tele/lobby/SENSOR": {
    Time: "2026-01-05T10:00:00",
    BME280: { Temperature: 70.3, Humidity: 41, DewPoint: 45, Pressure: 1010 },
    TempUnit: "F",
  },
  "tele/server-room/SENSOR": { Time: "2026-01-05T10:00:00", "DS18B20-1": { Id: "00000A", Temperature: 68.9 }, TempUnit: "F" },
  "tele/heatpump/SENSOR": { Time: "2026-01-05T10:00:00", ENERGY: { Total: 120.4, Power: 1830, Voltage: 231 } },
};
const statestream: Messages = {
  "homeassistant/sensor/kitchen_temperature/state": "21.7",
  "homeassistant/sensor/kitchen_temperature/unit_of_measurement": '"°C"',
  "homeassistant/sensor/kitchen_temperature/device_class": '"temperature"',
  "homeassistant/sensor/kitchen_humidity/state": "47",
  "homeassistant/sensor/kitchen_humidity/device_class": '"humidity"',
  "homeassistant/binary_sensor/kitchen_motion/state": "on",
  "homeassistant/binary_sensor/kitchen_motion/device_class": '"motion"',
  "homeassistant/sensor/kitchen_motion_battery/state": "88",
  "homeassistant/climate/bedroom/current_temperature": "19.4",
  "homeassistant/climate/bedroom/temperature": "20.0",
  "homeassistant/climate/bedroom/min_temp": "7",
  "homeassistant/climate/bedroom/config": { min_temp: 7, current_temperature: 19 },
  "homeassistant/sensor/grid_power/state": "3.2",
  "homeassistant/sensor/grid_power/unit_of_measurement": '"kW"',
  "homeassistant/sensor/grid_power/device_class": '"power"',
  "homeassistant/sensor/outside_temperature/state": "4.5",
  "homeassistant/sensor/outside_temperature/device_class": '"temperature"',
};
const plain: Messages = {
  "building/floor1/room12/temperature": "21.5",
  "building/floor1/room12/heating_setpoint": "21",
  "building/floor1/room12/cooling_setpoint": "24",
  "building/floor1/room12/occupancy": "3",
  "building/floor1/room14/temperature": "294.3",
  "building/floor1/room14/people": "0",
  "building/ahu1/supply/temperature": "17.2",
  "building/roof/temperature": "8.1",
  "building/roof/irradiance": "412",
  "building/meter/power": "15300",
  "building/chiller/power": "8200",
  "building/boiler/power": "300",
  "isotherm/other/zone/x/state": { t_air: 20 },
};

const settings: SiteSettings = {
  id: "office",
  label: "Office",
  timeZone: "Europe/Berlin",
  place: { latitudeDeg: 52.5, longitudeDeg: 13.4 },
  broker: {
    url: "mqtt://127.0.0.1:1883",
    username: null,
    passwordFile: null,
    caFile: null,
    certificateFile: null,
    keyFile: null,
    serverName: null,
  },
};
const textOf = (message: unknown): string => (typeof message === "string" ? message : JSON.stringify(message));
const heard = (messages: Messages) => {
  const collector = createLeafCollector();
  for (let round = 0; round < 3; round++)
    for (const [topic, message] of Object.entries(messages))
      collector.take({ topic, payload: textOf(message), retained: false }, round * 60_000);
  return proposeSite(collector.leaves());
};
const configOf = (messages: Messages) => parseSiteConfig(siteText(settings, heard(messages)), "site.yaml");
/** Points with topic, path, unit (as the factor and offset it became) and formula. */
const sources = (messages: Messages) =>
  Object.fromEntries(
    configOf(messages).points.map(({ point, topic, path, conversion, expression }) => [
      point,
      [
        [topic, ...path].join(" "),
        ...(conversion.factor === 1 && conversion.offset === 0 ? [] : [`x ${conversion.factor} + ${conversion.offset}`]),
        ...(expression === null ? [] : [expression]),
      ].join(", "),
    ]),
  );

describe("zones and points of a foreign broker", () => {
  it("are found behind Zigbee2MQTT: the dedicated sensor first, the thermostat's setpoint, no battery, no fridge", () => {
    expect(sources(zigbee2mqtt)).toEqual({
      "living.zoneAirTempC": "zigbee2mqtt/Living Room Sensor temperature",
      "living.heatingSetpointC": "zigbee2mqtt/Living Room Thermostat occupied_heating_setpoint",
      "living.relativeHumidityPct": "zigbee2mqtt/Living Room Sensor humidity",
      "buro.zoneAirTempC": "zigbee2mqtt/Büro temperature",
      "buro.occupancyCount": "zigbee2mqtt/Büro occupancy",
      "buro.co2Ppm": "zigbee2mqtt/Büro co2",
      "site.outdoorAirTempC": "zigbee2mqtt/Outdoor temperature",
      "site.outdoorRelativeHumidityPct": "zigbee2mqtt/Outdoor humidity",
    });
    const { leftOut } = heard(zigbee2mqtt);
    expect(leftOut.map(({ guess, why }) => `${guess.leaf.topic}: ${why}`)).toEqual([
      "zigbee2mqtt/Living Room Thermostat: another sensor measures the same place",
    ]);
  });
  it("are found behind Tasmota, with the unit that it says", () => {
    expect(sources(tasmota)).toEqual({
      "lobby.zoneAirTempC": "tele/lobby/SENSOR BME280 Temperature, x 0.555555555556 + -17.7777777778",
      "lobby.relativeHumidityPct": "tele/lobby/SENSOR BME280 Humidity",
      "server.zoneAirTempC": "tele/server-room/SENSOR DS18B20-1 Temperature, x 0.555555555556 + -17.7777777778",
      "building.hvacPowerW": "tele/heatpump/SENSOR ENERGY Power",
    });
  });
  it("are found in Home Assistant's statestream, with units and classes from the topics beside", () => {
    expect(sources(statestream)).toEqual({
      "kitchen.zoneAirTempC": "homeassistant/sensor/kitchen_temperature/state",
      "kitchen.relativeHumidityPct": "homeassistant/sensor/kitchen_humidity/state",
      "kitchen.motionCount": "homeassistant/binary_sensor/kitchen_motion/state",
      "bedroom.zoneAirTempC": "homeassistant/climate/bedroom/current_temperature",
      "bedroom.heatingSetpointC": "homeassistant/climate/bedroom/temperature",
      "site.outdoorAirTempC": "homeassistant/sensor/outside_temperature/state",
      "building.powerW": "homeassistant/sensor/grid_power/state, x 1000 + 0",
    });
  });
  it("are found in plain topics: units by size, several meters added up, no supply air", () => {
    expect(sources(plain)).toEqual({
      "floor1-room12.zoneAirTempC": "building/floor1/room12/temperature",
      "floor1-room12.heatingSetpointC": "building/floor1/room12/heating_setpoint",
      "floor1-room12.coolingSetpointC": "building/floor1/room12/cooling_setpoint",
      "floor1-room12.occupancyCount": "building/floor1/room12/occupancy",
      "floor1-room14.zoneAirTempC": "building/floor1/room14/temperature, x 1 + -273.15",
      "floor1-room14.occupancyCount": "building/floor1/room14/people",
      "site.outdoorAirTempC": "building/roof/temperature",
      "site.globalHorizontalIrradianceWm2": "building/roof/irradiance",
      "building.powerW": "building/meter/power",
      "chiller.powerW": "building/chiller/power",
      "boiler.powerW": "building/boiler/power",
    });
    const { derived, control } = configOf(plain);
    expect(derived).toMatchObject([{ point: "building.hvacPowerW", expression: "chiller.powerW + boiler.powerW" }]);
    expect(control.mode).toBe("shadow");
  });
  it("live longer where they are seldom heard, and say in the file what was left out", () => {
    const collector = createLeafCollector();
    for (let i = 0; i < 3; i++) collector.take({ topic: "s/hall/temperature", payload: "20", retained: false }, i * 30_000);
    collector.take({ topic: "s/attic/temperature", payload: "18", retained: true }, 0);
    collector.take({ topic: "s/cellar/co2", payload: "500", retained: true }, 0);
    const text = siteText({ ...settings, place: null }, proposeSite(collector.leaves()));
    const { points } = parseSiteConfig(text, "site.yaml");
    expect(Object.fromEntries(points.map(({ point, maxAgeS }) => [point, maxAgeS / 60]))).toEqual({
      "s-hall.zoneAirTempC": 30,
      "s-attic.zoneAirTempC": 180,
    });
    expect(text).toContain("# Left out: s/cellar/co2 (co2): it names no zone that has a temperature.");
    expect(text).toContain("# Latitude and longitude are not known");
    expect(text).toContain("# No outdoor temperature was found");
  });
  it("make a file that loads, whatever is heard", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "temperature",
        "room",
        "site",
        "building",
        "setpoint",
        "heating",
        "power",
        "hvac",
        "Küche",
        "<b>",
        "a b",
        "x: y",
        "#",
        "1",
        "outdoor",
        "co2",
      ),
      fc.string({ maxLength: 8 }),
    );
    const payload = fc.oneof(
      fc.double({ min: -50, max: 350, noNaN: true }).map(String),
      fc.json(),
      fc.dictionary(word, fc.integer({ min: 0, max: 90 })).map((x) => JSON.stringify(x)),
    );
    let made = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.array(word, { minLength: 1, maxLength: 4 }), payload), { maxLength: 12 }), (messages) => {
        const collector = createLeafCollector();
        for (const [levels, text] of messages) {
          const topic = levels.join("/");
          if (topic !== "" && !/[+#]/.test(topic)) collector.take({ topic, payload: text, retained: false }, 0);
        }
        const proposal = proposeSite(collector.leaves());
        if (proposal.zones.length === 0) return;
        made++;
        expect(parseSiteConfig(siteText(settings, proposal), "site.yaml").zones).toHaveLength(proposal.zones.length);
      }),
      { numRuns: 300 },
    );
    expect(made).toBeGreaterThan(20);
  });
});

describe.skipIf(!hasMosquitto)(`isotherm init beside ${mosquittoName}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-init-"));
  let broker: Mosquitto;
  let house: MqttBus;
  let timer: NodeJS.Timeout;
  const all: Messages = { ...zigbee2mqtt, ...tasmota, ...statestream, ...plain };
  beforeAll(async () => {
    broker = await createMosquitto();
    await broker.start();
    house = createMqttBus({ url: broker.url, clientId: "house" });
    await new Promise<void>((resolve) => {
      house.onConnection((is) => is && resolve());
    });
    const speak = (): void => {
      for (const [topic, message] of Object.entries(all))
        void house
          .publish(topic, textOf(message), { retain: topic.includes("unit_of") || topic.includes("device_class") })
          .catch(() => undefined);
    };
    speak();
    timer = setInterval(speak, 400);
  });
  afterAll(async () => {
    clearInterval(timer);
    await house.close();
    await cleanUp();
    await broker.dispose();
    rmSync(folder, { recursive: true, force: true });
  });
  const options = (more: Partial<WizardOptions>): WizardOptions => ({
    bus: { url: broker.url, clientId: "wizard" },
    filter: "#",
    listenMs: 1_500,
    out: join(folder, "site.yaml"),
    force: false,
    settings: { ...settings, broker: { ...settings.broker, url: broker.url } },
    ask: null,
    signal: new AbortController().signal,
    say: () => undefined,
    progress: () => undefined,
    ...more,
  });

  it("asks about the site and each zone, takes other names, leaves out what a person does not want", async () => {
    const asked: string[] = [];
    const said: string[] = [];
    const answers = new Map([
      ["Id of the site", "haus"],
      ["Time zone", "Europe/Vienna"],
      ["living", "parlour"],
      ["server", "-"],
      ["bedroom", "not an id!"],
    ]);
    const out = join(folder, "asked.yaml");
    const result = await runWizard(
      options({
        out,
        say: (line) => void said.push(line),
        ask: async (question, proposed) => {
          asked.push(question);
          const key = answers.has(question) ? question : proposed;
          const answer = answers.get(key) ?? "";
          answers.delete(key);
          return answer;
        },
      }),
    );
    expect([...result.zones].sort()).toEqual(["bedroom", "buro", "floor1-room12", "floor1-room14", "kitchen", "lobby", "parlour"]);
    expect(said.some((line) => line.includes('"not an id!" cannot be its id'))).toBe(true);
    const config = loadSiteConfig(out);
    expect(config.site).toMatchObject({ id: "haus", timeZone: "Europe/Vienna", latitudeDeg: 52.5 });
    expect(config.points.find(({ point }) => point === "parlour.heatingSetpointC")?.topic).toBe("zigbee2mqtt/Living Room Thermostat");
    await expect(runWizard(options({ out }))).rejects.toThrow(/is there already/);
  });

  it("writes nothing where no room is heard, or nobody answers", async () => {
    await expect(runWizard(options({ out: join(folder, "none.yaml"), filter: "zigbee2mqtt/Fridge" }))).rejects.toThrow(
      /none looks like the air temperature of a room/,
    );
    await expect(runWizard(options({ out: join(folder, "none.yaml"), filter: "nobody/speaks/here", listenMs: 200 }))).rejects.toThrow(
      /Nothing was heard/,
    );
    expect(existsSync(join(folder, "none.yaml"))).toBe(false);
  });

  it("as a command with --yes writes a site that the daemon runs in shadow mode, with proposals for its zones", async () => {
    const out = join(folder, "site.yaml");
    const { code, stdout, stderr } = await runCommandLine([
      ...["init", "--broker", broker.url, "--listen", "2s", "--yes", "--json", "--out", out, "--id", "office"],
      ...["--time-zone", "Europe/Berlin", "--latitude", "52.5", "--longitude", "13.4"],
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout).zones).toHaveLength(8);
    const text = readFileSync(out, "utf8");
    expect(text).toContain("control:\n  mode: shadow");
    expect((await runCommandLine(["init", "--broker", broker.url, "--out", out])).code).toBe(2);
    writeFileSync(out, `${text}store: { directory: "${join(folder, "data")}" }\ndashboard: { port: 0 }\n`);
    const proposals = new Set<string>();
    await house.subscribe("isotherm/office/zone/+/setpoint_proposed", ({ topic }) => proposals.add(topic.split("/")[3]!));
    const commands: string[] = [];
    await house.subscribe("isotherm/office/zone/+/setpoint", ({ topic, payload }) => payload !== "" && commands.push(topic));
    const daemon = startDaemon(["--config", out]);
    const dashboard = await daemon.dashboardUrl();
    await until(async () => proposals.size === 8, "proposals for all zones");
    const status = await getJson<DaemonStatus>(`${dashboard}api/v1/status`);
    expect(status.mode).toBe("shadow");
    expect(status.refusedCounts["out-of-range"]).toBeUndefined();
    expect(commands).toEqual([]);
    await daemon.end("SIGTERM");
  }, 180_000);
});
