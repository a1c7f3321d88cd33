import { configurationError } from "#domain/errors";
import { type SiteQuantity, siteQuantities } from "#domain/points";
import { closestName } from "#math/closestName";
import type { BoptestPoints } from "#simulators/boptest/client";
import type { BoptestMapping, BoptestZone } from "#simulators/boptest/mapping";

/** How BOPTEST calls the weather: after the station's prefix as a measurement, by itself as a forecast point; with its unit. */
export const weatherNames: Readonly<Record<SiteQuantity, { readonly measured: string; readonly forecast: string; readonly unit: string }>> =
  {
    outdoorAirTempC: { measured: "TDryBul_y", forecast: "TDryBul", unit: "K" },
    outdoorRelativeHumidityPct: { measured: "RelHum_y", forecast: "relHum", unit: "1" },
    windSpeedMps: { measured: "WinSpe_y", forecast: "winSpe", unit: "m/s" },
    globalHorizontalIrradianceWm2: { measured: "HGloHor_y", forecast: "HGloHor", unit: "W/m2" },
    directNormalIrradianceWm2: { measured: "HDirNor_y", forecast: "HDirNor", unit: "W/m2" },
    diffuseHorizontalIrradianceWm2: { measured: "HDifHor_y", forecast: "HDifHor", unit: "W/m2" },
  };

export const measuredWeather = (mapping: BoptestMapping, quantity: SiteQuantity): string =>
  `${mapping.weatherStation}${weatherNames[quantity].measured}`;
export const forecastNames = ({ forecastZone }: BoptestZone) => ({
  lower: `LowerSetp[${forecastZone}]`,
  upper: `UpperSetp[${forecastZone}]`,
  occupancy: `Occupancy[${forecastZone}]`,
  upperCo2: `UpperCO2[${forecastZone}]`,
});
export const activationOf = (input: string): string => input.replace(/_u$/, "_activate");
export const powerPoints = ({ electricPower, gasPower, districtHeatingPower }: BoptestMapping): readonly string[] => [
  ...electricPower,
  ...gasPower,
  ...districtHeatingPower,
];

interface Wanted {
  readonly name: string;
  readonly unit: string;
  readonly use: string;
}

/**
 * Checks that a test case has every point that a mapping names, in the unit that is converted from. All that is wrong comes in one `IsothermError`
 * (configuration), each wrong name with the nearest one there is.
 */
export function checkPoints(
  mapping: BoptestMapping,
  points: { readonly inputs: BoptestPoints; readonly measurements: BoptestPoints; readonly forecastPoints: BoptestPoints },
): void {
  const { inputs, measurements, forecastPoints } = points;
  const problems: string[] = [];
  const check = (kind: string, known: BoptestPoints, wanted: readonly Wanted[]): void => {
    for (const { name, unit, use } of wanted) {
      const found = known.get(name);
      if (found === undefined) {
        const near = closestName(name, known.keys());
        problems.push(`${use}: there is no ${kind} "${name}"${near === null ? "" : `; did you mean ${near}?`}`);
      } else if (found.unit !== unit && !(unit === "number of people" && found.unit === "1"))
        problems.push(`${use}: ${name} is in ${found.unit ?? "no unit"}, not in ${unit}`);
    }
  };
  check("measurement", measurements, [
    ...mapping.zones.map(({ id, zoneAirTemp }) => ({ name: zoneAirTemp, unit: "K", use: `zone ${id}, zoneAirTemp` })),
    ...mapping.zones.flatMap(({ id, co2 }) => (co2 === null ? [] : [{ name: co2, unit: "ppm", use: `zone ${id}, co2` }])),
    ...siteQuantities.map((q) => ({ name: measuredWeather(mapping, q), unit: weatherNames[q].unit, use: `weather station, ${q}` })),
    ...powerPoints(mapping).map((name) => ({ name, unit: "W", use: "power" })),
  ]);
  check(
    "input",
    inputs,
    mapping.zones.flatMap(({ id, heatingSetpoint, coolingSetpoint }) =>
      ([heatingSetpoint, coolingSetpoint] as const).flatMap((name, side) =>
        name === null ? [] : [{ name, unit: "K", use: `zone ${id}, ${side === 0 ? "heatingSetpoint" : "coolingSetpoint"}` }],
      ),
    ),
  );
  check("forecast point", forecastPoints, [
    ...siteQuantities.map((q) => ({ name: weatherNames[q].forecast, unit: weatherNames[q].unit, use: `weather forecast, ${q}` })),
    ...mapping.zones.flatMap((zone) => {
      const { lower, upper, occupancy } = forecastNames(zone);
      return [
        { name: lower, unit: "K", use: `zone ${zone.id}, lower comfort bound` },
        { name: upper, unit: "K", use: `zone ${zone.id}, upper comfort bound` },
        { name: occupancy, unit: "number of people", use: `zone ${zone.id}, occupancy` },
      ];
    }),
  ]);
  if (problems.length > 0)
    throw configurationError(`the mapping does not fit the BOPTEST test case ${mapping.testCase}:\n${problems.join("\n")}`, {
      todo: "Correct the mapping; GET inputs, measurements and forecast_points list what there is.",
    });
}
