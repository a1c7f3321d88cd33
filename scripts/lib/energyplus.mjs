import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { installPackages, sitePackagesFolders } from "./pythonEnvironment.mjs";

/** The wheel that carries EnergyPlus 25.2, with which the shipped yardsticks were measured. */
export const energyplusPackage = { name: "pyenergyplus-lbnl", folder: "pyenergyplus_lbnl", version: "26.1.0" };
const libraryNames = ["libenergyplusapi.so", "libenergyplusapi.dylib", "energyplusapi.dll"];

export const environmentFolder = (root) => join(root, ".venv/energyplus");

/**
 * Path of the EnergyPlus library in the checkout's environment, or null where the wheel is not there, is another version or was only partly
 * unpacked (its record, written last, must be there and must name the library's size).
 */
export const findEnergyplus = (root) => {
  for (const folder of sitePackagesFolders(environmentFolder(root))) {
    const record = join(folder, `${energyplusPackage.folder}-${energyplusPackage.version}.dist-info/RECORD`);
    if (!existsSync(record)) continue;
    const lines = readFileSync(record, "utf8").split(/\r?\n/);
    for (const name of libraryNames) {
      const line = lines.find((one) => one.startsWith(`${name},`));
      const path = join(folder, name);
      if (line !== undefined && statSync(path, { throwIfNoEntry: false })?.size === Number(line.split(",").at(-1))) return path;
    }
  }
  return null;
};

/**
 * Installs EnergyPlus into the checkout's own Python environment; does nothing where it is there already. Isotherm calls the library itself, so
 * none of its Python dependencies come with it. Returns `{ library }` or `{ reason }`; never throws, never takes longer than `limitMs`.
 */
export const installEnergyplus = async ({ root, say, limitMs = 420_000 }) => {
  const { name, version } = energyplusPackage;
  const { found, reason } = await installPackages({
    environment: environmentFolder(root),
    label: `EnergyPlus (${name} ${version}, 46 MB)`,
    pythons: { oldest: [3, 9] },
    pipArgs: [`${name}==${version}`],
    find: () => findEnergyplus(root),
    say,
    limitMs,
  });
  return found === undefined ? { reason } : { library: found };
};
