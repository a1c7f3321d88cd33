import type {
  ConditionalNode,
  ConstantNode,
  FunctionNode,
  MathNode,
  OperatorNode,
  ParenthesisNode,
  RelationalNode,
  SymbolNode,
} from "mathjs";
import { configurationError, IsothermError } from "#domain/errors";
import { type ExpressionToken, expressionError, MAX_EXPRESSION_DEPTH, tokenizeExpression } from "#math/expressionTokens";
import { mathjs } from "#math/mathjsBundle";

const { equal, larger, largerEq, parse, round, smaller, smallerEq, unequal } = mathjs;

/** A formula that a person wrote, checked and ready to run. */
export interface CompiledExpression {
  /** The names it needs, each once, in the order of first use. */
  readonly symbols: readonly string[];
  /** The value, always a finite number; null (to be counted by the caller) where a name it needs is missing or not finite in `scope`, or the result is not finite. */
  evaluate(scope: Readonly<Record<string, number>>): number | null;
}

type Values = readonly number[];
type NumberPart = { readonly type: "number"; readonly run: (values: Values) => number };
type BooleanPart = { readonly type: "boolean"; readonly run: (values: Values) => boolean };
type Part = NumberPart | BooleanPart;

/** Least and most arguments, and what it computes. Real arithmetic only: outside its domain a function gives NaN and the expression is refused at run time. */
interface AllowedFunction {
  readonly min: number;
  readonly max: number;
  readonly run: (...x: number[]) => number;
}
const MANY = 64;
const unary = (run: (x: number) => number): AllowedFunction => ({ min: 1, max: 1, run });
const roundTo = (x: number, digits = 0): number =>
  Number.isInteger(digits) && digits >= 0 && digits <= 15 ? round(x, digits) : Number.NaN;
const mean = (...x: number[]): number => x.reduce((sum, value) => sum + value, 0) / x.length;
const median = (...x: number[]): number => {
  const sorted = [...x].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const FUNCTIONS: ReadonlyMap<string, AllowedFunction> = new Map<string, AllowedFunction>([
  ["abs", unary(Math.abs)],
  ["sign", unary(Math.sign)],
  ["floor", unary(Math.floor)],
  ["ceil", unary(Math.ceil)],
  ["fix", unary(Math.trunc)],
  ["round", { min: 1, max: 2, run: roundTo }],
  ["sqrt", unary(Math.sqrt)],
  ["cbrt", unary(Math.cbrt)],
  ["square", unary((x) => x * x)],
  ["exp", unary(Math.exp)],
  ["log", { min: 1, max: 2, run: (x, base) => (base === undefined ? Math.log(x) : Math.log(x) / Math.log(base)) }],
  ["log10", unary(Math.log10)],
  ["log2", unary(Math.log2)],
  ["pow", { min: 2, max: 2, run: (x, y) => x ** y }],
  // The remainder takes the divisor's sign, as in mathjs; a divisor of 0 is refused instead of giving x back.
  ["mod", { min: 2, max: 2, run: (x, y) => x - y * Math.floor(x / y) }],
  ["hypot", { min: 1, max: MANY, run: Math.hypot }],
  ["min", { min: 1, max: MANY, run: Math.min }],
  ["max", { min: 1, max: MANY, run: Math.max }],
  ["sum", { min: 1, max: MANY, run: (...x) => x.reduce((a, b) => a + b, 0) }],
  ["mean", { min: 1, max: MANY, run: mean }],
  ["median", { min: 1, max: MANY, run: median }],
  ["clamp", { min: 3, max: 3, run: (x, low, high) => (low <= high ? Math.min(Math.max(x, low), high) : Number.NaN) }],
  ["sin", unary(Math.sin)],
  ["cos", unary(Math.cos)],
  ["tan", unary(Math.tan)],
  ["asin", unary(Math.asin)],
  ["acos", unary(Math.acos)],
  ["atan", unary(Math.atan)],
  ["atan2", { min: 2, max: 2, run: Math.atan2 }],
  ["sinh", unary(Math.sinh)],
  ["cosh", unary(Math.cosh)],
  ["tanh", unary(Math.tanh)],
]);
const FUNCTION_NAMES: ReadonlySet<string> = new Set(FUNCTIONS.keys());
/** Names of the functions that an expression may call. */
export const expressionFunctions: readonly string[] = [...FUNCTION_NAMES];

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ["pi", Math.PI],
  ["e", Math.E],
]);
const CONSTANT_NAMES: ReadonlySet<string> = new Set(CONSTANTS.keys());

const ARITHMETIC: ReadonlyMap<string, (a: number, b: number) => number> = new Map([
  ["add", (a: number, b: number) => a + b],
  ["subtract", (a: number, b: number) => a - b],
  ["multiply", (a: number, b: number) => a * b],
  ["divide", (a: number, b: number) => a / b],
  ["pow", (a: number, b: number) => a ** b],
]);
/** mathjs's own comparisons: equal within its relative tolerance (1e-12), so 0.1 + 0.2 == 0.3 holds. */
const COMPARISON: ReadonlyMap<string, (a: number, b: number) => boolean> = new Map(
  Object.entries({ equal, unequal, smaller, smallerEq, larger, largerEq }).map(([name, compare]) => [
    name,
    (a: number, b: number): boolean => compare(a, b) === true,
  ]),
);
const LOGICAL: ReadonlyMap<string, (a: () => boolean, b: () => boolean) => boolean> = new Map([
  ["and", (a: () => boolean, b: () => boolean) => a() && b()],
  ["or", (a: () => boolean, b: () => boolean) => a() || b()],
  ["xor", (a: () => boolean, b: () => boolean) => a() !== b()],
]);
const MAX_NODES = 256;

/** Turns allow-listed nodes into closures over the values of the used names; everything else is refused. */
class Compiler {
  readonly #text: string;
  /** Operand tokens in source order: the leaves of the tree come in the same order, which gives every node a column. */
  readonly #operands: readonly ExpressionToken[];
  readonly #slots: ReadonlyMap<string, number>;
  #leaf = 0;
  #nodes = 0;
  constructor(text: string, operands: readonly ExpressionToken[], slots: ReadonlyMap<string, number>) {
    this.#text = text;
    this.#operands = operands;
    this.#slots = slots;
  }

  get everyOperandUsed(): boolean {
    return this.#leaf === this.#operands.length;
  }

  #refuse(column: number, what: string, todo: string): never {
    throw expressionError(this.#text, column, what, todo);
  }

  #column(): number {
    return this.#operands[Math.min(this.#leaf, this.#operands.length - 1)]?.column ?? 1;
  }

  number(node: MathNode, depth: number, use: string): (values: Values) => number {
    const column = this.#column();
    const part = this.part(node, depth);
    if (part.type === "number") return part.run;
    return this.#refuse(
      column,
      `a comparison (true or false) stands where ${use} needs a number`,
      "Choose numbers with a condition: a > b ? 1 : 0.",
    );
  }

  #boolean(node: MathNode, depth: number, use: string): (values: Values) => boolean {
    const column = this.#column();
    const part = this.part(node, depth);
    if (part.type === "boolean") return part.run;
    return this.#refuse(column, `a number stands where ${use} needs true or false`, "Compare it, for example x > 0.");
  }

  part(node: MathNode, depth: number): Part {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES)
      this.#refuse(this.#column(), `it has more than ${MAX_NODES} parts`, "Split it into several derived points.");
    if (depth > 2 * MAX_EXPRESSION_DEPTH) this.#refuse(this.#column(), "it is nested too deeply", "Simplify it.");
    switch (node.type) {
      case "ConstantNode":
        return this.#constant(node as ConstantNode);
      case "SymbolNode":
        return this.#symbol(node as SymbolNode);
      case "ParenthesisNode":
        return this.part((node as ParenthesisNode).content, depth + 1);
      case "OperatorNode":
        return this.#operator(node as OperatorNode, depth);
      case "RelationalNode":
        return this.#relational(node as RelationalNode, depth);
      case "ConditionalNode":
        return this.#conditional(node as ConditionalNode, depth);
      case "FunctionNode":
        return this.#function(node as FunctionNode, depth);
      default:
        return this.#refuse(
          this.#column(),
          `it contains ${node.type.replace(/Node$/, "").toLowerCase()}, which is not allowed`,
          "Use arithmetic, comparisons, conditions and the allowed functions.",
        );
    }
  }

  #constant(node: ConstantNode): NumberPart {
    const value: unknown = node.value;
    const column = this.#column();
    this.#leaf += 1;
    if (typeof value !== "number" || !Number.isFinite(value))
      return this.#refuse(column, `"${String(value)}" is not a finite number`, "Write a number.");
    return { type: "number", run: () => value };
  }

  #symbol(node: SymbolNode): NumberPart {
    const column = this.#column();
    this.#leaf += 1;
    const slot = this.#slots.get(node.name);
    if (slot !== undefined) return { type: "number", run: (values) => values[slot] };
    const constant = CONSTANTS.get(node.name);
    if (constant !== undefined) return { type: "number", run: () => constant };
    return this.#refuse(column, `"${node.name}" is not known here`, "Use the names of points.");
  }

  #operator(node: OperatorNode, depth: number): Part {
    const { fn, args } = node as unknown as { fn: string; args: MathNode[] };
    const column = this.#column();
    if (args.length === 1 && (fn === "unaryMinus" || fn === "unaryPlus")) {
      const run = this.number(args[0], depth + 1, "a sign");
      return { type: "number", run: fn === "unaryMinus" ? (values) => -run(values) : run };
    }
    if (args.length === 1 && fn === "not") {
      const run = this.#boolean(args[0], depth + 1, "not");
      return { type: "boolean", run: (values) => !run(values) };
    }
    const logical = LOGICAL.get(fn);
    if (args.length === 2 && logical !== undefined) {
      const a = this.#boolean(args[0], depth + 1, fn);
      const b = this.#boolean(args[1], depth + 1, fn);
      return {
        type: "boolean",
        run: (values) =>
          logical(
            () => a(values),
            () => b(values),
          ),
      };
    }
    const arithmetic = ARITHMETIC.get(fn);
    const comparison = COMPARISON.get(fn);
    if (args.length !== 2 || (arithmetic === undefined && comparison === undefined)) {
      return this.#refuse(
        column,
        `the operator "${node.op}" is not allowed`,
        "Use + - * / ^, comparisons, and, or, not, and conditions a ? b : c.",
      );
    }
    const a = this.number(args[0], depth + 1, `"${node.op}"`);
    const b = this.number(args[1], depth + 1, `"${node.op}"`);
    if (arithmetic !== undefined) return { type: "number", run: (values) => arithmetic(a(values), b(values)) };
    return { type: "boolean", run: (values) => (comparison as (a: number, b: number) => boolean)(a(values), b(values)) };
  }

  /** a < b < c: every neighbouring pair must hold. */
  #relational(node: RelationalNode, depth: number): BooleanPart {
    const { conditionals, params } = node as unknown as { conditionals: string[]; params: MathNode[] };
    const column = this.#column();
    const operands = params.map((param) => this.number(param, depth + 1, "a comparison"));
    const comparisons = conditionals.map(
      (name) => COMPARISON.get(name) ?? this.#refuse(column, `the comparison "${name}" is not allowed`, "Use == != < <= > >=."),
    );
    return { type: "boolean", run: (values) => comparisons.every((compare, i) => compare(operands[i](values), operands[i + 1](values))) };
  }

  #conditional(node: ConditionalNode, depth: number): Part {
    const condition = this.#boolean(node.condition, depth + 1, "the condition before ?");
    const column = this.#column();
    const yes = this.part(node.trueExpr, depth + 1);
    const no = this.part(node.falseExpr, depth + 1);
    if (yes.type === "number" && no.type === "number")
      return { type: "number", run: (values) => (condition(values) ? yes.run(values) : no.run(values)) };
    if (yes.type === "boolean" && no.type === "boolean")
      return { type: "boolean", run: (values) => (condition(values) ? yes.run(values) : no.run(values)) };
    return this.#refuse(column, "one branch of the condition is a number, the other true or false", "Make both numbers.");
  }

  #function(node: FunctionNode, depth: number): NumberPart {
    const column = this.#column();
    const name = (node.fn as unknown as SymbolNode).name;
    const allowed = node.fn.type === "SymbolNode" ? FUNCTIONS.get(name) : undefined;
    this.#leaf += 1;
    if (allowed === undefined)
      return this.#refuse(column, `there is no function "${String(name)}"`, `Allowed are ${expressionFunctions.join(", ")}.`);
    const count = node.args.length;
    if (count < allowed.min || count > allowed.max) {
      const wanted = allowed.min === allowed.max ? `${allowed.min}` : `${allowed.min} to ${allowed.max}`;
      return this.#refuse(column, `${name} has ${count} arguments`, `It takes ${wanted}.`);
    }
    const args = node.args.map((arg) => this.number(arg, depth + 1, name));
    return { type: "number", run: (values) => allowed.run(...args.map((arg) => arg(values))) };
  }
}

/** Rewrites the tokens for mathjs: dotted names become p0, p1, … that no person can have written, since only known names pass the tokeniser. */
function rewrite(tokens: readonly ExpressionToken[]): {
  rewritten: string;
  used: string[];
  slots: Map<string, number>;
  columnAt: (char: number) => number;
} {
  const used: string[] = [];
  const slots = new Map<string, number>();
  const starts: { at: number; column: number }[] = [];
  let rewritten = "";
  for (const token of tokens) {
    let text = token.text;
    if (token.kind === "symbol") {
      if (!used.includes(text)) used.push(text);
      text = `p${used.indexOf(text)}`;
      slots.set(text, used.indexOf(token.text));
    }
    starts.push({ at: rewritten.length, column: token.column });
    rewritten += `${text} `;
  }
  return { rewritten, used, slots, columnAt: (char) => starts.findLast(({ at }) => at < char)?.column ?? 1 };
}

/**
 * Checks a formula and makes it runnable: mathjs parses it, only allow-listed nodes, operators, functions and `symbols` (as they are written, dots
 * included) pass, and plain closures compute it; nothing of mathjs's evaluator, and no property of any object, can be reached.
 *
 * Numbers, + - * / ^, == != < <= > >= (also chained), and or xor not, a ? b : c, pi, e and the functions of `expressionFunctions`. Real arithmetic in float64.
 * Throws an `IsothermError` (configuration) naming the offending part and its column.
 */
export function compileExpression(text: string, symbols: readonly string[]): CompiledExpression {
  const tokens = tokenizeExpression(text, symbols, FUNCTION_NAMES, CONSTANT_NAMES);
  const { rewritten, used, slots, columnAt } = rewrite(tokens);
  const operands = tokens.filter(({ kind }) => kind === "number" || kind === "symbol" || kind === "constant" || kind === "function");
  let tree: MathNode;
  try {
    tree = parse(rewritten);
  } catch (error) {
    // Only a SyntaxError (with `char`) or an exhausted stack can come from the parser here.
    const char = (error as { char?: unknown }).char;
    if (typeof char !== "number") throw expressionError(text, 1, "it is nested too deeply", "Simplify it.");
    const atEnd = char > rewritten.trimEnd().length;
    const what = atEnd
      ? "it ends too early"
      : `it does not read on here (${String((error as Error).message)
          .replace(/ \(char \d+\)$/, "")
          .replace(/\bp\d+\b/g, "…")})`;
    throw expressionError(text, atEnd ? text.trimEnd().length : columnAt(char), what, "Check operators, commas and parentheses.");
  }
  const compiler = new Compiler(text, operands, slots);
  const run = compiler.number(tree, 0, "the result");
  if (!compiler.everyOperandUsed)
    throw configurationError(`expression "${text}": it cannot be read unambiguously`, { todo: "Add parentheses." });
  return {
    symbols: used,
    evaluate(scope) {
      const values: number[] = [];
      for (const symbol of used) {
        const value = Object.hasOwn(scope, symbol) ? scope[symbol] : undefined;
        if (typeof value !== "number" || !Number.isFinite(value)) return null;
        values.push(value);
      }
      const result = run(values);
      return Number.isFinite(result) ? result : null;
    },
  };
}

/** The problem of a formula as one text, or null where it compiles: for callers that list all problems of a file. */
export function expressionProblem(text: string, symbols: readonly string[]): IsothermError | null {
  try {
    compileExpression(text, symbols);
    return null;
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
}
