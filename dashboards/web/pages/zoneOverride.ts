import { button, fill, h, withExtras } from "#dashboards/web/app/dom";
import { choiceField, field } from "#dashboards/web/app/forms";
import { t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import { newId } from "#dashboards/web/app/newId";
import type { PageContext } from "#dashboards/web/app/page";
import { problemOf } from "#dashboards/web/app/session";
import { currentTempUnit, tempToC } from "#dashboards/web/app/settings";

export interface ZoneOverride {
  readonly element: HTMLElement;
  show(isSetByHand: boolean): void;
}

/** Sets a zone by hand for a while, or gives it back. Shown as done once the server has confirmed it. */
export const createZoneOverride = (context: PageContext, zoneId: string, onDone: () => void): ZoneOverride => {
  const { session } = context;
  const unit = currentTempUnit();
  const temp = { type: "number", step: 0.5, inputmode: "decimal" } as const;
  const heating = field(`${t("plan.heating")} (°${unit})`, temp);
  const cooling = field(`${t("plan.cooling")} (°${unit})`, temp, t("override.pairHint"));
  const until = choiceField(
    t("override.until"),
    [
      { value: "60", text: t("override.hours.one") },
      { value: "240", text: t("override.hours.many", { hours: 4 }) },
      { value: "480", text: t("override.hours.many", { hours: 8 }) },
      { value: "next", text: t("override.next") },
    ],
    "60",
  );
  const reason = field(t("override.reason"), { maxlength: 300 });
  const message = h("p", { class: "form-message", role: "status" });
  const submit = h("button", { type: "submit", class: "button", "data-action": "override" }, t("override.set"));
  // The same order, sent again after an answer got lost, is carried out once.
  let pending: { readonly content: string; readonly id: string } | null = null;
  const say = (isGood: boolean, text: string): void => {
    message.className = `form-message form-${isGood ? "done" : "problem"}`;
    fill(message, icon(isGood ? "check" : "alert"), ` ${text}`);
  };
  const order = async (work: () => Promise<{ text: string }>): Promise<void> => {
    submit.disabled = true;
    fill(message);
    try {
      say(true, (await work()).text);
      pending = null;
      onDone();
    } catch (error) {
      say(false, `${problemOf(error).error} ${problemOf(error).todo}`);
    } finally {
      submit.disabled = false;
    }
  };
  const side = (text: string): number | undefined => (text.trim() === "" ? undefined : tempToC(Number(text), unit));
  const form = withExtras(h("form", { class: "form form-wide" }, heating.element, cooling.element, until.element, reason.element, submit), {
    on: {
      submit: (event) => {
        event.preventDefault();
        const [heatingSetpointC, coolingSetpointC] = [side(heating.input.value), side(cooling.input.value)];
        const content = {
          ...(heatingSetpointC === undefined ? {} : { heatingSetpointC }),
          ...(coolingSetpointC === undefined ? {} : { coolingSetpointC }),
          hold: heatingSetpointC === undefined && coolingSetpointC === undefined,
          ...(until.input.value === "next" ? { untilNextEntry: true } : { minutes: Number(until.input.value) }),
          reason: reason.input.value,
        };
        const key = JSON.stringify(content);
        if (pending?.content !== key) pending = { content: key, id: newId() };
        const { id } = pending;
        void order(() => session.send("POST", `zones/${encodeURIComponent(zoneId)}/override`, { id, ...content }));
      },
    },
  });
  const release = button(
    { class: "button-quiet", "data-action": "release", hidden: true },
    () => void order(() => session.send("DELETE", `zones/${encodeURIComponent(zoneId)}/override`)),
    t("override.release"),
  );
  return {
    element: h(
      "section",
      { class: "card override-card" },
      h("div", { class: "card-head" }, h("h2", {}, t("override.title")), release),
      h("p", { class: "card-note" }, t("override.note")),
      session.can("operator") ? form : h("p", { class: "hint" }, t("override.needsOperator")),
      message,
    ),
    show: (isSetByHand) => {
      release.hidden = !isSetByHand || !session.can("operator");
    },
  };
};
