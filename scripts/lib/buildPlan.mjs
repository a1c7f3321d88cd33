import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** Folders whose code is compiled and whose data files are read at run time, relative to the module that reads them. */
export const rooms = ["src", "controllers", "models", "simulators", "config", "dashboards", "bench"];

/** Pages are built by Vite, kernels by AssemblyScript; neither is a data file. */
const webFolder = "dashboards/web";
const isAssembly = (path) => path.split("/").includes("assembly");
const isWeb = (path) => path.startsWith(`${webFolder}/`);
const isCode = (path) => /\.(ts|mts|cts|tsx)$/.test(path);
/** Files about the code rather than of it. */
const isAside = (path) => path.endsWith(".md") || /(^|\/)tsconfig[^/]*\.json$/.test(path) || /(^|\/)\.[^/]+$/.test(path);

const filesUnder = (root, folder) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    : [];

/** What a build of the checkout at `root` reads and writes; every path is relative to `root`, with forward slashes, sorted. */
export const buildPlan = (root) => {
  const files = rooms.flatMap((room) => filesUnder(root, room)).sort();
  const settings = [
    "package.json",
    "tsconfig.json",
    "scripts/build.mjs",
    "scripts/buildWasm.mjs",
    "node_modules/.package-lock.json",
  ].filter((path) => existsSync(join(root, path)));
  const compiled = files.filter((path) => isCode(path) && !path.endsWith(".d.ts") && !isWeb(path) && !isAssembly(path));
  const data = files.filter((path) => !isCode(path) && !isWeb(path) && !isAssembly(path) && !isAside(path));
  const hasWasm = existsSync(join(root, "scripts/buildWasm.mjs"));
  const hasPages = existsSync(join(root, webFolder, "vite.config.ts"));
  const pages = hasPages
    ? files.filter((path) => isWeb(path) && path.endsWith(".html") && !path.slice(webFolder.length + 1).includes("/"))
    : [];
  return {
    inputs: [...files, ...filesUnder(root, "scripts/lib"), ...settings].sort(),
    data,
    hasWasm,
    hasPages,
    outputs: {
      code: compiled.map((path) => `dist/${path.replace(/\.ts$/, ".js")}`),
      data: data.map((path) => `dist/${path}`),
      wasm: hasWasm ? ["dist/src/math/kernels.wasm"] : [],
      pages: pages.map((path) => `dist/${path}`),
    },
  };
};

/** Names, sizes and times of all inputs: changes with any edit, addition, deletion or renaming. */
export const signatureOf = (root, inputs) => {
  const hash = createHash("sha256");
  for (const path of inputs) {
    const { size, mtimeMs } = statSync(join(root, path), { throwIfNoEntry: false }) ?? { size: -1, mtimeMs: -1 };
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest("hex");
};

/** Names and contents of all inputs: the same after a mere change of times, as a checkout makes. */
export const contentHashOf = (root, inputs) => {
  const hash = createHash("sha256");
  for (const path of inputs) {
    const file = join(root, path);
    hash
      .update(`${path}\0`)
      .update(existsSync(file) ? readFileSync(file) : "absent")
      .update("\n");
  }
  return hash.digest("hex");
};

export const missingOutputs = (root, plan) =>
  Object.values(plan.outputs)
    .flat()
    .filter((path) => !existsSync(join(root, path)));

/** Files in dist that no source makes any more: a deleted module must not go on answering imports. */
export const leftovers = (root, plan) => {
  const wanted = new Set(Object.values(plan.outputs).flat());
  return rooms
    .flatMap((room) => filesUnder(root, `dist/${room}`))
    .filter((path) => !path.startsWith(`dist/${webFolder}/`) && !/\/kernels\.[^/]+$/.test(path))
    .filter((path) => !wanted.has(path) && !(path.endsWith(".js.map") && wanted.has(path.slice(0, -4))));
};
