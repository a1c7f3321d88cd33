import { fixed } from "#cli/compare/report/format";
import { type Html, html, raw } from "#cli/compare/report/html";
import { dataTable, headRow } from "#cli/compare/report/tables";
import type { FanWeek } from "#cli/modelCard/cardData";
import { axisTicks, band, line, plot, svgImage } from "#cli/modelCard/svg";
import { normalQuantile } from "#math/statistics";

const Z_90 = normalQuantile(0.95);
const Z_80 = normalQuantile(0.9);
const DAY_MS = 86_400_000;
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/** Setpoints further away than this from what was measured ("off") would press everything else flat. */
const SETPOINT_MARGIN_K = 3;

/** A test week as measured, with what the model foresaw from every start on. */
export const fanSection = (week: FanWeek, stepS: number, manyZones: boolean): Html => {
  const { timesMs, measuredC, heatingC, coolingC, fans } = week;
  const edges = fans.flatMap(({ meanC, stdDevK }) => meanC.flatMap((mean, i) => [mean - Z_90 * stdDevK[i]!, mean + Z_90 * stdDevK[i]!]));
  const known = measuredC.filter(Number.isFinite);
  const [low, high] = [Math.min(...known) - SETPOINT_MARGIN_K, Math.max(...known) + SETPOINT_MARGIN_K];
  const y = axisTicks([...known, ...edges.filter((value) => value > low && value < high)], 6);
  const [bottom, top] = [y[0]!, y.at(-1)!];
  const rows = timesMs.length;
  const midnights = timesMs.flatMap((timeMs, row) => (timeMs % DAY_MS === 0 && row > 0 && row < rows - 1 ? [row] : []));
  const ends = [0, ...midnights, rows - 1];
  const every = Math.ceil(ends.length / 16);
  const dayName = (row: number): string => {
    const day = new Date(timesMs[row]! + (row === 0 ? 0 : 1));
    return row === rows - 1 || ends.indexOf(row) % every !== 0 ? "" : `${weekdays[day.getUTCDay()]} ${day.getUTCDate()}`;
  };
  const p = plot(1180, 380, { label: "", at: ends, text: dayName }, { label: `Zone ${week.zone}, °C`, at: y });
  const clipped = (value: number): number => p.y(Math.min(Math.max(value, bottom), top));
  const shapes = fans
    .map(({ start, meanC, stdDevK }) => {
      const steps = meanC.map((_, i) => i).filter((i) => Number.isFinite(meanC[i]!) && Number.isFinite(stdDevK[i]!));
      if (steps.length === 0) return "";
      const startsKnown = Number.isFinite(measuredC[start]!);
      const xs = [...(startsKnown ? [p.x(start)] : []), ...steps.map((i) => p.x(start + i + 1))];
      const edge = (z: number): number[] => [
        ...(startsKnown ? [clipped(measuredC[start]!)] : []),
        ...steps.map((i) => clipped(meanC[i]! + z * stdDevK[i]!)),
      ];
      const middle = edge(0);
      return (
        band(xs, edge(-Z_90), edge(Z_90), "fan90") +
        band(xs, edge(-Z_80), edge(Z_80), "fan80") +
        line(
          xs.map((x, i) => [x, middle[i]!] as const),
          "fanMean",
        )
      );
    })
    .join("");
  const setpoint = (values: readonly number[], className: string): string =>
    line(
      values.flatMap((value, row) => {
        const at = value >= bottom && value <= top ? p.y(value) : Number.NaN;
        return [[p.x(Math.max(0, row - 1)), at] as const, [p.x(row), at] as const];
      }),
      className,
    );
  const measured = line(
    measuredC.map((value, row) => [p.x(row), Number.isFinite(value) ? clipped(value) : Number.NaN] as const),
    "measured",
  );
  const hours = ((fans[0]?.meanC.length ?? 0) * stepS) / 3600;
  const words = `Measured temperatures of zone ${week.zone} with ${fans.length} predictions of ${fixed(hours, 1)} hours each; ${fixed(week.inside90 === null ? null : 100 * week.inside90, 0)} % of the measurements lie inside the 90 % band, ${fixed(week.inside80 === null ? null : 100 * week.inside80, 0)} % inside the 80 % band`;
  const key = (className: string, text: string): string =>
    `<span><svg viewBox="0 0 30 12" width="30" height="12" aria-hidden="true"><path class="l ${className}" d="M0 6H30"/></svg> ${text}</span>`;
  const area = (className: string, text: string): string =>
    `<span><svg viewBox="0 0 30 12" width="30" height="12" aria-hidden="true"><rect class="${className}" width="30" height="12"/></svg> ${text}</span>`;
  const table = dataTable(
    "The predictions at their last step",
    `What was foreseen ${fixed(hours, 1)} hours ahead, °C.`,
    headRow(["<From", "Foreseen", "5 to 95 %", "Measured", "Error, K"]),
    html`<tbody>${fans.map(({ start, meanC, stdDevK }) => {
      const [mean, spread] = [meanC.at(-1)!, stdDevK.at(-1)!];
      const truth = measuredC[start + meanC.length] ?? Number.NaN;
      return html`<tr><th scope="row" class="name">${new Date(timesMs[start]!).toISOString().slice(0, 16).replace("T", " ")}</th><td>${fixed(mean, 1)}</td><td>${fixed(mean - Z_90 * spread, 1)} to ${fixed(mean + Z_90 * spread, 1)}</td><td>${fixed(truth, 1)}</td><td>${fixed(truth - mean, 2)}</td></tr>`;
    })}</tbody>`,
  );
  return html`<section><h2 id="week">A test week, foreseen</h2><p>Every fan is a prediction from what was known at its left end, open loop: with the logged setpoints, weather and people, but no later temperature${manyZones ? ", except those of the zones next door" : ""}. ${words.slice(words.indexOf(";") + 2)}.</p><div class="scroll" role="region" tabindex="0" aria-label="Fan chart">${svgImage(p, p.frame + shapes + setpoint(heatingC, "heating") + setpoint(coolingC, "cooling") + measured, `${words}.`, "chart wide")}</div>${raw(`<p class="legend">${key("measured", "measured")}${key("fanMean", "foreseen")}${area("fan90", "5 to 95 %")}${area("fan80", "10 to 90 %")}${key("heating", "heating setpoint")}${key("cooling", "cooling setpoint")}</p>`)}<details><summary>The same as a table</summary>${table}</details></section>`;
};
