import type { EvaluationData } from "#cli/evaluateData";
import { averageAccuracy, breathe, evaluateFits, type FitContext, fitModel } from "#cli/evaluateFit";
import { type EvaluateArguments, evaluatedModels } from "#cli/evaluateOptions";
import type { CardModel } from "#cli/modelCard/cardData";
import { IsothermError } from "#domain/errors";
import type { ZoneAccuracy } from "#models/evaluation/evaluateZone";

/** A model beside the one that is judged, with its figures by zone. */
export interface Rival extends CardModel {
  readonly byZone: ReadonlyMap<string, ZoneAccuracy>;
}

/** Every other model, learned from the same rows and judged on the same rows; one that these data do not suffice for says so in its note. */
export const learnRivals = async (options: EvaluateArguments, data: EvaluationData, context: FitContext): Promise<readonly Rival[]> => {
  const names = evaluatedModels.filter((name) => name !== options.model);
  const rivals: Rival[] = [];
  for (const [i, name] of names.entries()) {
    const progress = (fraction: number, text: string): void => context.progress((i + fraction) / names.length, `${name}, ${text}`);
    progress(0, "learning");
    await breathe(context.signal);
    try {
      const prior = name === "isotherm" ? data.prior() : { prior: null, name: "none" };
      const fits = await fitModel(name, prior, { ...context, progress });
      const evaluated = await evaluateFits(context.la, fits, data.test, data.firstTest, data.endTest, context.signal);
      const byZone = new Map([...evaluated].map(([zone, { accuracy }]) => [zone, accuracy]));
      rivals.push({ name, prior: fits.prior, accuracy: averageAccuracy([...byZone.values()]), fitMs: fits.fitMs, byZone });
    } catch (error) {
      if (!(error instanceof IsothermError)) throw error;
      rivals.push({ name, prior: "none", accuracy: null, fitMs: 0, note: error.message, byZone: new Map() });
    }
  }
  return rivals;
};
