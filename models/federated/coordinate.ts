import { randomBytes } from "node:crypto";
import type { MessageBus } from "#domain/bus";
import { unavailableError } from "#domain/errors";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { centreFor, consensusStep, startConsensus } from "#models/federated/consensus";
import type { Hello, StatisticsReply, SummaryReply } from "#models/federated/protocol";
import { RoundTable } from "#models/federated/roundTable";
import { hyperparameterBox } from "#models/federated/sharedNames";
import { type LearnedHierarchy, learnHierarchy } from "#models/meta/learnHierarchy";
import type { TaskSummary } from "#models/meta/taskSummary";
import type { Task, TaskSet } from "#models/meta/tasks";
import { coefficientPrior, hyperparameterPrior, type NormalPrior, type PriorSource } from "#models/prior";

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
  /** Rounds of least squares and consensus, as in pooled training. Default 3. */
  readonly rounds?: number;
  /** Consensus steps a round at most. Default 12. */
  readonly stepsPerRound?: number;
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
  /** Root mean square of θ_s − z at the end. */
  readonly primalResidual: number;
  readonly messages: { readonly received: number; readonly ignored: number };
}

/** ρ at the start, a row: curvature of −log p along a log hyperparameter is of this order. ρ follows the residuals from there. */
const RHO_PER_ROW = 0.02;
/** Consensus is reached when both residuals are below this, in logarithms: 1 % of a lengthscale. */
const TOLERANCE = 0.01;

/**
 * Learns a prior from buildings that keep their data (after "Sparsity-aware distributed learning for Gaussian processes with linear multiple kernel", which
 * consents on hyperparameters by ADMM): rounds of β by summed least-squares statistics and θ by consensus ADMM on Σ_s −log p(y_s | θ, β) − log p(θ), the pooled
 * objective; then the hierarchy over the participants' quadratic summaries, as in pooled training. Participants that drop out are left out with
 * the reason; with fewer than `minimum` left an IsothermError (retryable).
 */
export const coordinate = async (options: CoordinateOptions): Promise<FederatedPrior> => {
  const { la, bus, federation, signal, onProgress, rounds = 3, stepsPerRound = 12 } = options;
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
    const hyperpriors = names.map((name) => hyperparameterPrior(null, name));
    const coefficientPriors = keys.map((key) => coefficientPrior(null, key, stepS));
    const box = hyperparameterBox(names);
    let z: Float64Array = box.start;
    let negativeLogLikelihood = Number.NaN;
    let primalResidual = Number.POSITIVE_INFINITY;
    const rho = RHO_PER_ROW * rowsOf(table.participants.values());

    const coefficients = async (): Promise<Float64Array> => {
      const answers = await table.ask(
        "statistics",
        (id) => ({ kind: "statistics", theta: pick(names, z, table.participants.get(id)!.names) }),
        signal,
      );
      enough();
      return solveCoefficients(la, keys, coefficientPriors, answers.values());
    };
    // Duals are kept from round to round: β moves little, and from 0 each round would begin far from consensus.
    let consensus = startConsensus(
      z,
      rho,
      new Map([...table.participants].map(([id, hello]) => [id, names.map((name) => hello.names.includes(name))])),
    );
    for (let round = 0; round < rounds; round++) {
      const beta = await coefficients();
      for (let step = 0; step < stepsPerRound; step++) {
        const answers = await table.ask(
          "step",
          (id) => {
            const hello = table.participants.get(id)!;
            return {
              kind: "step",
              beta: pick(keys, beta, hello.keys),
              centre: pick(names, centreFor(consensus, id), hello.names),
              rho: consensus.rho,
            };
          },
          signal,
        );
        enough();
        const thetas = new Map([...answers].map(([id, { theta }]) => [id, Float64Array.from(names, (name) => theta[name] ?? Number.NaN)]));
        consensus = consensusStep(consensus, thetas, hyperpriors, box.lower, box.upper);
        negativeLogLikelihood = [...answers.values()].reduce((sum, { value }) => sum + value, 0);
        ({ z, primalResidual } = consensus);
        onProgress(
          (round + (step + 1) / stepsPerRound) / (rounds + 0.5),
          `round ${round + 1} of ${rounds}, step ${step + 1}: residuals ${primalResidual.toFixed(4)} and ${consensus.dualResidual.toFixed(4)}, ρ ${consensus.rho.toPrecision(3)}`,
        );
        if (primalResidual < TOLERANCE && consensus.dualResidual < TOLERANCE) break;
      }
    }
    const beta = await coefficients();
    const summaries = await table.ask(
      "summary",
      (id) => {
        const hello = table.participants.get(id)!;
        return { kind: "summary", theta: pick(names, z, hello.names), beta: pick(keys, beta, hello.keys) };
      },
      signal,
    );
    enough();
    const hellos = new Map([...table.participants].filter(([id]) => summaries.has(id)));
    const learned = learnHierarchy(la, taskSet(stepS, names, keys, hellos), summariesOf(names, keys, summaries), z, beta, (text) =>
      onProgress(0.98, text),
    );
    const rows = rowsOf(hellos.values());
    await table.end(true, "the prior is made");
    return {
      ...learned,
      stepS,
      logMarginalLikelihoodPerRow: -negativeLogLikelihood / rows,
      rows,
      tasks: [...hellos.values()].reduce((sum, { tasks }) => sum + tasks.length, 0),
      sources: [...hellos].flatMap(([id, hello]) => hello.sources.map((source) => ({ ...source, name: `${id}/${source.name}` }))),
      leftOut: [...table.leftOut].map(([name, reason]) => ({ name, reason })),
      primalResidual,
      messages: { received: table.received, ignored: table.ignored },
    };
  } catch (error) {
    await table.end(false, error instanceof Error ? error.message.slice(0, 400) : "the coordinator failed");
    throw error;
  } finally {
    await stop();
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
const taskSet = (stepS: number, names: readonly string[], keys: readonly string[], hellos: ReadonlyMap<string, Hello>): TaskSet => ({
  stepS,
  names,
  keys,
  skipped: [],
  tasks: [...hellos].flatMap(([id, { tasks }]) =>
    tasks.map(({ name, ratings }) => ({ name: `${id} ${name}`, group: id, ratings: withoutAbsent(ratings) }) as Task),
  ),
});

const withoutAbsent = (ratings: Hello["tasks"][number]["ratings"]): Task["ratings"] =>
  Object.fromEntries(Object.entries(ratings).filter(([, value]) => value !== undefined));
