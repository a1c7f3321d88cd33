import { configurationError, type IsothermError } from "#domain/errors";
import { closestName } from "#math/closestName";

export const MAX_EXPRESSION_LENGTH = 1000;
export const MAX_EXPRESSION_DEPTH = 32;

/** One piece of an expression as the person wrote it; `column` is 1-based. */
export interface ExpressionToken {
  readonly kind: "number" | "symbol" | "constant" | "function" | "word" | "operator" | "open" | "close" | "comma";
  readonly text: string;
  readonly column: number;
}

/** Words that stand between or before operands. */
const WORD_OPERATORS = new Set(["and", "or", "not", "xor"]);
const PUNCTUATION = new Map<string, ExpressionToken["kind"]>([
  ["(", "open"],
  [")", "close"],
  [",", "comma"],
]);
const OPERATOR = /^(==|!=|<=|>=|[-+*/^<>?:])/;
const NUMBER = /^(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/;
const NAME = /^[\p{L}_$][\p{L}\p{N}_$]*(\.[\p{L}_$][\p{L}\p{N}_$]*)*/u;
const NAME_CHARACTER = /[\p{L}\p{N}_$]/u;

/** What to write instead of something that mathjs would accept and isotherm does not. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^=/, "Nothing is assigned in an expression; compare with ==."],
  [/^;|^[\r\n]/, "Write one expression on one line."],
  [/^["'`]/, "There is no text in an expression, and no transpose."],
  [/^[[\]{}]/, "There are no lists, objects or indices in an expression; write points with their names, such as space1.zoneAirTempC."],
  [/^!/, "Write not(…) for a negation; there is no factorial."],
  [/^[&|~]/, "Write and, or, not."],
  [/^%/, "Write mod(a, b) for a remainder, or 0.05 for 5 %."],
  [/^#/, "There are no comments in an expression."],
  [/^\.[*/^]/, "There are no element-wise operators."],
];

/** An expression that is refused: names the offending part and its 1-based column. */
export function expressionError(text: string, column: number, what: string, todo: string): IsothermError {
  const shown = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return configurationError(`expression "${shown}", column ${column}: ${what}`, { todo });
}

const matchSymbol = (text: string, at: number, longestFirst: readonly string[]): string | null => {
  for (const symbol of longestFirst) {
    if (!text.startsWith(symbol, at)) continue;
    const rest = text.slice(at + symbol.length);
    if (rest !== "" && (NAME_CHARACTER.test(rest[0]) || /^\.[\p{L}\p{N}_$]/u.test(rest))) continue;
    return symbol;
  }
  return null;
};

function refuseName(
  text: string,
  column: number,
  name: string,
  symbols: readonly string[],
  functions: ReadonlySet<string>,
  called: boolean,
): never {
  const guess = closestName(name, called ? [...functions] : [...symbols, ...functions]);
  const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  if (called) {
    throw expressionError(
      text,
      column,
      `there is no function "${shown}"`,
      guess === null ? `Allowed are ${[...functions].join(", ")}.` : `Did you mean "${guess}"?`,
    );
  }
  const known = symbols.length === 0 ? "none" : symbols.slice(0, 12).join(", ") + (symbols.length > 12 ? ", …" : "");
  throw expressionError(
    text,
    column,
    `"${shown}" is not known here`,
    guess === null ? `Known names: ${known}.` : `Did you mean "${guess}"?`,
  );
}

/**
 * Cuts an expression into tokens. Every name must be one of `symbols` (longest match first, so `zone-1.zoneAirTempC` is one point where it is known),
 * an allowed function followed by `(`, a constant, or and/or/not/xor. Refuses everything else, implicit multiplication, and nesting or length beyond
 * the limits, with an `IsothermError` (configuration) that names part and column.
 */
export function tokenizeExpression(
  text: string,
  symbols: readonly string[],
  functions: ReadonlySet<string>,
  constants: ReadonlySet<string>,
): ExpressionToken[] {
  if (text.trim() === "") throw expressionError(text, 1, "it is empty", "Write a number, a name or a formula such as (value - 32) / 1.8.");
  if (text.length > MAX_EXPRESSION_LENGTH) {
    throw expressionError(
      text,
      MAX_EXPRESSION_LENGTH,
      `it has ${text.length} characters`,
      `At most ${MAX_EXPRESSION_LENGTH} are allowed; split it.`,
    );
  }
  const longestFirst = [...symbols].sort((a, b) => b.length - a.length);
  const tokens: ExpressionToken[] = [];
  let depth = 0;
  let at = 0;
  while (at < text.length) {
    if (text[at] === " " || text[at] === "\t") {
      at += 1;
      continue;
    }
    const token = nextToken(text, at, longestFirst, functions, constants);
    const previous = tokens.at(-1);
    const endsOperand = previous !== undefined && ["number", "symbol", "constant", "close"].includes(previous.kind);
    if (endsOperand && ["number", "symbol", "constant", "function", "open"].includes(token.kind)) {
      throw expressionError(
        text,
        token.column,
        `an operator is missing before "${token.text}"`,
        "Write every multiplication, for example 2 * x.",
      );
    }
    if (token.kind === "open") depth += 1;
    if (token.kind === "close") depth -= 1;
    if (depth > MAX_EXPRESSION_DEPTH) {
      throw expressionError(text, token.column, `parentheses are nested more than ${MAX_EXPRESSION_DEPTH} deep`, "Simplify it.");
    }
    if (depth < 0) throw expressionError(text, token.column, '")" closes nothing', "Remove it or add an opening parenthesis.");
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function nextToken(
  text: string,
  at: number,
  longestFirst: readonly string[],
  functions: ReadonlySet<string>,
  constants: ReadonlySet<string>,
): ExpressionToken {
  const column = at + 1;
  const rest = text.slice(at);
  const name = NAME.exec(rest)?.[0];
  const called = name !== undefined && /^\s*\(/.test(rest.slice(name.length));
  if (called && functions.has(name)) return { kind: "function", text: name, column };
  const symbol = matchSymbol(text, at, longestFirst);
  if (symbol !== null) return { kind: "symbol", text: symbol, column };
  if (name !== undefined) {
    if (WORD_OPERATORS.has(name)) return { kind: "word", text: name, column };
    if (called) return refuseName(text, column, name, longestFirst, functions, true);
    if (constants.has(name)) return { kind: "constant", text: name, column };
    return refuseName(text, column, name, longestFirst, functions, false);
  }
  const number = NUMBER.exec(rest)?.[0];
  if (number !== undefined) {
    const after = rest.slice(number.length);
    if (after !== "" && (NAME_CHARACTER.test(after[0]) || after[0] === ".")) {
      const whole = /^[\p{L}\p{N}_$.]+/u.exec(rest)?.[0] ?? number;
      const guess = closestName(whole, longestFirst);
      throw expressionError(
        text,
        column,
        `"${whole.slice(0, 60)}" is neither a number nor a known name`,
        guess === null ? "Write every multiplication, for example 2 * x." : `Did you mean "${guess}"?`,
      );
    }
    if (!Number.isFinite(Number(number)))
      throw expressionError(text, column, `"${number}" is too large for a number`, "Write a smaller one.");
    return { kind: "number", text: number, column };
  }
  const operator = OPERATOR.exec(rest)?.[0];
  if (operator !== undefined) return { kind: "operator", text: operator, column };
  const punctuation = PUNCTUATION.get(rest[0]);
  if (punctuation !== undefined) return { kind: punctuation, text: rest[0], column };
  const todo = REFUSED.find(([pattern]) => pattern.test(rest))?.[1] ?? "Remove it.";
  const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  throw expressionError(text, column, `${JSON.stringify(character)} is not allowed`, todo);
}
