import type { Logger } from "pino";
import type { EventMessage } from "#adapters/mqtt/wire";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import { createModelFigures, type ModelFigures } from "#cli/daemon/figures/modelFigures";
import type { Coming, LearningRounds } from "#cli/daemon/learningRounds";
import { createStepJudge } from "#cli/daemon/stepJudge";
import { createModelKeeper, type ModelKeeper } from "#cli/modelVersions";
import type { SiteConfig } from "#config/siteConfig";
import type { ModelsView } from "#dashboards/server/wire";
import { unavailableError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { TelemetryPoint } from "#domain/points";
import type { ModelChange, ModelVersionStore } from "#domain/store";
import type { AlarmBoard } from "#loop/alarmBoard";
import type { HistoryBuffer } from "#loop/historyBuffer";
import { createModelMonitor, type ModelMonitor } from "#loop/modelMonitor";
import { createLinearAlgebra } from "#math/createLinearAlgebra";

/** Days before a step that its prediction needs: the slowest mass has a time constant of half a day, and drift fades faster. */
const LOOK_BACK_DAYS = 4;
const DAY_MS = 86_400_000;

/** Everything of a running site that is about its model: which versions there are, which one works, and how true it is. */
export interface ModelService {
  readonly keeper: ModelKeeper;
  readonly monitor: ModelMonitor;
  /** What the model said beside what came, for the store. */
  readonly figures: ModelFigures;
  /** Writes a change down, in the log and as an event for everybody who listens. */
  record(change: ModelChange): Promise<void>;
  /** For the dashboard. */
  view(): Promise<ModelsView>;
  /** To be told of every model that is put to work. */
  inUse(model: BuildingModel, coming: Coming): void;
}

const verb: Readonly<Record<ModelChange["kind"], string>> = {
  installed: "came into force",
  refused: "was not good enough",
  promoted: "was promoted",
  "rolled-back": "is back in force",
  forgotten: "was forgotten",
};

export const describeChange = ({ kind, version, by, reason }: ModelChange): string =>
  `Model ${version} ${verb[kind]} (${by})${reason === "" ? "." : `: ${reason}`}`;

export const createModelService = (parts: {
  readonly config: SiteConfig;
  readonly store: Required<ModelVersionStore>;
  readonly alarms: AlarmBoard;
  readonly history: HistoryBuffer;
  readonly nowMs: () => number;
  readonly write: (points: readonly TelemetryPoint[]) => void;
  readonly onEvent: (event: EventMessage) => void;
  readonly log: Logger;
  readonly onError: (error: unknown) => void;
  /** null until learning is there to put a model to work. */
  readonly rounds: () => Pick<LearningRounds, "use"> | null;
}): ModelService => {
  const { config, store, nowMs } = parts;
  const zones = config.zones.map(({ id }) => id);
  const toLocalMs = toLocalMsOf(config);
  const record = async (change: ModelChange): Promise<void> => {
    await store.recordModelChange(change);
    const text = describeChange(change);
    parts.log.info({ audit: "model", ...change }, text);
    parts.onEvent({ timeMs: change.timeMs, kind: "model", id: change.version, zone: null, source: null, text });
  };
  const monitor = createModelMonitor({
    zones,
    history: parts.history,
    lookBackMs: LOOK_BACK_DAYS * DAY_MS,
    alarms: parts.alarms,
    write: parts.write,
    onError: parts.onError,
  });
  const figures = createModelFigures({
    history: parts.history,
    lookBackMs: LOOK_BACK_DAYS * DAY_MS,
    versions: store,
    nowMs,
    write: parts.write,
    onError: parts.onError,
  });
  const keeper = createModelKeeper({
    store,
    site: { id: config.site.id, zones, stepS: config.control.stepS },
    nowMs,
    record,
    use: async (model) => {
      const rounds = parts.rounds();
      if (rounds !== null) return rounds.use(model);
    },
  });
  const ready = (): void => {
    if (parts.rounds() === null)
      throw unavailableError("isotherm is still starting; no model can be put to work yet.", { todo: "Try again in a moment." });
  };
  // WebAssembly: fast enough for a few rows, and no native library is loaded beside the event loop.
  const linearAlgebra = createLinearAlgebra("wasm").catch(() => createLinearAlgebra("reference"));
  return {
    keeper: {
      ...keeper,
      promote: async (order) => {
        ready();
        return keeper.promote(order);
      },
      rollback: async (order) => {
        ready();
        return keeper.rollback(order);
      },
    },
    monitor,
    figures,
    record,
    view: async () => {
      const { inForce, rollbackTo, versions, changes } = await keeper.list();
      return { inForce, rollbackTo, versions, changes, accuracy: monitor.figures() };
    },
    inUse: (model, coming) =>
      void linearAlgebra
        .then((la) => monitor.use(figures.use(createStepJudge(la, model, toLocalMs)), coming !== "learned"))
        .catch(parts.onError),
  };
};
