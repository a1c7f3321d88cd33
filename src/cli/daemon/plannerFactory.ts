import type { SiteConfig } from "#config/siteConfig";
import { createMppiPlanner } from "#controllers/mppi/mppiPlanner";
import { availableBackends, createRolloutBackend } from "#controllers/rollout/createBackend";
import type { BuildingModel } from "#domain/model";
import type { Planner } from "#domain/planner";
import type { BackendName } from "#domain/rollout";

export interface PlannerFactory {
  /** A planner for one model; it owns what it needs and is closed as a whole. */
  create(model: BuildingModel): Promise<Planner>;
  /** Name of the backend in use; null before the first planner. */
  readonly backend: BackendName | null;
}

/** Planners as the site file wants them. `budgetMs` of real time per decision: the best plan found by then counts. */
export const createPlannerFactory = (config: SiteConfig, budgetMs: number): PlannerFactory => {
  const { planner, site } = config;
  let backend: BackendName | null = null;
  return {
    get backend() {
      return backend;
    },
    create: async (model) => {
      const name = planner.backend === "auto" ? (await availableBackends())[0]! : planner.backend;
      const rollout = await (await createRolloutBackend(name)).prepare({
        model,
        maxSamples: planner.numSamples,
        horizonSteps: planner.horizonSteps,
      });
      backend = name;
      return createMppiPlanner({
        rollout,
        model,
        options: {
          numSamples: planner.numSamples,
          maxSamplesPerRun: planner.numSamples,
          weights: planner.weights,
          deadlineMs: budgetMs,
          currency: site.currency,
          backendName: name,
        },
      });
    },
  };
};
