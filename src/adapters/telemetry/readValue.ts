import { atPath, type PointMapping } from "#adapters/telemetry/pointMapping";

/** Why a message did not become a point. */
export const refusalReasons = [
  "not-json",
  "path-missing",
  "not-a-number",
  "not-finite",
  "out-of-range",
  "jump",
  "bad-timestamp",
  "future-time",
  "stale-timestamp",
  "retained",
  "oversized",
  "unknown-topic",
  "duplicate",
  "out-of-order",
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: RefusalReason; readonly detail: string };
const refuse = (reason: RefusalReason, detail: string): Read<never> => ({ ok: false, reason, detail });

const NUMBER = /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/;
const NOT_FINITE = /^\s*[-+]?(nan|inf|infinity)\s*$/i;
/** As switches and presence sensors say it. */
const SWITCH: ReadonlyMap<string, number> = new Map([
  ["on", 1],
  ["off", 0],
  ["true", 1],
  ["false", 0],
]);
const LONGEST_NUMBER = 64;
const show = (value: unknown): string =>
  typeof value === "object" ? (value === null ? "null" : "an object") : `"${String(value).slice(0, 40)}"`;

/** The payload as JSON; plain text where the mapping wants the whole payload. */
export const readPayload = (payload: string, mapping: PointMapping): Read<unknown> => {
  try {
    return { ok: true, value: JSON.parse(payload) };
  } catch {
    return mapping.path === undefined && mapping.timestampPath === undefined
      ? { ok: true, value: payload }
      : refuse("not-json", show(payload));
  }
};

/** The mapped number in the point's unit: finite and inside the mapping's range, or why not. */
export const readNumber = (json: unknown, mapping: PointMapping): Read<number> => {
  const found = mapping.path === undefined ? json : atPath(json, mapping.path);
  if (found === undefined) return refuse("path-missing", `nothing at "${mapping.path}"`);
  let raw: number;
  if (typeof found === "number") raw = found;
  else if (typeof found === "boolean" && mapping.acceptBoolean === true) raw = found ? 1 : 0;
  else if (typeof found === "string" && mapping.acceptBoolean === true && SWITCH.has(found.trim().toLowerCase()))
    raw = SWITCH.get(found.trim().toLowerCase())!;
  else if (typeof found === "string" && found.length <= LONGEST_NUMBER && NUMBER.test(found)) raw = Number(found);
  else if (typeof found === "string" && found.length <= LONGEST_NUMBER && NOT_FINITE.test(found)) return refuse("not-finite", show(found));
  else return refuse("not-a-number", show(found));
  if (!Number.isFinite(raw)) return refuse("not-finite", String(raw));
  let value = raw;
  try {
    if (mapping.convert !== undefined) value = mapping.convert(raw);
  } catch (error) {
    return refuse("not-finite", `${raw} does not convert: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!Number.isFinite(value)) return refuse("not-finite", `${raw} converts to ${value}`);
  if (value < mapping.minValue || value > mapping.maxValue)
    return refuse("out-of-range", `${value} is not within ${mapping.minValue} to ${mapping.maxValue}${unitHint(value, mapping)}`);
  return { ok: true, value };
};

/** What an implausible temperature looks like. */
const unitHint = (value: number, { point, minValue, maxValue }: PointMapping): string => {
  if (!point.endsWith("C")) return "";
  const inside = (celsius: number): boolean => celsius >= minValue && celsius <= maxValue;
  if (inside(value - 273.15)) return "; it looks like kelvin";
  return inside((value - 32) / 1.8) ? "; it looks like °F" : "";
};

/** Numbers below are seconds since 1970, others milliseconds: as seconds it is the year 5138, as milliseconds March 1973. */
const SECONDS_BELOW = 1e11;

/** The time of measurement, or why there is none. */
export const readTimestamp = (json: unknown, path: string): Read<number> => {
  const found = atPath(json, path);
  if (typeof found === "number" && Number.isFinite(found) && found > 0)
    return { ok: true, value: Math.round(found < SECONDS_BELOW ? found * 1_000 : found) };
  // Without an offset the time would be read in this machine's zone.
  if (typeof found === "string" && found.length <= LONGEST_NUMBER && /^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)$/.test(found)) {
    const timeMs = Date.parse(found);
    if (Number.isFinite(timeMs)) return { ok: true, value: timeMs };
  }
  return refuse("bad-timestamp", `${show(found)} at "${path}"`);
};
