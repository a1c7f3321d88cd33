import type { ChartConfiguration, ChartDataset, Plugin } from "chart.js";
import type { Formats } from "#dashboards/web/app/format";
import type { Palette } from "#dashboards/web/charts/palette";

export interface XY {
  readonly x: number;
  readonly y: number;
}
export type TimeDataset = ChartDataset<"line" | "bar", XY[]>;
export type TimeChartConfig = ChartConfiguration<"line" | "bar", XY[]>;

const hourMs = 3_600_000;
const axisWidthPx = 54;

/** Ticks at whole local hours of the site: the adapter itself only knows the browser's time zone. */
export const localTicks = (fromMs: number, toMs: number, formats: Formats, widthPx: number): number[] => {
  const most = Math.max(2, Math.floor(widthPx / 62));
  const stepHours = [1, 2, 3, 4, 6, 12, 24, 48, 96, 168].find((hours) => (toMs - fromMs) / (hours * hourMs) <= most) ?? 336;
  const ticks: number[] = [];
  const quarterMs = hourMs / 4;
  let day = 0;
  for (let at = Math.ceil(fromMs / quarterMs) * quarterMs; at <= toMs; at += quarterMs) {
    const hour = formats.localHour(at);
    if (hour % 1 !== 0) continue;
    if (hour === 0) day++;
    if (stepHours < 24 ? hour % stepHours === 0 : hour === 0 && (day - 1) % (stepHours / 24) === 0) ticks.push(at);
    at += hourMs - quarterMs;
  }
  return ticks;
};

const minLabelPx = 56;

/** Own ticks, every n-th of them where there is not room for all. */
const thinned = (own: readonly number[] | undefined, widthPx: number, fallback: readonly number[]): readonly number[] => {
  if (own === undefined) return fallback;
  const every = Math.max(1, Math.ceil((own.length * minLabelPx) / Math.max(1, widthPx)));
  return own.filter((_, i) => i % every === 0);
};

export interface TimeChartOptions {
  readonly fromMs: number;
  readonly toMs: number;
  readonly formats: Formats;
  readonly palette: Palette;
  readonly datasets: TimeDataset[];
  readonly plugins?: Plugin<"line" | "bar">[];
  readonly y: {
    readonly min?: number;
    readonly max?: number;
    readonly suggestedMin?: number;
    readonly suggestedMax?: number;
    readonly tick: (value: number) => string;
    readonly maxTicks?: number;
  };
  readonly tooltipLabel: (datasetLabel: string, value: number) => string;
  readonly tooltipTitle?: (timeMs: number) => string;
  readonly hideX?: boolean;
  /** Labelled instants instead of whole hours. */
  readonly ticks?: readonly { readonly timeMs: number; readonly text: string }[];
}

/** A chart over time that lines up with others of the same range: fixed axis width, ticks in the site's time zone. */
export const timeChart = (options: TimeChartOptions): TimeChartConfig => {
  const { fromMs, toMs, formats, palette, y } = options;
  const font = { family: getComputedStyle(document.body).fontFamily, size: 12 };
  const longRange = toMs - fromMs > 60 * hourMs;
  return {
    type: "line",
    data: { datasets: options.datasets },
    plugins: options.plugins ?? [],
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      parsing: false,
      normalized: true,
      interaction: { mode: "nearest", axis: "x", intersect: false },
      layout: { autoPadding: false, padding: { top: 8, right: 20, left: 0, bottom: 0 } },
      scales: {
        x: {
          type: "time",
          min: fromMs,
          max: toMs,
          // Room for the outermost labels would differ from chart to chart: lanes would no longer line up.
          afterFit: (axis) => {
            axis.paddingLeft = 0;
            axis.paddingRight = 0;
          },
          afterBuildTicks: (axis) => {
            const own = options.ticks?.map(({ timeMs }) => timeMs);
            axis.ticks = thinned(own, axis.width, localTicks(fromMs, toMs, formats, axis.width)).map((value) => ({ value }));
          },
          ticks: {
            display: options.hideX !== true,
            color: palette.muted,
            font,
            maxRotation: 0,
            padding: 6,
            autoSkip: false,
            callback: (value) => {
              const timeMs = Number(value);
              const own = options.ticks?.find((tick) => tick.timeMs === timeMs);
              if (own !== undefined) return own.text;
              const midnight = formats.localHour(timeMs) === 0;
              return midnight || longRange ? formats.shortDay(timeMs) : formats.clock(timeMs);
            },
          },
          grid: { color: palette.line, drawTicks: false },
          border: { color: palette.line },
        },
        y: {
          ...(y.min === undefined ? {} : { min: y.min }),
          ...(y.max === undefined ? {} : { max: y.max }),
          ...(y.suggestedMin === undefined ? {} : { suggestedMin: y.suggestedMin }),
          ...(y.suggestedMax === undefined ? {} : { suggestedMax: y.suggestedMax }),
          afterFit: (axis) => {
            axis.width = axisWidthPx;
          },
          ticks: { color: palette.muted, font, maxTicksLimit: y.maxTicks ?? 6, callback: (value) => y.tick(Number(value)) },
          grid: { color: palette.line, drawTicks: false },
          border: { display: false },
        },
      },
      plugins: {
        tooltip: {
          backgroundColor: palette.ink,
          titleColor: palette.surface,
          bodyColor: palette.surface,
          titleFont: { ...font, weight: 600 },
          bodyFont: font,
          padding: 10,
          cornerRadius: 6,
          displayColors: false,
          filter: (item) => item.dataset.label !== undefined && item.dataset.label !== "",
          callbacks: {
            title: (items) => {
              const timeMs = items[0]?.parsed.x;
              return timeMs === undefined || timeMs === null ? "" : (options.tooltipTitle ?? formats.dayAndClock)(timeMs);
            },
            label: (item) => options.tooltipLabel(item.dataset.label ?? "", item.parsed.y ?? Number.NaN),
          },
        },
      },
    },
  } as TimeChartConfig;
};

/** Values that hold over a step, as a line with corners: both ends of every step. */
export const stepLine = (steps: readonly { readonly startMs: number; readonly endMs: number; readonly value: number }[]): XY[] =>
  steps.flatMap(({ startMs, endMs, value }) => [
    { x: startMs, y: value },
    { x: endMs, y: value },
  ]);
