import type { EvaluationData } from "#cli/evaluateData";
import { breathe, type FitContext, fitModel } from "#cli/evaluateFit";
import { IsothermError } from "#domain/errors";
import { DatasetRows } from "#math/datasetRows";
import { evaluateZone } from "#models/evaluation/evaluateZone";
import { priorAlone } from "#models/evaluation/priorAlone";
import type { Prior } from "#models/prior";

/** Days of history of a learning curve; the days that were asked to be learned from are beside them. */
export const CURVE_DAYS = [0, 1, 3, 7, 14] as const;

export const curveModels = ["with prior", "without prior", "clue"] as const;
export type CurveModel = (typeof curveModels)[number];

export interface CurvePoint {
  readonly model: CurveModel;
  readonly days: number;
  readonly rmse1K: number | null;
  readonly rmse20K: number | null;
  readonly nlpd: number | null;
  readonly coverage90: number | null;
  readonly fitMs: number | null;
  /** Why there are no figures. */
  readonly note?: string;
}

export interface LearningCurve {
  readonly zone: string;
  readonly points: readonly CurvePoint[];
}

/**
 * How accuracy on the test rows grows with history, for one zone: the last 0, 1, 3, 7 and 14 days before the end of training as far as the file goes back,
 * with the prior, without one, and for CLUE's model. Zero days are the prior alone. A length that cannot be learned from says why. `known` points are
 * not learned again.
 */
export const learningCurve = async (
  zone: string,
  data: EvaluationData,
  chosen: { readonly prior: Prior | null; readonly name: string },
  context: FitContext,
  known: readonly CurvePoint[] = [],
): Promise<LearningCurve> => {
  const points: CurvePoint[] = [];
  const lengths = [...new Set([...CURVE_DAYS, data.trainDays])].sort((a, b) => a - b);
  const runs = lengths
    .flatMap((days) => curveModels.map((model) => ({ days, model })))
    .filter(({ model }) => model !== "with prior" || chosen.prior !== null);
  for (const [i, { days, model }] of runs.entries()) {
    const there = known.find((point) => point.days === days && point.model === model);
    if (there !== undefined) {
      points.push(there);
      continue;
    }
    context.progress(i / runs.length, `learning curve: ${days} day(s), ${model === "clue" ? "CLUE" : model}`);
    await breathe(context.signal);
    points.push(await curvePoint(zone, days, model, data, chosen, context));
  }
  return { zone, points };
};

const curvePoint = async (
  zone: string,
  days: number,
  model: CurveModel,
  data: EvaluationData,
  chosen: { readonly prior: Prior | null; readonly name: string },
  context: FitContext,
): Promise<CurvePoint> => {
  const none = (note: string): CurvePoint => ({
    model,
    days,
    rmse1K: null,
    rmse20K: null,
    nlpd: null,
    coverage90: null,
    fitMs: null,
    note,
  });
  const prior = model === "with prior" ? chosen : { prior: null, name: "none" };
  try {
    if (days === 0) {
      if (model === "clue") return none("predicts nothing without data");
      const alone = priorAlone(
        new DatasetRows(data.train),
        zone,
        context.neighbours.filter((other) => other !== zone),
        prior.prior,
      );
      return { model, days, ...figures(evaluateZone(context.la, alone, data.test, data.firstTest, data.endTest)), fitMs: 0 };
    }
    const train = data.lastDays(days);
    if (train === null) return none("the file does not go back so far");
    const fits = await fitModel(model === "clue" ? "clue" : "isotherm", prior, {
      ...context,
      train,
      zones: [zone],
      progress: () => undefined,
    });
    const [fitted] = fits.zones;
    return {
      model,
      days,
      ...figures(evaluateZone(context.la, fitted!.model, data.test, data.firstTest, data.endTest, fitted!.predictor)),
      fitMs: fits.fitMs,
    };
  } catch (error) {
    // Too little data is a result here, not a failure.
    if (error instanceof IsothermError) return none(error.message);
    throw error;
  }
};

export const figures = ({
  rmse1K,
  rmse20K,
  nlpd,
  coverage90,
}: ReturnType<typeof evaluateZone>): Pick<CurvePoint, "rmse1K" | "rmse20K" | "nlpd" | "coverage90"> => ({
  rmse1K,
  rmse20K,
  nlpd,
  coverage90,
});
