import type { EnergyPeriodView, EnergyView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead, segmented } from "#dashboards/web/app/parts";
import { createRangeChooser, queryBefore, rangeLengthMs, rangeQuery } from "#dashboards/web/app/rangeChooser";
import { createChartCard, type LaneContent, type TableContent } from "#dashboards/web/charts/chartCard";
import { stepLine, type TimeDataset, timeChart, type XY } from "#dashboards/web/charts/timeChart";
import { energyStats, tariffFacts } from "#dashboards/web/pages/energyStats";

const hourMs = 3_600_000;
/** The server answers no longer times. */
const longestDays = 92;

const peakWhen = (view: EnergyView, formats: Formats): string =>
  view.peakMs === null ? "" : t("energy.on", { time: formats.dayAndClock(view.peakMs) });

export const powerHistoryLane = (view: EnergyView, formats: Formats): LaneContent => ({
  description: t("energy.spoken", { peak: formats.powerKw(view.peakKw), when: peakWhen(view, formats) }),
  config: (palette) => {
    const steps = view.power.map(({ startMs, meanKw }) => ({ startMs, endMs: startMs + view.stepS * 1000, value: meanKw }));
    const datasets: TimeDataset[] = [
      {
        type: "line",
        label: t("energy.power"),
        data: stepLine(steps),
        borderColor: palette.power,
        backgroundColor: palette.powerFill,
        fill: "origin",
        borderWidth: 1.6,
        pointRadius: 0,
      },
    ];
    if (view.peakMs !== null && view.peakKw !== null) {
      datasets.push({
        type: "line",
        label: t("energy.peak"),
        data: [{ x: view.peakMs + view.stepS * 500, y: view.peakKw }],
        borderColor: palette.peak,
        backgroundColor: palette.surface,
        borderWidth: 2.5,
        pointRadius: 6,
        pointStyle: "triangle",
        showLine: false,
      } as TimeDataset);
    }
    return timeChart({
      fromMs: view.fromMs,
      toMs: view.toMs,
      formats,
      palette,
      datasets,
      y: {
        min: 0,
        suggestedMax: (view.peakKw ?? 1) * 1.12,
        tick: (value) => `${formats.number(value, value < 10 && value % 1 !== 0 ? 1 : 0)} kW`,
      },
      tooltipLabel: (name, value) => `${name} ${formats.powerKw(value)}`,
    });
  },
});

const priceLane = (view: EnergyView, formats: Formats): LaneContent | null => {
  const steps = view.power.flatMap(({ startMs, pricePerKwh }) =>
    pricePerKwh === null ? [] : [{ startMs, endMs: startMs + view.stepS * 1000, value: pricePerKwh }],
  );
  if (steps.length === 0) return null;
  const prices = steps.map((step) => step.value);
  return {
    description: t("energy.priceSpoken", { from: formats.money(Math.min(...prices)), to: formats.money(Math.max(...prices)) }),
    config: (palette) =>
      timeChart({
        fromMs: view.fromMs,
        toMs: view.toMs,
        formats,
        palette,
        datasets: [
          { type: "line", label: t("price"), data: stepLine(steps), borderColor: palette.price, borderWidth: 1.8, pointRadius: 0 },
        ],
        y: { min: 0, suggestedMax: Math.max(...prices) * 1.15, tick: (value) => formats.number(value, 2), maxTicks: 3 },
        tooltipLabel: (name, value) => `${name} ${formats.money(value, 3)} ${t("perKwh")}`,
      }),
  };
};

/** The time before, each day where the day of the same place stands. */
const alignedDays = (view: EnergyView, before: EnergyView): XY[] =>
  before.days.flatMap(({ energyKwh }, i) => {
    const beside = view.days[view.days.length - before.days.length + i];
    return beside === undefined ? [] : [{ x: beside.startMs + 12 * hourMs, y: energyKwh }];
  });

/** Energy of each period as bars; `earlier` as marks beside them. */
const barLane = (
  view: EnergyView,
  periods: readonly EnergyPeriodView[],
  lengthMs: number,
  formats: Formats,
  earlier: XY[] = [],
): LaneContent => {
  const most = periods.reduce<EnergyPeriodView | null>(
    (best, period) => (best === null || period.energyKwh > best.energyKwh ? period : best),
    null,
  );
  return {
    description: t(lengthMs === hourMs ? "energy.byHourSpoken" : "energy.byDaySpoken", {
      most: most === null ? "" : t("energy.most", { energy: formats.energyKwh(most.energyKwh), time: formats.dayAndClock(most.startMs) }),
    }),
    config: (palette) =>
      timeChart({
        fromMs: Math.min(view.fromMs, periods[0]?.startMs ?? view.fromMs),
        toMs: Math.max(view.toMs, (periods.at(-1)?.startMs ?? view.fromMs) + lengthMs),
        formats,
        palette,
        datasets: [
          {
            type: "bar",
            label: t("nav.energy"),
            data: periods.map(({ startMs, energyKwh }) => ({ x: startMs + lengthMs / 2, y: energyKwh })),
            backgroundColor: palette.power,
            borderRadius: 2,
            barPercentage: 1,
            categoryPercentage: 0.86,
            grouped: false,
            order: 1,
          } as TimeDataset,
          ...(earlier.length === 0
            ? []
            : [
                {
                  type: "line",
                  label: t("energy.timeBefore"),
                  data: earlier,
                  borderColor: palette.peak,
                  backgroundColor: palette.surface,
                  borderWidth: 2,
                  pointRadius: 5,
                  pointStyle: "rectRot",
                  showLine: false,
                  order: 0,
                } as TimeDataset,
              ]),
        ],
        y: { min: 0, tick: (value) => `${formats.number(value, value < 10 && value % 1 !== 0 ? 1 : 0)} kWh`, maxTicks: 5 },
        ...(lengthMs === hourMs
          ? {}
          : { ticks: periods.map(({ startMs }) => ({ timeMs: startMs + lengthMs / 2, text: formats.shortDay(startMs) })) }),
        tooltipTitle: (timeMs) => (lengthMs === hourMs ? formats.dayAndClock(timeMs - lengthMs / 2) : formats.day(timeMs)),
        tooltipLabel: (label, value) => `${label} ${formats.energyKwh(value)}`,
      }),
  };
};

const periodTable = (
  caption: string,
  key: string,
  name: string,
  periods: readonly EnergyPeriodView[],
  title: (startMs: number) => string,
  formats: Formats,
): TableContent => ({
  caption,
  key,
  columns: [name, t("nav.energy"), t("energy.cost"), t("energy.measured")],
  rows: periods.map(({ startMs, energyKwh, cost, coverageFraction }) => [
    { text: title(startMs), value: startMs },
    { text: formats.energyKwh(energyKwh), value: energyKwh },
    cost === null ? { text: t("energy.priceNotKnown") } : { text: formats.money(cost), value: cost },
    { text: formats.pct(coverageFraction * 100), value: coverageFraction },
  ]),
});

export const powerTable = (view: EnergyView, formats: Formats): TableContent => ({
  caption: t("energy.tableCaption"),
  key: "power",
  columns: [t("energy.stepBegins"), t("energy.power"), t("plan.pricePerKwh")],
  rows: view.power.map(({ startMs, meanKw, pricePerKwh }) => [
    { text: formats.dayAndClock(startMs), value: startMs },
    { text: startMs === view.peakMs ? t("energy.peakMark", { power: formats.powerKw(meanKw) }) : formats.powerKw(meanKw), value: meanKw },
    pricePerKwh === null ? { text: t("energy.notKnown") } : { text: formats.money(pricePerKwh, 3), value: pricePerKwh },
  ]),
});

const sentence = (view: EnergyView, formats: Formats): string => {
  if (view.power.length === 0) return t("energy.none");
  const cost = view.cost === null ? "" : t("energy.for", { cost: formats.money(view.cost) });
  return t("energy.sentence", {
    energy: formats.energyKwh(view.energyKwh),
    cost,
    peak: formats.powerKw(view.peakKw),
    when: peakWhen(view, formats),
  });
};

export const createEnergyPage = (context: PageContext): Page => {
  const { formats, site } = context;
  let comparing = false;
  let refreshNow: () => void = () => undefined;
  const controller = new AbortController();
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("loading"));
  const range = createRangeChooser("24h", longestDays, () => refreshNow());
  const comparison = segmented(
    t("energy.compare"),
    [
      { value: false, text: t("energy.compareNot") },
      { value: true, text: t("energy.compareBefore") },
    ],
    comparing,
    (value) => {
      comparing = value;
      refreshNow();
    },
  );
  const { element: head } = pageHead(t("nav.energy"), lead, h("div", { class: "range-row" }, range.element, comparison));
  const stats = h("dl", { class: "strip" });
  const empty = t("energy.empty");
  const power = createChartCard({
    title: t("energy.power"),
    lanes: [
      { id: "power", size: "medium" },
      { id: "price", size: "low", title: t("priceLane", { currency: site.currency }) },
    ],
    empty,
  });
  const hours = createChartCard({ title: t("energy.byHour"), lanes: [{ id: "hours", size: "medium" }], empty });
  const days = createChartCard({ title: t("energy.byDay"), lanes: [{ id: "days", size: "medium" }], empty });
  const tariff = h("div", {});
  const element = h(
    "div",
    { class: "page" },
    head,
    stats,
    power.element,
    h("div", { class: "two" }, hours.element, days.element),
    h("section", { class: "card", "data-card": "tariff" }, h("h2", {}, t("tariff.title")), tariff),
  );
  const refresh = async (signal: AbortSignal): Promise<void> => {
    const chosen = range.chosen();
    const ask = (query: string): Promise<EnergyView> => getJson<EnergyView>(`energy${query}`, signal);
    const status = context.status();
    const view = await ask(rangeQuery(chosen, status));
    const before = comparing ? await ask(queryBefore(chosen, view, status?.nowMs ?? view.toMs)) : null;
    setText(lead, sentence(view, formats));
    const measured = view.power.length > 0;
    fill(stats, ...energyStats(view, before, formats));
    fill(tariff, tariffFacts(view.tariff, formats));
    const price = priceLane(view, formats);
    power.update(
      measured
        ? {
            lanes: { power: powerHistoryLane(view, formats), ...(price === null ? {} : { price }) },
            legend: [
              { mark: "power", text: t("energy.tableCaption") },
              { mark: "peak", text: `${t("energy.peak")} ${formats.powerKw(view.peakKw)}` },
            ],
            tables: [powerTable(view, formats)],
          }
        : null,
    );
    const longRange = rangeLengthMs(chosen) > 7 * 24 * hourMs;
    hours.element.hidden = longRange;
    if (!longRange) {
      hours.update(
        measured
          ? {
              lanes: { hours: barLane(view, view.hours, hourMs, formats) },
              legend: [],
              tables: [periodTable(t("energy.byHour"), "energy-hours", t("energy.hour"), view.hours, formats.dayAndClock, formats)],
            }
          : null,
      );
    }
    const earlier = before === null ? [] : alignedDays(view, before);
    days.update(
      measured
        ? {
            lanes: { days: barLane(view, view.days, 24 * hourMs, formats, earlier) },
            legend:
              earlier.length === 0
                ? []
                : [
                    { mark: "power", text: t("energy.thisTime") },
                    { mark: "before", text: t("energy.timeBefore") },
                  ],
            tables: [
              periodTable(t("energy.byDay"), "energy-days", t("comfort.day"), view.days, formats.day, formats),
              ...(before === null
                ? []
                : [periodTable(t("energy.byDayBefore"), "energy-days-before", t("comfort.day"), before.days, formats.day, formats)]),
            ],
          }
        : null,
    );
  };
  refreshNow = () => {
    refresh(controller.signal).catch((error: unknown) => {
      if (!controller.signal.aborted) setText(lead, error instanceof Error ? error.message : String(error));
    });
  };
  return {
    title: t("nav.energy"),
    element,
    refresh,
    destroy: () => {
      controller.abort();
      for (const card of [power, hours, days]) card.destroy();
    },
  };
};
