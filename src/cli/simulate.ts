import type { Command } from "commander";
import {
  type CommandContext,
  comfortBand,
  duration,
  finiteNumber,
  monthDay,
  oneOf,
  printJson,
  printText,
  runCommand,
  wholeNumber,
} from "#cli/cliKit";
import {
  backendNames,
  checkCombination,
  controllerNames,
  faultNames,
  forecastErrorNames,
  historyNames,
  objectiveNames,
  plantNames,
  relearnNames,
  type SimulateWishes,
} from "#cli/simulateOptions";
import { IsothermError, usageError } from "#domain/errors";

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
    .option(
      "--tariff <NAME|FILE>",
      "flat, flat-demand, tou, a YAML file, or energy prices by the hour in a CSV or JSON file",
      "flat-demand",
    )
    .option("--objective <NAME>", `${list(objectiveNames)}: what is made small`, oneOf("--objective", objectiveNames), "energy")
    .option("--forecast-error <LEVEL>", list(forecastErrorNames), oneOf("--forecast-error", forecastErrorNames), "none")
    .option("--backend <NAME>", list(backendNames), oneOf("--backend", backendNames), "auto")
    .option("--samples <K>", "control sequences per decision", wholeNumber("--samples", 1, 100_000), 1000)
    .option(
      "--horizon <STEPS>",
      "steps looked ahead (default 20; 96 where heat takes hours to arrive, as in slow-house)",
      wholeNumber("--horizon", 1, 192),
    )
    .option("--prior <FILE|shipped|none>", "what other buildings taught", "shipped")
    .option(
      "--relearn <WHEN>",
      `${list(relearnNames)}: learn anew at 03:00 from the last days (clue and clue-mended learn once)`,
      oneOf("--relearn", relearnNames),
      "nightly",
    )
    .option(
      "--model <FILE>",
      "mppi: a model file (isotherm train) in charge, right or wrong, instead of one learned before the first decision",
    )
    .option(
      "--fault <NAME>",
      `${list(faultNames)}: what the controller is told wrongly in the scored days; figures go on reading the truth`,
      oneOf("--fault", faultNames),
      "none",
    )
    .option(
      "--probing <SHARE>",
      "mppi: share of a day's energy cost that may be spent on moving setpoints inside the comfort band in order to learn (default 0: none)",
      finiteNumber("--probing", 0, 0.05),
      0,
    )
    .option("--seed <N>", "random numbers; the same seed gives the same run", wholeNumber("--seed", 0, 2 ** 31), 1)
    .option("--energyplus <DIR>", "EnergyPlus folder, for --plant energyplus")
    .option("--patience <DURATION>", "energyplus: how long it may show no sign of life (default 2 min)", duration("--patience", "s"))
    .option("--json", "one JSON object on standard output")
    .option("--trace <FILE.csv>", "write every scored step: temperatures, setpoints, people and power")
    .option("--dataset <FILE.csv>", "write every scored step with weather and all other points, as evaluate and train read it")
    .option(
      "--decisions <FILE.jsonl>",
      "write every decision, a line each: the plan, the rule's plan, what both are predicted to cost, and the reason",
    )
    .option("--list-buildings", "show the bundled buildings")
    .option("--list-weather", "show the bundled weather");
  command.action((given: Given) =>
    runCommand(async (context) => {
      if (given.listBuildings === true || given.listWeather === true) {
        await printLists(given, context);
        return undefined;
      }
      const options = simulateOptions(given, (name) => command.getOptionValueSource(name) === "cli");
      if (options.plant === "energyplus") {
        const { isGuarded, runGuarded } = await import("#cli/engineGuard");
        if (!isGuarded()) return runGuarded(context);
      }
      const { runSimulation } = await import("#cli/simulateRun");
      const { result, writeTrace, writeDataset, writeDecisions } = await runSimulation(options, context);
      if (typeof given.trace === "string") await writeTrace(given.trace);
      if (typeof given.dataset === "string") await writeDataset(given.dataset);
      if (typeof given.decisions === "string") await writeDecisions(given.decisions);
      if (given.json === true) await printJson(result);
      else await printText((await import("#cli/simulateReport")).describeResult(result, options));
      return undefined;
    }),
  );
}

function simulateOptions(given: Given, isGiven: (name: string) => boolean): SimulateWishes {
  const options = {
    plant: given.plant,
    building: given.building,
    weather: given.weather,
    data: given.data ?? null,
    energyplus: given.energyplus ?? null,
    patienceS: given.patience ?? null,
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
    horizonSteps: given.horizon ?? null,
    prior: given.prior,
    relearn: given.relearn,
    model: given.model ?? null,
    fault: given.fault,
    probing: given.probing,
    seed: given.seed,
  } as SimulateWishes;
  if (options.start === "02-29" && new Date(Date.UTC(options.year, 1, 29)).getUTCMonth() !== 1)
    throw usageError(`--start 02-29: ${options.year} has no 29 February`, "Give another day, or a leap year with --year.");
  checkCombination(options, isGiven);
  return options;
}

interface Listed {
  readonly id: string;
  readonly label: string;
  /** Plants that it can be given to. */
  readonly plants: readonly string[];
}

/** What `--building` and `--weather` may name. Without EnergyPlus its own buildings and weather are missing, which is said. */
async function printLists(given: Given, { say }: CommandContext): Promise<void> {
  const { findEngine } = await import("#simulators/energyplus/engine");
  const folder = typeof given.energyplus === "string" ? given.energyplus : null;
  const engine = await findEngine({ folder }).catch((error: unknown) => {
    if (!(error instanceof IsothermError) || folder !== null) throw error;
    say(`${error.message}: its own buildings and weather are not listed.\n  ${error.todo}`);
    return null;
  });
  const lists: Record<string, readonly Listed[]> = {};
  if (given.listBuildings === true) {
    const { bundledBuildings } = await import("#simulators/rc/buildings/catalogue");
    const { listBuildings } = await import("#simulators/energyplus/models");
    lists.buildings = [
      ...bundledBuildings.map(({ id, label }) => ({ id, label, plants: id === "slow-house" ? ["rc", id] : ["rc"] })),
      ...listBuildings(engine).map((one) => ({ ...one, plants: ["energyplus"] })),
    ];
  }
  if (given.listWeather === true) {
    const { bundledWeather } = await import("#simulators/weather/loadWeather");
    const { listWeathers } = await import("#simulators/energyplus/weathers");
    const everywhere = new Set(bundledWeather.map(({ id }) => id));
    lists.weather = listWeathers(engine).map((one) => ({ ...one, plants: everywhere.has(one.id) ? ["rc", "energyplus"] : ["energyplus"] }));
  }
  if (given.json === true) return printJson(lists);
  const lines = Object.values(lists).flatMap((entries) =>
    entries.map(({ id, label, plants }) => `${id.padEnd(36)} ${plants.join(", ").padEnd(16)} ${label}`),
  );
  return printText(`${lines.join("\n")}\n`);
}
