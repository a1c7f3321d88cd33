import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { builtFile } from "#cli/compare/builtProgram";
import { fileOptions, type RunOptions } from "#cli/compare/simulateCommand";
import { packageVersion } from "#cli/packageVersion";
import { IsothermError } from "#domain/errors";
import { findEngine } from "#simulators/energyplus/engine";

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** What the machine and the program contribute to a run's figures. */
export interface Environment {
  readonly isotherm: string;
  /** Digest of the program and the data it ships: code, kernels, weather, buildings, priors; without compare and the dashboard, which change no run. */
  readonly programDigest: string;
  readonly node: string;
  readonly platform: string;
  /** The engine that runs on EnergyPlus use: its version and the digest of its data dictionary; null where the suite needs none or there is none. */
  readonly energyplus: { readonly version: string; readonly digest: string } | null;
  /** Settings of the environment that choose the linear algebra. */
  readonly linearAlgebra: string;
}

const noInfluence = (path: string): boolean =>
  /^(bench|dashboards|src\/cli\/(compare|daemon))\b/.test(path) || /(\.map|\.tsbuildinfo)$/.test(path) || /(^|\/)\./.test(path);

function programDigest(): string {
  const root = dirname(dirname(builtFile("src/main.js")));
  const hash = createHash("sha256");
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ file, path: relative(root, file).replaceAll("\\", "/") }))
    .filter(({ path }) => !noInfluence(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { file, path } of files) hash.update(`${path}\0`).update(sha256(readFileSync(file)));
  const packageFile = join(root, "../package.json");
  // Names the exact versions of every library.
  if (existsSync(packageFile)) hash.update(readFileSync(packageFile));
  return hash.digest("hex").slice(0, 16);
}

/** The engine that `simulate` would take; null where there is none: then the runs say so themselves. A folder that was named and holds none is refused. */
async function engineOf(folder: string | null): Promise<Environment["energyplus"]> {
  try {
    const engine = await findEngine({ folder });
    const dictionary = join(engine.folder, "Energy+.idd");
    return { version: engine.version, digest: existsSync(dictionary) ? sha256(readFileSync(dictionary)).slice(0, 16) : "unknown" };
  } catch (error) {
    if (folder === null && error instanceof IsothermError) return null;
    throw error;
  }
}

const needsEngine = ({ plant }: RunOptions): boolean => plant === "energyplus";

export const currentEnvironment = async (
  runs: readonly { readonly options: RunOptions }[],
  energyplus: string | null,
): Promise<Environment> => ({
  isotherm: packageVersion,
  programDigest: programDigest(),
  node: process.version,
  platform: `${process.platform}-${process.arch}`,
  energyplus: runs.some(({ options }) => needsEngine(options)) ? await engineOf(energyplus) : null,
  linearAlgebra:
    [process.env.ISOTHERM_NO_BLAS === "1" ? "no BLAS" : "", process.env.ISOTHERM_BLAS ?? ""].filter(Boolean).join(" ") || "default",
});

/** Options with each file replaced by its name and content: the same run wherever the file lies, another one when it changes. */
export function identityOf(options: RunOptions): string {
  const entries = Object.entries(options).map(([name, value]) => {
    const isFile = fileOptions.has(name) && typeof value === "string" && existsSync(value);
    return [name, isFile ? [basename(value), sha256(readFileSync(value))] : value];
  });
  return JSON.stringify(entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** Names a run after everything that determines its figures: options, contents of the files they name, program, Node.js, platform, engine. 16 hex digits. */
export const runId = (options: RunOptions, environment: Environment): string =>
  sha256(JSON.stringify([identityOf(options), needsEngine(options) ? environment : { ...environment, energyplus: null }])).slice(0, 16);

/** The same for suites with the same runs, whatever their comments, order of keys or program version. */
export const suiteDigest = (runs: readonly { readonly options: RunOptions }[]): string =>
  sha256(
    runs
      .map(({ options }) => identityOf(options))
      .sort()
      .join("\n"),
  ).slice(0, 16);
