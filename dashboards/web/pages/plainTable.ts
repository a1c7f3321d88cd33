import { h } from "#dashboards/web/app/dom";

/** A table that scrolls sideways where it has to, reachable by keyboard. */
export const plainTable = (key: string, caption: string, columns: readonly string[], rows: readonly HTMLElement[]): HTMLElement =>
  h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      { class: "plain-table", "data-table": key },
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, ...columns.map((column) => h("th", { scope: "col" }, column)))),
      h("tbody", {}, ...rows),
    ),
  );
