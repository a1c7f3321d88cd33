import { fixed } from "#cli/compare/report/format";
import { type Html, html } from "#cli/compare/report/html";
import { dataTable, headRow } from "#cli/compare/report/tables";
import type { ModelCard } from "#cli/modelCard/cardData";
import { groupedEffects, inputName } from "#cli/modelCard/names";
import type { ActiveDirection } from "#models/evaluation/sensitivity";

const MOST_BARS = 10;
/** Weights that a sentence names. */
const NAMED = 4;
const LEAST_WEIGHT = 0.15;

/** Which inputs matter: a bar per thing that people know, the directions along which the model changes, and every input in a table. */
export const inputsSection = ({ sensitivity, neighbourOf, shownZone, zones }: ModelCard): Html | null => {
  if (sensitivity === null || sensitivity.inputs.length === 0) return null;
  const groups = groupedEffects(sensitivity).slice(0, MOST_BARS);
  const highest = groups[0]?.effectK ?? 1;
  const name = (key: string, column: number): string => inputName(key, neighbourOf.get(column));
  const ofAll = zones.length > 1 ? ` of zone ${shownZone}` : "";
  const [first] = sensitivity.directions;
  const strongest = groups.slice(0, 3).map((group) => group.name);
  return html`<section><h2 id="inputs">What the model goes by</h2><p>The next step${ofAll} depends most on ${strongest.join(", ")}.${first === undefined ? null : html` One single combination of inputs, ${directionWords(first, name)}, explains ${fixed(100 * first.share, 0)} % of how its predictions change${sensitivity.directions.length < 2 ? null : html`; with the next one (${directionWords(sensitivity.directions[1]!, name)}) it is ${fixed(100 * (first.share + sensitivity.directions[1]!.share), 0)} %`}.`}</p><figure><figcaption>Effect on the next step, K <span>What a usual change of each input (one standard deviation in the training rows) does to the temperature within one step.</span></figcaption><ul class="bars">${groups.map(({ name: group, effectK }) => html`<li><span>${group}</span><span class="track" aria-hidden="true"><span class="bar" style="width:${((100 * effectK) / highest).toFixed(1)}%"></span></span><span class="value">${fixed(effectK, 3)}</span></li>`)}</ul></figure><details><summary>Every input, with its relevance and its weight in the active subspace</summary>${dataTable(
    "Inputs",
    "Effect: root mean square of the gradient times the input's standard deviation. Mean: the same with its sign. Relevance: the input's standard deviation over its lengthscale (automatic relevance determination); 0 is a straight line. Direction 1: weight in the first eigenvector of the mean outer product of gradients (active subspace).",
    headRow(["<Input", "Effect, K", "Mean, K", "Relevance", ...sensitivity.directions.map((_, i) => `Direction ${i + 1}`)]),
    html`<tbody>${sensitivity.inputs
      .filter(({ effectK }) => effectK > 0)
      .map(
        ({ key, column, effectK, meanEffectK, ard }) =>
          html`<tr><th scope="row" class="name">${name(key, column)}</th><td>${fixed(effectK, 4)}</td><td>${fixed(meanEffectK, 4)}</td><td>${fixed(ard, 2)}</td>${sensitivity.directions.map(({ weights }) => html`<td>${fixed(weights.find((one) => one.column === column)?.weight, 2)}</td>`)}</tr>`,
      )}</tbody>`,
  )}</details></section>`;
};

const directionWords = ({ weights }: ActiveDirection, name: (key: string, column: number) => string): string =>
  weights
    .filter(({ weight }) => Math.abs(weight) >= LEAST_WEIGHT)
    .slice(0, NAMED)
    .map(({ key, column, weight }) => `${weight < 0 ? "−" : "+"} ${name(key, column)}`)
    .join(", ");
