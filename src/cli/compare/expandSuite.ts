import { resolve } from "node:path";
import { caseKeyOf } from "#cli/compare/cases";
import { fileOptions, type OptionValue, type RunOptions, withDefaults } from "#cli/compare/simulateCommand";
import type { SuiteFile } from "#cli/compare/suiteSchema";
import { type ControllerName, checkCombination, learned, type SimulateOptions } from "#cli/simulateOptions";
import type { ConfigPath } from "#config/problem";
import { IsothermError } from "#domain/errors";
import { loadBuilding } from "#simulators/rc/buildings/catalogue";
import { loadTariff } from "#simulators/tariffs";
import { loadWeather } from "#simulators/weather/loadWeather";

/** One run of a suite. */
export interface PlannedRun {
  readonly options: RunOptions;
  /** Skipped instead of failed where the machine lacks what it needs. */
  readonly optional: boolean;
}
export interface Suite {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly runTimeLimitMin: number;
  /** In the order of the file, each once. */
  readonly runs: readonly PlannedRun[];
}
export interface SuiteProblem {
  readonly path: ConfigPath;
  readonly problem: string;
  readonly todo: string;
}

type Choices = Readonly<Record<string, readonly OptionValue[] | undefined>>;
const looksLikeFile = (value: OptionValue): value is string =>
  typeof value === "string" && /\.(epw|epjson|idf|ya?ml|json|csv)(\.gz)?$/i.test(value);

/** Everything that makes the product of the choices. */
function product(choices: Choices): RunOptions[] {
  return Object.entries(choices).reduce<RunOptions[]>(
    (combinations, [name, values]) =>
      values === undefined ? combinations : combinations.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

const isEmptyRamp = (options: RunOptions): boolean => options.ramp === true && options.lead === 0;

/** What simulate would refuse; null where it would run. */
function refusal(given: RunOptions): IsothermError | null {
  const options = withDefaults(given);
  const checked = {
    ...options,
    leadSteps: options.lead ?? 1,
    allowFallback: options.fallback,
    data: options.data ?? null,
  } as unknown as SimulateOptions;
  try {
    checkCombination(checked, (name) => given[name] !== undefined && given[name] !== false);
    if (given.start === "02-29" && new Date(Date.UTC(checked.year, 1, 29)).getUTCMonth() !== 1)
      return new IsothermError("configuration", `${checked.year} has no 29 February`, { todo: "Give another day, or a leap year." });
    return null;
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
}

/** Looks once at every file and name that the runs need; what cannot be read is a problem of the suite, found before the first run. */
function checkInput(plant: OptionValue, name: string, value: OptionValue): IsothermError | null {
  try {
    if (name === "tariff") loadTariff(String(value));
    // Other plants bring buildings and weather of their own.
    if (plant === "rc" && name === "weather") loadWeather(String(value));
    if (plant === "rc" && name === "building") loadBuilding(String(value));
    return null;
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
}

/**
 * The runs of a suite: for each block of the matrix the product of all its lists with each of its controllers. A block's value stands before the defaults',
 * a controller's before the block's. Controllers that draw no random numbers run once, with the first seed; a ramp over a lead of 0 steps is left out.
 */
export function expandSuite(
  file: SuiteFile,
  context: { readonly folder: string; readonly extraWeather: readonly string[] },
): { readonly suite: Suite; readonly problems: readonly SuiteProblem[] } {
  const problems: SuiteProblem[] = [];
  const runs = new Map<string, PlannedRun>();
  const inputs = new Map<string, IsothermError | null>();
  const complain = (path: ConfigPath, error: IsothermError): void => {
    const problem = error.place.file === undefined ? error.message : `${error.place.file}: ${error.message}`;
    if (!problems.some((known) => known.problem === problem && known.path.join() === path.join()))
      problems.push({ path, problem, todo: error.todo });
  };
  const absolute = (choices: Choices): Choices =>
    Object.fromEntries(
      Object.entries(choices).map(([name, values]) => [
        name,
        values?.map((value) => (fileOptions.has(name) && looksLikeFile(value) ? resolve(context.folder, value) : value)),
      ]),
    );
  for (const [b, block] of file.matrix.entries()) {
    const { controllers: ofBlock, optional = false, ...blockChoices } = block;
    const controllers = ofBlock ?? file.controllers;
    if (controllers === undefined) {
      problems.push({ path: ["matrix", b], problem: "has no controllers", todo: "List controllers here, or for all blocks at the top." });
      continue;
    }
    const shared = absolute({ weather: [withDefaults({}).weather!], ...file.defaults, ...blockChoices });
    const everyWeather: Choices = { ...shared, weather: [...shared.weather!, ...context.extraWeather.map((epw) => resolve(epw))] };
    for (const [c, entry] of controllers.entries()) {
      const path: ConfigPath = ofBlock === undefined ? ["controllers", c] : ["matrix", b, "controllers", c];
      const own: Choices = entry;
      const combinations = product({ ...everyWeather, ...absolute(own) });
      const useful = combinations.some((given) => !isEmptyRamp(given)) ? combinations.filter((given) => !isEmptyRamp(given)) : combinations;
      const seeds = own.seed ?? everyWeather.seed;
      for (const given of useful) {
        const draws = learned.has(given.controller as ControllerName);
        if (!draws && seeds !== undefined && given.seed !== seeds[0]) continue;
        const refused = refusal(given);
        if (refused !== null) {
          complain(path, refused);
          continue;
        }
        const options = withDefaults(given.plant === "slow-house" ? { ...given, building: "slow-house" } : given);
        for (const name of ["weather", "building", "tariff"]) {
          const key = `${options.plant}\0${name}\0${options[name]}`;
          if (!inputs.has(key)) inputs.set(key, checkInput(options.plant!, name, options[name]!));
          const wrong = inputs.get(key)!;
          if (wrong !== null) complain(placeOf(name, path, ["matrix", b], own, blockChoices), wrong);
        }
        // The same run may stand in several blocks; it is needed where any of them needs it.
        const key = JSON.stringify(options);
        runs.set(key, { options, optional: optional && (runs.get(key)?.optional ?? true) });
      }
    }
  }
  // Runs of one case stand together, in the order in which the cases first appear.
  const order = new Map<string, number>();
  for (const { options } of runs.values()) if (!order.has(caseKeyOf(options))) order.set(caseKeyOf(options), order.size);
  const sorted = [...runs.values()].sort((one, other) => order.get(caseKeyOf(one.options))! - order.get(caseKeyOf(other.options))!);
  const { name, title = name, description = "", runTimeLimitMin } = file;
  return { suite: { name, title, description, runTimeLimitMin, runs: sorted }, problems };
}

/** Where the value of an option stands in the file: at the controller, in the block or among the defaults. */
const placeOf = (name: string, entryPath: ConfigPath, blockPath: ConfigPath, entry: Choices, block: Choices): ConfigPath =>
  entry[name] !== undefined ? [...entryPath, name] : block[name] !== undefined ? [...blockPath, name] : ["defaults", name];
