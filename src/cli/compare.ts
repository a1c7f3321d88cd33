import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { type CommandContext, printJson, printText, runCommand, wholeNumber } from "#cli/cliKit";

interface CompareArguments {
  readonly out?: string;
  readonly jobs: number;
  readonly weather: readonly string[];
  readonly energyplus?: string;
  readonly replace?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

/** Some runs failed: the results are complete and name them. */
const SOME_FAILED = 1;

/** `isotherm compare`: many closed-loop runs, one report (docs/cli.md). */
export function registerCompare(program: Command): void {
  program
    .command("compare <SUITE.yaml>")
    .description(
      "many closed-loop runs in parallel (controllers × buildings × weather × seeds), with one report; started again it goes on where it stopped",
    )
    .option("--out <DIR>", "where results.json, report.html and the runs go (default var/compare/<name of the suite>)")
    .option("--jobs <N>", "runs at a time", wholeNumber("--jobs", 1, 1024), availableParallelism())
    .option(
      "--weather <FILE.epw>",
      "one more weather for every block of the suite, repeatable",
      (file: string, before: string[]) => [...before, file],
      [],
    )
    .option("--energyplus <DIR>", "EnergyPlus folder, for runs with the plant energyplus")
    .option("--replace", "the folder holds another suite's results: keep the runs that both have, remove the others")
    .option("--list", "show the runs of the suite and end")
    .option("--json", "one JSON object on standard output: what results.json holds")
    .addHelpText(
      "after",
      "\nExit codes: 0 all runs done (or skipped, where the suite allows it), 1 some runs failed (the report names them), 2 wrong usage, 69 the folder is in use, 78 the suite is wrong.",
    )
    .action((suite: string, given: CompareArguments) => runCommand((context) => compare(suite, given, context)));
}

async function compare(suiteFile: string, given: CompareArguments, context: CommandContext): Promise<number> {
  const { loadSuite } = await import("#cli/compare/loadSuite");
  const suite = loadSuite(suiteFile, given.weather);
  if (given.list === true) {
    const { shownCommand } = await import("#cli/compare/simulateCommand");
    if (given.json === true) await printJson({ suite: suite.name, runs: suite.runs });
    else await printText(`${suite.runs.map(({ options }) => shownCommand(options)).join("\n")}\n`);
    return 0;
  }
  const { builtFile } = await import("#cli/compare/builtProgram");
  const { currentEnvironment, runId, suiteDigest } = await import("#cli/compare/runIdentity");
  const { openResultFolder } = await import("#cli/compare/resultFolder");
  const { runSuite } = await import("#cli/compare/runSuite");
  const { suiteResults, timingsOf } = await import("#cli/compare/results");
  const { createReport } = await import("#cli/compare/report/createReport");
  const { createProgress } = await import("#cli/compare/progress");

  const energyplus = given.energyplus ?? null;
  const program = builtFile("src/main.js");
  const environment = await currentEnvironment(suite.runs, energyplus);
  const runs = suite.runs.map((run) => ({ ...run, id: runId(run.options, environment) }));
  const identity = { name: suite.name, suiteDigest: suiteDigest(suite.runs) };
  const folder = await openResultFolder(given.out ?? join("var", "compare", suite.name), identity, given.replace === true);
  try {
    const removed = await folder.removeOthers(new Set(runs.map(({ id }) => id)));
    if (removed > 0) context.say(`${removed} finished runs belong to another suite, program version or machine set-up: removed.`);
    const progress = createProgress(
      runs.map(({ options }) => options),
      given.jobs,
      context,
    );
    // A run on EnergyPlus has two threads, of which one may wait busily where it takes nobody's core.
    if (2 * given.jobs > availableParallelism()) process.env.ISOTHERM_SHARED_CORES = "1";
    const timeLimitMs = suite.runTimeLimitMin * 60_000;
    const ended = await runSuite(runs, { folder, program, energyplus, jobs: given.jobs, timeLimitMs, signal: context.signal, progress });
    const results = suiteResults(suite, ended, environment);
    const timings = timingsOf(ended);
    await folder.write("timings.json", `${JSON.stringify(timings, null, 1)}\n`);
    await folder.write("report.html", await createReport(results, timings, (id) => folder.traceFile(id)));
    await folder.write("results.json", `${JSON.stringify(results, null, 1)}\n`);
    const { done, failed, skipped } = results.counts;
    for (const run of results.runs)
      if (run.status === "failed")
        context.say(
          `failed: ${run.controller}, ${run.case}, seed ${run.seed}\n  ${run.reason!.replaceAll("\n", "\n  ")}\n  ${run.command}`,
        );
    const skippedReasons = new Map<string, number>();
    for (const run of results.runs)
      if (run.status === "skipped") skippedReasons.set(run.reason!, (skippedReasons.get(run.reason!) ?? 0) + 1);
    for (const [reason, count] of skippedReasons) context.say(`skipped ${count} of the suite's optional runs: ${reason.split("\n")[0]}`);
    context.say(`${done} runs done, ${failed} failed, ${skipped} skipped.`);
    if (given.json === true) await printJson(results);
    else await printText(`${join(folder.folder, "report.html")}\n${join(folder.folder, "results.json")}\n`);
    return failed > 0 ? SOME_FAILED : 0;
  } finally {
    folder.release();
  }
}
