import { Command, type Option } from "commander";
import { registerSimulate } from "#cli/simulate";

export type OptionValue = string | number | boolean;
/** Options of one run by the names that `simulate` gives them, defaults included; an option without a default is there only where it was given. */
export type RunOptions = Readonly<Record<string, OptionValue>>;

/** What a suite may not say: where things lie on this machine, and how the output is written, are compare's own business. */
const notForSuites: ReadonlySet<string> = new Set(["json", "trace", "listBuildings", "listWeather", "energyplus", "patience"]);
/** Written in every command, default or not: a reader should not have to know the defaults of the most telling options. */
const alwaysWritten: ReadonlySet<string> = new Set(["plant", "building", "weather", "start", "days", "controller", "seed"]);
/** May name a file; a relative one is meant from the suite's folder. */
export const fileOptions: ReadonlySet<string> = new Set(["building", "weather", "data", "tariff", "prior"]);

/** The options of `isotherm simulate` that a suite may set, by their names in a suite (`--history-days` is `historyDays`); read from the command itself, so that the two cannot differ. */
export const simulateOptions: ReadonlyMap<string, Option> = (() => {
  const program = new Command();
  registerSimulate(program);
  const [command] = program.commands;
  return new Map(
    command!.options.filter((option) => !notForSuites.has(option.attributeName())).map((option) => [option.attributeName(), option]),
  );
})();

const isFlag = (option: Option): boolean => option.isBoolean() || option.negate;

/** The value of an option as `simulate` would take it, or an `IsothermError` (usage) that says what would be right. */
export function checkedValue(name: string, value: unknown): OptionValue | null {
  const option = simulateOptions.get(name)!;
  if (isFlag(option)) return typeof value === "boolean" ? value : null;
  if (typeof value !== "string" && typeof value !== "number") return null;
  const text = String(value);
  if (text.trim() === "") return null;
  const parsed: unknown = option.parseArg === undefined ? text : option.parseArg(text, undefined);
  return typeof parsed === "number" ? parsed : text;
}

export const takesFlag = (name: string): boolean => isFlag(simulateOptions.get(name)!);

const defaultOf = (option: Option): OptionValue | undefined =>
  isFlag(option) ? option.negate : (option.defaultValue as OptionValue | undefined);

/** Every option with a default, filled up with the given ones, in the order of `simulate --help`. */
export function withDefaults(given: RunOptions): RunOptions {
  const entries = [...simulateOptions].flatMap(([name, option]) => {
    const value = given[name] ?? defaultOf(option);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

/** The command line that runs it: `simulate --plant rc …`. Options at their defaults are left out, except for the most telling ones. */
export function commandArguments(options: RunOptions): string[] {
  const args = ["simulate"];
  for (const [name, option] of simulateOptions) {
    const value = options[name];
    if (value === undefined || (value === defaultOf(option) && !alwaysWritten.has(name))) continue;
    args.push(option.long!);
    if (!isFlag(option)) args.push(String(value));
  }
  return args;
}

/** The command as a person would type it; arguments with spaces and the like are quoted for a POSIX shell. */
export const shownCommand = (options: RunOptions): string =>
  ["isotherm", ...commandArguments(options), "--json"]
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`))
    .join(" ");
