import { fixed, shownMs } from "#cli/compare/report/format";
import { type Html, html } from "#cli/compare/report/html";
import { dataTable, headRow } from "#cli/compare/report/tables";
import type { CurvePoint, LearningCurve } from "#cli/evaluateCurve";
import { axisTicks, legend, line, mark, plot, type Series, svgImage } from "#cli/modelCard/svg";

const series: readonly Series[] = [
  { name: "with prior", shape: "circle", colour: 1 },
  { name: "without prior", shape: "square", colour: 2 },
  { name: "clue", shape: "triangle", colour: 3 },
];

type Figure = "rmse1K" | "rmse20K" | "nlpd" | "coverage90";

interface Panel {
  readonly figure: Figure;
  readonly title: string;
  readonly note: string;
  /** A curve far above the others would press them flat: nothing beyond this multiple of the best model's worst value is drawn. */
  readonly cut: boolean;
  readonly scale: number;
}

const panels: readonly Panel[] = [
  { figure: "rmse1K", title: "Error one step ahead, K", note: "Root mean square; lower is better.", cut: true, scale: 1 },
  { figure: "rmse20K", title: "Error after 20 steps, K", note: "The planner's horizon; lower is better.", cut: true, scale: 1 },
  { figure: "nlpd", title: "Negative log predictive density", note: "Errors and spreads together; lower is better.", cut: true, scale: 1 },
  { figure: "coverage90", title: "Inside the 90 % interval, %", note: "The dashed line is what is wanted.", cut: false, scale: 100 },
];

/** What a curve may exceed the isotherm curves by before it is cut off at the top of its chart. */
const CUT_FACTOR = 2.5;

const chart = (panel: Panel, points: readonly CurvePoint[]): Html => {
  const value = (point: CurvePoint): number => (point[panel.figure] ?? Number.NaN) * panel.scale;
  const own = points
    .filter(({ model }) => model !== "clue")
    .map(value)
    .filter(Number.isFinite);
  const all = points.map(value).filter(Number.isFinite);
  const top = Math.max(...own.map((one) => (panel.figure === "nlpd" ? one + 1.5 : CUT_FACTOR * one)));
  const shown = panel.cut && own.length > 0 ? all.map((one) => Math.min(one, top)) : all;
  const days = [...new Set(points.filter((point) => point.rmse1K !== null).map((point) => point.days))];
  // Equal distances: what the first days bring is as interesting as the last.
  const place = (day: number): number => days.indexOf(day);
  const y = axisTicks(shown, 5, panel.figure === "coverage90" ? [90, 100] : panel.figure === "nlpd" ? [] : [0]);
  const p = plot(430, 280, { label: "days of history", at: days.map((_, i) => i), text: (i) => String(days[i]) }, { label: "", at: y });
  const ceiling = y.at(-1)!;
  const lines = series
    .map(({ name, shape, colour }) => {
      const of = points.filter((point) => point.model === name && days.includes(point.days));
      const drawn = of.map((point) => [p.x(place(point.days)), p.y(Math.min(value(point), ceiling))] as const);
      const marks = of.map((point, i) => {
        if (!Number.isFinite(value(point))) return "";
        const [x, at] = drawn[i]!;
        const over =
          value(point) > ceiling
            ? `<text class="n" x="${x.toFixed(1)}" y="${(at + 18).toFixed(1)}" text-anchor="${i === of.length - 1 ? "end" : "middle"}">↑ ${fixed(value(point), 1)}</text>`
            : "";
        return mark(x, at, shape, `f${colour}`) + over;
      });
      // A length that could not be learned from has no mark; the line goes on to the next.
      const there = drawn.filter(([, at]) => Number.isFinite(at));
      return line(there, `s${colour}`) + marks.join("");
    })
    .join("");
  const wanted = panel.figure === "coverage90" ? `<path class="w" d="M${p.x(0)} ${p.y(90)}H${p.x(days.length - 1)}"/>` : "";
  const words = series
    .map(({ name }) => {
      const of = points.filter((point) => point.model === name && point[panel.figure] !== null);
      return of.length === 0 ? null : `${name}: ${of.map((point) => `${fixed(value(point), 2)} after ${point.days} days`).join(", ")}`;
    })
    .filter((text) => text !== null)
    .join("; ");
  return html`<figure><figcaption>${panel.title} <span>${panel.note}</span></figcaption>${svgImage(p, p.frame + wanted + lines, `${panel.title}. ${words}.`)}</figure>`;
};

/** Accuracy and calibration against days of history, as charts and as a table. */
export const curveSection = ({ zone, points }: LearningCurve, manyZones: boolean): Html => {
  const models = series.filter(({ name }) => points.some((point) => point.model === name && point.rmse1K !== null));
  const row = (point: CurvePoint): Html =>
    html`<tr><th scope="row" class="name">${point.model}</th><td>${point.days}</td><td>${fixed(point.rmse1K, 3)}</td><td>${fixed(point.rmse20K, 2)}</td><td>${fixed(point.nlpd, 2)}</td><td>${fixed(point.coverage90 === null ? null : 100 * point.coverage90, 1)}</td><td>${point.fitMs === null || point.fitMs === 0 ? "–" : shownMs(point.fitMs)}</td><td class="name wrap">${point.note ?? ""}</td></tr>`;
  return html`<section><h2 id="curve">How much history it takes</h2><p>Learned from the last days before the test${manyZones ? html`, zone ${zone} (the one with the largest error)` : null}; 0 days is what the prior knows alone.${points.some(({ model }) => model === "with prior") ? null : " No prior that has not seen these data is at hand, so there is no curve with one."}</p>${legend(models)}<div class="pair">${panels.map((panel) => chart(panel, points))}</div><details><summary>The same as a table</summary>${dataTable("Learning curve", "Figures on the same test days, by days of history.", headRow(["<Model", "Days", "RMSE 1 step, K", "RMSE 20 steps, K", "NLPD", "Inside 90 %, %", "Fit", "<Note"]), html`<tbody>${points.map(row)}</tbody>`)}</details></section>`;
};
