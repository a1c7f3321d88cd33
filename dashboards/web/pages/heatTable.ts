import { h } from "#dashboards/web/app/dom";

export interface HeatTable {
  readonly caption: string;
  readonly corner: string;
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    readonly cells: readonly { readonly value: number | null; readonly text: string; readonly spoken: string }[];
  }[];
  /** Narrow cells: the number is shown only where it is not zero. */
  readonly dense: boolean;
  readonly key: string;
  /** What of a value the shade follows; the value itself unless set. */
  readonly shade?: (value: number) => number;
}

/** Shows as zero. */
const smallest = 0.005;

/** Shade 0 to 5 of a value: by share of the largest one, so that the worst always stands out. */
const shadeOf = (value: number | null, most: number): string =>
  value === null ? "none" : value < smallest || most <= 0 ? "0" : String(Math.max(1, Math.ceil((5 * value) / most)));

/** A heat map that is a table: every cell holds its number, the shade only helps to find the large ones. */
export const heatTable = ({ caption, corner, columns, rows, dense, key, shade = (value) => value }: HeatTable): HTMLElement => {
  const most = Math.max(0, ...rows.flatMap((row) => row.cells.map((cell) => shade(cell.value ?? 0))));
  return h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      { class: dense ? "heat heat-dense" : "heat", "data-table": key },
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, corner), ...columns.map((column) => h("th", { scope: "col" }, column)))),
      h(
        "tbody",
        {},
        ...rows.map((row) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, row.name),
            ...row.cells.map(({ value, text, spoken }) =>
              h(
                "td",
                { class: `shade shade-${shadeOf(value === null ? null : shade(value), most)}`, "data-value": value, title: spoken },
                dense && (value === null || shade(value) < smallest) ? h("span", { class: "visually-hidden" }, text) : text,
              ),
            ),
          ),
        ),
      ),
    ),
  );
};
