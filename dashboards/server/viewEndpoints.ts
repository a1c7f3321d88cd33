import { type Endpoint, endpoint } from "#dashboards/server/endpoint";
import { queryInputs, resolveRange } from "#dashboards/server/input";
import { modelLiveView } from "#dashboards/server/modelLive";
import { answers } from "#dashboards/server/schemas";
import type { ViewContext } from "#dashboards/server/views";
import type { ModelLiveView, ScheduleView } from "#dashboards/server/wire";

const dayMs = 86_400_000;

/** What is read about the model's truth and the site's schedules. */
export const viewEndpoints = (
  context: ViewContext,
  known: { readonly learning: ModelLiveView["learning"]; readonly schedule: (() => ScheduleView) | null },
): readonly Endpoint[] => {
  const view = { method: "get", access: "viewer" } as const;
  const { schedule } = known;
  return [
    endpoint(
      {
        ...view,
        path: "/models/live",
        id: "modelLive",
        summary: "How true the model's one-step predictions have been, and what data learning has",
        query: queryInputs.modelLive,
        answer: answers.modelLive,
      },
      ({ query, request }) => modelLiveView(context, resolveRange(query, context.nowMs(), 14 * dayMs, 31, request.path), known.learning),
    ),
    ...(schedule === null
      ? []
      : [
          endpoint(
            {
              ...view,
              path: "/schedule",
              id: "schedule",
              summary: "Occupied hours, holidays and bands, in force and next",
              answer: answers.schedule,
            },
            schedule,
          ),
        ]),
  ];
};
