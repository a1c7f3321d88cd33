import type { SeriesBucket, SeriesView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import type { PageContext } from "#dashboards/web/app/page";
import { segmented } from "#dashboards/web/app/parts";
import { createChartCard, type LaneContent, type TableContent } from "#dashboards/web/charts/chartCard";
import { type TimeDataset, timeChart, type XY } from "#dashboards/web/charts/timeChart";

const dayMs = 86_400_000;
/** A picture has no more points across. */
const buckets = 480;
const tickCount = 8;
/** Weeks hardly change from minute to minute. */
const everyMs = 10 * 60_000;

type Length = 7 | 30 | 365;

interface History {
  readonly fromMs: number;
  readonly toMs: number;
  readonly zone: readonly SeriesBucket[];
  readonly outdoors: readonly SeriesBucket[];
}

const values = (of: readonly SeriesBucket[], pick: (bucket: SeriesBucket) => number): XY[] =>
  of.map((bucket) => ({ x: bucket.timeMs, y: pick(bucket) }));

const temperatureLane = ({ fromMs, toMs, zone, outdoors }: History, formats: Formats): LaneContent => {
  const lowest = zone.reduce((least, { min }) => Math.min(least, min), Number.POSITIVE_INFINITY);
  const highest = zone.reduce((most, { max }) => Math.max(most, max), Number.NEGATIVE_INFINITY);
  return {
    description: t("zoneHistory.spoken", {
      from: formats.day(fromMs),
      to: formats.day(toMs),
      lowest: formats.tempC(lowest),
      highest: formats.tempC(highest),
    }),
    config: (palette) => {
      const line = (data: XY[], style: Partial<TimeDataset>): TimeDataset =>
        ({
          type: "line",
          data,
          pointRadius: 0,
          pointHitRadius: 8,
          borderWidth: 1.6,
          fill: false,
          spanGaps: false,
          ...style,
        }) as TimeDataset;
      return timeChart({
        fromMs,
        toMs,
        formats,
        palette,
        datasets: [
          line(
            values(zone, ({ max }) => max),
            { borderWidth: 0, fill: "+1", backgroundColor: palette.fanInner } as Partial<TimeDataset>,
          ),
          line(
            values(zone, ({ min }) => min),
            { borderWidth: 0 },
          ),
          line(
            values(zone, ({ mean }) => mean),
            { label: t("zoneHistory.mean"), borderColor: palette.measured },
          ),
          line(
            values(outdoors, ({ mean }) => mean),
            { label: t("plan.outdoor"), borderColor: palette.cooling, borderDash: [4, 3] },
          ),
        ],
        y: { tick: formats.tempTick, maxTicks: 7 },
        ticks: Array.from({ length: tickCount }, (_, i) => {
          const timeMs = fromMs + ((i + 0.5) * (toMs - fromMs)) / tickCount;
          return { timeMs, text: formats.date(timeMs) };
        }),
        tooltipTitle: (timeMs) => formats.dayAndClock(timeMs),
        tooltipLabel: (name, value) => `${name} ${formats.tempC(value)}`,
      });
    },
  };
};

const historyTable = ({ zone, outdoors }: History, formats: Formats): TableContent => {
  const outdoorsAt = new Map(outdoors.map(({ timeMs, mean }) => [timeMs, mean]));
  const temp = (value: number | undefined) => (value === undefined ? { text: "–" } : { text: formats.tempC(value), value });
  return {
    caption: t("zoneHistory.caption"),
    key: "zone-history",
    columns: [t("plan.time"), t("zoneHistory.mean"), t("zoneHistory.lowest"), t("zoneHistory.highest"), t("plan.outdoor")],
    rows: zone.map(({ timeMs, mean, min, max }) => [
      { text: formats.dayAndClock(timeMs), value: timeMs },
      temp(mean),
      temp(min),
      temp(max),
      temp(outdoorsAt.get(timeMs)),
    ]),
  };
};

export interface ZoneHistory {
  readonly element: HTMLElement;
  refresh(signal: AbortSignal): Promise<void>;
  destroy(): void;
}

/** A zone's temperature over a week, a month or a year: mean and extremes of equal stretches, made in the database, with the air outdoors. */
export const createZoneHistory = ({ formats, status }: PageContext, zoneId: string, onProblem: (error: unknown) => void): ZoneHistory => {
  let days: Length = 7;
  let readMs = Number.NEGATIVE_INFINITY;
  const controller = new AbortController();
  const points = [`${zoneId}.zoneAirTempC`, "site.outdoorAirTempC"] as const;
  const read = async (signal: AbortSignal): Promise<void> => {
    const now = status()?.nowMs;
    if (now === undefined) return;
    const toMs = Math.round(now) + 1;
    const asked = days;
    const view = await getJson<SeriesView>(
      `series?points=${points.map(encodeURIComponent).join(",")}&from=${toMs - asked * dayMs}&to=${toMs}&buckets=${buckets}`,
      signal,
    );
    if (asked !== days) return;
    readMs = now;
    const history: History = {
      fromMs: view.fromMs,
      toMs: view.toMs,
      zone: view.series[points[0]] ?? [],
      outdoors: view.series[points[1]] ?? [],
    };
    card.update(
      history.zone.length === 0
        ? null
        : {
            lanes: { temperature: temperatureLane(history, formats) },
            legend: [
              { mark: "measured", text: t("zoneHistory.mean") },
              { mark: "fan-inner", text: t("zoneHistory.extremes") },
              ...(history.outdoors.length === 0 ? [] : [{ mark: "cooling", text: t("plan.outdoor") }]),
            ],
            tables: [historyTable(history, formats)],
          },
    );
  };
  const card = createChartCard({
    title: t("zoneHistory.title"),
    lanes: [{ id: "temperature", size: "medium" }],
    empty: t("zone.empty"),
    aside: segmented<Length>(
      t("period.label"),
      ([7, 30, 365] as const).map((value) => ({ value, text: t(`zoneHistoryDays.${value}`) })),
      days,
      (value) => {
        days = value;
        read(controller.signal).catch((error: unknown) => {
          if (!controller.signal.aborted) onProblem(error);
        });
      },
    ),
  });
  return {
    element: card.element,
    refresh: async (signal) => {
      const now = status()?.nowMs;
      if (now !== undefined && now - readMs >= everyMs) await read(signal);
    },
    destroy: () => {
      controller.abort();
      card.destroy();
    },
  };
};
