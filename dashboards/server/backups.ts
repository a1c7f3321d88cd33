import { type Endpoint, endpoint } from "#dashboards/server/endpoint";
import { asRefusal, type BackupOrders } from "#dashboards/server/orders";
import type { AuditLog } from "#dashboards/server/people/audit";
import { ProblemError } from "#dashboards/server/problems";
import { answers } from "#dashboards/server/schemas";
import type { BackupsView } from "#dashboards/server/wire";

/** A large store takes minutes to copy; who asked hears sooner that it has begun. */
const patienceMs = 8_000;

/** Backups on the page System: for admins, one at a time, each in the audit log with what came of it. */
export const backupEndpoints = (backups: BackupOrders, audit: AuditLog, patience = patienceMs): readonly Endpoint[] => {
  let running = false;
  let failure: string | null = null;
  const view = async (): Promise<BackupsView> => ({ ...(await asRefusal("backups", backups.list())), running, failure });
  return [
    endpoint(
      {
        method: "get",
        path: "/backups",
        id: "backups",
        summary: "The newest backups, and whether one is being made",
        access: "admin",
        answer: answers.backups,
        refusals: { 409: "The folder of backups cannot be read" },
      },
      view,
    ),
    endpoint(
      {
        method: "post",
        path: "/backups",
        id: "createBackup",
        summary: "Make a backup while everything goes on; answers when it is there or after some seconds, then with running true",
        access: "admin",
        answer: answers.backups,
        refusals: { 409: "No folder is configured or can be written, or another backup is being made" },
      },
      async ({ request, who }) => {
        const work = audit.change(request, who, { action: "backup.create", target: "", detail: "" }, async () => {
          if (running) throw new ProblemError(409, "Another backup is being made.", "backups", "Wait until it is there.");
          running = true;
          failure = null;
          try {
            return await asRefusal("backups", backups.create());
          } catch (error) {
            failure =
              error instanceof ProblemError ? `${error.problem.error} ${error.problem.todo}` : "The backup failed; the log says why.";
            throw error;
          } finally {
            running = false;
          }
        });
        // Whoever no longer waits finds the outcome in the list and in the audit log.
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, patience);
        });
        try {
          await Promise.race([work, late]);
        } finally {
          clearTimeout(timer);
          work.catch(() => undefined);
        }
        return view();
      },
    ),
  ];
};
