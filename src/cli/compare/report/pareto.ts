import { fixed, ticks } from "#cli/compare/report/format";
import { escapeHtml, type Html, raw } from "#cli/compare/report/html";
import { markOf, markSvg } from "#cli/compare/report/palette";
import { type CaseResult, keptViolationPct, type Summary } from "#cli/compare/results";

const WIDTH = 560;
const HEIGHT = 380;
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 18, 18, 50];
const violationTicks = [0, 0.5, 1, 2, 5, 10, 20, 30, 50, 70, 100];

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

/** Places each label at the first of eight sides where it covers neither a mark nor another label. */
function labels(points: readonly Placed[]): string {
  const taken: { x: number; y: number; w: number; h: number }[] = points.map(({ x, y }) => ({ x: x - 7, y: y - 7, w: 14, h: 14 }));
  return points
    .map(({ x, y, label }) => {
      const w = 7.5 * label.length + 2;
      const h = 13;
      const boxes = [1, 2.1, 3.2].flatMap((far) =>
        [
          [9, -h / 2],
          [-w / 2, -9 - h],
          [-9 - w, -h / 2],
          [-w / 2, 9],
          [8, -8 - h],
          [8, 8],
          [-8 - w, -8 - h],
          [-8 - w, 8],
        ].map(([dx, dy]) => ({ x: x + dx! * far, y: y + dy! * far, w, h, far })),
      );
      const isFree = (box: (typeof boxes)[number]): boolean =>
        box.x > LEFT &&
        box.x + w < WIDTH &&
        box.y > 0 &&
        box.y + h < HEIGHT - BOTTOM + 4 &&
        taken.every((other) => box.x > other.x + other.w || other.x > box.x + w || box.y > other.y + other.h || other.y > box.y + h);
      const box = boxes.find(isFree) ?? boxes[0]!;
      taken.push(box);
      const leader =
        box.far > 1
          ? `<path d="M${x.toFixed(1)} ${y.toFixed(1)}L${(box.x + w / 2).toFixed(1)} ${(box.y + h / 2).toFixed(1)}" stroke="#9ca3af" stroke-width=".7"/>`
          : "";
      return `${leader}<text class="n" x="${(box.x + w / 2).toFixed(1)}" y="${(box.y + h - 2.5).toFixed(1)}" text-anchor="middle">${escapeHtml(label)}</text>`;
    })
    .join("");
}

/** No other is better in one figure without being worse in the other. */
export const isEfficient = (one: Summary, all: readonly Summary[]): boolean => {
  const [comfort, energy] = [one.figures.comfortViolationPct.mean, energyOf(one)];
  return !all.some((other) => {
    const [c, e] = [other.figures.comfortViolationPct.mean, energyOf(other)];
    return c <= comfort && e <= energy && (c < comfort || e < energy);
  });
};
const energyOf = ({ figures }: Summary): number => figures.hvacElectricityKwh.mean + figures.fuelKwh.mean;

/** Comfort against energy: each controller's mean over its seeds, with a cross from its best to its worst seed; numbers are the rows of the table. */
export function paretoChart({ title, summaries, published }: CaseResult): Html {
  const shown = summaries.map((summary, i) => ({ summary, row: i + 1 })).filter(({ summary }) => summary.seeds.length > 0);
  const others = published?.sameEngine === true ? published.rows : [];
  const energies = [
    ...shown.flatMap(({ summary: { figures } }) => [
      figures.hvacElectricityKwh.min + figures.fuelKwh.min,
      figures.hvacElectricityKwh.worst + figures.fuelKwh.worst,
    ]),
    ...others.map((row) => row.hvacElectricityKwh),
  ];
  const violations = [
    ...shown.map(({ summary }) => summary.figures.comfortViolationPct.worst),
    ...others.map((row) => row.comfortViolationPct),
  ];
  const xTicks = ticks(Math.min(...energies), Math.max(...energies), 5);
  const top = violationTicks.find((tick) => tick >= Math.max(...violations, 1)) ?? 100;
  const [first, last] = [xTicks[0]!, xTicks.at(-1)!];
  const x = (kwh: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * (kwh - first)) / (last - first);
  // A root: half a percent and forty both have to be seen.
  const y = (pct: number): number => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Math.sqrt(pct / top);
  const grid = [
    ...xTicks.map(
      (tick) =>
        `<path class="g" d="M${x(tick).toFixed(1)} ${TOP}V${HEIGHT - BOTTOM}"/><text x="${x(tick).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${fixed(tick, Number.isInteger(tick) ? 0 : 1)}</text>`,
    ),
    ...violationTicks
      .filter((tick) => tick <= top && !(tick === 1 && top > 10) && !(tick === 0.5 && top > 30))
      .map(
        (tick) =>
          `<path class="g" d="M${LEFT} ${y(tick).toFixed(1)}H${WIDTH - RIGHT}"/><text x="${LEFT - 8}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${tick}</text>`,
      ),
  ].join("");
  const efficient = shown
    .filter(({ summary }) =>
      isEfficient(
        summary,
        shown.map((one) => one.summary),
      ),
    )
    .sort((a, b) => energyOf(a.summary) - energyOf(b.summary));
  const front =
    efficient.length < 2
      ? ""
      : `<path d="M${efficient.map(({ summary }) => `${x(energyOf(summary)).toFixed(1)} ${y(summary.figures.comfortViolationPct.mean).toFixed(1)}`).join("L")}" fill="none" stroke="#9ca3af" stroke-dasharray="2 3" stroke-width="1.5"/>`;
  const kept = `<path d="M${LEFT} ${y(keptViolationPct).toFixed(1)}H${WIDTH - RIGHT}" stroke="#166534" stroke-dasharray="6 4"/><text x="${WIDTH - RIGHT - 4}" y="${(y(keptViolationPct) - 5).toFixed(1)}" text-anchor="end" fill="#166534">comfort kept below (${keptViolationPct} %)</text>`;
  const publishedMarks = others
    .map(
      (row) =>
        `<rect x="${(x(row.hvacElectricityKwh) - 4).toFixed(1)}" y="${(y(row.comfortViolationPct) - 4).toFixed(1)}" width="8" height="8" fill="none" stroke="#9ca3af" stroke-width="1.5" transform="rotate(45 ${x(row.hvacElectricityKwh).toFixed(1)} ${y(row.comfortViolationPct).toFixed(1)})"><title>${escapeHtml(`published: ${row.controller}`)}</title></rect>`,
    )
    .join("");
  const points = shown.map(({ summary, row }) => ({
    summary,
    row,
    x: x(energyOf(summary)),
    y: y(summary.figures.comfortViolationPct.mean),
  }));
  const marks = points
    .map(({ summary, row, ...at }) => {
      const { comfortViolationPct: c, hvacElectricityKwh: e, fuelKwh: f } = summary.figures;
      const spread =
        summary.seeds.length < 2
          ? ""
          : `<path d="M${x(e.min + f.min).toFixed(1)} ${at.y.toFixed(1)}H${x(e.worst + f.worst).toFixed(1)}M${at.x.toFixed(1)} ${y(c.min).toFixed(1)}V${y(c.worst).toFixed(1)}" stroke="${markOf(summary.setting.controller).colour}" stroke-width="1.2"/>`;
      return `<g>${spread}${markSvg(markOf(summary.setting.controller), at.x, at.y, 6)}<title>${escapeHtml(`${row} ${summary.controller}: ${fixed(c.mean, 2)} % outside comfort, ${fixed(e.mean + f.mean, 1)} kWh`)}</title></g>`;
    })
    .join("");
  const text = `Comfort against energy, ${title}. ${shown.map(({ summary, row }) => `${row} ${summary.controller}: ${fixed(summary.figures.comfortViolationPct.mean, 2)} percent outside, ${fixed(energyOf(summary), 0)} kWh`).join("; ")}.`;
  return raw(
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(text)}">${grid}${kept}${front}${publishedMarks}${marks}${labels(points.map(({ row, ...at }) => ({ ...at, label: String(row) })))}<text class="t" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">Energy, kWh</text><text class="t" transform="translate(13 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">Outside comfort, % (root scale)</text></svg>`,
  );
}
