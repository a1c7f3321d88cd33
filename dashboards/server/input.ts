import { z } from "zod";
import { invalidInput } from "#dashboards/server/problems";
import { ID_PATTERN, type PointName } from "#domain/points";

const dayMs = 86_400_000;
/** Years 1900 to 2200: simulated calendars may lie in the past. */
const earliestMs = Date.UTC(1900, 0, 1);
const latestMs = Date.UTC(2200, 0, 1);

const isoPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** What the OpenAPI document says instead of the text that a query parameter is before it is read. */
declare module "zod" {
  interface GlobalMeta {
    openapi?: Readonly<Record<string, unknown>>;
  }
}

/** Unix milliseconds, or ISO 8601 with `Z` or an offset. */
const instant = z
  .string()
  .max(40)
  .transform((text, context) => {
    const timeMs = /^-?\d{1,15}$/.test(text) ? Number(text) : isoPattern.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isFinite(timeMs) && timeMs >= earliestMs && timeMs < latestMs) return timeMs;
    context.addIssue({
      code: "custom",
      message: "expected milliseconds since 1970 UTC, or a time such as 2026-01-31T13:00:00Z (between 1900 and 2200)",
    });
    return z.NEVER;
  })
  .meta({
    openapi: {
      oneOf: [
        { type: "integer", minimum: earliestMs, exclusiveMaximum: latestMs, description: "Unix milliseconds, UTC" },
        { type: "string", pattern: isoPattern.source, description: "ISO 8601 with Z or an offset, from 1900 to 2199" },
      ],
    },
  });

const wholeNumberFrom = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `expected a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `expected a whole number from ${min} to ${max}`)
    .meta({ openapi: { type: "integer", minimum: min, maximum: max } });
const wholeNumber = (min: number, max: number, fallback: number) =>
  wholeNumberFrom(min, max)
    .default(fallback)
    .meta({ openapi: { type: "integer", minimum: min, maximum: max, default: fallback } });

const zoneIdInput = z.string().max(100).regex(ID_PATTERN, "expected a zone's id: letters, digits, - and _");
const decisionIdInput = z
  .string()
  .max(100)
  .regex(/^[a-zA-Z0-9_.:-]+$/, "expected a decision's id, e.g. 3-1412");

const pointList = z
  .string()
  .max(4000)
  .transform((text) => text.split(","))
  .pipe(
    z
      .array(
        z
          .string()
          .regex(/^[a-zA-Z0-9_-]{1,100}\.[a-zA-Z0-9_]{1,100}$/, "expected point names such as lobby.zoneAirTempC, separated by commas"),
      )
      .min(1)
      .max(50),
  )
  .transform((names) => names as PointName[])
  .meta({
    openapi: {
      type: "string",
      maxLength: 4000,
      pattern: "^[a-zA-Z0-9_-]{1,100}\\.[a-zA-Z0-9_]{1,100}(,[a-zA-Z0-9_-]{1,100}\\.[a-zA-Z0-9_]{1,100}){0,49}$",
      description: "Up to 50 point names, e.g. lobby.zoneAirTempC, separated by commas",
    },
  });

const range = { from: instant.optional(), to: instant.optional() };

const isDay = (value: string): boolean => {
  const timeMs = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
  // The 31st of February is parsed, as a day of March.
  return Number.isFinite(timeMs) && new Date(timeMs).toISOString().startsWith(value);
};

/** A local day that is in the calendar. */
const localDay = z
  .string()
  .refine(isDay, "expected a day that exists: 2026-01-31")
  .meta({ openapi: { type: "string", format: "date" } });
/** A time by its instants, or by whole local days of the site, both ends included. */
const dayRange = z
  .strictObject({ ...range, firstDay: localDay.optional(), lastDay: localDay.optional() })
  .refine(({ firstDay, lastDay }) => (firstDay === undefined) === (lastDay === undefined), "expected firstDay and lastDay, or neither")
  .refine(
    ({ from, to, firstDay }) => firstDay === undefined || (from === undefined && to === undefined),
    "expected days or from and to, not both",
  );

/** Query parameters of every route that takes any. Unknown ones are refused, so that a misspelt name does not silently mean the default. */
export const queryInputs = {
  none: z.strictObject({}),
  zone: z.strictObject({ hours: wholeNumber(1, 168, 12) }),
  decisions: z.strictObject({ ...range, limit: wholeNumber(1, 1000, 200) }),
  series: z.strictObject({ points: pointList, ...range, buckets: wholeNumber(1, 2000, 300) }),
  comfort: dayRange,
  energy: dayRange,
  modelLive: z.strictObject(range),
  savings: z.strictObject({ ...range, method: z.enum(["before", "rule"]).default("before") }),
  alarms: z.strictObject({ since: instant.optional() }),
  audit: z.strictObject({ before: wholeNumberFrom(1, 999_999_999).optional(), limit: wholeNumber(1, 500, 100) }),
} as const;

const setpointC = z.number().min(5).max(40);

const role = z.enum(["viewer", "operator", "admin"]);
/** Letters and digits of any script, and a few marks: nothing invisible, nothing that turns text around. */
const userName = z
  .string()
  .trim()
  .min(1)
  .max(64)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._@-]*$/u, "expected letters, digits, spaces and . _ @ -");
/** Typed by people: any characters; what is too short or long is said by the password rules. */
const password = z.string().min(1).max(1000);
/** What a new one has to be; the rules that no schema can say are checked with the user's name. */
const newPassword = password.meta({
  openapi: { type: "string", minLength: 12, maxLength: 200, description: "Not the user's name, not one that is guessed first" },
});
const sentence = (min: number, max: number) =>
  z
    .string()
    .trim()
    .min(min)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cf}]*$/u, "expected one line of plain text")
    .meta({ openapi: { type: "string", minLength: min, maxLength: max, description: "One line of plain text" } });

export const pathInputs = {
  zone: z.strictObject({ zone: zoneIdInput }),
  decision: z.strictObject({ id: decisionIdInput }),
  id: z.strictObject({ id: z.uuid() }),
  alarm: z.strictObject({
    id: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[a-zA-Z0-9_.:-]+$/, "expected an alarm's id, e.g. sensor-stale:lobby"),
  }),
} as const;

/** Bodies of every change. Unknown keys are refused. */
export const bodyInputs = {
  login: z.strictObject({ name: z.string().min(1).max(200), password }),
  setup: z.strictObject({ token: z.string().min(1).max(200), name: userName, password: newPassword }),
  password: z.strictObject({ current: password, next: newPassword }),
  newUser: z.strictObject({ name: userName, role, password: newPassword }),
  user: z
    .strictObject({ role: role.optional(), disabled: z.boolean().optional(), password: newPassword.optional() })
    .refine((value) => Object.keys(value).length > 0, "expected at least one of role, disabled, password"),
  newToken: z.strictObject({ label: sentence(1, 64), role, expiresInDays: z.int().min(1).max(3650).nullable() }),
  acknowledge: z.strictObject({ note: sentence(0, 300).default("") }),
  promote: z.strictObject({
    version: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[a-zA-Z0-9_.:-]+$/, "expected a version's id"),
    reason: sentence(0, 500),
  }),
  rollback: z.strictObject({ reason: sentence(0, 500) }),
  /** Of one zone. The same id again changes nothing. */
  override: z
    .strictObject({
      id: z.uuid(),
      heatingSetpointC: setpointC.optional(),
      coolingSetpointC: setpointC.optional(),
      hold: z.boolean().default(false).describe("What is in force now is kept"),
      minutes: z.int().min(1).max(10_080).optional(),
      untilNextEntry: z.boolean().default(false).describe("Until the zone's schedule changes next"),
      reason: sentence(0, 300).default(""),
    })
    .refine(
      ({ hold, heatingSetpointC, coolingSetpointC }) => hold === (heatingSetpointC === undefined && coolingSetpointC === undefined),
      "expected heatingSetpointC or coolingSetpointC, or hold",
    )
    .refine(({ minutes, untilNextEntry }) => (minutes !== undefined) !== untilNextEntry, "expected either minutes or untilNextEntry"),
  mode: z.strictObject({ mode: z.enum(["auto", "shadow", "off"]), reason: sentence(0, 300).default("") }),
  zoneMode: z.strictObject({
    mode: z.enum(["auto", "shadow", "off", "building"]).describe("building: as the building's is"),
    reason: sentence(0, 300).default(""),
  }),
  demandResponse: z
    .strictObject({
      id: z.uuid(),
      startsInMinutes: z.int().min(0).max(2_880).default(0),
      minutes: z.int().min(1).max(1_440),
      limitKw: z.number().min(0).max(1e6).optional().describe("Mean power of a step that should not be exceeded, kW"),
      pricePerKwh: z.number().min(-1e3).max(1e3).optional().describe("What energy costs meanwhile"),
      reason: sentence(0, 300).default(""),
    })
    .refine(({ limitKw, pricePerKwh }) => limitKw !== undefined || pricePerKwh !== undefined, "expected limitKw or pricePerKwh"),
  whatIf: z.strictObject({
    lowerShiftK: z.number().min(-5).max(5).default(0),
    upperShiftK: z.number().min(-5).max(5).default(0),
    priceFactor: z.number().min(0).max(20).default(1),
    occupancy: z.enum(["scheduled", "empty", "occupied"]).default("scheduled"),
    horizonSteps: z.int().min(1).max(192).nullable().default(null),
  }),
  closure: z
    .strictObject({
      id: z.uuid(),
      first: localDay,
      last: localDay,
      zones: z.array(zoneIdInput).min(1).max(500).optional().describe("Absent: every zone"),
      reason: sentence(0, 300).default(""),
    })
    .refine(({ first, last }) => first <= last, "expected a last day that is not before the first"),
  adjustment: z
    .strictObject({ first: localDay, last: localDay, kwhPerDay: z.number().min(-1e6).max(1e6), reason: sentence(3, 300) })
    .refine(({ first, last }) => first <= last, "expected a last day that is not before the first"),
} as const;

/** Throws the 400 that lists everything wrong. */
export const parseInput = <T>(schema: z.ZodType<T>, value: unknown, where: string): T => {
  const result = schema.safeParse(value);
  if (!result.success) throw invalidInput(where, result.error);
  return result.data;
};

/** The same with days in place of instants, where these are given: their first instants at the site. */
export const resolveDays = <T extends { readonly firstDay?: string | undefined; readonly lastDay?: string | undefined }>(
  { firstDay, lastDay, ...rest }: T,
  startOfMs: (day: string) => number,
): Omit<T, "firstDay" | "lastDay"> & { readonly from?: number | undefined; readonly to?: number | undefined } =>
  firstDay === undefined || lastDay === undefined ? rest : { ...rest, from: startOfMs(firstDay), to: startOfMs(dayAfter(lastDay)) };

const dayAfter = (day: string): string => new Date(Date.parse(`${day}T12:00:00Z`) + dayMs).toISOString().slice(0, 10);

/** [from, to) with the given default length; refuses an empty range and one longer than `maxDays`. */
export const resolveRange = (
  input: { readonly from?: number | undefined; readonly to?: number | undefined },
  nowMs: number,
  defaultLengthMs: number,
  maxDays: number,
  where: string,
): { readonly fromMs: number; readonly toMs: number } => {
  const toMs = input.to ?? (input.from === undefined ? nowMs : Math.max(nowMs, input.from + 1));
  const fromMs = input.from ?? toMs - defaultLengthMs;
  return parseInput(
    z
      .object({ fromMs: z.number(), toMs: z.number() })
      .refine((value) => value.fromMs < value.toMs, { path: ["from"], message: "must be earlier than `to`" })
      .refine((value) => value.toMs - value.fromMs <= maxDays * dayMs, {
        path: ["from"],
        message: `the range may be at most ${maxDays} days`,
      }),
    { fromMs, toMs },
    where,
  );
};
