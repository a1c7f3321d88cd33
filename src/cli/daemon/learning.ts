import { basename } from "node:path";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import { gateData } from "#cli/dataOptions";
import type { SiteConfig } from "#config/siteConfig";
import type { Clock } from "#domain/clock";
import type { Dataset } from "#domain/dataset";
import type { BuildingModel } from "#domain/model";
import type { ModelVersionStore } from "#domain/store";
import { type LearnOutcome, learnCycle, usableDays } from "#loop/learnCycle";
import { heldOutBeside, heldOutError } from "#models/heldOut";
import { modelFromJson, modelToJson } from "#models/modelJson";
import { type Prior, readPrior } from "#models/prior";
import { shippedPriorFor } from "#models/shippedPriors";
import { trainInWorker } from "#models/trainInWorker";

/** Rows that a zone's posterior keeps: beyond it prediction costs more than it gains. */
const MODEL_BUDGET = 320;

/** A version is megabytes of JSON, and one is learned every night. */
const KEPT_VERSIONS = 10;

export interface LearnerOptions {
  readonly config: SiteConfig;
  readonly clock: Clock;
  readonly dataset: () => Dataset;
  readonly versions: Required<ModelVersionStore>;
  readonly current: () => BuildingModel | null;
  readonly install: (model: BuildingModel) => Promise<void>;
  readonly onProgress: (fraction: number, text: string) => void;
  readonly onWarning: (text: string) => void;
  readonly onError: (error: unknown) => void;
}

export interface Learner {
  /** One round: dataset → model → checks → in use. Rejects only when aborted. */
  learn(signal: AbortSignal): Promise<LearnOutcome>;
  /** The newest saved model that was in use, whole; null where there is none. */
  saved(): Promise<BuildingModel | null>;
}

/** The prior that the site file asks for; the shipped one never holds the site's own weather, nor the city of a building in the process. */
const priorFor = (config: SiteConfig, dataset: Dataset): Prior | null => {
  const { prior } = config.learning;
  if (prior === "none") return null;
  if (prior !== "shipped") return readPrior(prior);
  const weatherNames = config.building.kind === "embedded" ? [basename(config.building.weather)] : [];
  return shippedPriorFor(dataset, weatherNames)?.prior ?? null;
};

/** Learns in worker threads, keeps what was learned as versions with checksums, and finds it again after a restart. */
export const createLearner = (options: LearnerOptions): Learner => {
  const { config } = options;
  const zones = config.zones.map(({ id }) => id);
  const { backend } = config.planner;
  return {
    learn: async (signal) => {
      const outcome = await learnCycle(
        {
          clock: options.clock,
          zones,
          minDays: config.learning.minDays,
          dataset: () => {
            const dataset = options.dataset();
            // Too little to judge and to learn from: the cycle says how much is wanted.
            if (usableDays(dataset, zones) < config.learning.minDays) return dataset;
            return gateData(dataset, zones, options.onWarning, undefined, toLocalMsOf(config)).dataset;
          },
          train: (dataset, aborted) => {
            const incumbent = options.current();
            return trainInWorker({
              dataset,
              zones,
              prior: priorFor(config, dataset),
              toLocalMs: toLocalMsOf(config),
              options: {
                budget: MODEL_BUDGET,
                errorLevelK: config.planner.errorLevelK,
                horizonSteps: config.planner.horizonSteps,
                ...(incumbent === null ? {} : { incumbent }),
              },
              backend: backend === "webgpu" ? "auto" : backend,
              onProgress: options.onProgress,
              // Beside control at night: one core and half the memory are enough, there is no hurry.
              ...(incumbent === null ? {} : { threads: 1 }),
              ...(aborted === undefined ? {} : { signal: aborted }),
            });
          },
          heldOut: heldOutError,
          beside: heldOutBeside,
          current: options.current,
          install: options.install,
          encode: modelToJson,
          versions: options.versions,
          onError: options.onError,
        },
        signal,
      );
      const inUse = options.current()?.version;
      // The one in use stays, however many newer ones were not good enough.
      await options.versions.pruneModelVersions(KEPT_VERSIONS, inUse === undefined ? [] : [inUse]).catch(options.onError);
      return outcome;
    },
    saved: async () => {
      for (const { id, summary } of await options.versions.modelVersionHeads()) {
        if (summary.accepted === "no") continue;
        const version = await options.versions.modelVersion(id);
        if (version === null) continue;
        try {
          const model = modelFromJson(version.json);
          if (zones.every((zone) => model.zones.some((known) => known.zone === zone)) && model.stepS === config.control.stepS) return model;
          options.onWarning(`Model ${version.id} is of other zones or steps than the site file and is not used.`);
        } catch (error) {
          options.onWarning(`Model ${version.id} is not used: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      return null;
    },
  };
};
