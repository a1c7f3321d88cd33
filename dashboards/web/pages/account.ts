import { button, fill, h } from "#dashboards/web/app/dom";
import { choiceField, field, form } from "#dashboards/web/app/forms";
import { type MessageKey, t } from "#dashboards/web/app/i18n";
import { kioskCard } from "#dashboards/web/app/kiosk";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead } from "#dashboards/web/app/parts";
import { problemOf } from "#dashboards/web/app/session";
import {
  chooseLanguage,
  chooseTempUnit,
  currentLanguage,
  currentTempUnit,
  type Language,
  type TempUnit,
} from "#dashboards/web/app/settings";

const roleKey = { viewer: "role.viewer", operator: "role.operator", admin: "role.admin" } as const satisfies Record<string, MessageKey>;

/** Who the reader is, and how this browser shows things. */
export const createAccountPage = ({ session }: PageContext): Page => {
  const { user, canLogIn, needsSetup } = session.view;
  const lead = h(
    "p",
    { class: "lead" },
    user === null ? t("account.nobody") : t("account.lead", { name: user.name, role: t(roleKey[user.role]) }),
  );
  const { element: head } = pageHead(t("account.title"), lead);

  const language = choiceField(
    t("account.language"),
    [
      { value: "en", text: "English" },
      { value: "de", text: "Deutsch" },
    ],
    currentLanguage(),
  );
  const unit = choiceField(
    t("account.unit"),
    [
      { value: "C", text: t("account.celsius") },
      { value: "F", text: t("account.fahrenheit") },
    ],
    currentTempUnit(),
  );
  language.input.addEventListener("change", () => {
    chooseLanguage(language.input.value as Language);
    location.reload();
  });
  unit.input.addEventListener("change", () => {
    chooseTempUnit(unit.input.value as TempUnit);
    location.reload();
  });

  const logOutProblem = h("p", { class: "form-message form-problem", role: "status" });
  const logOut = button(
    { class: "button-quiet", "data-action": "log-out" },
    () => {
      session.logOut().then(
        () => {
          location.hash = "#/";
        },
        (error: unknown) => fill(logOutProblem, problemOf(error).error),
      );
    },
    t("account.logOut"),
  );
  const current = field(t("account.currentPassword"), { type: "password", autocomplete: "current-password", required: true });
  const next = field(
    t("account.newPassword"),
    { type: "password", autocomplete: "new-password", required: true, minlength: 12 },
    t("password.hint"),
  );
  const password = form(t("account.changePassword"), [current, next], async () => {
    await session.changePassword(current.input.value, next.input.value);
    current.input.value = "";
    next.input.value = "";
    return t("account.passwordChanged");
  });

  const element = h(
    "div",
    { class: "page" },
    head,
    h(
      "section",
      { class: "card" },
      h("h2", {}, t("account.display")),
      h("div", { class: "form" }, language.element, unit.element, h("p", { class: "hint" }, t("account.browserOnly"))),
    ),
    user === null
      ? h(
          "section",
          { class: "card" },
          h("h2", {}, t("login.title")),
          canLogIn
            ? h("p", {}, h("a", { href: needsSetup ? "#/setup" : "#/login" }, needsSetup ? t("setup.title") : t("login.title")))
            : h("p", {}, t("login.unencrypted")),
        )
      : h(
          "section",
          { class: "card" },
          h("h2", {}, t("account.changePassword")),
          password,
          h("div", { class: "row-actions" }, logOut),
          logOutProblem,
        ),
  );
  element.append(kioskCard());
  return { title: t("account.title"), element, refresh: async () => undefined, destroy: () => undefined };
};
