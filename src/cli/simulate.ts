import type { Command } from "commander";
import { comfortBand, monthDay, oneOf, printJson, printText, runCommand, wholeNumber } from "#cli/cliKit";
import {
  backendNames,
  checkCombination,
  controllerNames,
  forecastErrorNames,
  historyNames,
  objectiveNames,
  plantNames,
  relearnNames,
  type SimulateOptions,
} from "#cli/simulateOptions";
import { usageError } from "#domain/errors";

interface Given {
  readonly [name: string]: unknown;
}

/** `isotherm simulate`: one closed-loop run offline (docs/cli.md, docs/protocol.md). */
export function registerSimulate(program: Command): void {
  const list = (names: readonly string[]): string => names.join("|");
  const command = program
    .command("simulate")
    .description("one closed-loop run offline: a controller in charge of a simulated building, with its comfort, energy and cost")
    .option("--plant <NAME>", `${list(plantNames)}`, oneOf("--plant", plantNames), "rc")
    .option("--building <ID|FILE>", "a bundled building or its description", "five-zone-office")
    .option("--weather <ID|FILE.epw>", "bundled weather or an EPW file", "new-york")
    .option("--data <FILE.csv>", "logged data, for --plant replay")
    .option("--start <MM-DD>", "first scored day, local standard time", monthDay("--start"), "01-01")
    .option("--year <YEAR>", "calendar year", wholeNumber("--year", 1970, 2200), 1991)
    .option("--days <N>", "scored days", wholeNumber("--days", 1, 366), 7)
    .option("--controller <NAME>", list(controllerNames), oneOf("--controller", controllerNames), "mppi")
    .option("--lead <L>", "rule: steps of 15 min before the first occupied one", wholeNumber("--lead", 0, 96))
    .option("--ramp", "rule: move to the band along a ramp over the lead")
    .option("--no-fallback", "learned controllers: never let the rule act; a planner that fails ends the run")
    .option("--history <KIND>", `${list(historyNames)}: what the building did before`, oneOf("--history", historyNames), "schedule")
    .option("--history-days <N>", "days before --start", wholeNumber("--history-days", 1, 366), 7)
    .option("--comfort <LO:HI>", "band in °C while occupied (default 20:23.5, May to September 23:26)", comfortBand("--comfort"))
    .option("--tariff <NAME|FILE>", "flat, flat-demand, tou, or a YAML file", "flat-demand")
    .option("--objective <NAME>", `${list(objectiveNames)}: what is made small`, oneOf("--objective", objectiveNames), "energy")
    .option("--forecast-error <LEVEL>", list(forecastErrorNames), oneOf("--forecast-error", forecastErrorNames), "none")
    .option("--backend <NAME>", list(backendNames), oneOf("--backend", backendNames), "auto")
    .option("--samples <K>", "control sequences per decision", wholeNumber("--samples", 1, 100_000), 1000)
    .option("--horizon <STEPS>", "steps looked ahead", wholeNumber("--horizon", 1, 192), 20)
    .option("--prior <FILE|shipped|none>", "what other buildings taught", "shipped")
    .option(
      "--relearn <WHEN>",
      `${list(relearnNames)}: learn anew at 03:00 from the last days (clue and clue-mended learn once)`,
      oneOf("--relearn", relearnNames),
      "nightly",
    )
    .option("--seed <N>", "random numbers; the same seed gives the same run", wholeNumber("--seed", 0, 2 ** 31), 1)
    .option("--energyplus <DIR>", "EnergyPlus folder, for --plant energyplus")
    .option("--json", "one JSON object on standard output")
    .option("--trace <FILE.csv>", "write every scored step")
    .option("--list-buildings", "show the bundled buildings")
    .option("--list-weather", "show the bundled weather");
  command.action((given: Given) =>
    runCommand(async (context) => {
      if (given.listBuildings === true || given.listWeather === true) return printLists(given);
      const options = simulateOptions(given, (name) => command.getOptionValueSource(name) === "cli");
      const { runSimulation } = await import("#cli/simulateRun");
      const { result, writeTrace } = await runSimulation(options, context);
      if (typeof given.trace === "string") await writeTrace(given.trace);
      if (given.json === true) await printJson(result);
      else await printText((await import("#cli/simulateReport")).describeResult(result, options));
    }),
  );
}

function simulateOptions(given: Given, isGiven: (name: string) => boolean): SimulateOptions {
  const options = {
    plant: given.plant,
    building: given.building,
    weather: given.weather,
    data: given.data ?? null,
    start: given.start,
    year: given.year,
    days: given.days,
    controller: given.controller,
    leadSteps: given.lead ?? 1,
    ramp: given.ramp === true,
    allowFallback: given.fallback !== false,
    history: given.history,
    historyDays: given.historyDays,
    comfort: given.comfort ?? null,
    tariff: given.tariff,
    objective: given.objective,
    forecastError: given.forecastError,
    backend: given.backend,
    samples: given.samples,
    horizonSteps: given.horizon,
    prior: given.prior,
    relearn: given.relearn,
    seed: given.seed,
  } as SimulateOptions;
  if (options.start === "02-29" && new Date(Date.UTC(options.year, 1, 29)).getUTCMonth() !== 1)
    throw usageError(`--start 02-29: ${options.year} has no 29 February`, "Give another day, or a leap year with --year.");
  checkCombination(options, isGiven);
  return options;
}

async function printLists(given: Given): Promise<void> {
  const lists: Record<string, readonly { readonly id: string; readonly label: string }[]> = {};
  if (given.listBuildings === true) {
    const { bundledBuildings } = await import("#simulators/rc/buildings/catalogue");
    lists.buildings = bundledBuildings.map(({ id, label }) => ({ id, label }));
  }
  if (given.listWeather === true) {
    const { bundledWeather } = await import("#simulators/weather/loadWeather");
    lists.weather = bundledWeather.map(({ id, label }) => ({ id, label }));
  }
  if (given.json === true) return printJson(lists);
  const lines = Object.values(lists).flatMap((entries) => entries.map(({ id, label }) => `${id.padEnd(20)} ${label}`));
  return printText(`${lines.join("\n")}\n`);
}
