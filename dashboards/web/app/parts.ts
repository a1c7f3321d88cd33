import type { ComfortState, ControlSource } from "#dashboards/server/wire";
import { button, type Child, h } from "#dashboards/web/app/dom";
import { t } from "#dashboards/web/app/i18n";
import { comfortWords, icon, sourceWords } from "#dashboards/web/app/icons";

/** Icon and word: never colour alone. */
export const stateBadge = (state: ComfortState): HTMLElement => {
  const { word, icon: name, tone } = comfortWords[state];
  return h("span", { class: `badge tone-${tone}`, "data-state": state }, icon(name), t(word));
};

export const sourceBadge = (source: ControlSource | null): HTMLElement => {
  if (source === null) return h("span", { class: "source" }, icon("question"), t("source.nobody"));
  const { word, icon: name } = sourceWords[source];
  return h("span", { class: "source", "data-source": source }, icon(name), t(word));
};

export interface Choice<T> {
  readonly value: T;
  readonly text: string;
}

/** A row of buttons of which one is pressed. */
export const segmented = <T>(label: string, choices: readonly Choice<T>[], chosen: T, onChoose: (value: T) => void): HTMLElement => {
  const buttons = choices.map(({ value, text }) =>
    button(
      { class: "segment", "aria-pressed": String(value === chosen) },
      () => {
        for (const [i, other] of buttons.entries()) other.setAttribute("aria-pressed", String(choices[i]!.value === value));
        onChoose(value);
      },
      text,
    ),
  );
  return h("div", { class: "segmented", role: "group", "aria-label": label }, ...buttons);
};

export const stat = (
  term: Child,
  value: Child,
  note: Child = null,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
): HTMLElement =>
  h(
    "div",
    { class: "stat", ...attributes },
    h("dt", {}, term),
    h("dd", { class: "stat-value" }, value),
    note === null || note === "" ? null : h("dd", { class: "stat-note" }, note),
  );

export const pageHead = (
  title: string,
  lead: HTMLElement,
  ...aside: readonly Child[]
): { readonly element: HTMLElement; readonly heading: HTMLElement } => {
  const heading = h("h1", { tabindex: -1 }, title);
  return { element: h("header", { class: "page-head" }, h("div", { class: "page-head-text" }, heading, lead), ...aside), heading };
};
