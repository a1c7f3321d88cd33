import type { z } from "zod";
import { type ConfigPath, shownValue } from "#config/problem";
import { type SiteFile, siteFileSchema } from "#config/schema";
import { closestName } from "#math/closestName";

/** A problem of the shape of the file, before it has a line. */
export interface ShapeProblem {
  readonly path: ConfigPath;
  readonly problem: string;
  readonly todo: string;
  /** The key itself is wrong, not its value. */
  readonly atKey: boolean;
}
export interface Shape {
  readonly problems: readonly ShapeProblem[];
  /** The file as far as it can be understood: what is wrong is replaced by an example, so that the checks across it still run. Null where nothing can be. */
  readonly file: SiteFile | null;
}

type AnySchema = { readonly _zod: { readonly def: Record<string, unknown> & { readonly type: string } } };

/** The schema behind optional, default and the like. */
function unwrap(schema: AnySchema): AnySchema {
  let current = schema;
  while (current._zod.def.innerType !== undefined && current._zod.def.type !== "record") current = current._zod.def.innerType as AnySchema;
  return current;
}

function schemaAt(path: ConfigPath): AnySchema | null {
  let current: AnySchema | undefined = siteFileSchema as unknown as AnySchema;
  for (const part of path) {
    if (current === undefined) return null;
    const def: AnySchema["_zod"]["def"] = unwrap(current)._zod.def;
    if (def.type === "object") current = (def.shape as Record<string, AnySchema>)[String(part)];
    else if (def.type === "array") current = def.element as AnySchema;
    else if (def.type === "record") current = def.valueType as AnySchema;
    else return null;
  }
  return current === undefined ? null : unwrap(current);
}

const keysAt = (path: ConfigPath): readonly string[] => {
  const def = schemaAt(path)?._zod.def;
  return def?.type === "object" ? Object.keys(def.shape as object) : [];
};

const valueAt = (root: unknown, path: ConfigPath): unknown =>
  path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? (value as Record<string | number, unknown>)[part] : undefined),
    root,
  );

function describeIssue(issue: z.core.$ZodIssue, root: unknown): ShapeProblem[] {
  const path = issue.path as ConfigPath;
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(path);
    return issue.keys.map((key) => {
      const guess = closestName(key, known);
      return {
        path: [...path, key],
        problem: "is not a known option",
        todo: guess === null ? `Known here: ${known.join(", ")}.` : `Did you mean "${guess}"?`,
        atKey: true,
      };
    });
  }
  if (issue.code === "custom") return [{ path, problem: issue.message, todo: String(issue.params?.todo ?? ""), atKey: false }];
  const value = valueAt(root, path);
  const known = keysAt(path);
  if (issue.code === "invalid_type") {
    const list = issue.expected === "array";
    const what = list ? "a list" : known.length > 0 ? `a section with ${known.join(", ")}` : "a section";
    const there =
      value === undefined
        ? "is missing"
        : value === null
          ? "nothing is written here"
          : `${shownValue(value)} is not ${list ? "a list" : "a section"}`;
    return [{ path, problem: there, todo: path.length === 0 ? "Start from config/sites/demo.yaml." : `Write ${what}.`, atKey: false }];
  }
  if (issue.code === "too_small" || issue.code === "too_big") {
    const small = issue.code === "too_small";
    return [
      {
        path,
        problem: `has ${small ? "too few" : "too many"} entries`,
        todo: small ? `Write at least ${issue.minimum}.` : `Write at most ${issue.maximum}.`,
        atKey: false,
      },
    ];
  }
  return [{ path, problem: issue.message, todo: "Compare it with config/sites/demo.yaml.", atKey: false }];
}

/** Replaces what `issue` complains of by an example, or removes it. */
function mend(root: Record<string, unknown>, issue: z.core.$ZodIssue): void {
  const targets = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  for (const target of targets as ConfigPath[]) {
    // A reader may point inside its own value: the leaf of the schema is what can be replaced.
    let leaf = target;
    while (leaf.length > 0 && issue.code !== "unrecognized_keys" && schemaAt(leaf) === null) leaf = leaf.slice(0, -1);
    const parent = valueAt(root, leaf.slice(0, -1));
    if (leaf.length === 0 || typeof parent !== "object" || parent === null) continue;
    const key = leaf[leaf.length - 1];
    const schema = issue.code === "unrecognized_keys" ? null : schemaAt(leaf);
    const holder = parent as Record<string | number, unknown>;
    if (schema === null) delete holder[key];
    else if (schema._zod.def.type === "object" || schema._zod.def.type === "record") holder[key] = {};
    else if (schema._zod.def.type === "array") holder[key] = issue.code === "too_small" ? [{}] : [];
    else holder[key] = exampleOf(schema);
  }
}

const exampleOf = (schema: AnySchema): unknown => {
  const meta = (schema as unknown as z.ZodType).meta() as { readonly examples?: readonly unknown[] } | undefined;
  return meta?.examples?.[0];
};

/** Checks the parsed YAML against the schema: every problem at once, and what could be understood. */
export function checkShape(value: unknown): Shape {
  const first = siteFileSchema.safeParse(value);
  if (first.success) return { problems: [], file: first.data };
  const problems = first.error.issues.flatMap((issue) => describeIssue(issue, value));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { problems, file: null };
  const mended = structuredClone(value) as Record<string, unknown>;
  let issues = first.error.issues;
  for (let round = 0; round < 8; round++) {
    for (const issue of issues) mend(mended, issue);
    const again = siteFileSchema.safeParse(mended);
    if (again.success) return { problems, file: again.data };
    issues = again.error.issues;
  }
  return { problems, file: null };
}
