import { basename } from "node:path";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import type { SiteHost } from "#cli/daemon/run";
import { gateData } from "#cli/dataOptions";
import { forgetOldVersions, modelInForce } from "#cli/modelVersions";
import type { SiteConfig } from "#config/siteConfig";
import type { Clock } from "#domain/clock";
import type { Dataset } from "#domain/dataset";
import type { BuildingModel } from "#domain/model";
import type { ModelChange, ModelVersionStore } from "#domain/store";
import { type LearnOutcome, learnCycle, usableDays } from "#loop/learnCycle";
import { heldOutBeside, heldOutError } from "#models/heldOut";
import { modelToJson } from "#models/modelJson";
import { type Prior, readPrior } from "#models/prior";
import { shippedPriorFor } from "#models/shippedPriors";
import { trainInWorker } from "#models/trainInWorker";

/** Rows that a zone's posterior keeps: beyond it prediction costs more than it gains. */
const MODEL_BUDGET = 320;

export interface LearnerOptions {
  readonly config: SiteConfig;
  readonly clock: Clock;
  readonly dataset: () => Dataset;
  readonly versions: Required<ModelVersionStore>;
  readonly current: () => BuildingModel | null;
  readonly install: (model: BuildingModel) => Promise<void>;
  /** Runs with no order about models under way: what is recorded and what is in use stay the same. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** Writes a change of models down and tells people of it. */
  readonly record: (change: ModelChange) => Promise<void>;
  readonly onProgress: (fraction: number, text: string) => void;
  /** Beside other sites one thread learns. */
  readonly host?: SiteHost;
  readonly onWarning: (text: string) => void;
  readonly onError: (error: unknown) => void;
}

export interface Learner {
  /** One round: dataset → model → checks → in use. Rejects only when aborted. */
  learn(signal: AbortSignal): Promise<LearnOutcome>;
  /**
   * The model that was in force; where that one is damaged or of other zones, the newest of those before it that is not, and the change is recorded. Null
   * where none can be used.
   */
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

/** Days of data from which something is learned: hours do on top of what other buildings taught. */
export const firstDaysOf = ({ learning: { prior, firstDays, minDays } }: Pick<SiteConfig, "learning">): number =>
  prior === "none" ? minDays : Math.min(firstDays, minDays);

/** Two models of the same rows, e.g. learned again after a change of the site file, are two versions. */
const withFreeVersion = (model: BuildingModel, taken: readonly string[]): BuildingModel => {
  let version = model.version;
  for (let n = 2; taken.includes(version); n++) version = `${model.version}-${n}`;
  return version === model.version ? model : { ...model, version };
};

/** Learns in worker threads, keeps what was learned as versions with checksums, and finds it again after a restart. */
export const createLearner = (options: LearnerOptions): Learner => {
  const { config, versions } = options;
  const zones = config.zones.map(({ id }) => id);
  const site = { id: config.site.id, zones, stepS: config.control.stepS };
  const { backend } = config.planner;
  const firstDays = firstDaysOf(config);

  return {
    learn: async (signal) => {
      const changeOf = (kind: ModelChange["kind"], model: BuildingModel, reason: string): ModelChange => ({
        timeMs: options.clock.nowMs(),
        kind,
        version: model.version,
        before: options.current()?.version ?? null,
        by: "learning",
        reason,
      });
      // A store that fails must not keep a good model from being used.
      const record = (change: ModelChange): Promise<void> => options.record(change).catch(options.onError);
      const outcome = await learnCycle(
        {
          clock: options.clock,
          zones,
          minDays: config.learning.minDays,
          firstDays,
          dataset: () => {
            const dataset = options.dataset();
            // Too little to judge and to learn from: the cycle says how much is wanted.
            if (usableDays(dataset, zones) < firstDays) return dataset;
            return gateData(dataset, zones, options.onWarning, undefined, toLocalMsOf(config)).dataset;
          },
          train: async (dataset, aborted) => {
            const incumbent = options.current();
            const model = await trainInWorker({
              dataset,
              zones,
              prior: priorFor(config, dataset),
              toLocalMs: toLocalMsOf(config),
              options: {
                budget: MODEL_BUDGET,
                // Where the site keeps more than three weeks, they stand behind the last one.
                rows: "budgeted",
                errorLevelK: config.planner.errorLevelK,
                horizonSteps: config.planner.horizonSteps,
                ...(incumbent === null ? {} : { incumbent }),
              },
              backend: backend === "webgpu" ? "auto" : backend,
              onProgress: options.onProgress,
              // Beside control at night: one core and half the memory are enough, there is no hurry.
              ...(incumbent === null && options.host === undefined ? {} : { threads: 1 }),
              ...(aborted === undefined ? {} : { signal: aborted }),
            });
            // A store that fails must not keep a good model from being used.
            const heads = await versions.modelVersionHeads().catch((error: unknown) => {
              options.onError(error);
              return [];
            });
            return withFreeVersion(
              model,
              heads.map(({ id }) => id),
            );
          },
          heldOut: heldOutError,
          beside: heldOutBeside,
          current: options.current,
          install: (model, { judgedAgainst, text }) =>
            options.inTurn(async () => {
              if (options.current() !== judgedAgainst) return false;
              const change = changeOf("installed", model, text);
              await options.install(model);
              await record(change);
              return true;
            }),
          encode: modelToJson,
          versions,
          facts: { site: site.id },
          onError: options.onError,
        },
        signal,
      );
      if (outcome.kind === "kept") await record(changeOf("refused", outcome.model, outcome.text));
      if (outcome.kind === "installed" || outcome.kind === "kept")
        await forgetOldVersions(versions, config.learning, {
          inUse: options.current()?.version ?? null,
          nowMs: options.clock.nowMs(),
          record: options.record,
        }).catch(options.onError);
      return outcome;
    },
    saved: () =>
      modelInForce(versions, site, {
        nowMs: options.clock.nowMs(),
        record: (change) => options.record(change).catch(options.onError),
        onWarning: options.onWarning,
      }),
  };
};
