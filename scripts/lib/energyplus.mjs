import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { acquireLock } from "./lockFile.mjs";
import { runProcess } from "./runProcess.mjs";

/** The wheel that carries EnergyPlus 25.2, with which the shipped yardsticks were measured. */
export const energyplusPackage = { name: "pyenergyplus-lbnl", folder: "pyenergyplus_lbnl", version: "26.1.0" };
const oldestPython = [3, 9];
const libraryNames = ["libenergyplusapi.so", "libenergyplusapi.dylib", "energyplusapi.dll"];

export const environmentFolder = (root) => join(root, ".venv/energyplus");

const sitePackagesFolders = (environment) => {
  const lib = join(environment, "lib");
  const unix = existsSync(lib) ? readdirSync(lib).map((name) => join(lib, name, "site-packages")) : [];
  return [...unix, join(environment, "Lib/site-packages")].filter((folder) => existsSync(folder));
};

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

const foldersOfPythons = () => {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  return [
    ...(process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""),
    ...(existsSync(pyenv) ? readdirSync(pyenv).map((name) => join(pyenv, name, "bin")) : []),
  ];
};

const probe = "import sys, venv, ensurepip; print('%d.%d.%d %d' % (*sys.version_info[:3], sys.maxsize > 2**32))";
const compare = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

/** The newest Python from 3.9 on that can make virtual environments: its path; or null. */
export const findPython = async () => {
  const candidates = new Set(
    foldersOfPythons().flatMap((folder) =>
      existsSync(folder)
        ? readdirSync(folder)
            .filter((name) => /^python3(\.\d+)?$/.test(name))
            .map((name) => join(folder, name))
        : [],
    ),
  );
  let best = null;
  for (const path of candidates) {
    const { code, output } = await runProcess(path, ["-I", "-c", probe], { timeoutMs: 20_000 });
    const match = code === 0 ? /^(\d+)\.(\d+)\.(\d+) 1$/m.exec(output) : null;
    if (match === null) continue;
    const version = match.slice(1, 4).map(Number);
    if (compare(version, [...oldestPython, 0]) < 0) continue;
    if (best === null || compare(version, best.version) > 0) best = { path, version };
  }
  return best?.path ?? null;
};

const lastLine = (text) => text.trim().split("\n").at(-1) ?? "";

/**
 * Installs EnergyPlus into the checkout's own Python environment; does nothing where it is there already, and goes on where an earlier attempt
 * was broken off. Returns `{ library }` or `{ reason }`; never throws, never takes longer than `limitMs`.
 */
export const installEnergyplus = async ({ root, say = () => {}, limitMs = 420_000 }) => {
  const there = findEnergyplus(root);
  if (there !== null) return { library: there };
  const deadline = Date.now() + limitMs;
  const left = () => Math.max(1_000, deadline - Date.now());
  const environment = environmentFolder(root);
  let release;
  try {
    release = await acquireLock(join(dirname(environment), "energyplus.lock"), {
      timeoutMs: left(),
      onWait: (pid) => say(`Waiting for process ${pid}, which is installing EnergyPlus`),
    });
    const meanwhile = findEnergyplus(root);
    if (meanwhile !== null) return { library: meanwhile };

    const python = join(environment, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
    const works = existsSync(python) && (await runProcess(python, ["-m", "pip", "--version"], { timeoutMs: 60_000 })).code === 0;
    if (!works) {
      const base = await findPython();
      if (base === null)
        return { reason: `no Python ${oldestPython.join(".")} or newer with venv was found (Debian package python3-venv)` };
      say(`Making ${environment} with ${base}`);
      rmSync(environment, { recursive: true, force: true });
      const made = await runProcess(base, ["-m", "venv", environment], { timeoutMs: left() });
      if (made.code !== 0) return { reason: `python -m venv failed: ${lastLine(made.output)}` };
    }
    say(`Installing EnergyPlus (${energyplusPackage.name} ${energyplusPackage.version}, 46 MB)`);
    // Without its Python dependencies: isotherm calls the library itself.
    const args = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--no-input",
      "--no-deps",
      "--only-binary",
      ":all:",
      "--force-reinstall",
    ];
    const pip = await runProcess(python, [...args, `${energyplusPackage.name}==${energyplusPackage.version}`], { timeoutMs: left() });
    if (pip.code !== 0) return { reason: pip.timedOut ? "pip took too long" : `pip failed: ${lastLine(pip.output)}` };
    const library = findEnergyplus(root);
    return library === null ? { reason: "the wheel was installed, but the library is not at the top of its site-packages" } : { library };
  } catch (error) {
    return { reason: error.message };
  } finally {
    release?.();
  }
};
