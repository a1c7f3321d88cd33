import type { LinearAlgebra } from "#math/linearAlgebra";
import { type Centre, type Checkpoint, digestOf } from "#models/meta/checkpoint";
import { type LearnedHierarchy, learnHierarchy } from "#models/meta/learnHierarchy";
import { type SharedState, sharedOptimum } from "#models/meta/sharedOptimum";
import { summarise, type TaskSummary } from "#models/meta/taskSummary";
import { type SourceSegment, type TaskSet, tasksOf } from "#models/meta/tasks";

export type { SourceSegment } from "#models/meta/tasks";

export interface MetaTrainOptions {
  /** At most, where every round sees all segments: it ends at the optimum. Default 6. */
  readonly rounds?: number;
  readonly iterationsPerRound?: number;
  /** Segments that a round sees, drawn anew each time; null: all. */
  readonly tasksPerRound?: number | null;
  /** Rows of a segment at most; null: all. */
  readonly maxRows?: number | null;
  /** Segments with too few usable rows are skipped with their reason instead of refused. */
  readonly isLenient?: boolean;
  readonly seed?: number;
  /** How often every segment looks for its own optimum: from the second time on around what all of them said. */
  readonly passes?: number;
  readonly checkpoint?: Checkpoint;
  readonly onProgress: (fraction: number, text: string) => void;
  readonly signal?: AbortSignal;
}

export interface MetaTrained extends LearnedHierarchy {
  readonly logMarginalLikelihoodPerRow: number;
  readonly rows: number;
  readonly tasks: number;
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** Share of the work that the rounds are, roughly; the rest is the segments' own optima. */
const ROUNDS_SHARE = 0.4;
const SAVE_EVERY_MS = 5000;

/**
 * Learns what buildings have in common and how they differ (meta-kernel learning, after CLUE, as a hierarchy): the θ that is best for all source segments with the
 * generalised least-squares mean coefficients β (`sharedOptimum`), what each segment says of θ and β around it (`taskSummary`), and from these the
 * location, spread and covariance of both over segments, and how coefficients follow size and ratings (`learnHierarchy`). With a checkpoint an ended training goes
 * on to the same result. No segments, and segments of different time steps, are refused.
 */
export const metaTrain = async (la: LinearAlgebra, segments: readonly SourceSegment[], options: MetaTrainOptions): Promise<MetaTrained> => {
  const { rounds = 6, iterationsPerRound = 40, tasksPerRound = null, maxRows = null, isLenient = false, seed = 0, passes = 1 } = options;
  const { checkpoint, onProgress, signal } = options;
  const set = tasksOf(segments, { maxRows, isLenient });
  const digest = digestOf(set, { rounds, iterationsPerRound, tasksPerRound, seed, passes, linearAlgebra: la.name });
  const before = checkpoint?.load(digest) ?? null;
  let shared: SharedState | null = before?.shared ?? null;
  let done = before?.passes ?? 0;
  let centre: Centre | null = before?.centre ?? null;
  let summaries: TaskSummary[] = [...(before?.summaries ?? [])];
  const save = (): void => checkpoint?.save(digest, { shared, passes: done, centre, summaries });

  const { theta, beta, logLikelihoodPerRow } = await sharedOptimum(la, set, {
    rounds,
    iterationsPerRound,
    tasksPerRound,
    seed,
    from: shared,
    onRound: async (state) => {
      shared = state;
      save();
    },
    onIteration: (round, iteration, value) =>
      onProgress(
        (ROUNDS_SHARE * (round + iteration / iterationsPerRound)) / rounds,
        `round ${round + 1} of ${rounds}, iteration ${iteration}: −log likelihood ${value.toFixed(4)} per row`,
      ),
    ...(signal === undefined ? {} : { signal }),
  });
  let savedMs = performance.now();
  for (;;) {
    const at: Centre = centre ?? { theta: [...theta], beta: [...beta] };
    const [thetaAt, betaAt] = [Float64Array.from(at.theta), Float64Array.from(at.beta)];
    for (const [s, task] of set.tasks.entries()) {
      signal?.throwIfAborted();
      if (s < summaries.length) continue;
      summaries.push(await summarise(la, set, task, thetaAt, betaAt, signal));
      onProgress(
        ROUNDS_SHARE + ((0.95 - ROUNDS_SHARE) * (done + (s + 1) / set.tasks.length)) / passes,
        `pass ${done + 1} of ${passes}: what segment ${s + 1} of ${set.tasks.length} prefers for itself`,
      );
      if (performance.now() - savedMs < SAVE_EVERY_MS) continue;
      save();
      savedMs = performance.now();
      // Signals are seen between macrotasks only.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const isLast = done + 1 >= passes;
    const learned = learnHierarchy(
      la,
      set,
      summaries,
      thetaAt,
      betaAt,
      (text) => onProgress(isLast ? 0.96 : ROUNDS_SHARE + (0.55 * (done + 1)) / passes, text),
      isLast,
    );
    if (isLast) {
      save();
      return { ...learned, logMarginalLikelihoodPerRow: logLikelihoodPerRow, ...counts(set) };
    }
    centre = {
      theta: set.names.map((name) => learned.logHyperparameters[name]!.location),
      beta: set.keys.map((key) => learned.meanCoefficients[key]!.location),
    };
    summaries = [];
    done++;
    save();
  }
};

const counts = ({ tasks, skipped }: TaskSet) => ({
  rows: tasks.reduce((sum, { rows }) => sum + rows.n, 0),
  tasks: tasks.length,
  skipped,
});
