import type { CostTerms, SiteInfo, WhyView, ZoneView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { type MessageKey, t } from "#dashboards/web/app/i18n";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead, segmented, sourceBadge, stat, stateBadge } from "#dashboards/web/app/parts";
import { reasonText } from "#dashboards/web/app/reasons";
import { createChartCard } from "#dashboards/web/charts/chartCard";
import { createZoneHistory } from "#dashboards/web/pages/zoneHistory";
import { powerLane, priceLane, sunLane } from "#dashboards/web/pages/zoneLanes";
import { createZoneOverride } from "#dashboards/web/pages/zoneOverride";
import { measuredTable, planTable, temperatureLane, zoneLegend } from "#dashboards/web/pages/zonePlanChart";

const fallbackKeys: Readonly<Record<string, MessageKey>> = {
  "no-model": "fallback.no-model",
  "model-doubted": "fallback.model-doubted",
  "too-uncertain": "fallback.too-uncertain",
  late: "fallback.late",
  "not-finite": "fallback.not-finite",
  "planner-failed": "fallback.planner-failed",
  "stale-data": "fallback.stale-data",
  mode: "fallback.mode",
};
const fallbackText = (fallback: string): string => {
  const key = fallbackKeys[fallback];
  return key === undefined ? fallback : t(key);
};

const factors: readonly { readonly key: keyof CostTerms; readonly name: MessageKey; readonly meaning: MessageKey | null }[] = [
  { key: "comfort", name: "factor.comfort", meaning: "factor.comfortIs" },
  { key: "energy", name: "factor.energy", meaning: "factor.energyIs" },
  { key: "uncertainty", name: "factor.uncertainty", meaning: "factor.uncertaintyIs" },
  { key: "movement", name: "factor.movement", meaning: "factor.movementIs" },
  { key: "demand", name: "factor.demand", meaning: "factor.demandIs" },
  { key: "terminal", name: "factor.terminal", meaning: "factor.terminalIs" },
  { key: "total", name: "factor.total", meaning: null },
];

/** Factors that some plans do not have: shown where they cost anything, so that the column adds up. */
const optional = new Set<keyof CostTerms>(["demand", "terminal"]);

const factorTable = (why: WhyView, currency: string, formats: Formats): HTMLElement => {
  const shown = factors.filter(({ key }) => !optional.has(key) || (why.chosenCost[key] ?? 0) !== 0 || (why.ruleCost?.[key] ?? 0) !== 0);
  const largest = Math.max(
    1e-12,
    ...shown.flatMap(({ key }) => (key === "total" ? [] : [why.chosenCost[key] ?? 0, why.ruleCost?.[key] ?? 0])),
  );
  const amount = (value: number | undefined, kind: string, key: string): HTMLElement => {
    const cell = h(
      "td",
      { "data-factor": key, "data-plan": kind, "data-value": value },
      h("span", { class: "amount" }, value === undefined ? "–" : formats.number(value, 3)),
    );
    if (value !== undefined && key !== "total") {
      const bar = h("span", { class: `factor-bar factor-${kind}`, "aria-hidden": "true" });
      bar.style.width = `${Math.max(0, Math.min(100, (100 * value) / largest))}%`;
      cell.append(bar);
    }
    return cell;
  };
  const signed = (value: number): string => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${formats.number(Math.abs(value), 3)}`;
  return h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("why.weighs") },
    h(
      "table",
      { class: "factors", "data-table": "factors" },
      h("caption", { class: "visually-hidden" }, t("why.weighsIn", { currency })),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, t("why.in", { currency })),
          h("th", { scope: "col" }, t("why.chosen")),
          h("th", { scope: "col" }, t("source.rule")),
          h("th", { scope: "col" }, t("why.difference")),
        ),
      ),
      h(
        "tbody",
        {},
        ...shown.map(({ key, name, meaning }) =>
          h(
            "tr",
            { class: key === "total" ? "total" : null },
            h("th", { scope: "row" }, t(name), meaning === null ? null : h("span", { class: "meaning" }, t(meaning))),
            amount(why.chosenCost[key], "chosen", key),
            amount(why.ruleCost?.[key], "rule", key),
            h("td", {}, why.ruleCost === null ? "–" : signed((why.chosenCost[key] ?? 0) - (why.ruleCost[key] ?? 0))),
          ),
        ),
      ),
    ),
  );
};

const verdict = (why: WhyView, currency: string, formats: Formats): string => {
  if (why.fallback !== null) return t("why.ruleActs", { why: fallbackText(why.fallback) });
  if (why.ruleCost === null) return "";
  const saved = why.ruleCost.total - why.chosenCost.total;
  return t(saved >= 0 ? "why.better" : "why.worse", { amount: formats.number(Math.abs(saved), 3), currency });
};

const whyBody = (view: ZoneView, site: SiteInfo, formats: Formats): HTMLElement[] => {
  const { why } = view;
  if (why === null) return [h("p", { class: "empty" }, t("why.nothing"))];
  const { diagnostics } = why;
  const discardedPct = diagnostics.numSamples > 0 ? (100 * diagnostics.samplesDiscarded) / diagnostics.numSamples : null;
  return [
    ...(why.zoneReason === null ? [] : [h("p", { class: "reason", "data-zone-reason": why.zoneReason }, reasonText(why.zoneReason, site))]),
    h("p", { class: why.zoneReason === null ? "reason" : "verdict", "data-reason": why.reason }, reasonText(why.reason, site)),
    h("p", { class: "verdict" }, verdict(why, site.currency, formats)),
    ...(why.envelopeChanges.length === 0
      ? []
      : [h("p", { class: "verdict" }, t("why.envelope", { changes: why.envelopeChanges.join("; ") }))]),
    factorTable(why, site.currency, formats),
    h(
      "dl",
      { class: "facts" },
      ...(
        [
          [t("why.tried"), formats.number(diagnostics.numSamples), "numSamples", diagnostics.numSamples],
          [
            t("why.discarded"),
            `${formats.number(diagnostics.samplesDiscarded)} (${formats.pct(discardedPct)})`,
            "samplesDiscarded",
            diagnostics.samplesDiscarded,
          ],
          [t("why.notFinite"), formats.number(diagnostics.samplesNotFinite), "samplesNotFinite", diagnostics.samplesNotFinite],
          [t("why.ess"), formats.number(diagnostics.effectiveSampleSize, 1), "effectiveSampleSize", diagnostics.effectiveSampleSize],
          [t("why.spread"), formats.diffK(diagnostics.spreadBoundK, 2), "spreadBoundK", diagnostics.spreadBoundK],
          [
            t("why.plannedIn"),
            t("why.msOn", { ms: formats.number(diagnostics.solveMs), backend: diagnostics.backend }),
            "solveMs",
            diagnostics.solveMs,
          ],
          [t("why.model"), why.modelVersion ?? t("why.none"), "modelVersion", why.modelVersion ?? ""],
          [t("why.decision"), view.plan?.decisionId ?? "–", "decisionId", view.plan?.decisionId ?? ""],
        ] as const
      ).map(([term, text, key, value]) =>
        h("div", { class: "fact" }, h("dt", {}, term), h("dd", { "data-diagnostic": key, "data-value": value }, text)),
      ),
    ),
  ];
};

/** Where a thermostat will hold the zone the model is all but sure; "0.0 K" would claim more than that. */
const spreadText = (stdDevK: number, formats: Formats): string =>
  stdDevK < 0.05 ? t("lessThan", { limit: formats.diffK(0.1, 1) }) : formats.diffK(stdDevK, 1);

export const createZonePage = (context: PageContext, zoneId: string): Page => {
  const { site, formats } = context;
  const zone = site.zones.find((candidate) => candidate.id === zoneId);
  const label = zone?.label ?? zoneId;
  let hours = 12;
  let refreshNow: () => void = () => undefined;
  const lead = h("p", { class: "lead" }, t("loading"));
  const { element: head } = pageHead(label, lead);
  const tabs = h(
    "nav",
    { class: "zone-tabs", "aria-label": t("zones") },
    ...site.zones.map(({ id, label: text }) =>
      h("a", { href: `#/zones/${encodeURIComponent(id)}`, "aria-current": id === zoneId ? "page" : null }, text),
    ),
  );
  const stats = h("dl", { class: "strip" });
  const card = createChartCard({
    title: t("zone.chart"),
    lanes: [
      { id: "temperature", size: "tall" },
      { id: "power", size: "low", title: t("zone.powerLane") },
      { id: "sun", size: "low", title: t("zone.sunLane") },
      { id: "price", size: "low", title: t("priceLane", { currency: site.currency }) },
    ],
    empty: t("zone.empty"),
    aside: segmented(
      t("zone.history"),
      [6, 12, 24, 48].map((value) => ({ value, text: `${value} h` })),
      hours,
      (value) => {
        hours = value;
        refreshNow();
      },
    ),
  });
  const override = createZoneOverride(context, zoneId, () => refreshNow());
  const history = createZoneHistory(context, zoneId, (error) => setText(lead, error instanceof Error ? error.message : String(error)));
  const whyContent = h("div", { class: "why" }, h("div", { class: "skeleton skeleton-text", "aria-hidden": "true" }));
  const element = h(
    "div",
    { class: "page" },
    tabs,
    head,
    stats,
    h(
      "div",
      { class: "zone-grid" },
      h("div", { class: "zones-column" }, card.element, override.element, history.element),
      h("section", { class: "card why-card" }, h("h2", {}, t("why.title")), whyContent),
    ),
  );
  const controller = new AbortController();

  const refresh = async (signal: AbortSignal): Promise<void> => {
    const view = await getJson<ZoneView>(`zones/${encodeURIComponent(zoneId)}?hours=${hours}`, signal);
    const { zone: now, plan } = view;
    fill(lead, h("span", { class: "lead-temp", "data-value": now.zoneAirTempC }, formats.tempC(now.zoneAirTempC)), stateBadge(now.state));
    override.show(now.source === "override");
    const end = plan?.meanC.at(-1);
    fill(
      stats,
      stat(
        t("zone.setpoints"),
        now.heatingSetpointC === null || now.coolingSetpointC === null
          ? "–"
          : `${formats.tempNumber(now.heatingSetpointC, 1)}–${formats.tempC(now.coolingSetpointC)}`,
        now.untilMs === null ? "" : t("until", { time: formats.clock(now.untilMs) }),
      ),
      stat(t("zone.setBy"), sourceBadge(now.source), view.why?.fallback == null ? "" : fallbackText(view.why.fallback)),
      stat(
        t("zone.band"),
        now.band === null ? "–" : `${formats.tempNumber(now.band.lowerC, 1)}–${formats.tempC(now.band.upperC)}`,
        now.band === null ? "" : now.band.occupied ? t("zone.occupied") : t("zone.notOccupied"),
      ),
      stat(
        t("zone.expected"),
        formats.tempC(end ?? null),
        plan === null || end === undefined
          ? t("zone.noPlan")
          : t("zone.giveOrTake", { time: formats.clock(plan.stepEndMs.at(-1)!), spread: spreadText(plan.stdDevK.at(-1)!, formats) }),
      ),
      stat(
        t("zone.measured"),
        formats.clock(now.measuredMs),
        now.measuredMs === null ? t("zone.noReading") : t("ago", { age: formats.age((view.nowMs - now.measuredMs) / 1000) }),
      ),
    );
    const stepMs = (plan?.stepS ?? context.status()?.tickIntervalS ?? 900) * 1000;
    const sun = sunLane(view, stepMs, formats);
    card.update(
      view.measured.length === 0 && plan === null
        ? null
        : {
            lanes: {
              temperature: temperatureLane(view, stepMs, label, formats),
              power: powerLane(view, stepMs, formats),
              ...(sun === null ? {} : { sun }),
              price: priceLane(view, stepMs, formats),
            },
            tables: [...(plan === null ? [] : [planTable(plan, formats)]), measuredTable(view, formats)],
            legend: zoneLegend(view, stepMs, formats),
          },
    );
    // Kept while unchanged: the table keeps its scroll position and a screen reader its place.
    const shown = JSON.stringify(view.why) + (plan?.decisionId ?? "");
    if (whyContent.dataset.shown !== shown) {
      whyContent.dataset.shown = shown;
      fill(whyContent, ...whyBody(view, site, formats));
    }
    await history.refresh(signal);
  };
  refreshNow = () => {
    refresh(controller.signal).catch((error: unknown) => {
      if (!controller.signal.aborted) setText(lead, error instanceof Error ? error.message : String(error));
    });
  };
  return {
    title: label,
    element,
    refresh,
    destroy: () => {
      controller.abort();
      card.destroy();
      history.destroy();
    },
  };
};
