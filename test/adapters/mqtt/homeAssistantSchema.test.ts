import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildingDiscoveryPayload, discoveryPayload } from "#adapters/mqtt/homeAssistant";

const checkout = new URL("../../../", import.meta.url).pathname;
/** The second is what `npm test` installs (scripts/lib/homeAssistant.mjs). */
const candidates = [process.env.ISOTHERM_HA_PYTHON, join(checkout, ".venv/homeassistant/bin/python"), "python3"];
const python = candidates.find(
  (path) => path !== undefined && spawnSync(path, ["-c", "import homeassistant.components.mqtt.climate"], { timeout: 60_000 }).status === 0,
);
const name =
  python === undefined ? "Home Assistant's schemas (skipped: no Python with homeassistant 2024.3.3)" : "Home Assistant's schemas";

type Payload = Record<string, unknown>;
interface Device extends Payload {
  readonly dev: Payload & { readonly ids: readonly string[]; readonly name: string };
  readonly o: Payload & { readonly name: string };
  readonly availability: readonly { readonly topic: string }[];
  readonly availability_mode: string;
  readonly cmps: Readonly<Record<string, Payload & { readonly p: string; readonly unique_id: string }>>;
}

const zones = ["lobby", "north_2"].map((id) => ({ id, label: id === "lobby" ? 'Lobby "Küche"' : "North 2", floorAreaM2: null }));
const site = { id: "site", label: "Site", zones, timeZone: "UTC", latitudeDeg: 0, longitudeDeg: 0, currency: "EUR" };
const options = { site, limits: { minHeatingSetpointC: 15, maxCoolingSetpointC: 30 }, version: "1", overrideMinutes: 120 };
const devices = [buildingDiscoveryPayload(options), ...zones.map((zone) => discoveryPayload(zone, options))].map(
  (text) => JSON.parse(text) as Device,
);

/** A component as a version without device-based discovery would be told of it: long names, and what the device's message says once. */
const expanded = ({ dev, availability, availability_mode, cmps }: Device): readonly (readonly [string, Payload])[] => {
  const { ids, mf, mdl, sw, sa, ...rest } = dev;
  const device = {
    ...rest,
    identifiers: ids,
    manufacturer: mf,
    model: mdl,
    sw_version: sw,
    ...(sa === undefined ? {} : { suggested_area: sa }),
  };
  return Object.values(cmps).map(({ p, ...component }) => [p, { ...component, device, availability, availability_mode }]);
};

// What Home Assistant's documentation says of the message around the components (MQTT integration, "Device discovery payload"); no released schema for Python 3.11 has it.
describe("the device message of Home Assistant's discovery", () => {
  const keys = new Set(["dev", "o", "cmps", "availability", "availability_mode"]);
  const platforms = new Set(["binary_sensor", "button", "climate", "select", "sensor"]);
  it.each(devices.map((device) => [device.dev.name, device] as const))("%s", (_name, device) => {
    expect(Object.keys(device).filter((key) => !keys.has(key))).toEqual([]);
    // A device is known by its identifiers; an origin has a name; every component names its platform and has an id of its own.
    expect(device.dev.ids.length).toBeGreaterThan(0);
    expect(device.o.name).not.toBe("");
    expect(Object.keys(device.cmps).length).toBeGreaterThan(0);
    for (const { p, unique_id } of Object.values(device.cmps)) {
      expect(platforms).toContain(p);
      expect(unique_id).toMatch(/^isotherm_[a-zA-Z0-9_]+$/);
    }
    // The schema takes any mode of a thermostat; Home Assistant then shows only those that it knows.
    const known = ["auto", "off", "cool", "heat", "dry", "fan_only", "heat_cool"];
    const { climate } = device.cmps;
    if (climate !== undefined) expect(known).toEqual(expect.arrayContaining(climate.modes as string[]));
    // A device without any availability would look alive for ever.
    expect(device.availability.map(({ topic }) => topic)).toContain("isotherm/site/status");
  });
  it("no two components anywhere share an id, and no zone's device has the building's", () => {
    const ids = devices.flatMap(({ cmps }) => Object.values(cmps).map(({ unique_id }) => unique_id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(devices.flatMap(({ dev }) => dev.ids)).size).toBe(devices.length);
  });
});

describe.skipIf(python === undefined)(name, () => {
  const ask = (components: readonly (readonly [string, Payload])[]): readonly (string | null)[] => {
    const { stdout, stderr, status } = spawnSync(python!, [join(checkout, "scripts/homeAssistantSchema.py")], {
      input: JSON.stringify(components),
      encoding: "utf8",
      timeout: 120_000,
    });
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as (string | null)[];
  };
  it("accept every component of the building and of its zones", () => {
    const components = devices.flatMap(expanded);
    expect(components.length).toBeGreaterThan(10);
    expect(ask(components)).toEqual(components.map(() => null));
  }, 180_000);
  it("would not accept a wrong one", () => {
    const [platform, climate] = devices.flatMap(expanded).find(([p]) => p === "climate")!;
    const wrong = [
      { ...climate, precision: 0.3 },
      { ...climate, temperature_unit: "K" },
      { ...climate, current_temperature_topic: "a/#/b" },
    ];
    for (const error of ask(wrong.map((payload) => [platform, payload]))) expect(error).not.toBeNull();
  }, 180_000);
});
