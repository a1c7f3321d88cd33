import { type PointName, type SiteQuantity, sitePoint, siteQuantities, zonePoint } from "#domain/points";
import type { ZoneSetpoints } from "#domain/setpoints";
import type { BoptestClient, BoptestPoints } from "#simulators/boptest/client";
import type { BoptestMapping } from "#simulators/boptest/mapping";
import { forecastNames, weatherNames } from "#simulators/boptest/pointNames";
import { kelvinToC, meanOver, valueAt } from "#simulators/boptest/timeSeries";

/** What comes, asked ahead in pieces of at least this length. */
const pieceS = 86_400;
/** BOPTEST interpolates its forecasts at any interval; five minutes show most of what happens within a step. */
const finestS = 300;

const siteConversion: Partial<Record<SiteQuantity, (value: number) => number>> = {
  outdoorAirTempC: kelvinToC,
  outdoorRelativeHumidityPct: (fraction) => 100 * fraction,
};
export const siteValue = (quantity: SiteQuantity, value: number): number => (siteConversion[quantity] ?? ((v: number) => v))(value);

/**
 * BOPTEST's own (perfect) forecasts of weather, occupancy and comfort bounds as rows on one time grid, kept from `originS` on: the service only looks ahead
 * from its present. Row j covers the step that ends at originS + (j + 1) stepS; weather and occupancy are means over it, bounds those at its middle.
 */
export class OutlookTable {
  readonly #columns = new Map<PointName, number[]>();
  readonly #bounds: Map<string, ZoneSetpoints[]>;
  readonly #co2Limits: Map<string, number[]>;
  #rows = 0;

  constructor(
    readonly client: BoptestClient,
    readonly mapping: BoptestMapping,
    readonly forecastPoints: BoptestPoints,
    readonly originS: number,
    readonly stepS: number,
  ) {
    this.#bounds = new Map(mapping.zones.map(({ id }) => [id, []]));
    this.#co2Limits = new Map(mapping.zones.map(({ id }) => [id, []]));
  }

  get endS(): number {
    return this.originS + this.#rows * this.stepS;
  }

  /** Makes the table reach to `untilS`; `nowS` is the service's present, at or before the table's end. */
  async cover(untilS: number, nowS: number): Promise<void> {
    if (untilS <= this.endS) return;
    const steps = Math.ceil((Math.max(untilS, this.endS + pieceS) - this.originS) / this.stepS);
    const endS = this.originS + steps * this.stepS;
    const intervalS = this.stepS / Math.max(1, Math.ceil(this.stepS / finestS));
    const { zones } = this.mapping;
    const names = zones.map(forecastNames);
    const wanted = [
      ...siteQuantities.map((q) => weatherNames[q].forecast),
      ...names.flatMap(({ lower, upper, occupancy }) => [lower, upper, occupancy]),
      ...names.map(({ upperCo2 }) => upperCo2).filter((name) => this.forecastPoints.has(name)),
    ];
    const series = await this.client.forecast(wanted, endS - nowS, intervalS);
    const timesS = series.get("time")!;
    for (; this.#rows < steps; this.#rows++) {
      const fromS = this.endS;
      const untilRowS = fromS + this.stepS;
      // Only the row's own samples: a long forecast must not be walked through for each of them.
      const first = Math.max(0, Math.floor((fromS - nowS) / intervalS) - 1);
      const last = first + Math.ceil(this.stepS / intervalS) + 4;
      const times = timesS.subarray(first, last);
      const part = (name: string): Float64Array => series.get(name)?.subarray(first, last) ?? new Float64Array(0);
      for (const q of siteQuantities)
        this.#push(sitePoint(q), siteValue(q, meanOver(times, part(weatherNames[q].forecast), fromS, untilRowS)));
      zones.forEach(({ id }, z) => {
        const { lower, upper, occupancy, upperCo2 } = names[z]!;
        const middleS = fromS + this.stepS / 2;
        this.#push(zonePoint(id, "occupancyCount"), meanHeld(times, part(occupancy), fromS, untilRowS));
        this.#bounds.get(id)!.push({
          heatingSetpointC: kelvinToC(valueAt(times, part(lower), middleS)),
          coolingSetpointC: kelvinToC(valueAt(times, part(upper), middleS)),
        });
        this.#co2Limits.get(id)!.push(valueAt(times, part(upperCo2), middleS));
      });
    }
  }

  #push(point: PointName, value: number): void {
    const column = this.#columns.get(point);
    if (column === undefined) this.#columns.set(point, [value]);
    else column.push(value);
  }

  /** Row of the step that ends at `stepEndS`; null outside the table. */
  rowOf(stepEndS: number): number | null {
    const row = Math.ceil((stepEndS - this.originS) / this.stepS - 1e-9) - 1;
    return row < 0 || row >= this.#rows ? null : row;
  }
  points(): Iterable<PointName> {
    return this.#columns.keys();
  }
  at(point: PointName, row: number): number {
    return this.#columns.get(point)?.[row] ?? Number.NaN;
  }
  bounds(zone: string, row: number): ZoneSetpoints {
    return this.#bounds.get(zone)![row]!;
  }
  co2Limit(zone: string, row: number): number {
    return this.#co2Limits.get(zone)![row]!;
  }
}

/** Mean of values each held until the next sample: schedules jump, they do not slope. */
function meanHeld(timesS: ArrayLike<number>, values: ArrayLike<number>, fromS: number, untilS: number): number {
  let area = 0;
  for (let i = 0; i < timesS.length; i++) {
    const begin = Math.max(fromS, timesS[i]!);
    const end = Math.min(untilS, timesS[i + 1] ?? untilS);
    if (end > begin) area += values[i]! * (end - begin);
  }
  return area / (untilS - fromS);
}
