import type { Forecast } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { SimulatedPlant } from "#domain/plant";
import { buildingPoint, type Observation, type PointName, sitePoint, siteQuantities, zonePoint } from "#domain/points";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";
import { type HeldCommand, heldCommand } from "#simulators/heldCommand";
import { type SizedUnit, sizeUnit } from "#simulators/rc/autosize";
import { loadBuilding } from "#simulators/rc/buildings/catalogue";
import type { BuildingDescription } from "#simulators/rc/description";
import { Environment } from "#simulators/rc/environment";
import { FloorHeating } from "#simulators/rc/floorHeating";
import { idealLoads, type ZoneLimits } from "#simulators/rc/idealLoads";
import { centralLimits, freeCoolingShare, type UnitPower, unitPower } from "#simulators/rc/rooftopUnit";
import { scheduleMean, scheduleValue } from "#simulators/rc/schedules";
import { sensorNoise } from "#simulators/rc/sensorNoise";
import { Stepper } from "#simulators/rc/stepper";
import { buildNetwork, type ThermalNetwork } from "#simulators/rc/thermalNetwork";
import { epwForecast, siteValues } from "#simulators/weather/epwForecastProvider";
import { loadWeather } from "#simulators/weather/loadWeather";
import { civilTime } from "#simulators/weather/localTime";
import { type WeatherSeries, weatherStepMs } from "#simulators/weather/weatherSeries";

/** Length of the steps in which the thermostats act. */
export const subStepS = 60;
const subStepMs = subStepS * 1000;
const startTempC = 20;

export interface RcPlantOptions {
  /** A bundled building's id, or a description. */
  readonly building: string | BuildingDescription;
  /** A bundled weather's id, a file, or a series. */
  readonly weather: string | WeatherSeries;
  /** Of the sensor noise only. */
  readonly seed?: number;
  /** Standard deviation of what is added to observed zone temperatures, K; 0 when absent. Thermostats see the true ones. */
  readonly sensorNoiseK?: number;
}

/** Means over the last step, W: what the unit gave each zone's air, or its floor. */
export interface RcStepDetail {
  readonly zoneHeatingW: Float64Array;
  readonly zoneCoolingW: Float64Array;
  readonly power: UnitPower;
}

/** What `saveState` writes: plain JSON, enough to go on exactly. */
export interface RcPlantState {
  readonly schema: "rc-1";
  readonly building: string;
  readonly timeMs: number;
  readonly nodeTempsC: readonly number[];
  readonly hvacEnergyKwh: number;
  /** Integral parts of floor heating's thermostats, where the building has it. */
  readonly thermostatIntegrals?: readonly number[];
  readonly command: { readonly validUntilMs: number; readonly zones: Readonly<Record<string, ZoneSetpoints>> } | null;
  readonly observation: { readonly timeMs: number; readonly values: Readonly<Record<PointName, number>> };
}

export interface RcPlant extends SimulatedPlant {
  readonly building: BuildingDescription;
  readonly weather: WeatherSeries;
  readonly network: ThermalNetwork;
  /** What the unit was sized to; null for a free-floating building. */
  readonly sized: SizedUnit | null;
  lastStep(): RcStepDetail;
  saveState(): RcPlantState;
  /** Refuses a state of another building or form with an `IsothermError` (configuration). */
  restoreState(state: RcPlantState): void;
}

/**
 * A building as a resistance–capacitance network under real weather, as a `SimulatedPlant`. Sub-steps of 60 s, implicit Euler; thermostats as ideal
 * loads within the unit's capacities. See simulators/rc/README.md for the physics, the sources of its numbers and what it leaves out.
 */
export function createRcPlant(options: RcPlantOptions): RcPlant {
  const building = typeof options.building === "string" ? loadBuilding(options.building) : options.building;
  const weather = typeof options.weather === "string" ? loadWeather(options.weather) : options.weather;
  return new RcPlantImpl(building, weather, options.seed ?? 0, options.sensorNoiseK ?? 0);
}

class RcPlantImpl implements RcPlant {
  readonly zones: readonly string[];
  readonly network: ThermalNetwork;
  readonly sized: SizedUnit | null;
  readonly #environment: Environment;
  readonly #stepper: Stepper;
  readonly #floorHeating: FloorHeating | null;
  readonly #heatW: Float64Array;
  readonly #limits: ZoneLimits & { centralHeatingW: number; centralCoolingW: number };
  #timeMs = Number.NaN;
  #energyKwh = 0;
  #command: HeldCommand | null = null;
  #observation: Observation | null = null;
  #detail: RcStepDetail;

  constructor(
    readonly building: BuildingDescription,
    readonly weather: WeatherSeries,
    readonly seed: number,
    readonly sensorNoiseK: number,
  ) {
    if (!Number.isFinite(seed) || !(sensorNoiseK >= 0)) throw misuse(`seed ${seed} and sensor noise ${sensorNoiseK} K are not usable`);
    this.zones = building.zones.map((zone) => zone.id);
    this.network = buildNetwork(building);
    this.#environment = new Environment(building, this.network, weather);
    this.#stepper = new Stepper(this.network, startTempC);
    this.sized = building.hvac === null ? null : sizeUnit(building, building.hvac, this.network, weather);
    const zones = this.zones.length;
    const { floorHeating } = building;
    if (floorHeating !== undefined && building.hvac !== null)
      throw misuse(`${building.id} has floor heating and a rooftop unit: one of them only`);
    if (floorHeating !== undefined && this.network.pipePlanes.length === 0)
      throw misuse(`${building.id} has floor heating and no floor with pipes`);
    this.#floorHeating = floorHeating === undefined ? null : new FloorHeating(floorHeating, this.network.pipePlanes, zones);
    this.#heatW = new Float64Array(zones);
    this.#limits = {
      heatingSetpointC: new Float64Array(zones),
      coolingSetpointC: new Float64Array(zones),
      heatingCapacityW: Float64Array.from(this.sized?.zoneHeatingW ?? this.zones.map(() => 0)),
      coolingCapacityW: Float64Array.from(this.sized?.zoneCoolingW ?? this.zones.map(() => 0)),
      centralHeatingW: 0,
      centralCoolingW: 0,
    };
    this.#detail = emptyDetail(zones);
  }

  async initialize(startTimeMs: number, warmupS: number): Promise<Observation> {
    if (!Number.isFinite(startTimeMs) || startTimeMs % subStepMs !== 0)
      throw misuse(`a run cannot begin at ${startTimeMs} ms: whole minutes only`);
    if (!(warmupS >= 0) || warmupS % subStepS !== 0) throw misuse(`a warm-up of ${warmupS} s is not a whole number of minutes`);
    this.#command = null;
    this.#floorHeating?.reset();
    this.#stepper.setTemps(new Float64Array(this.network.capacityCount).fill(startTempC));
    const conditioningS = Math.max(weatherStepMs / 1000, this.building.conditioningDays * 86_400);
    this.#timeMs = startTimeMs - (warmupS + conditioningS) * 1000;
    // One row per quarter of an hour; the last one ends at the start.
    for (let leftS = warmupS + conditioningS; leftS > 0; ) {
      const stepS = leftS % (weatherStepMs / 1000) || weatherStepMs / 1000;
      this.#run(stepS);
      leftS -= stepS;
    }
    this.#energyKwh = 0;
    const { timeMs, values } = this.#ready();
    this.#observation = { timeMs, values: new Map(values).set(buildingPoint("hvacEnergyKwh"), 0) };
    return this.#observation;
  }

  async observe(): Promise<Observation> {
    return this.#ready();
  }

  async actuate(command: SetpointCommand): Promise<void> {
    this.#ready();
    this.#command = heldCommand(command, this.zones);
  }

  async relinquish(): Promise<void> {
    this.#command = null;
  }

  async advance(stepS: number): Promise<Observation> {
    this.#ready();
    if (!(stepS > 0) || stepS % subStepS !== 0) throw misuse(`a step of ${stepS} s is not a whole number of minutes`);
    return this.#run(stepS);
  }

  scheduleAt(stepEndMs: number): ReadonlyMap<string, ZoneSetpoints> {
    const pair = this.#scheduledPair(stepEndMs - subStepMs);
    return new Map(this.zones.map((zone) => [zone, pair]));
  }

  async forecast(fromMs: number, stepS: number, steps: number): Promise<Forecast> {
    const weather = epwForecast(this.weather, fromMs, stepS, steps);
    const columns = new Map(weather.columns);
    for (const zone of this.building.zones)
      columns.set(
        zonePoint(zone.id, "occupancyCount"),
        weather.stepEndMs.map((endMs) => zone.people.count * scheduleMean(this.weather, zone.people.schedule, endMs, stepS)),
      );
    return { ...weather, provider: "perfect", columns };
  }

  lastStep(): RcStepDetail {
    return this.#detail;
  }

  saveState(): RcPlantState {
    const observation = this.#ready();
    return {
      schema: "rc-1",
      building: this.building.id,
      timeMs: this.#timeMs,
      nodeTempsC: [...this.#stepper.temps],
      hvacEnergyKwh: this.#energyKwh,
      ...(this.#floorHeating === null ? {} : { thermostatIntegrals: [...this.#floorHeating.integrals] }),
      command: this.#command === null ? null : { validUntilMs: this.#command.validUntilMs, zones: Object.fromEntries(this.#command.zones) },
      observation: { timeMs: observation.timeMs, values: Object.fromEntries(observation.values) },
    };
  }

  restoreState(state: RcPlantState): void {
    const refused = (what: string): IsothermError =>
      new IsothermError("configuration", `the saved building state cannot be used: ${what}`, {
        todo: "Delete the state file; the building then begins anew.",
      });
    if (state?.schema !== "rc-1") throw refused(`its form is ${JSON.stringify(state?.schema)}, not "rc-1"`);
    if (state.building !== this.building.id)
      throw refused(`it belongs to the building "${state.building}", this one is "${this.building.id}"`);
    if (state.nodeTempsC.length !== this.network.capacityCount || !state.nodeTempsC.every(Number.isFinite))
      throw refused(`it holds ${state.nodeTempsC.length} temperatures where this building has ${this.network.capacityCount} nodes`);
    const integrals = state.thermostatIntegrals ?? [];
    const wanted = this.#floorHeating?.integrals.length ?? 0;
    if (integrals.length !== wanted || !integrals.every(Number.isFinite))
      throw refused(`it holds the thermostats of ${integrals.length} zones, this building has ${wanted} with floor heating`);
    if (!Number.isFinite(state.timeMs) || state.timeMs % subStepMs !== 0) throw refused(`its time is ${state.timeMs}`);
    this.#timeMs = state.timeMs;
    this.#stepper.setTemps(state.nodeTempsC);
    this.#energyKwh = state.hvacEnergyKwh;
    this.#floorHeating?.integrals.set(integrals);
    this.#command =
      state.command === null ? null : { validUntilMs: state.command.validUntilMs, zones: new Map(Object.entries(state.command.zones)) };
    this.#observation = {
      timeMs: state.observation.timeMs,
      values: new Map(Object.entries(state.observation.values) as [PointName, number][]),
    };
    this.#detail = emptyDetail(this.zones.length);
  }

  async close(): Promise<void> {}

  #ready(): Observation {
    if (this.#observation === null) throw misuse("the building has no state yet: call initialize or restoreState first");
    return this.#observation;
  }

  #scheduledPair(atMs: number): ZoneSetpoints {
    const time = civilTime(this.weather, atMs);
    const { heatingSetpointC, coolingSetpointC } = this.building.thermostat;
    return { heatingSetpointC: scheduleValue(heatingSetpointC, time), coolingSetpointC: scheduleValue(coolingSetpointC, time) };
  }

  /** Sets the pairs in force at this instant: the command's while it is valid, the building's own otherwise. */
  #setSetpoints(atMs: number): void {
    const scheduled = this.#scheduledPair(atMs);
    const commanded = this.#command !== null && atMs < this.#command.validUntilMs ? this.#command.zones : null;
    this.zones.forEach((zone, z) => {
      const pair = commanded?.get(zone) ?? scheduled;
      this.#limits.heatingSetpointC[z] = pair.heatingSetpointC;
      this.#limits.coolingSetpointC[z] = pair.coolingSetpointC;
    });
  }

  #run(stepS: number): Observation {
    const { hvac } = this.building;
    const zones = this.zones.length;
    const count = stepS / subStepS;
    const detail = emptyDetail(zones);
    const power: { -readonly [name in keyof UnitPower]: number } = { ...detail.power };
    const addPower = (now: UnitPower): void => {
      for (const name of Object.keys(power) as (keyof UnitPower)[]) power[name] += now[name] / count;
    };
    for (let k = 0; k < count; k++) {
      const { weather, key } = this.#environment.at(this.#timeMs);
      this.#setSetpoints(this.#timeMs);
      const ventilation = this.#environment.ventilationFraction;
      const floors = this.#floorHeating;
      if (floors !== null) addPower(this.#heatFloors(floors, weather.outdoorAirTempC));
      const step = this.#stepper.begin(subStepS, ventilation, this.#environment.inputs, key);
      if (hvac !== null && this.sized !== null) {
        const outdoorC = weather.outdoorAirTempC;
        const returnC = step.freeAirC.reduce((sum, t) => sum + t, 0) / zones;
        const freeShare = freeCoolingShare(hvac, outdoorC, returnC);
        const central = centralLimits(hvac, this.sized, outdoorC, freeShare);
        this.#limits.centralHeatingW = central.heatingW;
        this.#limits.centralCoolingW = central.coolingW;
        idealLoads(step.freeAirC, step.airResponseKPerW, this.#limits, this.#heatW);
        step.finish(this.#heatW);
        const now = unitPower(hvac, this.sized, {
          outdoorC,
          zoneHeatW: this.#heatW,
          zoneAirC: this.network.airNodes.map((node) => this.#stepper.temps[node]!),
          freeShare,
          designFlowM3s: this.sized.designFlowM3s,
          ventilationM3s: ventilation * this.building.zones.reduce((sum, zone) => sum + zone.ventilationM3s, 0),
        });
        addPower(now);
        this.#heatW.forEach((q, z) => {
          if (q > 0) detail.zoneHeatingW[z]! += q / count;
          else detail.zoneCoolingW[z]! -= q / count;
        });
      }
      if (floors !== null) {
        step.finish(this.#heatW, floors.heatW);
        for (let z = 0; z < zones; z++) detail.zoneHeatingW[z]! += floors.zoneHeatW(z) / count;
      }
      this.#timeMs += subStepMs;
    }
    this.#energyKwh += (power.totalW * stepS) / 3_600_000;
    this.#detail = { ...detail, power };
    this.#observation = this.#row(stepS, power.totalW);
    return this.#observation;
  }

  /** Thermostats read the temperatures that the sub-step begins with. */
  #heatFloors(floors: FloorHeating, outdoorC: number): UnitPower {
    const { temps } = this.#stepper;
    const airC = (zone: number): number => temps[this.network.airNodes[zone]!]!;
    const { heatingSetpointC } = this.#limits;
    return floors.step(subStepS, outdoorC, airC, (node) => temps[node]!, heatingSetpointC);
  }

  #row(stepS: number, hvacPowerW: number): Observation {
    const values = new Map<PointName, number>();
    this.building.zones.forEach((zone, z) => {
      const noiseK = this.sensorNoiseK === 0 ? 0 : this.sensorNoiseK * sensorNoise(this.seed, this.#timeMs / subStepMs, z);
      values.set(zonePoint(zone.id, "zoneAirTempC"), this.#stepper.temps[this.network.airNodes[z]!]! + noiseK);
      values.set(zonePoint(zone.id, "heatingSetpointC"), this.#limits.heatingSetpointC[z]!);
      values.set(zonePoint(zone.id, "coolingSetpointC"), this.#limits.coolingSetpointC[z]!);
      values.set(
        zonePoint(zone.id, "occupancyCount"),
        zone.people.count * scheduleMean(this.weather, zone.people.schedule, this.#timeMs, stepS),
      );
    });
    const site = siteValues(this.weather.at(this.#timeMs, stepS));
    for (const quantity of siteQuantities) values.set(sitePoint(quantity), site[quantity]);
    values.set(buildingPoint("hvacPowerW"), hvacPowerW);
    values.set(buildingPoint("hvacEnergyKwh"), this.#energyKwh);
    return { timeMs: this.#timeMs, values };
  }
}

const emptyDetail = (zones: number): RcStepDetail => ({
  zoneHeatingW: new Float64Array(zones),
  zoneCoolingW: new Float64Array(zones),
  power: { heatPumpW: 0, auxiliaryW: 0, coolingW: 0, fanW: 0, pumpW: 0, totalW: 0 },
});
const misuse = (message: string): IsothermError => new IsothermError("permanent", message);
