import { checkedId, type FederateBusArguments, federateBus } from "#cli/federateBus";
import type { FigureContext } from "#cli/figures";
import { writeOutput } from "#cli/outputFile";
import { packageVersion } from "#cli/packageVersion";
import { usageError } from "#domain/errors";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { coordinate } from "#models/federated/coordinate";
import type { Prior } from "#models/prior";

export interface FederateCoordinateArguments extends FederateBusArguments {
  readonly participants: number;
  readonly minimum?: number;
  readonly joinTimeout: number;
  readonly roundTimeout: number;
  readonly steps: number;
  readonly iterations: number;
  readonly name?: string;
  readonly out: string;
  readonly json?: boolean;
}

/** Leads one federated training and writes its prior. */
export const coordinateFederation = async (
  options: FederateCoordinateArguments,
  { say, progress, signal }: FigureContext,
): Promise<object> => {
  const federation = checkedId("--federation", options.federation);
  const minimum = options.minimum ?? Math.min(2, options.participants);
  if (minimum > options.participants)
    throw usageError(`--minimum ${minimum} is more than --participants ${options.participants}.`, "Give a smaller one.");
  const la = await createLinearAlgebra("auto");
  const bus = federateBus(options, `${federation}-coordinator`, say);
  try {
    const learned = await coordinate({
      la,
      bus,
      federation,
      participants: options.participants,
      minimum,
      joinTimeoutMs: 1000 * options.joinTimeout,
      roundTimeoutMs: 1000 * options.roundTimeout,
      consensusSteps: options.steps,
      iterations: options.iterations,
      onProgress: progress,
      onLeftOut: (id, reason) => say(`left out: ${id}: ${reason}`),
      signal,
    });
    const {
      stepS,
      logMarginalLikelihoodPerRow,
      rows,
      tasks,
      sources,
      leftOut,
      primalResidual,
      isConverged,
      messages,
      leftOutLogLikelihood,
      ...numbers
    } = learned;
    const prior: Prior = {
      schema: "isotherm-prior-2",
      name: options.name ?? federation,
      model: "thermostat",
      stepS,
      ...numbers,
      manifest: {
        made: new Date().toISOString().slice(0, 10),
        version: packageVersion,
        command: `isotherm federate coordinate --federation ${federation} --participants ${options.participants} --steps ${options.steps} --iterations ${options.iterations}`,
        seed: 0,
        sources: [...sources],
        logMarginalLikelihoodPerRow,
        tasks,
        skipped: [...leftOut],
        ...(leftOutLogLikelihood === undefined ? {} : { leftOutLogLikelihood }),
      },
    };
    if (!isConverged) say("The iterations were used up before the optimum was reached: give more --iterations.");
    await writeOutput(options.out, `${JSON.stringify(prior, null, 1)}\n`);
    say(`Wrote ${options.out}.`);
    return {
      name: prior.name,
      file: options.out,
      sources: sources.map(({ name: source }) => source),
      leftOut,
      tasks,
      rows,
      logMarginalLikelihoodPerRow,
      primalResidual,
      isConverged,
      messagesReceived: messages.received,
      messagesIgnored: messages.ignored,
    };
  } finally {
    await bus.close();
  }
};
