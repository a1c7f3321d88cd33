import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";

/** A model or weather file that an engine brings, under a short name. */
export interface EngineFile {
  readonly id: string;
  readonly label: string;
  readonly file: string;
}

/** "FullServiceRestaurant" → ["full", "service", "restaurant"]. */
const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());

const buildingSeries = [
  { pattern: /^RefBldg(.+)New2004_(.+)\.idf$/, prefix: "ref2004", about: "DOE reference building of 2004" },
  { pattern: /^ASHRAE901_(.+)_STD2019_(.+)\.idf$/, prefix: "ashrae2019", about: "ASHRAE 90.1-2019 prototype" },
] as const;

/** Reference buildings that lie beside the engine; installed EnergyPlus keeps them among its example files. */
export function engineBuildings({ folder }: EnergyplusEngine): EngineFile[] {
  return filesIn([join(folder, "pyenergyplus/data/model"), join(folder, "ExampleFiles")]).flatMap(({ name, file }) =>
    buildingSeries.flatMap(({ pattern, prefix, about }) => {
      const match = pattern.exec(name);
      if (match === null) return [];
      const words = wordsOf(match[1]!);
      return [{ id: [prefix, ...words].join("-"), label: `${words.join(" ")}, ${about}, for ${match[2]}`, file }];
    }),
  );
}

/** Weather files that lie beside the engine: `USA_IL_Chicago-OHare.Intl.AP.725300_TMY3.epw` is `chicago`. */
export function engineWeathers({ folder }: EnergyplusEngine): EngineFile[] {
  const taken = new Set<string>();
  return filesIn([join(folder, "pyenergyplus/data/weather"), join(folder, "WeatherData")]).flatMap(({ name, file }) => {
    const match = /^[A-Z]{3}_(?:([A-Z]{2})_)?(.+?)\.epw$/.exec(name);
    if (match === null) return [];
    const city = match[2]!.split("-")[0]!.replace(/[._](?:Intl|Air|AP|AFB|\d{5,6}).*$/, "");
    const stem = wordsOf(city).join("-");
    let id = stem;
    for (let n = 2; taken.has(id); n++) id = `${stem}-${n}`;
    taken.add(id);
    const kind = /_(TMY\d?|IWEC\d?|CWEC|TRY)\b/.exec(name)?.[1];
    return [
      {
        id,
        label: `${city.replaceAll(".", " ")}${match[1] === undefined ? "" : `, ${match[1]}`}${kind === undefined ? "" : ` (${kind})`}`,
        file,
      },
    ];
  });
}

const filesIn = (folders: readonly string[]): { readonly name: string; readonly file: string }[] => {
  const folder = folders.find((one) => existsSync(one));
  return folder === undefined
    ? []
    : readdirSync(folder)
        .sort()
        .map((name) => ({ name, file: join(folder, name) }));
};
