import { join } from "node:path";
import type { SiteHost } from "#cli/daemon/run";
import type { SiteConfig } from "#config/siteConfig";
import type { MppiOptions } from "#controllers/mppi/mppiPlanner";
import { createWorkerPlanner, type WorkerPlannerArguments } from "#controllers/mppi/workerPlanner";
import type { BuildingModel } from "#domain/model";
import type { Planner } from "#domain/planner";

/** Thermostats and people count in tenths of a kelvin. */
const SETPOINT_GRID_K = 0.1;

/** How a site plans, but for the time that a decision may take. */
export const sitePlannerOptions = ({ planner, site }: SiteConfig): Partial<MppiOptions> => ({
  numSamples: planner.numSamples,
  maxSamplesPerRun: planner.numSamples,
  weights: planner.weights,
  gridK: SETPOINT_GRID_K,
  currency: site.currency,
});

/** Where a site keeps what its decisions were made from. */
export const requestDirectory = ({ store }: SiteConfig): string => join(store.directory, "requests");

const plannerArguments = (config: SiteConfig, model: BuildingModel, budgetMs: number): WorkerPlannerArguments => ({
  model,
  backend: config.planner.backend,
  horizonSteps: config.planner.horizonSteps,
  tilesFile: join(config.store.directory, "graphics-tiles.json"),
  options: { ...sitePlannerOptions(config), deadlineMs: budgetMs },
});

/**
 * A planner for one model as the site file wants it, in a thread of its own. `budgetMs` of real time per decision: the best plan found by then counts. Beside other
 * sites (`host`) it waits for its turn, computes on one core, and its thread is there only while it plans: a thread and what it prepares of a model are most of a building's memory.
 */
export const createSitePlanner = (config: SiteConfig, model: BuildingModel, budgetMs: number, host?: Pick<SiteHost, "turn">): Planner => {
  const args = plannerArguments(config, model, budgetMs);
  if (host === undefined) return createWorkerPlanner(args);
  return {
    name: "mppi",
    plan: (request, signal) =>
      host.turn(
        "plan",
        async () => {
          const planner = createWorkerPlanner({ ...args, backendThreads: 1 });
          try {
            return await planner.plan(request, signal);
          } finally {
            await planner.close();
          }
        },
        signal,
      ),
    close: async () => undefined,
  };
};
