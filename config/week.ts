import { accept, type FieldProblem, field, type Reading, refuse } from "#config/fields";
import { shownValue } from "#config/problem";

/** Monday first, as ISO 8601 counts. */
export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** Minutes of a local day, [start, end); end is at most 1440. */
export interface DaySpan {
  readonly startMinute: number;
  readonly endMinute: number;
}
/** Seven days, Monday first; the spans of each day ordered and apart. */
export type WeekSpans = readonly (readonly DaySpan[])[];

const DAY_MINUTES = 1440;
const HINT_DAYS = "Write a day (mon), a range (mon-fri), several (sat,sun) or daily.";
const HINT_SPAN = 'Write spans such as "07:00-18:00"; 24:00 is the end of the day.';

/** Indices of the days that a key names; null where it names none. */
export function readDays(key: string): readonly number[] | null {
  if (key === "daily") return [0, 1, 2, 3, 4, 5, 6];
  const days: number[] = [];
  for (const part of key.split(",")) {
    const [from, to, more] = part
      .trim()
      .toLowerCase()
      .split("-")
      .map((day) => (weekdays as readonly string[]).indexOf(day));
    if (more !== undefined || from < 0 || to === -1) return null;
    const last = to ?? from;
    for (let day = from; ; day = (day + 1) % 7) {
      days.push(day);
      if (day === last) break;
    }
  }
  return new Set(days).size === days.length ? days : null;
}

/** Minutes since midnight of `HH:MM`; null where it is none. 24:00 is 1440. */
function readMinute(text: string): number | null {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text);
  if (match === null) return null;
  const minute = Number(match[1]) * 60 + Number(match[2]);
  return Number(match[2]) < 60 && minute <= DAY_MINUTES ? minute : null;
}

/** One span; an end before its start lies on the next day. */
export function readSpan(value: unknown): { startMinute: number; endMinute: number } | null {
  if (typeof value !== "string") return null;
  const [from, to, more] = value.split("-").map((part) => readMinute(part.trim()));
  if (more !== undefined || from == null || to == null || from === DAY_MINUTES || from === to) return null;
  return { startMinute: from, endMinute: to };
}

function merge(spans: DaySpan[]): readonly DaySpan[] {
  const sorted = [...spans].sort((a, b) => a.startMinute - b.startMinute);
  const merged: DaySpan[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && span.startMinute <= last.endMinute)
      merged[merged.length - 1] = { ...last, endMinute: Math.max(last.endMinute, span.endMinute) };
    else merged.push(span);
  }
  return merged;
}

function readWeek(value: unknown): Reading<WeekSpans> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return refuse(`${shownValue(value)} is not a week`, 'Write for example { mon-fri: ["07:00-18:00"] }.');
  const week: DaySpan[][] = weekdays.map(() => []);
  const namedBy = new Map<number, string>();
  const problems: FieldProblem[] = [];
  for (const [key, spans] of Object.entries(value)) {
    const days = readDays(key);
    if (days === null) {
      problems.push({ problem: `${shownValue(key)} names no days`, todo: HINT_DAYS, path: [key] });
      continue;
    }
    for (const day of days) {
      const earlier = namedBy.get(day);
      if (earlier !== undefined)
        problems.push({ problem: `${weekdays[day]} is in ${shownValue(earlier)} already`, todo: "Name every day once.", path: [key] });
      namedBy.set(day, key);
    }
    const list: readonly unknown[] = Array.isArray(spans) ? spans : [spans];
    list.forEach((text, index) => {
      const span = readSpan(text);
      if (span === null) {
        problems.push({
          problem: `${shownValue(text)} is not a span of time`,
          todo: HINT_SPAN,
          path: Array.isArray(spans) ? [key, index] : [key],
        });
        return;
      }
      for (const day of days) {
        const overnight = span.endMinute <= span.startMinute;
        week[day].push({ startMinute: span.startMinute, endMinute: overnight ? DAY_MINUTES : span.endMinute });
        if (overnight && span.endMinute > 0) week[(day + 1) % 7].push({ startMinute: 0, endMinute: span.endMinute });
      }
    });
  }
  return problems.length === 0 ? accept(week.map(merge)) : { ok: false, problems };
}

const SPAN_PATTERN = "^\\d{1,2}:\\d{2}\\s*-\\s*\\d{1,2}:\\d{2}$";

/** Occupied hours of a week in local time: `{ mon-fri: ["07:00-18:00"], sat: ["22:00-02:00"] }`. Days not named are unoccupied. */
export const week = (description: string) =>
  field<WeekSpans>(readWeek, {
    type: "object",
    propertyNames: { pattern: "^(daily|(mon|tue|wed|thu|fri|sat|sun)([-,](mon|tue|wed|thu|fri|sat|sun))*)$" },
    additionalProperties: {
      anyOf: [
        { type: "string", pattern: SPAN_PATTERN },
        { type: "array", items: { type: "string", pattern: SPAN_PATTERN } },
      ],
    },
    description,
    examples: [{ "mon-fri": ["07:00-18:00"] }],
  });

/** Local calendar days, both ends included, as `YYYY-MM-DD`. */
export interface DateSpan {
  readonly first: string;
  readonly last: string;
}

const isDate = (text: string): boolean => {
  const time = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && Number.isFinite(time) && new Date(time).toISOString().startsWith(text);
};

/** Days without occupancy: `2026-12-25` or `2026-12-24/2027-01-01`. */
export const holidays = (description: string) =>
  field<readonly DateSpan[]>(
    (value) => {
      if (!Array.isArray(value))
        return refuse(`${shownValue(value)} is not a list of dates`, "Write for example [2026-12-25, 2026-12-24/2027-01-01].");
      const problems: FieldProblem[] = [];
      const spans = value.map((entry: unknown, index): DateSpan => {
        const [first, last = first, more] = typeof entry === "string" ? entry.split("/") : [""];
        if (more !== undefined || !isDate(first) || !isDate(last) || last < first) {
          problems.push({
            problem: `${shownValue(entry)} is no date`,
            todo: "Write a day, 2026-12-25, or first and last day, 2026-12-24/2027-01-01.",
            path: [index],
          });
        }
        return { first, last };
      });
      return problems.length === 0 ? accept(spans) : { ok: false, problems };
    },
    {
      type: "array",
      items: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}(/\\d{4}-\\d{2}-\\d{2})?$" },
      description,
      examples: [["2026-12-25"]],
    },
  );

/** Hours of use for a tariff: which days, which minutes. */
export const daySet = (description: string) =>
  field<readonly number[]>(
    (value) => {
      const days = typeof value === "string" ? readDays(value) : null;
      return days === null ? refuse(`${shownValue(value)} names no days`, HINT_DAYS) : accept(days);
    },
    { type: "string", description, examples: ["mon-fri"] },
  );

export const hours = (description: string) =>
  field<DaySpan>(
    (value) => {
      const span = readSpan(value);
      return span === null ? refuse(`${shownValue(value)} is not a span of time`, HINT_SPAN) : accept(span);
    },
    { type: "string", pattern: SPAN_PATTERN, description, examples: ["14:00-18:00"] },
  );
