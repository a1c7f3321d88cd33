import type { DenseLayer, Network } from "#models/baselines/ensemble/network";

/** What toygrad hands out of a layer, its own arrays: writing to them changes the network. */
interface Parameters {
  readonly params: Float32Array;
}

/** The part of toygrad that is used; its own declarations do not resolve under Node's module rules. */
interface Toygrad {
  readonly NeuralNetwork: new (options: { readonly layers: readonly object[] }) => { getParamsAndGrads(): Parameters[] };
  readonly Tensor: new (sx: number, sy: number, sz: number, values: Float32Array) => object;
  readonly Trainers: {
    readonly Adam: new (
      network: object,
      options: { readonly batchSize: number; readonly learningRate: number; readonly l2decay: number },
    ) => { train(input: object, output: readonly number[]): { readonly cost: number } };
  };
}

export interface NetworkShape {
  readonly inputs: number;
  readonly hidden: readonly number[];
}

export interface NetworkTraining {
  readonly epochs: number;
  readonly batchRows: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Standard normal numbers for the first weights, one after the other. */
  readonly normal: () => number;
  /** Row numbers in the order in which epoch e sees them. */
  readonly order: (epoch: number) => ArrayLike<number>;
  readonly onEpoch?: (epoch: number) => void;
  readonly signal?: AbortSignal;
}

/** The library, loaded once: nothing but this baseline needs it. */
let library: Promise<Toygrad> | undefined;
const toygrad = (): Promise<Toygrad> => {
  library ??= import("toygrad").then((module) => module as unknown as Toygrad);
  return library;
};

/**
 * One network learned by Adam on the squared error of standardised inputs x (n×d) and targets y (n), float32, first weights N(0, 2 / inputs).
 * The event loop runs between epochs; an abort throws the signal's reason.
 */
export const trainNetwork = async (
  { inputs, hidden }: NetworkShape,
  x: Float64Array,
  y: Float64Array,
  training: NetworkTraining,
): Promise<Network> => {
  const { NeuralNetwork, Tensor, Trainers } = await toygrad();
  const network = new NeuralNetwork({
    layers: [
      { type: "input", sx: 1, sy: 1, sz: inputs },
      ...hidden.flatMap((filters) => [{ type: "dense", filters }, { type: "relu" }]),
      { type: "dense", filters: 1 },
      { type: "regression" },
    ],
  });
  const sizes = [inputs, ...hidden, 1];
  const parameters = network.getParamsAndGrads();
  const perLayer = split(parameters, sizes);
  // The library draws its own first weights without a seed.
  for (const { filters } of perLayer)
    for (const { params } of filters) for (let i = 0; i < params.length; i++) params[i] = Math.sqrt(2 / params.length) * training.normal();
  const { epochs, batchRows, learningRate, weightDecay, signal } = training;
  const trainer = new Trainers.Adam(network, { batchSize: batchRows, learningRate, l2decay: weightDecay });
  const rows = Array.from(y, (_, i) => new Tensor(1, 1, inputs, Float32Array.from(x.subarray(i * inputs, (i + 1) * inputs))));
  for (let epoch = 0; epoch < epochs; epoch++) {
    signal?.throwIfAborted();
    const order = training.order(epoch);
    for (let i = 0; i < order.length; i++) trainer.train(rows[order[i]!]!, [y[order[i]!]!]);
    training.onEpoch?.(epoch + 1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return perLayer.map(({ filters, biases }, l): DenseLayer => {
    const weights = new Float64Array(filters.length * sizes[l]!);
    filters.forEach(({ params }, o) => void weights.set(params, o * sizes[l]!));
    return { inputs: sizes[l]!, outputs: filters.length, weights, biases: Float64Array.from(biases.params) };
  });
};

/** The library lists, layer by layer, one array of weights per output and then the layer's biases. */
const split = (parameters: readonly Parameters[], sizes: readonly number[]) => {
  let at = 0;
  return sizes.slice(1).map((outputs) => {
    const filters = parameters.slice(at, at + outputs);
    at += outputs + 1;
    return { filters, biases: parameters[at - 1]! };
  });
};
