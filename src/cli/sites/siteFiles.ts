import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadSiteConfig } from "#config/loadSiteConfig";
import type { SiteConfig } from "#config/siteConfig";
import { configurationError, IsothermError } from "#domain/errors";

export interface SiteEntry {
  readonly id: string;
  readonly file: string;
  readonly config: SiteConfig;
}
/** A file whose site does not run, and why. */
export interface RefusedSite {
  readonly file: string;
  readonly error: IsothermError;
}
export interface SiteFiles {
  readonly sites: readonly SiteEntry[];
  readonly refused: readonly RefusedSite[];
}

/** Every .yaml and .yml of a folder, by name. An unreadable or empty folder is refused. */
export const filesIn = (folder: string): readonly string[] => {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name) && !name.startsWith("."));
  } catch (cause) {
    throw configurationError(`The folder ${folder} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, {
      todo: "Name a folder of site files with --sites.",
      cause,
    });
  }
  if (names.length === 0)
    throw configurationError(`There is no site file in ${folder}.`, {
      todo: "Put one .yaml file per building there, or name them with --config.",
    });
  return names.sort().map((name) => join(folder, name));
};

/** What two sites of one daemon may not share. */
const ownThings = ({ site, store, mqtt }: SiteConfig): readonly (readonly [string, string])[] => [
  ["site.id", site.id],
  ["store.directory", resolve(store.directory)],
  ["mqtt.clientId", `${mqtt.clientId} on ${mqtt.url ?? `the broker inside ${site.id}`}`],
];

/**
 * Reads all files. One that is wrong, or that has an id, a data directory or an MQTT client id of an earlier one, is refused by itself: the others run. An error that is
 * no configuration error is thrown.
 */
export const readSiteFiles = (files: readonly string[]): SiteFiles => {
  const sites: SiteEntry[] = [];
  const refused: RefusedSite[] = [];
  const taken = new Map<string, string>();
  for (const file of files) {
    try {
      const config = loadSiteConfig(file);
      const mine = ownThings(config).map(([what, value]) => ({ what, value, key: `${what} ${value}` }));
      const clash = mine.find(({ key }) => taken.has(key));
      if (clash !== undefined)
        throw configurationError(`${clash.what} ${clash.value} is also that of ${taken.get(clash.key)}.`, {
          place: { file },
          todo: `Give each building a ${clash.what} of its own.`,
        });
      for (const { key } of mine) taken.set(key, file);
      sites.push({ id: config.site.id, file, config });
    } catch (error) {
      if (!(error instanceof IsothermError)) throw error;
      refused.push({ file, error });
    }
  }
  return { sites, refused };
};
