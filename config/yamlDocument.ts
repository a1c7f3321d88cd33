import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLError,
} from "yaml";
import type { ConfigPath, ConfigProblem } from "#config/problem";

/** Aliases that may be resolved in one file: enough for shared settings, far too few for a file that explodes. */
const MAX_ALIASES = 200;
/** Nesting of collections in one file. */
const MAX_DEPTH = 32;

export interface YamlFile {
  readonly value: unknown;
  /** 1-based line of the value at `path`; of its key where `atKey`; of the nearest thing above it where it is absent. */
  lineOf(path: ConfigPath, atKey?: boolean): number | null;
}
export type YamlReading =
  | { readonly ok: true; readonly file: YamlFile }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const TODO_BY_CODE: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "Keep one of the two.",
  TAB_AS_INDENT: "Indent with spaces.",
  BAD_INDENT: "Align it with its neighbours; indent with spaces.",
  MULTIPLE_DOCS: "Keep one document: remove the line ---.",
  TAG_RESOLVE_FAILED: "Remove the tag.",
};

/** The parser does not say which key stands twice. */
const describeSyntax = (error: YAMLError, text: string): string => {
  const key = error.code === "DUPLICATE_KEY" ? /^[^\s:#]{1,60}/.exec(text.slice(error.pos[0]))?.[0] : undefined;
  return key === undefined ? error.message : `the key ${key} stands twice`;
};

const problemAt = (line: number, problem: string, todo: string): ConfigProblem => ({ path: [], problem, todo, line });

function deepestNesting(text: string): number {
  // Bounds the recursion of the parser before it starts; nesting by indentation is checked on its result.
  let open = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === "[" || character === "{") deepest = Math.max(deepest, ++open);
    else if (character === "]" || character === "}") open = Math.max(0, open - 1);
  }
  return deepest;
}

function structureProblems(document: Document.Parsed, lines: LineCounter): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  let aliases = 0;
  visit(document, {
    Alias(_key, node) {
      aliases += 1;
      if (aliases === MAX_ALIASES + 1) {
        problems.push(problemAt(lines.linePos(node.range?.[0] ?? 0).line, `more than ${MAX_ALIASES} aliases`, "Write the values out."));
      }
    },
    Pair(_key, pair) {
      const { key } = pair;
      const line = isNode(key) ? lines.linePos(key.range?.[0] ?? 0).line : 1;
      if (isScalar(key) && (key.value === "__proto__" || key.value === "constructor" || key.value === "prototype")) {
        problems.push(problemAt(line, `"${key.value}" is no key`, "Remove it."));
      } else if (!isScalar(key)) problems.push(problemAt(line, "a key is not a plain word", "Write keys as plain words."));
    },
    Node(_key, node, path) {
      if (path.length > 3 * MAX_DEPTH) {
        problems.push(problemAt(lines.linePos(node.range?.[0] ?? 0).line, "it is nested too deeply", "Flatten it."));
        return visit.BREAK;
      }
      return undefined;
    },
  });
  return problems;
}

function locator(document: Document.Parsed, lines: LineCounter): YamlFile["lineOf"] {
  const lineAt = (node: unknown): number | null => {
    const offset = isNode(node) ? node.range?.[0] : undefined;
    return offset === undefined ? null : lines.linePos(offset).line;
  };
  const resolve = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  return (path, atKey = false) => {
    let node: unknown = document.contents;
    let line = lineAt(node) ?? 1;
    for (const [index, part] of path.entries()) {
      node = resolve(node);
      if (isMap(node)) {
        const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part));
        if (pair === undefined) return line;
        const valueLine = lineAt(pair.value);
        const keyLine = lineAt(pair.key) ?? line;
        const last = index === path.length - 1;
        // A section is found at its key; the first line of its content would be the next one.
        line = (last && atKey) || valueLine === null || !isScalar(pair.value) ? keyLine : valueLine;
        node = pair.value;
      } else if (isSeq(node)) {
        const item: unknown = node.items[Number(part)];
        if (item === undefined) return line;
        line = lineAt(item) ?? line;
        node = item;
      } else return line;
    }
    return line;
  };
}

/** Parses one YAML 1.2 document with `<<` merges; all syntax errors at once, each with its line. */
export function readYaml(text: string): YamlReading {
  const refuse = (problems: readonly ConfigProblem[]): YamlReading => ({ ok: false, problems });
  if (deepestNesting(text) > MAX_DEPTH) return refuse([problemAt(1, "brackets are nested too deeply", "Flatten it.")]);
  const lines = new LineCounter();
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      uniqueKeys: true,
      strict: true,
      version: "1.2",
    });
    documents = Array.isArray(parsed) ? (parsed as Document.Parsed[]) : [];
  } catch (error) {
    return refuse([problemAt(1, `it cannot be parsed (${(error as Error).message})`, "Write it as plain YAML.")]);
  }
  if (documents.length === 0 || documents.every(({ contents }) => contents === null || (isScalar(contents) && contents.value === null))) {
    return refuse([problemAt(1, "the file is empty", "Start from config/sites/demo.yaml, or run: isotherm init")]);
  }
  const problems = documents.flatMap((document) =>
    [...document.errors, ...document.warnings].map((error) =>
      problemAt(lines.linePos(error.pos[0]).line, describeSyntax(error, text), TODO_BY_CODE[error.code] ?? "Correct the YAML here."),
    ),
  );
  if (documents.length > 1) {
    const second = (documents[1].contents as Node | null)?.range?.[0] ?? documents[1].range[0];
    problems.push(problemAt(lines.linePos(second).line, `the file holds ${documents.length} documents`, TODO_BY_CODE.MULTIPLE_DOCS));
  }
  const document = documents[0];
  if (problems.length === 0) problems.push(...structureProblems(document, lines));
  if (problems.length > 0) return refuse(problems);
  try {
    return { ok: true, file: { value: document.toJS({ maxAliasCount: MAX_ALIASES }), lineOf: locator(document, lines) } };
  } catch (error) {
    return refuse([problemAt(1, `its aliases cannot be resolved (${(error as Error).message})`, "Write the values out.")]);
  }
}
