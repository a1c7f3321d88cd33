import { createRetainedTopics } from "#adapters/mqtt/retainedTopics";
import { topicsOf } from "#adapters/mqtt/wire";
import type { SiteInfo, ZoneInfo } from "#domain/building";
import type { MessageBus } from "#domain/bus";
import type { SetpointLimits } from "#domain/setpoints";

/** Where Home Assistant says that it has (re)started and wants to be told everything again. */
const BIRTH_TOPIC = "homeassistant/status";
const ORIGIN = "isotherm";

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

/** One zone as a device for Home Assistant's MQTT discovery (device-based): a thermostat with a range, and sensors. */
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
    dev: { ids: [unique], name: `${site.label} ${zone.label}`, mf: ORIGIN, mdl: "Zone", sw: version },
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
      t_air: sensor("t_air", "Air temperature", temperature),
      rh: sensor("rh", "Humidity", { device_class: "humidity", unit_of_measurement: "%", state_class: "measurement" }),
      source: sensor("source", "Who decides", { icon: "mdi:account-cog" }),
      comfort: sensor("comfort", "Comfort", { icon: "mdi:home-thermometer" }),
    },
  });
};

/**
 * Announces the site's zones to Home Assistant, again on every connect and whenever Home Assistant starts. `announcedBefore` are zones that an
 * earlier run announced under this site id: those that are no longer there are removed, and no topic that we did not announce is touched.
 */
export const announceToHomeAssistant = async (
  bus: MessageBus,
  options: DiscoveryOptions & { readonly announcedBefore?: readonly string[]; readonly onFailed?: (topic: string, error: unknown) => void },
): Promise<{ readonly announced: readonly string[]; settled(): Promise<void>; close(): Promise<void> }> => {
  const topics = topicsOf(options.site.id);
  const retained = createRetainedTopics(bus, options.onFailed === undefined ? {} : { onFailed: options.onFailed });
  const present = new Set(options.site.zones.map((zone) => zone.id));
  const announce = (): void => {
    for (const zone of options.site.zones) retained.set(topics.discovery(zone.id), discoveryPayload(zone, options));
  };
  for (const zone of options.announcedBefore ?? []) if (!present.has(zone)) retained.clear(topics.discovery(zone));
  announce();
  const cancel = await bus.subscribe(BIRTH_TOPIC, ({ payload }) => {
    if (payload === "online") announce();
  });
  return {
    announced: [...present],
    settled: () => retained.settled(),
    close: async () => {
      await cancel();
      retained.close();
    },
  };
};
