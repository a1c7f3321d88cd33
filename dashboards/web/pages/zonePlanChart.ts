import type { Plugin } from "chart.js";
import type { SeriesBucket, ZonePlanView, ZoneView } from "#dashboards/server/wire";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import type { LaneContent, LegendEntry, TableCell, TableContent } from "#dashboards/web/charts/chartCard";
import { hatch, type Palette } from "#dashboards/web/charts/palette";
import { stepLine, type TimeDataset, timeChart, type XY } from "#dashboards/web/charts/timeChart";
import { z90, z95 } from "#dashboards/web/pages/quantiles";

interface Step {
  readonly startMs: number;
  readonly endMs: number;
}

export const planSteps = (plan: ZonePlanView): Step[] => plan.stepEndMs.map((endMs) => ({ startMs: endMs - plan.stepS * 1000, endMs }));

const points = (buckets: readonly SeriesBucket[]): XY[] => buckets.map(({ timeMs, mean }) => ({ x: timeMs, y: mean }));

/** A measured row describes the time up to it, since the row before and at most a control step: a live building reports more often than that. */
export const measuredSteps = (buckets: readonly SeriesBucket[], stepMs: number) =>
  buckets.map(({ timeMs, mean }, i) => ({
    startMs: Math.max(timeMs - stepMs, buckets[i - 1]?.timeMs ?? Number.NEGATIVE_INFINITY),
    endMs: timeMs,
    value: mean,
  }));

interface BandStep extends Step {
  readonly lowerC: number;
  readonly upperC: number;
  readonly occupied: boolean;
}

const bandSteps = (view: ZoneView, stepMs: number): BandStep[] => {
  const { plan } = view;
  const past = view.history.map(({ stepEndMs, lowerC, upperC, occupied }) => ({
    startMs: stepEndMs - stepMs,
    endMs: stepEndMs,
    lowerC,
    upperC,
    occupied,
  }));
  const lastMs = past.at(-1)?.endMs ?? Number.NEGATIVE_INFINITY;
  const coming =
    plan === null
      ? []
      : planSteps(plan).map((step, t) => ({ ...step, lowerC: plan.lowerC[t]!, upperC: plan.upperC[t]!, occupied: plan.occupied[t]! }));
  return [...past, ...coming.filter((step) => step.endMs > lastMs)];
};

const laneHeightPx = 12;

/** Neighbouring steps with the same band as one, so that no seams show. */
const bandRuns = (bands: readonly BandStep[]): BandStep[] => {
  const runs: BandStep[] = [];
  for (const step of bands) {
    if (!step.occupied) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.endMs === step.startMs && last.lowerC === step.lowerC && last.upperC === step.upperC)
      runs[runs.length - 1] = { ...last, endMs: step.endMs };
    else runs.push(step);
  }
  return runs;
};

/** Draws what lies behind the lines: the comfort band while occupied, the occupancy lane, and the line between measured and planned. */
const backdrop = (bands: readonly BandStep[], nowMs: number, palette: Palette): Plugin<"line" | "bar"> => ({
  id: "backdrop",
  beforeDatasetsDraw: (chart) => {
    const { ctx, chartArea, scales } = chart;
    const x = scales.x!;
    const y = scales.y!;
    ctx.save();
    ctx.beginPath();
    ctx.rect(chartArea.left, chartArea.top, chartArea.width, chartArea.height);
    ctx.clip();
    for (const step of bandRuns(bands)) {
      const left = x.getPixelForValue(step.startMs);
      const width = x.getPixelForValue(step.endMs) - left;
      const top = y.getPixelForValue(step.upperC);
      const bottom = y.getPixelForValue(step.lowerC);
      ctx.fillStyle = palette.band;
      ctx.fillRect(left, top, width, bottom - top);
      ctx.fillStyle = palette.bandEdge;
      ctx.fillRect(left, top, width, 1);
      ctx.fillRect(left, bottom - 1, width, 1);
      ctx.fillRect(left, chartArea.bottom - laneHeightPx, width, laneHeightPx);
    }
    const nowX = Math.round(x.getPixelForValue(nowMs)) + 0.5;
    ctx.strokeStyle = palette.ink;
    ctx.setLineDash([2, 3]);
    ctx.beginPath();
    ctx.moveTo(nowX, chartArea.top);
    ctx.lineTo(nowX, chartArea.bottom);
    ctx.stroke();
    ctx.restore();
  },
});

/** °C that the picture should span: everything but setpoints far away (a setback of 15/30 °C would flatten the rest). */
const temperatureRange = (view: ZoneView, bands: readonly BandStep[]): { readonly min: number; readonly max: number } => {
  const values = [
    ...view.measured.map((bucket) => bucket.mean),
    ...(view.plan?.meanC.flatMap((mean, t) => [mean - z95 * view.plan!.stdDevK[t]!, mean + z95 * view.plan!.stdDevK[t]!]) ?? []),
    ...(view.plan?.ruleMeanC ?? []),
    ...bands.filter((step) => step.occupied).flatMap((step) => [step.lowerC, step.upperC]),
  ].filter(Number.isFinite);
  if (values.length === 0) return { min: 15, max: 30 };
  return { min: Math.floor(Math.min(...values) - 0.5), max: Math.ceil(Math.max(...values) + 0.5) };
};

export const planEndMs = (view: ZoneView): number => view.plan?.stepEndMs.at(-1) ?? view.nowMs;

/** Measured past and planned future of one zone's temperature. */
export const temperatureLane = (view: ZoneView, stepMs: number, label: string, formats: Formats): LaneContent => {
  const { plan } = view;
  const bands = bandSteps(view, stepMs);
  const range = temperatureRange(view, bands);
  const lastMeasured = view.measured.at(-1);
  const final =
    plan === null || plan.meanC.length === 0
      ? null
      : { meanC: plan.meanC.at(-1)!, stdDevK: plan.stdDevK.at(-1)!, endMs: plan.stepEndMs.at(-1)! };
  const description = [
    t("plan.spokenTitle", { zone: label }),
    lastMeasured === undefined
      ? t("plan.spokenNone")
      : t("plan.spokenMeasured", { temp: formats.tempC(lastMeasured.mean), time: formats.clock(lastMeasured.timeMs) }),
    final === null
      ? t("plan.spokenNoPlan")
      : t("plan.spokenEnd", {
          temp: formats.tempC(final.meanC),
          time: formats.clock(final.endMs),
          from: formats.tempC(final.meanC - z95 * final.stdDevK),
          to: formats.tempC(final.meanC + z95 * final.stdDevK),
        }),
  ].join(" ");
  return {
    description,
    config: (palette) => {
      const planPoints = (value: (t: number) => number): XY[] => plan?.stepEndMs.map((x, t) => ({ x, y: value(t) })) ?? [];
      const fan = (z: number): XY[] => planPoints((t) => plan!.meanC[t]! + z * plan!.stdDevK[t]!);
      const line = (data: XY[], style: Partial<TimeDataset>): TimeDataset =>
        ({ type: "line", data, pointRadius: 0, pointHitRadius: 8, borderWidth: 2, fill: false, ...style }) as TimeDataset;
      const edge = { borderWidth: 0 };
      const planned = (values: readonly number[] | null | undefined) =>
        plan === null || !values ? [] : planSteps(plan).map((step, t) => ({ ...step, value: values[t]! }));
      const datasets: TimeDataset[] = [
        line(fan(z95), { ...edge, fill: "+1", backgroundColor: hatch(palette.fanOuter) } as Partial<TimeDataset>),
        line(fan(-z95), edge),
        line(fan(z90), { ...edge, fill: "+1", backgroundColor: palette.fanInner } as Partial<TimeDataset>),
        line(fan(-z90), edge),
        line(stepLine([...planned(plan?.ruleHeatingSetpointC)]), {
          label: t("plan.ruleHeatingLine"),
          borderColor: palette.muted,
          borderWidth: 1.2,
          borderDash: [2, 3],
        }),
        line(stepLine([...planned(plan?.ruleCoolingSetpointC)]), {
          label: t("plan.ruleCoolingLine"),
          borderColor: palette.muted,
          borderWidth: 1.2,
          borderDash: [2, 3],
        }),
        line(stepLine([...measuredSteps(view.heatingSetpoints, stepMs), ...planned(plan?.heatingSetpointC)]), {
          label: t("plan.heating"),
          borderColor: palette.heating,
          borderWidth: 1.6,
        }),
        line(stepLine([...measuredSteps(view.coolingSetpoints, stepMs), ...planned(plan?.coolingSetpointC)]), {
          label: t("plan.cooling"),
          borderColor: palette.cooling,
          borderWidth: 1.6,
          borderDash: [7, 3],
        }),
        line(
          planPoints((t) => plan!.meanC[t]!),
          { label: t("plan.plan"), borderColor: palette.plan, borderDash: [5, 3] },
        ),
        line(plan?.ruleMeanC == null ? [] : planPoints((t) => plan.ruleMeanC![t]!), {
          label: t("plan.ruleExpected"),
          borderColor: palette.muted,
          borderWidth: 1.6,
        }),
        line(points(view.measured), { label: t("zone.measured"), borderColor: palette.measured, borderWidth: 2.4 }),
      ];
      return timeChart({
        fromMs: view.fromMs,
        toMs: planEndMs(view),
        formats,
        palette,
        datasets,
        plugins: [backdrop(bands, view.nowMs, palette)],
        y: { ...range, tick: formats.tempTick, maxTicks: 8 },
        tooltipLabel: (name, value) => `${name} ${formats.tempC(value, 2)}`,
      });
    },
  };
};

/** Setpoints beyond the picture are said in words: nothing is left out silently. */
const beyondThePicture = (view: ZoneView, stepMs: number, formats: Formats): string => {
  const { min, max } = temperatureRange(view, bandSteps(view, stepMs));
  const known = (buckets: readonly SeriesBucket[], planned: readonly number[] | undefined): number[] => [
    ...buckets.map((bucket) => bucket.mean),
    ...(planned ?? []),
  ];
  const low = known(view.heatingSetpoints, view.plan?.heatingSetpointC).filter((value) => value < min);
  const high = known(view.coolingSetpoints, view.plan?.coolingSetpointC).filter((value) => value > max);
  const parts = [
    low.length === 0 ? "" : t("plan.heatingDown", { temp: formats.tempC(Math.min(...low)) }),
    high.length === 0 ? "" : t("plan.coolingUp", { temp: formats.tempC(Math.max(...high)) }),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : t("plan.beyond", { what: parts.join(t("and")) });
};

export const zoneLegend = (view: ZoneView, stepMs: number, formats: Formats): LegendEntry[] => {
  const { plan } = view;
  const beyond = beyondThePicture(view, stepMs, formats);
  return [...legendEntries(plan), ...(beyond === "" ? [] : [{ mark: "none", text: beyond }])];
};

const legendEntries = (plan: ZonePlanView | null): LegendEntry[] => [
  { mark: "measured", text: t("zone.measured") },
  { mark: "heating", text: t("plan.heating") },
  { mark: "cooling", text: t("plan.cooling") },
  ...(plan === null
    ? []
    : [
        { mark: "plan", text: t("plan.expectedLegend") },
        { mark: "fan-inner", text: t("plan.range80") },
        { mark: "fan-outer", text: t("plan.range90") },
      ]),
  ...(plan?.ruleHeatingSetpointC == null ? [] : [{ mark: "rule", text: t("plan.ruleLegend") }]),
  ...(plan?.ruleMeanC == null ? [] : [{ mark: "rule-mean", text: t("plan.ruleExpectedLegend") }]),
  { mark: "band", text: t("plan.bandLegend") },
  { mark: "occupied", text: t("plan.occupied") },
];

const cell = (value: number | undefined | null, format: (value: number) => string): TableCell =>
  value === undefined || value === null || !Number.isFinite(value) ? { text: "–" } : { text: format(value), value };

/** The stored plan, number for number: `data-value` holds each one exactly as stored. */
export const planTable = (plan: ZonePlanView, formats: Formats): TableContent => {
  const temp = (value: number): string => formats.tempC(value, 2);
  return {
    caption: t("plan.caption", { id: plan.decisionId, time: formats.dayAndClock(plan.issuedAtMs) }),
    key: "plan",
    columns: [
      t("plan.stepEnds"),
      t("zone.expected"),
      t("plan.stdDev"),
      "p5",
      "p10",
      "p90",
      "p95",
      t("plan.heating"),
      t("plan.cooling"),
      t("plan.ruleHeating"),
      t("plan.ruleCooling"),
      t("plan.ruleExpected"),
      t("plan.bandFrom"),
      t("plan.bandTo"),
      t("plan.occupied"),
      t("plan.buildingPower"),
      t("plan.pricePerKwh"),
      t("plan.outdoor"),
      t("plan.sun"),
    ],
    rows: plan.stepEndMs.map((endMs, step) => {
      const quantile = (z: number): TableCell => cell(plan.meanC[step]! + z * plan.stdDevK[step]!, temp);
      return [
        { text: formats.dayAndClock(endMs), value: endMs },
        cell(plan.meanC[step], temp),
        cell(plan.stdDevK[step], (value) => formats.diffK(value, 3)),
        quantile(-z95),
        quantile(-z90),
        quantile(z90),
        quantile(z95),
        cell(plan.heatingSetpointC[step], temp),
        cell(plan.coolingSetpointC[step], temp),
        cell(plan.ruleHeatingSetpointC?.[step], temp),
        cell(plan.ruleCoolingSetpointC?.[step], temp),
        cell(plan.ruleMeanC?.[step], temp),
        cell(plan.lowerC[step], temp),
        cell(plan.upperC[step], temp),
        { text: plan.occupied[step] === true ? t("yes") : t("no"), value: String(plan.occupied[step] === true) },
        cell(plan.powerW[step], (value) => formats.powerKw(value / 1000)),
        cell(plan.pricePerKwh[step], (value) => formats.money(value, 3)),
        cell(plan.outdoorAirTempC[step], temp),
        cell(plan.sunWm2?.[step], (value) => `${formats.number(value)} W/m²`),
      ];
    }),
  };
};

export const measuredTable = (view: ZoneView, formats: Formats): TableContent => {
  const byTime = (buckets: readonly SeriesBucket[]): Map<number, number> => new Map(buckets.map(({ timeMs, mean }) => [timeMs, mean]));
  const heating = byTime(view.heatingSetpoints);
  const cooling = byTime(view.coolingSetpoints);
  const people = byTime(view.occupancyCount);
  const temp = (value: number): string => formats.tempC(value, 2);
  return {
    caption: t("plan.measuredCaption"),
    key: "measured",
    columns: [t("plan.time"), t("zone.measured"), t("plan.heating"), t("plan.cooling"), t("plan.people")],
    rows: [...view.measured]
      .reverse()
      .map(({ timeMs, mean }) => [
        { text: formats.dayAndClock(timeMs), value: timeMs },
        cell(mean, temp),
        cell(heating.get(timeMs), temp),
        cell(cooling.get(timeMs), temp),
        cell(people.get(timeMs), (value) => formats.number(value, 0)),
      ]),
  };
};
