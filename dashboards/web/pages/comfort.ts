import type { ComfortView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead, stat } from "#dashboards/web/app/parts";
import { createRangeChooser, rangeQuery } from "#dashboards/web/app/rangeChooser";
import { currentLocale } from "#dashboards/web/app/settings";
import { heatTable } from "#dashboards/web/pages/heatTable";
import { plainTable } from "#dashboards/web/pages/plainTable";

/** Noon UTC of a local day: names the day in every time zone between −12 and +12 hours. */
const dayName = (day: string): string =>
  new Intl.DateTimeFormat(currentLocale(), { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" }).format(
    Date.parse(`${day}T12:00:00Z`),
  );

const hourColumns = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));

const sentence = (view: ComfortView, formats: Formats): string => {
  if (view.inBandPct === null) return t("comfort.none");
  const worst = [...view.zones]
    .filter((zone) => zone.inBandPct !== null)
    .sort((a, b) => b.tooWarmKh + b.tooColdKh - a.tooWarmKh - a.tooColdKh)[0];
  const share = t("comfort.share", { share: formats.pct(view.inBandPct, 1) });
  if (worst === undefined || worst.tooWarmKh + worst.tooColdKh === 0) return share;
  return `${share} ${t(worst.tooWarmKh >= worst.tooColdKh ? "comfort.worstWarm" : "comfort.worstCold", { zone: worst.label })}`;
};

const zoneTable = (view: ComfortView, formats: Formats): HTMLElement =>
  h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("comfort.byZoneSpoken") },
    h(
      "table",
      { class: "zones-table", "data-table": "comfort-zones" },
      h("caption", { class: "visually-hidden" }, t("comfort.byZoneCaption")),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ...[t("comfort.zone"), t("comfort.inBand"), t("comfortState.too-warm"), t("comfortState.too-cold")].map((name) =>
            h("th", { scope: "col" }, name),
          ),
        ),
      ),
      h(
        "tbody",
        {},
        ...view.zones.map((zone) => {
          const bar = h("span", { class: "share-bar", "aria-hidden": "true" }, h("span", { class: "share-fill" }));
          (bar.firstElementChild as HTMLElement).style.width = `${zone.inBandPct ?? 0}%`;
          return h(
            "tr",
            { "data-zone": zone.id },
            h("th", { scope: "row" }, h("a", { href: `#/zones/${encodeURIComponent(zone.id)}` }, zone.label)),
            h(
              "td",
              { "data-value": zone.inBandPct },
              h("span", { class: "share" }, h("span", { class: "share-text" }, formats.pct(zone.inBandPct, 1)), bar),
            ),
            h("td", { "data-value": zone.tooWarmKh }, formats.kelvinHours(zone.tooWarmKh)),
            h("td", { "data-value": zone.tooColdKh }, formats.kelvinHours(zone.tooColdKh)),
          );
        }),
      ),
    ),
  );

/** What people set by hand stands beside the hours in which it was uncomfortable. */
const overrideTable = (view: ComfortView, formats: Formats): HTMLElement =>
  plainTable(
    "overrides",
    t("comfort.overrides"),
    [t("comfort.zone"), t("comfort.from"), t("comfort.to"), t("zone.setpoints")],
    view.overrides.map(({ zone, fromMs, toMs, setpoints }) =>
      h(
        "tr",
        { "data-override": zone },
        h("th", { scope: "row" }, view.zones.find(({ id }) => id === zone)?.label ?? zone),
        h("td", { "data-value": fromMs }, formats.dayAndClock(fromMs)),
        h("td", { "data-value": toMs }, formats.dayAndClock(toMs)),
        h("td", {}, `${formats.tempNumber(setpoints.heatingSetpointC, 1)}–${formats.tempC(setpoints.coolingSetpointC)}`),
      ),
    ),
  );

export const createComfortPage = (context: PageContext): Page => {
  const { site, formats } = context;
  let refreshNow: () => void = () => undefined;
  const controller = new AbortController();
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("loading"));
  // The server answers no longer times.
  const range = createRangeChooser("7d", 92, () => refreshNow());
  const { element: head } = pageHead(t("nav.comfort"), lead, range.element);
  const stats = h("dl", { class: "strip" });
  const zones = h("div", {});
  const days = h("div", {});
  const hours = h("div", {});
  const overrides = h("div", {});
  const element = h(
    "div",
    { class: "page" },
    head,
    stats,
    h("section", { class: "card" }, h("h2", {}, t("comfort.byZone")), zones),
    h(
      "section",
      { class: "card" },
      h("h2", {}, t("comfort.worstHours")),
      h("p", { class: "card-note" }, t("comfort.hoursNote", { zone: site.timeZone.replace("_", " ") })),
      hours,
    ),
    h("section", { class: "card" }, h("h2", {}, t("comfort.overrides")), overrides),
    h("section", { class: "card" }, h("h2", {}, t("comfort.byDay")), days),
  );
  const refresh = async (signal: AbortSignal): Promise<void> => {
    const view = await getJson<ComfortView>(`comfort${rangeQuery(range.chosen(), context.status())}`, signal);
    setText(lead, sentence(view, formats));
    const scored = view.zones.reduce((total, zone) => total + zone.scoredSteps, 0);
    const warm = view.zones.reduce((total, zone) => total + zone.tooWarmKh, 0);
    const cold = view.zones.reduce((total, zone) => total + zone.tooColdKh, 0);
    fill(
      stats,
      stat(t("comfort.inBand"), formats.pct(view.inBandPct, 1), t("comfort.tolerance", { limit: formats.diffK(view.toleranceK) })),
      stat(t("comfortState.too-warm"), formats.kelvinHours(warm), t("comfort.allZones")),
      stat(t("comfortState.too-cold"), formats.kelvinHours(cold), t("comfort.allZones")),
      stat(t("comfort.scored"), formats.number(scored), t("comfort.zoneSteps")),
    );
    fill(zones, zoneTable(view, formats));
    fill(overrides, view.overrides.length === 0 ? h("p", { class: "empty" }, t("comfort.noOverrides")) : overrideTable(view, formats));
    if (view.days.length === 0) {
      for (const place of [days, hours]) fill(place, h("p", { class: "empty" }, t("comfort.nothing")));
      return;
    }
    const byDayAndHour = new Map(view.hours.map((entry) => [`${entry.day} ${entry.hour}`, entry]));
    fill(
      hours,
      heatTable({
        caption: t("comfort.hoursCaption"),
        corner: t("comfort.day"),
        columns: hourColumns,
        dense: true,
        key: "comfort-hours",
        rows: view.days.map(({ day }) => ({
          name: dayName(day),
          cells: hourColumns.map((hourText, hour) => {
            const entry = byDayAndHour.get(`${day} ${hour}`);
            const value = entry === undefined ? null : entry.discomfortKh;
            return {
              value,
              text: value === null ? t("comfort.notOccupied") : formats.number(value, value >= 9.95 ? 0 : 1),
              spoken: `${dayName(day)}, ${hourText}:00: ${value === null ? t("comfort.nobodyThere") : t("comfort.hourSpoken", { amount: formats.kelvinHours(value), share: formats.pct(entry!.inBandPct) })}`,
            };
          }),
        })),
      }),
    );
    fill(
      days,
      heatTable({
        caption: t("comfort.daysCaption"),
        corner: t("comfort.zone"),
        columns: view.days.map(({ day }) => dayName(day)),
        dense: false,
        key: "comfort-days",
        rows: view.zones.map((zone) => ({
          name: zone.label,
          cells: view.days.map(({ day, discomfortKhByZone }) => {
            const value = discomfortKhByZone[zone.id] ?? null;
            return {
              value,
              text: value === null ? "–" : formats.number(value, 2),
              spoken: `${zone.label}, ${dayName(day)}: ${formats.kelvinHours(value)}`,
            };
          }),
        })),
      }),
    );
  };
  refreshNow = () => {
    refresh(controller.signal).catch((error: unknown) => {
      if (!controller.signal.aborted) setText(lead, error instanceof Error ? error.message : String(error));
    });
  };
  return { title: t("nav.comfort"), element, refresh, destroy: () => controller.abort() };
};
