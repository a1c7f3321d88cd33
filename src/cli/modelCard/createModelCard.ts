import { fixed, shownMs } from "#cli/compare/report/format";
import { type Html, html, raw } from "#cli/compare/report/html";
import { dataTable, headRow } from "#cli/compare/report/tables";
import { calibrationSection } from "#cli/modelCard/calibrationCharts";
import type { CardModel, ModelCard } from "#cli/modelCard/cardData";
import { cardStyle } from "#cli/modelCard/cardStyle";
import { curveSection } from "#cli/modelCard/curveCharts";
import { fanSection } from "#cli/modelCard/fanChart";
import { inputsSection } from "#cli/modelCard/inputsSection";
import type { ZoneAccuracy } from "#models/evaluation/evaluateZone";
import type { GateFinding } from "#models/trainingGate/report";

/** One HTML page that needs nothing but itself: how good a model is, beside what, when it errs, what it goes by and what its data lack. */
export const createModelCard = (card: ModelCard): string => {
  const { result, dataFile, fanWeek, curve, zones } = card;
  const title = `${result.model} on ${fileName(dataFile)}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title} – model card – isotherm</title><style>${raw(cardStyle)}</style></head><body>
<header><h1>${title}</h1>${summary(card)}${facts(card)}</header>
<main>
${accuracySection(card)}
${curve === null ? null : curveSection(curve, zones.length > 1)}
${calibrationSection(card)}
${fanWeek === null ? null : fanSection(fanWeek, card.stepS, zones.length > 1)}
${inputsSection(card)}
${dataSection(card)}
${provenance(card)}
</main>
<footer>Made by isotherm ${card.versions.isotherm}. Figures also in evaluation.json and evaluation.md.</footer>
</body></html>
`.html;
};

const fileName = (path: string): string => path.replace(/^.*[/\\]/, "");
const date = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 16).replace("T", " ");
const pct = (share: number | null, decimals = 0): string => fixed(share === null ? null : 100 * share, decimals);

const summary = ({ result, testFile, trainFromMs, trainToMs, testFromMs, testToMs, zones, stepS }: ModelCard): Html =>
  html`<p>Learned from ${date(trainFromMs)} to ${date(trainToMs)} (${result.trainRows} rows that teach, prior ${result.prior}), judged on ${testFile === null ? "what came next" : fileName(testFile)}, ${date(testFromMs)} to ${date(testToMs)} (${result.testRows} rows of ${stepS / 60} minutes, ${zones.length === 1 ? "one zone" : `${zones.length} zones`}).</p>`;

const facts = ({ result, models }: ModelCard): Html => {
  const rivals = models.filter(({ name, accuracy }) => name !== result.model && accuracy !== null);
  const after20 = (one: CardModel): number => one.accuracy?.rmse20K ?? Number.POSITIVE_INFINITY;
  const best = rivals.reduce<CardModel | null>((least, one) => (least === null || after20(one) < after20(least) ? one : least), null);
  const against = (own: number | null, other: number | null | undefined, name: string): Html | null => {
    if (own === null || other === null || other === undefined || !(other > 0)) return null;
    const share = (100 * (other - own)) / other;
    return html`<small>${fixed(Math.abs(share), 0)} % ${share >= 0 ? "less" : "more"} than ${name}</small>`;
  };
  const fact = (value: string, label: string, more: Html | null = null): Html => html`<li><b>${value}</b>${label}${more}</li>`;
  return html`<ul class="facts">${fact(`${fixed(result.rmse1K, 2)} K`, "error one step ahead", against(result.rmse1K, result.persistenceRmse1K, "persistence"))}${fact(`${fixed(result.rmse20K, 2)} K`, "error after 20 steps", best === null ? null : against(result.rmse20K, best.accuracy!.rmse20K, best.name))}${fact(`${pct(result.coverage90)} %`, "inside the 90 % interval")}${result.morningRmseK === null ? null : fact(`${fixed(result.morningRmseK, 2)} K`, "error at arrival, two hours ahead", html`<small>${result.morningDays} mornings</small>`)}${fact(shownMs(result.fitMs), "to learn")}</ul>`;
};

const columns: readonly {
  readonly head: string;
  readonly value: (one: ZoneAccuracy) => number | null;
  readonly decimals: number;
  readonly goal: number | "least" | null;
}[] = [
  { head: "RMSE 1 step, K", value: (one) => one.rmse1K, decimals: 3, goal: "least" },
  { head: "RMSE 4 steps, K", value: (one) => one.rmse4K, decimals: 2, goal: "least" },
  { head: "RMSE 20 steps, K", value: (one) => one.rmse20K, decimals: 2, goal: "least" },
  { head: "RMSE 96 steps, K", value: (one) => one.rmse96K, decimals: 2, goal: "least" },
  { head: "Largest error, K", value: (one) => one.maxAbsOpenLoopErrorK, decimals: 1, goal: "least" },
  { head: "NLPD 1 step", value: (one) => one.nlpd, decimals: 2, goal: "least" },
  { head: "NLPD 4 steps", value: (one) => one.nlpd4, decimals: 2, goal: "least" },
  { head: "Inside 90 %, 1 step, %", value: (one) => 100 * one.coverage90, decimals: 1, goal: 90 },
  {
    head: "Inside 90 %, 20 steps, %",
    value: (one) => (one.coverage90At20 === null ? null : 100 * one.coverage90At20),
    decimals: 1,
    goal: 90,
  },
  { head: "At arrival, K", value: (one) => one.morningRmseK, decimals: 2, goal: "least" },
];

const accuracySection = ({ models, result }: ModelCard): Html => {
  const shown = columns.filter(({ value }) => models.some(({ accuracy }) => accuracy !== null && value(accuracy) !== null));
  const distance = (column: (typeof columns)[number], one: CardModel): number => {
    const value = one.accuracy === null ? null : column.value(one.accuracy);
    return value === null ? Number.POSITIVE_INFINITY : typeof column.goal === "number" ? Math.abs(value - column.goal) : value;
  };
  const least = shown.map((column) => Math.min(...models.map((one) => distance(column, one))));
  const row = (one: CardModel): Html => {
    const cells = shown.map((column, i) => {
      const text = fixed(one.accuracy === null ? null : column.value(one.accuracy), column.decimals);
      const best = models.length > 1 && Number.isFinite(least[i]!) && distance(column, one) === least[i]!;
      return html`<td class="${best ? "best" : ""}">${best ? html`<b>${text}</b>` : text}</td>`;
    });
    return html`<tr class="${one.name === result.model ? "own" : ""}"><th scope="row" class="name">${one.name}${one.prior === "none" ? null : html`<small>prior ${one.prior}</small>`}${one.note === undefined ? null : html`<small class="over">${one.note}</small>`}</th>${cells}<td>${one.accuracy === null ? "–" : shownMs(one.fitMs)}</td></tr>`;
  };
  return html`<section><h2 id="accuracy">${models.length > 1 ? "How good, beside the others" : "How good"}</h2>${dataTable(
    "Accuracy on the test days",
    `Means over the zones. One step ahead from every test row; open loop from every fourth, with the logged setpoints, weather and people. NLPD: negative log predictive density.${models.length > 1 ? " A star marks the best of each column; for the 90 % intervals, the nearest to 90." : ""}`,
    headRow(["<Model", ...shown.map(({ head }) => head), "Fit"]),
    html`<tbody>${models.map(row)}</tbody>`,
  )}${zoneTable(result)}</section>`;
};

const zoneTable = ({ zones }: ModelCard["result"]): Html | null => {
  if (zones === undefined) return null;
  const shown = columns.filter(({ value }) => Object.values(zones).some((one) => value(one) !== null));
  return html`<details><summary>Zone by zone</summary>${dataTable(
    "Accuracy by zone",
    "The same figures of this model for each zone.",
    headRow(["<Zone", ...shown.map(({ head }) => head)]),
    html`<tbody>${Object.entries(zones).map(([zone, one]) => html`<tr><th scope="row" class="name">${zone}</th>${shown.map(({ value, decimals }) => html`<td>${fixed(value(one), decimals)}</td>`)}</tr>`)}</tbody>`,
  )}</details>`;
};

const MOST_FINDINGS = 60;

const dataSection = ({ coverage, gate, zones }: ModelCard): Html => {
  const wanting = coverage.filter((one) => one.coverage.missing.length > 0);
  // Zones that lack the same are one line.
  const lacks = new Map<string, string[]>();
  for (const { zone, coverage: one } of wanting) for (const text of one.missing) lacks.set(text, [...(lacks.get(text) ?? []), zone]);
  const who = (names: readonly string[]): string =>
    zones.length === 1 ? "" : names.length === zones.length ? "all zones: " : `${names.join(", ")}: `;
  const regimeRow = ({ zone, coverage: { rows, daysThere } }: (typeof coverage)[number]): Html =>
    html`<tr><th scope="row" class="name">${zone}</th><td>${fixed(daysThere, 1)}</td><td>${rows.idle}</td><td>${rows.heatingLimited}</td><td>${rows.heldHeating}</td><td>${rows.coolingLimited}</td><td>${rows.heldCooling}</td><td>${rows.unknown}</td></tr>`;
  return html`<section><h2 id="data">What the data lack</h2>${lacks.size === 0 ? html`<p>Nothing: a week with heating and cooling, people, sun, working days and a weekend.</p>` : html`<ul class="plain">${[...lacks].map(([text, names]) => html`<li>${who(names)}${text}.</li>`)}</ul>`}${dataTable(
    "Training rows by what the zone did",
    "Rows on a setpoint only say that the equipment suffices; the others teach.",
    headRow([
      "<Zone",
      "Days",
      "Floating",
      "Heating at its limit",
      "Held by heating",
      "Cooling at its limit",
      "Held by cooling",
      "Incomplete",
    ]),
    html`<tbody>${coverage.map(regimeRow)}</tbody>`,
  )}<h3>What was left out or put right</h3>${gate.findings.length === 0 ? html`<p>Nothing was found to be wrong with the training rows.</p>` : html`<p>${gate.rowsGated} of ${gate.rowsOut} training rows have values that are left out.</p><ul class="plain">${gate.findings.slice(0, MOST_FINDINGS).map(({ text }: GateFinding) => html`<li>${text}</li>`)}${gate.findings.length > MOST_FINDINGS ? html`<li>and ${gate.findings.length - MOST_FINDINGS} more of this kind.</li>` : null}</ul>`}</section>`;
};

const provenance = ({ versions, command, dataFile, testFile, result, testDays, trainDays }: ModelCard): Html => {
  const entry = (name: string, value: string): Html => html`<dt>${name}</dt><dd>${value}</dd>`;
  return html`<section><h2 id="provenance">Where these figures come from</h2><dl>${entry("Data", dataFile)}${testFile === null ? null : entry("Test data", testFile)}${entry("Days", `${trainDays} to learn from, ${testDays} to test on`)}${entry("Prior", result.prior)}${entry("isotherm", versions.isotherm)}${entry("Node.js", versions.node)}${entry("Linear algebra", versions.linearAlgebra)}</dl><p>This command gives them again:</p><pre>${command}</pre></section>`;
};
