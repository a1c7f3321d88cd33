import "./styles/index.css";
import type { SiteInfo, StatusView } from "#dashboards/server/wire";
import { getJson, RequestFailed } from "#dashboards/web/app/api";
import { fill, h } from "#dashboards/web/app/dom";
import { createFormats } from "#dashboards/web/app/format";
import { type Connection, Live } from "#dashboards/web/app/live";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { createShell, type RouteName } from "#dashboards/web/app/shell";
import { createComfortPage } from "#dashboards/web/pages/comfort";
import { createEnergyPage } from "#dashboards/web/pages/energy";
import { createOverview } from "#dashboards/web/pages/overview";
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

const loadSite = async (): Promise<SiteInfo> => {
  for (;;) {
    try {
      return await getJson<SiteInfo>("site", new AbortController().signal);
    } catch (error) {
      const text = error instanceof RequestFailed ? `${error.problem.error} ${error.problem.todo}` : String(error);
      fill(root, h("p", { class: "boot", role: "alert" }, `${text} Trying again…`));
      await new Promise((resolve) => setTimeout(resolve, 3_000));
    }
  }
};

const start = async (): Promise<void> => {
  const site = await loadSite();
  const formats = createFormats(site);
  const shell = createShell(root, site, formats);
  let status: StatusView | null = null;
  let statusAtMs = performance.now();
  let connection: Connection = "connecting";
  let page: Page | null = null;
  let visit = new AbortController();
  let running = false;
  let wanted = false;
  let lastRefreshMs = Number.NEGATIVE_INFINITY;
  let timer: number | null = null;
  const context: PageContext = { site, formats, status: () => status };

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
        shell.setProblem(error instanceof RequestFailed ? error.problem : { error: "This page could not be shown.", todo: String(error) });
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
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void refresh();
  });
  show(false);
};

void start();
