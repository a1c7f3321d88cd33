import "./styles/index.css";
import type { SiteInfo, StatusView } from "#dashboards/server/wire";
import { getJson, RequestFailed } from "#dashboards/web/app/api";
import { fill, h } from "#dashboards/web/app/dom";
import { createFormats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import { kioskWish, startKiosk } from "#dashboards/web/app/kiosk";
import { type Connection, Live } from "#dashboards/web/app/live";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { Session } from "#dashboards/web/app/session";
import { currentLanguage, currentLocale, currentTempUnit } from "#dashboards/web/app/settings";
import { createShell, type RouteName } from "#dashboards/web/app/shell";
import { createAccountPage } from "#dashboards/web/pages/account";
import { createAdminPage } from "#dashboards/web/pages/admin";
import { createAlarmsPage } from "#dashboards/web/pages/alarms";
import { createComfortPage } from "#dashboards/web/pages/comfort";
import { createEnergyPage } from "#dashboards/web/pages/energy";
import { createEntrancePage, entrance } from "#dashboards/web/pages/entrance";
import { createModelPage } from "#dashboards/web/pages/model";
import { createOverview } from "#dashboards/web/pages/overview";
import { createSavingsPage } from "#dashboards/web/pages/savings";
import { createSchedulePage } from "#dashboards/web/pages/schedule";
import { createSystemPage } from "#dashboards/web/pages/system";
import { createWhatIfPage } from "#dashboards/web/pages/whatIf";
import { createZonePage } from "#dashboards/web/pages/zone";

/** Changes come several times a second while a simulated clock runs; pages are read again at most this often, ms. */
const refreshEveryMs = 1_500;
/** And at least this often, should the store not report its changes. */
const refreshAtLeastMs = 30_000;

const root = document.getElementById("app")!;

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Asks until there is an answer, and says what keeps it. */
const insist = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const text = error instanceof RequestFailed ? `${error.problem.error} ${error.problem.todo}` : String(error);
      fill(root, h("p", { class: "boot", role: "alert" }, t("boot.again", { problem: text })));
      await new Promise((resolve) => setTimeout(resolve, 3_000));
    }
  }
};

/** Resolves once the reader may see something; until then only the way in is shown. */
const comeIn = (session: Session): Promise<void> =>
  new Promise((resolve) => {
    const show = (): void => {
      const { title, element } = entrance(session, location.hash.startsWith("#/setup"), () => {
        window.removeEventListener("hashchange", show);
        if (/^#\/(login|setup)/.test(location.hash)) history.replaceState(null, "", "#/");
        resolve();
      });
      document.title = `${title} · isotherm`;
      fill(root, h("main", { id: "main" }, element));
      element.querySelector<HTMLElement>("input")?.focus();
    };
    window.addEventListener("hashchange", show);
    show();
  });

const start = async (): Promise<void> => {
  document.documentElement.lang = currentLanguage();
  const { signal: untilClosed } = new AbortController();
  const session = await insist(() => Session.load(untilClosed, kioskWish() !== null));
  if (!session.can("viewer")) await comeIn(session);
  const site = await insist(() => getJson<SiteInfo>("site", untilClosed));
  const formats = createFormats(site, currentLocale(), currentTempUnit());
  const shell = createShell(root, site, formats, session);
  if (kioskWish() !== null) startKiosk(site, shell.end);
  let status: StatusView | null = null;
  let statusAtMs = performance.now();
  let connection: Connection = "connecting";
  let page: Page | null = null;
  let visit = new AbortController();
  let running = false;
  let wanted = false;
  let lastRefreshMs = Number.NEGATIVE_INFINITY;
  let timer: number | null = null;
  const context: PageContext = { site, formats, session, status: () => status };

  const refresh = async (): Promise<void> => {
    if (page === null) return;
    if (running) {
      wanted = true;
      return;
    }
    running = true;
    wanted = false;
    const ownVisit = visit;
    const { signal } = ownVisit;
    lastRefreshMs = performance.now();
    try {
      await page.refresh(signal);
      shell.setProblem(null);
    } catch (error) {
      if (!signal.aborted)
        shell.setProblem(error instanceof RequestFailed ? error.problem : { error: t("page.failed"), todo: String(error) });
    } finally {
      // After a change of page the refresh of the new one is under way.
      if (ownVisit === visit) {
        running = false;
        if (wanted) schedule(0);
      }
    }
  };
  const schedule = (delayMs: number): void => {
    if (timer !== null) return;
    timer = window.setTimeout(() => {
      timer = null;
      void refresh();
    }, delayMs);
  };

  const route = (): { readonly name: RouteName; readonly make: () => Page } => {
    const [name = "", id = ""] = location.hash.replace(/^#\/?/, "").split("/");
    const first = site.zones[0]?.id ?? "";
    if (name === "zones") return { name, make: () => createZonePage(context, decoded(id === "" ? first : id)) };
    if (name === "comfort") return { name, make: () => createComfortPage(context) };
    if (name === "energy") return { name, make: () => createEnergyPage(context) };
    if (name === "savings") return { name, make: () => createSavingsPage(context) };
    if (name === "model") return { name, make: () => createModelPage(context) };
    if (name === "schedule") return { name, make: () => createSchedulePage(context) };
    if (name === "what-if") return { name, make: () => createWhatIfPage(context) };
    if (name === "alarms") return { name, make: () => createAlarmsPage(context) };
    if (name === "system") return { name, make: () => createSystemPage(context) };
    if (name === "admin" && session.can("admin")) return { name, make: () => createAdminPage(context) };
    if (name === "account") return { name, make: () => createAccountPage(context) };
    if ((name === "login" || name === "setup" || name === "admin") && session.view.user === null)
      return { name: name === "setup" ? name : "login", make: () => createEntrancePage(session, name === "setup") };
    return { name: "overview", make: () => createOverview(context) };
  };

  const show = (moveFocus: boolean): void => {
    visit.abort();
    visit = new AbortController();
    page?.destroy();
    const { name, make } = route();
    page = make();
    document.title = `${page.title} · ${site.label} · isotherm`;
    shell.setRoute(name);
    fill(shell.main, page.element);
    if (status !== null) page.onStatus?.(status);
    window.scrollTo(0, 0);
    if (moveFocus) page.element.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    running = false;
    void refresh();
  };

  const live = new Live({
    onStatus: (next) => {
      const first = status === null;
      const before = status;
      status = next;
      statusAtMs = performance.now();
      shell.setClock(next, next.nowMs);
      page?.onStatus?.(next);
      // A change of phase or mode shows in figures that the page reads.
      if (first || before?.phase !== next.phase || before.mode !== next.mode) schedule(0);
    },
    onChange: () => schedule(Math.max(0, refreshEveryMs - (performance.now() - lastRefreshMs))),
    onConnection: (next) => {
      connection = next;
      shell.setConnection(connection, status, live.silentS);
    },
  });

  window.setInterval(() => {
    shell.setConnection(connection, status, live.silentS);
    if (status !== null) {
      const sinceS = (performance.now() - statusAtMs) / 1000;
      // Live time goes on by itself; simulated time is only followed while the server is heard.
      const onS = status.clock.kind === "live" ? sinceS : Math.min(sinceS, 3) * status.clock.speedFactor;
      shell.setClock(status, status.nowMs + onS * 1000);
    }
    if (connection === "live" && performance.now() - lastRefreshMs > refreshAtLeastMs) void refresh();
  }, 1_000);
  window.addEventListener("hashchange", () => show(true));
  session.onChange(() => {
    // What was shown may not be shown any more: begin anew at the way in.
    if (session.can("viewer")) show(false);
    else location.reload();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void refresh();
  });
  show(false);
};

void start();
