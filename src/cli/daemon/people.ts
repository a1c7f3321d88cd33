import { rm } from "node:fs/promises";
import { join } from "node:path";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { openPeopleFile } from "#adapters/files/peopleFile";
import { examineApart } from "#cli/daemon/examineApart";
import type { ModelKeeper, ModelOrderResult } from "#cli/modelVersions";
import type { DashboardOptions } from "#dashboards/server/createDashboard";
import type { DashboardOrders } from "#dashboards/server/orders";
import type { AuditStore } from "#domain/people";
import type { AlarmBoard } from "#loop/alarmBoard";

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
export const dashboardOrders = (alarms: AlarmBoard, models: ModelKeeper, configFile: string): DashboardOrders => ({
  examine: () => examineApart(configFile),
  acknowledge: (id, acknowledgement) => alarms.acknowledge(id, acknowledgement),
  promoteModel: async (order) => orderText(await models.promote(order)),
  rollbackModel: async (order) => orderText(await models.rollback(order)),
});

const orderText = ({ version, before, changed }: ModelOrderResult): string =>
  changed ? `Model ${version} is in force${before === null ? "" : `; before it was ${before}`}.` : `Model ${version} was in force already.`;
