import { createRetainedTopics } from "#adapters/mqtt/retainedTopics";
import { topicsOf } from "#adapters/mqtt/wire";
import type { SiteInfo, ZoneInfo } from "#domain/building";
import type { MessageBus } from "#domain/bus";
import type { SetpointLimits } from "#domain/setpoints";

/** Where Home Assistant says that it has (re)started and wants to be told everything again. */
const BIRTH_TOPIC = "homeassistant/status";
const ORIGIN = "isotherm";
/** What we may ever have announced. */
const OURS = /^homeassistant\/device\/isotherm_[a-zA-Z0-9_-]+\/config$/;

export interface DiscoveryOptions {
  readonly site: SiteInfo;
  readonly limits: Pick<SetpointLimits, "minHeatingSetpointC" | "maxCoolingSetpointC">;
  readonly version: string;
  /** How long an override made in Home Assistant lasts, minutes. */
  readonly overrideMinutes: number;
}

/** An override as Home Assistant's template writes it; the id is the time in milliseconds, so that a repeated delivery is known as one. */
const overrideTemplate = (key: "heat" | "cool", minutes: number): string =>
  `{"id":"ha-${key}-{{ (now().timestamp() * 1000) | int }}","${key}":{{ value }},"minutes":${minutes},"by":"Home Assistant","reason":"set in Home Assistant"}`;

/** An order as Home Assistant's template writes it, with an id as above. */
const orderTemplate = (what: string, fields: string): string =>
  `{"id":"ha-${what}-{{ (now().timestamp() * 1000) | int }}","by":"Home Assistant",${fields}}`;

const problem = (unique: string, stateTopic: string): Record<string, unknown> => ({
  p: "binary_sensor",
  unique_id: `${unique}_problem`,
  name: "Problem",
  device_class: "problem",
  entity_category: "diagnostic",
  state_topic: stateTopic,
  value_template: "{{ 'ON' if value_json.alarms > 0 else 'OFF' }}",
});
const modeSelect = (unique: string, stateTopic: string, commandTopic: string): Record<string, unknown> => ({
  p: "select",
  unique_id: `${unique}_mode`,
  name: "Mode",
  icon: "mdi:shield-account",
  entity_category: "config",
  options: ["auto", "shadow", "off"],
  state_topic: stateTopic,
  value_template: "{{ value_json.mode }}",
  command_topic: commandTopic,
  command_template: orderTemplate("mode", '"mode":"{{ value }}"'),
});

/** The building as a device: its mode, whether an alarm stands, and its meter. */
export const buildingDiscoveryPayload = ({ site, version }: DiscoveryOptions): string => {
  const topics = topicsOf(site.id);
  const unique = `isotherm_${site.id}`;
  const meter = topics.meterState("hvac");
  const reading = (key: string, name: string, more: Record<string, unknown>): Record<string, unknown> => ({
    p: "sensor",
    unique_id: `${unique}_${key}`,
    name,
    state_topic: meter,
    value_template: `{{ value_json.${key} }}`,
    ...more,
  });
  return JSON.stringify({
    dev: { ids: [unique], name: site.label, mf: ORIGIN, mdl: "Building", sw: version },
    o: { name: ORIGIN, sw: version },
    availability: [{ topic: topics.status }],
    availability_mode: "all",
    cmps: {
      mode: modeSelect(unique, topics.info, topics.modeSet),
      problem: problem(unique, topics.health),
      power_w: reading("power_w", "HVAC power", { device_class: "power", unit_of_measurement: "W", state_class: "measurement" }),
      energy_kwh: reading("energy_kwh", "HVAC energy", {
        device_class: "energy",
        unit_of_measurement: "kWh",
        state_class: "total_increasing",
      }),
    },
  });
};

/** One zone as a device for Home Assistant's MQTT discovery (device-based): a thermostat with a range, its mode, its alarms and sensors. */
export const discoveryPayload = (zone: ZoneInfo, options: DiscoveryOptions): string => {
  const { site, limits, version, overrideMinutes } = options;
  const topics = topicsOf(site.id);
  const state = topics.zoneState(zone.id);
  const unique = `isotherm_${site.id}_${zone.id}`;
  const sensor = (key: string, name: string, more: Record<string, unknown>): Record<string, unknown> => ({
    p: "sensor",
    unique_id: `${unique}_${key}`,
    name,
    state_topic: state,
    value_template: `{{ value_json.${key} }}`,
    ...more,
  });
  const temperature = { device_class: "temperature", unit_of_measurement: "°C", state_class: "measurement" };
  return JSON.stringify({
    dev: {
      ids: [unique],
      name: `${site.label} ${zone.label}`,
      mf: ORIGIN,
      mdl: "Zone",
      sw: version,
      sa: zone.label,
      via_device: `isotherm_${site.id}`,
    },
    o: { name: ORIGIN, sw: version },
    availability: [{ topic: topics.status }, { topic: topics.availability(zone.id) }],
    availability_mode: "all",
    cmps: {
      climate: {
        p: "climate",
        unique_id: `${unique}_climate`,
        name: null,
        modes: ["heat_cool"],
        mode_state_topic: state,
        mode_state_template: "heat_cool",
        current_temperature_topic: state,
        current_temperature_template: "{{ value_json.t_air }}",
        action_topic: state,
        action_template: "{{ value_json.action or 'idle' }}",
        temperature_low_state_topic: state,
        temperature_low_state_template: "{{ value_json.heat_sp }}",
        temperature_low_command_topic: topics.commandSet(zone.id, "override"),
        temperature_low_command_template: overrideTemplate("heat", overrideMinutes),
        temperature_high_state_topic: state,
        temperature_high_state_template: "{{ value_json.cool_sp }}",
        temperature_high_command_topic: topics.commandSet(zone.id, "override"),
        temperature_high_command_template: overrideTemplate("cool", overrideMinutes),
        temperature_unit: "C",
        min_temp: limits.minHeatingSetpointC,
        max_temp: limits.maxCoolingSetpointC,
        temp_step: 0.5,
        precision: 0.1,
      },
      mode: modeSelect(unique, state, topics.commandSet(zone.id, "mode")),
      problem: problem(unique, state),
      release: {
        p: "button",
        unique_id: `${unique}_release`,
        name: "End override",
        icon: "mdi:hand-back-left-off",
        command_topic: topics.commandSet(zone.id, "override"),
        command_template: orderTemplate("release", '"release":true'),
      },
      t_air: sensor("t_air", "Air temperature", temperature),
      rh: sensor("rh", "Humidity", { device_class: "humidity", unit_of_measurement: "%", state_class: "measurement" }),
      source: sensor("source", "Who decides", { icon: "mdi:account-cog" }),
      comfort: sensor("comfort", "Comfort", { icon: "mdi:home-thermometer" }),
    },
  });
};

/**
 * Announces the building and its zones to Home Assistant, again on every connect and whenever Home Assistant starts. `announcedBefore` are the topics that an
 * earlier run announced: those that are no longer there (a zone or the site was renamed) are removed, and no topic that we did not announce is touched.
 */
export const announceToHomeAssistant = async (
  bus: MessageBus,
  options: DiscoveryOptions & { readonly announcedBefore?: readonly string[]; readonly onFailed?: (topic: string, error: unknown) => void },
): Promise<{ readonly announced: readonly string[]; settled(): Promise<void>; close(): Promise<void> }> => {
  const topics = topicsOf(options.site.id);
  const retained = createRetainedTopics(bus, options.onFailed === undefined ? {} : { onFailed: options.onFailed });
  const present = new Map([
    [topics.discoveryOfBuilding, buildingDiscoveryPayload(options)],
    ...options.site.zones.map((zone) => [topics.discovery(zone.id), discoveryPayload(zone, options)] as const),
  ]);
  const announce = (): void => {
    for (const [topic, payload] of present) retained.set(topic, payload);
  };
  for (const topic of options.announcedBefore ?? []) if (!present.has(topic) && OURS.test(topic)) retained.clear(topic);
  announce();
  const cancel = await bus.subscribe(BIRTH_TOPIC, ({ payload }) => {
    if (payload === "online") announce();
  });
  return {
    announced: [...present.keys()],
    settled: () => retained.settled(),
    close: async () => {
      await cancel();
      retained.close();
    },
  };
};
