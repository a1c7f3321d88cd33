import type { Dataset, Forecast } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { SimulatedPlant } from "#domain/plant";
import { buildingPoint, type Observation, type PointName, sitePoint, siteQuantities, zonePoint } from "#domain/points";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";

const temperatureSuffix = ".zoneAirTempC";

/**
 * Logged data as a `SimulatedPlant`: it plays the rows back whatever is commanded, so that a controller's decisions can be set beside what was done.
 * `actuate` checks a command and keeps it from having any effect; setpoints in the rows are the logged ones, and `scheduleAt` answers with them.
 * Missing values (NaN) are absent from the observation. Past the last row every call gets an `IsothermError` (permanent) that says where the data ends.
 */
export function createReplayPlant(data: Dataset): SimulatedPlant {
  return new ReplayPlant(data);
}

class ReplayPlant implements SimulatedPlant {
  readonly zones: readonly string[];
  readonly #data: Dataset;
  #row = -1;
  #observation: Observation | null = null;

  constructor(data: Dataset) {
    if (data.timesMs.length === 0) throw misuse("the data to replay has no rows");
    this.#data = data;
    this.zones = [...data.columns.keys()]
      .filter((point) => point.endsWith(temperatureSuffix))
      .map((point) => point.slice(0, -temperatureSuffix.length));
    if (this.zones.length === 0) throw misuse("the data to replay has no zone temperatures (columns <zone>.zoneAirTempC)");
  }

  async initialize(startTimeMs: number, warmupS: number): Promise<Observation> {
    const row = this.#rowAt(startTimeMs);
    const warmupRows = Math.round(warmupS / this.#data.stepS);
    if (row < warmupRows)
      throw misuse(
        `a warm-up of ${warmupS} s before ${iso(startTimeMs)} needs data from ${iso(startTimeMs - warmupS * 1000)}; it begins at ${iso(this.#data.timesMs[0]!)}`,
      );
    this.#row = row;
    this.#observation = this.#observe(row, 1);
    return this.#observation;
  }

  async observe(): Promise<Observation> {
    if (this.#observation === null) throw misuse("the replay has not begun: call initialize first");
    return this.#observation;
  }

  async actuate(command: SetpointCommand): Promise<void> {
    await this.observe();
    for (const zone of command.zones.keys())
      if (!this.zones.includes(zone)) throw misuse(`the command names the zone "${zone}"; the data has ${this.zones.join(", ")}`);
  }

  async relinquish(): Promise<void> {}

  async advance(stepS: number): Promise<Observation> {
    await this.observe();
    const rows = stepS / this.#data.stepS;
    if (!Number.isInteger(rows) || rows < 1)
      throw misuse(`a step of ${stepS} s is not a whole number of the data's ${this.#data.stepS} s steps`);
    if (this.#row + rows >= this.#data.timesMs.length) throw this.#ended(this.#data.timesMs[this.#row]! + stepS * 1000);
    this.#row += rows;
    this.#observation = this.#observe(this.#row, rows);
    return this.#observation;
  }

  scheduleAt(stepEndMs: number): ReadonlyMap<string, ZoneSetpoints> {
    const row = this.#rowAt(stepEndMs);
    const pairs = this.zones.map((zone): [string, ZoneSetpoints] => [
      zone,
      {
        heatingSetpointC: this.#data.columns.get(zonePoint(zone, "heatingSetpointC"))?.[row] ?? Number.NaN,
        coolingSetpointC: this.#data.columns.get(zonePoint(zone, "coolingSetpointC"))?.[row] ?? Number.NaN,
      },
    ]);
    return new Map(pairs.filter(([, pair]) => Number.isFinite(pair.heatingSetpointC) && Number.isFinite(pair.coolingSetpointC)));
  }

  async forecast(fromMs: number, stepS: number, steps: number): Promise<Forecast> {
    const rows = stepS / this.#data.stepS;
    if (!Number.isInteger(rows) || rows < 1)
      throw misuse(`forecast steps of ${stepS} s are not a whole number of the data's ${this.#data.stepS} s steps`);
    const first = this.#rowAt(fromMs) + 1;
    if (first + steps * rows > this.#data.timesMs.length)
      throw new IsothermError("retryable", this.#ended(fromMs + steps * stepS * 1000).message, {
        todo: "Ask for a shorter horizon or replay less.",
      });
    const points = [...siteQuantities.map(sitePoint), ...this.zones.map((zone) => zonePoint(zone, "occupancyCount"))];
    const columns = new Map<PointName, Float64Array>();
    for (const point of points) {
      const values = this.#data.columns.get(point);
      if (values !== undefined)
        columns.set(
          point,
          Float64Array.from({ length: steps }, (_, j) => mean(values, first + j * rows, rows)),
        );
    }
    return {
      issuedAtMs: fromMs,
      provider: "perfect",
      stepEndMs: Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepS * 1000),
      columns,
    };
  }

  async close(): Promise<void> {}

  #rowAt(timeMs: number): number {
    const { timesMs, stepS } = this.#data;
    const row = (timeMs - timesMs[0]!) / (stepS * 1000);
    if (row >= timesMs.length) throw this.#ended(timeMs);
    if (!Number.isInteger(row) || row < 0)
      throw misuse(`the data has no row at ${iso(timeMs)}; it begins at ${iso(timesMs[0]!)} and has one every ${stepS} s`);
    return row;
  }

  /** The row, or several: temperatures and setpoints of the last one, means of what is a mean. */
  #observe(row: number, rows: number): Observation {
    const values = new Map<PointName, number>();
    for (const [point, column] of this.#data.columns) {
      const averaged = point.startsWith("site.") || point.endsWith(".occupancyCount") || point === buildingPoint("hvacPowerW");
      const value = averaged ? mean(column, row - rows + 1, rows) : column[row]!;
      if (Number.isFinite(value)) values.set(point, value);
    }
    return { timeMs: this.#data.timesMs[row]!, values };
  }

  #ended(wantedMs: number): IsothermError {
    const last = this.#data.timesMs[this.#data.timesMs.length - 1]!;
    return misuse(`the logged data ends at ${iso(last)}; ${iso(wantedMs)} lies beyond it`);
  }
}

/** Mean of the finite values; NaN where there is none. */
function mean(values: Float64Array, from: number, count: number): number {
  let sum = 0;
  let n = 0;
  for (let i = from; i < from + count; i++)
    if (Number.isFinite(values[i])) {
      sum += values[i]!;
      n++;
    }
  return n === 0 ? Number.NaN : sum / n;
}
const iso = (timeMs: number): string => (Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : String(timeMs));
const misuse = (message: string): IsothermError => new IsothermError("permanent", message);
