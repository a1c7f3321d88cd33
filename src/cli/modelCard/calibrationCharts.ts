import { fixed } from "#cli/compare/report/format";
import { type Html, html } from "#cli/compare/report/html";
import { dataTable, headRow } from "#cli/compare/report/tables";
import type { HourErrors, ModelCard, ReliabilityCurve } from "#cli/modelCard/cardData";
import { axisTicks, legend, line, mark, plot, type Series, svgImage } from "#cli/modelCard/svg";

const shapes = ["circle", "square", "triangle"] as const;
const pct = (share: number | null, decimals = 0): string => fixed(share === null ? null : 100 * share, decimals);

const reliabilityChart = (curves: readonly ReliabilityCurve[]): Html => {
  const at = [0, 20, 40, 60, 80, 100];
  const p = plot(430, 340, { label: "interval asked for, %", at }, { label: "measurements inside it, %", at });
  const lines = curves
    .map(({ points }, i) => {
      const drawn = points.map(({ nominal, observed }) => [p.x(100 * nominal), p.y(100 * observed)] as const);
      return line(drawn, `s${i + 1}`) + drawn.map(([x, y]) => mark(x, y, shapes[i]!, `f${i + 1}`)).join("");
    })
    .join("");
  const ideal = `<path class="w" d="M${p.x(0)} ${p.y(0)}L${p.x(100)} ${p.y(100)}"/>`;
  const words = curves
    .map(({ name, points }) => `${name}: the 90 % interval holds ${pct(points.find(({ nominal }) => nominal === 0.9)?.observed ?? null)} %`)
    .join("; ");
  return html`<figure><figcaption>Reliability <span>On the dashed line intervals hold what they say; below it the model is too sure, above it too careful.</span></figcaption>${svgImage(p, p.frame + ideal + lines, `Reliability diagram. ${words}.`)}${legend(curves.map(({ name }, i): Series => ({ name, shape: shapes[i]!, colour: (i + 1) as 1 | 2 | 3 })))}</figure>`;
};

const hourChart = (hours: readonly HourErrors[]): Html => {
  const y = axisTicks(
    hours.flatMap(({ p10K, p90K }) => [p10K, p90K]),
    6,
    [0],
  );
  const p = plot(430, 340, { label: "local hour", at: [0, 3, 6, 9, 12, 15, 18, 21, 24] }, { label: "measured − predicted, K", at: y });
  const bars = hours
    .map(({ hour, meanK, p10K, p90K }) => {
      const [left, right] = [p.x(hour + 0.2), p.x(hour + 0.8)];
      const top = p.y(p90K);
      return `<rect class="b1" x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${(right - left).toFixed(1)}" height="${Math.max(1, p.y(p10K) - top).toFixed(1)}"/><path class="l s1" d="M${left.toFixed(1)} ${p.y(meanK).toFixed(1)}H${right.toFixed(1)}"/>`;
    })
    .join("");
  const worst = hours.reduce((most, one) => (Math.abs(one.meanK) > Math.abs(most.meanK) ? one : most));
  const words = `Largest mean error ${fixed(worst.meanK, 2)} K at ${worst.hour} to ${worst.hour + 1} o'clock`;
  return html`<figure><figcaption>Errors by hour of day <span>One step ahead: mean (line) and the middle 80 % (bar). ${words}.</span></figcaption>${svgImage(p, `${p.frame}<path class="w" d="M${p.x(0)} ${p.y(0)}H${p.x(24)}"/>${bars}`, `One-step errors by hour of day. ${words}.`)}</figure>`;
};

/** Whether spreads are what errors are: overall, by hour and by what the zone was doing. */
export const calibrationSection = ({ reliability, hours, result, zones }: ModelCard): Html => {
  const rows = zones.length > 1 ? zones.map((zone) => ({ zone, one: result.zones![zone]! })) : [{ zone: zones[0]!, one: result }];
  const levels = reliability[0]?.points.map(({ nominal }) => nominal) ?? [];
  return html`<section><h2 id="calibration">Is it as sure as it should be?</h2><div class="pair">${reliabilityChart(reliability)}${hours.length === 0 ? null : hourChart(hours)}</div>${dataTable(
    "Inside the 90 % interval by what the zone did, %",
    "One step ahead by regime, and open loop with the spread carried along. 90 is wanted everywhere.",
    headRow(["<Zone", "All", "Floating between setpoints", "Equipment at its limit", "On a setpoint", "After 4 steps", "After 20 steps"]),
    html`<tbody>${rows.map(({ zone, one }) => html`<tr><th scope="row" class="name">${zone}</th><td>${pct(one.coverage90, 1)}</td><td>${pct(one.coverage90ByRegime.idle, 1)}</td><td>${pct(one.coverage90ByRegime.limited, 1)}</td><td>${pct(one.coverage90ByRegime.onSetpoint, 1)}</td><td>${pct(one.coverage90At4, 1)}</td><td>${pct(one.coverage90At20, 1)}</td></tr>`)}</tbody>`,
  )}<details><summary>The charts as tables</summary>${dataTable(
    "Reliability, %",
    "Share of measurements inside the central interval of each probability.",
    headRow(["<Ahead", ...levels.map((level) => `${Number((100 * level).toFixed(0))}`)]),
    html`<tbody>${reliability.map(({ name, points }) => html`<tr><th scope="row" class="name">${name}</th>${points.map(({ observed }) => html`<td>${pct(observed, 1)}</td>`)}</tr>`)}</tbody>`,
  )}${dataTable(
    "Errors by hour, K",
    "Measured − predicted, one step ahead.",
    headRow(["<Hour", "Mean", "10 % below", "90 % below", "Samples"]),
    html`<tbody>${hours.map(({ hour, meanK, p10K, p90K, count }) => html`<tr><th scope="row" class="name">${hour}–${hour + 1}</th><td>${fixed(meanK, 3)}</td><td>${fixed(p10K, 3)}</td><td>${fixed(p90K, 3)}</td><td>${count}</td></tr>`)}</tbody>`,
  )}</details></section>`;
};
