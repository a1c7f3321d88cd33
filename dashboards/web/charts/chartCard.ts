import { button, fill, h } from "#dashboards/web/app/dom";
import { t } from "#dashboards/web/app/i18n";
import { onThemeChange } from "#dashboards/web/app/theme";
import type { Chart } from "#dashboards/web/charts/drawing";
import { type Palette, readPalette } from "#dashboards/web/charts/palette";
import type { TimeChartConfig } from "#dashboards/web/charts/timeChart";

export interface Lane {
  readonly id: string;
  /** Shown above the lane where a card has several. */
  readonly title?: string;
  readonly size: "tall" | "medium" | "low";
}

export interface LaneContent {
  /** What a person who cannot see the picture should hear. */
  readonly description: string;
  readonly config: (palette: Palette) => TimeChartConfig;
}

export interface TableCell {
  readonly text: string;
  /** The number exactly as stored. */
  readonly value?: number | string;
}

export interface TableContent {
  readonly caption: string;
  readonly key: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly TableCell[])[];
}

export interface LegendEntry {
  readonly mark: string;
  readonly text: string;
}

export interface ChartCard {
  readonly element: HTMLElement;
  /** Null shows `empty` instead of the picture. */
  update(
    content: {
      readonly lanes: Readonly<Record<string, LaneContent>>;
      readonly tables: readonly TableContent[];
      readonly legend: readonly LegendEntry[];
    } | null,
  ): void;
  destroy(): void;
}

const tableElement = ({ caption, key, columns, rows }: TableContent): HTMLElement =>
  h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      { "data-table": key },
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...columns.map((column) => h("th", { scope: "col" }, column)))),
      h(
        "tbody",
        {},
        ...rows.map((row) =>
          h(
            "tr",
            {},
            ...row.map((cell, i) =>
              i === 0
                ? h("th", { scope: "row", "data-value": cell.value }, cell.text)
                : h("td", { "data-column": columns[i], "data-value": cell.value }, cell.text),
            ),
          ),
        ),
      ),
    ),
  );

/** Loaded with the first picture; a load that failed is tried again with the next one. */
let drawing: typeof Chart | null = null;
let loading: Promise<typeof Chart> | null = null;
const loadDrawing = (): Promise<typeof Chart> => {
  loading ??= import("#dashboards/web/charts/drawing").then(
    (module) => {
      drawing = module.Chart;
      return drawing;
    },
    (error: unknown) => {
      loading = null;
      throw error;
    },
  );
  return loading;
};

/** A figure of one or more charts over the same time, with a legend in words and a table that holds the same numbers. */
export const createChartCard = (options: {
  readonly title: string;
  readonly lanes: readonly Lane[];
  readonly empty: string;
  readonly aside?: HTMLElement;
}): ChartCard => {
  const lanes = options.lanes.map((lane) => {
    const canvas = h("canvas", { role: "img", "aria-label": t("chart.loading", { title: options.title }), "data-lane": lane.id });
    const box = h("div", { class: `lane lane-${lane.size}` }, canvas);
    return { ...lane, canvas, box, chart: null as Chart | null, content: null as LaneContent | null };
  });
  const legend = h("ul", { class: "legend" });
  const pictures = h(
    "div",
    { class: "lanes" },
    ...lanes.flatMap(({ title, box }) =>
      title === undefined ? [box] : [h("p", { class: "lane-title", "aria-hidden": "true" }, title), box],
    ),
  );
  const tables = h("div", { class: "chart-tables", hidden: true });
  const empty = h("p", { class: "empty", hidden: true }, options.empty);
  const failure = h("p", { class: "empty", hidden: true }, t("chart.failed"));
  const skeleton = h("div", { class: "skeleton skeleton-chart", "aria-hidden": "true" });
  let shownTables: readonly TableContent[] = [];
  let asTable = false;
  const toggle = button(
    { class: "button-quiet", "aria-expanded": "false" },
    () => {
      asTable = !asTable;
      toggle.setAttribute("aria-expanded", String(asTable));
      toggle.textContent = t(asTable ? "chart.hide" : "chart.show");
      tables.hidden = !asTable;
      showTables();
    },
    t("chart.show"),
  );
  toggle.hidden = true;
  const showTables = (): void => {
    if (!asTable) return;
    const scrolled = [...tables.children].map((child) => [child.scrollTop, child.scrollLeft] as const);
    const focused = [...tables.children].indexOf(document.activeElement as Element);
    fill(tables, ...shownTables.map(tableElement));
    for (const [i, child] of [...tables.children].entries()) child.scrollTo(scrolled[i]?.[1] ?? 0, scrolled[i]?.[0] ?? 0);
    (tables.children[focused] as HTMLElement | undefined)?.focus({ preventScroll: true });
  };
  let destroyed = false;
  const draw = (): void => {
    if (destroyed || lanes.every(({ content }) => content === null)) return;
    if (drawing === null) {
      loadDrawing().then(draw, () => {
        skeleton.hidden = true;
        failure.hidden = false;
      });
      return;
    }
    skeleton.hidden = true;
    failure.hidden = true;
    pictures.hidden = false;
    const palette = readPalette();
    for (const lane of lanes) {
      if (lane.content === null) continue;
      const config = lane.content.config(palette);
      // Plugins are fixed when a chart is made, and ours close over the data: a new chart each time is simplest and costs a few milliseconds.
      lane.chart?.destroy();
      lane.chart = new drawing(lane.canvas, config);
    }
  };
  pictures.hidden = true;
  const unsubscribe = onThemeChange(draw);
  return {
    element: h(
      "section",
      { class: "card chart-card" },
      h("div", { class: "card-head" }, h("h2", {}, options.title), options.aside ?? null, toggle),
      skeleton,
      empty,
      failure,
      pictures,
      legend,
      tables,
    ),
    update: (content) => {
      skeleton.hidden = content === null || drawing !== null;
      empty.hidden = content !== null;
      pictures.hidden = content === null || drawing === null;
      legend.hidden = content === null;
      toggle.hidden = content === null;
      if (content === null) {
        for (const lane of lanes) lane.content = null;
        failure.hidden = true;
        tables.hidden = true;
        return;
      }
      tables.hidden = !asTable;
      for (const lane of lanes) {
        lane.content = content.lanes[lane.id] ?? null;
        if (lane.content !== null) lane.canvas.setAttribute("aria-label", lane.content.description);
      }
      for (const lane of lanes) lane.box.hidden = lane.content === null;
      fill(
        legend,
        ...content.legend.map(({ mark, text }) => h("li", {}, h("span", { class: `mark mark-${mark}`, "aria-hidden": "true" }), text)),
      );
      shownTables = content.tables;
      draw();
      showTables();
    },
    destroy: () => {
      destroyed = true;
      unsubscribe();
      for (const lane of lanes) lane.chart?.destroy();
    },
  };
};
