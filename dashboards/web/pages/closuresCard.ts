import type { ScheduleView } from "#dashboards/server/wire";
import { askWhether } from "#dashboards/web/app/dialog";
import { button, fill, h } from "#dashboards/web/app/dom";
import { choiceField, field, form } from "#dashboards/web/app/forms";
import { t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import { newId } from "#dashboards/web/app/newId";
import type { PageContext } from "#dashboards/web/app/page";
import { problemOf } from "#dashboards/web/app/session";
import { currentLocale } from "#dashboards/web/app/settings";

type Closure = ScheduleView["closures"][number];

/** A local day without a time, as people write it. */
export const dayName = (day: string): string =>
  new Intl.DateTimeFormat(currentLocale(), { dateStyle: "medium", timeZone: "UTC" }).format(Date.parse(`${day}T12:00:00Z`));

export const daysText = ({ first, last }: { readonly first: string; readonly last: string }): string =>
  first === last ? dayName(first) : t("closures.days", { first: dayName(first), last: dayName(last) });

const everywhere = "*";

export interface ClosuresCard {
  readonly element: HTMLElement;
  /** @param today local day at the site, YYYY-MM-DD. */
  show(closures: readonly Closure[], today: string): void;
}

/** Days that people close beside the configured holidays: the list, and for operators a form and a way to take days away. */
export const createClosuresCard = (context: PageContext, onChanged: () => void): ClosuresCard => {
  const { session, site } = context;
  const mayChange = session.can("operator");
  const first = field(t("closures.first"), { type: "date", required: true });
  const last = field(t("closures.last"), { type: "date" });
  const where = choiceField(
    t("closures.zones"),
    [{ value: everywhere, text: t("closures.everywhere") }, ...site.zones.map(({ id, label }) => ({ value: id, text: label }))],
    everywhere,
  );
  const reason = field(t("override.reason"), { maxlength: 300 });
  // The same days, sent again after an answer got lost, are one entry.
  let pending: { readonly content: string; readonly id: string } | null = null;
  const add = form(t("closures.add"), [first, last, where, reason], async () => {
    const days = { first: first.input.value, last: last.input.value === "" ? first.input.value : last.input.value };
    const zone = where.input.value;
    const content = { ...days, ...(zone === everywhere ? {} : { zones: [zone] }), reason: reason.input.value };
    const key = JSON.stringify(content);
    if (pending?.content !== key) pending = { content: key, id: newId() };
    await session.send("POST", "schedule/closures", { id: pending.id, ...content });
    pending = null;
    add.reset();
    onChanged();
    return t("closures.added", { days: daysText(days) });
  });
  add.classList.add("form-wide");
  const message = h("p", { class: "form-message", role: "status" });
  const remove = async (closure: Closure): Promise<void> => {
    const days = daysText(closure);
    if (!(await askWhether(t("closures.removeAsk", { days }), t("closures.remove")))) return;
    try {
      await session.send("DELETE", `schedule/closures/${closure.id}`);
      message.className = "form-message form-done";
      fill(message, icon("check"), ` ${t("closures.removed", { days })}`);
      onChanged();
    } catch (error) {
      const { error: text, todo } = problemOf(error);
      message.className = "form-message form-problem";
      fill(message, icon("alert"), ` ${text} ${todo}`);
    }
  };
  const labels = new Map(site.zones.map(({ id, label }) => [id, label]));
  const entry = (closure: Closure, today: string): HTMLElement => {
    const zones = closure.zones === null ? t("closures.everywhere") : closure.zones.map((zone) => labels.get(zone) ?? zone).join(", ");
    const days = daysText(closure);
    const by = closure.reason === "" ? closure.by : `${closure.by} (${closure.reason})`;
    return h(
      "li",
      { "data-closure": closure.id, class: closure.last < today ? "is-over" : null },
      h("span", {}, h("strong", {}, days), `: ${zones}; ${by}${closure.last < today ? `; ${t("closures.over")}` : ""} `),
      mayChange
        ? button(
            { class: "button-quiet", "aria-label": t("closures.removeOf", { days }) },
            () => void remove(closure),
            t("closures.remove"),
          )
        : null,
    );
  };
  const list = h("div", {});
  return {
    element: h(
      "section",
      { class: "card", "data-card": "closures" },
      h("h2", {}, t("closures.title")),
      h("p", { class: "card-note" }, t("closures.note")),
      list,
      mayChange ? add : h("p", { class: "hint" }, t("control.needsOperator")),
      message,
    ),
    show: (closures, today) => {
      first.input.min = today;
      last.input.min = today;
      fill(
        list,
        closures.length === 0
          ? h("p", { class: "empty" }, t("closures.none"))
          : h("ul", { class: "holidays" }, ...closures.map((closure) => entry(closure, today))),
      );
    },
  };
};
