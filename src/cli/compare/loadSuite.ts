import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { z } from "zod";
import { expandSuite, type Suite } from "#cli/compare/expandSuite";
import { knownKeys, suiteSchema } from "#cli/compare/suiteSchema";
import { type ConfigPath, type ConfigProblem, SiteConfigError, shownValue } from "#config/problem";
import { readYaml } from "#config/yamlDocument";
import { closestName } from "#math/closestName";

const MAX_FILE_BYTES = 1024 * 1024;
const EXAMPLE = "Start from suites/quick.yaml.";

const valueAt = (root: unknown, path: ConfigPath): unknown =>
  path.reduce<unknown>((value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined), root);

/** The path as far as the file itself goes: a single value stands for a list of one, a controller's name for an entry. */
function writtenPath(root: unknown, path: ConfigPath): ConfigPath {
  const end = path.findIndex((_part, depth) => {
    const parent = valueAt(root, path.slice(0, depth));
    return typeof parent !== "object" || parent === null;
  });
  return end < 0 ? path : path.slice(0, end);
}

type Found = Omit<ConfigProblem, "line"> & { readonly atKey?: boolean };

function describeIssue(issue: z.core.$ZodIssue, root: unknown): Found[] {
  const path = writtenPath(root, issue.path as ConfigPath);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const guess = closestName(key, knownKeys(path));
        const todo =
          guess !== null
            ? `Did you mean "${guess}"?`
            : key === "controller"
              ? "Write the list controllers: instead."
              : `Known here: ${knownKeys(path).join(", ")}.`;
        return { path: [...path, key], problem: "is not a known key", todo, atKey: true };
      });
    case "custom":
      return [{ path, problem: issue.message, todo: String(issue.params?.todo ?? "") }];
    case "invalid_type": {
      const value = valueAt(root, path);
      const what = issue.expected === "array" ? "a list" : issue.expected === "object" ? "a section" : `a ${issue.expected}`;
      const missing = value === undefined || value === null;
      return [
        {
          path,
          problem: missing ? "is missing" : `${shownValue(value)} is not ${what}`,
          todo: missing ? `Write ${what} here. ${EXAMPLE}` : EXAMPLE,
        },
      ];
    }
    case "too_small":
    case "too_big":
      return [
        {
          path,
          problem: issue.origin === "array" ? `has too ${issue.code === "too_small" ? "few" : "many"} entries` : issue.message,
          todo: EXAMPLE,
        },
      ];
    default:
      return [{ path, problem: issue.message, todo: EXAMPLE }];
  }
}

/**
 * Reads a suite from YAML text and expands it into its runs. Everything that is wrong is refused at once, each with its line (configuration, exit 78).
 * `folder` is where relative file names start; `extraWeather` are EPW files that every block gets besides its own weather.
 */
export function parseSuite(text: string, file: string, folder: string, extraWeather: readonly string[] = []): Suite {
  const refuse = (problems: readonly ConfigProblem[]): SiteConfigError => new SiteConfigError(file, problems);
  if (text.replace(/^\s*(#.*)?$/gm, "").trim() === "") throw refuse([{ path: [], problem: "the file is empty", todo: EXAMPLE, line: 1 }]);
  const yaml = readYaml(text.replace(/^\uFEFF/, ""));
  if (!yaml.ok) throw refuse(yaml.problems);
  const { value, lineOf } = yaml.file;
  const parsed = suiteSchema.safeParse(value);
  const withLines = (found: readonly Found[]): ConfigProblem[] =>
    found.map(({ atKey = false, ...problem }) => ({ ...problem, line: lineOf(problem.path, atKey) }));
  if (!parsed.success) throw refuse(withLines(parsed.error.issues.flatMap((issue) => describeIssue(issue, value))));
  const { suite, problems } = expandSuite(parsed.data, { folder, extraWeather });
  if (problems.length > 0) throw refuse(withLines(problems.map((problem) => ({ ...problem, path: writtenPath(value, problem.path) }))));
  return suite;
}

/** Reads one suite file; see `parseSuite`. */
export function loadSuite(file: string, extraWeather: readonly string[] = []): Suite {
  const refuse = (problem: string, todo: string) => new SiteConfigError(file, [{ path: [], problem, todo, line: null }]);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ENOENT"
      ? refuse("there is no such file", "Name a suite, such as suites/quick.yaml.")
      : refuse(
          code === "EISDIR" ? "it is a directory" : `it cannot be read (${code})`,
          `Name a suite file${basename(file) === "" ? "" : ", and give the right to read it"}.`,
        );
  }
  if (bytes.length > MAX_FILE_BYTES)
    throw refuse(`it holds ${bytes.length} bytes`, `A suite has at most ${MAX_FILE_BYTES}; is this the right file?`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refuse("it is not UTF-8 text", "Save it as UTF-8.");
  }
  return parseSuite(text, file, dirname(file), extraWeather);
}
