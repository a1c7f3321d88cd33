import { fixed, ticks } from "#cli/compare/report/format";
import { escapeHtml, type Html, raw } from "#cli/compare/report/html";

export interface Axis {
  readonly label: string;
  /** Values at which there is a line and a number. */
  readonly at: readonly number[];
  readonly text?: (value: number) => string;
}

export interface Plot {
  readonly width: number;
  readonly height: number;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  /** Grid, numbers and labels. */
  readonly frame: string;
}

const LEFT = 52;
const RIGHT = 14;
const TOP = 26;
const BOTTOM = 44;

/** Decimals that tell ticks apart. */
const decimalsOf = (at: readonly number[]): number => {
  const step = at.length < 2 ? 1 : Math.abs(at[1]! - at[0]!);
  return step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
};

/** Grid and scales of a chart whose axes run from their first to their last tick. */
export const plot = (width: number, height: number, x: Axis, y: Axis): Plot => {
  const scale = (axis: Axis, from: number, to: number) => {
    const [first, last] = [axis.at[0]!, axis.at.at(-1)!];
    return (value: number): number => from + ((to - from) * (value - first)) / (last - first || 1);
  };
  const sx = scale(x, LEFT, width - RIGHT);
  const sy = scale(y, height - BOTTOM, TOP);
  const number = (axis: Axis, value: number): string => axis.text?.(value) ?? fixed(value, decimalsOf(axis.at));
  const rows = y.at
    .map((value) => {
      const at = sy(value).toFixed(1);
      return `<path class="g" d="M${LEFT} ${at}H${width - RIGHT}"/><text x="${LEFT - 7}" y="${Number(at) + 4}" text-anchor="end">${number(y, value)}</text>`;
    })
    .join("");
  const columns = x.at
    .map(
      (value) =>
        `<path class="g" d="M${sx(value).toFixed(1)} ${TOP}V${height - BOTTOM}"/><text x="${sx(value).toFixed(1)}" y="${height - BOTTOM + 17}" text-anchor="middle">${number(x, value)}</text>`,
    )
    .join("");
  const labels = `<text class="t" x="4" y="15">${escapeHtml(y.label)}</text><text class="t" x="${width - RIGHT}" y="${height - 6}" text-anchor="end">${escapeHtml(x.label)}</text>`;
  return { width, height, x: sx, y: sy, frame: rows + columns + labels };
};

/** Ticks around all finite values; some room where they are all alike. */
export const axisTicks = (values: readonly number[], count: number, include: readonly number[] = []): readonly number[] => {
  const all = [...values, ...include].filter(Number.isFinite);
  if (all.length === 0) return [0, 1];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return low === high ? ticks(low - 0.5, high + 0.5, count) : ticks(low, high, count);
};

/** A line through points; missing ones break it. */
export const line = (points: readonly (readonly [number, number])[], className: string): string => {
  let path = "";
  let pen = false;
  for (const [x, y] of points) {
    if (Number.isFinite(x) && Number.isFinite(y)) path += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = Number.isFinite(x) && Number.isFinite(y);
  }
  return path === "" ? "" : `<path class="l ${className}" d="${path}"/>`;
};

/** The area between two curves over the same x. */
export const band = (xs: readonly number[], lower: readonly number[], upper: readonly number[], className: string): string => {
  const at =
    (values: readonly number[]) =>
    (i: number): string =>
      `${xs[i]!.toFixed(1)} ${values[i]!.toFixed(1)}`;
  const steps = xs.map((_, i) => i);
  return `<path class="${className}" d="M${steps.map(at(upper)).join("L")}L${steps.reverse().map(at(lower)).join("L")}Z"/>`;
};

export type Shape = "circle" | "square" | "triangle";

/** A mark told apart by its shape as well as its colour. */
export const mark = (x: number, y: number, shape: Shape, className: string): string => {
  const [cx, cy] = [x.toFixed(1), y.toFixed(1)];
  if (shape === "circle") return `<circle class="${className}" cx="${cx}" cy="${cy}" r="4.5"/>`;
  if (shape === "square") return `<rect class="${className}" x="${(x - 4).toFixed(1)}" y="${(y - 4).toFixed(1)}" width="8" height="8"/>`;
  return `<path class="${className}" d="M${cx} ${(y - 5.5).toFixed(1)}l5.2 9.5h-10.4z"/>`;
};

export interface Series {
  readonly name: string;
  readonly shape: Shape;
  /** 1 to 3: colour. */
  readonly colour: 1 | 2 | 3;
}

/** Which mark is which series. */
export const legend = (series: readonly Series[], more = ""): Html =>
  raw(
    `<p class="legend">${series
      .map(
        ({ name, shape, colour }) =>
          `<span><svg viewBox="0 0 30 12" width="30" height="12" aria-hidden="true"><path class="l s${colour}" d="M0 6H30"/>${mark(15, 6, shape, `f${colour}`)}</svg> ${escapeHtml(name)}</span>`,
      )
      .join("")}${more}</p>`,
  );

/** A chart as an image that says in words what it shows. */
export const svgImage = ({ width, height }: Pick<Plot, "width" | "height">, content: string, words: string, className = "chart"): Html =>
  raw(
    `<svg class="${className}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(words)}"><title>${escapeHtml(words)}</title>${content}</svg>`,
  );
