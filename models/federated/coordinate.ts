import { randomBytes } from "node:crypto";
import type { MessageBus } from "#domain/bus";
import { unavailableError } from "#domain/errors";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { centreFor, consensusStep, startConsensus } from "#models/federated/consensus";
import type { Hello, StatisticsReply, SummaryReply } from "#models/federated/protocol";
import { RoundTable } from "#models/federated/roundTable";
import { hyperparameterBox } from "#models/meta/hyperparameterBox";
import { type HierarchyTasks, type LearnedHierarchy, learnHierarchy } from "#models/meta/learnHierarchy";
import { sharedMinimum } from "#models/meta/sharedMinimum";
import type { TaskSummary } from "#models/meta/taskSummary";
import { genericCoefficient, genericHyperparameterPrior, type NormalPrior, type PriorSource, type ZoneRatings } from "#models/prior";

export interface CoordinateOptions {
  readonly la: LinearAlgebra;
  readonly bus: MessageBus;
  readonly federation: string;
  /** The training begins when so many have joined. */
  readonly participants: number;
  /** With fewer it ends without a prior. */
  readonly minimum: number;
  readonly joinTimeoutMs: number;
  readonly roundTimeoutMs: number;
  readonly graceMs?: number;
  /** Consensus steps at most. Default 8. */
  readonly consensusSteps?: number;
  /** Iterations on summed gradients after them, at most. Default 120. */
  readonly iterations?: number;
  readonly onProgress: (fraction: number, text: string) => void;
  readonly onLeftOut?: (id: string, reason: string) => void;
  readonly signal?: AbortSignal;
}

export interface FederatedPrior extends LearnedHierarchy {
  readonly stepS: number;
  readonly logMarginalLikelihoodPerRow: number;
  readonly rows: number;
  readonly tasks: number;
  readonly sources: readonly PriorSource[];
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
  /** Root mean square of θ_s − z where consensus handed over to gradients. */
  readonly primalResidual: number;
  /** False where the iterations were used up before the optimum was reached. */
  readonly isConverged: boolean;
  readonly messages: { readonly received: number; readonly ignored: number };
}

/** ρ at the start, a row: curvature of −log p along a log hyperparameter is of this order. ρ follows the residuals from there. */
const RHO_PER_ROW = 0.02;
/** Consensus is reached when both residuals are below this, in logarithms: 1 % of a lengthscale. */
const TOLERANCE = 0.01;
/** A line search seldom looks twice; participants answer so many orders only. */
const EVALUATIONS_PER_ITERATION = 1.4;
/** Share of the work that consensus is, roughly. */
const CONSENSUS_SHARE = 0.2;

/** Somebody left while θ was looked for: what is minimised is no longer the same. */
class Departure extends Error {}

/**
 * Learns a prior from buildings that keep their data (after "Sparsity-aware distributed learning for Gaussian processes with linear multiple kernel", which
 * consents on hyperparameters by ADMM): a few steps of consensus ADMM on Σ_s −log p(y_s | θ, β) − log p(θ), the pooled objective, from afar; then L-BFGS on the
 * summed gradients, with β by summed least-squares statistics at every θ, to its minimum (`sharedMinimum`, as in pooled training); then the hierarchy over the participants'
 * quadratic summaries, as in pooled training. Participants that drop out are left out with the reason; with fewer than `minimum` left an IsothermError (retryable).
 */
export const coordinate = async (options: CoordinateOptions): Promise<FederatedPrior> => {
  const { la, bus, federation, signal, onProgress, consensusSteps = 8, iterations = 120 } = options;
  const table = new RoundTable({
    la,
    bus,
    federation,
    session: randomBytes(16).toString("hex"),
    roundTimeoutMs: options.roundTimeoutMs,
    graceMs: options.graceMs ?? 10_000,
    onLeftOut: options.onLeftOut ?? (() => undefined),
  });
  const stop = await table.listen();
  const enough = (): void => {
    if (table.participants.size >= options.minimum) return;
    const reasons = [...table.leftOut].map(([id, reason]) => `${id}: ${reason}`);
    throw unavailableError(
      `${table.participants.size} of ${options.participants} participants are there, ${options.minimum} are needed${reasons.length === 0 ? "" : ` (${reasons.join("; ")})`}.`,
      { todo: "Start the others with `isotherm federate join`, and this again." },
    );
  };
  try {
    onProgress(0, `waiting for ${options.participants} participants`);
    await table.gather(options.participants, options.joinTimeoutMs, signal);
    enough();
    const names = union([...table.participants.values()].map((hello) => hello.names));
    const keys = union([...table.participants.values()].map((hello) => hello.keys));
    const { stepS } = table.participants.values().next().value!;
    const hyperpriors = names.map((name) => genericHyperparameterPrior(name));
    const coefficientPriors = keys.map((key) => genericCoefficient(key, stepS));
    const box = hyperparameterBox(names);
    let z: Float64Array = box.start;
    let primalResidual = Number.POSITIVE_INFINITY;

    const coefficients = async (theta: Float64Array): Promise<Float64Array> => {
      const asked = table.participants.size;
      const answers = await table.ask(
        "statistics",
        (id) => ({ kind: "statistics", theta: pick(names, theta, table.participants.get(id)!.names) }),
        signal,
      );
      enough();
      if (answers.size < asked) throw new Departure();
      return solveCoefficients(la, keys, coefficientPriors, inOrder(answers));
    };
    /** In the order in which they joined, so that sums do not depend on who answers first. */
    const inOrder = <T>(answers: ReadonlyMap<string, T>): T[] => [...table.participants.keys()].flatMap((id) => answers.get(id) ?? []);
    let consensus = startConsensus(
      z,
      RHO_PER_ROW * rowsOf(table.participants.values()),
      new Map([...table.participants].map(([id, hello]) => [id, names.map((name) => hello.names.includes(name))])),
    );
    const firstBeta = await withThoseThatStay(() => coefficients(z));
    for (let step = 0; step < consensusSteps; step++) {
      const answers = await table.ask(
        "step",
        (id) => {
          const hello = table.participants.get(id)!;
          return {
            kind: "step",
            beta: pick(keys, firstBeta, hello.keys),
            centre: pick(names, centreFor(consensus, id), hello.names),
            rho: consensus.rho,
          };
        },
        signal,
      );
      enough();
      const thetas = new Map([...answers].map(([id, { theta }]) => [id, Float64Array.from(names, (name) => theta[name] ?? Number.NaN)]));
      consensus = consensusStep(consensus, thetas, hyperpriors, box.lower, box.upper);
      ({ z, primalResidual } = consensus);
      onProgress(
        (CONSENSUS_SHARE * (step + 1)) / consensusSteps,
        `consensus step ${step + 1} of ${consensusSteps}: residuals ${primalResidual.toFixed(4)} and ${consensus.dualResidual.toFixed(4)}, ρ ${consensus.rho.toPrecision(3)}`,
      );
      if (primalResidual < TOLERANCE && consensus.dualResidual < TOLERANCE) break;
    }

    let evaluationsLeft = Math.ceil(EVALUATIONS_PER_ITERATION * iterations) + 1;
    /** −log p of all that are there and its gradient at θ. */
    const summedGradient = async (theta: Float64Array, beta: Float64Array, gradient: Float64Array): Promise<number> => {
      evaluationsLeft--;
      const asked = table.participants.size;
      const answers = await table.ask(
        "gradient",
        (id) => {
          const hello = table.participants.get(id)!;
          return { kind: "gradient", theta: pick(names, theta, hello.names), beta: pick(keys, beta, hello.keys) };
        },
        signal,
      );
      enough();
      if (answers.size < asked) throw new Departure();
      gradient.fill(0);
      let sum = 0;
      for (const { value, gradient: own } of inOrder(answers)) {
        sum += value ?? Number.POSITIVE_INFINITY;
        names.forEach((name, i) => {
          gradient[i]! += own[name] ?? 0;
        });
      }
      return sum;
    };
    const { theta, value, isConverged } = await withThoseThatStay(() => {
      const rows = rowsOf(table.participants.values());
      return sharedMinimum({ coefficients, negativeLogLikelihood: summedGradient }, z, {
        hyperpriors,
        coefficientPriors,
        lower: box.lower,
        upper: box.upper,
        maxIterations: iterations,
        maxEvaluations: Math.max(1, evaluationsLeft),
        onIteration: (iteration, reached, at) => {
          z = at.slice();
          onProgress(
            CONSENSUS_SHARE + ((0.95 - CONSENSUS_SHARE) * iteration) / iterations,
            `iteration ${iteration} of at most ${iterations}: −log likelihood ${(reached / rows).toFixed(4)} per row`,
          );
        },
        ...(signal === undefined ? {} : { signal }),
      });
    });
    const beta = await withThoseThatStay(() => coefficients(theta));
    const summaries = await table.ask(
      "summary",
      (id) => {
        const hello = table.participants.get(id)!;
        return { kind: "summary", theta: pick(names, theta, hello.names), beta: pick(keys, beta, hello.keys) };
      },
      signal,
    );
    enough();
    const hellos = new Map([...table.participants].filter(([id]) => summaries.has(id)));
    const learned = learnHierarchy(la, hierarchyTasks(names, keys, hellos), summariesOf(names, keys, summaries), theta, beta, (text) =>
      onProgress(0.98, text),
    );
    const rows = rowsOf(hellos.values());
    await table.end(true, "the prior is made");
    return {
      ...learned,
      stepS,
      logMarginalLikelihoodPerRow: -value / rows,
      rows,
      tasks: [...hellos.values()].reduce((sum, { tasks }) => sum + tasks.length, 0),
      sources: [...hellos].flatMap(([id, hello]) => hello.sources.map((source) => ({ ...source, name: `${id}/${source.name}` }))),
      leftOut: [...table.leftOut].map(([name, reason]) => ({ name, reason })),
      primalResidual,
      isConverged,
      messages: { received: table.received, ignored: table.ignored },
    };
  } catch (error) {
    await table.end(false, error instanceof Error ? error.message.slice(0, 400) : "the coordinator failed");
    throw error;
  } finally {
    await stop();
  }
};

/** Does it again, from where it stands, whenever somebody left on the way. */
const withThoseThatStay = async <T>(work: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Departure)) throw error;
    }
  }
};

const union = (lists: readonly (readonly string[])[]): readonly string[] => [...new Set(lists.flat())];

const rowsOf = (hellos: Iterable<Hello>): number =>
  [...hellos].reduce((sum, { tasks }) => sum + tasks.reduce((rows, task) => rows + task.rows, 0), 0);

const pick = (names: readonly string[], values: Float64Array, wanted: readonly string[]): Record<string, number> =>
  Object.fromEntries(wanted.map((name) => [name, values[names.indexOf(name)]!]));

/** β = (Σ Φᵀ K⁻¹ Φ + Λ)⁻¹ (Σ Φᵀ K⁻¹ y + Λ β₀), over the keys that each participant has. */
export const solveCoefficients = (
  la: LinearAlgebra,
  keys: readonly string[],
  priors: readonly NormalPrior[],
  answers: Iterable<Pick<StatisticsReply, "keys" | "normal" | "right">>,
): Float64Array => {
  const count = keys.length;
  const normal = new Float64Array(count * count);
  const right = new Float64Array(count);
  for (const answer of answers) {
    const at = answer.keys.map((key) => keys.indexOf(key));
    spread(answer.normal, at, count, normal);
    answer.right.forEach((value, i) => {
      right[at[i]!]! += value;
    });
  }
  priors.forEach(({ location, spread: width }, i) => {
    normal[i * count + i]! += 1 / width ** 2;
    right[i]! += location / width ** 2;
  });
  if (la.cholesky(count, normal) !== 0) throw new RangeError("The mean coefficients are not determined by these participants.");
  la.solveLower(count, 1, normal, right, false);
  la.solveLower(count, 1, normal, right, true);
  return right;
};

/** Adds a lower triangle over the positions `at` to a full symmetric matrix. */
const spread = (triangle: readonly (readonly number[])[], at: readonly number[], count: number, out: Float64Array): void => {
  for (const [i, row] of triangle.entries()) {
    for (const [j, value] of row.entries()) {
      out[at[i]! * count + at[j]!]! += value;
      if (i !== j) out[at[j]! * count + at[i]!]! += value;
    }
  }
};

const summariesOf = (names: readonly string[], keys: readonly string[], replies: ReadonlyMap<string, SummaryReply>): TaskSummary[] =>
  [...replies].flatMap(([id, reply]) => {
    const at = reply.keys.map((key) => keys.indexOf(key));
    return reply.tasks.map(({ name, curvature, pull, information, right }): TaskSummary => {
      const full = new Float64Array(keys.length ** 2);
      spread(information, at, keys.length, full);
      const rightOf = new Float64Array(keys.length);
      right.forEach((value, i) => {
        rightOf[at[i]!] = value;
      });
      return {
        name: `${id} ${name}`,
        group: id,
        curvature: names.map((one) => curvature[one] ?? 0),
        pull: names.map((one) => pull[one] ?? 0),
        information: [...full],
        right: [...rightOf],
      };
    });
  });

/** What the hierarchy needs to know of tasks whose rows are elsewhere. */
const hierarchyTasks = (names: readonly string[], keys: readonly string[], hellos: ReadonlyMap<string, Hello>): HierarchyTasks => ({
  names,
  keys,
  tasks: [...hellos].flatMap(([id, { tasks }]) =>
    tasks.map(({ name, ratings }) => ({ name: `${id} ${name}`, ratings: withoutAbsent(ratings) })),
  ),
});

const withoutAbsent = (ratings: Hello["tasks"][number]["ratings"]): ZoneRatings =>
  Object.fromEntries(Object.entries(ratings).filter(([, value]) => value !== undefined));
