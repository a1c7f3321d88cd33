import type { WhatIfPlan, WhatIfQuestion, WhatIfView } from "#dashboards/server/wire";
import { fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { choiceField, field, form } from "#dashboards/web/app/forms";
import { t } from "#dashboards/web/app/i18n";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead } from "#dashboards/web/app/parts";
import { reasonText } from "#dashboards/web/app/reasons";
import { currentTempUnit, diffToC } from "#dashboards/web/app/settings";
import { createChartCard } from "#dashboards/web/charts/chartCard";
import { plainTable } from "#dashboards/web/pages/plainTable";
import { whatIfPowerContent, whatIfZoneContent } from "#dashboards/web/pages/whatIfCharts";

const difference = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : b - a);
const signed = (value: number | null, text: (value: number) => string): string =>
  value === null ? "–" : `${value > 0 ? "+" : value < 0 ? "−" : "±"}${text(Math.abs(value))}`;

const comparison = ({ inForce, changed }: WhatIfView, formats: Formats): HTMLElement => {
  const rows: readonly (readonly [
    key: string,
    name: string,
    pick: (plan: WhatIfPlan) => number | null,
    text: (value: number) => string,
  ])[] = [
    ["energyKwh", t("nav.energy"), (plan) => plan.energyKwh, (value) => formats.energyKwh(value)],
    ["energyCost", t("energy.cost"), (plan) => plan.energyCost, (value) => formats.money(value)],
    ["peakKw", t("energy.peak"), (plan) => plan.peakKw, (value) => formats.powerKw(value)],
    ["discomfortKh", t("whatIf.discomfort"), (plan) => plan.discomfortKh, (value) => formats.kelvinHours(value)],
  ];
  return plainTable(
    "what-if",
    t("whatIf.comparison"),
    [t("whatIf.figure"), t("whatIf.inForce"), t("whatIf.changed"), t("why.difference")],
    rows.map(([key, name, pick, text]) => {
      const cell = (value: number | null) => (value === null ? "–" : text(value));
      const delta = difference(pick(inForce), pick(changed));
      return h(
        "tr",
        { "data-figure": key },
        h("th", { scope: "row" }, name),
        h("td", { "data-value": pick(inForce) }, cell(pick(inForce))),
        h("td", { "data-value": pick(changed) }, cell(pick(changed))),
        h("td", { "data-value": delta }, signed(delta, text)),
      );
    }),
  );
};

/** Other wishes for the coming hours, and the plan that they would lead to, before anybody acts. */
export const createWhatIfPage = (context: PageContext): Page => {
  const { formats, session, site } = context;
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("whatIf.lead"));
  const { element: head } = pageHead(t("whatIf.title"), lead);
  const unit = currentTempUnit() === "F" ? "°F" : "K";
  const shift = { type: "number", min: -5, max: 5, step: 0.1, value: 0, inputmode: "decimal" } as const;
  const lower = field(t("whatIf.lowerShift", { unit }), shift);
  const upper = field(t("whatIf.upperShift", { unit }), shift);
  const price = field(t("whatIf.price"), { type: "number", min: 0, max: 20, step: 0.1, value: 1 }, t("whatIf.priceHint"));
  const occupancy = choiceField(
    t("whatIf.occupancy"),
    (["scheduled", "empty", "occupied"] as const).map((value) => ({ value, text: t(`whatIfOccupancy.${value}`) })),
    "scheduled",
  );
  const horizon = field(t("whatIf.horizon"), { type: "number", min: 1, max: 192, step: 1 }, t("whatIf.horizonHint"));
  const figures = h("div", { class: "what-if-answer", "aria-live": "polite" });
  const power = createChartCard({ title: t("zone.powerLane"), lanes: [{ id: "power", size: "medium" }], empty: t("whatIf.noAnswer") });
  const zones = site.zones.map(({ id, label }) => ({
    id,
    card: createChartCard({ title: label, lanes: [{ id: "temperature", size: "medium" }], empty: t("whatIf.noAnswer") }),
  }));
  const answers = h(
    "div",
    { class: "what-if-charts", hidden: true },
    power.element,
    h("div", { class: "two" }, ...zones.map(({ card }) => card.element)),
  );

  const show = (view: WhatIfView): void => {
    const saves = difference(view.inForce.energyCost, view.changed.energyCost);
    setText(
      lead,
      saves === null
        ? t("whatIf.noPrediction")
        : t(saves <= 0 ? "whatIf.cheaper" : "whatIf.dearer", {
            amount: formats.money(Math.abs(saves)),
            time: formats.clock(view.stepEndMs.at(-1) ?? view.issuedAtMs),
          }),
    );
    fill(
      figures,
      h("p", { class: "reason" }, reasonText(view.changed.reason, site)),
      comparison(view, formats),
      h(
        "p",
        { class: "card-note" },
        t("whatIf.made", {
          decision: view.decisionId,
          time: formats.dayAndClock(view.issuedAtMs),
          samples: formats.number(view.samples),
          took: formats.number(view.tookMs / 1000, 1),
        }),
      ),
    );
    answers.hidden = false;
    power.update(whatIfPowerContent(view, formats));
    for (const { id, card } of zones) card.update(whatIfZoneContent(view, id, formats));
  };
  const numberOf = (text: string, otherwise: number): number => (text.trim() === "" ? otherwise : Number(text));
  const ask = form(t("whatIf.ask"), [lower, upper, price, occupancy, horizon], async () => {
    const question: WhatIfQuestion = {
      lowerShiftK: diffToC(numberOf(lower.input.value, 0), currentTempUnit()),
      upperShiftK: diffToC(numberOf(upper.input.value, 0), currentTempUnit()),
      priceFactor: numberOf(price.input.value, 1),
      occupancy: occupancy.input.value as WhatIfQuestion["occupancy"],
      horizonSteps: horizon.input.value === "" ? null : Number(horizon.input.value),
    };
    show(await session.send<WhatIfView>("POST", "what-if", question));
    return t("whatIf.nothingSent");
  });
  ask.classList.add("form-wide");
  const element = h(
    "div",
    { class: "page" },
    head,
    h(
      "section",
      { class: "card" },
      h("h2", {}, t("whatIf.question")),
      h("p", { class: "card-note" }, t("whatIf.note")),
      session.can("operator") ? ask : h("p", { class: "hint" }, t("whatIf.needsOperator")),
      figures,
    ),
    answers,
  );
  return {
    title: t("whatIf.title"),
    element,
    // Answers stay as they are until somebody asks anew.
    refresh: async () => undefined,
    destroy: () => {
      power.destroy();
      for (const { card } of zones) card.destroy();
    },
  };
};
