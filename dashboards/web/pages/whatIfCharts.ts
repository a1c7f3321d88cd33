import type { WhatIfPlan, WhatIfView } from "#dashboards/server/wire";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import type { ChartCard, TableCell } from "#dashboards/web/charts/chartCard";
import { stepLine, type TimeDataset, timeChart } from "#dashboards/web/charts/timeChart";

type Content = Parameters<ChartCard["update"]>[0];

const stepsOf = (view: WhatIfView, values: readonly number[]) =>
  values.flatMap((value, t) => {
    const endMs = view.stepEndMs[t];
    return endMs === undefined ? [] : [{ startMs: endMs - view.stepS * 1000, endMs, value }];
  });
const atEnds = (view: WhatIfView, values: readonly number[]) =>
  values.flatMap((y, t) => (view.stepEndMs[t] === undefined ? [] : [{ x: view.stepEndMs[t]!, y }]));
const numberCell = (value: number | undefined, text: (value: number) => string): TableCell =>
  value === undefined ? { text: "–" } : { text: text(value), value };

/** Power of the whole building along both plans. */
export const whatIfPowerContent = (view: WhatIfView, formats: Formats): Content => {
  const { inForce, changed } = view;
  if (changed.powerW.length === 0) return null;
  const kw = ({ powerW }: WhatIfPlan) => powerW.map((watts) => watts / 1000);
  return {
    lanes: {
      power: {
        description: t("whatIf.powerSpoken", { inForce: formats.powerKw(inForce.peakKw), changed: formats.powerKw(changed.peakKw) }),
        config: (palette) =>
          timeChart({
            fromMs: view.issuedAtMs,
            toMs: view.stepEndMs.at(-1) ?? view.issuedAtMs,
            formats,
            palette,
            datasets: [
              {
                type: "line",
                label: t("whatIf.inForce"),
                data: stepLine(stepsOf(view, kw(inForce))),
                borderColor: palette.muted,
                borderDash: [2, 3],
                borderWidth: 1.8,
                pointRadius: 0,
              },
              {
                type: "line",
                label: t("whatIf.changed"),
                data: stepLine(stepsOf(view, kw(changed))),
                borderColor: palette.power,
                borderWidth: 2,
                pointRadius: 0,
              },
            ] satisfies TimeDataset[],
            y: { min: 0, tick: (value) => `${formats.number(value, value < 10 && value % 1 !== 0 ? 1 : 0)} kW` },
            tooltipLabel: (name, value) => `${name} ${formats.powerKw(value)}`,
          }),
      },
    },
    legend: [
      { mark: "dash-2", text: t("whatIf.inForce") },
      { mark: "power", text: t("whatIf.changed") },
    ],
    tables: [
      {
        caption: t("zone.powerLane"),
        key: "what-if-power",
        columns: [t("plan.stepEnds"), t("whatIf.inForce"), t("whatIf.changed")],
        rows: view.stepEndMs.map((endMs, i) => [
          { text: formats.dayAndClock(endMs), value: endMs },
          numberCell(inForce.powerW[i], (watts) => formats.powerKw(watts / 1000)),
          numberCell(changed.powerW[i], (watts) => formats.powerKw(watts / 1000)),
        ]),
      },
    ],
  };
};

/** One zone's expected temperature along both plans, with the band that was asked for and the setpoints that would hold. */
export const whatIfZoneContent = (view: WhatIfView, zone: string, formats: Formats): Content => {
  const inForce = view.inForce.zones[zone];
  const changed = view.changed.zones[zone];
  if (changed === undefined || changed.meanC.length === 0) return null;
  const occupiedBand = (edge: readonly number[]) =>
    atEnds(view, edge).map((point, i) => ({ ...point, y: changed.occupied[i] === true ? point.y : Number.NaN }));
  return {
    lanes: {
      temperature: {
        description: t("whatIf.zoneSpoken", {
          inForce: formats.tempC(inForce?.meanC.at(-1) ?? null),
          changed: formats.tempC(changed.meanC.at(-1) ?? null),
          time: formats.clock(view.stepEndMs.at(-1) ?? null),
        }),
        config: (palette) =>
          timeChart({
            fromMs: view.issuedAtMs,
            toMs: view.stepEndMs.at(-1) ?? view.issuedAtMs,
            formats,
            palette,
            datasets: [
              {
                type: "line",
                label: "",
                data: occupiedBand(changed.upperC),
                borderColor: palette.bandEdge,
                borderWidth: 1,
                pointRadius: 0,
                fill: false,
              },
              {
                type: "line",
                label: "",
                data: occupiedBand(changed.lowerC),
                borderColor: palette.bandEdge,
                backgroundColor: palette.band,
                borderWidth: 1,
                pointRadius: 0,
                fill: "-1",
              },
              {
                type: "line",
                label: t("plan.heating"),
                data: stepLine(stepsOf(view, changed.heatingSetpointC)),
                borderColor: palette.heating,
                borderWidth: 1.4,
                pointRadius: 0,
              },
              {
                type: "line",
                label: t("plan.cooling"),
                data: stepLine(stepsOf(view, changed.coolingSetpointC)),
                borderColor: palette.cooling,
                borderDash: [6, 4],
                borderWidth: 1.4,
                pointRadius: 0,
              },
              {
                type: "line",
                label: t("whatIf.inForce"),
                data: atEnds(view, inForce?.meanC ?? []),
                borderColor: palette.muted,
                borderDash: [2, 3],
                borderWidth: 1.8,
                pointRadius: 0,
              },
              {
                type: "line",
                label: t("whatIf.changed"),
                data: atEnds(view, changed.meanC),
                borderColor: palette.plan,
                borderWidth: 2.2,
                pointRadius: 0,
              },
            ] satisfies TimeDataset[],
            y: {
              min: Math.floor(Math.min(...changed.meanC, ...(inForce?.meanC ?? [])) - 1),
              max: Math.ceil(Math.max(...changed.meanC, ...(inForce?.meanC ?? [])) + 1),
              tick: formats.tempTick,
              maxTicks: 5,
            },
            tooltipLabel: (name, value) => `${name} ${formats.tempC(value)}`,
          }),
      },
    },
    legend: [
      { mark: "dash-2", text: t("whatIf.inForce") },
      { mark: "plan", text: t("whatIf.changed") },
      { mark: "heating", text: t("plan.heating") },
      { mark: "cooling", text: t("plan.cooling") },
      { mark: "band", text: t("plan.bandLegend") },
    ],
    tables: [
      {
        caption: t("whatIf.zoneTable"),
        key: `what-if-${zone}`,
        columns: [t("plan.stepEnds"), t("whatIf.inForce"), t("whatIf.changed"), t("plan.stdDev"), t("plan.heating"), t("plan.cooling")],
        rows: view.stepEndMs.map((endMs, i) => [
          { text: formats.dayAndClock(endMs), value: endMs },
          numberCell(inForce?.meanC[i], (value) => formats.tempC(value, 2)),
          numberCell(changed.meanC[i], (value) => formats.tempC(value, 2)),
          numberCell(changed.stdDevK[i], (value) => formats.diffK(value, 2)),
          numberCell(changed.heatingSetpointC[i], (value) => formats.tempC(value)),
          numberCell(changed.coolingSetpointC[i], (value) => formats.tempC(value)),
        ]),
      },
    ],
  };
};
