import type { Dataset } from "#domain/dataset";
import type { Observation } from "#domain/points";
import { fiveZoneOffice } from "#simulators/rc/buildings/fiveZoneOffice";
import type { BuildingDescription } from "#simulators/rc/description";
import { createRcPlant } from "#simulators/rc/rcPlant";
import { loadWeather } from "#simulators/weather/loadWeather";
import { localStandardToMs } from "#simulators/weather/localTime";

/** The RC office, or another building, under pairs of setpoints by row, all zones alike: rows of its observations as a data set in local standard time. */
export const rcOffice = async (
  weatherId: string,
  from: string,
  days: number,
  pairAt: (row: number) => readonly [heatingC: number, coolingC: number],
  building: BuildingDescription = { ...fiveZoneOffice, conditioningDays: 2 },
): Promise<{ readonly dataset: Dataset; readonly zones: readonly string[] }> => {
  const weather = loadWeather(weatherId);
  const plant = createRcPlant({ building, weather });
  const startMs = localStandardToMs(weather, `${from}T00:00`);
  const observations: Observation[] = [await plant.initialize(startMs, 0)];
  for (let row = 1; row < days * 96; row++) {
    const [heatingSetpointC, coolingSetpointC] = pairAt(row);
    await plant.actuate({
      epoch: 1,
      seq: row,
      issuedAtMs: 0,
      validUntilMs: Number.MAX_SAFE_INTEGER,
      zones: new Map(plant.zones.map((zone) => [zone, { heatingSetpointC, coolingSetpointC }])),
      source: "schedule",
    });
    observations.push(await plant.advance(900));
  }
  const offsetMs = startMs - Date.parse(`${from}T00:00:00Z`);
  const points = [...observations.at(-1)!.values.keys()];
  return {
    zones: plant.zones,
    dataset: {
      stepS: 900,
      timesMs: Float64Array.from(observations, ({ timeMs }) => timeMs - offsetMs),
      columns: new Map(points.map((point) => [point, Float64Array.from(observations, ({ values }) => values.get(point) ?? Number.NaN)])),
    },
  };
};
