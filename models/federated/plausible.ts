import { choleskyWithJitter } from "#math/choleskyWithJitter";
import type { LinearAlgebra } from "#math/linearAlgebra";
import type { GradientReply, Hello, ParticipantReply, StatisticsReply, StepReply, SummaryReply } from "#models/federated/protocol";
import { hyperparameterBox } from "#models/meta/hyperparameterBox";

/** −log p of one row beyond these is no likelihood of temperature steps. */
const ROW_VALUE_LIMITS = [-30, 1e6] as const;
/** A coefficient, K in a step for a usual value of its input, beyond this is none of a building. */
const MAX_COEFFICIENT_K = 100;
const MAX_GRADIENT_PER_ROW = 1e6;

/** Why a participant's first message cannot be used beside the others; null where it can. @param stepS of those that joined before, null: the first. */
export const unusableHello = (hello: Hello, stepS: number | null): string | null => {
  if (stepS !== null && hello.stepS !== stepS) return `its time step is ${hello.stepS} s, the others' ${stepS} s`;
  for (const list of [hello.names, hello.keys, hello.tasks.map(({ name }) => name)])
    if (new Set(list).size !== list.length) return "a name stands twice";
  try {
    hyperparameterBox(hello.names);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return null;
};

/** Why an answer cannot be true, whatever the data; null where it may be. */
export const implausible = (la: LinearAlgebra, hello: Hello, reply: ParticipantReply): string | null => {
  switch (reply.kind) {
    case "statistics":
      return statisticsFault(la, hello, reply);
    case "step":
      return stepFault(hello, reply);
    case "gradient":
      return gradientFault(hello, reply);
    case "summary":
      return summaryFault(la, hello, reply);
    case "failure":
      return `it failed: ${reply.reason}`;
  }
};

const same = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((name, i) => name === b[i]);
const isOver = (values: Readonly<Record<string, number>>, names: readonly string[]): boolean =>
  Object.keys(values).length === names.length && names.every((name) => Object.hasOwn(values, name));

const statisticsFault = (la: LinearAlgebra, hello: Hello, { keys, normal, right }: StatisticsReply): string | null => {
  if (!same(keys, hello.keys)) return "its statistics are of other coefficients than it announced";
  if (normal.length !== keys.length || right.length !== keys.length) return "its statistics are of another size than its coefficients";
  const alone = solvedAlone(la, normal, right);
  if (alone === null) return "ΦᵀK⁻¹Φ is not positive semi-definite";
  const largest = alone.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest > MAX_COEFFICIENT_K ? `its statistics mean a coefficient of ${largest.toPrecision(3)} K` : null;
};

/** (N + I)⁻¹ r: what the statistics say of the coefficients under a prior of 1 K; null where N is indefinite. */
const solvedAlone = (la: LinearAlgebra, normal: readonly (readonly number[])[], right: readonly number[]): Float64Array | null => {
  const n = right.length;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = normal[i]![j]! + Number(i === j);
  const scale = Math.max(1, ...normal.map((row, i) => row[i]!));
  if (normal.some((row, i) => row[i]! < -1e-9 * scale)) return null;
  let lower: Float64Array;
  try {
    lower = choleskyWithJitter(la, n, matrix, () => undefined).lower;
  } catch {
    return null;
  }
  const x = Float64Array.from(right);
  la.solveLower(n, 1, lower, x, false);
  la.solveLower(n, 1, lower, x, true);
  return x;
};

const stepFault = (hello: Hello, reply: StepReply): string | null => {
  const { names } = hello;
  const { theta } = reply;
  if (!isOver(theta, names)) return "its step is of other hyperparameters than it announced";
  const { lower, upper } = hyperparameterBox(names);
  const outside = names.find((name, i) => theta[name]! < lower[i]! - 1e-6 || theta[name]! > upper[i]! + 1e-6);
  return outside === undefined ? gradientFault(hello, reply) : `${outside} = ${theta[outside]} lies outside its limits`;
};

const gradientFault = ({ names, tasks }: Hello, { gradient, value }: Pick<GradientReply, "gradient" | "value">): string | null => {
  if (!isOver(gradient, names)) return "its gradient is of other hyperparameters than it announced";
  if (value === null) return null;
  const rows = tasks.reduce((sum, task) => sum + task.rows, 0);
  const [least, most] = ROW_VALUE_LIMITS;
  if (value / rows < least || value / rows > most) return `−log p = ${(value / rows).toPrecision(3)} per row is no likelihood`;
  const steep = names.find((name) => Math.abs(gradient[name]!) > MAX_GRADIENT_PER_ROW * rows);
  return steep === undefined ? null : `the gradient over ${steep} is ${gradient[steep]}`;
};

const summaryFault = (la: LinearAlgebra, hello: Hello, { keys, tasks }: SummaryReply): string | null => {
  if (!same(keys, hello.keys)) return "its summary is of other coefficients than it announced";
  if (
    !same(
      tasks.map(({ name }) => name),
      hello.tasks.map(({ name }) => name),
    )
  )
    return "its summary is of other zone-weeks than it announced";
  for (const { name, curvature, pull, information, right } of tasks) {
    if (!isOver(curvature, hello.names) || !isOver(pull, hello.names))
      return `the summary of ${name} is of other hyperparameters than announced`;
    if (Object.values(curvature).some((value) => value < 0)) return `a curvature of ${name} is negative`;
    if (information.length !== keys.length || right.length !== keys.length)
      return `the summary of ${name} is of another size than its coefficients`;
    if (solvedAlone(la, information, right) === null) return `the information of ${name} is not positive semi-definite`;
  }
  return null;
};
