import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unavailableError } from "#domain/errors";

/** The package's folder, found upwards from here: the same from the sources and from the built program. */
function packageFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name === "isotherm") return folder;
    if (dirname(folder) === folder) throw unavailableError("isotherm's package.json is not there", { todo: "Install the package again." });
  }
}

/** A file of the built program, such as `src/main.js`; runs are started with it also where compare itself runs from the sources. */
export function builtFile(path: string): string {
  const file = join(packageFolder(), "dist", path);
  if (!existsSync(file))
    throw unavailableError("the built program is not there", { place: { file }, todo: "Build it first: npm run build" });
  return file;
}
