import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import { createBoptestSite } from "#cli/simulateBoptest";
import { type SimulateWishes, stepS } from "#cli/simulateOptions";
import type { Dataset, Forecast, ForecastProvider } from "#domain/dataset";
import { configurationError, IsothermError } from "#domain/errors";
import type { SimulatedPlant } from "#domain/plant";
import { type PointName, zonePoint } from "#domain/points";
import { createEnergyplusPlant } from "#simulators/energyplus/energyplusPlant";
import { findEngine } from "#simulators/energyplus/engine";
import { loadWeatherFile } from "#simulators/energyplus/weathers";
import type { ComfortBand } from "#simulators/kpis";
import { createRcPlant } from "#simulators/rc/rcPlant";
import { createReplayPlant } from "#simulators/replay/replayPlant";
import { loadWeather } from "#simulators/weather/loadWeather";
import { localStandardToMs, type StandardTimeZone } from "#simulators/weather/localTime";

const dayMs = 86_400_000;

/** A plant with the calendar of the run. */
export interface SimulatedSite {
  readonly plant: SimulatedPlant;
  readonly timeZone: StandardTimeZone;
  /** Everything the weather is known as: id or file, city. */
  readonly weatherNames: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
  /** Where the history begins; `startMs` without one. */
  readonly beginMs: number;
  /** Goes back to the state it had when the function was made, exactly; null where the plant cannot. */
  readonly remember: (() => () => void | Promise<void>) | null;
  /** Heat takes hours to arrive: rules need longer leads. */
  readonly answersSlowly: boolean;
  /** Of the whole building; null where unknown. */
  readonly floorAreaM2?: number | null;
  /** The plant's own comfort bounds, for BOPTEST's discomfort. */
  readonly boundsAt?: (zone: string, stepEndMs: number) => ComfortBand;
  /** The plant's own limit on a zone's CO₂, ppm, for BOPTEST's air quality; null where it gives none. */
  readonly co2LimitAt?: (zone: string, stepEndMs: number) => number | null;
  /** What the plant has to say after the scored days. */
  readonly afterRun?: () => Promise<void>;
}

/** The plant that the options name. Unknown buildings, weather and plants are refused with those there are. */
export async function createSite(options: SimulateWishes, warn: (line: string) => void, signal?: AbortSignal): Promise<SimulatedSite> {
  const historyMs = options.history === "none" ? 0 : options.historyDays * dayMs;
  const calendar = (timeZone: StandardTimeZone) => {
    const startMs = localStandardToMs(timeZone, `${options.year}-${options.start}T00:00`);
    return { timeZone, startMs, endMs: startMs + options.days * dayMs, beginMs: startMs - historyMs };
  };
  switch (options.plant) {
    case "slow-house":
    case "rc": {
      const weather = loadWeather(options.weather);
      const building = options.plant === "slow-house" ? "slow-house" : options.building;
      const plant = createRcPlant({ building, weather, seed: options.seed });
      const remember = () => {
        const state = plant.saveState();
        return () => plant.restoreState(state);
      };
      const answersSlowly = plant.building.floorHeating !== undefined;
      const floorAreaM2 = plant.building.zones.reduce((sum, zone) => sum + zone.floorAreaM2, 0);
      return {
        plant,
        ...calendar(weather),
        weatherNames: [options.weather, weather.epw.location.name],
        remember,
        answersSlowly,
        floorAreaM2,
      };
    }
    case "replay": {
      const file = options.data!;
      const read = await readDatasetCsv(file);
      for (const warning of read.warnings) warn(warning);
      const dataset: Dataset = read;
      if (dataset.stepS !== stepS)
        throw configurationError(`the rows are ${dataset.stepS} s apart; replay needs 15 minutes`, {
          place: { file },
          todo: "Resample the data.",
        });
      const site = {
        plant: createReplayPlant(dataset),
        ...calendar({ timeZoneH: 0 }),
        weatherNames: [file],
        remember: null,
        answersSlowly: false,
      };
      const firstMs = dataset.timesMs[0]!;
      const lastMs = dataset.timesMs[dataset.timesMs.length - 1]!;
      if (site.beginMs < firstMs || site.endMs > lastMs)
        throw configurationError(
          `the data runs from ${iso(firstMs)} to ${iso(lastMs)}; the run needs ${iso(site.beginMs)} to ${iso(site.endMs)}`,
          { place: { file }, todo: "Choose --start, --year, --days and --history-days inside the data." },
        );
      return site;
    }
    case "energyplus": {
      const engine = await findEngine({ folder: options.energyplus });
      const { timeZoneH, name } = loadWeatherFile(options.weather, engine).epw.location;
      const times = calendar({ timeZoneH });
      const plant = await createEnergyplusPlant({
        engine,
        building: options.building,
        weather: options.weather,
        endMs: times.endMs,
        ...(options.patienceS == null ? {} : { patienceMs: options.patienceS * 1000 }),
        ...(signal === undefined ? {} : { signal }),
      });
      return {
        plant,
        ...times,
        weatherNames: [options.weather, name],
        // The engine tells once it has run.
        get floorAreaM2() {
          return plant.floorAreaM2;
        },
        remember: () => plant.remember(),
        answersSlowly: false,
      };
    }
    case "boptest":
      return createBoptestSite(options.building, calendar, warn, signal);
  }
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 16);

/** Weather and occupancy of a whole run, computed once: what the perfect forecast, comfort and rules read. */
export interface RunTable extends ForecastProvider {
  /** Rows [fromRow, fromRow + count) of the table, row 0 ending at `firstEndMs`; beyond its ends occupancy is 0 and weather missing. */
  readonly firstEndMs: number;
  rowOf(stepEndMs: number): number;
  occupancy(zone: string): Float64Array;
  readonly rows: number;
}

/** From the local midnight before the run to two days after it, as far as the plant knows. */
export async function createRunTable(site: SimulatedSite): Promise<RunTable> {
  const { plant, beginMs, endMs } = site;
  const stepMs = stepS * 1000;
  const wanted = Math.round((endMs - beginMs) / stepMs);
  let table: Forecast | null = null;
  // Logged data ends somewhere: as much as there is.
  for (const beyond of [3 * 96, 96, 0]) {
    try {
      table = await plant.forecast(beginMs, stepS, wanted + beyond);
      break;
    } catch (error) {
      if (beyond === 0 || !(error instanceof IsothermError) || error.kind !== "retryable") throw error;
    }
  }
  const { columns, stepEndMs } = table!;
  const rows = stepEndMs.length;
  const firstEndMs = beginMs + stepMs;
  const rowOf = (endMs: number): number => Math.round((endMs - firstEndMs) / stepMs);
  const empty = new Float64Array(rows);
  return {
    name: "perfect",
    firstEndMs,
    rows,
    rowOf,
    occupancy: (zone) => columns.get(zonePoint(zone, "occupancyCount")) ?? empty,
    forecast: async (fromMs, _stepS, steps) => {
      const from = rowOf(fromMs + stepMs);
      const slice = (values: Float64Array): Float64Array =>
        // Past the end of logged data the last row stands: a typical plant's table never ends inside a horizon.
        Float64Array.from({ length: steps }, (_, j) => values[Math.min(from + j, rows - 1)]!);
      return {
        issuedAtMs: fromMs,
        provider: "perfect",
        stepEndMs: Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepMs),
        columns: new Map([...columns].map(([point, values]): [PointName, Float64Array] => [point, slice(values)])),
      };
    },
  };
}
