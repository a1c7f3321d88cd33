import { isConstantLeaf } from "#controllers/rollout/webgpu/layout";
import type { OwnLeaf, OwnTerm } from "#controllers/rollout/webgpu/posteriorPlan";
import { DISTANCE_FACTOR } from "#controllers/rollout/webgpu/posteriorRecord";
import { float } from "#controllers/rollout/webgpu/shaders/source";

/**
 * k(r) − k(r0) without subtracting what is nearly the same, from a0 (what the exponential decays with at r0), e0 = exp(−a0) and q = r² − r0²:
 * near r0 by expm1, farther away directly (an exponential of a large positive number would overflow).
 */
const differenceFunction = (kind: "rbf" | "matern32" | "matern52"): string => {
  const near = "abs(da) < 0.3";
  const head = `fn difference_${kind}(a0: f32, e0: f32, q: f32) -> f32 {`;
  if (kind === "rbf")
    return `${head}
  let da = 0.5 * q;
  return select(exp(-max(a0 + da, 0.0)) - e0, e0 * smallExpMinus1(-da), ${near});
}`;
  const factor2 = float(DISTANCE_FACTOR[kind] ** 2);
  const [now, before, risen] =
    kind === "matern32"
      ? ["1.0 + a", "1.0 + a0", "da"]
      : ["1.0 + a * (1.0 + a * 0.33333334)", "1.0 + a0 * (1.0 + a0 * 0.33333334)", "da * (1.0 + (a0 + a) * 0.33333334)"];
  return `${head}
  let a = sqrt(max(a0 * a0 + ${factor2} * q, 0.0));
  let da = select(${factor2} * q / max(a + a0, 1e-18), -a0, a == 0.0);
  let now = ${now};
  return select(now * exp(-a) - (${before}) * e0, e0 * (now * smallExpMinus1(-da) + ${risen}), ${near});
}`;
};

/** exp(x) − 1 for |x| < 0.3, to float32. */
const SMALL_EXP_MINUS_1 = `fn smallExpMinus1(x: f32) -> f32 {
  return x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * (0.008333334 + x * 0.0013888889)))));
}`;

/** Functions that the code of `rowCode` calls. */
export const kernelFunctions = (leaves: readonly OwnLeaf[]): string => {
  const kinds = new Set(leaves.filter((leaf) => leaf.kind !== "linear" && !isConstantLeaf(leaf)).map(({ kind }) => kind));
  const functions = [...kinds].flatMap((kind) => (kind === "linear" ? [] : [differenceFunction(kind)]));
  return [...(functions.length > 0 ? [SMALL_EXP_MINUS_1] : []), ...functions].join("\n");
};

/** Value on the path and difference from it, as expressions; a difference of null is 0. */
export interface Pair {
  readonly value: string;
  readonly delta: string | null;
}

const polynomialOf = (kind: OwnLeaf["kind"], a: string): string =>
  kind === "rbf" ? "1.0" : kind === "matern32" ? `(1.0 + ${a})` : `(1.0 + ${a} * (1.0 + ${a} * 0.33333334))`;

/** How the leaves of one regime are read in a shader. */
export interface LeafNames {
  /** Basis value, point on the path, and difference of own column i of a leaf. */
  readonly basis: (leaf: OwnLeaf, i: number) => string;
  readonly point: (leaf: OwnLeaf, i: number) => string;
  /** null: closed in this regime. */
  readonly input: (leaf: OwnLeaf, i: number) => string | null;
  readonly first: (leaf: OwnLeaf) => string;
  readonly second: (leaf: OwnLeaf) => string;
  readonly suffix: string;
}

/** Statements that compute every leaf's difference for one basis row, and the pair of each leaf. */
export const leafCode = (leaves: readonly OwnLeaf[], names: LeafNames): { readonly code: string; readonly pairs: readonly Pair[] } => {
  const lines: string[] = [];
  const pairs = leaves.map((leaf): Pair => {
    const id = `${leaf.index}${names.suffix}`;
    lines.push(`let f${id} = ${names.first(leaf)};`);
    if (isConstantLeaf(leaf)) return { value: `f${id}`, delta: null };
    const inputs = leaf.own.map((_, i) => names.input(leaf, i));
    if (leaf.kind === "linear") {
      const sum = inputs.flatMap((input, i) => (input === null ? [] : [`${names.basis(leaf, i)} * ${input}`]));
      if (sum.length === 0) return { value: `f${id}`, delta: null };
      lines.push(`let d${id} = ${sum.join(" + ")};`);
      return { value: `f${id}`, delta: `d${id}` };
    }
    lines.push(`let s${id} = ${names.second(leaf)};`, `var q${id} = 0.0;`);
    inputs.forEach((input, i) => {
      if (input === null) return;
      lines.push(`{ let b = ${names.point(leaf, i)} - ${names.basis(leaf, i)}; q${id} = fma(b + b + ${input}, ${input}, q${id}); }`);
    });
    lines.push(`let d${id} = difference_${leaf.kind}(f${id}, s${id}, q${id});`);
    return { value: `(${polynomialOf(leaf.kind, `f${id}`)} * s${id})`, delta: `d${id}` };
  });
  return { code: lines.join("\n"), pairs };
};

/** A term's pair from its leaves'; `scale(i)` reads output scale i. */
export const termPair = (term: OwnTerm, pairs: readonly Pair[], scale: (i: number) => string): Pair => {
  if (term.kind === "leaf") return pairs[term.leaf.index]!;
  if (term.kind === "scale") {
    const { value, delta } = termPair(term.base, pairs, scale);
    const factor = scale(term.scale);
    return { value: `(${factor} * ${value})`, delta: delta === null ? null : `(${factor} * ${delta})` };
  }
  const [first, ...rest] = term.parts.map((part) => termPair(part, pairs, scale));
  return rest.reduce((a, b) => (term.kind === "sum" ? sumOf(a, b) : productOf(a, b)), first!);
};

export const sumOf = (a: Pair, b: Pair): Pair => ({
  value: `(${a.value} + ${b.value})`,
  delta: a.delta === null ? b.delta : b.delta === null ? a.delta : `(${a.delta} + ${b.delta})`,
});

/** Δ(ab) = a0 Δb + (b0 + Δb) Δa. */
const productOf = (a: Pair, b: Pair): Pair => {
  const value = `(${a.value} * ${b.value})`;
  if (a.delta === null) return { value, delta: b.delta === null ? null : `(${a.value} * ${b.delta})` };
  if (b.delta === null) return { value, delta: `(${b.value} * ${a.delta})` };
  return { value, delta: `(${a.value} * ${b.delta} + (${b.value} + ${b.delta}) * ${a.delta})` };
};
