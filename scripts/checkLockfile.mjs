// Fails when package-lock.json holds a package that did not come from the registry, one without a checksum, a new install script, or a version with a known hole.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { checkoutRoot, say } from "./lib/checkout.mjs";

/** Their install scripts only build what the package does not bring ready-made; isotherm installs and runs without running them. */
const allowedInstallScripts = new Set(["koffi", "webgpu"]);

/** The first versions without a hole that was published; kept by hand, since not every registry answers `npm audit`. */
const leastSafe = { aedes: "1.1.1" };

/** Whether version `a` comes before `b`, both of plain numbers; what follows a hyphen is left out. */
const isBefore = (a, b) => {
  const [one, other] = [a, b].map((version) => version.split("-")[0].split(".").map(Number));
  const at = one.findIndex((part, i) => part !== other[i]);
  return at >= 0 && one[at] < other[at];
};

/**
 * Optional builds for other platforms, kept in the lockfile because `npm ci` demands every optional dependency there. The registry that wrote
 * the lockfile did not offer them, so their checksums are unknown; a platform that installs them gets them by exact version only.
 */
const withoutChecksum = [
  { parent: "@biomejs/biome", name: /^@biomejs\/cli-(android|darwin|win32|linux)-(arm64|x64)(-musl)?$/ },
  { parent: "@duckdb/node-bindings", name: /^@duckdb\/node-bindings-(darwin|win32|linux)-(arm64|x64)(-musl)?$/ },
];
/** What CI and most users install: here no checksum may be missing. */
const isMainPlatform = (entry) => entry.os?.includes("linux") && entry.cpu?.includes("x64") && !entry.libc?.includes("musl");

const isExact = (range) => /^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(range);
const nameOf = (location) => location.slice(location.lastIndexOf("node_modules/") + "node_modules/".length);

/** Every reason to refuse the lockfile, in words; `manifest` is package.json. */
export const lockfileProblems = (lock, manifest) => {
  const problems = [];
  if (lock.lockfileVersion !== 3) problems.push(`lockfileVersion is ${lock.lockfileVersion}, expected 3`);
  for (const group of ["dependencies", "devDependencies", "optionalDependencies"]) {
    for (const [name, range] of Object.entries(manifest[group] ?? {})) {
      if (typeof range !== "string" || !isExact(range))
        problems.push(`package.json ${group}: ${name} is ${JSON.stringify(range)}, expected an exact version`);
    }
  }
  const packages = Object.entries(lock.packages ?? {}).filter(([location]) => location !== "");
  if (packages.length === 0) problems.push("the lockfile lists no packages");
  for (const [location, entry] of packages) {
    const name = nameOf(location);
    if (!location.startsWith("node_modules/") || entry.link) problems.push(`${location}: a local folder, not a registry package`);
    const sources = [
      entry.resolved ?? "",
      ...["dependencies", "optionalDependencies"].flatMap((group) => Object.values(entry[group] ?? {})),
    ];
    const foreign = sources.find(
      (source) => /^(git|file|link|https?|ssh|github|gitlab|bitbucket)[:+]/.test(source) || /^[\w.-]+\/[\w.-]+(#|$)/.test(source),
    );
    if (foreign !== undefined) problems.push(`${name}: comes from or depends on ${foreign}, not the registry by name and version`);
    if (!entry.integrity) {
      const excused =
        entry.optional &&
        !isMainPlatform(entry) &&
        withoutChecksum.some((one) => one.name.test(name) && packages.some(([at]) => nameOf(at) === one.parent));
      if (!excused) problems.push(`${name}: has no integrity checksum`);
    } else if (!/^sha512-/.test(entry.integrity)) problems.push(`${name}: integrity is not sha512`);
    const least = leastSafe[name];
    if (least !== undefined && isBefore(entry.version ?? "0.0.0", least))
      problems.push(`${name}: ${entry.version} has a known hole, ${least} is the first without`);
    if (entry.hasInstallScript && !allowedInstallScripts.has(name))
      problems.push(`${name}: runs a script when installed and is not on the allow-list`);
  }
  return problems;
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const read = (file) => JSON.parse(readFileSync(join(checkoutRoot, file), "utf8"));
  const lock = read("package-lock.json");
  const problems = lockfileProblems(lock, read("package.json"));
  for (const problem of problems) process.stderr.write(`package-lock.json: ${problem}\n`);
  if (problems.length === 0)
    say(`package-lock.json: ${Object.keys(lock.packages).length - 1} packages, all from the registry with known install scripts`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
