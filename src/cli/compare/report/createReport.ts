import { billBars } from "#cli/compare/report/bars";
import { fixed, signedPct } from "#cli/compare/report/format";
import { type Html, html, raw } from "#cli/compare/report/html";
import { paretoChart } from "#cli/compare/report/pareto";
import { style } from "#cli/compare/report/style";
import {
  calibrationTable,
  caseTable,
  dataTable,
  fallbackTable,
  headRow,
  markFor,
  overviewTable,
  timingTable,
} from "#cli/compare/report/tables";
import { type WeekPlots, weekPlots, weekSection } from "#cli/compare/report/weekPlots";
import type { CaseResult, RunResult, SuiteResults, SuiteTimings, Summary } from "#cli/compare/results";

/** One HTML page that needs nothing but itself: results, charts as SVG, every run's days, and how each figure came about. */
export async function createReport(results: SuiteResults, timings: SuiteTimings, traceFile: (id: string) => string): Promise<string> {
  const plots = await weekPlots(results, traceFile);
  const { suite, counts } = results;
  // A case whose runs all failed or were skipped has no figures; it is named above.
  const cases = results.cases.filter(({ summaries }) => summaries.some(({ seeds }) => seeds.length > 0));
  const calibration = calibrationTable(results);
  const fallback = fallbackTable(results);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${suite.title} – isotherm</title><style>${raw(style)}</style></head><body>
<header><h1>${suite.title}</h1>${paragraphs(suite.description)}${facts(results)}${failures(results)}${skips(results)}</header>
<main>
${counts.done === 0 ? html`<p>No run was finished, so there is nothing to compare.</p>` : html`<section><h2 id="overview">At a glance</h2>${findings(cases)}${overviewTable(results)}${contents(cases)}</section>`}
${cases.map((one) => caseSection(one, results, plots))}
${calibration === null ? null : html`<section><h2 id="calibration">Model calibration</h2>${calibration}</section>`}
${fallback === null ? null : html`<section><h2 id="fallback">Learned controllers and their fallback</h2>${fallback}</section>`}
${counts.done === 0 ? null : html`<section><h2 id="timing">Decision times and memory</h2>${timingTable(results, timings)}</section>`}
${provenance(results)}
</main>
<footer>Made by isotherm ${results.versions.isotherm}. Figures also in results.json, every step of every run in runs/.</footer>
</body></html>
`;
  return page.html;
}

const idOf = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
const paragraphs = (text: string): Html[] =>
  text
    .split(/\n\s*\n/)
    .filter((part) => part.trim() !== "")
    .map((part) => html`<p>${part.trim()}</p>`);

const fact = (value: string | number, label: string, bad = false): Html =>
  html`<li class="${bad ? "bad" : ""}"><b>${value}</b>${label}</li>`;
function facts({ counts, cases, runs }: SuiteResults): Html {
  const controllers = new Set(runs.map(({ controller }) => controller)).size;
  return html`<ul class="facts">${fact(cases.length, cases.length === 1 ? "case" : "cases")}${fact(controllers, "controller settings")}${fact(counts.done, counts.done === 1 ? "run done" : "runs done")}${counts.failed > 0 ? fact(counts.failed, "failed", true) : null}${counts.skipped > 0 ? fact(counts.skipped, "skipped") : null}</ul>`;
}

function failures({ runs }: SuiteResults): Html | null {
  const failed = runs.filter(({ status }) => status === "failed");
  if (failed.length === 0) return null;
  return html`<section class="failed" aria-label="Failed runs"><h2 class="small">${failed.length === 1 ? "One run" : `${failed.length} runs`} failed and ${failed.length === 1 ? "is" : "are"} in no figure</h2>${failed.map((run) => html`<details open><summary>${run.controller}, ${run.case}, seed ${run.seed}</summary><pre>${run.reason!}</pre><pre>${run.command}</pre></details>`)}</section>`;
}

function skips({ runs }: SuiteResults): Html | null {
  const skipped = runs.filter(({ status }) => status === "skipped");
  const reasons = [...new Set(skipped.map(({ reason }) => reason!))];
  return reasons.length === 0
    ? null
    : html`<section aria-label="Skipped runs"><h2 class="small">Skipped: ${skipped.length === 1 ? "one run" : `${skipped.length} runs`} that this machine cannot make</h2>${reasons.map(
        (reason) =>
          html`<p class="note">${skipped
            .filter((run) => run.reason === reason)
            .map((run) => `${run.controller} (${run.case})`)
            .join(", ")}: ${reason}</p>`,
      )}</section>`;
}

/** The lowest bill among those that keep comfort and could have been known beforehand. */
function winner({ summaries }: CaseResult): Summary | null {
  const eligible = summaries.filter(
    ({ seeds, keepsComfort, setting }) => seeds.length > 0 && keepsComfort && setting.controller !== "rule-best",
  );
  return eligible.reduce<Summary | null>(
    (best, one) => (best === null || one.figures.cost.mean < best.figures.cost.mean ? one : best),
    null,
  );
}

function findings(cases: readonly CaseResult[]): Html {
  const sentence = (one: CaseResult): Html => {
    const best = winner(one);
    if (best === null) {
      const hindsight = one.summaries.some(({ keepsComfort, seeds }) => keepsComfort && seeds.length > 0);
      return html`<li>${one.title}: no controller kept comfort${hindsight ? " except the best rule, chosen in hindsight" : ""}.</li>`;
    }
    const against =
      best.againstRuleBest.costPct === null ? null : `, ${signedPct(best.againstRuleBest.costPct)} against the best rule in hindsight`;
    return html`<li>${one.title}: the lowest bill with comfort kept is <b>${best.controller}</b>'s, ${fixed(best.figures.cost.mean, 2)}${against}.</li>`;
  };
  return html`<ul>${cases.map(sentence)}</ul>`;
}

const contents = (cases: readonly CaseResult[]): Html =>
  html`<nav aria-label="Contents"><ul>${cases.map(({ title }) => html`<li><a href="#${idOf(title)}">${title}</a></li>`)}<li><a href="#timing">Decision times and memory</a></li><li><a href="#provenance">Versions and commands</a></li></ul></nav>`;

function caseSection(one: CaseResult, results: SuiteResults, plots: WeekPlots): Html {
  const controllers = [...new Set(one.summaries.filter(({ seeds }) => seeds.length > 0).map(({ setting }) => String(setting.controller)))];
  const best = winner(one);
  const open =
    results.runs.find((run) => run.case === one.title && run.controller === best?.controller && run.status === "done")?.id ?? null;
  const { plant, building, history, historyDays, objective } = one.options;
  return html`<section class="case"><h2 id="${idOf(one.title)}">${one.title}</h2><p class="soft">${String(building).replace(/^.*[/\\]/, "")} on ${String(plant)}; ${history === "none" ? "no history" : `${historyDays} days of history under ${history === "explore" ? "exploration" : "the building's schedule"}`}; objective ${String(objective)}.</p>${caseTable(one, results.runs)}<div class="pair"><figure><figcaption>Comfort against energy <span>Lower and further left is better; numbers are the rows of the table${one.published?.sameEngine === true ? ", empty diamonds published figures" : ""}.</span></figcaption>${paretoChart(one)}<p class="legend">${controllers.map((name) => html`<span>${markFor(name)}${name}</span>`)}</p></figure><figure><figcaption>Bill <span>From the lowest; hatched where comfort is not kept.</span></figcaption>${billBars(one)}</figure></div>${weekSection(results, one.title, plots, open)}</section>`;
}

function provenance({ versions, runs, cases }: SuiteResults): Html {
  const sources = [...new Set(cases.flatMap(({ published }) => (published === null ? [] : [published.source])))];
  const entry = (name: string, value: string): Html => html`<dt>${name}</dt><dd>${value}</dd>`;
  const list = (values: readonly string[]): string => (values.length === 0 ? "–" : values.join(", "));
  const row = (run: RunResult): Html =>
    html`<tr><th scope="row" class="name"><code>${run.id}</code></th><td class="name">${run.controller}</td><td class="name">${run.case}</td><td>${run.seed}</td><td class="name">${run.status}</td><td class="wrap"><code>${run.command}</code></td></tr>`;
  return html`<section><h2 id="provenance">Versions and commands</h2><dl>${entry("isotherm", `${versions.isotherm} (program ${versions.programDigest})`)}${entry("Node.js", `${versions.node}, ${versions.platform}`)}${entry("EnergyPlus", versions.energyplus === null ? "–" : `${versions.energyplus.version} (data dictionary ${versions.energyplus.digest})`)}${entry("Rollout backends", list(versions.backends))}${entry("Linear algebra", versions.linearAlgebra)}${entry("Priors", list(versions.priors))}${sources.map((source) => entry("Published figures", source))}</dl><p>Each of these commands gives its run's figures again.</p><details><summary>All ${runs.length} commands</summary>${dataTable("Commands", "Every run of the suite, with its seed and the command that repeats it.", headRow(["<Run", "<Controller", "<Case", "Seed", "<Outcome", "<Command"]), html`<tbody>${runs.map(row)}</tbody>`)}</details></section>`;
}
