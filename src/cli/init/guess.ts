import type { Leaf } from "#cli/init/leaves";

/** What a number on a broker may be. */
export type LeafKind =
  | "air-temperature"
  | "outdoor-temperature"
  | "heating-setpoint"
  | "cooling-setpoint"
  | "humidity"
  | "outdoor-humidity"
  | "co2"
  | "people"
  | "motion"
  | "power"
  | "hvac-power"
  | "irradiance"
  | "wind";

export interface Guess {
  readonly leaf: Leaf;
  readonly kind: LeafKind;
  /** Unit for the site file; null: it is the canonical one. */
  readonly unit: string | null;
  /** Formula for the site file, on `value`; null: none. */
  readonly expression: string | null;
  /** Words that name the place, lower case, e.g. ["living", "room"]. */
  readonly place: readonly string[];
  /** Higher is surer; compares guesses of one kind at one place. */
  readonly score: number;
}

/** `Living Room-Temp_2` → living, room, temp, 2; `heatingSetpoint` → heating, setpoint. */
export const wordsOf = (name: string): readonly string[] =>
  name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");

const listed = (words: string): readonly string[] => words.split(" ");
const any = (words: readonly string[], ...wanted: readonly string[]): boolean => words.some((word) => wanted.includes(word));

const TEMPERATURE = listed("temperature temp temperatur tair degc celsius");
const OUTDOOR = listed("outdoor outdoors outside exterior external aussen außen roof oat garden weather ambient");
/** Temperatures of something other than a room's air. */
const NOT_AIR = listed(
  "water supply return flow boiler dhw tank buffer freezer fridge cpu chip device board esp esp32 floor surface panel " +
    "collector pipe vorlauf ruecklauf rücklauf dew dewpoint feels apparent color colour",
);
/** Settings and limits beside the value itself. */
const NOT_A_VALUE = listed("min max minimum maximum limit offset calibration step deadband hysteresis alarm threshold away eco");
const NEVER = listed("linkquality battery voltage rssi lqi uptime wifi signal illuminance lux pressure sleep heap version id");
const METER = listed("meter main mains grid total building house site");
const HVAC = listed("hvac heatpump heat pump chiller ahu vrf ac aircon boiler cooling heating");

/** Words of topics and messages that name no place: what gateways, device kinds and quantities are called. */
const NO_PLACE = new Set(
  listed(
    "zigbee2mqtt tele stat cmnd homeassistant hass statestream sensor sensors binary climate state status value tasmota " +
      "shelly shellies esphome mqtt bacnet modbus knx home building site data telemetry events device thermostat trv radiator " +
      "valve multisensor detector door window meter plug energy room zone zones rooms temperature temp temperatur humidity " +
      "hum rh co2 carbon dioxide eco2 occupancy occupied presence motion people setpoint sp target desired heating cooling " +
      "heat cool local current air measured actual power active count present number persons person unoccupied system wind " +
      "speed irradiance ghi solar radiation points th",
  ),
);
/** `SI7021`, `BME280`, `DS18B20-1`: the chip, not the place. */
const CHIP = /^[A-Z]{2,}\d{2,}[A-Z0-9]*([-_]\d+)?$/;

const placeOf = ({ topic, path }: Leaf): readonly string[] => {
  const parts = [...topic.split("/"), ...path.slice(0, -1).filter((step): step is string => typeof step === "string")];
  const words = parts.filter((part) => !CHIP.test(part)).flatMap(wordsOf);
  const tail = path.at(-1);
  const all = typeof tail === "string" ? [...words, ...wordsOf(tail)] : words;
  const named = all.filter((word) => !NO_PLACE.has(word) && !OUTDOOR.includes(word));
  // `room 12` is a place, `room` alone names none.
  return named.length > 0 && named.every((word) => /^\d+$/.test(word)) ? ["room", ...named] : [...new Set(named)];
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const cleanUnit = (unit: string | null): string => (unit ?? "").trim().toLowerCase();

interface Reading {
  readonly unit: string | null;
  readonly expression: string | null;
}
const plain: Reading = { unit: null, expression: null };

/** Unit of a temperature by what is said of it, else by its size; null: it is none. */
const temperatureReading = ({ values, unit }: Leaf): Reading | null => {
  const said = cleanUnit(unit);
  const typical = median(values);
  if (/^(°?f|degf|fahrenheit|℉)$/.test(said)) return { unit: "degF", expression: null };
  if (/^(k|kelvin)$/.test(said)) return { unit: "K", expression: null };
  if (/^(°?c|degc|celsius|℃)$/.test(said)) return plain;
  if (said !== "") return null;
  if (typical >= -45 && typical <= 45) return plain;
  if (typical > 45 && typical <= 120) return { unit: "degF", expression: null };
  if (typical > 120 && typical < 250) return { unit: null, expression: "value / 10" };
  return typical >= 250 && typical <= 330 ? { unit: "K", expression: null } : null;
};

const powerReading = ({ unit, values }: Leaf): Reading | null => {
  const said = cleanUnit(unit);
  if (said === "kw") return { unit: "kW", expression: null };
  if (said !== "" && said !== "w") return null;
  return values.every((value) => value >= -1e7 && value <= 1e7) ? plain : null;
};

const percent = ({ values }: Leaf): Reading | null => {
  const most = Math.max(...values);
  if (Math.min(...values) < 0 || most > 105) return null;
  return most <= 1 ? { unit: null, expression: "value * 100" } : plain;
};

/** What the number is by its name, its unit and its size; null where nothing is sure enough. */
export function guessLeaf(leaf: Leaf): Guess | null {
  const tail = leaf.path.at(-1);
  const segments = leaf.topic.split("/");
  const last = segments.at(-1) ?? "";
  const ownSegment = /^(state|value|sensor|status|data|present_?value)$/i.test(last) ? (segments.at(-2) ?? "") : last;
  const isGeneric = typeof tail !== "string" || /^(value|state|val|v|present_?value)$/i.test(tail);
  const parent = leaf.path.at(-2);
  const own = wordsOf(isGeneric ? (typeof parent === "string" ? parent : ownSegment) : tail);
  const whole = [...segments.flatMap(wordsOf), ...leaf.path.flatMap((step) => (typeof step === "string" ? wordsOf(step) : []))];
  if (any(own, ...NEVER) || any(own, ...NOT_A_VALUE)) return null;
  const place = placeOf(leaf);
  const isOutdoor = any(whole, ...OUTDOOR);
  const dedicated = any(whole, "thermostat", "trv", "climate", "valve", "local") ? 0 : 1;
  const guess = (kind: LeafKind, reading: Reading | null, more = 0): Guess | null =>
    reading === null ? null : { leaf, kind, ...reading, place, score: dedicated + (leaf.live > 0 ? 2 : 0) + more };

  if (leaf.kind === "switch") {
    if (any(own, "motion", "pir") || leaf.deviceClass === "motion") return guess("motion", plain);
    if (any(own, "occupancy", "presence", "occupied") || leaf.deviceClass === "occupancy" || leaf.deviceClass === "presence")
      return guess("people", plain);
    return null;
  }
  const isClimate = segments.includes("climate");
  const isSetpoint = any(own, "setpoint", "target", "desired", "sp", "sollwert") || (isClimate && own.join(" ") === "temperature");
  if (any(own, "unoccupied")) return null;
  if (isSetpoint) {
    const reading = temperatureReading(leaf);
    if (any(own, "cool", "cooling", "high")) return guess("cooling-setpoint", reading);
    return any(own, "humidity", "co2", "power")
      ? null
      : guess("heating-setpoint", reading, any(own, "heat", "heating", "occupied") ? 1 : 0);
  }
  if (leaf.deviceClass === "temperature" || any(own, ...TEMPERATURE)) {
    if (any(whole, ...NOT_AIR) || any(own, "high", "low")) return null;
    return guess(isOutdoor ? "outdoor-temperature" : "air-temperature", temperatureReading(leaf));
  }
  if (leaf.deviceClass === "humidity" || any(own, "humidity", "rh", "hum"))
    return guess(isOutdoor ? "outdoor-humidity" : "humidity", percent(leaf));
  if (leaf.deviceClass === "carbon_dioxide" || any(own, "co2", "eco2") || own.join(" ") === "carbon dioxide")
    return median(leaf.values) >= 200 && median(leaf.values) <= 10_000 ? guess("co2", plain) : null;
  if (any(own, "people", "persons", "occupants", "headcount") || own.join(" ") === "occupancy count" || any(own, "occupancy", "occupants"))
    return leaf.values.every((value) => value >= 0 && value <= 10_000) ? guess("people", plain) : null;
  if (any(own, "irradiance", "ghi") || own.join(" ") === "solar radiation") return guess("irradiance", plain);
  if (own.join(" ") === "wind speed" || (any(whole, "wind") && any(own, "speed"))) {
    const said = cleanUnit(leaf.unit);
    return guess("wind", said === "km/h" ? { unit: "km/h", expression: null } : said === "" || said === "m/s" ? plain : null);
  }
  if (leaf.deviceClass === "power" || any(own, "power", "apower", "watts", "watt") || own.join(" ") === "active power") {
    const names = whole.filter((word) => !own.includes(word) || any([word], ...HVAC));
    if (any(names, ...HVAC)) return guess("hvac-power", powerReading(leaf));
    return guess("power", powerReading(leaf), any(names, ...METER) ? 3 : 0);
  }
  return null;
}
