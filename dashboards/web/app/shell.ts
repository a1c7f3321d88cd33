import type { SiteInfo, StatusView } from "#dashboards/server/wire";
import { button, fill, h, setText, svg, withExtras } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { type MessageKey, t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import type { Connection } from "#dashboards/web/app/live";
import type { Session } from "#dashboards/web/app/session";
import { currentTheme, nextTheme, type Theme } from "#dashboards/web/app/theme";

const themeWords: Readonly<Record<Theme, { readonly word: MessageKey; readonly icon: "auto" | "sun" | "moon" }>> = {
  auto: { word: "theme.auto", icon: "auto" },
  light: { word: "theme.light", icon: "sun" },
  dark: { word: "theme.dark", icon: "moon" },
};

const links = [
  { href: "#/", text: "nav.overview", route: "overview" },
  { href: "#/zones", text: "nav.zones", route: "zones" },
  { href: "#/comfort", text: "nav.comfort", route: "comfort" },
  { href: "#/energy", text: "nav.energy", route: "energy" },
  { href: "#/savings", text: "savings.title", route: "savings" },
  { href: "#/model", text: "model.title", route: "model" },
  { href: "#/schedule", text: "schedule.title", route: "schedule" },
  { href: "#/what-if", text: "whatIf.title", route: "what-if" },
  { href: "#/alarms", text: "alarms.title", route: "alarms" },
  { href: "#/system", text: "system.title", route: "system" },
  { href: "#/admin", text: "admin.title", route: "admin" },
] as const satisfies readonly { readonly text: MessageKey; readonly [key: string]: string }[];
export type RouteName = (typeof links)[number]["route"] | "account" | "login" | "setup";

export interface Shell {
  readonly main: HTMLElement;
  /** Where controls of the whole window stand. */
  readonly end: HTMLElement;
  setRoute(route: RouteName): void;
  setConnection(connection: Connection, status: StatusView | null, silentS: number): void;
  setClock(status: StatusView, nowMs: number): void;
  setProblem(problem: { readonly error: string; readonly todo: string } | null): void;
}

/** Data older than this many control intervals is called out. */
const staleIntervals = 3;

const brandMark = (): SVGElement =>
  svg(
    "svg",
    { class: "brand-mark", viewBox: "0 0 32 32", "aria-hidden": "true", focusable: "false" },
    svg("rect", { width: 32, height: 32, rx: 7 }),
    svg("path", { d: "M6 19c4-8 7-8 10-3s6 5 10-3" }),
    svg("path", { class: "brand-echo", d: "M6 24.5c4-8 7-8 10-3s6 5 10-3" }),
  );

/** Frame of every page: brand, navigation, clock, connection, banners. */
export const createShell = (root: HTMLElement, site: SiteInfo, formats: Formats, session: Session): Shell => {
  const main = h("main", { id: "main", tabindex: -1 });
  const skip = withExtras(h("a", { class: "skip", href: "#main" }, t("shell.skip")), {
    on: {
      click: (event) => {
        // The hash is the router's.
        event.preventDefault();
        main.focus();
      },
    },
  });
  const nav = links.map(({ href, text, route }) => h("a", { href, "data-route": route }, t(text)));
  const clockTime = h("span", { class: "clock-time" }, "–");
  const clockKind = h("span", { class: "clock-kind" });
  const connection = h("span", { class: "connection", "data-connection": "connecting", role: "status" }, t("connection.connecting"));
  const showTheme = (): void => {
    const { word, icon: name } = themeWords[currentTheme()];
    fill(themeButton, icon(name));
    themeButton.setAttribute("aria-label", t("theme.change", { theme: t(word) }));
    themeButton.title = t(word);
  };
  const themeButton = button({ class: "icon-button", "data-action": "theme" }, () => {
    nextTheme();
    showTheme();
  });
  showTheme();
  const userLink = h("a", { class: "user-link", href: "#/account", "data-route": "account" });
  const showUser = (): void => {
    const { user } = session.view;
    fill(userLink, icon("person"), h("span", {}, user === null ? t("shell.logIn") : user.name));
    const name = user === null ? t("shell.accountNobody") : t("shell.account", { name: user.name });
    userLink.setAttribute("aria-label", name);
    userLink.title = name;
    for (const link of nav) if (link.dataset.route === "admin") link.hidden = !session.can("admin");
  };
  session.onChange(showUser);
  showUser();
  const end = h("div", { class: "top-end" }, h("span", { class: "clock" }, clockTime, clockKind), connection, userLink, themeButton);
  const lostText = h("span", {});
  // Counts every second: seen, but not read out each time.
  const lostAge = h("span", { "aria-hidden": "true" });
  const lost = h("div", { class: "banner banner-bad", role: "alert", hidden: true }, lostText, " ", lostAge);
  const stale = h("div", { class: "banner banner-warn", role: "status", hidden: true });
  const broker = h("div", { class: "banner banner-broker", role: "alert", hidden: true }, t("shell.brokerLost"));
  const silent = h("div", { class: "banner banner-warn", role: "status", hidden: true });
  const problem = h("div", { class: "banner banner-warn", role: "status", hidden: true });
  fill(
    root,
    skip,
    h(
      "header",
      { class: "top" },
      h(
        "a",
        { class: "brand", href: "#/", "aria-label": t("shell.home", { site: site.label }) },
        brandMark(),
        h("span", { class: "brand-name" }, "isotherm"),
        h("span", { class: "brand-site", title: site.label }, site.label),
      ),
      h("nav", { class: "main-nav", "aria-label": t("nav.label") }, ...nav),
      end,
    ),
    lost,
    broker,
    stale,
    silent,
    problem,
    main,
  );
  return {
    main,
    end,
    setRoute: (route) => {
      for (const link of [...nav, userLink]) {
        if (link.dataset.route === route) {
          link.setAttribute("aria-current", "page");
          // On a phone the bar holds more than its width.
          link.scrollIntoView({ block: "nearest", inline: "center" });
        } else link.removeAttribute("aria-current");
      }
    },
    setConnection: (state, status, silentS) => {
      connection.dataset.connection = state;
      setText(connection, t(`connection.${state}`));
      lost.hidden = state !== "lost";
      if (state !== "lost") return;
      const since = status === null ? "" : t("connection.lostSince", { time: formats.dayAndClock(status.nowMs) });
      setText(lostText, t("connection.lostText", { since }));
      setText(lostAge, t("connection.lastHeard", { age: formats.age(silentS) }));
    },
    setClock: (status, nowMs) => {
      setText(clockTime, formats.dayAndClock(nowMs));
      const { kind, speedFactor } = status.clock;
      setText(
        clockKind,
        kind === "live"
          ? ""
          : speedFactor === 0
            ? t("clock.fastest")
            : t("clock.simulated", { factor: formats.number(speedFactor, speedFactor % 1 === 0 ? 0 : 1) }),
      );
      broker.hidden = status.brokerConnected || status.phase === "starting";
      const silentZones = Object.entries(status.silentZones ?? {});
      silent.hidden = silentZones.length === 0;
      const labelOf = (id: string): string => site.zones.find((zone) => zone.id === id)?.label ?? id;
      if (silentZones.length > 0)
        setText(
          silent,
          t("shell.silentZones", {
            zones: silentZones.map(([id, heardMs]) => `${labelOf(id)} (${formats.dayAndClock(heardMs)})`).join(", "),
          }),
        );
      const ageS = status.newestDataMs === null ? null : (nowMs - status.newestDataMs) / 1000;
      const isStale = ageS !== null && ageS > staleIntervals * status.tickIntervalS;
      stale.hidden = !isStale;
      if (isStale) setText(stale, t("shell.stale", { age: formats.age(ageS), time: formats.dayAndClock(status.newestDataMs) }));
    },
    setProblem: (found) => {
      problem.hidden = found === null;
      if (found !== null) setText(problem, found.todo === "" ? found.error : `${found.error} ${found.todo}`);
    },
  };
};
