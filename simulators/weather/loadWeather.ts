import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { configurationError } from "#domain/errors";
import { parseEpw } from "#simulators/weather/epw";
import { type WeatherSeries, weatherSeries } from "#simulators/weather/weatherSeries";

export interface BundledWeather {
  readonly id: string;
  readonly label: string;
  readonly file: string;
}
/** What `--list-weather` shows. */
export const bundledWeather: readonly BundledWeather[] = [
  { id: "new-york", label: "New York, John F. Kennedy airport (TMY3)", file: "USA_NY_New.York-J.F.Kennedy.Intl.AP.744860_TMY3.epw.gz" },
  {
    id: "pittsburgh",
    label: "Pittsburgh, Allegheny County airport (TMY3)",
    file: "USA_PA_Pittsburgh-Allegheny.County.AP.725205_TMY3.epw.gz",
  },
];

/** The data folder beside the sources: the compiled code lies one folder deeper, the data is not compiled. */
function dataFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, "simulators", "weather", "data");
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder))
      throw configurationError("the bundled weather files are not there (simulators/weather/data)", { todo: "Install the package again." });
  }
}

const cache = new Map<string, WeatherSeries>();

/** Weather by bundled id (`new-york`, `pittsburgh`) or from an `.epw` or `.epw.gz` file; anything else gets an `IsothermError` (configuration). Bundled series are read once. */
export function loadWeather(idOrFile: string): WeatherSeries {
  const bundled = bundledWeather.find(({ id }) => id === idOrFile);
  if (bundled === undefined) return weatherSeries(parseEpw(readEpwBytes(idOrFile), idOrFile));
  let series = cache.get(bundled.id);
  if (series === undefined) {
    series = weatherSeries(parseEpw(readEpwBytes(join(dataFolder(), bundled.file)), bundled.file));
    cache.set(bundled.id, series);
  }
  return series;
}

/** The file behind a bundled id or a name, as it was before any compression: what other programs read. Errors as `loadWeather`. */
export function readWeatherFile(idOrFile: string): { readonly bytes: Uint8Array; readonly file: string } {
  const bundled = bundledWeather.find(({ id }) => id === idOrFile);
  return bundled === undefined
    ? { bytes: readEpwBytes(idOrFile), file: idOrFile }
    : { bytes: readEpwBytes(join(dataFolder(), bundled.file)), file: bundled.file };
}

function readEpwBytes(file: string): Uint8Array {
  const known = bundledWeather.map(({ id }) => id).join(", ");
  if (!/\.epw(\.gz)?$/i.test(file))
    throw configurationError(`there is no weather "${file}"`, { todo: `Name one of ${known}, or a file that ends in .epw or .epw.gz.` });
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw configurationError(`the weather file cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      place: { file },
      todo: `Check the path, or name one of ${known}.`,
      cause,
    });
  }
  if (!/\.gz$/i.test(file)) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw configurationError("the compressed weather file is damaged or cut off", {
      place: { file },
      todo: "Copy or download it again.",
      cause,
    });
  }
}
