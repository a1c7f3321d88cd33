import type { SiteInfo } from "#dashboards/server/wire";
import { button, fill, h } from "#dashboards/web/app/dom";
import { t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";

/** How long a wall screen stays on one page while it goes round, ms. */
const stayMs = 20_000;

/** `?kiosk` goes round the pages, `?kiosk=stay` stays on the one that was opened; null: an ordinary window. */
export const kioskWish = (): "round" | "stay" | null => {
  const wish = new URLSearchParams(location.search).get("kiosk");
  return wish === null ? null : wish === "stay" ? "stay" : "round";
};

/** Addresses of a wall screen on this page's server; the page opens without navigation, forms and menus. */
export const kioskHref = (stay: boolean): string => `?kiosk${stay ? "=stay" : ""}#/`;

/** The overview after every other page: who walks by wants to know first whether somebody is uncomfortable. */
const round = (site: SiteInfo): string[] =>
  [...site.zones.map(({ id }) => `#/zones/${encodeURIComponent(id)}`), "#/comfort", "#/energy"].flatMap((hash) => ["#/", hash]);

/** The screen stays on while the page is seen. Browsers allow it on HTTPS and on the machine itself only; elsewhere the screen's own setting counts. */
const keepAwake = (): void => {
  if (!("wakeLock" in navigator)) return;
  const request = (): void => {
    if (!document.hidden) navigator.wakeLock.request("screen").catch(() => undefined);
  };
  document.addEventListener("visibilitychange", request);
  request();
};

/** Makes the window a wall screen: large type, no menus, pages in turn. Space halts and goes on, Escape leaves. */
export const startKiosk = (site: SiteInfo, end: HTMLElement): void => {
  document.documentElement.dataset.kiosk = "";
  keepAwake();
  const hashes = round(site);
  let turn = 0;
  let going = kioskWish() === "round";
  const leave = (): void => location.assign(`${location.pathname}${location.hash}`);
  const show = (): void => {
    fill(toggle, icon(going ? "hold" : "play"));
    toggle.setAttribute("aria-label", t(going ? "kiosk.halt" : "kiosk.goOn"));
    toggle.title = t(going ? "kiosk.halt" : "kiosk.goOn");
    toggle.setAttribute("aria-pressed", String(!going));
  };
  const toggle = button({ class: "icon-button", "data-action": "kiosk-halt" }, () => {
    going = !going;
    show();
  });
  show();
  end.append(toggle, button({ class: "button-quiet", "data-action": "kiosk-leave" }, leave, t("kiosk.leave")));
  window.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    if (event.key === " " && !(event.target as Element).closest("button, a")) {
      event.preventDefault();
      toggle.click();
    }
  });
  window.setInterval(() => {
    if (!going || document.hidden) return;
    turn = (turn + 1) % hashes.length;
    location.hash = hashes[turn]!;
  }, stayMs);
  // A pointer that nobody moves does not lie over the figures.
  let still = 0;
  const moved = (): void => {
    delete document.documentElement.dataset.still;
    window.clearTimeout(still);
    still = window.setTimeout(() => {
      document.documentElement.dataset.still = "";
    }, 4_000);
  };
  window.addEventListener("pointermove", moved);
  moved();
};

/** The way to a wall screen, for the account page. */
export const kioskCard = (): HTMLElement =>
  h(
    "section",
    { class: "card" },
    h("h2", {}, t("kiosk.title")),
    h("p", { class: "card-note" }, t("kiosk.note")),
    h(
      "p",
      { class: "row-actions" },
      h("a", { class: "button-quiet", href: kioskHref(false), "data-action": "kiosk" }, t("kiosk.round")),
      h("a", { class: "button-quiet", href: kioskHref(true) }, t("kiosk.stay")),
    ),
  );
