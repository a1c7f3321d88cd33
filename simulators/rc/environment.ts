import type { AngularModifier, BuildingDescription, WindowSurface } from "#simulators/rc/description";
import { monthlyValue, scheduleValue } from "#simulators/rc/schedules";
import type { ThermalNetwork } from "#simulators/rc/thermalNetwork";
import { civilTime } from "#simulators/weather/localTime";
import { solarPosition } from "#simulators/weather/sun";
import { tiltedIrradiance } from "#simulators/weather/tiltedIrradiance";
import { type WeatherSeries, type WeatherValues, weatherStepMs } from "#simulators/weather/weatherSeries";

const stefanBoltzmann = 5.670374e-8;

/** Solar heat gain at an incidence angle relative to normal incidence, linear between the table's angles, 0 at 90°. */
export function angularFactor(table: AngularModifier, cosIncidence: number): number {
  const angle = (Math.acos(Math.min(1, Math.max(0, cosIncidence))) * 180) / Math.PI;
  const next = table.anglesDeg.findIndex((edge) => edge >= angle);
  if (next < 0) return 0;
  if (next === 0) return table.factors[0]!;
  const [a, b] = [table.anglesDeg[next - 1]!, table.anglesDeg[next]!];
  return table.factors[next - 1]! + ((angle - a) / (b - a)) * (table.factors[next]! - table.factors[next - 1]!);
}

/** What acts on a building from outside and inside, as the input vector of its network; recomputed only when something changed. */
export class Environment {
  readonly inputs: Float64Array;
  readonly #building: BuildingDescription;
  readonly #network: ThermalNetwork;
  readonly #weather: WeatherSeries;
  #quarterEndMs = Number.NaN;
  #values: WeatherValues | null = null;
  #gains: Float64Array;
  #revision = 0;
  ventilationFraction = 0;

  constructor(building: BuildingDescription, network: ThermalNetwork, weather: WeatherSeries) {
    this.#building = building;
    this.#network = network;
    this.#weather = weather;
    this.inputs = new Float64Array(network.inputs.count);
    this.#gains = new Float64Array(2 * building.zones.length).fill(Number.NaN);
  }

  /** Sets `inputs` for the sub-step that begins at `startMs`; returns the weather in force and a key that changes with the inputs. */
  at(startMs: number): { weather: WeatherValues; key: string } {
    const quarterEndMs = (Math.floor(startMs / weatherStepMs) + 1) * weatherStepMs;
    if (quarterEndMs !== this.#quarterEndMs) {
      this.#quarterEndMs = quarterEndMs;
      this.#values = this.#weather.at(quarterEndMs, weatherStepMs / 1000);
      this.#setWeather(this.#values, quarterEndMs - weatherStepMs / 2);
    }
    this.#setGains(startMs);
    return { weather: this.#values!, key: String(this.#revision) };
  }

  #setWeather(weather: WeatherValues, middleMs: number): void {
    this.#revision++;
    const { inputs } = this.#network;
    const u = this.inputs;
    const sun = solarPosition(middleMs, this.#weather.latitudeDeg, this.#weather.longitudeDeg);
    const sky = {
      directNormalWm2: weather.directNormalIrradianceWm2,
      diffuseHorizontalWm2: weather.diffuseHorizontalIrradianceWm2,
      globalHorizontalWm2: weather.globalHorizontalIrradianceWm2,
    };
    const groundReflectance = this.#building.groundReflectance;
    const outdoorC = weather.outdoorAirTempC;
    u[inputs.outdoorAirC] = outdoorC;
    u[inputs.groundC] = monthlyValue(this.#building.groundTempC, civilTime(this.#weather, middleMs));
    const skyLossWm2 = weather.horizontalInfraredWm2 - stefanBoltzmann * (outdoorC + 273.15) ** 4;
    for (const surface of this.#building.surfaces) {
      if (surface.boundary.kind !== "outdoor") continue;
      const { tiltDeg, azimuthDeg } = surface.boundary;
      const { beamWm2, skyDiffuseWm2, groundReflectedWm2 } = tiltedIrradiance(sun, sky, { tiltDeg, azimuthDeg, groundReflectance });
      const { outsideSolarAbsorptance, outsideEmissivity } = surface.construction;
      const skyView = (1 + Math.cos((tiltDeg * Math.PI) / 180)) / 2;
      // EnergyPlus's split: a wall sees cold sky with √F of its sky half, the rest of the half is air near the horizon.
      const absorbed = outsideSolarAbsorptance * (beamWm2 + skyDiffuseWm2 + groundReflectedWm2);
      const longWave = outsideEmissivity * skyView * Math.sqrt(skyView) * skyLossWm2;
      u[inputs.solAirC.get(surface.id)!] = outdoorC + (absorbed + longWave) / this.#building.films.outsideWm2K;
    }
    for (const input of inputs.solarW) u[input] = 0;
    for (const window of this.#building.windows) {
      const zone = this.#building.zones.findIndex((z) => z.id === window.zone);
      u[inputs.solarW[zone]!]! += windowGainW(window, sun, sky, groundReflectance);
    }
  }

  #setGains(startMs: number): void {
    const time = civilTime(this.#weather, startMs);
    this.ventilationFraction = scheduleValue(this.#building.ventilation, time);
    const { inputs } = this.#network;
    let changed = false;
    this.#building.zones.forEach((zone, z) => {
      const peopleW = zone.people.count * zone.people.sensibleWPerPerson * scheduleValue(zone.people.schedule, time);
      let radiant = peopleW * zone.people.radiantFraction;
      let convective = peopleW - radiant;
      for (const gain of zone.gains) {
        const totalW = gain.designW * scheduleValue(gain.schedule, time);
        radiant += totalW * gain.radiantFraction;
        convective += totalW * (1 - gain.radiantFraction);
      }
      if (this.#gains[2 * z] !== radiant || this.#gains[2 * z + 1] !== convective) changed = true;
      this.#gains[2 * z] = radiant;
      this.#gains[2 * z + 1] = convective;
      this.inputs[inputs.radiantW[z]!] = radiant;
      this.inputs[inputs.convectiveW[z]!] = convective;
    });
    if (changed) this.#revision++;
  }
}

/** Heat through a window: A · SHGC · (beam · factor(θ) + (sky + ground) · diffuse factor), W. */
export function windowGainW(
  window: WindowSurface,
  sun: ReturnType<typeof solarPosition>,
  sky: { directNormalWm2: number; diffuseHorizontalWm2: number; globalHorizontalWm2: number },
  groundReflectance: number,
): number {
  const { tiltDeg, azimuthDeg, areaM2, solarHeatGainCoefficient, angular } = window;
  const { beamWm2, skyDiffuseWm2, groundReflectedWm2, cosIncidence } = tiltedIrradiance(sun, sky, {
    tiltDeg,
    azimuthDeg,
    groundReflectance,
  });
  return (
    areaM2 *
    solarHeatGainCoefficient *
    (beamWm2 * angularFactor(angular, cosIncidence) + (skyDiffuseWm2 + groundReflectedWm2) * angular.diffuse)
  );
}
