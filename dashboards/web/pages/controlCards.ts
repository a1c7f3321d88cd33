import type { StatusView } from "#dashboards/server/wire";
import { askReason, askWhether } from "#dashboards/web/app/dialog";
import { button, fill, h } from "#dashboards/web/app/dom";
import { choiceField, field, form } from "#dashboards/web/app/forms";
import { t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import { newId } from "#dashboards/web/app/newId";
import type { PageContext } from "#dashboards/web/app/page";
import { problemOf } from "#dashboards/web/app/session";

/** Cards through which people say who decides and what is asked of the building for a time. */
export interface ControlCards {
  readonly element: HTMLElement;
  show(status: StatusView): void;
}

const modes = ["auto", "shadow", "off"] as const;

/** The building's mode, changed on confirmation with a reason that is written down, and the zones that have one of their own. */
const createModeCard = (context: PageContext): ControlCards => {
  const { session, site } = context;
  const now = h("p", { class: "card-note", "data-stat": "mode-now" });
  const exceptions = h("p", { class: "card-note" });
  const message = h("p", { class: "form-message", role: "status" });
  const change = async (mode: (typeof modes)[number]): Promise<void> => {
    const reason = await askReason(t(`controlAsk.${mode}`), t(`controlTo.${mode}`));
    if (reason === null) return;
    try {
      const { text } = await session.send<{ text: string }>("POST", "mode", { mode, reason });
      message.className = "form-message form-done";
      fill(message, icon("check"), ` ${text}`);
    } catch (error) {
      message.className = "form-message form-problem";
      fill(message, icon("alert"), ` ${problemOf(error).error} ${problemOf(error).todo}`);
    }
  };
  const buttons = new Map(
    modes.map((mode) => [mode, button({ class: "button-quiet", "data-mode": mode }, () => void change(mode), t(`controlTo.${mode}`))]),
  );
  return {
    element: h(
      "section",
      { class: "card", "data-card": "mode" },
      h("h2", {}, t("control.mode")),
      now,
      exceptions,
      session.can("operator")
        ? h("div", { class: "row-actions" }, ...buttons.values())
        : h("p", { class: "hint" }, t("control.needsOperator")),
      message,
    ),
    show: (status) => {
      fill(now, h("strong", {}, t(`mode.${status.mode}`)), `: ${t(`mode.${status.mode}Note`)}`);
      const own = Object.entries(status.zoneModes ?? {}).filter(([, mode]) => mode !== status.mode);
      fill(
        exceptions,
        own.map(([zone, mode]) => `${site.zones.find(({ id }) => id === zone)?.label ?? zone}: ${t(`mode.${mode}`)}`).join(", "),
      );
      for (const [mode, one] of buttons) one.disabled = mode === status.mode;
    },
  };
};

const numberOrNothing = (text: string): number | undefined => (text.trim() === "" ? undefined : Number(text));

/** A demand-response event: less power or another price for a time. */
const createDemandResponseCard = (context: PageContext): ControlCards => {
  const { session, formats, site } = context;
  const standing = h("p", { class: "card-note", "data-stat": "demand-response" });
  const amount = { type: "number", step: "any", inputmode: "decimal" } as const;
  const limit = field(t("control.limitKw"), { ...amount, min: 0 });
  const price = field(t("control.price", { currency: site.currency }), amount, t("control.eitherHint"));
  const starting = choiceField(
    t("control.starting"),
    [
      { value: "0", text: t("control.startsNow") },
      { value: "30", text: t("control.startsMinutes", { minutes: 30 }) },
      { value: "60", text: t("control.startsHour") },
      ...[2, 4, 8, 12, 24].map((hours) => ({ value: String(60 * hours), text: t("control.startsHours", { hours }) })),
    ],
    "0",
  );
  const lasting = choiceField(
    t("control.lasting"),
    [
      { value: "60", text: t("override.hours.one") },
      { value: "120", text: t("override.hours.many", { hours: 2 }) },
      { value: "240", text: t("override.hours.many", { hours: 4 }) },
    ],
    "120",
  );
  const reason = field(t("override.reason"), { maxlength: 300 });
  // The same event, sent again after an answer got lost, is one.
  let pending: { readonly content: string; readonly id: string } | null = null;
  const announce = form(t("control.announce"), [limit, price, starting, lasting, reason], async () => {
    const [limitKw, pricePerKwh] = [numberOrNothing(limit.input.value), numberOrNothing(price.input.value)];
    const content = {
      startsInMinutes: Number(starting.input.value),
      minutes: Number(lasting.input.value),
      ...(limitKw === undefined ? {} : { limitKw }),
      ...(pricePerKwh === undefined ? {} : { pricePerKwh }),
      reason: reason.input.value,
    };
    const key = JSON.stringify(content);
    if (pending?.content !== key) pending = { content: key, id: newId() };
    const { text } = await session.send<{ text: string }>("POST", "demand-response", { id: pending.id, ...content });
    pending = null;
    return text;
  });
  announce.classList.add("form-wide");
  const message = h("p", { class: "form-message", role: "status" });
  const end = button(
    { class: "button-quiet", "data-action": "end-demand-response", hidden: true },
    async () => {
      if (!(await askWhether(t("control.endAsk"), t("control.end")))) return;
      try {
        fill(message, icon("check"), ` ${(await session.send<{ text: string }>("DELETE", "demand-response")).text}`);
      } catch (error) {
        fill(message, icon("alert"), ` ${problemOf(error).error} ${problemOf(error).todo}`);
      }
    },
    t("control.end"),
  );
  return {
    element: h(
      "section",
      { class: "card", "data-card": "demand-response" },
      h("div", { class: "card-head" }, h("h2", {}, t("control.demandResponse")), end),
      h("p", { class: "card-note" }, t("control.demandResponseNote")),
      standing,
      session.can("operator") ? announce : h("p", { class: "hint" }, t("control.needsOperator")),
      message,
    ),
    show: ({ demandResponse }) => {
      const event = demandResponse ?? null;
      end.hidden = event === null || !session.can("operator");
      if (event === null) return fill(standing, t("control.noEvent"));
      const asked = [
        event.limitKw === null ? "" : t("control.upTo", { power: formats.powerKw(event.limitKw) }),
        event.pricePerKwh === null ? "" : t("control.at", { price: formats.money(event.pricePerKwh) }),
      ].filter((text) => text !== "");
      fill(
        standing,
        h(
          "strong",
          {},
          t("control.event", {
            from: formats.dayAndClock(event.fromMs),
            until: formats.dayAndClock(event.untilMs),
            asked: asked.join(", "),
          }),
        ),
        ` ${event.by}${event.reason === "" ? "" : ` (${event.reason})`}`,
      );
    },
  };
};

/** Mode and demand response, side by side. */
export const createControlCards = (context: PageContext): ControlCards => {
  const cards = [createModeCard(context), createDemandResponseCard(context)];
  return {
    element: h("div", { class: "two" }, ...cards.map(({ element }) => element)),
    show: (status) => {
      for (const card of cards) card.show(status);
    },
  };
};
