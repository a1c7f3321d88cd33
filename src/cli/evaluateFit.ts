import type { FittedZone } from "#cli/baselineModels";
import { zonesOf } from "#cli/dataOptions";
import type { EvaluateArguments, ModelName } from "#cli/evaluateOptions";
import type { Dataset } from "#domain/dataset";
import { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { evaluateZoneInFull, type ZoneAccuracy, type ZoneEvaluation } from "#models/evaluation/evaluateZone";
import { type PowerError, powerError } from "#models/evaluation/powerError";
import { fitPowerModel } from "#models/powerModel";
import type { Prior } from "#models/prior";
import { createStepPredictor } from "#models/stepPredictor";
import { fitZone } from "#models/thermostat/fitZone";

export interface FitContext {
  readonly la: LinearAlgebra;
  readonly train: Dataset;
  /** Zones to learn. */
  readonly zones: readonly string[];
  /** Zones that are neighbours of one another. */
  readonly neighbours: readonly string[];
  readonly options: Pick<EvaluateArguments, "budget" | "seed">;
  readonly say: (text: string) => void;
  readonly progress: (fraction: number, text: string) => void;
  readonly signal: AbortSignal;
}

export interface Fits {
  readonly zones: readonly FittedZone[];
  readonly prior: string;
  readonly trainRows: number;
  readonly fitMs: number;
}

/** Learns every zone with one model; isotherm's from the prior given, a baseline's from its own. */
export const fitModel = async (
  name: ModelName,
  chosen: { readonly prior: Prior | null; readonly name: string },
  context: FitContext,
): Promise<Fits> => {
  const { la, train, zones, neighbours, options, progress, signal } = context;
  const data = new DatasetRows(train);
  const fitted: FittedZone[] = [];
  let trainRows = 0;
  const started = performance.now();
  for (const [i, zone] of zones.entries()) {
    progress(i / zones.length, `${zone}: learning`);
    if (name === "isotherm") {
      const fit = await fitZone(
        la,
        data,
        zone,
        neighbours.filter((other) => other !== zone),
        chosen.prior,
        { budget: options.budget ?? null, signal, onWarning: context.say },
      );
      fitted.push({ model: fit.model });
      trainRows += fit.trainRows;
    } else {
      const { trainBaselineForEvaluation } = await import("#cli/baselineModels");
      fitted.push(await trainBaselineForEvaluation(name, { la, data, zone, seed: options.seed, progress, signal }));
      trainRows += data.length - 1;
    }
    signal.throwIfAborted();
  }
  return {
    zones: fitted,
    prior: name === "isotherm" ? chosen.name : (fitted[0]?.prior ?? "none"),
    trainRows,
    fitMs: performance.now() - started,
  };
};

/** Lets signals through between two pieces of work that do not wait for anything. */
export const breathe = async (signal: AbortSignal): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
};

/** Every zone's figures and errors on the test rows. */
export const evaluateFits = async (
  la: LinearAlgebra,
  fits: Pick<Fits, "zones">,
  test: DatasetRows,
  first: number,
  end: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ZoneEvaluation>> => {
  const byZone = new Map<string, ZoneEvaluation>();
  for (const { model, predictor } of fits.zones) {
    await breathe(signal);
    byZone.set(model.zone, evaluateZoneInFull(la, model, test, first, end, predictor));
  }
  return byZone;
};

const meanOf = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
};

/** Means over zones; the largest error is the largest, rows and mornings are summed. */
export const averageAccuracy = (zones: readonly ZoneAccuracy[]): ZoneAccuracy => {
  const figure = (of: (one: ZoneAccuracy) => number | null): number | null => meanOf(zones.map(of));
  const byLead = (of: (one: ZoneAccuracy) => Readonly<Record<string, number | null>>): Record<string, number | null> =>
    Object.fromEntries(
      Object.keys(zones.length === 0 ? {} : of(zones[0]!)).map((lead) => [lead, meanOf(zones.map((one) => of(one)[lead]!))]),
    );
  const largest = zones.map((one) => one.maxAbsOpenLoopErrorK).filter((value) => value !== null);
  return {
    testRows: zones.reduce((sum, one) => sum + one.testRows, 0),
    rmse1K: figure((one) => one.rmse1K)!,
    mae1K: figure((one) => one.mae1K)!,
    nlpd: figure((one) => one.nlpd)!,
    coverage90: figure((one) => one.coverage90)!,
    coverage90ByRegime: {
      idle: figure((one) => one.coverage90ByRegime.idle),
      limited: figure((one) => one.coverage90ByRegime.limited),
      onSetpoint: figure((one) => one.coverage90ByRegime.onSetpoint),
    },
    rmse4K: figure((one) => one.rmse4K),
    rmse20K: figure((one) => one.rmse20K),
    rmse96K: figure((one) => one.rmse96K),
    persistenceRmse1K: figure((one) => one.persistenceRmse1K)!,
    maxAbsOpenLoopErrorK: largest.length === 0 ? null : Math.max(...largest),
    predictMsPer1000: figure((one) => one.predictMsPer1000)!,
    nlpd4: figure((one) => one.nlpd4),
    coverage90At4: figure((one) => one.coverage90At4),
    coverage90At20: figure((one) => one.coverage90At20),
    coverage90ByLead: byLead((one) => one.coverage90ByLead),
    nlpdByLead: byLead((one) => one.nlpdByLead),
    morningRmseK: figure((one) => one.morningRmseK),
    morningDays: zones.reduce((sum, one) => sum + one.morningDays, 0),
  };
};

/**
 * HVAC power one step ahead on the test rows, learned from the training rows beside the zones. null where the data hold no power, a zone of them was not
 * learned (each one draws power), or the model says nothing of a free float.
 */
export const evaluatePower = async (
  { la, train, signal }: FitContext,
  fits: Pick<Fits, "zones">,
  test: DatasetRows,
  first: number,
  end: number,
): Promise<PowerError | null> => {
  if (
    zonesOf(train).length > fits.zones.length ||
    fits.zones.some(({ model }) => model.transition !== "thermostat" && model.call === undefined)
  )
    return null;
  const models = fits.zones.map(({ model }) => model);
  const learned = await fitPowerModel(la, new DatasetRows(train), models, { signal });
  if (learned === null) return null;
  const predicting = fits.zones.map(({ model, predictor }) => ({ model, predictor: predictor ?? createStepPredictor(la, model) }));
  return powerError(la, learned.model, predicting, test, first, end);
};
