import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { isIPv6 } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import compression from "compression";
import express, { type RequestHandler } from "express";
import { rateLimit } from "express-rate-limit";
import helmet from "helmet";
import { createApiDocs } from "#dashboards/server/apiDocs";
import { backupEndpoints } from "#dashboards/server/backups";
import { buildingOrderEndpoints } from "#dashboards/server/buildingOrders";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import { DecisionHistory } from "#dashboards/server/decisionHistory";
import { createApi } from "#dashboards/server/endpoint";
import { EventStream } from "#dashboards/server/eventStream";
import { createHostRule, hostAndOriginGuard, isLoopback, methodGuard } from "#dashboards/server/guards";
import { createStoreHealth } from "#dashboards/server/health";
import { listenOnFreePort } from "#dashboards/server/listen";
import { createLocalCalendar } from "#dashboards/server/localTime";
import { openApiDocument } from "#dashboards/server/openapi";
import { type DashboardOrders, orderEndpoints } from "#dashboards/server/orders";
import { Access } from "#dashboards/server/people/access";
import { AuditLog } from "#dashboards/server/people/audit";
import type { ScryptCost } from "#dashboards/server/people/passwords";
import { People, SetupToken } from "#dashboards/server/people/people";
import { peopleEndpoints } from "#dashboards/server/people/peopleEndpoints";
import { type DashboardLog, errorHandler, notFoundHandler, ProblemError } from "#dashboards/server/problems";
import { readEndpoints } from "#dashboards/server/routes";
import { savingsEndpoints } from "#dashboards/server/savings/savingsEndpoints";
import { viewEndpoints } from "#dashboards/server/viewEndpoints";
import { newestOf, type ViewContext, watchedPoints } from "#dashboards/server/views";
import type { HealthView, ModelsView, ScheduleView, StatusView } from "#dashboards/server/wire";
import { zoneOrderEndpoints } from "#dashboards/server/zoneOrders";
import type { SiteInfo } from "#domain/building";
import type { ForecastErrorAtLead } from "#domain/forecastError";
import type { AuditStore, PeopleStore } from "#domain/people";
import type { AdjustmentStore } from "#domain/savings";
import type { StoreReader } from "#domain/store";

export interface DashboardOptions {
  readonly reader: StoreReader;
  readonly site: SiteInfo;
  readonly status: () => DaemonStatus;
  /** Versions of the model and how true it is; absent where nobody knows (a dashboard beside InfluxDB). */
  readonly models?: () => Promise<ModelsView>;
  /** How wrong forecasts were; absent where nobody knows. */
  readonly forecastErrors?: () => readonly ForecastErrorAtLead[];
  /** Who may do what. As long as there is no user, `setupToken` makes the first one. */
  readonly people: {
    readonly store: PeopleStore;
    readonly audit: AuditStore;
    /** The first user was made: the token is worth nothing from now on. */
    readonly onSetUp?: () => void;
    /** Of hashing passwords; OWASP's unless set. */
    readonly scryptCost?: ScryptCost;
  };
  readonly orders?: DashboardOrders;
  /** What learning wants of data; absent where nobody here learns. */
  readonly learning?: { readonly trainingDays: number; readonly minDays: number };
  /** Absent where the site's configuration is not known. */
  readonly schedule?: () => ScheduleView;
  /** Of the savings baseline; absent: nobody can make any. */
  readonly adjustments?: AdjustmentStore;
  /** PEM texts: then it speaks HTTPS only. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Of isotherm, for the OpenAPI document. */
  readonly version?: string;
  /** Wall clock, ms; of audit entries and the expiry of tokens. */
  readonly wallMs?: () => number;
  /** Address to listen on; 127.0.0.1 unless a person decided otherwise. */
  readonly host?: string;
  /** First port to try; 0 lets the system choose. */
  readonly port: number;
  /** Folder of the built pages; found beside the built server when absent. */
  readonly webRoot?: string;
  /** The site's clock. */
  readonly nowMs: () => number;
  readonly log: DashboardLog;
  /** What /healthz asks beside the reader; absent where the dashboard only reads. */
  readonly health?: {
    /** Writes something to the store. */
    readonly probe: () => Promise<void>;
    /** Whether the control loop does not tick. */
    readonly isLate: () => boolean;
  };
  /** Text for Prometheus, on /metrics for viewers; absent: none. */
  readonly metrics?: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Further names under which browsers may reach it, e.g. behind a proxy. */
  readonly allowedHosts?: readonly string[];
  /** Requests a minute from one address; 1,200 unless set. */
  readonly maxRequestsPerMinute?: number;
  /** Longest silence on the live channel, ms; 3,000 unless set. */
  readonly heartbeatMs?: number;
}

export interface Dashboard {
  readonly url: string;
  readonly port: number;
  /** Makes the first user; null where there is one. */
  readonly setupToken: string | null;
  close(): Promise<void>;
}

/** Limits against slow and many connections; Node's own are 60 s, 300 s and none. */
export const connectionLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  connectionsCheckingIntervalMs: 5_000,
  // A daemon that is busy for some seconds must not cut off who is about to ask again.
  keepAliveTimeoutMs: 30_000,
  maxConnections: 1_000,
  maxLiveClients: 400,
} as const;

const isBuilt = (folder: string): boolean => existsSync(join(folder, "index.html")) && existsSync(join(folder, "assets"));

/** The built pages lie beside the built server (dist/dashboards/web); from the sources, in dist. */
const findWebRoot = (): string | null => {
  const here = dirname(fileURLToPath(import.meta.url));
  return [join(here, "../web"), join(here, "../../dist/dashboards/web")].find(isBuilt) ?? null;
};

const securityHeaders = (host: string, isEncrypted: boolean): RequestHandler =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", "data:"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Over plain HTTP a promise of HTTPS would lock browsers out.
    strictTransportSecurity: isEncrypted ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    // Browsers honour these two on trustworthy origins only, and complain on others.
    crossOriginOpenerPolicy: isEncrypted || isLoopback(host),
    originAgentCluster: isEncrypted || isLoopback(host),
    xFrameOptions: { action: "deny" },
    referrerPolicy: { policy: "no-referrer" },
  });

const pages = (webRoot: string | null): RequestHandler => {
  if (webRoot === null) {
    return (request, _response, next) => {
      next(
        request.path === "/"
          ? new ProblemError(503, "The dashboard's pages are not built.", "/", "Run `npm run build` and start again.")
          : undefined,
      );
    };
  }
  return express.static(webRoot, {
    dotfiles: "ignore",
    redirect: false,
    setHeaders: (response, path) => {
      // Names under assets/ carry a hash of their content.
      response.setHeader("Cache-Control", path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
};

/**
 * Serves the dashboard: pages, /api/v1 (docs/api.md), server-sent events and /healthz. It reads the store, the site and the daemon's status; what people change goes
 * through `orders`, by role, and is written down. Throws `IsothermError` (retryable) where it cannot listen. A taken port is not an error: the next free one is used and returned.
 */
export const createDashboard = async (options: DashboardOptions): Promise<Dashboard> => {
  const { reader, site, log } = options;
  const host = options.host ?? "127.0.0.1";
  const wallMs = options.wallMs ?? Date.now;
  // First of all: users that cannot be read must not open what they closed.
  const people = await People.open(options.people.store, wallMs, options.people.scryptCost);
  const setup = people.isEmpty ? new SetupToken() : null;
  const access = new Access({ people, host, siteId: site.id });
  const audit = new AuditLog(options.people.audit, log, wallMs);
  const calendar = createLocalCalendar(site.timeZone);
  const history = new DecisionHistory(
    reader,
    site.zones.map((zone) => zone.id),
  );

  let newestDataMs = newestOf((await reader.latest(watchedPoints(site))).values());
  const unsubscribe = reader.onChange((change) => {
    if (change.kind === "telemetry") for (const { timeMs } of change.points) newestDataMs = Math.max(newestDataMs ?? timeMs, timeMs);
    else if (change.kind === "decision") history.forget(change.decision.timeMs);
  });
  const statusView = (): StatusView => ({ ...options.status(), nowMs: options.nowMs(), newestDataMs });
  const events = new EventStream({
    reader,
    status: statusView,
    heartbeatMs: options.heartbeatMs ?? 3_000,
    maxClients: connectionLimits.maxLiveClients,
  });
  const context: ViewContext = { reader, site, history, calendar, status: options.status, nowMs: options.nowMs };

  const storeHealth = createStoreHealth({
    probe: options.health?.probe ?? (async () => void (await reader.latest(watchedPoints(site).slice(0, 1)))),
    onError: (error) => log.error({ err: error }, "dashboard health check: the store does not work"),
  });

  const app = express();
  app.disable("x-powered-by");
  app.set("query parser", "simple");
  // A proxy on this machine may say from where and how it was asked; nobody else is believed.
  app.set("trust proxy", isLoopback(host) ? "loopback" : false);
  app.use(securityHeaders(host, options.tls !== undefined));
  app.use((_request, response, next) => {
    response.set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    next();
  });
  app.use(hostAndOriginGuard(createHostRule(host, options.allowedHosts ?? [])));
  app.all("/healthz", methodGuard(["GET", "HEAD"]));
  app.get("/healthz", async (_request, response) => {
    const status = options.status();
    const store = await storeHealth();
    const control = options.health?.isLate() ? "late" : "ok";
    const isWell = store === "ok" && control === "ok";
    const body: HealthView = { status: isWell ? "ok" : "failing", phase: status.phase, store, control, lastTickMs: status.lastTickMs };
    response
      .status(isWell ? 200 : 503)
      .set("Cache-Control", "no-store")
      .json(body);
  });
  app.use(
    rateLimit({
      windowMs: 60_000,
      limit: options.maxRequestsPerMinute ?? 1_200,
      standardHeaders: "draft-8",
      legacyHeaders: false,
      // Not believed beyond loopback, and no reason to complain on the terminal.
      validate: { xForwardedForHeader: false },
      handler: (request, _response, next) => {
        next(new ProblemError(429, "Too many requests from this address.", request.path, "Wait a minute."));
      },
    }),
  );
  const endpoints = [
    ...readEndpoints(context, statusView, events, access, options.models, options.forecastErrors),
    ...orderEndpoints(options.orders ?? {}, audit, options.nowMs),
    ...(options.orders?.backups === undefined ? [] : backupEndpoints(options.orders.backups, audit)),
    ...zoneOrderEndpoints(options.orders ?? {}, audit),
    ...buildingOrderEndpoints(options.orders ?? {}, audit),
    ...viewEndpoints(context, { learning: options.learning ?? null, schedule: options.schedule ?? null }),
    ...savingsEndpoints(context, options.adjustments ?? null, audit, wallMs),
    ...peopleEndpoints({
      people,
      access,
      audit,
      auditStore: options.people.audit,
      setup,
      onSetUp: () => options.people.onSetUp?.(),
      wallMs,
    }),
  ];
  const { metrics } = options;
  if (metrics !== undefined) {
    app.all("/metrics", methodGuard(["GET", "HEAD"]), access.middleware);
    app.get("/metrics", async (request, response) => {
      access.demand(access.identify(request), "viewer");
      const { contentType, text } = await metrics();
      response.set("Cache-Control", "no-store").set("Content-Type", contentType).send(text);
    });
  }
  app.use("/api/v1", createApi(endpoints, access));
  app.use(methodGuard(["GET", "HEAD"]));
  app.use("/api", createApiDocs(openApiDocument(endpoints, options.version ?? "0")));
  // Pages only: what a log-in answers is not compressed beside what others may have put in (BREACH), events are not held back.
  app.use(compression());
  app.use(pages(options.webRoot === undefined ? findWebRoot() : isBuilt(options.webRoot) ? options.webRoot : null));
  app.use(notFoundHandler);
  app.use(errorHandler(log));

  const limits = {
    headersTimeout: connectionLimits.headersTimeoutMs,
    requestTimeout: connectionLimits.requestTimeoutMs,
    connectionsCheckingInterval: connectionLimits.connectionsCheckingIntervalMs,
    keepAliveTimeout: connectionLimits.keepAliveTimeoutMs,
  };
  const server =
    options.tls === undefined
      ? createServer(limits, app)
      : createTlsServer({ ...limits, cert: options.tls.certificate, key: options.tls.key, minVersion: "TLSv1.2" }, app);
  server.maxConnections = connectionLimits.maxConnections;
  let port: number;
  try {
    port = await listenOnFreePort(server, host, options.port);
  } catch (error) {
    events.close();
    unsubscribe();
    throw error;
  }
  const shownHost = host === "0.0.0.0" || host === "::" ? "localhost" : isIPv6(host) ? `[${host}]` : host;
  const url = `http${options.tls === undefined ? "" : "s"}://${shownHost}:${port}/`;
  log.info({ url }, "dashboard listens");
  return {
    url,
    port,
    setupToken: setup?.text ?? null,
    close: async () => {
      events.close();
      unsubscribe();
      await new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      });
    },
  };
};
