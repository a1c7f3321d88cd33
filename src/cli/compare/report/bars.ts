import { fixed } from "#cli/compare/report/format";
import { type Html, html } from "#cli/compare/report/html";
import { markOf } from "#cli/compare/report/palette";
import type { CaseResult } from "#cli/compare/results";

/** Bills of one case from the lowest to the highest; hatched where comfort is not kept, a line from the cheapest to the dearest seed. The figures stand beside the bars. */
export function billBars({ summaries }: CaseResult): Html {
  const shown = summaries.filter(({ seeds }) => seeds.length > 0).sort((a, b) => a.figures.cost.mean - b.figures.cost.mean);
  const highest = Math.max(...shown.map(({ figures }) => figures.cost.worst), Number.MIN_VALUE);
  const pct = (value: number): string => `${((100 * Math.max(0, value)) / highest).toFixed(2)}%`;
  return html`<ul class="bars">${shown.map(({ controller, setting, figures: { cost }, seeds, keepsComfort }) => html`<li><span>${controller}</span><span class="track" aria-hidden="true"><span class="bar${keepsComfort ? "" : " broken"}" style="width:${pct(cost.mean)};background-color:${markOf(setting.controller).colour}"></span>${seeds.length < 2 ? null : html`<span class="whisker" style="left:${pct(cost.min)};width:${pct(cost.worst - cost.min)}"></span>`}</span><span class="value">${fixed(cost.mean, 2)}${keepsComfort ? null : html`<span class="soft"> comfort broken</span>`}</span></li>`)}</ul>`;
}
