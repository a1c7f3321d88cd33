import { buildingPoint, type PointName, type SiteQuantity, sitePoint, zonePoint } from "#domain/points";
import { type OutputVariable, rowHeader } from "#simulators/energyplus/runProtocol";
import type { ThermostatZone } from "#simulators/energyplus/thermostatZones";
import { fuelPowerPoint } from "#simulators/kpis";

const siteKey = "Environment";
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
  let at = rowHeader;
  const [airC, humidityPct, windMps, directWm2, diffuseWm2, altitudeDeg] = siteVariables.map(() => row[at++]!) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const site: Readonly<Record<SiteQuantity, number>> = {
    outdoorAirTempC: airC,
    outdoorRelativeHumidityPct: humidityPct,
    windSpeedMps: windMps,
    globalHorizontalIrradianceWm2: diffuseWm2 + directWm2 * Math.max(0, Math.sin((altitudeDeg * Math.PI) / 180)),
    directNormalIrradianceWm2: directWm2,
    diffuseHorizontalIrradianceWm2: diffuseWm2,
  };
  for (const [quantity, value] of Object.entries(site)) put(sitePoint(quantity as SiteQuantity), value);
  for (const { id } of zones) {
    const [tempC, heatingC, coolingC, control, zoneHumidityPct, count] = zoneVariables.map(() => row[at++]!) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    put(zonePoint(id, "zoneAirTempC"), tempC);
    put(zonePoint(id, "heatingSetpointC"), control === 0 || control === coolsOnly ? never.heatingSetpointC : heatingC);
    put(zonePoint(id, "coolingSetpointC"), control === 0 || control === heatsOnly ? never.coolingSetpointC : coolingC);
    put(zonePoint(id, "occupancyCount"), Number.isNaN(count) ? 0 : count);
    put(zonePoint(id, "relativeHumidityPct"), zoneHumidityPct);
  }
  if (!hasMeters) return values;
  put(buildingPoint("hvacPowerW"), row[at++]! / stepS);
  put(fuelPowerPoint, row[at++]! / stepS);
  return values;
}
