import type { BoptestPlant } from "#simulators/boptest/boptestPlant";
import { createBoptestPlant } from "#simulators/boptest/connect";
import type { ComfortBand } from "#simulators/kpis";
import type { StandardTimeZone } from "#simulators/weather/localTime";

/** `--plant boptest`: the test case that `building` names, begun where the history begins; `calendar` places the run in its time zone. */
export async function createBoptestSite<Times extends { readonly beginMs: number }>(
  building: string,
  calendar: (timeZone: StandardTimeZone) => Times,
  warn: (line: string) => void,
  signal?: AbortSignal,
) {
  const plant = await createBoptestPlant({ building, warn, signal });
  try {
    const times = calendar({ timeZoneH: plant.timeZoneH });
    // BOPTEST forecasts from its present only: the run's table is asked for before the run begins.
    await plant.initialize(times.beginMs, 0);
    return {
      plant,
      ...times,
      weatherNames: [],
      remember: null,
      answersSlowly: plant.answersSlowly,
      floorAreaM2: plant.floorAreaM2,
      boundsAt: (zone: string, stepEndMs: number): ComfortBand => plant.comfortAt(zone, stepEndMs),
      co2LimitAt: (zone: string, stepEndMs: number): number | null => plant.co2LimitAt(zone, stepEndMs),
      afterRun: () => tellBoptest(plant, warn),
    };
  } catch (error) {
    await plant.close();
    throw error;
  }
}

/** What BOPTEST counted by itself, and what it cut. */
async function tellBoptest(plant: BoptestPlant, say: (line: string) => void): Promise<void> {
  for (const { input, limitText, times } of plant.clipped()) say(`BOPTEST cut ${input} ${times} times: ${limitText}.`);
  const kpis = Object.entries(await plant.serviceKpis()).map(
    ([name, value]) => `${name} ${value === null ? "none" : value.toPrecision(5)}`,
  );
  say(`BOPTEST's own figures since the history began: ${kpis.join(", ")}.`);
}
