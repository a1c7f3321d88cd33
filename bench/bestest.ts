import { findEngine } from "#simulators/energyplus/engine";
import { everyCase, rcBoxYear } from "#simulators/rc/validation/boxYear";
import { compareBoxes, comparisonHead, comparisonLine, isWithin } from "#simulators/rc/validation/comparison";
import { coloradoWeatherFile, energyplusBoxYear } from "#simulators/rc/validation/energyplusBox";
import { loadWeather } from "#simulators/weather/loadWeather";

/** The embedded building's engine against EnergyPlus: years of the ASHRAE 140 box, as in docs/validation.md. */
export async function benchBestest(say: (line: string) => void): Promise<void> {
  const engine = await findEngine();
  const weatherFile = coloradoWeatherFile(engine);
  const weather = loadWeather(weatherFile);
  say(`ASHRAE 140 box, a year at ${weather.epw.location.name}, EnergyPlus ${engine.version} beside the RC engine`);
  const [energyplus, rc] = await Promise.all([
    everyCase((name) => energyplusBoxYear(name, engine, weatherFile)),
    everyCase((name) => rcBoxYear(name, weather)),
  ]);
  for (const line of comparisonHead) say(line);
  const rows = compareBoxes(energyplus, rc);
  for (const row of rows) say(`${comparisonLine(row)}${isWithin(row) ? "" : " outside its limit"}`);
}
