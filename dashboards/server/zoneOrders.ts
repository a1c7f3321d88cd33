import { type Endpoint, endpoint } from "#dashboards/server/endpoint";
import { bodyInputs, pathInputs } from "#dashboards/server/input";
import { asRefusal, type DashboardOrders } from "#dashboards/server/orders";
import type { AuditLog } from "#dashboards/server/people/audit";
import { ProblemError } from "#dashboards/server/problems";
import { answers } from "#dashboards/server/schemas";

/** Orders remembered, so that one sent twice (a slow line, two clicks) is carried out once. */
const rememberedOrders = 500;

/** Carries out each id once; whoever asks again gets the same answer. An order that failed may be sent again. */
const once = <T>(): ((id: string, work: () => Promise<T>) => Promise<T>) => {
  const known = new Map<string, Promise<T>>();
  return (id, work) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const now = work();
    known.set(id, now);
    now.catch(() => known.delete(id));
    if (known.size > rememberedOrders) known.delete(known.keys().next().value!);
    return now;
  };
};

/** What people order for single zones, and what they ask before they do. */
export const zoneOrderEndpoints = ({ overrideZone, releaseZone, whatIf }: DashboardOrders, audit: AuditLog): readonly Endpoint[] => {
  const found: Endpoint[] = [];
  if (overrideZone !== undefined) {
    const carryOut = once<{ text: string }>();
    found.push(
      endpoint(
        {
          method: "post",
          path: "/zones/:zone/override",
          id: "overrideZone",
          summary: "Set a zone by hand until some time; the same id again changes nothing",
          access: "operator",
          params: pathInputs.zone,
          body: bodyInputs.override,
          answer: answers.ordered,
          refusals: { 409: "Those setpoints, that time or that zone are not possible" },
        },
        ({ request, who, params: { zone }, body }) =>
          carryOut(`${zone} ${body.id}`, () => {
            const { heatingSetpointC, coolingSetpointC, minutes, reason } = body;
            const pair = {
              ...(heatingSetpointC === undefined ? {} : { heatingSetpointC }),
              ...(coolingSetpointC === undefined ? {} : { coolingSetpointC }),
            };
            const detail = `${body.hold ? "hold" : `${heatingSetpointC ?? "–"}/${coolingSetpointC ?? "–"} °C`}, ${minutes === undefined ? "until the next entry" : `${minutes} min`}${reason === "" ? "" : `: ${reason}`}`;
            return audit.change(request, who, { action: "zone.override", target: zone, detail }, async () => ({
              text: await asRefusal(
                `zone ${zone}`,
                overrideZone({
                  id: body.id,
                  zone,
                  setpoints: body.hold ? "hold" : pair,
                  until: minutes === undefined ? "next" : { minutes },
                  by: who.name,
                  reason,
                }),
              ),
            }));
          }),
      ),
    );
  }
  if (releaseZone !== undefined)
    found.push(
      endpoint(
        {
          method: "delete",
          path: "/zones/:zone/override",
          id: "releaseZone",
          summary: "End the override of a zone",
          access: "operator",
          params: pathInputs.zone,
          answer: answers.ordered,
          refusals: { 409: "No override stands in that zone" },
        },
        ({ request, who, params: { zone } }) =>
          audit.change(request, who, { action: "zone.release", target: zone, detail: "" }, async () => ({
            text: await asRefusal(`zone ${zone}`, releaseZone({ zone, by: who.name })),
          })),
      ),
    );
  if (whatIf !== undefined) {
    let busy = false;
    found.push(
      endpoint(
        {
          method: "post",
          path: "/what-if",
          id: "whatIf",
          summary: "The plan that changed wishes would lead to; nothing is sent to the building",
          access: "operator",
          body: bodyInputs.whatIf,
          answer: answers.whatIf,
          refusals: { 409: "Nothing can be planned now, or another question is being planned" },
        },
        async ({ body }) => {
          if (busy) throw new ProblemError(409, "Another question is being planned.", "what-if", "Ask again in a few seconds.");
          busy = true;
          try {
            return await asRefusal("what-if", whatIf(body));
          } finally {
            busy = false;
          }
        },
      ),
    );
  }
  return found;
};
