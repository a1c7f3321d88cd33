import { createServer } from "node:http";
import type { RefusedSite } from "#cli/sites/siteFiles";
import type { SitesSupervisor } from "#cli/sites/supervisor";
import { unavailableError } from "#domain/errors";

/** Figures and health of all sites at one address, without a log-in: it listens on this machine only. */
export interface SitesServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface SitesFigures {
  ticked(latenessS: number): void;
  decided(delayS: number): void;
  /** Prometheus text of the daemon and all its sites. */
  text(ofSites: readonly (readonly object[])[]): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** The daemon's own figures beside those of its sites, whose names and labels are a single site's. */
export const createSitesFigures = async (): Promise<SitesFigures> => {
  const { Registry, Summary, AggregatorRegistry, collectDefaultMetrics } = await import("prom-client");
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const percentiles = [0.5, 0.9, 0.99, 1];
  /** Percentiles are of the last hour. */
  const recent = { maxAgeSeconds: 3_600, ageBuckets: 6 };
  const lateness = new Summary({
    name: "isotherm_sites_tick_lateness_seconds",
    help: "How long after its time a control tick of any site began",
    percentiles,
    ...recent,
    registers,
  });
  const delay = new Summary({
    name: "isotherm_sites_decision_delay_seconds",
    help: "How long after its tick's time a decision of any site was out",
    percentiles,
    ...recent,
    registers,
  });
  return {
    ticked: (latenessS) => lateness.observe(Math.max(0, latenessS)),
    decided: (delayS) => delay.observe(Math.max(0, delayS)),
    text: async (ofSites) => {
      const all = AggregatorRegistry.aggregate([...ofSites.map((site) => [...site])]);
      return { contentType: registry.contentType, text: `${await registry.metrics()}\n${await all.metrics()}` };
    },
  };
};

/** `/metrics` and `/healthz` (`?site=ID` for one): 200 where all is well, 503 with the reason of each site that is not. */
export const openSitesServer = async (parts: {
  readonly port: number;
  readonly supervisor: Pick<SitesSupervisor, "report">;
  readonly refused: readonly RefusedSite[];
  readonly figures: SitesFigures;
}): Promise<SitesServer> => {
  const refused = parts.refused.map(({ file, error }) => ({ file, ok: false, text: error.describe() }));
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, text: string): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    };
    const json = (status: number, value: unknown): void => answer(status, "application/json", `${JSON.stringify(value)}\n`);
    const serve = async (): Promise<void> => {
      const url = new URL(request.url ?? "/", "http://localhost");
      // A page in a browser must not reach it under a name of its own.
      if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? "")) return json(403, { error: "unknown host" });
      if (request.method !== "GET" && request.method !== "HEAD") return json(405, { error: "only GET" });
      if (url.pathname === "/metrics") {
        const { contentType, text } = await parts.figures.text((await parts.supervisor.report()).metrics);
        return answer(200, contentType, text);
      }
      if (url.pathname !== "/healthz") return json(404, { error: "There are /healthz and /metrics." });
      const { sites } = await parts.supervisor.report();
      const wanted = url.searchParams.get("site");
      if (wanted !== null) {
        const site = sites.find(({ id }) => id === wanted);
        return site === undefined ? json(404, { error: `no site ${wanted} runs here` }) : json(site.health.ok ? 200 : 503, site);
      }
      return json(sites.every(({ health }) => health.ok) && refused.length === 0 ? 200 : 503, { sites, refused });
    };
    serve().catch((error: unknown) => json(500, { error: String(error) }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        unavailableError(`Port ${parts.port} on 127.0.0.1 cannot be had (${cause.code}).`, {
          todo: "Name another one with --status-port; 0 takes any free one.",
          cause,
        }),
      ),
    );
    server.listen(parts.port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : parts.port;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
