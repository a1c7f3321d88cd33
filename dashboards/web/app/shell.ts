import type { SiteInfo, StatusView } from "#dashboards/server/wire";
import { button, fill, h, setText, svg, withExtras } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { icon } from "#dashboards/web/app/icons";
import type { Connection } from "#dashboards/web/app/live";
import { currentTheme, nextTheme, type Theme } from "#dashboards/web/app/theme";

const themeWords: Readonly<Record<Theme, { readonly word: string; readonly icon: "auto" | "sun" | "moon" }>> = {
  auto: { word: "Theme: as the system", icon: "auto" },
  light: { word: "Theme: light", icon: "sun" },
  dark: { word: "Theme: dark", icon: "moon" },
};

const links = [
  { href: "#/", text: "Overview", route: "overview" },
  { href: "#/zones", text: "Zones", route: "zones" },
  { href: "#/comfort", text: "Comfort", route: "comfort" },
  { href: "#/energy", text: "Energy", route: "energy" },
] as const;
export type RouteName = (typeof links)[number]["route"];

export interface Shell {
  readonly main: HTMLElement;
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
export const createShell = (root: HTMLElement, site: SiteInfo, formats: Formats): Shell => {
  const main = h("main", { id: "main", tabindex: -1 });
  const skip = withExtras(h("a", { class: "skip", href: "#main" }, "Skip to content"), {
    on: {
      click: (event) => {
        // The hash is the router's.
        event.preventDefault();
        main.focus();
      },
    },
  });
  const nav = links.map(({ href, text, route }) => h("a", { href, "data-route": route }, text));
  const clockTime = h("span", { class: "clock-time" }, "–");
  const clockKind = h("span", { class: "clock-kind" });
  const connection = h("span", { class: "connection", "data-connection": "connecting", role: "status" }, "Connecting…");
  const showTheme = (): void => {
    const { word, icon: name } = themeWords[currentTheme()];
    fill(themeButton, icon(name));
    themeButton.setAttribute("aria-label", `${word}. Change.`);
    themeButton.title = word;
  };
  const themeButton = button({ class: "icon-button", "data-action": "theme" }, () => {
    nextTheme();
    showTheme();
  });
  showTheme();
  const lostText = h("span", {});
  // Counts every second: seen, but not read out each time.
  const lostAge = h("span", { "aria-hidden": "true" });
  const lost = h("div", { class: "banner banner-bad", role: "alert", hidden: true }, lostText, " ", lostAge);
  const stale = h("div", { class: "banner banner-warn", role: "status", hidden: true });
  const problem = h("div", { class: "banner banner-warn", role: "status", hidden: true });
  fill(
    root,
    skip,
    h(
      "header",
      { class: "top" },
      h(
        "a",
        { class: "brand", href: "#/", "aria-label": `isotherm, ${site.label}: overview` },
        brandMark(),
        h("span", { class: "brand-name" }, "isotherm"),
        h("span", { class: "brand-site" }, site.label),
      ),
      h("nav", { class: "main-nav", "aria-label": "Pages" }, ...nav),
      h("div", { class: "top-end" }, h("span", { class: "clock" }, clockTime, clockKind), connection, themeButton),
    ),
    lost,
    stale,
    problem,
    main,
  );
  const connectionWords: Readonly<Record<Connection, string>> = { connecting: "Connecting…", live: "Live", lost: "Connection lost" };
  return {
    main,
    setRoute: (route) => {
      for (const link of nav) {
        if (link.dataset.route === route) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    },
    setConnection: (state, status, silentS) => {
      connection.dataset.connection = state;
      setText(connection, connectionWords[state]);
      lost.hidden = state !== "lost";
      if (state !== "lost") return;
      const since = status === null ? "" : ` What you see is from ${formats.dayAndClock(status.nowMs)}.`;
      setText(lostText, `Connection lost.${since} Trying again…`);
      setText(lostAge, `Last heard ${formats.age(silentS)} ago.`);
    },
    setClock: (status, nowMs) => {
      setText(clockTime, formats.dayAndClock(nowMs));
      const { kind, speedFactor } = status.clock;
      setText(
        clockKind,
        kind === "live"
          ? ""
          : speedFactor === 0
            ? "simulated, as fast as it can"
            : `simulated, ×${formats.number(speedFactor, speedFactor % 1 === 0 ? 0 : 1)}`,
      );
      const ageS = status.newestDataMs === null ? null : (nowMs - status.newestDataMs) / 1000;
      const isStale = ageS !== null && ageS > staleIntervals * status.tickIntervalS;
      stale.hidden = !isStale;
      if (isStale)
        setText(
          stale,
          `Data is ${formats.age(ageS)} old: nothing has been measured since ${formats.dayAndClock(status.newestDataMs)}. Check the broker and the sensors.`,
        );
    },
    setProblem: (found) => {
      problem.hidden = found === null;
      if (found !== null) setText(problem, found.todo === "" ? found.error : `${found.error} ${found.todo}`);
    },
  };
};
