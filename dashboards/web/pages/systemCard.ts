import type { StatusView } from "#dashboards/server/wire";
import { fill, h } from "#dashboards/web/app/dom";
import { type Formats, missing } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";

const row = (term: string, value: string, bad = false): HTMLElement =>
  h("div", { class: "fact" }, h("dt", {}, term), h("dd", { class: bad ? "fact-bad" : null }, bad ? `! ${value}` : value));

/** The daemon names its sources in English. */
const sourceKeys = [
  [/^Zone temperatures$/, "sourceOf.zones"],
  [/^Outdoor temperature$/, "sourceOf.outdoors"],
  [/^HVAC meter$/, "sourceOf.meter"],
  [/^Forecast \((?<name>.*)\)$/s, "sourceOf.forecast"],
] as const;

/** A source's name in the reader's language; an unknown one stands as it is. */
export const sourceName = (name: string): string => {
  for (const [pattern, key] of sourceKeys) {
    const match = pattern.exec(name);
    if (match !== null) return t(key, match.groups ?? {});
  }
  return name;
};

/** What the daemon says of itself: sources and their ages, connections, model. */
export const systemCard = (
  formats: Formats,
  { title, sources }: { readonly title: string; readonly sources: boolean } = { title: t("system.title"), sources: true },
): { readonly element: HTMLElement; show(status: StatusView): void } => {
  const facts = h("dl", { class: "facts" });
  return {
    element: h("section", { class: "card" }, h("h2", {}, title), facts),
    show: (status) => {
      const refused = Object.entries(status.refusedCounts).filter(([, count]) => count > 0);
      fill(
        facts,
        ...(sources ? status.sources : []).map(({ name, lastSeenMs, maxAgeS }) => {
          const ageS = lastSeenMs === null ? null : Math.max(0, (status.nowMs - lastSeenMs) / 1000);
          return row(
            sourceName(name),
            ageS === null ? t("facts.nothingYet") : t("facts.old", { age: formats.age(ageS) }),
            ageS === null || ageS > maxAgeS,
          );
        }),
        ...(status.forecast?.sources ?? []).flatMap(({ name, state, trouble }) =>
          trouble === null
            ? []
            : [
                row(
                  t("facts.forecastOf", { name }),
                  `${t(state === "failed" ? "facts.notUsable" : "facts.notReadAnew")}: ${trouble}`,
                  true,
                ),
              ],
        ),
        ...(status.forecast?.licence == null ? [] : [row(t("facts.weatherData"), status.forecast.licence)]),
        row(t("facts.broker"), t(status.brokerConnected ? "facts.connected" : "facts.notConnected"), !status.brokerConnected),
        row(
          t("facts.influx"),
          status.influx.backlogRows > 0
            ? t("facts.behind", { state: t(`facts.${status.influx.state}`), rows: formats.number(status.influx.backlogRows) })
            : t(`facts.${status.influx.state}`),
          status.influx.state === "unreachable",
        ),
        row(t("facts.controller"), status.controller),
        row(t("why.model"), status.modelVersion ?? t("facts.noneYet")),
        row(t("facts.computedBy"), status.backend ?? missing),
        row(t("facts.lastCycle"), formats.dayAndClock(status.lastTickMs)),
        row(
          t("facts.refused"),
          refused.length === 0 ? t("facts.none") : refused.map(([reason, count]) => `${formats.number(count)} ${reason}`).join(", "),
        ),
      );
    },
  };
};
