import type { Dataset } from "#domain/dataset";
import { configurationError } from "#domain/errors";
import { type PointName, sitePoint, zonePoint } from "#domain/points";
import { median, quantile } from "#math/statistics";

type Unit = "degC" | "degF" | "K" | "unclear";

const finite = (values: Float64Array | undefined): Float64Array => (values ?? new Float64Array()).filter(Number.isFinite);

/** Above this no zone is, in °C, and every heated zone is, in °F. */
const WARMEST_ZONE_C = 45;
/** The warmest air ever measured outdoors is 56.7 °C. */
const WARMEST_OUTDOOR_C = 60;
const COLDEST_K = 200;

const zoneUnit = (values: Float64Array): Unit => {
  if (values.length === 0) return "unclear";
  const middle = median(values);
  return middle > COLDEST_K ? "K" : middle > WARMEST_ZONE_C ? "degF" : "degC";
};

/** A cooling setpoint of 99 all the time means "off"; one that moves between 60 and 99 is in °F. */
const coolingUnit = (values: Float64Array): Unit => {
  if (values.length === 0) return "unclear";
  const [low, high] = [quantile(values, 0.1), quantile(values, 0.9)];
  if (low > COLDEST_K) return "K";
  if (low > WARMEST_ZONE_C) return low === high ? "unclear" : "degF";
  return "degC";
};

/**
 * Share of unoccupied, unlit, uncommanded steps in which the zone moved towards outdoor air, with that air read as `toC` says. A free-floating zone does so in
 * nearly all of them; null below 24 such steps at least 3 K away from outdoor air.
 */
const pullsOutdoors = (dataset: Dataset, zone: string, toC: (value: number) => number): number | null => {
  const column = (point: PointName): Float64Array | undefined => dataset.columns.get(point);
  const temperature = column(zonePoint(zone, "zoneAirTempC"));
  const outdoor = column(sitePoint("outdoorAirTempC"));
  const heating = column(zonePoint(zone, "heatingSetpointC"));
  const cooling = column(zonePoint(zone, "coolingSetpointC"));
  const people = column(zonePoint(zone, "occupancyCount"));
  const sun = column(sitePoint("directNormalIrradianceWm2")) ?? column(sitePoint("globalHorizontalIrradianceWm2"));
  if (temperature === undefined || outdoor === undefined || heating === undefined || cooling === undefined) return null;
  let steps = 0;
  let towards = 0;
  for (let i = 1; i < temperature.length; i++) {
    const [before, now] = [temperature[i - 1]!, temperature[i]!];
    if (!(now > heating[i]! + 0.3 && now < cooling[i]! - 0.3 && before > heating[i]! + 0.3 && before < cooling[i]! - 0.3)) continue;
    if ((people?.[i] ?? 0) > 0 || (sun?.[i] ?? 0) > 0) continue;
    const pull = toC(outdoor[i]!) - before;
    if (!(Math.abs(pull) >= 3) || now === before) continue;
    steps++;
    if (Math.sign(now - before) === Math.sign(pull)) towards++;
  }
  return steps < 24 ? null : towards / steps;
};

export const fahrenheitToC = (value: number): number => (value - 32) / 1.8;

const outdoorUnit = (dataset: Dataset, zones: readonly string[], zonesInC: boolean): Unit => {
  const values = finite(dataset.columns.get(sitePoint("outdoorAirTempC")));
  if (values.length === 0) return "unclear";
  if (median(values) > COLDEST_K) return "K";
  if (quantile(values, 0.99) > WARMEST_OUTDOOR_C) return "degF";
  // A winter in °F reads like a summer in °C; then zones cool towards air that claims to be warmer than they are.
  const wrong = zones.filter((zone) => {
    const asRead = pullsOutdoors(dataset, zone, (value) => value);
    const asF = pullsOutdoors(dataset, zone, fahrenheitToC);
    return asRead !== null && asF !== null && asRead < 0.25 && asF > 0.75;
  });
  return zonesInC && wrong.length > zones.length / 2 ? "degF" : "degC";
};

/** Refuses temperatures that are not in °C: which columns they are, and what to do. Exit code 78. */
export const refuseOtherUnits = (dataset: Dataset, zones: readonly string[]): void => {
  const units = new Map<PointName, Unit>();
  for (const zone of zones) {
    const air = zonePoint(zone, "zoneAirTempC");
    const heating = zonePoint(zone, "heatingSetpointC");
    const cooling = zonePoint(zone, "coolingSetpointC");
    units.set(air, zoneUnit(finite(dataset.columns.get(air))));
    units.set(heating, zoneUnit(finite(dataset.columns.get(heating))));
    units.set(cooling, coolingUnit(finite(dataset.columns.get(cooling))));
  }
  const zonesInC = ![...units.values()].some((unit) => unit === "degF" || unit === "K");
  units.set(sitePoint("outdoorAirTempC"), outdoorUnit(dataset, zones, zonesInC));
  const inUnit = (wanted: Unit): PointName[] => [...units].filter(([, unit]) => unit === wanted).map(([point]) => point);
  const [fahrenheit, kelvin, celsius] = [inUnit("degF"), inUnit("K"), inUnit("degC")];
  const other = [...fahrenheit, ...kelvin];
  if (other.length === 0) return;
  const shown = (point: PointName): string => `${point} (median ${median(finite(dataset.columns.get(point))).toFixed(1)})`;
  const name = kelvin.length === 0 ? "°F" : fahrenheit.length === 0 ? "K" : "°F and K";
  // Outdoor air of a mild week says nothing by itself: the file counts as one where all that speaks, speaks alike.
  const whole = celsius.every((point) => point.startsWith("site."));
  throw configurationError(
    `${whole ? "The temperatures are" : "Some temperatures are"} not in °C but, as it seems, in ${name}: ${other.slice(0, 6).map(shown).join(", ")}${other.length > 6 ? ", …" : ""}.${whole ? "" : ` Others are in °C: ${celsius.slice(0, 3).map(shown).join(", ")}${celsius.length > 3 ? ", …" : ""}.`}`,
    {
      todo:
        whole && kelvin.length === 0
          ? "Give --units degF, which converts every temperature of the file; at a site, give the points `unit: degF` in the site file."
          : "Convert these columns to °C ((x − 32) / 1.8 from °F, x − 273.15 from K); at a site, give these points their `unit` in the site file.",
    },
  );
};
