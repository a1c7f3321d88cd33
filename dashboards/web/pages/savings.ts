import type { SavingsDayView, SavingsFit, SavingsMethod, SavingsView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { button, fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { field, form } from "#dashboards/web/app/forms";
import { t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead, segmented, stat } from "#dashboards/web/app/parts";
import { type Period, periodChoices, periodQuery } from "#dashboards/web/app/period";
import { problemOf } from "#dashboards/web/app/session";
import { createChartCard } from "#dashboards/web/charts/chartCard";
import { plainTable } from "#dashboards/web/pages/plainTable";
import { savingsContent } from "#dashboards/web/pages/savingsChart";
import { savingsCsv } from "#dashboards/web/pages/savingsCsv";

const verdict = (isGood: boolean, text: string): HTMLElement =>
  h("span", { class: `badge tone-${isGood ? "good" : "warm"}` }, icon(isGood ? "check" : "alert"), text);

const sentence = (view: SavingsView, formats: Formats): string => {
  if (view.missing !== null)
    return t(`savingsMissing.${view.missing}`, {
      hours: formats.number(view.baselineHoursNeeded),
      days: formats.number(view.baselineHoursNeeded / 24),
    });
  const { savedKwh, savedLowKwh, savedHighKwh, days } = view.total!;
  const amounts = {
    saved: formats.energyKwh(Math.abs(savedKwh)),
    low: formats.energyKwh(savedLowKwh),
    high: formats.energyKwh(savedHighKwh),
    days: formats.number(days),
    confidence: formats.pct(view.confidencePct),
  };
  // An interval that holds zero proves nothing, whatever its middle.
  if (savedLowKwh <= 0 && savedHighKwh >= 0) return t("savings.unproven", amounts);
  return t(savedKwh > 0 ? "savings.saved" : "savings.lost", amounts);
};

const fitTable = (fit: SavingsFit, formats: Formats): HTMLElement => {
  const row = (key: string, name: string, value: string, limit: string, isGood: boolean | null): HTMLElement =>
    h(
      "tr",
      { "data-fit": key },
      h("th", { scope: "row" }, name),
      h("td", {}, value),
      h("td", {}, limit),
      h("td", {}, isGood === null ? "" : verdict(isGood, t(isGood ? "savings.pass" : "savings.fail"))),
    );
  const signedPct = (value: number): string => `${value < 0 ? "−" : ""}${formats.pct(Math.abs(value), 1)}`;
  return plainTable(
    "savings-fit",
    t("savings.fit"),
    [t("savings.figure"), t("savings.value"), t("savings.limit"), t("savings.verdict")],
    [
      row("cvRmsePct", "CV(RMSE)", formats.pct(fit.cvRmsePct, 1), `≤ ${formats.pct(30)}`, fit.cvRmsePct <= 30),
      row("nmbePct", "NMBE", signedPct(fit.nmbePct), `± ${formats.pct(10)}`, Math.abs(fit.nmbePct) <= 10),
      row("r2", "R²", formats.number(fit.r2, 2), "", null),
      row("autocorrelation", t("savings.autocorrelation"), formats.number(fit.autocorrelation, 2), "", null),
      row("hours", t("savings.hoursFitted"), formats.number(fit.hours), "", null),
      row("period", t("savings.period"), `${formats.day(fit.fromMs)} – ${formats.day(fit.toMs - 1)}`, "", null),
      ...(fit.heatingBalanceC === null || fit.coolingBalanceC === null
        ? []
        : [
            row("balance", t("savings.balance"), `${formats.tempC(fit.heatingBalanceC)} / ${formats.tempC(fit.coolingBalanceC)}`, "", null),
          ]),
    ],
  );
};

const dayRow = (day: SavingsDayView, formats: Formats): HTMLElement => {
  const total = day.baselineKwh === null ? null : day.baselineKwh + day.adjustmentKwh;
  return h(
    "tr",
    { "data-day": day.day, "data-excluded": day.excluded },
    h("th", { scope: "row" }, formats.day(day.startMs)),
    h("td", { "data-value": day.actualKwh }, formats.energyKwh(day.actualKwh)),
    h("td", { "data-value": total }, formats.energyKwh(total)),
    h(
      "td",
      { "data-value": total === null ? null : total - day.actualKwh! },
      formats.energyKwh(total === null ? null : total - day.actualKwh!),
    ),
    h("td", {}, `${formats.number(day.countedHours)} / ${formats.number(day.hours)}`),
    h("td", { class: "wide-text" }, day.excluded === null ? t("savings.counts") : t(`savingsExcluded.${day.excluded}`)),
  );
};

/** What was saved and how sure that is: baseline against measured, the days that do not count and why, the adjustments, and the export. */
export const createSavingsPage = (context: PageContext): Page => {
  const { formats, session, site } = context;
  let period: Period = "30d";
  let method: SavingsMethod = "before";
  let newest: SavingsView | null = null;
  let refreshNow: () => void = () => undefined;
  const controller = new AbortController();
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("loading"));
  const methodChoice = segmented(
    t("savings.method"),
    [
      { value: "before" as SavingsMethod, text: t("savings.method.before") },
      { value: "rule" as SavingsMethod, text: t("savings.method.rule") },
    ],
    method,
    (value) => {
      method = value;
      refreshNow();
    },
  );
  const choice = segmented(t("period.label"), periodChoices, period, (value: Period) => {
    period = value;
    refreshNow();
  });
  const { element: head } = pageHead(t("savings.title"), lead, h("div", { class: "page-choices" }, methodChoice, choice));
  const stats = h("dl", { class: "strip" });
  const fit = h("div", {});
  const days = h("div", {});
  const adjustments = h("div", {});
  const methodNote = h("p", { class: "card-note" });
  const chart = createChartCard({ title: t("savings.chart"), lanes: [{ id: "savings", size: "medium" }], empty: t("savings.noFigures") });

  const download = (): void => {
    if (newest === null) return;
    const url = URL.createObjectURL(new Blob([savingsCsv(newest)], { type: "text/csv" }));
    const link = h("a", { href: url, download: `savings-${site.id}-${newest.method}.csv` });
    link.click();
    URL.revokeObjectURL(url);
  };
  const exports = h(
    "div",
    { class: "row-actions no-print" },
    button({ class: "button-quiet", "data-action": "csv" }, download, t("savings.csv")),
    button({ class: "button-quiet", "data-action": "print" }, () => window.print(), t("savings.print")),
  );

  const [first, last, kwh, reason] = [
    field(t("savings.first"), { type: "date", required: true }),
    field(t("savings.last"), { type: "date", required: true }),
    field(t("savings.kwhPerDay"), { type: "number", step: 0.1, required: true }, t("savings.kwhHint")),
    field(t("savings.reason"), { required: true, minlength: 3, maxlength: 300 }),
  ];
  const newAdjustment = form(t("savings.adjust"), [first, last, kwh, reason], async () => {
    await session.send("POST", "savings/adjustments", {
      first: first.input.value,
      last: last.input.value,
      kwhPerDay: Number(kwh.input.value),
      reason: reason.input.value,
    });
    reason.input.value = "";
    refreshNow();
    return t("savings.adjusted");
  });
  newAdjustment.classList.add("form-wide", "no-print");
  const problem = h("p", { class: "form-message form-problem", role: "alert" });
  const withdraw = (id: string): void => {
    fill(problem);
    session.send("DELETE", `savings/adjustments/${id}`).then(
      () => refreshNow(),
      (error: unknown) => fill(problem, `${problemOf(error).error} ${problemOf(error).todo}`),
    );
  };

  const element = h(
    "div",
    { class: "page" },
    head,
    stats,
    chart.element,
    h(
      "div",
      { class: "two" },
      h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, t("savings.fit")), exports), methodNote, fit),
      h(
        "section",
        { class: "card" },
        h("h2", {}, t("savings.adjustments")),
        h("p", { class: "card-note" }, t("savings.adjustmentsNote")),
        problem,
        adjustments,
        session.can("admin") ? newAdjustment : h("p", { class: "hint" }, t("savings.needsAdmin")),
      ),
    ),
    h("section", { class: "card" }, h("h2", {}, t("savings.days")), days),
  );

  const showAdjustments = (view: SavingsView): void =>
    fill(
      adjustments,
      view.adjustments.length === 0
        ? h("p", { class: "empty" }, t("savings.noAdjustments"))
        : plainTable(
            "savings-adjustments",
            t("savings.adjustments"),
            [t("savings.daysOf"), t("savings.perDay"), t("savings.reason"), t("audit.who"), t("admin.actions")],
            view.adjustments.map((one) =>
              h(
                "tr",
                { "data-adjustment": one.id },
                h("th", { scope: "row" }, one.first === one.last ? one.first : `${one.first} – ${one.last}`),
                h("td", { "data-value": one.kwhPerDay }, formats.energyKwh(one.kwhPerDay)),
                h("td", { class: "wide-text" }, one.reason),
                h("td", {}, `${one.by}, ${formats.wallTime(one.timeMs)}`),
                h(
                  "td",
                  {},
                  one.withdrawn !== null
                    ? t("savings.withdrawn", { name: one.withdrawn.by })
                    : session.can("admin")
                      ? button(
                          { class: "button-quiet", "aria-label": t("savings.withdrawWhich", { reason: one.reason }) },
                          () => withdraw(one.id),
                          t("savings.withdraw"),
                        )
                      : "",
                ),
              ),
            ),
          ),
    );

  const refresh = async (signal: AbortSignal): Promise<void> => {
    const range = periodQuery(period, context.status());
    const view = await getJson<SavingsView>(`savings${range === "" ? "?" : `${range}&`}method=${method}`, signal);
    newest = view;
    setText(lead, sentence(view, formats));
    const { total } = view;
    fill(
      stats,
      stat(
        t("savings.savedStat"),
        formats.energyKwh(total?.savedKwh ?? null),
        total === null
          ? ""
          : t("savings.interval", {
              low: formats.energyKwh(total.savedLowKwh),
              high: formats.energyKwh(total.savedHighKwh),
              confidence: formats.pct(view.confidencePct),
            }),
        { "data-stat": "saved" },
      ),
      stat(
        t("savings.share"),
        total?.savedPct == null ? "–" : `${total.savedPct < 0 ? "−" : ""}${formats.pct(Math.abs(total.savedPct), 1)}`,
        t("savings.ofBaseline"),
      ),
      stat(
        t("savings.baseline"),
        formats.energyKwh(total?.baselineKwh ?? null),
        total === null || total.adjustmentKwh === 0 ? "" : t("savings.adjustedBy", { energy: formats.energyKwh(total.adjustmentKwh) }),
      ),
      stat(t("savings.actual"), formats.energyKwh(total?.actualKwh ?? null), t("energy.measured")),
      stat(t("savings.counted"), formats.number(total?.days ?? 0), t("savings.ofDays", { days: formats.number(view.days.length) })),
    );
    setText(methodNote, t(`savingsNote.${view.method}`));
    fill(fit, view.fit === null ? h("p", { class: "empty" }, t("savings.noFit")) : fitTable(view.fit, formats));
    fill(
      days,
      view.days.length === 0
        ? h("p", { class: "empty" }, t("savings.noFigures"))
        : plainTable(
            "savings-days",
            t("savings.days"),
            [t("comfort.day"), t("savings.actual"), t("savings.baseline"), t("savings.savedStat"), t("savings.hours"), t("savings.state")],
            [...view.days].reverse().map((day) => dayRow(day, formats)),
          ),
    );
    chart.update(savingsContent(view, formats));
    if (!adjustments.contains(document.activeElement)) showAdjustments(view);
  };
  refreshNow = () => {
    refresh(controller.signal).catch((error: unknown) => {
      if (!controller.signal.aborted) setText(lead, error instanceof Error ? error.message : String(error));
    });
  };
  return {
    title: t("savings.title"),
    element,
    refresh,
    destroy: () => {
      controller.abort();
      chart.destroy();
    },
  };
};
