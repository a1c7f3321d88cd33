import { type Request, type RequestHandler, type Response, Router } from "express";
import { comfortView } from "#dashboards/server/comfort";
import { energyView } from "#dashboards/server/energy";
import type { EventStream } from "#dashboards/server/eventStream";
import { decisionIdInput, parseInput, queryInputs, resolveRange, zoneIdInput } from "#dashboards/server/input";
import { notFoundHandler, ProblemError } from "#dashboards/server/problems";
import { overviewView, summariseDecision, type ViewContext, zoneView } from "#dashboards/server/views";
import type { DecisionListView, DecisionSummary, ModelsView, SeriesView, StatusView } from "#dashboards/server/wire";

const dayMs = 86_400_000;

/** NaN and ±Infinity have no JSON form and would show as null by accident; here they become null by rule. */
const finiteOrNull = (_key: string, value: unknown): unknown => (typeof value === "number" && !Number.isFinite(value) ? null : value);

const sendJson = (response: Response, body: unknown): void => {
  response.set("Cache-Control", "no-store").type("application/json").send(JSON.stringify(body, finiteOrNull));
};

const route =
  (answer: (request: Request) => unknown): RequestHandler =>
  async (request, response) => {
    sendJson(response, await answer(request));
  };

/** All of /api/v1. Everything is read from the store, the site and the daemon's status; nothing is changed. */
export const createApi = (
  context: ViewContext,
  statusView: () => StatusView,
  events: EventStream,
  models?: () => Promise<ModelsView>,
): Router => {
  const { reader, site, history, calendar } = context;
  const api = Router({ caseSensitive: true, strict: false });
  const stepS = (): number => context.status().tickIntervalS;

  const plain = (path: string, answer: () => unknown): void => {
    api.get(
      path,
      route((request) => {
        parseInput(queryInputs.none, request.query, request.path);
        return answer();
      }),
    );
  };
  plain("/site", () => site);
  plain("/status", statusView);
  plain("/overview", () => overviewView(context));
  plain("/models", () => {
    if (models === undefined)
      throw new ProblemError(404, "This dashboard knows no models.", "models", "Ask the dashboard of the running isotherm.");
    return models();
  });

  api.get(
    "/zones/:zone",
    route((request) => {
      const id = parseInput(zoneIdInput, request.params.zone, "zone");
      const { hours } = parseInput(queryInputs.zone, request.query, request.path);
      const zone = site.zones.find((candidate) => candidate.id === id);
      if (zone === undefined)
        throw new ProblemError(404, "The site has no zone of that name.", `zone ${id}`, "/api/v1/site lists the zones.");
      return zoneView(context, zone, hours);
    }),
  );

  api.get(
    "/decisions/latest",
    route(async () => {
      const decision = await reader.latestDecision();
      if (decision === null)
        throw new ProblemError(
          404,
          "Nothing has been decided yet.",
          "decisions/latest",
          "Wait until the controller has learnt; /api/v1/status says how far it is.",
        );
      return decision;
    }),
  );
  api.get(
    "/decisions/:id",
    route(async (request) => {
      const id = parseInput(decisionIdInput, request.params.id, "decision id");
      const decision = await reader.decision(id);
      if (decision === null)
        throw new ProblemError(404, "There is no decision with that id.", `decision ${id}`, "/api/v1/decisions?from=…&to=… lists them.");
      return decision;
    }),
  );
  api.get(
    "/decisions",
    route(async (request): Promise<DecisionListView> => {
      const input = parseInput(queryInputs.decisions, request.query, request.path);
      const { fromMs, toMs } = resolveRange(input, context.nowMs() + 1, dayMs, 400, request.path);
      const decisions: DecisionSummary[] = [];
      let nextFromMs: number | null = null;
      for await (const decision of reader.decisions(fromMs, toMs)) {
        if (decisions.length === input.limit) {
          nextFromMs = decision.timeMs;
          break;
        }
        decisions.push(summariseDecision(decision));
      }
      return { fromMs, toMs, decisions, nextFromMs };
    }),
  );

  api.get(
    "/series",
    route(async (request): Promise<SeriesView> => {
      const input = parseInput(queryInputs.series, request.query, request.path);
      const { fromMs, toMs } = resolveRange(input, context.nowMs() + 1, dayMs, 400, request.path);
      const series = await reader.series(input.points, fromMs, toMs, input.buckets);
      return { fromMs, toMs, series: Object.fromEntries(input.points.map((point) => [point, series.get(point) ?? []])) };
    }),
  );

  api.get(
    "/comfort",
    route(async (request) => {
      const { fromMs, toMs } = resolveRange(
        parseInput(queryInputs.comfort, request.query, request.path),
        context.nowMs(),
        7 * dayMs,
        92,
        request.path,
      );
      // Steps are told by their end: one that ends in the range was decided up to two steps before it.
      const steps = await history.range(fromMs - 2 * stepS() * 1000, toMs + 2 * stepS() * 1000);
      return comfortView(steps, site.zones, calendar, fromMs, toMs);
    }),
  );

  api.get(
    "/energy",
    route((request) => {
      const range = resolveRange(parseInput(queryInputs.energy, request.query, request.path), context.nowMs(), dayMs, 92, request.path);
      return energyView(reader, history, calendar, site.currency, range, stepS());
    }),
  );

  api.get(
    "/alarms",
    route(async (request) => {
      const { since } = parseInput(queryInputs.alarms, request.query, request.path);
      return { alarms: await reader.alarms(since ?? context.nowMs() - 7 * dayMs) };
    }),
  );

  api.get("/events", async (request, response) => {
    if (request.method === "HEAD") response.type("text/event-stream").end();
    else await events.connect(request, response);
  });

  api.use(notFoundHandler);
  return api;
};
