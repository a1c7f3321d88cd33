import { type Endpoint, endpoint } from "#dashboards/server/endpoint";
import { bodyInputs, pathInputs } from "#dashboards/server/input";
import { asRefusal, type DashboardOrders } from "#dashboards/server/orders";
import type { AuditLog } from "#dashboards/server/people/audit";
import { ProblemError } from "#dashboards/server/problems";
import { answers } from "#dashboards/server/schemas";

/** Who decides in the building and its zones, and what is asked of it from outside for a time. */
export const buildingOrderEndpoints = (
  { setMode, announceDemandResponse, endDemandResponse, closeDays, openDays }: DashboardOrders,
  audit: AuditLog,
): readonly Endpoint[] => {
  const found: Endpoint[] = [];
  const post = { method: "post", access: "operator", answer: answers.ordered } as const;
  if (setMode !== undefined)
    found.push(
      endpoint(
        {
          ...post,
          path: "/mode",
          id: "setMode",
          summary: "Whether the building's setpoints are sent (auto), only decided (shadow) or left alone (off)",
          body: bodyInputs.mode,
          refusals: { 409: "That mode is not possible now" },
        },
        ({ request, who, body: { mode, reason } }) =>
          audit.change(request, who, { action: "mode.set", target: "building", detail: said(mode, reason) }, async () => ({
            text: await asRefusal("mode", setMode({ zone: null, mode, by: who.name, reason })),
          })),
      ),
      endpoint(
        {
          ...post,
          path: "/zones/:zone/mode",
          id: "setZoneMode",
          summary: "A mode of its own for a zone, or the building's again",
          params: pathInputs.zone,
          body: bodyInputs.zoneMode,
          refusals: { 409: "That zone or mode is not possible" },
        },
        ({ request, who, params: { zone }, body: { mode, reason } }) =>
          audit.change(request, who, { action: "mode.set", target: zone, detail: said(mode, reason) }, async () => ({
            text: await asRefusal(`zone ${zone}`, setMode({ zone, mode, by: who.name, reason })),
          })),
      ),
    );
  if (announceDemandResponse !== undefined)
    found.push(
      endpoint(
        {
          ...post,
          path: "/demand-response",
          id: "announceDemandResponse",
          summary: "Ask for less power, or name another price, for a time; in place of the event before",
          body: bodyInputs.demandResponse,
          refusals: { 409: "That event is not possible" },
        },
        ({ request, who, body }) => {
          const { id, startsInMinutes, minutes, limitKw = null, pricePerKwh = null, reason } = body;
          const asked = [limitKw === null ? "" : `${limitKw} kW`, pricePerKwh === null ? "" : `${pricePerKwh} per kWh`]
            .filter((text) => text !== "")
            .join(", ");
          const detail = said(`${asked} for ${minutes} min${startsInMinutes === 0 ? "" : ` from in ${startsInMinutes} min`}`, reason);
          return audit.change(request, who, { action: "demand-response.announce", target: id, detail }, async () => ({
            text: await asRefusal(
              "demand-response",
              announceDemandResponse({ id, startsInMinutes, minutes, limitKw, pricePerKwh, by: who.name, reason }),
            ),
          }));
        },
      ),
    );
  if (endDemandResponse !== undefined)
    found.push(
      endpoint(
        {
          method: "delete",
          access: "operator",
          answer: answers.ordered,
          path: "/demand-response",
          id: "endDemandResponse",
          summary: "End the demand-response event",
          refusals: { 409: "There is no event" },
        },
        ({ request, who }) =>
          audit.change(request, who, { action: "demand-response.end", target: "", detail: "" }, async () => ({
            text: await asRefusal("demand-response", endDemandResponse({ by: who.name })),
          })),
      ),
    );
  if (closeDays !== undefined)
    found.push(
      endpoint(
        {
          ...post,
          path: "/schedule/closures",
          id: "closeDays",
          summary: "Days without occupancy beside the site file's holidays; the same id again changes nothing",
          body: bodyInputs.closure,
          refusals: { 409: "These days cannot be closed" },
        },
        ({ request, who, body: { id, first, last, zones, reason } }) => {
          const detail = said(`${first} to ${last}${zones === undefined ? "" : `, ${zones.join(", ")}`}`, reason);
          return audit.change(request, who, { action: "schedule.close", target: id, detail }, async () => ({
            text: await asRefusal("days", closeDays({ id, first, last, zones: zones ?? null, by: who.name, reason })),
          }));
        },
      ),
    );
  if (openDays !== undefined)
    found.push(
      endpoint(
        {
          method: "delete",
          access: "operator",
          answer: answers.ordered,
          path: "/schedule/closures/:id",
          id: "openDays",
          summary: "Closed days follow the week again",
          params: pathInputs.id,
          refusals: { 404: "No such days are closed" },
        },
        ({ request, who, params: { id } }) =>
          audit.change(request, who, { action: "schedule.open", target: id, detail: "" }, async () => {
            const text = await asRefusal("days", openDays({ id, by: who.name }));
            if (text === null)
              throw new ProblemError(
                404,
                "No such days are closed.",
                `closure ${id}`,
                "Somebody may have taken them away; load the page again.",
              );
            return { text };
          }),
      ),
    );
  return found;
};

const said = (what: string, reason: string): string => (reason === "" ? what : `${what}: ${reason}`);
