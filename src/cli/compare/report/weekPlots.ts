import { type Html, html } from "#cli/compare/report/html";
import { readTrace } from "#cli/compare/report/trace";
import { weekLegend, weekPlot } from "#cli/compare/report/weekPlot";
import type { RunResult, SuiteResults } from "#cli/compare/results";

/** All plots together: with the rest of the page they stay below two million bytes. */
const MAX_BYTES = 1_350_000;
const buckets = [1, 4, 8, 16, 32, 64] as const;

export interface WeekPlots {
  /** By run id. */
  readonly plots: ReadonlyMap<string, Html>;
  readonly legends: ReadonlyMap<string, Html>;
  /** Steps that are drawn as their lowest and highest; 1: every step. */
  readonly bucketSteps: number;
  /** Finished runs that have no plot, because the page would grow too large. */
  readonly left: number;
}

/** One plot per finished run, as fine as the page's size allows; in suites too large even for coarse ones, only the first seeds' runs. */
export async function weekPlots({ runs }: SuiteResults, traceFile: (id: string) => string): Promise<WeekPlots> {
  const done = runs.filter(({ status }) => status === "done");
  const all = await draw(done, traceFile);
  if (all !== null) return { ...all, left: 0 };
  const first = firstOfEach(done);
  const some = await draw(first, traceFile);
  if (some !== null) return { ...some, left: done.length - first.length };
  return { plots: new Map(), legends: new Map(), bucketSteps: 1, left: done.length };
}

function firstOfEach(runs: readonly RunResult[]): RunResult[] {
  const seen = new Set<string>();
  return runs.filter(({ case: title, controller }) => {
    const key = `${title}\0${controller}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The finest plots that fit; null where not even the coarsest do. Each trace is read once, one after the other: only plots stay in memory. */
async function draw(runs: readonly RunResult[], traceFile: (id: string) => string): Promise<Omit<WeekPlots, "left"> | null> {
  const legends = new Map<string, Html>();
  let candidates = buckets.map((bucketSteps) => ({ bucketSteps, bytes: 0, plots: new Map<string, Html>() }));
  for (const { id, options, controller, case: title } of runs) {
    const trace = await readTrace(traceFile(id));
    legends.set(id, weekLegend(trace.zones));
    for (const candidate of candidates) {
      const plot = weekPlot(trace, options, `${controller}, ${title}`, candidate.bucketSteps);
      candidate.bytes += Buffer.byteLength(plot.html);
      candidate.plots.set(id, plot);
    }
    candidates = candidates.filter(({ bytes }) => bytes <= MAX_BYTES);
    if (candidates.length === 0) return null;
  }
  const [finest] = candidates;
  return { plots: finest!.plots, legends, bucketSteps: finest!.bucketSteps };
}

/** The plots of one case, each behind its name; the one named by `open` is shown at once. */
export function weekSection(
  results: SuiteResults,
  title: string,
  { plots, legends, bucketSteps, left }: WeekPlots,
  open: string | null,
): Html | null {
  const runs = results.runs.filter((run) => run.case === title && plots.has(run.id));
  const [first] = runs;
  if (first === undefined)
    return left > 0
      ? html`<p class="note">The suite is too large for plots of its runs; their traces lie beside this page in runs/.</p>`
      : null;
  const severalSeeds = (controller: string): boolean =>
    results.runs.some((run) => run.case === title && run.controller === controller && run.seed !== first.seed);
  return html`<h3>Each run, step by step</h3>${legends.get(first.id)!}${bucketSteps === 1 ? null : html`<p class="note">Of every ${bucketSteps} steps the lowest and the highest are drawn; setpoints are their means. The traces hold every step.</p>`}${runs.map(
    (run) =>
      html`<details${run.id === open ? html` open` : null}><summary>${run.controller}${severalSeeds(run.controller) ? `, seed ${run.seed}` : ""} <span class="soft">${run.figures!.comfortViolationPct.toFixed(2)} % outside, ${run.figures!.hvacElectricityKwh.toFixed(1)} kWh, peak ${run.figures!.peakKw.toFixed(1)} kW, bill ${run.figures!.cost.toFixed(2)}</span></summary><div class="scroll" role="region" tabindex="0" aria-label="Plot of ${run.controller}, seed ${run.seed}">${plots.get(run.id)!}</div><p class="note"><a href="runs/${run.id}.csv">Every step as a table (CSV)</a></p></details>`,
  )}`;
}
