import type { StatusView } from "#dashboards/server/wire";
import { fill, h } from "#dashboards/web/app/dom";
import { type Formats, missing } from "#dashboards/web/app/format";

const influxWords: Readonly<Record<StatusView["influx"]["state"], string>> = {
  off: "not used",
  delivering: "up to date",
  "catching-up": "catching up",
  unreachable: "unreachable",
};

const row = (term: string, value: string, bad = false): HTMLElement =>
  h("div", { class: "fact" }, h("dt", {}, term), h("dd", { class: bad ? "fact-bad" : null }, bad ? `! ${value}` : value));

/** What the daemon says of itself: sources and their ages, connections, model. */
export const systemCard = (formats: Formats): { readonly element: HTMLElement; show(status: StatusView): void } => {
  const facts = h("dl", { class: "facts" });
  return {
    element: h("section", { class: "card" }, h("h2", {}, "System"), facts),
    show: (status) => {
      const refused = Object.entries(status.refusedCounts).filter(([, count]) => count > 0);
      fill(
        facts,
        ...status.sources.map(({ name, lastSeenMs, maxAgeS }) => {
          const ageS = lastSeenMs === null ? null : Math.max(0, (status.nowMs - lastSeenMs) / 1000);
          return row(name, ageS === null ? "nothing yet" : `${formats.age(ageS)} old`, ageS === null || ageS > maxAgeS);
        }),
        ...(status.forecast?.sources ?? []).flatMap(({ name, state, trouble }) =>
          trouble === null ? [] : [row(`Forecast of ${name}`, `${state === "failed" ? "not usable" : "not read anew"}: ${trouble}`, true)],
        ),
        ...(status.forecast?.licence == null ? [] : [row("Weather data", status.forecast.licence)]),
        row("Broker", status.brokerConnected ? "connected" : "not connected", !status.brokerConnected),
        row(
          "InfluxDB",
          status.influx.backlogRows > 0
            ? `${influxWords[status.influx.state]}, ${formats.number(status.influx.backlogRows)} rows behind`
            : influxWords[status.influx.state],
          status.influx.state === "unreachable",
        ),
        row("Controller", status.controller),
        row("Model", status.modelVersion ?? "none yet"),
        row("Computed by", status.backend ?? missing),
        row("Last cycle", formats.dayAndClock(status.lastTickMs)),
        row(
          "Refused values",
          refused.length === 0 ? "none" : refused.map(([reason, count]) => `${formats.number(count)} ${reason}`).join(", "),
        ),
      );
    },
  };
};
