import type { Dataset } from "#domain/dataset";
import { buildingPoint, type PointName, sitePoint, siteQuantities, zonePoint } from "#domain/points";
import { CoupledRun, dayMs, engineStepS } from "#simulators/energyplus/coupledRun";
import { type ZoneFacts, zoneFacts } from "#simulators/energyplus/eio";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";
import { loadModel } from "#simulators/energyplus/models";
import { hvacMeters, rowValues, variablesOf } from "#simulators/energyplus/outputs";
import { rowWidth } from "#simulators/energyplus/runProtocol";
import { thermostatZones } from "#simulators/energyplus/thermostatZones";
import { loadWeatherFile } from "#simulators/energyplus/weathers";

export interface RecordOptions {
  readonly engine: EnergyplusEngine;
  /** As `createEnergyplusPlant` takes them. */
  readonly building: string;
  readonly weather: string;
  /** First day, the UTC midnight with the date of local standard time. */
  readonly firstDayMs: number;
  readonly days: number;
  /** steps × zones × (heating, cooling), NaN the building's own; asked for once the zones are known. */
  readonly tape: (zones: number, days: number, stepsPerDay: number) => Float64Array;
  readonly signal?: AbortSignal;
}

export interface RecordedRun {
  /** Zone temperatures, setpoints in force, occupancy, weather and HVAC power of every step, in local standard time. */
  readonly dataset: Dataset;
  readonly zones: readonly (ZoneFacts & { readonly id: string })[];
  /** City of the weather file. */
  readonly weatherName: string;
}

const stepMs = engineStepS * 1000;
const stepsPerDay = dayMs / stepMs;
/** Digits after the point: more than any sensor has. */
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;

/** Runs a building once under setpoints that are known beforehand, at the engine's own speed: nothing is decided meanwhile. */
export async function recordRun(options: RecordOptions): Promise<RecordedRun> {
  const { engine, firstDayMs, days, signal } = options;
  const { model, file } = await loadModel(options.building, engine, signal);
  const weather = loadWeatherFile(options.weather, engine);
  const zones = thermostatZones(model, file);
  const run = await CoupledRun.start(
    { engine, model, modelFile: file, zones, weatherText: weather.text, patienceMs: undefined, signal },
    { firstDayMs, lastDayMs: firstDayMs + (days - 1) * dayMs },
    {
      actuates: true,
      freeSteps: Number.POSITIVE_INFINITY,
      tape: options.tape(zones.length, days, stepsPerDay),
      keepsRows: true,
      keepsSizes: true,
    },
  );
  try {
    const { rows, rowCount } = await run.finished();
    const width = rowWidth({ variables: variablesOf(zones), meters: hvacMeters });
    // Row 0 is the end of warm-up: the setpoints that it shows were not in force before it.
    const steps = rowCount - 1;
    const points: PointName[] = [
      ...siteQuantities.map(sitePoint),
      ...zones.flatMap(({ id }) =>
        (["zoneAirTempC", "heatingSetpointC", "coolingSetpointC", "occupancyCount"] as const).map((quantity) => zonePoint(id, quantity)),
      ),
      buildingPoint("hvacPowerW"),
    ];
    const columns = new Map(points.map((point) => [point, new Float64Array(steps).fill(Number.NaN)]));
    for (let k = 0; k < steps; k++) {
      const values = rowValues(rows.subarray((k + 1) * width, (k + 2) * width), zones, engineStepS);
      for (const point of points) {
        const value = values.get(point);
        if (value !== undefined) columns.get(point)![k] = rounded(value);
      }
    }
    const facts = zoneFacts(
      run.sizes(),
      zones.map(({ name }) => name),
    );
    return {
      dataset: { stepS: engineStepS, timesMs: Float64Array.from({ length: steps }, (_, k) => firstDayMs + (k + 1) * stepMs), columns },
      zones: zones.map(({ id }, z) => ({ id, ...facts[z]! })),
      weatherName: weather.epw.location.name,
    };
  } finally {
    await run.close();
  }
}
