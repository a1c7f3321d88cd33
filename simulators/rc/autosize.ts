import { Matrix, solve } from "ml-matrix";
import type { BuildingDescription, HvacDescription, SizedCapacities, WeekSchedule } from "#simulators/rc/description";
import { Environment } from "#simulators/rc/environment";
import { idealLoads } from "#simulators/rc/idealLoads";
import { atOutdoor, supplyFlowM3s } from "#simulators/rc/rooftopUnit";
import { Stepper } from "#simulators/rc/stepper";
import { steadyState, type ThermalNetwork } from "#simulators/rc/thermalNetwork";
import { solarPosition } from "#simulators/weather/sun";
import { type WeatherSeries, type WeatherValues, weatherStepMs } from "#simulators/weather/weatherSeries";

export interface SizedUnit extends SizedCapacities {
  readonly designFlowM3s: number;
  /** Design temperatures behind the sizes. */
  readonly heatingDesignOutdoorC: number;
  readonly coolingDesignOutdoorC: number;
}

const allValues = (schedule: WeekSchedule): number[] =>
  [...schedule.weekday, ...schedule.saturday, ...schedule.sunday].map(([, value]) => value);

/** The value that a share of the hourly values stays below. */
function percentile(values: Float64Array, share: number): number {
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(share * (sorted.length - 1))))]!;
}

/**
 * Sizes a unit the way ASHRAE 90.1 appendix G has its baseline sized. Heating: steady state at the outdoor temperature that 99.6 % of the file's hours
 * exceed, zones at the highest scheduled heating setpoint, full ventilation, no sun, no gains; times `heatingFactor`. Cooling: the fifth repetition of a clear
 * design day (21st of the hottest month, peak at the 0.4 % temperature, a weekday's gains), zones held at the lowest scheduled cooling setpoint; each
 * zone at its own peak and the unit at the common one, times `coolingFactor`. The heat pump is the cooling machine run backwards, so its rated heat is the
 * total cooling; resistance covers the rest of the heating load.
 */
export function sizeUnit(building: BuildingDescription, hvac: HvacDescription, network: ThermalNetwork, weather: WeatherSeries): SizedUnit {
  const dryBulb = weather.epw.columns.dryBulbC;
  const coldC = percentile(dryBulb, 0.004);
  const hotC = percentile(dryBulb, 0.996);
  const heatC = Math.max(...allValues(building.thermostat.heatingSetpointC));
  const coolC = Math.min(...allValues(building.thermostat.coolingSetpointC));
  const given = hvac.capacities;
  const heating =
    given?.zoneHeatingW ?? designHeating(building, network, coldC, heatC).map((w) => Math.max(0, w) * hvac.sizing.heatingFactor);
  const peak = given === undefined ? designCooling(building, network, weather, hotC, coolC) : null;
  const cooling = given?.zoneCoolingW ?? peak!.zonesW.map((w) => w * hvac.sizing.coolingFactor);
  const coolingRatedW =
    given?.coolingRatedW ?? (peak!.buildingW * hvac.sizing.coolingFactor) / atOutdoor(hvac.cooling.relativeCapacity, hotC);
  const heatPumpRatedW = given?.heatPumpRatedW ?? (hvac.heatPump === null ? 0 : coolingRatedW / hvac.cooling.sensibleHeatRatio);
  const pumpAtDesignW = hvac.heatPump === null ? 0 : heatPumpRatedW * atOutdoor(hvac.heatPump.relativeCapacity, coldC);
  const auxiliaryHeatingW = given?.auxiliaryHeatingW ?? Math.max(0, heating.reduce((a, b) => a + b, 0) - pumpAtDesignW);
  const designFlowM3s = building.zones.reduce(
    (sum, zone, z) =>
      sum + Math.max(supplyFlowM3s(hvac, heating[z]!, heatC), supplyFlowM3s(hvac, -cooling[z]!, coolC), zone.ventilationM3s),
    0,
  );
  return {
    zoneHeatingW: heating,
    zoneCoolingW: cooling,
    heatPumpRatedW,
    auxiliaryHeatingW,
    coolingRatedW,
    designFlowM3s,
    heatingDesignOutdoorC: coldC,
    coolingDesignOutdoorC: hotC,
  };
}

function designHeating(building: BuildingDescription, network: ThermalNetwork, outdoorC: number, zoneC: number): number[] {
  const u = new Float64Array(network.inputs.count);
  u[network.inputs.outdoorAirC] = outdoorC;
  for (const input of network.inputs.solAirC.values()) u[input] = outdoorC;
  u[network.inputs.groundC] = Math.min(...building.groundTempC);
  const zones = building.zones.length;
  const air = (temps: Float64Array): number[] => network.airNodes.map((node) => temps[node]!);
  const none = air(steadyState(network, 1, u, []));
  const response = Matrix.zeros(zones, zones);
  for (let z = 0; z < zones; z++) {
    const unit = Array.from({ length: zones }, (_, k) => (k === z ? 1000 : 0));
    air(steadyState(network, 1, u, unit)).forEach((t, i) => {
      response.set(i, z, (t - none[i]!) / 1000);
    });
  }
  return solve(response, Matrix.columnVector(none.map((t) => zoneC - t))).getColumn(0);
}

/** ASHRAE clear sky (Handbook Fundamentals 2005, ch. 31, table 7): A (W/m²), B, C for the 21st of each month. */
const clearSky = [
  [1230, 0.142, 0.058],
  [1215, 0.144, 0.06],
  [1186, 0.156, 0.071],
  [1136, 0.18, 0.097],
  [1104, 0.196, 0.121],
  [1088, 0.205, 0.134],
  [1085, 0.207, 0.136],
  [1107, 0.201, 0.122],
  [1151, 0.177, 0.092],
  [1192, 0.16, 0.073],
  [1221, 0.149, 0.063],
  [1233, 0.142, 0.057],
] as const;

function designDayWeather(weather: WeatherSeries, hotC: number): { series: WeatherSeries; startMs: number } {
  const { epw } = weather;
  const sums = Array.from({ length: 12 }, () => ({ sum: 0, n: 0, rangeSum: 0, days: 0 }));
  for (let row = 0; row < epw.hour.length; row += 24) {
    const day = epw.columns.dryBulbC.subarray(row, row + 24).filter(Number.isFinite);
    const month = sums[epw.month[row]! - 1]!;
    if (day.length === 0) continue;
    month.sum += day.reduce((a, b) => a + b, 0);
    month.n += day.length;
    month.rangeSum += Math.max(...day) - Math.min(...day);
    month.days++;
  }
  const hottest = sums.reduce((best, month, m) => (month.sum / month.n > sums[best]!.sum / sums[best]!.n ? m : best), 0);
  const rangeK = sums[hottest]!.rangeSum / sums[hottest]!.days;
  const [a, b, c] = clearSky[hottest]!;
  // A Monday the 21st does not exist in every month: the calendar day only sets weekday gains, the sun that of the 21st.
  const sunDayMs = Date.UTC(1991, hottest, 21) - weather.timeZoneH * 3_600_000;
  let mondayMs = sunDayMs;
  while (new Date(mondayMs + weather.timeZoneH * 3_600_000).getUTCDay() !== 1) mondayMs -= 86_400_000;
  const series: WeatherSeries = {
    epw,
    timeZoneH: weather.timeZoneH,
    latitudeDeg: weather.latitudeDeg,
    longitudeDeg: weather.longitudeDeg,
    at(stepEndMs): WeatherValues {
      const hour = (((stepEndMs / 3_600_000 + weather.timeZoneH) % 24) + 24) % 24;
      const outdoorAirTempC = hotC - (rangeK / 2) * (1 - Math.cos(((hour - 15) / 12) * Math.PI));
      const { zenithDeg } = solarPosition(stepEndMs - weatherStepMs / 2, weather.latitudeDeg, weather.longitudeDeg);
      const sinElevation = Math.cos((zenithDeg * Math.PI) / 180);
      const direct = sinElevation > 0.02 ? a * Math.exp(-b / sinElevation) : 0;
      const diffuse = c * direct;
      return {
        outdoorAirTempC,
        outdoorDewPointC: outdoorAirTempC - 10,
        outdoorRelativeHumidityPct: 50,
        windSpeedMps: 3,
        horizontalInfraredWm2: 5.670374e-8 * (outdoorAirTempC + 273.15) ** 4 - 60,
        globalHorizontalIrradianceWm2: direct * Math.max(0, sinElevation) + diffuse,
        directNormalIrradianceWm2: direct,
        diffuseHorizontalIrradianceWm2: diffuse,
      };
    },
  };
  return { series, startMs: mondayMs };
}

function designCooling(
  building: BuildingDescription,
  network: ThermalNetwork,
  weather: WeatherSeries,
  hotC: number,
  zoneC: number,
): { zonesW: number[]; buildingW: number } {
  const { series, startMs } = designDayWeather(weather, hotC);
  const environment = new Environment(building, network, series);
  const stepper = new Stepper(network, zoneC);
  const zones = building.zones.length;
  const heat = new Float64Array(zones);
  const filled = (value: number): Float64Array => new Float64Array(zones).fill(value);
  const limits = {
    heatingSetpointC: filled(-100),
    coolingSetpointC: filled(zoneC),
    heatingCapacityW: filled(0),
    coolingCapacityW: filled(Number.POSITIVE_INFINITY),
    centralHeatingW: 0,
    centralCoolingW: Number.POSITIVE_INFINITY,
  };
  const dtS = weatherStepMs / 1000;
  const perDay = 86_400 / dtS;
  const zonesW = new Array<number>(zones).fill(0);
  let buildingW = 0;
  // Monday to Friday: the fifth day carries four like it in its walls.
  for (let k = 0; k < 5 * perDay; k++) {
    const { key } = environment.at(startMs + k * weatherStepMs);
    const step = stepper.begin(dtS, environment.ventilationFraction, environment.inputs, key);
    idealLoads(step.freeAirC, step.airResponseKPerW, limits, heat);
    step.finish(heat);
    if (k < 4 * perDay) continue;
    let total = 0;
    heat.forEach((q, z) => {
      zonesW[z] = Math.max(zonesW[z]!, -q);
      total -= q;
    });
    buildingW = Math.max(buildingW, total);
  }
  return { zonesW, buildingW };
}
