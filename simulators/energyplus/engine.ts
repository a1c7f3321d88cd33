import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { configurationError, unavailableError } from "#domain/errors";
import { loadKoffi } from "#math/native";
import { engineVersionOf } from "#simulators/energyplus/engineApi";

/** A usable EnergyPlus. */
export interface EnergyplusEngine {
  readonly folder: string;
  /** Path of libenergyplusapi. */
  readonly library: string;
  /** "25.2.0". */
  readonly version: string;
  /** How it was found. */
  readonly source: "--energyplus" | "ENERGYPLUS_DIR" | "checkout" | "installed";
}

export const oldestEngine = [24, 1] as const;
const libraryNames = ["libenergyplusapi.so", "libenergyplusapi.dylib", "energyplusapi.dll"];
const installTodo = "`npm run energyplus:install` brings one (46 MB); or name a folder with --energyplus or ENERGYPLUS_DIR.";

export interface EngineSearch {
  /** What --energyplus says. */
  readonly folder?: string | null | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where .venv/energyplus is looked for; the checkout of this file when absent. */
  readonly checkout?: string | null;
  /** Where programs are usually installed; the platform's places when absent. */
  readonly usualFolders?: readonly string[];
}

/**
 * The first engine of: `--energyplus DIR`, `ENERGYPLUS_DIR`, the wheel in the checkout's .venv/energyplus, the usual install folders (newest first).
 * A folder that a person named and that holds no usable engine is refused (configuration); none at all gets exit code 69 and what installs one.
 */
export async function findEngine(search: EngineSearch = {}): Promise<EnergyplusEngine> {
  const { environment = process.env } = search;
  if (search.folder != null && search.folder !== "") return namedEngine(search.folder, "--energyplus");
  const fromEnvironment = environment.ENERGYPLUS_DIR;
  if (fromEnvironment !== undefined && fromEnvironment !== "") return namedEngine(fromEnvironment, "ENERGYPLUS_DIR");
  const checkout = search.checkout === undefined ? checkoutFolder() : search.checkout;
  const problems: string[] = [];
  const candidates = [
    ...(checkout === null ? [] : wheelFolders(join(checkout, ".venv/energyplus"))).map((folder) => ({
      folder,
      source: "checkout" as const,
    })),
    ...(search.usualFolders ?? usualFolders()).map((folder) => ({ folder, source: "installed" as const })),
  ];
  for (const { folder, source } of candidates) {
    const found = await engineIn(folder, source);
    if (typeof found !== "string") return found;
    problems.push(found);
  }
  throw unavailableError(`EnergyPlus is not installed${problems.length === 0 ? "" : ` (${problems.join("; ")})`}`, { todo: installTodo });
}

async function namedEngine(folder: string, source: EnergyplusEngine["source"]): Promise<EnergyplusEngine> {
  const found = await engineIn(resolve(folder), source);
  if (typeof found === "string") throw configurationError(`${source} ${folder}: ${found}`, { todo: `Name another folder. ${installTodo}` });
  return found;
}

/** The engine in a folder, or why there is none. */
async function engineIn(folder: string, source: EnergyplusEngine["source"]): Promise<EnergyplusEngine | string> {
  if (!existsSync(folder)) return `${folder} does not exist`;
  // A wheel's environment may be named instead of the folder inside it.
  const places = [folder, ...wheelFolders(folder)];
  const library = places.flatMap((place) => libraryNames.map((name) => join(place, name))).find((path) => existsSync(path));
  if (library === undefined) return `${folder} holds no EnergyPlus library (${libraryNames.join(", ")})`;
  const version = (await versionOf(library)) ?? "";
  const [major, minor] = version.split(".").map(Number);
  if (version === "") return `${library} cannot be opened, or is not EnergyPlus`;
  if (major! < oldestEngine[0] || (major === oldestEngine[0] && minor! < oldestEngine[1]))
    return `${folder} holds EnergyPlus ${version}; isotherm needs ${oldestEngine.join(".")} or newer`;
  return { folder: dirname(library), library, version, source };
}

/** From the data dictionary beside the library or the library's own numbered name; otherwise the library is asked. */
async function versionOf(library: string): Promise<string | null> {
  const folder = dirname(library);
  const dictionary = join(folder, "Energy+.idd");
  if (existsSync(dictionary)) {
    const found = /IDD_Version\s+(\d+\.\d+\.\d+)/.exec(head(dictionary));
    if (found !== null) return found[1]!;
  }
  for (const name of readdirSync(folder)) {
    const found = /^libenergyplusapi\.(?:so\.)?(\d+\.\d+\.\d+)(?:\.dylib)?$/.exec(name);
    if (found !== null) return found[1]!;
  }
  const koffi = await loadKoffi();
  if (koffi === null) return null;
  try {
    return engineVersionOf(koffi.load(library));
  } catch {
    return null;
  }
}

function head(file: string): string {
  const buffer = Buffer.alloc(400);
  const handle = openSync(file, "r");
  try {
    return buffer.toString("latin1", 0, readSync(handle, buffer));
  } finally {
    closeSync(handle);
  }
}

function wheelFolders(environment: string): string[] {
  const lib = join(environment, "lib");
  const unix = existsSync(lib) && statSync(lib).isDirectory() ? readdirSync(lib).map((name) => join(lib, name, "site-packages")) : [];
  return [...unix, join(environment, "Lib/site-packages")].filter((folder) => existsSync(folder));
}

/** /usr/local/EnergyPlus-25-2-0 and the like, newest first. */
function usualFolders(): string[] {
  const parents =
    process.platform === "win32" ? ["C:\\"] : process.platform === "darwin" ? ["/Applications", "/usr/local"] : ["/usr/local", "/opt"];
  const numbers = (name: string): number =>
    Number(
      (name.match(/\d+/g) ?? [])
        .slice(0, 3)
        .map((part) => part.padStart(3, "0"))
        .join(""),
    );
  return parents
    .flatMap((parent) =>
      existsSync(parent)
        ? readdirSync(parent)
            .filter((name) => /^energyplus[-v]?[-\dv.]*/i.test(name))
            .map((name) => ({ name, folder: join(parent, name) }))
        : [],
    )
    .sort((a, b) => numbers(b.name) - numbers(a.name))
    .map(({ folder }) => folder);
}

/** The checkout that holds this file, or null where isotherm is installed as a package. */
export function checkoutFolder(): string | null {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, "utf8")) as { name?: string }).name === "isotherm") return folder;
    if (folder === dirname(folder)) return null;
  }
}
