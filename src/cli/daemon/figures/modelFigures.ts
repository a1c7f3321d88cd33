import { setImmediate as nextTurn } from "node:timers/promises";
import type { FarJudge } from "#cli/daemon/stepJudge";
import { type ModelLead, type ModelQuantity, modelLeadsSteps, modelPoint } from "#domain/figures";
import type { TelemetryPoint } from "#domain/points";
import type { ModelVersionStore } from "#domain/store";
import type { JudgedStep } from "#loop/coverageWindow";
import type { HistoryBuffer } from "#loop/historyBuffer";
import type { StepJudge } from "#loop/modelMonitor";
import { nlpdOf, Z_90 } from "#models/evaluation/predictions";

/** Clocks of control ticks are this exact, ms. */
const TICK_TOLERANCE_MS = 1_000;
/** Open-loop predictions cost as many steps as they look ahead: one an hour is enough to see how true they are. */
const FAR_EVERY_MS = 3_600_000;
const farLeads = modelLeadsSteps.filter((lead) => lead > 1);
const farthest = Math.max(...modelLeadsSteps);

/** What the model said beside what came, one, 12 and 48 control steps ahead, as points of the store. */
export interface ModelFigures {
  /** The model in use from now on; what the monitor asks the judge that this returns is written down too. */
  use(judge: FarJudge): StepJudge;
  /** To be called when steps up to `endMs` are over and nothing else is due; rejects with what fails. */
  look(endMs: number): Promise<void>;
}

export interface ModelFiguresParts {
  readonly history: Pick<HistoryBuffer, "stepS" | "phaseS" | "dataset">;
  /** History that a prediction needs before its step, ms. */
  readonly lookBackMs: number;
  readonly versions: Pick<ModelVersionStore, "modelChanges">;
  readonly nowMs: () => number;
  readonly write: (points: readonly TelemetryPoint[]) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Figures of one judged step: error e = measured − predicted, score e/s, whether it lies inside the central 90 % interval, and its negative log predictive density. Score, inside and density
 * only of steps that tell of the model: where a thermostat held a setpoint, it did.
 */
export const judgedFigures = (lead: ModelLead, version: number, step: JudgedStep): readonly TelemetryPoint[] => {
  const { zone, endMs, measuredC, meanC, stdDevK, isOffSetpoint } = step;
  const errorK = measuredC - meanC;
  const tells = isOffSetpoint && stdDevK > 0;
  const values: Readonly<Record<ModelQuantity, number>> = {
    predictedAirTempC: meanC,
    predictionStdDevK: stdDevK,
    predictionErrorK: errorK,
    predictionScore: tells ? errorK / stdDevK : Number.NaN,
    inside90Fraction: tells ? Number(Math.abs(errorK) <= Z_90 * stdDevK) : Number.NaN,
    predictionNlpd: tells ? (nlpdOf({ errorsK: [errorK], stdDevsK: [stdDevK] }) ?? Number.NaN) : Number.NaN,
    modelVersionNumber: version,
  };
  if (!Number.isFinite(errorK) || !Number.isFinite(stdDevK)) return [];
  return (Object.entries(values) as [ModelQuantity, number][]).flatMap(([quantity, value]) =>
    Number.isFinite(value) ? [{ timeMs: endMs, point: modelPoint(zone, lead, quantity), value }] : [],
  );
};

/** Which version a site has learned this is, from 1: its place among those in the log of changes, from which none is ever deleted; the next one before it stands there. */
export const versionNumber = async (versions: Pick<ModelVersionStore, "modelChanges">, version: string): Promise<number> => {
  const known = new Set((await versions.modelChanges?.())?.map((change) => change.version));
  const place = [...known].indexOf(version);
  return place < 0 ? known.size + 1 : place + 1;
};

export const createModelFigures = (parts: ModelFiguresParts): ModelFigures => {
  const { history, write, nowMs } = parts;
  const stepMs = history.stepS * 1000;
  let inUse: { readonly judge: FarJudge; number: Promise<number> | null } | null = null;
  let lookedHour = Number.NaN;
  const numberOf = (used: NonNullable<typeof inUse>): Promise<number> => {
    // Asked for with the first step, when the version is in the log; a store that fails is asked again.
    used.number ??= versionNumber(parts.versions, used.judge.modelVersion).catch((error: unknown) => {
      used.number = null;
      throw error;
    });
    return used.number;
  };
  /** Of steps that teach nothing, a model says what it learned by heart. */
  const isFresh = (judge: StepJudge, endMs: number): boolean => endMs > judge.trainedToMs && endMs <= nowMs() + TICK_TOLERANCE_MS;

  return {
    use: (judge) => {
      const used = { judge, number: null };
      inUse = used;
      return {
        modelVersion: judge.modelVersion,
        heldOutRmseK: judge.heldOutRmseK,
        trainedToMs: judge.trainedToMs,
        judge: (data, fromMs) => {
          const steps = judge.judge(data, fromMs);
          // A window of days made anew is no news: of those steps the store has what was said of them then.
          const news = steps.filter(({ endMs }) => isFresh(judge, endMs) && endMs > nowMs() - 2 * stepMs);
          if (news.length > 0)
            void numberOf(used)
              .then((number) => write(news.flatMap((step) => judgedFigures(1, number, step))))
              .catch(parts.onError);
          return steps;
        },
      };
    },
    look: async (endMs) => {
      // The first step to end in an hour, at its begin where steps divide it.
      const hour = Math.floor((endMs - history.phaseS * 1000) / FAR_EVERY_MS);
      const used = inUse;
      if (used === null || hour === lookedHour || !isFresh(used.judge, endMs)) return;
      lookedHour = hour;
      const number = await numberOf(used);
      const data = history.dataset(endMs - parts.lookBackMs - farthest * stepMs);
      for (const { steps, judged } of used.judge.ahead(data, endMs, farLeads)) {
        write(judgedFigures(steps as ModelLead, number, judged));
        await nextTurn();
      }
    },
  };
};
