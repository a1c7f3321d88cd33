import { rm } from "node:fs/promises";
import { join } from "node:path";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { openPeopleFile } from "#adapters/files/peopleFile";
import type { CommandHandlers } from "#adapters/mqtt/commands";
import type { OverrideSet } from "#adapters/mqtt/wire";
import { examineApart } from "#cli/daemon/examineApart";
import type { OverrideOutcome } from "#cli/daemon/orders";
import type { WhatIf } from "#cli/daemon/whatIf";
import type { ModelKeeper, ModelOrderResult } from "#cli/modelVersions";
import type { DashboardOptions } from "#dashboards/server/createDashboard";
import type { BackupOrders, DashboardOrders } from "#dashboards/server/orders";
import { configurationError } from "#domain/errors";
import type { AuditStore } from "#domain/people";
import type { AlarmBoard } from "#loop/alarmBoard";
import type { Closures } from "#loop/closures";

export interface DaemonPeople {
  readonly options: DashboardOptions["people"];
  /** Lays the token that makes the first user where only this daemon's owner reads it; resolves with a line to say, or null where there are users. */
  offer(setupToken: string | null, dashboardUrl: string): Promise<string | null>;
}

/** Users, tokens and the way in for the first of them, in the data directory. */
export const daemonPeople = (directory: string, audit: AuditStore, onError: (error: unknown) => void): DaemonPeople => {
  const tokenFile = join(directory, "setup-token");
  const forget = (): Promise<void> => rm(tokenFile, { force: true });
  return {
    options: { store: openPeopleFile(join(directory, "people.json")), audit, onSetUp: () => void forget().catch(onError) },
    offer: async (setupToken, dashboardUrl) => {
      if (setupToken === null) {
        await forget();
        return null;
      }
      await atomicWrite(tokenFile, `${setupToken}\n`, { mode: 0o600 });
      return `Log-in     nobody is set up yet: open ${dashboardUrl}#/setup with the token in ${tokenFile}`;
    },
  };
};

/** What people may order through the dashboard. */
export const dashboardOrders = (parts: {
  readonly alarms: AlarmBoard;
  readonly models: ModelKeeper;
  readonly configFile: string;
  readonly override: (zone: string, command: OverrideSet) => OverrideOutcome;
  readonly handlers: Pick<CommandHandlers, "mode" | "demandResponse">;
  readonly closures: Closures;
  /** Decides anew at once, so that an order does not wait for the next tick. */
  readonly decideSoon: () => void;
  /** The site's local day. */
  readonly today: () => string;
  readonly whatIf: WhatIf["ask"];
  readonly backups: BackupOrders;
  readonly nowMs: () => number;
}): DashboardOrders => ({
  examine: () => examineApart(parts.configFile),
  acknowledge: (id, acknowledgement) => parts.alarms.acknowledge(id, acknowledgement),
  promoteModel: async (order) => orderText(await parts.models.promote(order)),
  rollbackModel: async (order) => orderText(await parts.models.rollback(order)),
  overrideZone: async ({ id, zone, setpoints, until, by, reason }) =>
    outcomeText(
      parts.override(zone, {
        kind: "set",
        id,
        by,
        reason,
        hold: setpoints === "hold",
        heatingSetpointC: setpoints === "hold" ? null : (setpoints.heatingSetpointC ?? null),
        coolingSetpointC: setpoints === "hold" ? null : (setpoints.coolingSetpointC ?? null),
        until: until === "next" ? { kind: "next" } : { kind: "duration", ms: until.minutes * 60_000 },
      }),
      `Zone ${zone} is set by hand.`,
    ),
  releaseZone: async ({ zone, by }) =>
    outcomeText(
      parts.override(zone, { kind: "release", id: `release-${zone}`, by, reason: "", release: true }),
      `Zone ${zone} is planned again.`,
    ),
  setMode: async ({ zone, mode, by, reason }) => {
    refusedText(await parts.handlers.mode(zone, { id: "dashboard", by, reason, mode }));
    const where = zone === null ? "The building" : `Zone ${zone}`;
    return mode === "building" ? `${where} has the building's mode again.` : `${where} is in mode ${mode}.`;
  },
  announceDemandResponse: async ({ id, startsInMinutes, minutes, limitKw, pricePerKwh, by, reason }) => {
    const fromMs = startsInMinutes === 0 ? null : parts.nowMs() + startsInMinutes * 60_000;
    const durationMs = minutes * 60_000;
    refusedText(
      await parts.handlers.demandResponse({ id, by, reason, fromMs, untilMs: null, durationMs, limitKw, pricePerKwh, release: false }),
    );
    return "The event is announced; plans take it into account from now on.";
  },
  endDemandResponse: async ({ by }) => {
    const none = { fromMs: null, untilMs: null, durationMs: null, limitKw: null, pricePerKwh: null };
    refusedText(await parts.handlers.demandResponse({ id: "dashboard", by, reason: "", ...none, release: true }));
    return "The event is over.";
  },
  closeDays: async (closure) => {
    if (!parts.closures.add(closure, parts.today())) return "These days were closed already.";
    parts.decideSoon();
    return `Closed ${daysText(closure)}.`;
  },
  openDays: async ({ id }) => {
    const found = parts.closures.remove(id);
    if (found === null) return null;
    parts.decideSoon();
    return `No longer closed ${daysText(found)}.`;
  },
  whatIf: parts.whatIf,
  backups: parts.backups,
});

const daysText = ({ first, last }: { readonly first: string; readonly last: string }): string =>
  first === last ? `on ${first}` : `from ${first} to ${last}`;

const outcomeText = ({ refused, remark }: OverrideOutcome, done: string): string => {
  if (refused !== null) throw configurationError(`Not possible: ${refused}.`, { todo: "Load the page again, or choose another time." });
  return remark === null ? done : `${done} It is ${remark}.`;
};

const refusedText = (refused: string | null): void => {
  if (refused !== null) throw configurationError(`Not possible: ${refused}.`, { todo: "Load the page again." });
};

const orderText = ({ version, before, changed }: ModelOrderResult): string =>
  changed ? `Model ${version} is in force${before === null ? "" : `; before it was ${before}`}.` : `Model ${version} was in force already.`;
