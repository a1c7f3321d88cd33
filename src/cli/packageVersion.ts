import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The version in package.json, found upwards from here: the same from sources and from the built program. */
export const packageVersion: string = (() => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: string; version?: string };
      if (name === "isotherm" && version !== undefined) return version;
    } catch {
      // No package.json here: look further up.
    }
    if (dirname(folder) === folder) return "unknown";
  }
})();
