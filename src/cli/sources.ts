import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { type CommandContext, monthDay, printJson, printText, runCommand, wholeNumber } from "#cli/cliKit";
import { usageError } from "#domain/errors";
import { closestName } from "#math/closestName";

interface SourcesArguments {
  readonly out: string;
  readonly buildings?: string;
  readonly weather?: string;
  readonly starts?: string;
  readonly perBuilding?: number;
  readonly all?: boolean;
  readonly judged?: boolean;
  readonly days: number;
  readonly year: number;
  readonly zones: number;
  readonly seed: number;
  readonly threads: number;
  readonly energyplus?: string;
  readonly list?: boolean;
  readonly json?: boolean;
}

const SOME_FAILED = 1;
const timeLimitMs = 15 * 60_000;

/** `isotherm sources`: logged days of many simulated buildings, for `isotherm meta-train --sources`. */
export function registerSources(program: Command): void {
  program
    .command("sources")
    .description(
      "simulate reference buildings on EnergyPlus under excited setpoints, as data for meta-train; started again it goes on where it stopped",
    )
    .option("--out <DIR>", "where the data go", join("var", "sources"))
    .option(
      "--buildings <ids>",
      "comma-separated ids of `simulate --list-buildings`; default: every reference building that isotherm is not judged on",
    )
    .option("--weather <ids>", "comma-separated ids of `simulate --list-weather`; default: six climates")
    .option("--starts <days>", "comma-separated first days, MM-DD; default: one in each season")
    .option(
      "--per-building <n>",
      "how many of climates × starts a building gets, spread evenly",
      wholeNumber("--per-building", 1, 10_000),
      4,
    )
    .option("--all", "every climate × start for every building")
    .option("--judged", "the buildings that isotherm is judged on: data for evaluate, which meta-train refuses")
    .option("--days <n>", "days a run", wholeNumber("--days", 1, 366), 10)
    .option("--year <year>", "calendar year", wholeNumber("--year", 1970, 2200), 1991)
    .option("--zones <n>", "zones kept of a building at most, spread over size", wholeNumber("--zones", 1, 1000), 6)
    .option("--seed <n>", "random numbers of setpoints and zones", wholeNumber("--seed", 0, 2 ** 31), 1)
    .option("--threads <n>", "runs at a time", wholeNumber("--threads", 1, 1024), availableParallelism())
    .option("--energyplus <DIR>", "EnergyPlus folder")
    .option("--list", "show the runs and end")
    .option("--json", "one JSON object on standard output")
    .addHelpText("after", "\nExit codes: 0 all runs are there, 1 some failed (named with their reasons), 2 wrong usage, 69 no EnergyPlus.")
    .action((given: SourcesArguments) => runCommand((context) => sources(given, context)));
}

const listOf = (text: string | undefined, usual: readonly string[]): readonly string[] =>
  text === undefined
    ? usual
    : [
        ...new Set(
          text
            .split(",")
            .map((one) => one.trim())
            .filter((one) => one !== ""),
        ),
      ];

function known(option: string, wanted: readonly string[], ids: readonly string[]): void {
  if (wanted.length === 0) throw usageError(`${option} names nothing.`);
  for (const one of wanted) {
    if (ids.includes(one)) continue;
    const near = closestName(one, ids);
    throw usageError(`${option}: ${one} is not known${near === null ? "" : `; did you mean ${near}?`}`, `Choose of ${ids.join(", ")}.`);
  }
}

async function sources(given: SourcesArguments, context: CommandContext): Promise<number> {
  const { findEngine } = await import("#simulators/energyplus/engine");
  const { listBuildings } = await import("#simulators/energyplus/models");
  const { listWeathers } = await import("#simulators/energyplus/weathers");
  const { judgedBuildings, planSources, runName, sourceClimates, sourceStarts } = await import("#cli/sources/sourcePlan");
  const { makeSources } = await import("#cli/sources/makeSources");
  const { shownDuration } = await import("#cli/compare/progress");

  const engineFolder = given.energyplus ?? null;
  const engine = await findEngine({ folder: engineFolder });
  const ids = listBuildings(engine).map(({ id }) => id);
  const buildings = listOf(
    given.buildings,
    ids.filter((id) => judgedBuildings.has(id) === (given.judged === true)),
  );
  known("--buildings", buildings, ids);
  const judged = given.judged === true ? [] : buildings.filter((id) => judgedBuildings.has(id));
  if (judged.length > 0)
    throw usageError(
      `--buildings: isotherm is judged on ${judged.join(", ")}, so no prior may learn from ${judged.length === 1 ? "it" : "them"}`,
      "Leave them out; with --judged their data are made for `isotherm evaluate`.",
    );
  const weathers = listOf(given.weather, sourceClimates);
  known(
    "--weather",
    weathers,
    listWeathers(engine).map(({ id }) => id),
  );
  const starts = listOf(given.starts, sourceStarts).map(monthDay("--starts"));
  const { year, days, seed, zones, threads } = given;
  const runs = planSources(buildings, weathers, starts, given.all === true ? null : given.perBuilding!, { year, days, seed, zones });
  if (given.list === true) {
    if (given.json === true) await printJson({ runs });
    else await printText(`${runs.map(runName).join("\n")}\n`);
    return 0;
  }
  const began = performance.now();
  let made = 0;
  const outcomes = await makeSources(runs, {
    folder: given.out,
    engineFolder,
    engineVersion: engine.version,
    threads,
    timeLimitMs,
    signal: context.signal,
    onEnded: (outcome, done, all) => {
      if (outcome.status === "kept") return;
      made++;
      const leftMs = ((performance.now() - began) / made) * (all - done);
      const left = done < all ? `, about ${shownDuration(leftMs)} left` : "";
      const what = outcome.status === "failed" ? `FAILED: ${outcome.reason.split("\n")[0]}` : `${outcome.seconds.toFixed(1)} s`;
      context.say(`[${done}/${all}] ${runName(outcome.run)}: ${what}${left}`);
      context.progress(`${done}/${all} runs${left}`);
    },
  });
  const failed = outcomes.filter((one) => one.status === "failed");
  const kept = outcomes.filter(({ status }) => status === "kept").length;
  for (const { run, reason } of failed) context.say(`failed: ${runName(run)}\n  ${reason.replaceAll("\n", "\n  ")}`);
  context.say(`${made - failed.length} runs made, ${kept} were there, ${failed.length} failed.`);
  if (given.json === true)
    await printJson({
      folder: given.out,
      engine: engine.version,
      runs: outcomes.map(({ run, ...outcome }) => ({ name: runName(run), ...run, ...outcome })),
    });
  else await printText(`${given.out}\n`);
  return failed.length > 0 ? SOME_FAILED : 0;
}
