import cron from "node-cron";
import { z } from "zod";
import { type ConfigPath, shownValue } from "#config/problem";
import type { SecretSource } from "#config/readSecret";
import { dimensions, readQuantity, type UnitSuffix } from "#config/units";
import { ID_PATTERN } from "#domain/points";
import { closestName } from "#math/closestName";
import { type RateUnit, rateUnit } from "#math/rateUnit";

/** What a reader of one value answers. `path` points inside the value where that says more. */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly FieldProblem[] };
export interface FieldProblem {
  readonly problem: string;
  readonly todo: string;
  readonly path?: ConfigPath;
}
export const accept = <T>(value: T): Reading<T> => ({ ok: true, value });
export const refuse = (problem: string, todo: string): Reading<never> => ({ ok: false, problems: [{ problem, todo }] });

/** A leaf of the schema: `read` judges the raw YAML value in our own words; `meta` is its JSON Schema. */
export function field<T>(read: (value: unknown) => Reading<T>, meta: Record<string, unknown>) {
  return z
    .any()
    .transform((value: unknown, context): T => {
      const reading =
        value === undefined
          ? refuse("is missing", missingTodo(meta))
          : value === null
            ? refuse("nothing is written here", missingTodo(meta))
            : read(value);
      if (reading.ok) return reading.value;
      for (const { problem, todo, path } of reading.problems) {
        context.addIssue({ code: "custom", message: problem, params: { todo }, path: [...(path ?? [])], input: value });
      }
      return z.NEVER;
    })
    .meta(meta);
}

const missingTodo = (meta: Record<string, unknown>): string => {
  const example = (meta.examples as readonly unknown[] | undefined)?.[0];
  return example === undefined
    ? "Give it a value."
    : `Write for example ${typeof example === "string" ? example : JSON.stringify(example)}.`;
};

/** A quantity with its unit, inside [min, max] in canonical units. The value is a number in the unit of `suffix`. */
export function quantity(suffix: UnitSuffix, description: string, limits: { min?: number; max?: number } = {}) {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = limits;
  return field<number>(
    (value) => {
      const reading = readQuantity(value, suffix);
      if (!reading.ok) return refuse(reading.problem, reading.todo);
      if (reading.value >= min && reading.value <= max) return accept(reading.value);
      const unit = dimensions[suffix].canonical;
      const range = [
        min === Number.NEGATIVE_INFINITY ? [] : `at least ${min} ${unit}`.trim(),
        max === Number.POSITIVE_INFINITY ? [] : `at most ${max} ${unit}`.trim(),
      ].flat();
      return refuse(`${shownValue(value)} is out of range`, `Write ${range.join(" and ")}.`);
    },
    quantityMeta(suffix, description),
  );
}

/** Money per something: the amount, and the currency where one is written. */
export function price(suffix: "PerKwh" | "PerKw" | "PerKh" | "PerK" | "PerTonne", description: string) {
  return field<{ readonly amount: number; readonly currency: string | null }>(
    (value) => {
      const reading = readQuantity(value, suffix);
      if (!reading.ok) return refuse(reading.problem, reading.todo);
      if (reading.value < 0 || reading.value > 1e6)
        return refuse(`${shownValue(value)} is out of range`, "Write at least 0 and at most 1000000.");
      return accept({ amount: reading.value, currency: reading.currency });
    },
    quantityMeta(suffix, description),
  );
}

const quantityMeta = (suffix: UnitSuffix, description: string): Record<string, unknown> => {
  const { what, example } = dimensions[suffix];
  const bare = suffix === "Fraction" || suffix === "Count";
  return { type: bare ? ["string", "number"] : "string", description: `${description} (${what})`, examples: example.split(" or ") };
};

/** The unit of a file's or a feed's numbers, such as EUR/MWh or g/kWh, as the factor to the canonical one. */
export const unitOfRates = (kind: "price" | "intensity", description: string, example: string) =>
  field<RateUnit>(
    (value) => {
      const unit = typeof value === "string" && value.length <= 40 ? rateUnit(value, kind) : null;
      return unit === null ? refuse(`${shownValue(value)} is not such a unit`, `Write for example ${example}.`) : accept(unit);
    },
    { type: "string", description, examples: [example] },
  );

export function text(description: string, options: { pattern?: RegExp; what?: string; maxLength?: number; example?: string } = {}) {
  const { pattern, what = "a text", maxLength = 200, example } = options;
  return field<string>(
    (value) => {
      const hint = example === undefined ? `Write ${what}.` : `Write ${what} such as ${example}.`;
      if (typeof value !== "string")
        return refuse(
          `${shownValue(value)} is not ${what}`,
          typeof value === "number" ? `${hint.slice(0, -1)}, in quotes where it is made of digits.` : hint,
        );
      if (value.trim() === "") return refuse("it is empty", hint);
      if (value.length > maxLength) return refuse(`it has ${value.length} characters`, `Write at most ${maxLength}.`);
      if (/\p{Cc}/u.test(value)) return refuse(`${shownValue(value)} holds control characters`, "Remove them.");
      return pattern === undefined || pattern.test(value) ? accept(value) : refuse(`${shownValue(value)} is not ${what}`, hint);
    },
    {
      type: "string",
      minLength: 1,
      maxLength,
      description,
      ...(pattern === undefined || pattern.flags !== "" ? {} : { pattern: pattern.source }),
      ...(example === undefined ? {} : { examples: [example] }),
    },
  );
}

export const identifier = (description: string, example: string) =>
  text(description, { pattern: ID_PATTERN, what: "an id made of letters, digits, - and _", maxLength: 64, example });

export function wholeNumber(description: string, min: number, max: number) {
  return field<number>(
    (value) =>
      typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
        ? accept(value)
        : refuse(`${shownValue(value)} is not a whole number from ${min} to ${max}`, `Write a whole number from ${min} to ${max}.`),
    { type: "integer", minimum: min, maximum: max, description, examples: [min] },
  );
}

export function number(description: string, min: number, max: number, example: number) {
  return field<number>(
    (value) =>
      typeof value === "number" && value >= min && value <= max
        ? accept(value)
        : refuse(`${shownValue(value)} is not a number from ${min} to ${max}`, `Write a number such as ${example}.`),
    { type: "number", minimum: min, maximum: max, description, examples: [example] },
  );
}

export function choice<const T extends string>(description: string, values: readonly T[]) {
  return field<T>(
    (value) => {
      const found = values.find((known) => known === value);
      if (found !== undefined) return accept(found);
      const guess = typeof value === "string" ? closestName(value, values) : null;
      return refuse(
        `${shownValue(value)} is not one of ${values.join(", ")}`,
        guess === null ? `Write one of ${values.join(", ")}.` : `Did you mean "${guess}"?`,
      );
    },
    { type: "string", enum: values, description, examples: [values[0]] },
  );
}

export const flag = (description: string) =>
  field<boolean>(
    (value) =>
      typeof value === "boolean" ? accept(value) : refuse(`${shownValue(value)} is neither true nor false`, "Write true or false."),
    {
      type: "boolean",
      description,
      examples: [true],
    },
  );

export const timeZone = (description: string) =>
  field<string>(
    (value) => {
      const hint = "Write an IANA name such as Europe/Berlin, America/New_York or Etc/UTC.";
      // Offsets such as +02:00 are accepted by Intl but know no daylight saving; abbreviations mean different things in different places.
      if (typeof value !== "string" || !/^[A-Z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)+$|^UTC$/.test(value))
        return refuse(`${shownValue(value)} is not a time zone`, hint);
      try {
        new Intl.DateTimeFormat("en", { timeZone: value });
        return accept(value);
      } catch {
        const guess = closestName(value, Intl.supportedValuesOf("timeZone"));
        return refuse(`${shownValue(value)} is not a known time zone`, guess === null ? hint : `Did you mean "${guess}"?`);
      }
    },
    { type: "string", description, examples: ["Europe/Berlin"] },
  );

export const currency = (description: string) =>
  field<string>(
    (value) =>
      typeof value === "string" && Intl.supportedValuesOf("currency").includes(value)
        ? accept(value)
        : refuse(`${shownValue(value)} is not a currency`, "Write its ISO 4217 code, such as EUR, USD or GBP."),
    { type: "string", pattern: "^[A-Z]{3}$", description, examples: ["EUR"] },
  );

/** A cron expression of five fields, in UTC. */
export const cronSchedule = (description: string, example: string) =>
  field<string>(
    (value) =>
      typeof value === "string" && value.length <= 100 && value.trim().split(/\s+/).length === 5 && cron.validate(value)
        ? accept(value.trim().split(/\s+/).join(" "))
        : refuse(
            `${shownValue(value)} is not a cron expression of five fields`,
            `Write minute, hour, day, month and weekday, such as "${example}".`,
          ),
    { type: "string", description, examples: [example] },
  );

const SECRET_EXAMPLE = `\${ISOTHERM_PASSWORD}`;
/** `${NAME}` or `{ file: path }`. The value itself is never repeated in a message: someone may have written the secret there. */
export const secretSource = (description: string) =>
  field<SecretSource>(
    (value) => {
      const hint = `Write an environment variable, "${SECRET_EXAMPLE}", or a file that only its owner may read, { file: password.txt }.`;
      if (typeof value === "string") {
        const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(value)?.[1];
        return name === undefined ? refuse("a secret stands in the file itself", hint) : accept({ kind: "environment", name });
      }
      if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).join() === "file") {
        const { file } = value as { file: unknown };
        return typeof file === "string" && file !== ""
          ? accept({ kind: "file", file })
          : refuse("the file of the secret has no name", hint);
      }
      return refuse("this is no source of a secret", hint);
    },
    {
      description,
      anyOf: [
        { type: "string", pattern: "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$" },
        { type: "object", properties: { file: { type: "string" } }, required: ["file"], additionalProperties: false },
      ],
      examples: [SECRET_EXAMPLE],
    },
  );

/** A topic that is subscribed or published as it stands: no wildcards. */
export const topic = (description: string, example: string) =>
  field<string>(
    (value) => {
      const hint = `Write one full topic such as ${example}.`;
      if (typeof value !== "string" || value === "") return refuse(`${shownValue(value)} is not an MQTT topic`, hint);
      if (/[+#]/.test(value)) return refuse(`${shownValue(value)} has a wildcard`, hint);
      if (
        /\p{Cc}/u.test(value) ||
        value.startsWith("$") ||
        value.startsWith("/") ||
        value.endsWith("/") ||
        Buffer.byteLength(value) > 512
      ) {
        return refuse(`${shownValue(value)} is not a usable MQTT topic`, hint);
      }
      return accept(value);
    },
    { type: "string", pattern: "^[^+#$/]([^+#]*[^+#/])?$", description, examples: [example] },
  );

/** Where a number stands in a JSON message: names and [indices] joined by dots; `$` alone or an empty path is the message itself. */
export const jsonPath = (description: string) =>
  field<readonly (string | number)[]>(
    (value) => {
      const hint = 'Write names and indices such as temperature, sensors[0].value or data["room temp"].';
      if (typeof value !== "string" || value.length > 200) return refuse(`${shownValue(value)} is not a path into a message`, hint);
      const steps: (string | number)[] = [];
      let rest = value.replace(/^\$\.?/, "");
      while (rest !== "") {
        const step = /^(?:([^.[\]"'\s]+)|\[(\d{1,6})\]|\["([^"\\]+)"\])(?:\.(?=[^.[\]])|(?=\[)|$)/.exec(rest);
        if (step === null) return refuse(`${shownValue(value)} is not a path into a message`, hint);
        steps.push(step[2] === undefined ? (step[1] ?? step[3]) : Number(step[2]));
        rest = rest.slice(step[0].length);
      }
      return steps.length <= 16 ? accept(steps) : refuse(`${shownValue(value)} is more than 16 steps deep`, hint);
    },
    { type: "string", description, examples: ["temperature", "sensors[0].value"] },
  );

/** An address with one of `protocols`, without credentials in it. */
export const url = (description: string, protocols: readonly string[], example: string) =>
  field<string>(
    (value) => {
      const parsed = typeof value === "string" && URL.canParse(value) ? new URL(value) : null;
      if (parsed === null || !protocols.includes(parsed.protocol) || parsed.hostname === "") {
        const hidden = typeof value === "string" && value.includes("@") ? "this" : shownValue(value);
        return refuse(
          `${hidden} is not an address that starts with ${protocols.map((p) => `${p}//`).join(" or ")}`,
          `Write an address such as ${example}.`,
        );
      }
      if (parsed.username !== "" || parsed.password !== "")
        return refuse("a user name or password stands in the address", "Write them as username and password beside it.");
      return accept((value as string).replace(/\/$/, ""));
    },
    { type: "string", format: "uri", description, examples: [example] },
  );
