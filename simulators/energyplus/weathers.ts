import { configurationError } from "#domain/errors";
import { closestName } from "#math/closestName";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";
import { engineWeathers } from "#simulators/energyplus/engineFiles";
import { type Epw, parseEpw } from "#simulators/weather/epw";
import { bundledWeather, readWeatherFile } from "#simulators/weather/loadWeather";

/** Ids and labels of what `weather` may name: the bundled files, then those of the engine. */
export const listWeathers = (engine: EnergyplusEngine | null): { readonly id: string; readonly label: string }[] => {
  const bundled = bundledWeather.map(({ id, label }) => ({ id, label }));
  const ids = new Set(bundled.map(({ id }) => id));
  return [
    ...bundled,
    ...(engine === null ? [] : engineWeathers(engine).filter(({ id }) => !ids.has(id))).map(({ id, label }) => ({ id, label })),
  ];
};

/**
 * A weather file by id or path: its text, each character one byte, and what it says. A file that is cut off or damaged is refused before EnergyPlus
 * sees it, with file and line (configuration).
 */
export function loadWeatherFile(weather: string, engine: EnergyplusEngine): { readonly text: string; readonly epw: Epw } {
  const known = listWeathers(engine).map(({ id }) => id);
  const isBundled = bundledWeather.some(({ id }) => id === weather);
  const path = isBundled ? weather : (engineWeathers(engine).find(({ id }) => id === weather)?.file ?? weather);
  if (!isBundled && !/\.epw(\.gz)?$/i.test(path)) {
    const near = closestName(weather, known);
    throw configurationError(`there is no weather "${weather}"${near === null ? "" : `; did you mean ${near}?`}`, {
      todo: "Name one of `isotherm simulate --list-weather`, or a file that ends in .epw or .epw.gz.",
    });
  }
  const { bytes, file } = readWeatherFile(path);
  return { text: Buffer.from(bytes).toString("latin1"), epw: parseEpw(bytes, file) };
}
