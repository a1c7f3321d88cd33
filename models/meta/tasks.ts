import { configurationError } from "#domain/errors";
import type { DatasetRows } from "#math/datasetRows";
import type { ZoneRatings } from "#models/prior";
import { MIN_ROWS, tooFewRows } from "#models/thermostat/fitZone";
import { type HyperparameterSpace, hyperparameterSpace } from "#models/thermostat/hyperparameters";
import { type TrainingRows, trainingRows } from "#models/thermostat/trainingRows";

/** Some days of one zone of one source building. */
export interface SourceSegment {
  readonly name: string;
  readonly data: DatasetRows;
  readonly zone: string;
  readonly neighbours: readonly string[];
  /** Segments of one group are left out together when the hierarchy is judged on what it has not seen; default: the segment's name. */
  readonly group?: string;
  readonly ratings?: ZoneRatings;
}

export interface Task {
  readonly name: string;
  readonly group: string;
  readonly ratings: ZoneRatings;
  readonly rows: TrainingRows;
  readonly space: HyperparameterSpace;
  /** Position of each of the task's hyperparameters among the shared `names`. */
  readonly hyperparameterAt: readonly number[];
  /** Position of each of the task's columns among the shared `keys`. */
  readonly coefficientAt: readonly number[];
}

export interface TaskSet {
  readonly stepS: number;
  readonly tasks: readonly Task[];
  /** Log hyperparameters of all tasks, in the order in which they appear. */
  readonly names: readonly string[];
  /** Mean coefficients likewise. */
  readonly keys: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

export interface TaskOptions {
  /** Rows of a task at most; null: all. */
  readonly maxRows: number | null;
  /** A segment with too few usable rows: skipped with its reason, or refused. */
  readonly isLenient: boolean;
}

/**
 * Segments as learning tasks. No segments, or segments of different time steps, are refused; ones with fewer usable rows than `MIN_ROWS` are refused
 * or, when lenient, skipped with the reason.
 */
export const tasksOf = (segments: readonly SourceSegment[], { maxRows, isLenient }: TaskOptions): TaskSet => {
  const stepS = commonStepS(segments);
  const names: string[] = [];
  const keys: string[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const indexIn = (list: string[], name: string): number => {
    const found = list.indexOf(name);
    return found >= 0 ? found : list.push(name) - 1;
  };
  const tasks = segments.flatMap(({ name, data, zone, neighbours, group = name, ratings = {} }): Task[] => {
    const all = trainingRows(data, zone, neighbours);
    if (all.n < MIN_ROWS) {
      const error = tooFewRows(name, all);
      if (!isLenient) throw error;
      skipped.push({ name, reason: error.message });
      return [];
    }
    const rows = maxRows === null ? all : thinned(all, maxRows);
    const space = hyperparameterSpace(rows.structure, null);
    return [
      {
        name,
        group,
        ratings,
        rows,
        space,
        hyperparameterAt: space.names.map((one) => indexIn(names, one)),
        coefficientAt: rows.structure.columns.map(({ key }) => indexIn(keys, key)),
      },
    ];
  });
  if (tasks.length === 0)
    throw configurationError(`None of the ${segments.length} source segments has enough usable rows: ${skipped[0]!.reason}`, {
      todo: "Give longer segments.",
    });
  return { stepS, tasks, names, keys, skipped };
};

const commonStepS = (segments: readonly SourceSegment[]): number => {
  const steps = [...new Set(segments.map(({ data }) => data.dataset.stepS))];
  if (steps.length === 1) return steps[0]!;
  throw configurationError(
    steps.length === 0 ? "There is no source to learn from." : `The sources have different time steps: ${steps.join(" s, ")} s.`,
    { todo: "Give sources of one time step." },
  );
};

/** At most `most` rows, evenly through time; rows behind a gate (equipment at its limit) are rare and dear: up to a third each. */
export const thinned = (rows: TrainingRows, most: number): TrainingRows => {
  if (rows.n <= most) return rows;
  const { d } = rows;
  const gate = (key: string): number => rows.structure.columns.findIndex((column) => column.key === key);
  const gates = [gate("heating*constant"), gate("cooling*constant")];
  const classes: number[][] = [[], [], []];
  for (let i = 0; i < rows.n; i++) classes[1 + gates.findIndex((c) => c >= 0 && rows.x[i * d + c] !== 0)]!.push(i);
  const third = Math.floor(most / 3);
  const gated = classes.slice(1).map((list) => evenly(list, third));
  const idle = evenly(classes[0]!, most - gated[0]!.length - gated[1]!.length);
  const kept = [...idle, ...gated.flat()].sort((a, b) => a - b);
  const x = new Float64Array(kept.length * d);
  for (const [k, i] of kept.entries()) x.set(rows.x.subarray(i * d, (i + 1) * d), k * d);
  return { ...rows, x, n: kept.length, y: Float64Array.from(kept, (i) => rows.y[i]!), rows: kept.map((i) => rows.rows[i]!) };
};

const evenly = <T>(list: readonly T[], count: number): T[] =>
  list.length <= count ? [...list] : Array.from({ length: count }, (_, k) => list[Math.floor(((k + 0.5) * list.length) / count)]!);

/** Φ with equal keys added up, rows × count. */
export const design = ({ rows, coefficientAt }: Task, count: number): Float64Array => {
  const phi = new Float64Array(rows.n * count);
  for (let i = 0; i < rows.n; i++) {
    coefficientAt.forEach((at, c) => {
      phi[i * count + at]! += rows.x[i * rows.d + c]!;
    });
  }
  return phi;
};

/** y − Φ β */
export const residualsOfTask = ({ rows, coefficientAt }: Task, beta: ArrayLike<number>): Float64Array =>
  rows.y.map((y, i) => {
    let fitted = 0;
    coefficientAt.forEach((at, c) => {
      fitted += beta[at]! * rows.x[i * rows.d + c]!;
    });
    return y - fitted;
  });

/** The task's own part of shared values. */
export const localOf = (at: readonly number[], shared: ArrayLike<number>): Float64Array => Float64Array.from(at, (i) => shared[i]!);
