import type { Request } from "express";
import type { Identity } from "#dashboards/server/people/access";
import { type DashboardLog, ProblemError } from "#dashboards/server/problems";
import type { AuditEntry, AuditStore } from "#domain/people";

export interface AuditedChange {
  readonly action: string;
  readonly target: string;
  readonly detail: string;
}

const maxText = 500;
const short = (text: string): string => (text.length > maxText ? `${text.slice(0, maxText - 1)}…` : text);

/** Writes down who does what, in the store and in the log. */
export class AuditLog {
  private readonly store: AuditStore;
  private readonly log: DashboardLog;
  private readonly wallMs: () => number;

  constructor(store: AuditStore, log: DashboardLog, wallMs: () => number) {
    this.store = store;
    this.log = log;
    this.wallMs = wallMs;
  }

  async record(request: Request, who: string, outcome: AuditEntry["outcome"], { action, target, detail }: AuditedChange): Promise<void> {
    const entry: AuditEntry = {
      timeMs: this.wallMs(),
      who: short(who),
      action,
      target: short(target),
      outcome,
      address: request.ip ?? "unknown",
      detail: short(detail),
    };
    this.log.info({ audit: "dashboard", ...entry }, `${entry.who}: ${action} ${entry.target} (${outcome})`);
    await this.store.recordAudit(entry);
  }

  /** Makes the change and writes down what came of it. The log has the entry even where the store does not take it; the answer then says so. */
  async change<T>(request: Request, who: Identity, what: AuditedChange, work: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await work();
    } catch (error) {
      const isRefusal = error instanceof ProblemError;
      const detail = isRefusal ? error.problem.error : "a fault of isotherm's own";
      await this.record(request, who.name, isRefusal ? "refused" : "failed", { ...what, detail });
      throw error;
    }
    await this.record(request, who.name, "done", what);
    return result;
  }
}
