import type { SavingsView } from "#dashboards/server/wire";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import type { ChartCard } from "#dashboards/web/charts/chartCard";
import { stepLine, type TimeDataset, timeChart } from "#dashboards/web/charts/timeChart";

const dayMs = 86_400_000;

/** Measured energy of each day as bars, the baseline as a line of steps above or below them. Days that do not count are left out. */
export const savingsContent = (view: SavingsView, formats: Formats): Parameters<ChartCard["update"]>[0] => {
  const days = view.days.filter(({ excluded, baselineKwh }) => excluded === null && baselineKwh !== null);
  if (days.length === 0 || view.total === null) return null;
  const baseline = (day: (typeof days)[number]): number => day.baselineKwh! + day.adjustmentKwh;
  return {
    lanes: {
      savings: {
        description: t("savings.spoken", {
          actual: formats.energyKwh(view.total.actualKwh),
          baseline: formats.energyKwh(view.total.baselineKwh),
          days: formats.number(days.length),
        }),
        config: (palette) =>
          timeChart({
            fromMs: days[0]!.startMs,
            toMs: days.at(-1)!.startMs + dayMs,
            formats,
            palette,
            datasets: [
              {
                type: "line",
                label: t("savings.baseline"),
                data: stepLine(days.map((day) => ({ startMs: day.startMs, endMs: day.startMs + dayMs, value: baseline(day) }))),
                borderColor: palette.peak,
                borderDash: [6, 4],
                borderWidth: 2,
                pointRadius: 0,
              },
              {
                type: "bar",
                label: t("savings.actual"),
                data: days.map((day) => ({ x: day.startMs + dayMs / 2, y: day.actualKwh! })),
                backgroundColor: palette.power,
                borderRadius: 2,
                barPercentage: 1,
                categoryPercentage: 0.7,
                grouped: false,
              } as TimeDataset,
            ],
            y: { min: 0, tick: (value) => `${formats.number(value)} kWh`, maxTicks: 5 },
            ticks: days.map(({ startMs }) => ({ timeMs: startMs + dayMs / 2, text: formats.shortDay(startMs) })),
            tooltipTitle: (timeMs) => formats.day(timeMs),
            tooltipLabel: (label, value) => `${label} ${formats.energyKwh(value)}`,
          }),
      },
    },
    legend: [
      { mark: "power", text: t("savings.actual") },
      { mark: "dash-1", text: t("savings.baseline") },
    ],
    tables: [
      {
        caption: t("savings.chart"),
        key: "savings-chart",
        columns: [t("comfort.day"), t("savings.actual"), t("savings.baseline")],
        rows: days.map((day) => [
          { text: formats.day(day.startMs), value: day.startMs },
          { text: formats.energyKwh(day.actualKwh), value: day.actualKwh! },
          { text: formats.energyKwh(baseline(day)), value: baseline(day) },
        ]),
      },
    ],
  };
};
