import { basename } from "node:path";
import type { RunOptions } from "#cli/compare/simulateCommand";
import { seasonalComfort } from "#simulators/kpis";

/** Options that make the task of a run: figures are compared between runs that share them all. The others make the controller. */
const caseOptions = [
  "plant",
  "building",
  "weather",
  "data",
  "year",
  "start",
  "days",
  "history",
  "historyDays",
  "comfort",
  "tariff",
  "objective",
  "forecastError",
] as const;

/** The same for runs of one case. */
export const caseKeyOf = (options: RunOptions): string => JSON.stringify(caseOptions.map((name) => options[name] ?? null));
/** The same for runs of one controller setting, whatever the case and the seed. */
export const settingKeyOf = (options: RunOptions): string =>
  JSON.stringify(Object.entries(options).filter(([name]) => name !== "seed" && !(caseOptions as readonly string[]).includes(name)));

const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const fileLabel = (value: unknown): string => basename(String(value)).replace(/\.(epw|epjson|idf|ya?ml|json|csv)(\.gz)?$/i, "");
const words = (id: string): string =>
  id.replace(/(^|-)([a-z])/g, (_all, dash: string, letter: string) => `${dash === "" ? "" : " "}${letter.toUpperCase()}`);

/** `New York, January (7 days from 01-01)`, followed by what else tells the cases of a suite apart. */
export function caseTitle(options: RunOptions, all: readonly RunOptions[]): string {
  const varies = (name: string): boolean => new Set(all.map((one) => one[name])).size > 1;
  const [month, day] = String(options.start).split("-").map(Number);
  const place = options.plant === "replay" ? fileLabel(options.data) : words(fileLabel(options.weather));
  const days = `${options.days} ${options.days === 1 ? "day" : "days"} from ${day} ${months[month! - 1]}`;
  const rest = caseOptions
    .filter((name) => !["weather", "start", "days", "data"].includes(name) && varies(name))
    .map((name) => {
      const value = options[name];
      if (name === "building" || name === "tariff") return `${name} ${fileLabel(value)}`;
      if (name === "history") return value === "none" ? "no history" : `history ${value}`;
      if (name === "historyDays") return `${value} days of history`;
      if (name === "forecastError") return `forecast error ${value}`;
      if (name === "comfort") return value === undefined ? "seasonal comfort" : `comfort ${value} °C`;
      return name === "objective" ? `objective ${value}` : String(value);
    });
  return [`${place}, ${days}`, ...rest].join(", ");
}

/** `rule lead 4 ramp`, `mppi without fallback`, and whatever else tells the settings of one controller apart in a suite. */
export function settingLabel(options: RunOptions, all: readonly RunOptions[]): string {
  const { controller, lead, ramp, fallback } = options;
  const parts = [String(controller)];
  if (controller === "rule") parts.push(`lead ${lead ?? 1}`);
  if (ramp === true) parts.push("ramp");
  if (fallback === false) parts.push("without fallback");
  const same = all.filter((one) => one.controller === controller);
  const named: readonly string[] = ["controller", "lead", "ramp", "fallback", "seed", ...caseOptions];
  for (const name of Object.keys(options)) {
    if (named.includes(name) || new Set(same.map((one) => one[name])).size < 2) continue;
    parts.push(`${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${fileLabel(options[name])}`);
  }
  return parts.join(" ");
}

/** The comfort band in force at a step of a trace, whose times are local standard time. */
export function comfortAt(options: RunOptions, localMs: number): { readonly lowerC: number; readonly upperC: number } {
  const match = /^(-?[\d.]+):(-?[\d.]+)$/.exec(String(options.comfort ?? ""));
  return match === null ? seasonalComfort({ timeZoneH: 0 }, localMs) : { lowerC: Number(match[1]), upperC: Number(match[2]) };
}
