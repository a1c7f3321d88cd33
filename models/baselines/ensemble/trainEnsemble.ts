import type { Dataset } from "#domain/dataset";
import type { PlainTerm } from "#domain/features";
import type { BuildingModel, ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { DatasetRows, type ToLocalMs } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { normals, uniforms } from "#math/random";
import { mean, standardDeviation } from "#math/statistics";
import { forward, type Network, type ZoneEnsemble } from "#models/baselines/ensemble/network";
import { trainNetwork } from "#models/baselines/ensemble/trainNetwork";
import { baselineDisturbances, baselineRows, checkEnoughRows, rawFeatures } from "#models/baselines/rows";
import { checkTrainingData } from "#models/trainBuilding";

export const ENSEMBLE_MEMBERS = 5;

export interface EnsembleOptions {
  /** Names every random number: bootstrap samples, first weights, order of rows. Default 1. */
  readonly seed?: number;
  readonly epochs?: number;
  /** Units of the hidden layers; default two of 64. */
  readonly hidden?: readonly number[];
  readonly onProgress?: (fraction: number, text: string) => void;
  readonly signal?: AbortSignal;
}

const EPOCHS = 60;
const HIDDEN = [64, 64] as const;
const BATCH_ROWS = 32;
const LEARNING_RATE = 1e-3;
const WEIGHT_DECAY = 1e-3;

/** Zone temperature, weather, occupancy, both setpoints in force during the step, and the hour. */
const ensembleTerms = (data: DatasetRows, zone: string): readonly PlainTerm[] => [
  { kind: "state", point: zonePoint(zone, "zoneAirTempC"), lagSteps: 0 },
  ...baselineDisturbances(data, zone).map((point): PlainTerm => ({ kind: "disturbance", point, lagSteps: 0 })),
  { kind: "setpoint", zone, side: "heating", lagSteps: 0 },
  { kind: "setpoint", zone, side: "cooling", lagSteps: 0 },
  { kind: "timeOfDay", harmonic: 1, phase: "sin" },
  { kind: "timeOfDay", harmonic: 1, phase: "cos" },
];

/** Random numbers of one member: its bootstrap sample, its first weights, its orders of rows. */
const streams = (member: number) => ({ bootstrap: 3 * member, weights: 3 * member + 1, order: 3 * member + 2 });

/** n row numbers drawn with replacement. */
const bootstrapSample = (seed: number, stream: number, n: number): Int32Array => {
  const draws = new Float64Array(n);
  uniforms(seed, stream, draws);
  return Int32Array.from(draws, (u) => Math.min(n - 1, Math.floor(u * n)));
};

/** The sample in a new order each epoch (Fisher–Yates). */
const shuffled = (sample: Int32Array, seed: number, stream: number, epoch: number): Int32Array => {
  const order = sample.slice();
  const draws = new Float64Array(order.length);
  uniforms(seed, stream, draws, epoch * order.length);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.min(i, Math.floor(draws[i]! * (i + 1)));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
};

const normalSource = (seed: number, stream: number): (() => number) => {
  const block = new Float64Array(512);
  let [offset, next] = [0, block.length];
  return () => {
    if (next === block.length) {
      normals(seed, stream, block, offset);
      offset += block.length;
      next = 0;
    }
    return block[next++]!;
  };
};

/**
 * Five small networks for one zone, as model-based building control with neural networks has it (Ding, Du, Cerpa: "MB2C: model-based deep
 * reinforcement learning for multi-zone building control", BuildSys 2020, which plans with an ensemble and MPPI): each learns T' − T from a bootstrap
 * sample of the same rows. Too few usable steps throw an IsothermError.
 */
export const trainEnsemble = async (
  la: LinearAlgebra,
  data: DatasetRows,
  zone: string,
  options: EnsembleOptions = {},
): Promise<ZoneEnsemble> => {
  const { seed = 1, epochs = EPOCHS, hidden = HIDDEN, onProgress, signal } = options;
  const features = rawFeatures(ensembleTerms(data, zone));
  const { x, n, d, y } = baselineRows(data, zone, features, "increment");
  checkEnoughRows("The ensemble", zone, n);
  const column = (c: number): Float64Array => Float64Array.from({ length: n }, (_, i) => x[i * d + c]!);
  const inputMean = Float64Array.from({ length: d }, (_, c) => mean(column(c)));
  const inputStdDev = Float64Array.from({ length: d }, (_, c) => scaleOf(column(c)));
  const targetMeanK = mean(y);
  const targetStdDevK = scaleOf(y);
  const inputs = x.map((value, i) => (value - inputMean[i % d]!) / inputStdDev[i % d]!);
  const targets = y.map((value) => (value - targetMeanK) / targetStdDevK);
  const members: Network[] = [];
  const samples: Int32Array[] = [];
  for (let member = 0; member < ENSEMBLE_MEMBERS; member++) {
    const stream = streams(member);
    const sample = bootstrapSample(seed, stream.bootstrap, n);
    samples.push(sample);
    members.push(
      await trainNetwork({ inputs: d, hidden }, inputs, targets, {
        epochs,
        batchRows: BATCH_ROWS,
        learningRate: LEARNING_RATE,
        weightDecay: WEIGHT_DECAY,
        normal: normalSource(seed, stream.weights),
        order: (epoch) => shuffled(sample, seed, stream.order, epoch),
        onEpoch: (epoch) =>
          onProgress?.(
            (member + epoch / epochs) / ENSEMBLE_MEMBERS,
            `${zone}: network ${member + 1} of ${ENSEMBLE_MEMBERS}, epoch ${epoch} of ${epochs}`,
          ),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
  }
  const noise = outOfBagVariance(la, members, samples, inputs, targets);
  return { zone, features, inputMean, inputStdDev, targetMeanK, targetStdDevK, members, noiseVarianceK2: noise * targetStdDevK ** 2 };
};

/** A column that never changes tells nothing and is left as it is. */
const scaleOf = (values: Float64Array): number => {
  const scale = standardDeviation(values);
  return scale > 1e-9 ? scale : 1;
};

/** Mean square error of each row's prediction by the members whose sample left it out. */
const outOfBagVariance = (
  la: LinearAlgebra,
  members: readonly Network[],
  samples: readonly Int32Array[],
  x: Float64Array,
  y: Float64Array,
): number => {
  const n = y.length;
  const sum = new Float64Array(n);
  const count = new Float64Array(n);
  members.forEach((network, member) => {
    const seen = new Set(samples[member]);
    forward(la, network, x, n).forEach((value, i) => {
      if (seen.has(i)) return;
      sum[i]! += value;
      count[i]!++;
    });
  });
  const squares = Array.from(y, (value, i) => (count[i]! > 0 ? (value - sum[i]! / count[i]!) ** 2 : Number.NaN)).filter(Number.isFinite);
  return squares.length > 0 ? mean(squares) : 0;
};

/**
 * The ensemble as the parts of the house know models: its zone, inputs and noise. Its own prediction is "no change" (the networks are no Gaussian
 * process): whoever predicts with it uses `createEnsemblePredictor` or `createEnsembleRollout`.
 */
export const ensembleFrame = ({ zone, features, noiseVarianceK2 }: ZoneEnsemble): ZoneModel => ({
  zone,
  transition: "increment",
  posterior: {
    features,
    kernel: { kind: "linear", lengthscales: new Array<number>(features.length).fill(1) },
    meanCoefficients: new Float64Array(features.length),
    basisInputs: new Float64Array(features.length),
    m: 1,
    d: features.length,
    alpha: Float64Array.of(0),
    varianceRoot: Float64Array.of(0),
    p: 1,
  },
  noiseVarianceK2,
  heldOffsetK: 0,
  heldStdDevK: 0,
  stateGain: 0,
  spreadScale: 1,
});

/** An ensemble for each of these zones, and the frame by which loops and planners know them: no power model, no bound on the spread. */
export const trainEnsembleBuilding = async (
  la: LinearAlgebra,
  dataset: Dataset,
  zones: readonly string[],
  toLocalMs: ToLocalMs,
  options: EnsembleOptions = {},
): Promise<{ readonly model: BuildingModel; readonly ensembles: readonly ZoneEnsemble[] }> => {
  checkTrainingData(dataset, zones);
  const started = performance.now();
  const data = new DatasetRows(dataset, toLocalMs);
  const ensembles: ZoneEnsemble[] = [];
  for (const [i, zone] of zones.entries()) {
    const { onProgress } = options;
    const report = onProgress && ((fraction: number, text: string): void => onProgress((i + fraction) / zones.length, text));
    ensembles.push(await trainEnsemble(la, data, zone, { ...options, ...(report === undefined ? {} : { onProgress: report }) }));
  }
  const { timesMs, stepS } = dataset;
  const trainedToMs = timesMs[timesMs.length - 1]!;
  const model: BuildingModel = {
    version: `ensemble-${new Date(trainedToMs).toISOString().slice(0, 16)}Z`,
    kind: "ensemble",
    stepS,
    zones: ensembles.map(ensembleFrame),
    power: null,
    spreadBoundK: Number.MAX_VALUE,
    trainedFromMs: timesMs[0]!,
    trainedToMs,
    trainRows: zones.length * (timesMs.length - 1),
    prior: "none",
    summary: { fitMs: performance.now() - started, linearAlgebra: la.name, members: ENSEMBLE_MEMBERS },
  };
  return { model, ensembles };
};
