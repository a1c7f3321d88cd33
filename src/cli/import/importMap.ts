import { readFileSync } from "node:fs";
import { z } from "zod";
import type { ForeignSeries } from "#adapters/influx/foreignSeries";
import { addressOf } from "#adapters/influx/wireNames";
import type { PointMapping } from "#adapters/telemetry/pointMapping";
import type { SiteConfig } from "#config/siteConfig";
import { type UnitConversion, unitConversion, unitSuffixOf } from "#config/units";
import { readYaml } from "#config/yamlDocument";
import { configurationError } from "#domain/errors";
import type { PointName } from "#domain/points";
import { closestName } from "#math/closestName";
import { compileExpression } from "#math/expressions";

/** One point and where its history is. */
export interface ImportedPoint {
  readonly series: ForeignSeries;
  /** How its values are judged: ranges and jumps are the site's own, unit and formula the mapping file's. */
  readonly mapping: PointMapping;
}

const name = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => !/\p{Cc}/u.test(text), "holds control characters");
const entry = z.strictObject({
  policy: name.optional(),
  measurement: name,
  field: name.default("value"),
  tags: z.record(name, z.union([name, z.number(), z.boolean()]).transform(String)).default({}),
  unit: z.string().max(20).optional(),
  expression: z.string().max(1000).optional(),
});
const mapSchema = z.strictObject({ points: z.record(z.string(), entry) });

/** What is asked of a value of one point, live or of the past. */
interface Judged {
  readonly point: PointName;
  readonly min: number;
  readonly max: number;
  readonly maxJump: number | null;
  readonly conversion: UnitConversion;
}
const judgedPoints = (config: SiteConfig): readonly Judged[] => [
  ...config.points,
  ...config.derived.map(({ point, min, max }) => ({ point, min, max, maxJump: null, conversion: { factor: 1, offset: 0 } })),
];

/** Where the value and the time stand in what is handed to the intake. */
export const importTopic = (point: PointName): string => `import/${point}`;

const mappingOf = ({ point, min, max, maxJump }: Judged, { factor, offset }: UnitConversion, expression?: string): PointMapping => {
  const formula = expression === undefined ? null : compileExpression(expression, ["value"]);
  return {
    point,
    topic: importTopic(point),
    path: "value",
    timestampPath: "time",
    acceptBoolean: true,
    convert: (value) => (formula === null ? value : (formula.evaluate({ value }) ?? Number.NaN)) * factor + offset,
    expectedIntervalS: 1,
    maxAgeS: 60,
    minValue: min,
    maxValue: max,
    ...(maxJump === null ? {} : { maxChangePerMinute: maxJump }),
  };
};

/** Without a mapping file: what isotherm itself wrote, under its own names and in canonical units. */
export const ownImport = (config: SiteConfig): readonly ImportedPoint[] =>
  judgedPoints(config).map((judged) => ({
    series: addressOf(config.site.id, judged.point),
    mapping: mappingOf(judged, { factor: 1, offset: 0 }),
  }));

/**
 * Points and the foreign names of their history, from a YAML file `points: { <point>: { measurement, field, tags, unit, expression } }`. Everything wrong is listed at once (exit code 78): unknown keys,
 * points that the site does not have, units that do not fit.
 */
export const readImportMap = (file: string, config: SiteConfig): readonly ImportedPoint[] => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw configurationError(`This mapping file cannot be read (${(cause as NodeJS.ErrnoException).code}).`, {
      place: { file },
      todo: "Name a YAML file that says where each point's history is; docs/deploy.md shows one.",
      cause,
    });
  }
  const yaml = readYaml(text);
  if (!yaml.ok)
    throw configurationError(yaml.problems.map(({ line, problem, todo }) => `line ${line}: ${problem} ${todo}`).join("\n  "), {
      place: { file },
    });
  const { value, lineOf } = yaml.file;
  const wrong: string[] = [];
  const say = (path: readonly (string | number)[], problem: string): void =>
    void wrong.push(`line ${lineOf(path) ?? "?"}: ${path.join(".")}: ${problem}`);
  const shape = mapSchema.safeParse(value);
  if (!shape.success)
    for (const { path, message } of shape.error.issues)
      say(
        path.map((part) => part as string | number),
        message,
      );
  const judged = judgedPoints(config);
  const imported: ImportedPoint[] = [];
  for (const [point, { policy, measurement, field, tags, unit, expression }] of Object.entries(shape.data?.points ?? {})) {
    const known = judged.find((one) => one.point === point);
    if (known === undefined) {
      const guess = closestName(
        point,
        judged.map((one) => one.point),
      );
      say(["points", point], `the site has no such point${guess === null ? "" : `; did you mean ${guess}?`}`);
      continue;
    }
    const suffix = unitSuffixOf(point);
    const conversion = unit === undefined ? { factor: 1, offset: 0 } : suffix === null ? null : unitConversion(unit, suffix);
    if (conversion === null) {
      say(["points", point, "unit"], `${JSON.stringify(unit)} cannot be converted to the unit of ${point}`);
      continue;
    }
    try {
      imported.push({
        series: { ...(policy === undefined ? {} : { policy }), measurement, field, tags },
        mapping: mappingOf(known, conversion, expression),
      });
    } catch (error) {
      say(["points", point, "expression"], error instanceof Error ? error.message : String(error));
    }
  }
  if (wrong.length === 0 && imported.length === 0) wrong.push("it names no points");
  if (wrong.length > 0)
    throw configurationError(`The mapping file is wrong:\n  ${wrong.join("\n  ")}`, {
      place: { file },
      todo: `The site's points are ${judged.map((one) => one.point).join(", ")}.`,
    });
  return imported;
};
