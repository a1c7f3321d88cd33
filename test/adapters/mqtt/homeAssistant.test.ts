import { describe, expect, it } from "vitest";
import { announceToHomeAssistant, buildingDiscoveryPayload, discoveryPayload } from "#adapters/mqtt/homeAssistant";
import { createInMemoryBroker } from "#adapters/mqtt/inMemoryBus";
import { decode } from "#adapters/mqtt/wire";

const zone = { id: "lobby", label: 'Lobby "Küche"', floorAreaM2: null };
const site = { id: "site", label: "Site", zones: [zone], timeZone: "UTC", latitudeDeg: 0, longitudeDeg: 0, currency: "EUR" };
const options = { site, limits: { minHeatingSetpointC: 15, maxCoolingSetpointC: 30 }, version: "1", overrideMinutes: 120 };

describe("Home Assistant discovery", () => {
  it("has device and origin, and for every component a platform and an id of its own", () => {
    const payload = JSON.parse(discoveryPayload(zone, options));
    expect(payload.dev.ids).toEqual(["isotherm_site_lobby"]);
    expect(payload.o.name).toBe("isotherm");
    expect(payload.availability_mode).toBe("all");
    const components = Object.values(payload.cmps) as { p: string; unique_id: string }[];
    expect(components.every(({ p, unique_id }) => p !== "" && /^[\w-]+$/.test(unique_id))).toBe(true);
    expect(new Set(components.map(({ unique_id }) => unique_id)).size).toBe(components.length);
  });

  it("its thermostat writes overrides that we accept", () => {
    const { climate } = JSON.parse(discoveryPayload(zone, options)).cmps;
    for (const key of ["low", "high"]) {
      const template: string = climate[`temperature_${key}_command_template`];
      const payload = template.replace(/\{\{ \(now.*?\}\}/, "1795333366000").replace("{{ value }}", "21.5");
      expect(decode.overrideSet(payload)).toMatchObject({ ok: true, value: { kind: "set", until: { ms: 7_200_000 } } });
    }
  });

  it("its mode and its button write orders that we accept", () => {
    const at = (template: string, value: string): string =>
      template.replace(/\{\{ \(now.*?\}\}/, "1795333366000").replace("{{ value }}", value);
    const zoneParts = JSON.parse(discoveryPayload(zone, options)).cmps;
    const building = JSON.parse(buildingDiscoveryPayload(options)).cmps;
    for (const select of [zoneParts.mode, building.mode])
      for (const mode of select.options)
        expect(decode.modeSet(at(select.command_template, mode))).toMatchObject({ ok: true, value: { mode, by: "Home Assistant" } });
    expect(decode.overrideSet(at(zoneParts.release.command_template, "PRESS"))).toMatchObject({ ok: true, value: { kind: "release" } });
  });

  it("is announced again when Home Assistant starts, and only what we announced before is removed", async () => {
    const broker = createInMemoryBroker();
    const [bus, ha] = [broker.connect(), broker.connect()];
    await ha.publish("homeassistant/device/isotherm_site_cellar/config", "{}", { retain: true });
    await ha.publish("homeassistant/device/other/config", "{}", { retain: true });
    let announcements = 0;
    await ha.subscribe("homeassistant/device/isotherm_site_lobby/config", () => {
      announcements++;
    });
    const discovery = await announceToHomeAssistant(bus, {
      ...options,
      announcedBefore: [
        "homeassistant/device/isotherm_site_cellar/config",
        "homeassistant/device/isotherm_site_lobby/config",
        // A file that somebody changed must not make us delete another program's devices.
        "homeassistant/device/other/config",
      ],
    });
    await discovery.settled();
    expect([...broker.retained.keys()].sort()).toEqual([
      "homeassistant/device/isotherm_site/config",
      "homeassistant/device/isotherm_site_lobby/config",
      "homeassistant/device/other/config",
    ]);
    const before = announcements;
    await ha.publish("homeassistant/status", "online");
    await discovery.settled();
    expect(announcements).toBe(before + 1);
    expect(discovery.announced).toEqual(["homeassistant/device/isotherm_site/config", "homeassistant/device/isotherm_site_lobby/config"]);
    await discovery.close();
  });
});
