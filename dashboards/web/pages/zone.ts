import type { CostTerms, SiteInfo, WhyView, ZoneView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead, segmented, sourceBadge, stat, stateBadge } from "#dashboards/web/app/parts";
import { createChartCard } from "#dashboards/web/charts/chartCard";
import { measuredTable, planTable, powerLane, priceLane, temperatureLane, zoneLegend } from "#dashboards/web/pages/zonePlanChart";

const fallbackWords: Readonly<Record<string, string>> = {
  "no-model": "there is no model yet",
  "too-uncertain": "no plan was certain enough",
  late: "planning took too long",
  "not-finite": "the model gave no usable numbers",
  "planner-failed": "planning failed",
  "stale-data": "the measurements are too old",
  mode: "the planner is switched off",
};

const factors: readonly { readonly key: keyof CostTerms; readonly name: string; readonly meaning: string }[] = [
  { key: "comfort", name: "Comfort", meaning: "expected time outside the band" },
  { key: "energy", name: "Energy", meaning: "price × energy over the horizon" },
  { key: "uncertainty", name: "Uncertainty", meaning: "how unsure the model is" },
  { key: "movement", name: "Movement", meaning: "moving setpoints up and down" },
  { key: "demand", name: "Demand", meaning: "what the month's peak would cost more" },
  { key: "terminal", name: "Owed", meaning: "energy still needed at the horizon's end" },
  { key: "total", name: "Total", meaning: "" },
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
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "What the plan weighs" },
    h(
      "table",
      { class: "factors", "data-table": "factors" },
      h("caption", { class: "visually-hidden" }, `What the plan weighs, in ${currency} over the coming hours`),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, `In ${currency}`),
          h("th", { scope: "col" }, "Chosen"),
          h("th", { scope: "col" }, "Rule"),
          h("th", { scope: "col" }, "Difference"),
        ),
      ),
      h(
        "tbody",
        {},
        ...shown.map(({ key, name, meaning }) =>
          h(
            "tr",
            { class: key === "total" ? "total" : null },
            h("th", { scope: "row" }, name, meaning === "" ? null : h("span", { class: "meaning" }, meaning)),
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
  if (why.fallback !== null) return `The rule acts because ${fallbackWords[why.fallback] ?? why.fallback}.`;
  if (why.ruleCost === null) return "";
  const saved = why.ruleCost.total - why.chosenCost.total;
  return saved >= 0
    ? `By the model's own account this is ${formats.number(saved, 3)} ${currency} better than the rule over the plan's hours, all factors together. That is an expectation, not a promise.`
    : `By the model's own account this is ${formats.number(-saved, 3)} ${currency} worse than the rule over the plan's hours.`;
};

const whyBody = (view: ZoneView, site: SiteInfo, formats: Formats): HTMLElement[] => {
  const { why } = view;
  if (why === null)
    return [
      h("p", { class: "empty" }, "Nothing has been decided yet. Until the model has learnt this building, its own schedule is in force."),
    ];
  const { diagnostics } = why;
  const discardedPct = diagnostics.numSamples > 0 ? (100 * diagnostics.samplesDiscarded) / diagnostics.numSamples : null;
  return [
    h("p", { class: "reason", "data-reason": "" }, why.reason),
    h("p", { class: "verdict" }, verdict(why, site.currency, formats)),
    ...(why.envelopeChanges.length === 0
      ? []
      : [h("p", { class: "verdict" }, `The safety envelope changed: ${why.envelopeChanges.join("; ")}.`)]),
    factorTable(why, site.currency, formats),
    h(
      "dl",
      { class: "facts" },
      ...(
        [
          ["Plans tried", formats.number(diagnostics.numSamples), "numSamples", diagnostics.numSamples],
          [
            "Discarded as too uncertain",
            `${formats.number(diagnostics.samplesDiscarded)} (${formats.pct(discardedPct)})`,
            "samplesDiscarded",
            diagnostics.samplesDiscarded,
          ],
          ["Discarded as not finite", formats.number(diagnostics.samplesNotFinite), "samplesNotFinite", diagnostics.samplesNotFinite],
          [
            "Effective sample size",
            formats.number(diagnostics.effectiveSampleSize, 1),
            "effectiveSampleSize",
            diagnostics.effectiveSampleSize,
          ],
          ["Largest spread accepted", formats.diffK(diagnostics.spreadBoundK, 2), "spreadBoundK", diagnostics.spreadBoundK],
          ["Planned in", `${formats.number(diagnostics.solveMs)} ms on ${diagnostics.backend}`, "solveMs", diagnostics.solveMs],
          ["Model", why.modelVersion ?? "none", "modelVersion", why.modelVersion ?? ""],
          ["Decision", view.plan?.decisionId ?? "–", "decisionId", view.plan?.decisionId ?? ""],
        ] as const
      ).map(([term, text, key, value]) =>
        h("div", { class: "fact" }, h("dt", {}, term), h("dd", { "data-diagnostic": key, "data-value": value }, text)),
      ),
    ),
  ];
};

export const createZonePage = (context: PageContext, zoneId: string): Page => {
  const { site, formats } = context;
  const zone = site.zones.find((candidate) => candidate.id === zoneId);
  const label = zone?.label ?? zoneId;
  let hours = 12;
  let refreshNow: () => void = () => undefined;
  const lead = h("p", { class: "lead" }, "Loading…");
  const { element: head } = pageHead(label, lead);
  const tabs = h(
    "nav",
    { class: "zone-tabs", "aria-label": "Zones" },
    ...site.zones.map(({ id, label: text }) =>
      h("a", { href: `#/zones/${encodeURIComponent(id)}`, "aria-current": id === zoneId ? "page" : null }, text),
    ),
  );
  const stats = h("dl", { class: "strip" });
  const card = createChartCard({
    title: "Measured and planned",
    lanes: [
      { id: "temperature", size: "tall" },
      { id: "power", size: "low", title: "Power of the building" },
      { id: "price", size: "low", title: `Price, ${site.currency} per kWh` },
    ],
    empty: "No measurements and no plan yet.",
    aside: segmented(
      "History shown",
      [6, 12, 24, 48].map((value) => ({ value, text: `${value} h` })),
      hours,
      (value) => {
        hours = value;
        refreshNow();
      },
    ),
  });
  const whyContent = h("div", { class: "why" }, h("div", { class: "skeleton skeleton-text", "aria-hidden": "true" }));
  const element = h(
    "div",
    { class: "page" },
    tabs,
    head,
    stats,
    h("div", { class: "zone-grid" }, card.element, h("section", { class: "card why-card" }, h("h2", {}, "Why now"), whyContent)),
  );
  const controller = new AbortController();

  const refresh = async (signal: AbortSignal): Promise<void> => {
    const view = await getJson<ZoneView>(`zones/${encodeURIComponent(zoneId)}?hours=${hours}`, signal);
    const { zone: now, plan } = view;
    fill(lead, h("span", { class: "lead-temp", "data-value": now.zoneAirTempC }, formats.tempC(now.zoneAirTempC)), stateBadge(now.state));
    const end = plan?.meanC.at(-1);
    fill(
      stats,
      stat(
        "Setpoints",
        now.heatingSetpointC === null || now.coolingSetpointC === null
          ? "–"
          : `${formats.number(now.heatingSetpointC, 1)}–${formats.tempC(now.coolingSetpointC)}`,
        now.untilMs === null ? "" : `until ${formats.clock(now.untilMs)}`,
      ),
      stat("Set by", sourceBadge(now.source), view.why?.fallback == null ? "" : (fallbackWords[view.why.fallback] ?? view.why.fallback)),
      stat(
        "Comfort band",
        now.band === null ? "–" : `${formats.number(now.band.lowerC, 1)}–${formats.tempC(now.band.upperC)}`,
        now.band === null ? "" : now.band.occupied ? "occupied" : "empty: does not count",
      ),
      stat(
        "Expected",
        formats.tempC(end ?? null),
        plan === null || end === undefined
          ? "no plan yet"
          : `at ${formats.clock(plan.stepEndMs.at(-1)!)}, give or take ${formats.diffK(plan.stdDevK.at(-1)!, 1)}`,
      ),
      stat(
        "Measured",
        formats.clock(now.measuredMs),
        now.measuredMs === null ? "no reading yet" : `${formats.age((view.nowMs - now.measuredMs) / 1000)} ago`,
      ),
    );
    const stepMs = (plan?.stepS ?? context.status()?.tickIntervalS ?? 900) * 1000;
    card.update(
      view.measured.length === 0 && plan === null
        ? null
        : {
            lanes: {
              temperature: temperatureLane(view, stepMs, label, formats),
              power: powerLane(view, stepMs, formats),
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
    },
  };
};
