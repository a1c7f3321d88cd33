import { buildingPoint, type PointName, sitePoint, zonePoint } from "#domain/points";
import { type OutputVariable, rowHeader } from "#simulators/energyplus/runProtocol";
import type { ThermostatZone } from "#simulators/energyplus/thermostatZones";
import { fuelPowerPoint } from "#simulators/kpis";

const siteKey = "Environment";
/** In the order in which `rowValues` reads them, as the zones' below. */
const siteVariables = [
  "Site Outdoor Air Drybulb Temperature",
  "Site Outdoor Air Relative Humidity",
  "Site Wind Speed",
  "Site Direct Solar Radiation Rate per Area",
  "Site Diffuse Solar Radiation Rate per Area",
  "Site Solar Altitude Angle",
] as const;
const zoneVariables = [
  { name: "Zone Air Temperature" },
  { name: "Zone Thermostat Heating Setpoint Temperature" },
  { name: "Zone Thermostat Cooling Setpoint Temperature" },
  { name: "Zone Thermostat Control Type" },
  { name: "Zone Air Relative Humidity" },
  // A zone without People has none.
  { name: "Zone People Occupant Count", isOptional: true },
] as const;

/** End uses of heating, cooling and moving air and water. Their sum is the meter Electricity:HVAC where there is no central plant. */
const endUses = ["Heating", "Cooling", "Fans", "Pumps", "HeatRejection", "Humidifier", "HeatRecovery"];
const fuels = [
  "NaturalGas",
  "Propane",
  "FuelOilNo1",
  "FuelOilNo2",
  "Coal",
  "Diesel",
  "Gasoline",
  "OtherFuel1",
  "OtherFuel2",
  "DistrictHeatingWater",
  "DistrictHeatingSteam",
  "DistrictCooling",
];
const metersOf = (carriers: readonly string[]): string[] => endUses.flatMap((use) => carriers.map((carrier) => `${use}:${carrier}`));

/** What is read of the engine at every step. */
export const variablesOf = (zones: readonly ThermostatZone[]): OutputVariable[] => [
  ...siteVariables.map((name) => ({ name, key: siteKey })),
  ...zones.flatMap(({ name: key }) => zoneVariables.map((variable) => ({ ...variable, key }))),
];
/** Electricity and other fuels, J per step. */
export const hvacMeters: readonly (readonly string[])[] = [metersOf(["Electricity"]), metersOf(fuels)];

/** EnergyPlus's control types that hold only one side: 1 heating, 2 cooling; 0 none. */
const heatsOnly = 1;
const coolsOnly = 2;
/** What a side that nothing controls reads as: it never acts. */
export const never = { heatingSetpointC: 5, coolingSetpointC: 40 } as const;

/** Names made once: a coupled year asks for them 35,040 times. */
const namesOf = (id: string) => ({
  zoneAirTempC: zonePoint(id, "zoneAirTempC"),
  heatingSetpointC: zonePoint(id, "heatingSetpointC"),
  coolingSetpointC: zonePoint(id, "coolingSetpointC"),
  occupancyCount: zonePoint(id, "occupancyCount"),
  relativeHumidityPct: zonePoint(id, "relativeHumidityPct"),
});
const namesOfZones = new WeakMap<readonly ThermostatZone[], readonly ReturnType<typeof namesOf>[]>();
const hvacPower = buildingPoint("hvacPowerW");
const site = {
  airC: sitePoint("outdoorAirTempC"),
  humidityPct: sitePoint("outdoorRelativeHumidityPct"),
  windMps: sitePoint("windSpeedMps"),
  globalWm2: sitePoint("globalHorizontalIrradianceWm2"),
  directWm2: sitePoint("directNormalIrradianceWm2"),
  diffuseWm2: sitePoint("diffuseHorizontalIrradianceWm2"),
};

/** One step's values of a row as the engine hands it over (means over the step, states at its end); NaN-free, or the point is absent. */
export function rowValues(
  row: ArrayLike<number>,
  zones: readonly ThermostatZone[],
  stepS: number,
  hasMeters = true,
): Map<PointName, number> {
  const values = new Map<PointName, number>();
  const put = (point: PointName, value: number): void => {
    if (Number.isFinite(value)) values.set(point, value);
  };
  const names = namesOfZones.get(zones) ?? zones.map(({ id }) => namesOf(id));
  namesOfZones.set(zones, names);
  let at = rowHeader;
  const directWm2 = row[at + 3]!;
  const diffuseWm2 = row[at + 4]!;
  put(site.airC, row[at]!);
  put(site.humidityPct, row[at + 1]!);
  put(site.windMps, row[at + 2]!);
  put(site.globalWm2, diffuseWm2 + directWm2 * Math.max(0, Math.sin((row[at + 5]! * Math.PI) / 180)));
  put(site.directWm2, directWm2);
  put(site.diffuseWm2, diffuseWm2);
  at += siteVariables.length;
  for (const name of names) {
    const control = row[at + 3]!;
    const count = row[at + 5]!;
    put(name.zoneAirTempC, row[at]!);
    put(name.heatingSetpointC, control === 0 || control === coolsOnly ? never.heatingSetpointC : row[at + 1]!);
    put(name.coolingSetpointC, control === 0 || control === heatsOnly ? never.coolingSetpointC : row[at + 2]!);
    put(name.occupancyCount, Number.isNaN(count) ? 0 : count);
    put(name.relativeHumidityPct, row[at + 4]!);
    at += zoneVariables.length;
  }
  if (!hasMeters) return values;
  put(hvacPower, row[at]! / stepS);
  put(fuelPowerPoint, row[at + 1]! / stepS);
  return values;
}
