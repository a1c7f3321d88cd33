import { fill, h } from "#dashboards/web/app/dom";
import { field, form } from "#dashboards/web/app/forms";
import { t } from "#dashboards/web/app/i18n";
import type { Page } from "#dashboards/web/app/page";
import type { Session } from "#dashboards/web/app/session";

const name = () =>
  field(t("login.name"), { name: "username", autocomplete: "username", required: true, maxlength: 64, autocapitalize: "none" });

const loginForm = (session: Session, onDone: () => void): HTMLElement => {
  const [who, password] = [
    name(),
    field(t("login.password"), { name: "password", type: "password", autocomplete: "current-password", required: true }),
  ];
  return form(t("login.submit"), [who, password], async () => {
    await session.logIn(who.input.value, password.input.value);
    onDone();
    return null;
  });
};

const setupForm = (session: Session, onDone: () => void): HTMLElement => {
  const token = field(t("setup.token"), { name: "token", autocomplete: "one-time-code", required: true }, t("setup.tokenHint"));
  const who = name();
  const password = field(
    t("setup.password"),
    { name: "password", type: "password", autocomplete: "new-password", required: true, minlength: 12 },
    t("password.hint"),
  );
  return form(t("setup.submit"), [token, who, password], async () => {
    await session.setUp(token.input.value.trim(), who.input.value, password.input.value);
    onDone();
    return null;
  });
};

/** What stands before everything else: log in, or make the first user. */
export const entrance = (
  session: Session,
  wantsSetup: boolean,
  onDone: () => void,
): { readonly title: string; readonly element: HTMLElement } => {
  const setup = session.view.needsSetup && wantsSetup;
  const title = setup ? t("setup.title") : t("login.title");
  const parts = !session.view.canLogIn
    ? [h("p", { role: "alert" }, t("login.unencrypted"))]
    : setup
      ? [h("p", {}, t("setup.lead")), setupForm(session, onDone)]
      : session.view.needsSetup
        ? [h("p", {}, t("login.nobodyYet")), h("p", {}, h("a", { href: "#/setup" }, t("setup.title")))]
        : [loginForm(session, onDone)];
  return { title, element: h("div", { class: "entrance" }, h("h1", { tabindex: -1 }, title), h("div", { class: "card" }, ...parts)) };
};

/** The same as a page, for somebody who already sees the dashboard. */
export const createEntrancePage = (session: Session, wantsSetup: boolean): Page => {
  const { title, element } = entrance(session, wantsSetup, () => {
    location.hash = "#/";
  });
  return { title, element, refresh: async () => undefined, destroy: () => fill(element) };
};
