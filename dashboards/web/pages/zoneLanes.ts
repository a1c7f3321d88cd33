import type { ZoneView } from "#dashboards/server/wire";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import type { LaneContent } from "#dashboards/web/charts/chartCard";
import { stepLine, timeChart } from "#dashboards/web/charts/timeChart";
import { measuredSteps, planEndMs, planSteps } from "#dashboards/web/pages/zonePlanChart";

export const powerLane = (view: ZoneView, stepMs: number, formats: Formats): LaneContent => {
  const { plan } = view;
  const past = measuredSteps(view.hvacPowerW, stepMs).map((step) => ({ ...step, value: step.value / 1000 }));
  const coming = plan === null ? [] : planSteps(plan).map((step, t) => ({ ...step, value: plan.powerW[t]! / 1000 }));
  const most = Math.max(0, ...coming.map((step) => step.value));
  return {
    description: t("plan.powerSpoken", {
      now: formats.powerKw(past.at(-1)?.value ?? null),
      most: formats.powerKw(coming.length === 0 ? null : most),
    }),
    config: (palette) =>
      timeChart({
        fromMs: view.fromMs,
        toMs: planEndMs(view),
        formats,
        palette,
        hideX: true,
        datasets: [
          {
            type: "line",
            label: t("plan.powerMeasured"),
            data: stepLine(past),
            borderColor: palette.power,
            backgroundColor: palette.powerFill,
            fill: "origin",
            borderWidth: 1.6,
            pointRadius: 0,
          },
          {
            type: "line",
            label: t("plan.powerPlanned"),
            data: stepLine(coming),
            borderColor: palette.power,
            borderDash: [4, 3],
            borderWidth: 1.6,
            pointRadius: 0,
            fill: false,
          },
        ],
        y: { min: 0, tick: (value) => `${formats.number(value, value < 10 && value % 1 !== 0 ? 1 : 0)} kW`, maxTicks: 3 },
        tooltipLabel: (name, value) => `${name} ${formats.powerKw(value)}`,
      }),
  };
};

export const priceLane = (view: ZoneView, stepMs: number, formats: Formats): LaneContent => {
  const { plan } = view;
  const past = view.history.flatMap(({ stepEndMs, pricePerKwh }) =>
    pricePerKwh === null ? [] : [{ startMs: stepEndMs - stepMs, endMs: stepEndMs, value: pricePerKwh }],
  );
  const lastMs = past.at(-1)?.endMs ?? Number.NEGATIVE_INFINITY;
  const coming =
    plan === null
      ? []
      : planSteps(plan)
          .map((step, t) => ({ ...step, value: plan.pricePerKwh[t]! }))
          .filter((step) => step.endMs > lastMs);
  const steps = [...past, ...coming];
  const prices = steps.map((step) => step.value);
  return {
    description:
      prices.length === 0
        ? t("plan.priceUnknown")
        : t("plan.priceSpoken", { from: formats.money(Math.min(...prices)), to: formats.money(Math.max(...prices)) }),
    config: (palette) =>
      timeChart({
        fromMs: view.fromMs,
        toMs: planEndMs(view),
        formats,
        palette,
        datasets: [
          {
            type: "line",
            label: t("price"),
            data: stepLine(steps),
            borderColor: palette.price,
            borderWidth: 1.8,
            pointRadius: 0,
            fill: false,
          },
        ],
        y: { min: 0, suggestedMax: Math.max(0.01, ...prices) * 1.15, tick: (value) => formats.number(value, 2), maxTicks: 3 },
        tooltipLabel: (name, value) => `${name} ${formats.money(value, 3)} ${t("perKwh")}`,
      }),
  };
};

/** The sun that was measured and the sun that the plan counts on; null where neither is known. */
export const sunLane = (view: ZoneView, stepMs: number, formats: Formats): LaneContent | null => {
  const { plan } = view;
  const past = measuredSteps(view.sunWm2, stepMs);
  const sun = plan?.sunWm2 ?? null;
  const coming = plan === null || sun === null ? [] : planSteps(plan).map((step, i) => ({ ...step, value: sun[i]! }));
  if (past.length === 0 && coming.length === 0) return null;
  const watts = (value: number): string => `${formats.number(value)} W/m²`;
  const most = Math.max(0, ...coming.map(({ value }) => value));
  const line = { type: "line", borderColor: "", borderWidth: 1.6, pointRadius: 0 } as const;
  return {
    description: t("plan.sunSpoken", { now: past.length === 0 ? "–" : watts(past.at(-1)!.value), most: watts(most) }),
    config: (palette) =>
      timeChart({
        fromMs: view.fromMs,
        toMs: planEndMs(view),
        formats,
        palette,
        hideX: true,
        datasets: [
          { ...line, label: t("plan.sunMeasured"), data: stepLine(past), borderColor: palette.sun, fill: false },
          { ...line, label: t("plan.sunForecast"), data: stepLine(coming), borderColor: palette.sun, borderDash: [4, 3], fill: false },
        ],
        y: { min: 0, suggestedMax: 200, tick: (value) => formats.number(value), maxTicks: 3 },
        tooltipLabel: (name, value) => `${name} ${watts(value)}`,
      }),
  };
};
