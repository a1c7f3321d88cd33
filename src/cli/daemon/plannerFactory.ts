import { join } from "node:path";
import type { SiteConfig } from "#config/siteConfig";
import { createWorkerPlanner } from "#controllers/mppi/workerPlanner";
import type { BuildingModel } from "#domain/model";
import type { Planner } from "#domain/planner";

/** Thermostats and people count in tenths of a kelvin. */
const SETPOINT_GRID_K = 0.1;

/** A planner for one model as the site file wants it, in a thread of its own. `budgetMs` of real time per decision: the best plan found by then counts. */
export const createSitePlanner = ({ planner, site, store }: SiteConfig, model: BuildingModel, budgetMs: number): Planner =>
  createWorkerPlanner({
    model,
    backend: planner.backend,
    horizonSteps: planner.horizonSteps,
    tilesFile: join(store.directory, "graphics-tiles.json"),
    options: {
      numSamples: planner.numSamples,
      maxSamplesPerRun: planner.numSamples,
      weights: planner.weights,
      gridK: SETPOINT_GRID_K,
      deadlineMs: budgetMs,
      currency: site.currency,
    },
  });
