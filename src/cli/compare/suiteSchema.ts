import { z } from "zod";
import { checkedValue, simulateOptions, takesFlag } from "#cli/compare/simulateCommand";
import { IsothermError } from "#domain/errors";

/** One value of an option, checked by simulate's own parser. */
const optionValue = (name: string) =>
  z.unknown().transform((value, context) => {
    const wrong = (message: string, todo: string) => {
      context.addIssue({ code: "custom", message, params: { todo } });
      return z.NEVER;
    };
    try {
      const checked = checkedValue(name, value);
      if (checked !== null) return checked;
    } catch (error) {
      // The parser names the option as on the command line.
      if (error instanceof IsothermError)
        return wrong(error.message.replace(/^--[\w-]+ /, ""), error.todo === "Run the command with --help." ? "" : error.todo);
      throw error;
    }
    if (value === null || value === undefined) return wrong("nothing is written here", "Give a value, or remove the key.");
    return wrong(
      `${JSON.stringify(value)} is not ${takesFlag(name) ? "true or false" : "a word or a number"}`,
      takesFlag(name) ? "Write true or false, or a list of both." : "Write one value, or a list of them.",
    );
  });

const asList = (value: unknown): unknown => (Array.isArray(value) ? value : [value]);
/** One value or a list; a list multiplies the runs. */
const choices = (name: string) => z.preprocess(asList, z.array(optionValue(name)).min(1).max(1000));

const optionFields = (without: readonly string[]) =>
  Object.fromEntries([...simulateOptions.keys()].filter((name) => !without.includes(name)).map((name) => [name, choices(name).optional()]));

const controllerEntry = z.preprocess(
  (value) => (typeof value === "string" ? { controller: value } : value),
  z.strictObject({ ...optionFields(["controller"]), controller: choices("controller") }),
);
const controllers = z.array(controllerEntry).min(1).max(1000);

const block = z.strictObject({
  ...optionFields(["controller"]),
  controllers: controllers.optional(),
  /** Skipped, with the reason, where the machine lacks what it needs (exit code 69); without it such a run counts as failed. */
  optional: z.boolean().optional(),
});

/** A suite as it stands in its file. */
export const suiteSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "should be one word of letters, digits, dots, hyphens and underscores"),
  title: z.string().min(1).max(200).optional(),
  description: z.string().max(5000).optional(),
  /** A run that takes longer is ended and counts as failed. */
  runTimeLimitMin: z.number().positive().max(100_000).default(180),
  defaults: z.strictObject(optionFields(["controller"])).optional(),
  controllers: controllers.optional(),
  matrix: z.array(block).min(1).max(1000),
});

export type SuiteFile = z.output<typeof suiteSchema>;

/** The keys that may stand where `path` points: for messages about unknown ones. */
export function knownKeys(path: readonly (string | number)[]): readonly string[] {
  const options = [...simulateOptions.keys()];
  const withoutController = options.filter((name) => name !== "controller");
  if (path.length === 0) return Object.keys(suiteSchema.shape);
  if (path.includes("controllers")) return options;
  return path[0] === "defaults" ? withoutController : [...withoutController, "controllers", "optional"];
}
