import type { Alarm } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { button, fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { field } from "#dashboards/web/app/forms";
import { type MessageKey, t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead } from "#dashboards/web/app/parts";
import { alarmWords } from "#dashboards/web/app/reasons";
import { problemOf, type Session } from "#dashboards/web/app/session";

const levelKey = { critical: "alarm.critical", warning: "alarm.warning", info: "alarm.info" } as const satisfies Record<string, MessageKey>;

const seenText = ({ acknowledged }: Alarm, formats: Formats): string | null =>
  acknowledged === undefined
    ? null
    : `${t("alarm.seen", { name: acknowledged.by, time: formats.dayAndClock(acknowledged.timeMs) })}${acknowledged.note === "" ? "" : ` “${acknowledged.note}”`}`;

/** The site has proved itself in shadow mode and waits for a person. */
const READY_FOR_AUTO = "ready-for-auto";

/** Level in words, text, suggested action, since when, and who saw to it. */
export const alarmBody = (
  alarm: Alarm,
  { site, formats }: Pick<PageContext, "site" | "formats">,
  zoneLabel: string | null = null,
): readonly HTMLElement[] => {
  const words = alarmWords(alarm, site);
  const seen = seenText(alarm, formats);
  return [
    h("p", { class: "alarm-text" }, icon("alert"), h("strong", {}, `${t(levelKey[alarm.level])}: `), words.text),
    ...(words.original === null ? [] : [h("p", { class: "alarm-original", lang: "en" }, words.original)]),
    ...(words.action === "" ? [] : [h("p", { class: "alarm-action" }, words.action)]),
    ...(alarm.id === READY_FOR_AUTO && alarm.clearedMs === null
      ? [h("p", { class: "alarm-action" }, h("a", { class: "button", href: "#/schedule" }, t("control.goLive")))]
      : []),
    h(
      "p",
      { class: "alarm-since" },
      [
        zoneLabel,
        t("alarm.since", { time: formats.dayAndClock(alarm.sinceMs) }),
        alarm.clearedMs === null ? null : t("alarm.cleared", { time: formats.dayAndClock(alarm.clearedMs) }),
      ]
        .filter((text) => text !== null)
        .join(" · "),
    ),
    ...(seen === null ? [] : [h("p", { class: "alarm-seen" }, icon("check"), ` ${seen}`)]),
  ];
};

const acknowledgement = (alarm: Alarm, session: Session, onDone: () => void): HTMLElement => {
  const note = field(t("alarm.note"), { maxlength: 300 });
  const problem = h("p", { class: "form-message form-problem", role: "status" });
  const confirm = button(
    { class: "button-quiet", "data-action": "acknowledge" },
    () => {
      confirm.disabled = true;
      fill(problem);
      session
        .send<Alarm>("POST", `alarms/${encodeURIComponent(alarm.id)}/acknowledgement`, { note: note.input.value })
        .then(onDone, (error: unknown) => {
          confirm.disabled = false;
          const { error: text, todo } = problemOf(error);
          fill(problem, `${text} ${todo}`);
        });
    },
    t("alarm.acknowledge"),
  );
  return h("div", {}, h("div", { class: "alarm-note" }, note.element, confirm), problem);
};

/** Alarms that stand, each with what to do and who sees to it, then those that cleared in the last week. */
export const createAlarmsPage = (context: PageContext): Page => {
  const { formats, session, site } = context;
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("loading"));
  const { element: head } = pageHead(t("alarms.title"), lead);
  const active = h("ul", { class: "alarms" });
  const past = h("ul", { class: "alarms" });
  const element = h(
    "div",
    { class: "page" },
    head,
    h("section", { class: "card" }, h("h2", {}, t("alarms.active")), active),
    h("section", { class: "card" }, h("h2", {}, t("alarms.past")), past),
  );
  let shown = "";
  const controller = new AbortController();
  const zoneLabel = (id: string | null): string | null => (id === null ? null : (site.zones.find((zone) => zone.id === id)?.label ?? id));

  const refresh = async (signal: AbortSignal): Promise<void> => {
    const { alarms } = await getJson<{ alarms: readonly Alarm[] }>("alarms", signal);
    const standing = alarms.filter(({ clearedMs }) => clearedMs === null);
    const waiting = standing.filter(({ acknowledged }) => acknowledged === undefined).length;
    setText(
      lead,
      standing.length === 0
        ? t("alarms.none")
        : t(standing.length === 1 ? "alarms.one" : "alarms.many", {
            count: formats.number(standing.length),
            waiting: formats.number(waiting),
          }),
    );
    const now = JSON.stringify([alarms, session.can("operator")]);
    if (now === shown) return;
    // Somebody is typing a note: the list waits, the sentence above does not.
    if (
      element.contains(document.activeElement) &&
      document.activeElement instanceof HTMLInputElement &&
      document.activeElement.value !== ""
    )
      return;
    shown = now;
    fill(
      active,
      ...(standing.length === 0
        ? [h("li", { class: "empty" }, t("alarms.none"))]
        : standing.map((alarm) =>
            h(
              "li",
              { class: `alarm alarm-row alarm-${alarm.level}`, "data-alarm": alarm.id },
              ...alarmBody(alarm, context, zoneLabel(alarm.zone)),
              alarm.acknowledged === undefined && session.can("operator")
                ? acknowledgement(alarm, session, () => void refresh(controller.signal).catch(() => undefined))
                : null,
              alarm.acknowledged === undefined && !session.can("operator") ? h("p", { class: "hint" }, t("alarm.needsOperator")) : null,
            ),
          )),
    );
    const cleared = alarms.filter(({ clearedMs }) => clearedMs !== null);
    fill(
      past,
      ...(cleared.length === 0
        ? [h("li", { class: "empty" }, t("alarms.nonePast"))]
        : cleared.map((alarm) =>
            h(
              "li",
              { class: "alarm alarm-row alarm-cleared", "data-alarm": alarm.id },
              ...alarmBody(alarm, context, zoneLabel(alarm.zone)),
            ),
          )),
    );
  };
  return { title: t("alarms.title"), element, refresh, destroy: () => controller.abort() };
};
