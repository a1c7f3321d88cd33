import type { ModelLiveView } from "#dashboards/server/wire";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import type { ChartCard } from "#dashboards/web/charts/chartCard";
import { type TimeDataset, timeChart } from "#dashboards/web/charts/timeChart";

type Content = Parameters<ChartCard["update"]>[0];

/** Zones are told apart by dashes, not by colour. */
const dashes = [[], [6, 4], [2, 3], [10, 4, 2, 4], [1, 5]];

/** Share of steps inside the 90 % interval over time, one line per zone, with the band in which it should be. */
export const coverageContent = (live: ModelLiveView, formats: Formats, lowestPct: number, highestPct: number): Content => {
  const zones = live.zones.filter(({ coverage }) => coverage.length > 0);
  if (zones.length === 0) return null;
  const last = zones.map(({ label, coverage }) => `${label} ${formats.pct(100 * coverage.at(-1)!.fraction)}`).join(", ");
  const times = [...new Set(zones.flatMap(({ coverage }) => coverage.map(({ timeMs }) => timeMs)))].sort((a, b) => b - a);
  const byZone = zones.map(({ coverage }) => new Map(coverage.map(({ timeMs, fraction }) => [timeMs, fraction])));
  const edge = (y: number) => [
    { x: live.fromMs, y },
    { x: live.toMs, y },
  ];
  return {
    lanes: {
      coverage: {
        description: t("model.coverageSpoken", { last }),
        config: (palette) =>
          timeChart({
            fromMs: live.fromMs,
            toMs: live.toMs,
            formats,
            palette,
            datasets: [
              {
                type: "line",
                label: "",
                data: edge(highestPct),
                borderColor: palette.bandEdge,
                borderWidth: 1,
                pointRadius: 0,
                fill: false,
              },
              {
                type: "line",
                label: "",
                data: edge(lowestPct),
                borderColor: palette.bandEdge,
                backgroundColor: palette.band,
                borderWidth: 1,
                pointRadius: 0,
                fill: "-1",
              },
              ...zones.map(
                ({ label, coverage }, i): TimeDataset => ({
                  type: "line",
                  label,
                  data: coverage.map(({ timeMs, fraction }) => ({ x: timeMs, y: 100 * fraction })),
                  borderColor: palette.measured,
                  borderDash: dashes[i % dashes.length]!,
                  borderWidth: 1.6,
                  pointRadius: 0,
                }),
              ),
            ],
            y: { suggestedMin: 60, max: 100, tick: (value) => formats.pct(value) },
            tooltipLabel: (name, value) => `${name} ${formats.pct(value, 1)}`,
          }),
      },
    },
    legend: [
      { mark: "band", text: t("model.coverageBand", { from: formats.pct(lowestPct), to: formats.pct(highestPct) }) },
      ...zones.map(({ label }, i) => ({ mark: `dash-${i % dashes.length}`, text: label })),
    ],
    tables: [
      {
        caption: t("model.coverageChart"),
        key: "model-coverage",
        columns: [t("plan.time"), ...zones.map(({ label }) => label)],
        rows: times.map((timeMs) => [
          { text: formats.dayAndClock(timeMs), value: timeMs },
          ...byZone.map((own) => {
            const fraction = own.get(timeMs);
            return fraction === undefined ? { text: "–" } : { text: formats.pct(100 * fraction, 1), value: fraction };
          }),
        ]),
      },
    ],
  };
};
