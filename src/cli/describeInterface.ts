import { openInMemoryStore } from "#adapters/store/inMemoryStore";
import { packageVersion } from "#cli/packageVersion";
import { createDashboard } from "#dashboards/server/createDashboard";
import type { DashboardOrders } from "#dashboards/server/orders";

const never = (): never => {
  throw new Error("Nothing is ordered while the interface is described.");
};
const orders: Required<DashboardOrders> = {
  acknowledge: never,
  promoteModel: never,
  rollbackModel: never,
  overrideZone: never,
  releaseZone: never,
  setMode: never,
  announceDemandResponse: never,
  endDemandResponse: never,
  closeDays: never,
  openDays: never,
  whatIf: never,
  examine: never,
  backups: { list: never, create: never },
};

/** The OpenAPI document of a dashboard that offers all there is: asked of one that is opened for it on a free port of this machine, over an empty store. */
export const describeInterface = async (): Promise<unknown> => {
  const store = openInMemoryStore();
  const silent = (): void => undefined;
  const dashboard = await createDashboard({
    reader: store,
    site: { id: "site", label: "site", zones: [], timeZone: "UTC", latitudeDeg: 0, longitudeDeg: 0, currency: "EUR" },
    status: never,
    people: { store: { load: async () => ({ users: [], tokens: [] }), save: async () => undefined }, audit: store },
    models: never,
    schedule: never,
    learning: { trainingDays: 7, minDays: 3 },
    adjustments: { load: async () => [], save: async () => undefined },
    orders,
    version: packageVersion,
    nowMs: Date.now,
    port: 0,
    log: { info: silent, warn: silent, error: silent },
  });
  try {
    return await (await fetch(`${dashboard.url}api/openapi.json`)).json();
  } finally {
    await dashboard.close();
    await store.close();
  }
};
