import type { Forecast } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { SimulatedPlant } from "#domain/plant";
import { buildingPoint, type Observation, type PointName, sitePoint, siteQuantities, zonePoint } from "#domain/points";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";
import { type CoupledModel, CoupledRun, dayMs, engineStepS } from "#simulators/energyplus/coupledRun";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";
import type { EpModel } from "#simulators/energyplus/modelFile";
import { loadModel } from "#simulators/energyplus/models";
import { rowValues } from "#simulators/energyplus/outputs";
import { OwnSchedule } from "#simulators/energyplus/ownSchedule";
import { thermostatZones } from "#simulators/energyplus/thermostatZones";
import { loadWeatherFile } from "#simulators/energyplus/weathers";
import { type HeldCommand, heldCommand } from "#simulators/heldCommand";
import { fuelPowerPoint } from "#simulators/kpis";

export interface EnergyplusPlantOptions {
  readonly engine: EnergyplusEngine;
  /** An id of `listBuildings`, an epJSON or IDF file, or an epJSON object. */
  readonly building: string | EpModel;
  /** An id of `listWeathers`, or an .epw or .epw.gz file. */
  readonly weather: string;
  /**
   * When the run will end; a year after it starts when absent. It is more than a limit: EnergyPlus averages the sun's path over up to 20 days of a run
   * period, so that the same week comes out up to 0.2 K different in a longer run.
   */
  readonly endMs?: number;
  /** How long the engine may show no sign of life, ms. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

export interface EnergyplusPlant extends SimulatedPlant {
  /** Local standard time − UTC, hours, as the weather file says. */
  readonly timeZoneH: number;
  /** City of the weather file. */
  readonly weatherName: string;
  /** Of the thermostat zones, with their multipliers, as the engine says; null before `initialize`. */
  readonly floorAreaM2: number | null;
  /**
   * Remembers the state of now: the returned function goes back to it, any number of times. EnergyPlus cannot go back, so a new run repeats the
   * commands since `initialize`, at the engine's own speed.
   */
  remember(): () => Promise<void>;
}

const stepMs = engineStepS * 1000;
/** The engine's sums differ in the twelfth digit from run to run; more means that something else was simulated. */
const repeatToleranceK = 1e-6;
/** The building's own schedule is known at least this far ahead. */
const aheadMs = 2 * dayMs;
/** Where no end is given, a run's calendar goes on this long after its start; it is stopped when the plant is closed. */
const longestRunMs = 367 * dayMs;

/**
 * A building in EnergyPlus as a `SimulatedPlant`, one zone time step of 15 minutes after the other (simulators/energyplus/README.md). A run that
 * EnergyPlus cannot finish rejects with its own reason, and so does every later call.
 */
export async function createEnergyplusPlant(options: EnergyplusPlantOptions): Promise<EnergyplusPlant> {
  const { engine, signal } = options;
  const { model, file } = await loadModel(options.building, engine, signal);
  const weather = loadWeatherFile(options.weather, engine);
  const zones = thermostatZones(model, file);
  const { timeZoneH, name } = weather.epw.location;
  return new Plant(
    { engine, model, modelFile: file, zones, weatherText: weather.text, patienceMs: options.patienceMs, signal },
    timeZoneH,
    name,
    options.endMs ?? Number.NaN,
  );
}

/** What a run has come to: enough to repeat it. */
interface Progress {
  readonly observation: Observation;
  readonly energyKwh: number;
  readonly command: HeldCommand | null;
  readonly firstDayMs: number;
  readonly warmSteps: number;
  /** Pairs of all steps so far, steps × zones × 2. */
  readonly tape: Float64Array;
}

class Plant implements EnergyplusPlant {
  readonly zones: readonly string[];
  readonly #model: CoupledModel;
  readonly #localOffsetMs: number;
  readonly #own: OwnSchedule;
  readonly #pairs: Float64Array;
  #run: CoupledRun | null = null;
  #observation: Observation | null = null;
  #energyKwh = 0;
  #command: HeldCommand | null = null;
  /** Pairs of each step since the run began. */
  #tape: number[] = [];
  #failure: unknown = null;

  constructor(
    model: CoupledModel,
    readonly timeZoneH: number,
    readonly weatherName: string,
    /** NaN: none. */
    readonly endMs: number,
  ) {
    this.#model = model;
    this.zones = model.zones.map(({ id }) => id);
    this.#localOffsetMs = timeZoneH * 3_600_000;
    this.#own = new OwnSchedule(model, this.#localOffsetMs);
    this.#pairs = new Float64Array(2 * this.zones.length);
  }

  get floorAreaM2(): number | null {
    return this.#own.floorAreaM2;
  }

  initialize(startTimeMs: number, warmupS: number): Promise<Observation> {
    if (!Number.isFinite(startTimeMs) || (startTimeMs + this.#localOffsetMs) % stepMs !== 0)
      throw misuse(`a run cannot begin at ${startTimeMs} ms: whole quarters of an hour only`);
    if (!(warmupS >= 0) || warmupS % engineStepS !== 0)
      throw misuse(`a warm-up of ${warmupS} s is not a whole number of quarters of an hour`);
    return this.#guarded(async () => {
      const firstDayMs = Math.floor((startTimeMs - warmupS * 1000 + this.#localOffsetMs) / dayMs) * dayMs;
      await this.#own.cover(firstDayMs - this.#localOffsetMs, startTimeMs + aheadMs, true);
      const freeSteps = Math.round((startTimeMs + this.#localOffsetMs - firstDayMs) / stepMs);
      this.#command = null;
      this.#energyKwh = 0;
      this.#tape = Array<number>(freeSteps * this.#pairs.length).fill(Number.NaN);
      const values = await this.#begin(firstDayMs, freeSteps, null);
      this.#observation = { timeMs: startTimeMs, values: values.set(buildingPoint("hvacEnergyKwh"), 0) };
      return this.#observation;
    });
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
    const count = stepS / engineStepS;
    if (!Number.isInteger(count) || count < 1)
      throw misuse(`a step of ${stepS} s is not a whole number of EnergyPlus's ${engineStepS} s steps`);
    let { timeMs } = this.#ready();
    return this.#guarded(async () => {
      await this.#own.cover(timeMs, timeMs + stepS * 1000 + aheadMs);
      const rows: Map<PointName, number>[] = [];
      for (let k = 0; k < count; k++) {
        this.#setPairs(timeMs);
        this.#run!.proceed(this.#pairs);
        const row = await this.#run!.nextRow();
        timeMs += stepMs;
        this.#checkClock(row, timeMs);
        for (const value of this.#pairs) this.#tape.push(value);
        rows.push(rowValues(row, this.#model.zones, engineStepS));
      }
      const values = meanRow(rows);
      this.#energyKwh += (values.get(buildingPoint("hvacPowerW"))! * stepS) / 3_600_000;
      this.#observation = { timeMs, values: values.set(buildingPoint("hvacEnergyKwh"), this.#energyKwh) };
      return this.#observation;
    });
  }

  scheduleAt(stepEndMs: number): ReadonlyMap<string, ZoneSetpoints> {
    const row = this.#own.row(stepEndMs);
    if (row === undefined)
      throw misuse(`the building's own schedule at ${iso(stepEndMs)} is not known yet: initialise or ask for a forecast until then`);
    const values = rowValues(row, this.#model.zones, engineStepS);
    return new Map(
      this.zones.map((zone) => [
        zone,
        {
          heatingSetpointC: values.get(zonePoint(zone, "heatingSetpointC"))!,
          coolingSetpointC: values.get(zonePoint(zone, "coolingSetpointC"))!,
        },
      ]),
    );
  }

  async forecast(fromMs: number, stepS: number, steps: number): Promise<Forecast> {
    const count = stepS / engineStepS;
    if (!Number.isInteger(count) || count < 1 || !Number.isInteger(steps) || steps < 0 || (fromMs + this.#localOffsetMs) % stepMs !== 0)
      throw misuse(`a forecast of ${steps} steps of ${stepS} s from ${fromMs} ms does not fit EnergyPlus's ${engineStepS} s steps`);
    if (steps > 0) await this.#own.cover(fromMs + stepMs, fromMs + steps * stepS * 1000);
    const points = [...siteQuantities.map(sitePoint), ...this.zones.map((zone) => zonePoint(zone, "occupancyCount"))];
    const columns = new Map<PointName, Float64Array>(points.map((point) => [point, new Float64Array(steps)]));
    for (let j = 0; j < steps; j++) {
      const rows = Array.from({ length: count }, (_, k) =>
        rowValues(this.#own.row(fromMs + j * stepS * 1000 + (k + 1) * stepMs)!, this.#model.zones, engineStepS),
      );
      const values = meanRow(rows);
      for (const point of points) columns.get(point)![j] = values.get(point) ?? Number.NaN;
    }
    return {
      issuedAtMs: fromMs,
      provider: "perfect",
      stepEndMs: Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepS * 1000),
      columns,
    };
  }

  remember(): () => Promise<void> {
    const firstDayMs = this.#run?.span.firstDayMs;
    const then: Progress = {
      observation: this.#ready(),
      energyKwh: this.#energyKwh,
      command: this.#command,
      firstDayMs: firstDayMs!,
      warmSteps: this.#tape.length / this.#pairs.length,
      tape: Float64Array.from(this.#tape),
    };
    return () =>
      this.#guarded(async () => {
        const values = await this.#begin(then.firstDayMs, then.warmSteps, then.tape);
        for (const zone of this.zones) {
          const point = zonePoint(zone, "zoneAirTempC");
          const was = then.observation.values.get(point);
          if (!(Math.abs(values.get(point)! - was!) <= repeatToleranceK))
            throw new IsothermError("permanent", `EnergyPlus did not repeat its own run: ${point} is ${values.get(point)}, it was ${was}`);
        }
        this.#observation = then.observation;
        this.#energyKwh = then.energyKwh;
        this.#command = then.command;
        this.#tape = Array.from(then.tape);
      });
  }

  async close(): Promise<void> {
    this.#failure ??= misuse("the building is closed");
    const run = this.#run;
    this.#run = null;
    await run?.close();
  }

  /** A new run that passes `freeSteps` steps on its own and then waits: the values of the last of them. */
  async #begin(firstDayMs: number, freeSteps: number, tape: Float64Array | null): Promise<Map<PointName, number>> {
    const before = this.#run;
    this.#run = null;
    await before?.close();
    const startMs = firstDayMs + freeSteps * stepMs;
    const localEndMs = this.endMs + this.#localOffsetMs;
    const lastStepMs = localEndMs > startMs ? localEndMs - stepMs : startMs + longestRunMs;
    const lastDayMs = Math.floor(lastStepMs / dayMs) * dayMs;
    this.#run = await CoupledRun.start(this.#model, { firstDayMs, lastDayMs }, { actuates: true, freeSteps, tape });
    const row = await this.#run.nextRow();
    // Row 0 is the end of the repeated first day: its calendar is that day's.
    if (freeSteps > 0) this.#checkClock(row, startMs - this.#localOffsetMs);
    return rowValues(row, this.#model.zones, engineStepS);
  }

  /** Runs `work`; what fails once has failed for good, and its engine is stopped. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#failure !== null) throw this.#failure;
    try {
      return await work();
    } catch (error) {
      this.#failure ??= error;
      const run = this.#run;
      this.#run = null;
      await run?.close();
      throw error;
    }
  }

  #ready(): Observation {
    if (this.#failure !== null) throw this.#failure;
    if (this.#observation === null) throw misuse("the building has no state yet: call initialize first");
    return this.#observation;
  }

  /** The pairs of the step that begins at `atMs`. */
  #setPairs(atMs: number): void {
    const commanded = this.#command !== null && atMs < this.#command.validUntilMs ? this.#command.zones : null;
    this.zones.forEach((zone, z) => {
      const pair = commanded?.get(zone);
      this.#pairs[2 * z] = pair?.heatingSetpointC ?? Number.NaN;
      this.#pairs[2 * z + 1] = pair?.coolingSetpointC ?? Number.NaN;
    });
  }

  /** The engine's calendar and ours must agree, or every row would stand at a wrong time. */
  #checkClock(row: ArrayLike<number>, endMs: number): void {
    const begin = new Date(endMs + this.#localOffsetMs - stepMs);
    const ours = [begin.getUTCMonth() + 1, begin.getUTCDate(), begin.getUTCHours(), begin.getUTCMinutes() / (stepMs / 60_000) + 1];
    if (row[0] !== ours[0] || row[1] !== ours[1] || row[2] !== ours[2] || row[3] !== ours[3])
      throw new IsothermError(
        "permanent",
        `EnergyPlus is at month, day, hour, step ${Array.from(ours, (_, i) => row[i]).join(", ")} where ${ours.join(", ")} should be`,
      );
  }
}

/** Temperatures and setpoints of the last row, means of the rest. */
function meanRow(rows: readonly Map<PointName, number>[]): Map<PointName, number> {
  const last = rows[rows.length - 1]!;
  if (rows.length === 1) return last;
  return new Map(
    [...last].map(([point, value]) => {
      const isMean =
        point.startsWith("site.") || point.endsWith(".occupancyCount") || point === buildingPoint("hvacPowerW") || point === fuelPowerPoint;
      return [point, isMean ? rows.reduce((sum, row) => sum + row.get(point)!, 0) / rows.length : value];
    }),
  );
}

const iso = (timeMs: number): string => (Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : String(timeMs));
const misuse = (message: string): IsothermError => new IsothermError("permanent", message);
