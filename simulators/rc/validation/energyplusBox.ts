import { existsSync } from "node:fs";
import { join } from "node:path";
import { unavailableError } from "#domain/errors";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";
import { runModel } from "#simulators/energyplus/runModel";
import { type BestestCase, isFreeFloating } from "#simulators/rc/validation/bestestBox";
import { bestestEpJson, epJsonZone } from "#simulators/rc/validation/bestestEpJson";
import { type BoxYear, summarise } from "#simulators/rc/validation/boxYear";

/** Colorado, where the standard's box stands: Denver in the wheel, Golden in an installed EnergyPlus. */
const weatherFiles = [
  "pyenergyplus/data/weather/USA_CO_Denver-Aurora-Buckley.AFB.724695_TMY3.epw",
  "WeatherData/USA_CO_Golden-NREL.724666_TMY3.epw",
];

/** The weather file of the comparison, as it comes with the engine; an engine without one gets an `IsothermError` (exit code 69). */
export function coloradoWeatherFile(engine: EnergyplusEngine): string {
  const found = weatherFiles.map((file) => join(engine.folder, file)).find((file) => existsSync(file));
  if (found === undefined)
    throw unavailableError(`the EnergyPlus in ${engine.folder} has no weather file of Colorado`, {
      todo: "`npm run energyplus:install` brings an engine with one.",
    });
  return found;
}

/** A year of the box in EnergyPlus. */
export async function energyplusBoxYear(
  name: BestestCase,
  engine: EnergyplusEngine,
  weatherFile: string,
  signal?: AbortSignal,
): Promise<BoxYear> {
  const wanted = ["Zone Mean Air Temperature", ...(isFreeFloating(name) ? [] : [heatingRate, coolingRate])];
  const results = await runModel({
    engine,
    model: structuredClone(bestestEpJson(name)) as Parameters<typeof runModel>[0]["model"],
    weatherFile,
    outputs: { variables: wanted.map((variable) => ({ name: variable, key: epJsonZone, frequency: "Timestep" as const })) },
    ...(signal === undefined ? {} : { signal }),
  });
  const airC = results.one("Zone Mean Air Temperature", epJsonZone).values;
  const rateW = (variable: string): Float64Array =>
    isFreeFloating(name) ? new Float64Array(airC.length) : results.one(variable, epJsonZone).values;
  return summarise({ airC, heatingW: rateW(heatingRate), coolingW: rateW(coolingRate) });
}
const heatingRate = "Zone Air System Sensible Heating Rate";
const coolingRate = "Zone Air System Sensible Cooling Rate";
