import type { CommandContext } from "#cli/cliKit";
import { caseTitle, settingLabel } from "#cli/compare/cases";
import type { Progress, SuiteRun } from "#cli/compare/runSuite";
import type { RunOptions } from "#cli/compare/simulateCommand";

const BAR_WIDTH = 24;

/** `40 s`, `12 min`, `3.2 h` */
export const shownDuration = (ms: number): string =>
  ms < 90_000
    ? `${Math.max(1, Math.round(ms / 1000))} s`
    : ms < 90 * 60_000
      ? `${Math.round(ms / 60_000)} min`
      : `${(ms / 3_600_000).toFixed(1)} h`;

const outcomeText = ({ outcome }: SuiteRun): string => {
  if (outcome.status === "skipped") return `skipped: ${outcome.reason.split("\n")[0]}`;
  if (outcome.status === "failed") return `FAILED: ${outcome.reason.split("\n")[0]}`;
  const { comfortViolationPct, hvacElectricityKwh, cost } = outcome.figures;
  return `${comfortViolationPct.toFixed(2)} % outside comfort, ${hvacElectricityKwh.toFixed(1)} kWh, bill ${cost.toFixed(2)}`;
};

/** Time of one run of each controller, ms: of the runs that ended, or of all controllers where it has none yet. */
function expectedMs(spent: ReadonlyMap<string, readonly number[]>, controller: string): number {
  const values = spent.get(controller) ?? [...spent.values()].flat();
  return values.length === 0 ? 0 : values.reduce((sum, ms) => sum + ms, 0) / values.length;
}

/** Says each run that ends, with how many are done and how long the rest will take; on a terminal there is a bar below. */
export function createProgress(all: readonly RunOptions[], jobs: number, context: Pick<CommandContext, "say" | "progress">): Progress {
  const spent = new Map<string, number[]>();
  const open = new Map<string, number>();
  for (const { controller } of all) open.set(String(controller), (open.get(String(controller)) ?? 0) + 1);
  let ended = 0;
  let found = 0;
  const bar = (left: string): void => {
    const filled = Math.round((BAR_WIDTH * ended) / all.length);
    context.progress(`${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${ended}/${all.length} runs${left}`);
  };
  bar("");
  return {
    ended: (run, again) => {
      ended++;
      const controller = String(run.options.controller);
      open.set(controller, open.get(controller)! - 1);
      if (run.outcome.status === "done") {
        const times = spent.get(controller) ?? [];
        times.push(run.outcome.timings.wallMs);
        spent.set(controller, times);
      }
      if (!again) found++;
      const leftMs = [...open].reduce((sum, [name, count]) => sum + count * expectedMs(spent, name), 0) / jobs;
      const left = leftMs > 0 ? `, about ${shownDuration(leftMs)} left` : "";
      const took = run.outcome.status === "done" ? ` (${shownDuration(run.outcome.timings.wallMs)})` : "";
      // Runs finished earlier are told in one line, when the first new one ends or when there is none.
      if (again)
        context.say(
          `[${ended}/${all.length}] ${settingLabel(run.options, all)}, ${caseTitle(run.options, all)}, seed ${run.options.seed}: ${outcomeText(run)}${took}${left}`,
        );
      else if (found === 1) context.say("Going on where it stopped: runs that are finished are not made again.");
      bar(left);
    },
  };
}
