import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IsothermError } from "#domain/errors";
import { closestName } from "#math/closestName";
import { compileExpression, expressionFunctions, expressionProblem } from "#math/expressions";
import { mathjs } from "#math/mathjsBundle";

const points = ["space1.zoneAirTempC", "space2.zoneAirTempC", "zone-1.zoneAirTempC", "101.zoneAirTempC", "site.outdoorAirTempC", "value"];
const scope = {
  "space1.zoneAirTempC": 20,
  "space2.zoneAirTempC": 22,
  "zone-1.zoneAirTempC": 5,
  "101.zoneAirTempC": 7,
  "site.outdoorAirTempC": -3,
  value: 212,
};
const run = (text: string): number | null => compileExpression(text, points).evaluate(scope);
const problem = (text: string, symbols: readonly string[] = points): string => {
  const error = expressionProblem(text, symbols);
  if (error === null) throw new Error(`${text} was accepted`);
  expect(error.kind).toBe("configuration");
  return error.describe();
};

describe("compileExpression", () => {
  it.each<[string, number]>([
    ["1 + 2 * 3", 7],
    ["-2 ^ 2", -4],
    ["2 ^ 3 ^ 2", 512],
    ["(value - 32) / 1.8", 100],
    ["5. + .5 + 1e2", 105.5],
    ["space1.zoneAirTempC", 20],
    ["(space1.zoneAirTempC + space2.zoneAirTempC) / 2", 21],
    ["mean(space1.zoneAirTempC,space2.zoneAirTempC)", 21],
    ["zone-1.zoneAirTempC - 1", 4],
    ["2*101.zoneAirTempC", 14],
    ["space1.zoneAirTempC-zone-1.zoneAirTempC", 15],
    ["space1.zoneAirTempC > 19 and not (space2.zoneAirTempC > 30) ? 1 : 0", 1],
    ["0 < space1.zoneAirTempC < 10 ? 1 : 0", 0],
    ["1 > 2 ? 1 : 2 > 1 ? 3 : 4", 3],
    ["0.1 + 0.2 == 0.3 ? 1 : 0", 1],
    ["(1 > 2) xor (2 > 1) ? 1 : 0", 1],
    ["clamp(value, 0, 100)", 100],
    ["min(3, 1, 2) + max(4, 6)", 7],
    ["round(2.345, 1)", 2.3],
    ["round(-2.5)", -3],
    ["mod(-1, 3)", 2],
    ["log(8, 2)", 3],
    ["median(1, 9, 3, 5)", 4],
    ["cos(pi)", -1],
    ["log(e)", 1],
    ["hypot(3, 4)", 5],
  ])("computes %s", (text, expected) => {
    expect(run(text)).toBeCloseTo(expected, 12);
  });

  it("takes a name as a symbol where it is one, and as a function where it is called", () => {
    expect(compileExpression("max(max, e)", ["max", "e"]).evaluate({ max: 1, e: 5 })).toBe(5);
  });

  it("lists the names it needs once each", () => {
    expect(compileExpression("value + space1.zoneAirTempC * value", points).symbols).toEqual(["value", "space1.zoneAirTempC"]);
  });

  it.each([
    "sqrt(-1)",
    "log(0)",
    "1 / 0",
    "0 / 0",
    "mod(5, 0)",
    "10 ^ 400",
    "exp(1000)",
    "asin(2)",
    "clamp(1, 3, 2)",
    "round(1, 0.5)",
    "-1 ^ 0.5 * 0 + (0 - 1) ^ 0.5",
  ])("gives null, not a number and not 0, for %s", (text) => {
    expect(run(text)).toBeNull();
  });

  it("gives null where a name it needs is missing or not finite, even in the branch not taken", () => {
    const expression = compileExpression("value > 0 ? 1 : space1.zoneAirTempC", points);
    expect(expression.evaluate({ value: 1 })).toBeNull();
    expect(expression.evaluate({ value: 1, "space1.zoneAirTempC": Number.NaN })).toBeNull();
    expect(expression.evaluate({ value: Number.POSITIVE_INFINITY, "space1.zoneAirTempC": 1 })).toBeNull();
    expect(expression.evaluate({ value: 1, "space1.zoneAirTempC": 20 })).toBe(1);
    expect(compileExpression("constructor", ["constructor"]).evaluate({})).toBeNull();
  });

  it.each([
    ['cos.constructor("return process")()', 1],
    ['import("fs")', 1],
    ["f(x) = x", 1],
    ["a = 1", 1],
    ["value = 1", 7],
    ["value.constructor", 1],
    ["value.toString", 1],
    ["space1.zoneAirTempC.x", 1],
    ['value["constructor"]', 6],
    ["createUnit(1)", 1],
    ["evaluate(1)", 1],
    ["parse(1)", 1],
    ["170!", 4],
    ["value!", 6],
    ["value'", 6],
    ["5 %", 3],
    ["[1, 2]", 1],
    ["{a: 1}", 1],
    ['"text"', 1],
    ["1; 2", 2],
    ["1\n2", 2],
    ["1:2", 1],
    ["2 value", 3],
    ["2(3)", 2],
    ["(2)(3)", 4],
    ["value pi", 7],
    ["2value", 1],
    ["0x1F", 1],
    ["1e999", 1],
    ["1..2", 1],
    ["5 to 6", 3],
    ["5 degC", 3],
    ["i", 1],
    ["NaN", 1],
    ["Infinity", 1],
    ["true", 1],
    ["null", 1],
    ["p0", 1],
    ["end", 1],
    ["value & 1", 7],
    ["value | 1", 7],
    ["~value", 1],
    ["value .* 2", 7],
    ["value << 2", 8],
    ["value # note", 7],
    ["__proto__", 1],
    ["sin", 1],
    ["sin()", 1],
    ["sin(1, 2)", 1],
    ["clamp(1)", 1],
    ["value > 1", 1],
    ["(value > 1) + 1", 2],
    ["value ? 1 : 2", 1],
    ["not value ? 1 : 2", 5],
    ["value > 0 ? 1 : value > 2", 13],
    ["1 + ", 3],
    ["", 1],
    ["   ", 1],
    ["(1", 2],
    ["1)", 2],
    ["* 2", 1],
    ["max(1,,2)", 7],
    ["💥", 1],
    ["value + spaec1.zoneAirTempC", 9],
  ])("refuses %s, naming column %i", (text, column) => {
    expect(problem(text)).toContain(`column ${column}:`);
  });

  it("says what was probably meant", () => {
    expect(problem("value + spaec1.zoneAirTempC")).toContain('Did you mean "space1.zoneAirTempC"?');
    expect(problem("sqr(2)")).toContain('Did you mean "sqrt"?');
    expect(problem("space1.zoneAirtempC")).toContain('Did you mean "space1.zoneAirTempC"?');
    expect(problem("value > 20")).toContain("? 1 : 0");
  });

  it.each([
    ["parentheses", "(".repeat(500) + ")".repeat(500)],
    ["signs", `${"-".repeat(900)}1`],
    ["powers", `1${"^1".repeat(400)}`],
    ["conditions", "1>2?1:".repeat(160).concat("1")],
    ["calls", "abs(".repeat(150) + 1 + ")".repeat(150)],
    ["parts", `1${"+1".repeat(400)}`],
    ["length", `1${" ".repeat(2000)}+1`],
    ["not", `${"not ".repeat(200)}(1>2) ? 1 : 0`],
  ])("refuses too many %s", (_name, text) => {
    expect(problem(text)).toMatch(/deep|parts|characters/);
  });

  it("never shows a very long text in full", () => {
    expect(problem(`${"a".repeat(900)}`).length).toBeLessThan(600);
  });

  it("never fails in any other way, whatever the text", () => {
    const piece = fc.constantFrom(
      ...points,
      ...expressionFunctions,
      "+",
      "-",
      "*",
      "/",
      "^",
      "(",
      ")",
      ",",
      "?",
      ":",
      "<",
      ">=",
      "==",
      "=",
      "!",
      "and",
      "not",
      "xor",
      "or",
      "mod",
      "to",
      "in",
      "%",
      "'",
      '"',
      ".",
      "[",
      "]",
      "{",
      "}",
      ";",
      "\n",
      "constructor",
      "__proto__",
      "p0",
      "p1",
      "import",
      "f(x)=",
      "1",
      "2.5",
      "1e5",
      "0b1",
      "i",
      "end",
      " ",
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(" ")),
      fc.array(piece, { maxLength: 12 }).map((parts) => parts.join("")),
      fc.string({ unit: "binary" }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(text, (source) => {
        let result: number | null;
        try {
          result = compileExpression(source, points).evaluate(scope);
        } catch (error) {
          if (!(error instanceof IsothermError)) throw error;
          return /column \d+:/.test(error.message);
        }
        accepted += 1;
        return result === null || (typeof result === "number" && Number.isFinite(result));
      }),
      { numRuns: 5000, seed: 7 },
    );
    expect(accepted).toBeGreaterThan(20);
  });

  it("agrees with mathjs's own evaluation on random formulas", () => {
    const { formula } = fc.letrec<{ formula: string; truth: string }>((tie) => ({
      formula: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        fc.constantFrom("value", "x", "2", "0.5", "7.25", "pi"),
        fc.tuple(tie("formula"), fc.constantFrom("+", "-", "*", "/"), tie("formula")).map(([a, op, b]) => `${a} ${op} ${b}`),
        tie("formula").map((a) => `-(${a})`),
        fc.tuple(fc.constantFrom("abs", "sin", "atan", "cbrt", "square", "exp"), tie("formula")).map(([f, a]) => `${f}(${a})`),
        fc.tuple(fc.constantFrom("min", "max"), tie("formula"), tie("formula")).map(([f, a, b]) => `${f}(${a}, ${b})`),
        fc.tuple(tie("truth"), tie("formula"), tie("formula")).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
      ),
      truth: fc.oneof(
        { maxDepth: 3 },
        fc
          .tuple(tie("formula"), fc.constantFrom("<", ">", "<=", ">=", "==", "!="), tie("formula"))
          .map(([a, op, b]) => `(${a}) ${op} (${b})`),
        fc.tuple(tie("truth"), fc.constantFrom("and", "or", "xor"), tie("truth")).map(([a, op, b]) => `(${a}) ${op} (${b})`),
        tie("truth").map((a) => `not (${a})`),
      ),
    }));
    let compared = 0;
    fc.assert(
      fc.property(
        formula,
        fc.integer({ min: -400, max: 400 }).map((n) => n / 8),
        fc.integer({ min: -16, max: 16 }).map((n) => n / 8),
        (text, value, x) => {
          if (text.length > 900 || expressionProblem(text, ["value", "x"]) !== null) return;
          compared += 1;
          const ours = compileExpression(text, ["value", "x"]).evaluate({ value, x });
          const theirs: unknown = mathjs.evaluate(text, { value, x });
          if (typeof theirs === "number" && Number.isFinite(theirs))
            expect(ours).toBeCloseTo(theirs, 9 - Math.ceil(Math.log10(1 + Math.abs(theirs))));
          else expect(ours).toBeNull();
        },
      ),
      { numRuns: 1000, seed: 11 },
    );
    expect(compared).toBeGreaterThan(500);
  });
});

describe("closestName", () => {
  it("finds swapped, missing and wrongly cased letters, and nothing for strangers", () => {
    expect(closestName("lable", ["id", "label"])).toBe("label");
    expect(closestName("TimeZone", ["timeZone", "label"])).toBe("timeZone");
    expect(closestName("zzz", ["id", "label"])).toBeNull();
    expect(closestName("x".repeat(10_000), ["x"])).toBeNull();
  });
});
