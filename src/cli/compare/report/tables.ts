import { fixed, shownMs, signedPct } from "#cli/compare/report/format";
import { type Html, type HtmlPart, html, raw } from "#cli/compare/report/html";
import { markOf, markSvg } from "#cli/compare/report/palette";
import {
  type CaseResult,
  keptViolationPct,
  type RunResult,
  type SuiteResults,
  type SuiteTimings,
  type Summary,
  type SummedFigure,
} from "#cli/compare/results";
import type { SeedStatistics } from "#cli/compare/seedStatistics";
import { type ControllerName, learned } from "#cli/simulateOptions";
import { mean, median } from "#math/statistics";

/** The small mark that a controller has in the charts. */
export const markFor = (controller: unknown): Html =>
  raw(`<svg class="mark" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">${markSvg(markOf(controller), 7, 7, 5)}</svg>`);

/** Header cells; names that begin with `<` stand on the left, over words. Empty ones (false) are left out. */
export const headRow = (names: readonly (string | false)[]): Html =>
  html`<tr>${names.map((name) => (name === false ? null : html`<th scope="col" class="${name.startsWith("<") ? "name" : ""}">${name.replace(/^</, "")}</th>`))}</tr>`;

/** A table with its note above; it scrolls sideways by itself where the page is narrow, and can be reached by keyboard. */
export const dataTable = (caption: string, note: string, head: Html, body: Html): Html =>
  html`<p class="note">${note}</p><div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption><thead>${head}</thead>${body}</table></div>`;

const columns = [
  { name: "comfortViolationPct", decimals: 2 },
  { name: "hvacElectricityKwh", decimals: 1 },
  { name: "peakKw", decimals: 1 },
  { name: "cost", decimals: 2 },
] as const;

/** Less is better everywhere; energy, peak and bill count only among those that keep comfort, since freezing is cheap. Hindsight does not compete. */
function bestValue(summaries: readonly Summary[], name: SummedFigure, decimals: number): string | null {
  const competing = summaries.filter(({ seeds, setting }) => seeds.length > 0 && setting.controller !== "rule-best");
  const eligible = name === "comfortViolationPct" ? competing : competing.filter(({ keepsComfort }) => keepsComfort);
  const values = eligible.map(({ figures }) => figures[name].mean);
  return values.length === 0 ? null : fixed(Math.min(...values), decimals);
}

const spread = ({ halfWidth95, worst }: SeedStatistics, decimals: number): Html | null =>
  halfWidth95 === null ? null : html`<small>± ${fixed(halfWidth95, decimals)}, worst ${fixed(worst, decimals)}</small>`;

/** The figures of one case: every controller, then what was published for it. */
export function caseTable({ title, summaries, published, options }: CaseResult, runs: readonly RunResult[]): Html {
  const best = new Map(columns.map(({ name, decimals }) => [name, bestValue(summaries, name, decimals)]));
  const showsFallback = summaries.some(({ figures }) => figures.fallbackPct.worst > 0);
  const showsFuel = summaries.some(({ figures }) => figures.fuelKwh.worst > 0);
  const cell = (summary: Summary, { name, decimals }: (typeof columns)[number]): Html => {
    const figure = summary.figures[name];
    const text = fixed(figure.mean, decimals);
    const competes = summary.setting.controller !== "rule-best" && (name === "comfortViolationPct" || summary.keepsComfort);
    const isBest = competes && text === best.get(name);
    const over = name === "comfortViolationPct" && !summary.keepsComfort;
    return html`<td class="${isBest ? "best" : ""}${over ? " over" : ""}">${isBest ? html`<b>${text}</b>` : text}${spread(figure, decimals)}</td>`;
  };
  const hindsight = (summary: Summary): HtmlPart => {
    const run = runs.find(
      (one) =>
        one.case === title &&
        one.controller === summary.controller &&
        (one.figures?.bestLead ?? one.figures?.bestConstantRaiseK) !== undefined,
    );
    if (run === undefined) return null;
    const { bestLead, bestRamp, bestConstantRaiseK } = run.figures!;
    const what =
      bestConstantRaiseK !== undefined
        ? `band kept day and night, ${bestConstantRaiseK} K up`
        : `lead ${bestLead}${bestRamp === true ? " ramp" : ""}`;
    return html`<small>hindsight: ${what}</small>`;
  };
  const seeds = ({ seeds: done, failedSeeds }: Summary): HtmlPart =>
    failedSeeds.length === 0 ? done.length : html`${done.length}<small class="over">${failedSeeds.length} failed</small>`;
  const row = (summary: Summary, i: number): Html =>
    html`<tr><td>${i + 1}</td><th scope="row" class="name">${markFor(summary.setting.controller)}${summary.controller}${hindsight(summary)}</th><td>${seeds(summary)}</td>${cell(summary, columns[0])}<td>${fixed(summary.figures.discomfortKh.mean, 2)}</td>${cell(summary, columns[1])}${showsFuel ? html`<td>${fixed(summary.figures.fuelKwh.mean, 1)}</td>` : null}<td>${signedPct(summary.againstRuleBest.energyPct)}</td>${cell(summary, columns[2])}${cell(summary, columns[3])}<td>${signedPct(summary.againstRuleBest.costPct)}</td>${showsFallback ? html`<td>${fixed(summary.figures.fallbackPct.mean, 1)}</td>` : null}</tr>`;
  const width = 10 + (showsFuel ? 1 : 0) + (showsFallback ? 1 : 0);
  const publishedRows =
    published === null
      ? null
      : html`<tbody class="published"><tr><th scope="rowgroup" colspan="${width}">Published for this building and these days, on ${published.engine}${published.sameEngine ? "" : ": another simulator than this case's, so only for orientation"}${published.sameTariff ? "" : ", bills by another tariff"}</th></tr>${published.rows.map((one) => html`<tr><td></td><th scope="row" class="name">${one.controller}</th><td>1</td><td>${fixed(one.comfortViolationPct, 2)}</td><td>–</td><td>${fixed(one.hvacElectricityKwh, 1)}</td>${showsFuel ? html`<td>–</td>` : null}<td>–</td><td>${fixed(one.peakKw, 1)}</td><td>${fixed(one.cost, 2)}</td><td>–</td>${showsFallback ? html`<td>–</td>` : null}</tr>`)}</tbody>`;
  return dataTable(
    `Figures: ${title}`,
    `Means over seeds, with the half-width of the 95 % confidence interval (Student's t) and the worst seed where there are several. Bold with a star: best in its column; energy, peak and bill only among controllers that keep comfort (at most ${keptViolationPct} % outside) without hindsight. Bill by tariff ${String(options.tariff).replace(/^.*[/\\]/, "")}.`,
    headRow([
      "#",
      "<Controller",
      "Seeds",
      "Outside comfort, %",
      "Discomfort, Kh",
      "Electricity, kWh",
      showsFuel && "Fuel, kWh",
      "Energy vs rule-best",
      "Peak, kW",
      "Bill",
      "Bill vs rule-best",
      showsFallback && "Fell back, % of steps",
    ]),
    html`<tbody>${summaries.map(row)}</tbody>${publishedRows}`,
  );
}

/** Every controller setting over all cases: what it does to comfort, energy and bill against the best rule in hindsight. */
export function overviewTable({ cases }: SuiteResults): Html {
  const byController = new Map<string, Summary[]>();
  for (const { summaries } of cases)
    for (const one of summaries)
      if (one.seeds.length > 0) byController.set(one.controller, [...(byController.get(one.controller) ?? []), one]);
  const average = (values: readonly (number | null)[]): number | null => {
    const there = values.filter((value): value is number => value !== null);
    return there.length === 0 ? null : mean(there);
  };
  const rows = [...byController].map(([controller, of]) => {
    const violation = mean(of.map(({ figures }) => figures.comfortViolationPct.mean));
    const worst = Math.max(...of.map(({ figures }) => figures.comfortViolationPct.worst));
    const kept = of.filter(({ keepsComfort }) => keepsComfort).length;
    return html`<tr><th scope="row" class="name">${markFor(of[0]!.setting.controller)}${controller}</th><td>${of.length}</td><td class="${kept === of.length ? "" : "over"}">${kept} of ${of.length}</td><td>${fixed(violation, 2)}</td><td>${fixed(worst, 2)}</td><td>${signedPct(average(of.map(({ againstRuleBest }) => againstRuleBest.energyPct)))}</td><td>${signedPct(average(of.map(({ againstRuleBest }) => againstRuleBest.peakPct)))}</td><td>${signedPct(average(of.map(({ againstRuleBest }) => againstRuleBest.costPct)))}</td></tr>`;
  });
  return dataTable(
    "All cases together",
    "Means over the cases in which a controller ran. rule-best is chosen in hindsight among all leads and ramps, so no controller could have known it beforehand; the distance to it is what not knowing costs. A controller that does not keep comfort saves energy at the occupants' expense.",
    headRow([
      "<Controller",
      "Cases",
      "Keeps comfort",
      "Outside comfort, %, mean",
      "Outside comfort, %, worst run",
      "Energy vs rule-best",
      "Peak vs rule-best",
      "Bill vs rule-best",
    ]),
    html`<tbody>${rows}</tbody>`,
  );
}

/** What learned controllers owe to the rule behind them: how often they fell back, and what they do without it. Null where none runs in the suite. */
export function fallbackTable({ cases }: SuiteResults): Html | null {
  const rows = cases.flatMap(({ title, summaries }) =>
    summaries
      .filter(
        ({ setting, figures, seeds }) =>
          seeds.length > 0 &&
          setting.fallback === true &&
          learned.has(setting.controller as ControllerName) &&
          Number.isFinite(figures.fallbackPct.mean),
      )
      .map((one) => {
        const alone = summaries.find(
          ({ setting, seeds }) =>
            seeds.length > 0 &&
            JSON.stringify({ ...setting, fallback: true }) === JSON.stringify(one.setting) &&
            setting.fallback === false,
        );
        const figures = (of: Summary | undefined): Html =>
          of === undefined
            ? html`<td>–</td><td>–</td><td>–</td>`
            : html`<td>${fixed(of.figures.comfortViolationPct.mean, 2)}</td><td>${fixed(of.figures.hvacElectricityKwh.mean, 1)}</td><td>${fixed(of.figures.cost.mean, 2)}</td>`;
        return html`<tr><th scope="row" class="name">${markFor(one.setting.controller)}${one.controller}</th><td class="name">${title}</td><td>${fixed(one.figures.fallbackPct.mean, 1)}<small>worst ${fixed(one.figures.fallbackPct.worst, 1)}</small></td>${figures(one)}${figures(alone)}</tr>`;
      }),
  );
  if (rows.length === 0) return null;
  return dataTable(
    "Fallback",
    "How often each learned controller fell back, and its figures with and without that help (– where the suite has no run without fallback).",
    html`<tr><th scope="col" class="name" rowspan="2">Controller</th><th scope="col" class="name" rowspan="2">Case</th><th scope="col" rowspan="2">Fell back, % of steps</th><th scope="colgroup" colspan="3">With fallback</th><th scope="colgroup" colspan="3">Without</th></tr><tr><th scope="col">Outside, %</th><th scope="col">kWh</th><th scope="col">Bill</th><th scope="col">Outside, %</th><th scope="col">kWh</th><th scope="col">Bill</th></tr>`,
    html`<tbody>${rows}</tbody>`,
  );
}

/** Numbers that runs report about their models (coverage, errors), where they do. */
export function calibrationTable({ runs }: SuiteResults): Html | null {
  const measured = runs.flatMap((run) => {
    const calibration = run.figures?.calibration ?? run.figures?.modelCalibration;
    if (typeof calibration !== "object" || calibration === null) return [];
    return [{ run, entries: Object.entries(calibration).filter((entry): entry is [string, number] => typeof entry[1] === "number") }];
  });
  const names = [...new Set(measured.flatMap(({ entries }) => entries.map(([name]) => name)))];
  if (names.length === 0) return null;
  const rows = measured.map(
    ({ run, entries }) =>
      html`<tr><th scope="row" class="name">${markFor(run.options.controller)}${run.controller}, seed ${run.seed}</th><td class="name">${run.case}</td>${names.map((name) => html`<td>${fixed(new Map(entries).get(name), 3)}</td>`)}</tr>`,
  );
  return dataTable(
    "Model calibration",
    "What the models predicted against what happened.",
    headRow(["<Run", "<Case", ...names]),
    html`<tbody>${rows}</tbody>`,
  );
}

/** What deciding and learning cost on this machine, over all runs of a controller setting. */
export function timingTable({ runs }: SuiteResults, timings: SuiteTimings): Html {
  const groups = new Map<string, RunResult[]>();
  for (const run of runs) if (run.status === "done") groups.set(run.controller, [...(groups.get(run.controller) ?? []), run]);
  const rows = [...groups].map(([controller, of]) => {
    const times = of.map(({ id }) => timings[id]!);
    const decides = times.some(({ decisionMs }) => decisionMs.max > 0);
    const learns = times.some(({ fitMs }) => fitMs > 0);
    const figure = (is: boolean, ms: number): string => (is ? shownMs(ms) : "–");
    return html`<tr><th scope="row" class="name">${markFor(of[0]!.options.controller)}${controller}</th><td>${of.length}</td><td>${figure(decides, median(times.map(({ decisionMs }) => decisionMs.p50)))}</td><td>${figure(decides, median(times.map(({ decisionMs }) => decisionMs.p95)))}</td><td>${figure(decides, Math.max(...times.map(({ decisionMs }) => decisionMs.max)))}</td><td>${figure(learns, median(times.map(({ fitMs }) => fitMs)))}</td><td>${shownMs(median(times.map(({ wallMs }) => wallMs)))}</td><td>${fixed(Math.max(...times.map(({ peakRssMb }) => peakRssMb)), 0)}</td><td class="name">${[...new Set(of.map(({ figures }) => figures!.backend ?? "–"))].join(", ")}</td></tr>`;
  });
  return dataTable(
    "Decision times",
    "Time per decision (median over runs; the longest of all), for learning before the first decision and for a whole run, with several runs side by side on this machine; largest resident memory.",
    headRow(["<Controller", "Runs", "Decision, median", "95th percentile", "Longest", "Learning", "Whole run", "Memory, MB", "<Backend"]),
    html`<tbody>${rows}</tbody>`,
  );
}
