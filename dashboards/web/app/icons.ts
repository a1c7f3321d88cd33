import type { ComfortState, ControlSource } from "#dashboards/server/wire";
import { svg } from "#dashboards/web/app/dom";
import type { MessageKey } from "#dashboards/web/app/i18n";

const paths = {
  check: "M4.5 10.5l3.6 3.6 7.4-8",
  up: "M10 4.2l6.4 11.2H3.6z",
  down: "M10 15.8L3.6 4.6h12.8z",
  ring: "M10 4.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11z",
  question: "M7 7.4a3 3 0 1 1 4.4 2.6c-.9.5-1.4 1-1.4 2M10 15.2v.1",
  planner: "M3 14c3-8 5-8 7-4s4 4 7-4",
  rule: "M3.5 6h13M3.5 10h13M3.5 14h8",
  clock: "M10 3.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM10 6.5V10l2.5 1.8",
  person: "M10 3.6a3 3 0 1 0 0 6a3 3 0 1 0 0-6zM4.2 16.4c.6-3 2.8-4.6 5.8-4.6s5.2 1.6 5.8 4.6",
  play: "M6.5 4.5l9 5.5-9 5.5z",
  hold: "M7.3 5v10M12.7 5v10",
  building: "M4.5 16.5v-13h8v13M12.5 8.5h3v8M7.3 6.8h2.4M7.3 10h2.4M7.3 13.2h2.4",
  alert: "M10 3.4l7.4 12.8H2.6zM10 8v3.6M10 13.8v.1",
  sun: "M10 6.8a3.2 3.2 0 1 0 0 6.4a3.2 3.2 0 1 0 0-6.4zM10 2.2v1.6M10 16.2v1.6M2.2 10h1.6M16.2 10h1.6M4.5 4.5l1.1 1.1M14.4 14.4l1.1 1.1M4.5 15.5l1.1-1.1M14.4 5.6l1.1-1.1",
  moon: "M15.8 12.2A6.4 6.4 0 0 1 7.8 4.2a6.4 6.4 0 1 0 8 8z",
  auto: "M10 3.5a6.5 6.5 0 1 0 0 13zM10 3.5a6.5 6.5 0 0 1 0 13",
} as const;

export type IconName = keyof typeof paths;
const solid: ReadonlySet<IconName> = new Set<IconName>(["up", "down"]);

/** Decoration only: the word beside it carries the meaning. */
export const icon = (name: IconName): SVGElement =>
  svg(
    "svg",
    { class: solid.has(name) ? "icon icon-solid" : "icon", viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: paths[name] }),
  );

export const comfortWords: Readonly<Record<ComfortState, { readonly word: MessageKey; readonly icon: IconName; readonly tone: string }>> = {
  "in-band": { word: "comfortState.in-band", icon: "check", tone: "good" },
  "too-warm": { word: "comfortState.too-warm", icon: "up", tone: "warm" },
  "too-cold": { word: "comfortState.too-cold", icon: "down", tone: "cold" },
  empty: { word: "comfortState.empty", icon: "ring", tone: "quiet" },
  unknown: { word: "comfortState.unknown", icon: "question", tone: "unknown" },
};

export const sourceWords: Readonly<Record<ControlSource, { readonly word: MessageKey; readonly icon: IconName }>> = {
  mppi: { word: "source.mppi", icon: "planner" },
  rule: { word: "source.rule", icon: "rule" },
  schedule: { word: "source.schedule", icon: "clock" },
  hold: { word: "source.hold", icon: "hold" },
  override: { word: "source.override", icon: "person" },
  relinquish: { word: "source.relinquish", icon: "building" },
};
