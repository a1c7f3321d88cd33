import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { configurationError, type IsothermError } from "#domain/errors";

/** Text of a file that a person named; one that cannot be read gets an `IsothermError` (configuration). */
export function readTextFile(file: string, what: string, todo: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw configurationError(`the ${what} file cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      place: { file },
      todo,
      cause,
    });
  }
}

/** Reads YAML (or JSON) text by a schema. All errors at once, each with its line, in one `IsothermError` (configuration). */
export function parseYaml<T>(text: string, file: string, schema: z.ZodType<T>, what: string, todo: string): T {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const lineAt = (offset: number | undefined): number => (offset === undefined ? 1 : lineCounter.linePos(offset).line);
  const refuse = (problems: { line: number; message: string }[]): IsothermError => {
    const [first, ...rest] = problems;
    return configurationError([first!.message, ...rest.map((p) => `${file}:${p.line}: ${p.message}`)].join("\n"), {
      place: { file, line: first!.line },
      todo,
    });
  };
  if (document.errors.length > 0) throw refuse(document.errors.map((e) => ({ line: lineAt(e.pos[0]), message: e.message })));
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw refuse(
    parsed.error.issues.map((issue) => {
      // The deepest part of the path that the file has tells the line.
      let node: { range?: [number, number, number] | null } | undefined;
      for (let depth = issue.path.length; depth > 0 && node === undefined; depth--)
        node = document.getIn(issue.path.slice(0, depth), true) as typeof node;
      return { line: lineAt(node?.range?.[0]), message: `${issue.path.join(".") || what}: ${issue.message}` };
    }),
  );
}
