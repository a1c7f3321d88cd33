import type { ScheduleView, ScheduleZoneView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead } from "#dashboards/web/app/parts";
import { currentLocale } from "#dashboards/web/app/settings";
import { createClosuresCard, daysText } from "#dashboards/web/pages/closuresCard";
import { createControlCards } from "#dashboards/web/pages/controlCards";
import { plainTable } from "#dashboards/web/pages/plainTable";

/** A Monday at noon UTC: names weekdays in every language. */
const mondayMs = Date.UTC(2024, 0, 1, 12);
const dayMs = 86_400_000;
const weekdayName = (index: number): string =>
  new Intl.DateTimeFormat(currentLocale(), { weekday: "long", timeZone: "UTC" }).format(mondayMs + index * dayMs);

const minuteText = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
const bandText = ({ lowerC, upperC }: { readonly lowerC: number; readonly upperC: number }, formats: Formats): string =>
  `${formats.tempNumber(lowerC, 1)}–${formats.tempC(upperC)}`;

/** One day as a bar over 24 hours; the hours stand beside it in words. */
const dayBar = (spans: ScheduleZoneView["week"][number]): HTMLElement =>
  h(
    "span",
    { class: "day-bar", "aria-hidden": "true" },
    ...spans.map(({ startMinute, endMinute }) => {
      const span = h("span", { class: "day-span" });
      span.style.left = `${(100 * startMinute) / 1440}%`;
      span.style.width = `${(100 * (endMinute - startMinute)) / 1440}%`;
      return span;
    }),
  );

/** Zones with the same week are one grid. */
const groups = (zones: readonly ScheduleZoneView[]): ScheduleZoneView[][] => {
  const found = new Map<string, ScheduleZoneView[]>();
  for (const zone of zones) {
    const key = JSON.stringify([zone.week, zone.holidays]);
    const own = found.get(key);
    if (own === undefined) found.set(key, [zone]);
    else own.push(zone);
  }
  return [...found.values()];
};

const weekCard = (zones: readonly ScheduleZoneView[], todayIndex: number): HTMLElement => {
  const first = zones[0]!;
  const names = zones.map(({ label }) => label).join(", ");
  return h(
    "section",
    { class: "card", "data-week": zones.map(({ id }) => id).join(" ") },
    h("h2", {}, t("schedule.week")),
    h("p", { class: "card-note" }, names),
    plainTable(
      "week",
      t("schedule.weekOf", { zones: names }),
      [t("comfort.day"), t("schedule.hours"), t("schedule.picture")],
      first.week.map((spans, index) =>
        h(
          "tr",
          { class: index === todayIndex ? "is-today" : null },
          h("th", { scope: "row" }, weekdayName(index), index === todayIndex ? ` (${t("schedule.today")})` : null),
          h(
            "td",
            {},
            spans.length === 0
              ? t("schedule.nobody")
              : spans.map(({ startMinute, endMinute }) => `${minuteText(startMinute)}–${minuteText(endMinute)}`).join(", "),
          ),
          h("td", { class: "day-cell" }, dayBar(spans)),
        ),
      ),
    ),
    h("h3", {}, t("schedule.holidays")),
    first.holidays.length === 0
      ? h("p", { class: "empty" }, t("schedule.noHolidays"))
      : h("ul", { class: "holidays" }, ...first.holidays.map((one) => h("li", {}, daysText(one)))),
  );
};

const stateText = (occupied: boolean): string => t(occupied ? "schedule.occupied" : "schedule.unoccupied");

const zonesTable = (view: ScheduleView, formats: Formats): HTMLElement =>
  plainTable(
    "schedule-zones",
    t("schedule.zones"),
    [
      t("comfort.zone"),
      t("schedule.now"),
      t("schedule.next"),
      t("schedule.occupiedBand"),
      t("schedule.unoccupiedBand"),
      t("schedule.byHand"),
    ],
    view.zones.map((zone) =>
      h(
        "tr",
        { "data-zone": zone.id },
        h("th", { scope: "row" }, h("a", { href: `#/zones/${encodeURIComponent(zone.id)}` }, zone.label)),
        h(
          "td",
          { "data-now": zone.now.occupied ? "occupied" : "unoccupied" },
          h(
            "span",
            { class: `badge tone-${zone.now.occupied ? "good" : "quiet"}` },
            icon(zone.now.occupied ? "person" : "ring"),
            `${stateText(zone.now.occupied)}, ${bandText(zone.now, formats)}`,
          ),
        ),
        h(
          "td",
          { "data-value": zone.next?.timeMs },
          zone.next === null
            ? t("schedule.nothingNext")
            : `${formats.dayAndClock(zone.next.timeMs)}: ${stateText(zone.next.occupied)}, ${bandText(zone.next, formats)}`,
        ),
        h("td", {}, zone.adaptive === null ? bandText(zone.occupied, formats) : t("schedule.adaptive", { standard: zone.adaptive })),
        h("td", {}, bandText(zone.unoccupied, formats)),
        h(
          "td",
          {},
          zone.override === null
            ? t("schedule.noOverride")
            : [
                `${formats.tempNumber(zone.override.setpoints.heatingSetpointC, 1)}–${formats.tempC(zone.override.setpoints.coolingSetpointC)}`,
                zone.override.by,
                zone.override.untilMs === null ? t("schedule.released") : t("until", { time: formats.dayAndClock(zone.override.untilMs) }),
              ].join(", "),
        ),
      ),
    ),
  );

const limitsList = ({ limits, setback, rule }: ScheduleView, formats: Formats): HTMLElement => {
  const facts: readonly (readonly [string, string])[] = [
    [t("schedule.heatingLimits"), bandText({ lowerC: limits.minHeatingSetpointC, upperC: limits.maxHeatingSetpointC }, formats)],
    [t("schedule.coolingLimits"), bandText({ lowerC: limits.minCoolingSetpointC, upperC: limits.maxCoolingSetpointC }, formats)],
    [t("schedule.deadband"), formats.diffK(limits.deadbandK)],
    [t("schedule.slew"), formats.diffK(limits.maxSlewKPerStep)],
    [t("schedule.setback"), bandText({ lowerC: setback.heatingSetpointC, upperC: setback.coolingSetpointC }, formats)],
    [t("schedule.rule"), t(rule.ramp ? "schedule.ruleRamp" : "schedule.ruleAtOnce", { lead: formats.age(rule.leadS) })],
  ];
  return h("dl", { class: "facts" }, ...facts.map(([term, value]) => h("div", { class: "fact" }, h("dt", {}, term), h("dd", {}, value))));
};

/** Who decides, what is wanted when: the entry in force and the next of every zone, the week, holidays, and the limits that hold always. */
export const createSchedulePage = (context: PageContext): Page => {
  const { formats } = context;
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("loading"));
  const { element: head } = pageHead(t("schedule.title"), lead);
  const control = createControlCards(context);
  const zones = h("div", {});
  const closures = createClosuresCard(context, () => void refresh(new AbortController().signal).catch(() => undefined));
  const weeks = h("div", { class: "two" });
  const limits = h("div", {});
  let shown = "";
  const element = h(
    "div",
    { class: "page" },
    head,
    control.element,
    h("section", { class: "card" }, h("h2", {}, t("schedule.zones")), zones),
    weeks,
    closures.element,
    h("section", { class: "card" }, h("h2", {}, t("schedule.limits")), h("p", { class: "card-note" }, t("schedule.fileNote")), limits),
  );
  const refresh = async (signal: AbortSignal): Promise<void> => {
    const view = await getJson<ScheduleView>("schedule", signal);
    const occupied = view.zones.filter((zone) => zone.now.occupied).length;
    const nextMs = Math.min(...view.zones.map(({ next }) => next?.timeMs ?? Number.POSITIVE_INFINITY));
    setText(
      lead,
      `${t("schedule.sentence", { count: formats.number(occupied), all: formats.number(view.zones.length) })}${
        Number.isFinite(nextMs) ? ` ${t("schedule.nextChange", { time: formats.dayAndClock(nextMs) })}` : ""
      }`,
    );
    const { nowMs, ...standing } = view;
    const weekday = new Intl.DateTimeFormat("en-US", { weekday: "short", timeZone: view.timeZone }).format(nowMs);
    const todayIndex = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(weekday);
    const now = JSON.stringify([standing, todayIndex]);
    if (now === shown) return;
    shown = now;
    fill(zones, zonesTable(view, formats));
    fill(weeks, ...groups(view.zones).map((group) => weekCard(group, todayIndex)));
    // Swedes write days as ISO 8601 does.
    const today = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeZone: view.timeZone }).format(view.nowMs);
    closures.show(view.closures, today);
    fill(limits, limitsList(view, formats));
  };
  return { title: t("schedule.title"), element, refresh, onStatus: control.show, destroy: () => undefined };
};
