import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import path from "node:path";
import { buildSiteConfig } from "#config/buildSiteConfig";
import { checkShape } from "#config/checkShape";
import { crossCheck } from "#config/crossChecks";
import { type ConfigPath, type ConfigProblem, SiteConfigError } from "#config/problem";
import type { Report } from "#config/report";
import type { SiteConfig } from "#config/siteConfig";
import { readYaml } from "#config/yamlDocument";

export interface LoadOptions {
  /** Where `${NAME}` is looked up; the process's environment unless given. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** No site needs more; a wrong file (a database, a log) is refused before it is parsed. */
const MAX_FILE_BYTES = 1024 * 1024;

const fileError = (file: string, problem: string, todo: string): SiteConfigError =>
  new SiteConfigError(file, [{ path: [], problem, todo, line: null }]);

function readText(file: string): string {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ENOENT"
      ? fileError(file, "there is no such file", "Name a site file with --config, or write one with: isotherm init")
      : fileError(file, `it cannot be read (${code})`, "Give isotherm the right to read it.");
  }
  try {
    const stat = fstatSync(handle);
    if (stat.isDirectory()) throw fileError(file, "it is a directory", "Name the site file in it.");
    if (!stat.isFile()) throw fileError(file, "it is not a regular file", "Name a YAML file.");
    if (stat.size > MAX_FILE_BYTES)
      throw fileError(file, `it holds ${stat.size} bytes`, `A site file has at most ${MAX_FILE_BYTES}; is this the right one?`);
    const buffer = Buffer.alloc(stat.size);
    const length = readSync(handle, buffer, 0, buffer.length, 0);
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
  } catch (error) {
    if (error instanceof TypeError) throw fileError(file, "it is not UTF-8 text", "Save it as UTF-8.");
    throw error;
  } finally {
    closeSync(handle);
  }
}

const startsWith = (pathOf: ConfigPath, prefix: ConfigPath): boolean => prefix.every((part, i) => pathOf[i] === part);
/** Whether one of two places lies in the other: then a fault of the first may be the cause of the second. */
const touches = (a: ConfigPath, b: ConfigPath): boolean => startsWith(a, b) || startsWith(b, a);

/**
 * Reads one site from YAML text: syntax, unknown keys, types, ranges, units, expressions, secrets and agreement across the file, all problems at once.
 * `file` names it in messages; relative names of secrets, certificates, weather and priors start from its folder.
 * Throws one `IsothermError` (configuration, exit 78) whose `describe()` lists every problem with line, what is there and what would be right.
 */
export function parseSiteConfig(text: string, file: string, options: LoadOptions = {}): SiteConfig {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES)
    throw fileError(file, `it holds ${Buffer.byteLength(text)} bytes`, `A site file has at most ${MAX_FILE_BYTES}.`);
  const yaml = readYaml(text.replace(/^\uFEFF/, ""));
  if (!yaml.ok) throw new SiteConfigError(file, yaml.problems);
  const { value, lineOf } = yaml.file;
  const shape = checkShape(value);
  const problems: ConfigProblem[] = shape.problems.map(({ path: at, problem, todo, atKey }) => ({
    path: at,
    problem,
    todo,
    line: lineOf(at, atKey),
  }));
  if (shape.file === null) throw new SiteConfigError(file, problems);
  // A check across places that are wrong in themselves would only repeat that.
  const report: Report = (at, problem, todo, dependsOn = []) => {
    if ([at, ...dependsOn].some((place) => shape.problems.some((known) => touches(place, known.path)))) return;
    problems.push({ path: at, problem, todo, line: lineOf(at) });
  };
  crossCheck(shape.file, report);
  const config = buildSiteConfig(shape.file, {
    file,
    baseDirectory: path.dirname(path.resolve(file)),
    environment: options.environment ?? process.env,
    report,
  });
  if (problems.length > 0) throw new SiteConfigError(file, problems);
  return config;
}

/** Reads one site file; see `parseSiteConfig`. A missing, unreadable, oversized or non-UTF-8 file and a directory are refused in the same way. */
export function loadSiteConfig(file: string, options: LoadOptions = {}): SiteConfig {
  return parseSiteConfig(readText(file), file, options);
}
