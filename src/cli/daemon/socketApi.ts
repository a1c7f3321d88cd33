import { z } from "zod";
import type { LocalHandler } from "#adapters/localSocket/localSocketServer";
import type { BackedUpStore } from "#adapters/store/duckdbStore";
import { csvRows } from "#cli/csvExport";
import type { ModelKeeper } from "#cli/modelVersions";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import { usageError } from "#domain/errors";
import type { PointName } from "#domain/points";

export interface SocketParts {
  readonly store: BackedUpStore;
  readonly version: string;
  readonly site: string;
  readonly dashboardUrl: () => string | null;
  readonly mqttUrl: () => string | null;
  readonly status: () => DaemonStatus;
  readonly nowMs: () => number;
  readonly models: ModelKeeper;
  /** Makes a backup in the data directory; resolves with its folder, which whoever asked for it moves away. */
  readonly backup: () => Promise<string>;
}

const read = <T>(schema: z.ZodType<T>, params: unknown): T => {
  const parsed = schema.safeParse(params);
  if (parsed.success) return parsed.data;
  throw usageError(
    `The request's parameters are wrong: ${parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ")}`,
  );
};

const exportParams = z.strictObject({ points: z.array(z.string().min(1).max(200)).max(500), fromMs: z.number(), toMs: z.number() });
const pointsParams = z.strictObject({ points: z.array(z.string().min(1).max(200)).max(500) });
const idParams = z.strictObject({ id: z.string().min(1).max(200) });
const orderParams = z.strictObject({ by: z.string().min(1).max(100), reason: z.string().max(500) });
const promoteParams = orderParams.extend({ version: z.string().min(1).max(200) });

/** What other commands on this machine may ask the running daemon. Only the choice of a model changes what the building is told. */
export const socketHandlers = (parts: SocketParts): Readonly<Record<string, LocalHandler>> => ({
  status: async () => ({
    pid: process.pid,
    version: parts.version,
    site: parts.site,
    dashboardUrl: parts.dashboardUrl(),
    mqttUrl: parts.mqttUrl(),
    nowMs: parts.nowMs(),
    status: parts.status(),
  }),
  plan: () => parts.store.latestDecision(),
  decision: (params) => parts.store.decision(read(idParams, params).id),
  models: () => parts.store.modelVersionHeads(),
  model: (params) => parts.store.modelVersion(read(idParams, params).id),
  modelList: () => parts.models.list(),
  modelPromote: (params) => parts.models.promote(read(promoteParams, params)),
  modelRollback: (params) => parts.models.rollback(read(orderParams, params)),
  newest: async (params) => {
    const latest = await parts.store.latest(read(pointsParams, params).points as PointName[]);
    return latest.size === 0 ? null : Math.max(...[...latest.values()].map(({ timeMs }) => timeMs));
  },
  export: (params) => {
    const { points, fromMs, toMs } = read(exportParams, params);
    return csvRows(parts.store, points as PointName[], fromMs, toMs);
  },
  backup: async () => ({ folder: await parts.backup() }),
});
