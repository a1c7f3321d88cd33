import { type Endpoint, endpoint } from "#dashboards/server/endpoint";
import { bodyInputs, pathInputs } from "#dashboards/server/input";
import type { AuditLog } from "#dashboards/server/people/audit";
import { ProblemError } from "#dashboards/server/problems";
import { answers } from "#dashboards/server/schemas";
import type { BackupsView, DoctorView, WhatIfQuestion, WhatIfView } from "#dashboards/server/wire";
import { IsothermError } from "#domain/errors";
import type { Alarm, AlarmAcknowledgement } from "#domain/store";

/** Makes backups and knows those that there are. */
export interface BackupOrders {
  /** Newest first; `folder` null: none is configured. */
  readonly list: () => Promise<Pick<BackupsView, "folder" | "backups">>;
  /** Resolves with the path of a finished backup; rejects with an `IsothermError` that says why not. */
  readonly create: () => Promise<string>;
}

export interface ZoneOverrideOrder {
  readonly id: string;
  readonly zone: string;
  readonly setpoints: { readonly heatingSetpointC?: number; readonly coolingSetpointC?: number } | "hold";
  readonly until: { readonly minutes: number } | "next";
  readonly by: string;
  readonly reason: string;
}

export interface ModeOrder {
  /** null: the building. */
  readonly zone: string | null;
  /** `building`, of a zone: as the building's is. */
  readonly mode: "auto" | "shadow" | "off" | "building";
  readonly by: string;
  readonly reason: string;
}

export interface DemandResponseOrder {
  readonly id: string;
  readonly startsInMinutes: number;
  readonly minutes: number;
  /** Mean power of a step, kW; null: none. */
  readonly limitKw: number | null;
  readonly pricePerKwh: number | null;
  readonly by: string;
  readonly reason: string;
}

/** Whole local days without occupancy, both ends included. */
export interface ClosureOrder {
  readonly id: string;
  readonly first: string;
  readonly last: string;
  /** null: every zone. */
  readonly zones: readonly string[] | null;
  readonly by: string;
  readonly reason: string;
}

/** What the dashboard may have done. Each is absent where nobody is there to do it (a dashboard beside InfluxDB). */
export interface DashboardOrders {
  /** null: no such alarm stands. */
  readonly acknowledge?: (id: string, acknowledgement: AlarmAcknowledgement) => Promise<Alarm | null>;
  /** Rejects with an `IsothermError` that says why not; resolves with what was done, in words. */
  readonly promoteModel?: (order: { readonly version: string; readonly by: string; readonly reason: string }) => Promise<string>;
  readonly rollbackModel?: (order: { readonly by: string; readonly reason: string }) => Promise<string>;
  /** Sets a zone until some time; rejects with an `IsothermError` that says why not; resolves with what was done, in words. */
  readonly overrideZone?: (order: ZoneOverrideOrder) => Promise<string>;
  readonly releaseZone?: (order: { readonly zone: string; readonly by: string }) => Promise<string>;
  /** Rejects with an `IsothermError` that says why not; resolves with what was done, in words. */
  readonly setMode?: (order: ModeOrder) => Promise<string>;
  readonly announceDemandResponse?: (order: DemandResponseOrder) => Promise<string>;
  readonly endDemandResponse?: (order: { readonly by: string }) => Promise<string>;
  /** Rejects with an `IsothermError` that says why not; resolves with what was done, in words. */
  readonly closeDays?: (order: ClosureOrder) => Promise<string>;
  /** null: no such days are closed. */
  readonly openDays?: (order: { readonly id: string; readonly by: string }) => Promise<string | null>;
  /** Plans anew from a copy of what the last decision was made from, changed as asked. Never publishes; rejects where nothing can be planned. */
  readonly whatIf?: (question: WhatIfQuestion) => Promise<WhatIfView>;
  /** Examines configuration, connections and computing; takes some seconds. */
  readonly examine?: () => Promise<DoctorView["findings"]>;
  /** Absent where there is no store of its own to copy. */
  readonly backups?: BackupOrders;
}

/** What the order's owner refuses is the asker's to mend, not a fault of ours. */
export const asRefusal = async <T>(where: string, work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof IsothermError)
      throw new ProblemError(409, error.message, where, error.todo === "" ? "Load the page again." : error.todo);
    throw error;
  }
};

/** Everything that changes what the building is told or who is told of it. */
export const orderEndpoints = (orders: DashboardOrders, audit: AuditLog, nowMs: () => number): readonly Endpoint[] => {
  const { acknowledge, promoteModel, rollbackModel, examine } = orders;
  const found: Endpoint[] = [];
  if (acknowledge !== undefined)
    found.push(
      endpoint(
        {
          method: "post",
          path: "/alarms/:id/acknowledgement",
          id: "acknowledgeAlarm",
          summary: "Say that somebody sees to an alarm; again changes nothing",
          access: "operator",
          params: pathInputs.alarm,
          body: bodyInputs.acknowledge,
          answer: answers.alarm,
          refusals: { 404: "No such alarm stands" },
        },
        ({ request, who, params: { id }, body: { note } }) =>
          audit.change(request, who, { action: "alarm.acknowledge", target: id, detail: note }, async () => {
            const alarm = await acknowledge(id, { by: who.name, timeMs: nowMs(), note });
            if (alarm === null)
              throw new ProblemError(404, "No such alarm stands.", `alarm ${id}`, "It may have cleared; load the list again.");
            return alarm;
          }),
      ),
    );
  if (promoteModel !== undefined)
    found.push(
      endpoint(
        {
          method: "post",
          path: "/models/promotion",
          id: "promoteModel",
          summary: "Put a version of the model to work",
          access: "admin",
          body: bodyInputs.promote,
          answer: answers.ordered,
          refusals: { 409: "That version cannot be put to work" },
        },
        ({ request, who, body: { version, reason } }) =>
          audit.change(request, who, { action: "model.promote", target: version, detail: reason }, async () => ({
            text: await asRefusal("version", promoteModel({ version, by: who.name, reason })),
          })),
      ),
    );
  if (rollbackModel !== undefined)
    found.push(
      endpoint(
        {
          method: "post",
          path: "/models/rollback",
          id: "rollbackModel",
          summary: "Go back to the version of the model that was in force before",
          access: "admin",
          body: bodyInputs.rollback,
          answer: answers.ordered,
          refusals: { 409: "There is nothing to go back to" },
        },
        ({ request, who, body: { reason } }) =>
          audit.change(request, who, { action: "model.rollback", target: "", detail: reason }, async () => ({
            text: await asRefusal("models", rollbackModel({ by: who.name, reason })),
          })),
      ),
    );
  if (examine !== undefined) {
    // Everybody who asks meanwhile gets the same answer: an examination keeps a core busy.
    let running: Promise<DoctorView> | null = null;
    found.push(
      endpoint(
        {
          method: "get",
          path: "/doctor",
          id: "doctor",
          summary: "Have everything that isotherm needs examined; takes some seconds",
          access: "operator",
          answer: answers.doctor,
        },
        () => {
          running ??= examine()
            .then((findings) => ({ atMs: nowMs(), findings }))
            .finally(() => {
              running = null;
            });
          return running;
        },
      ),
    );
  }
  return found;
};
