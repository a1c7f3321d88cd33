import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { configurationError } from "#domain/errors";
import { closestName } from "#math/closestName";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";
import { engineBuildings } from "#simulators/energyplus/engineFiles";
import { type EpModel, parseModel, readModel } from "#simulators/energyplus/modelFile";

/** Building models that come with isotherm. */
export const bundledModels = [
  { id: "five-zone-office", label: "Five-zone office: electric heat, DX cooling, VAV with economiser", file: "5ZoneAutoDXVAV.epJSON" },
] as const;

/** The data folder beside the sources: the compiled code lies one folder deeper. */
function dataFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, "simulators", "energyplus", "data");
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder))
      throw configurationError("the bundled building models are not there (simulators/energyplus/data)", {
        todo: "Install the package again.",
      });
  }
}

/** Ids and labels of what `building` may name: the bundled models, then those of the engine. */
export const listBuildings = (engine: EnergyplusEngine | null): { readonly id: string; readonly label: string }[] => [
  ...bundledModels.map(({ id, label }) => ({ id, label })),
  ...(engine === null ? [] : engineBuildings(engine).map(({ id, label }) => ({ id, label }))),
];

/** The model of an id, a file or an object, and what to call it in messages. Unknown names are refused (configuration). */
export async function loadModel(
  building: string | EpModel,
  engine: EnergyplusEngine,
  signal?: AbortSignal,
): Promise<{ readonly model: EpModel; readonly file: string }> {
  if (typeof building !== "string") return { model: building, file: "the building model" };
  const bundled = bundledModels.find(({ id }) => id === building);
  if (bundled !== undefined) {
    const file = join(dataFolder(), bundled.file);
    return { model: parseModel(readFileSync(file, "utf8"), file), file: bundled.file };
  }
  const known = engineBuildings(engine);
  const file = known.find(({ id }) => id === building)?.file;
  if (file !== undefined) return { model: await readModel(file, engine, signal), file };
  if (!/\.(epjson|json|idf)$/i.test(building)) {
    const near = closestName(
      building,
      [...bundledModels, ...known].map(({ id }) => id),
    );
    throw configurationError(`there is no building "${building}"${near === null ? "" : `; did you mean ${near}?`}`, {
      todo: "Name one of `isotherm simulate --list-buildings`, or a file that ends in .epJSON or .idf.",
    });
  }
  return { model: await readModel(building, engine, signal), file: building };
}
