import { IsothermError } from "#domain/errors";
import { type Observation, sitePoint, zonePoint } from "#domain/points";
import { DatasetRecorder } from "#simulators/datasetRecorder";
import { computeKpis, type Kpis, seasonalComfort } from "#simulators/kpis";
import type { SizedUnit } from "#simulators/rc/autosize";
import { createRcPlant } from "#simulators/rc/rcPlant";
import { builtInTariffs } from "#simulators/tariffs";
import { loadWeather } from "#simulators/weather/loadWeather";
import { localStandardToMs } from "#simulators/weather/localTime";

const stepS = 900;
const stepsPerDay = 86_400 / stepS;
/** Rows counted from midnight: the one that ends at 7:00, when the schedule begins to heat. */
const sevenRow = 27;
const warmC = 21;

export interface PlausibleWeek {
  readonly weather: string;
  readonly start: string;
  readonly kpis: Kpis;
  readonly heatPumpKwh: number;
  readonly auxiliaryKwh: number;
  readonly coolingKwh: number;
  readonly fanKwh: number;
  /** Lowest and highest temperature of each zone. */
  readonly rangeC: readonly (readonly [number, number])[];
  /** Per morning that starts below 21 °C in some zone: outdoor temperature at 7:00 and hours until every zone has 21 °C. */
  readonly mornings: readonly { readonly outdoorC: number; readonly hours: number }[];
  readonly rows: readonly Observation[];
  readonly sized: SizedUnit;
}

/** A week of a building under its own schedule, after its conditioning days: for the table in README.md and the tests that keep it true. */
export async function plausibleWeek(building: string, weatherId: string, start: string): Promise<PlausibleWeek> {
  const weather = loadWeather(weatherId);
  const plant = createRcPlant({ building, weather });
  const { sized } = plant;
  if (sized === null) throw new IsothermError("permanent", `${building} has no air conditioning whose week could be shown`);
  await plant.initialize(localStandardToMs(weather, start), 0);
  const recorder = new DatasetRecorder(stepS);
  const rows: Observation[] = [];
  const kwh = { heatPumpW: 0, auxiliaryW: 0, coolingW: 0, fanW: 0 };
  for (let k = 0; k < 7 * stepsPerDay; k++) {
    const row = await plant.advance(stepS);
    recorder.add(row);
    rows.push(row);
    const { power } = plant.lastStep();
    for (const name of Object.keys(kwh) as (keyof typeof kwh)[]) kwh[name] += (power[name] * stepS) / 3_600_000;
  }
  const temp = (row: Observation, zone: string): number => row.values.get(zonePoint(zone, "zoneAirTempC"))!;
  const mornings = [0, 1, 2, 3, 4, 5, 6].flatMap((day) => {
    const seven = day * stepsPerDay + sevenRow;
    if (plant.zones.every((zone) => temp(rows[seven]!, zone) >= warmC)) return [];
    const ready = rows.findIndex((row, k) => k > seven && plant.zones.every((zone) => temp(row, zone) >= warmC));
    const hours = ready < 0 ? Number.POSITIVE_INFINITY : ((ready - seven) * stepS) / 3600;
    return [{ outdoorC: rows[seven]!.values.get(sitePoint("outdoorAirTempC"))!, hours }];
  });
  return {
    weather: weatherId,
    start,
    kpis: computeKpis(recorder.dataset(), {
      zones: plant.zones,
      comfort: (endMs) => seasonalComfort(weather, endMs),
      tariff: builtInTariffs["flat-demand"],
      timeZone: weather,
    }),
    heatPumpKwh: kwh.heatPumpW,
    auxiliaryKwh: kwh.auxiliaryW,
    coolingKwh: kwh.coolingW,
    fanKwh: kwh.fanW,
    rangeC: plant.zones.map((zone) => {
      const temps = rows.map((row) => temp(row, zone));
      return [Math.min(...temps), Math.max(...temps)] as const;
    }),
    mornings,
    rows,
    sized,
  };
}

/** One line of the table in README.md. */
export function plausibilityLine(week: PlausibleWeek): string {
  const { kpis, mornings } = week;
  const low = Math.min(...week.rangeC.map(([min]) => min));
  const high = Math.max(...week.rangeC.map(([, max]) => max));
  const hours = mornings.map((morning) => morning.hours);
  const warmup = hours.length === 0 ? "–" : `${Math.min(...hours)}–${Math.max(...hours)} h`;
  const coldest = mornings.length === 0 ? "–" : `${Math.min(...mornings.map((m) => m.outdoorC)).toFixed(1)} °C`;
  const cells = [
    week.weather,
    week.start,
    kpis.hvacElectricityKwh.toFixed(0),
    [week.heatPumpKwh, week.auxiliaryKwh, week.coolingKwh, week.fanKwh].map((x) => x.toFixed(0)).join(" / "),
    kpis.peakKw.toFixed(1),
    `${low.toFixed(1)} … ${high.toFixed(1)}`,
    warmup,
    coldest,
    `${kpis.comfortViolationPct.toFixed(1)} %`,
  ];
  return `| ${cells.join(" | ")} |`;
}
