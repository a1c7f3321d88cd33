import { existsSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { acquireLock } from "./lockFile.mjs";
import { runProcess } from "./runProcess.mjs";

/** Where a virtual environment keeps its packages. */
export const sitePackagesFolders = (environment) => {
  const lib = join(environment, "lib");
  const unix = existsSync(lib) ? readdirSync(lib).map((name) => join(lib, name, "site-packages")) : [];
  return [...unix, join(environment, "Lib/site-packages")].filter((folder) => existsSync(folder));
};

export const pythonOf = (environment) => join(environment, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

const foldersOfPythons = () => {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  return [
    ...(process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""),
    ...(existsSync(pyenv) ? readdirSync(pyenv).map((name) => join(pyenv, name, "bin")) : []),
  ];
};

const probe = "import sys, venv, ensurepip; print('%d.%d.%d %d' % (*sys.version_info[:3], sys.maxsize > 2**32))";
const compare = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

/** The newest Python from `oldest` on (and before `before`, where that is given) that can make virtual environments: its path; or null. */
export const findPython = async ({ oldest = [3, 9], before = null } = {}) => {
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
    if (compare(version, [...oldest, 0]) < 0 || (before !== null && compare(version, [...before, 0]) >= 0)) continue;
    if (best === null || compare(version, best.version) > 0) best = { path, version };
  }
  return best?.path ?? null;
};

const describePythons = ({ oldest, before }) =>
  before === null || before === undefined
    ? `Python ${oldest.join(".")} or newer`
    : `Python from ${oldest.join(".")} to before ${before.join(".")}`;

const lastLine = (text) => text.trim().split("\n").at(-1) ?? "";

/**
 * Installs wheels with pip into a virtual environment of their own, made where it is not there, one process at a time; goes on where an earlier
 * attempt was broken off. `find` gives what is installed, if it is whole, or null; `installed` runs after pip and before the last `find`.
 * Without dependencies: the caller names all it needs. Returns `{ found }` or `{ reason }`; never throws, never takes longer than `limitMs`.
 */
export const installPackages = async ({
  environment,
  label,
  pythons,
  pipArgs,
  find,
  installed = () => {},
  say = () => {},
  limitMs,
  choosePython = findPython,
}) => {
  const there = find();
  if (there !== null) return { found: there };
  const deadline = Date.now() + limitMs;
  const left = () => Math.max(1_000, deadline - Date.now());
  let release;
  try {
    release = await acquireLock(`${environment}.lock`, {
      timeoutMs: left(),
      onWait: (pid) => say(`Waiting for process ${pid}, which is installing ${label}`),
    });
    const meanwhile = find();
    if (meanwhile !== null) return { found: meanwhile };

    const python = pythonOf(environment);
    const works = existsSync(python) && (await runProcess(python, ["-m", "pip", "--version"], { timeoutMs: 60_000 })).code === 0;
    if (!works) {
      const path = await choosePython(pythons);
      if (path === null) return { reason: `no ${describePythons(pythons)} with venv was found (Debian package python3-venv)` };
      say(`Making ${environment} with ${path}`);
      rmSync(environment, { recursive: true, force: true });
      const made = await runProcess(path, ["-m", "venv", environment], { timeoutMs: left() });
      if (made.code !== 0) return { reason: `python -m venv failed: ${lastLine(made.output)}` };
    }
    say(`Installing ${label}`);
    const common = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--no-input",
      "--no-deps",
      "--force-reinstall",
      "--only-binary",
      ":all:",
    ];
    const pip = await runProcess(python, [...common, ...pipArgs], { timeoutMs: left() });
    if (pip.code !== 0) return { reason: pip.timedOut ? "pip took too long" : `pip failed: ${lastLine(pip.output)}` };
    await installed();
    const found = find();
    return found === null ? { reason: "pip ended well, but what it should have brought is not there" } : { found };
  } catch (error) {
    return { reason: error.message };
  } finally {
    release?.();
  }
};
