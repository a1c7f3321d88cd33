import { comfortView } from "#dashboards/server/comfort";
import { type Endpoint, endpoint } from "#dashboards/server/endpoint";
import { energyView } from "#dashboards/server/energy";
import type { EventStream } from "#dashboards/server/eventStream";
import { pathInputs, queryInputs, resolveDays, resolveRange } from "#dashboards/server/input";
import type { Access } from "#dashboards/server/people/access";
import { ProblemError } from "#dashboards/server/problems";
import { answers } from "#dashboards/server/schemas";
import { tariffView } from "#dashboards/server/tariff";
import { overviewView, summariseDecision, type ViewContext, zoneView } from "#dashboards/server/views";
import type { DecisionListView, DecisionSummary, ModelsView, SeriesView, StatusView } from "#dashboards/server/wire";
import type { ForecastErrorAtLead } from "#domain/forecastError";

const dayMs = 86_400_000;

/** Everything that is only read: from the store, the site and the daemon's status. */
export const readEndpoints = (
  context: ViewContext,
  statusView: () => StatusView,
  events: EventStream,
  access: Access,
  models?: () => Promise<ModelsView>,
  forecastErrors: () => readonly ForecastErrorAtLead[] = () => [],
): readonly Endpoint[] => {
  const { reader, site, history, calendar } = context;
  const stepS = (): number => context.status().tickIntervalS;
  const view = { method: "get", access: "viewer" } as const;

  return [
    endpoint({ ...view, path: "/site", id: "site", summary: "The site and its zones", answer: answers.site }, () => site),
    endpoint({ ...view, path: "/status", id: "status", summary: "What the daemon says of itself", answer: answers.status }, statusView),
    endpoint({ ...view, path: "/overview", id: "overview", summary: "A tile per zone, and today", answer: answers.overview }, () =>
      overviewView(context),
    ),
    endpoint(
      {
        ...view,
        path: "/models",
        id: "models",
        summary: "Versions of the model, and how true the one in use has been",
        answer: answers.models,
        refusals: { 404: "Nobody here knows of models" },
      },
      () => {
        if (models === undefined)
          throw new ProblemError(404, "This dashboard knows no models.", "models", "Ask the dashboard of the running isotherm.");
        return models();
      },
    ),
    endpoint(
      {
        ...view,
        path: "/forecast/errors",
        id: "forecastErrors",
        summary: "How wrong each source of weather forecasts has been, by lead",
        answer: answers.forecastErrors,
      },
      () => ({ errors: forecastErrors().map((one) => ({ ...one, stdDev: Number.isFinite(one.stdDev) ? one.stdDev : null })) }),
    ),
    endpoint(
      {
        ...view,
        path: "/zones/:zone",
        id: "zone",
        summary: "A zone: what was measured, the newest plan, and why",
        params: pathInputs.zone,
        query: queryInputs.zone,
        answer: answers.zone,
        refusals: { 404: "The site has no zone of that name" },
      },
      ({ params, query }) => {
        const zone = site.zones.find((candidate) => candidate.id === params.zone);
        if (zone === undefined)
          throw new ProblemError(404, "The site has no zone of that name.", `zone ${params.zone}`, "/api/v1/site lists the zones.");
        return zoneView(context, zone, query.hours);
      },
    ),
    endpoint(
      {
        ...view,
        path: "/decisions/latest",
        id: "latestDecision",
        summary: "The newest decision, as stored",
        answer: answers.decision,
        refusals: { 404: "Nothing has been decided yet" },
      },
      async () => {
        const decision = await reader.latestDecision();
        if (decision === null)
          throw new ProblemError(
            404,
            "Nothing has been decided yet.",
            "decisions/latest",
            "Wait until the controller has learnt; /api/v1/status says how far it is.",
          );
        return decision;
      },
    ),
    endpoint(
      {
        ...view,
        path: "/decisions/:id",
        id: "decision",
        summary: "A decision, as stored",
        params: pathInputs.decision,
        answer: answers.decision,
        refusals: { 404: "There is no decision with that id" },
      },
      async ({ params: { id } }) => {
        const decision = await reader.decision(id);
        if (decision === null)
          throw new ProblemError(404, "There is no decision with that id.", `decision ${id}`, "/api/v1/decisions?from=…&to=… lists them.");
        return decision;
      },
    ),
    endpoint(
      {
        ...view,
        path: "/decisions",
        id: "decisions",
        summary: "Decisions of a time, oldest first",
        query: queryInputs.decisions,
        answer: answers.decisions,
      },
      async ({ query, request }): Promise<DecisionListView> => {
        const { fromMs, toMs } = resolveRange(query, context.nowMs() + 1, dayMs, 400, request.path);
        const decisions: DecisionSummary[] = [];
        let nextFromMs: number | null = null;
        for await (const decision of reader.decisions(fromMs, toMs)) {
          if (decisions.length === query.limit) {
            nextFromMs = decision.timeMs;
            break;
          }
          decisions.push(summariseDecision(decision));
        }
        return { fromMs, toMs, decisions, nextFromMs };
      },
    ),
    endpoint(
      {
        ...view,
        path: "/series",
        id: "series",
        summary: "Mean, minimum and maximum of points in equal buckets",
        query: queryInputs.series,
        answer: answers.series,
      },
      async ({ query, request }): Promise<SeriesView> => {
        const { fromMs, toMs } = resolveRange(query, context.nowMs() + 1, dayMs, 400, request.path);
        const series = await reader.series(query.points, fromMs, toMs, query.buckets);
        return { fromMs, toMs, series: Object.fromEntries(query.points.map((point) => [point, series.get(point) ?? []])) };
      },
    ),
    endpoint(
      { ...view, path: "/comfort", id: "comfort", summary: "Comfort of a time", query: queryInputs.comfort, answer: answers.comfort },
      async ({ query, request }) => {
        const { fromMs, toMs } = resolveRange(resolveDays(query, calendar.startOfMs), context.nowMs(), 7 * dayMs, 92, request.path);
        // Steps are told by their end: one that ends in the range was decided up to two steps before it.
        const steps = await history.range(fromMs - 2 * stepS() * 1000, toMs + 2 * stepS() * 1000);
        return comfortView(steps, site.zones, calendar, fromMs, toMs);
      },
    ),
    endpoint(
      { ...view, path: "/energy", id: "energy", summary: "Energy and cost of a time", query: queryInputs.energy, answer: answers.energy },
      async ({ query, request }) => {
        const range = resolveRange(resolveDays(query, calendar.startOfMs), context.nowMs(), dayMs, 92, request.path);
        const [view, newest] = await Promise.all([
          energyView(reader, history, calendar, site.currency, range, stepS()),
          reader.latestDecision(),
        ]);
        return { ...view, tariff: tariffView(newest) };
      },
    ),
    endpoint(
      {
        ...view,
        path: "/alarms",
        id: "alarms",
        summary: "Active alarms, then those cleared since",
        query: queryInputs.alarms,
        answer: answers.alarms,
      },
      async ({ query: { since } }) => ({ alarms: await reader.alarms(since ?? context.nowMs() - 7 * dayMs) }),
    ),
    endpoint(
      { ...view, path: "/events", id: "events", summary: "Live server-sent events; see docs/api.md", answer: null, isStream: true },
      async ({ request, response }) => {
        if (request.method === "HEAD") response.type("text/event-stream").end();
        else await events.connect(request, response, () => access.isStillAllowed(request, "viewer"));
      },
    ),
  ];
};
