import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainProbe } from "#controllers/mppi/probing";
import {
  explainDoubted,
  explainHedge,
  explainLate,
  explainNotFinite,
  explainPlan,
  explainTooUncertain,
  explainUnsure,
  explainZone,
  type ReasonInput,
} from "#controllers/mppi/reason";
import { alarmKind, germanAlarms } from "#dashboards/web/catalogue/deAlarms";
import { germanReason } from "#dashboards/web/catalogue/deReasons";
import type { PredictedPlan } from "#domain/plan";

const zones = ["space1-1", "north_wing", "c"];
const label = (zone: string): string => `«${zone}»`;
const german = (text: string): string => germanReason(text, label);

/** English words that no German sentence has. */
const english = /\b(the|rule|heating|cooling|would|outside|band is|people|sure|plans|earlier|later|costs|saves|warmer|cooler|comfort)\b/i;
const isGerman = (text: string, said: string): void => {
  expect([text, english.exec(said.replace(/rule lead \d+( ramp)?/g, ""))]).toEqual([text, null]);
  expect(said).not.toMatch(/\d\.\d/);
};

const horizon = 6;
const steps = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { minLength: horizon, maxLength: horizon });
const setpoint = fc.constantFrom(15, 18, 20, 21.5, 23, 26, 30);
const predicted: fc.Arbitrary<PredictedPlan> = fc
  .record({
    zones: fc.tuple(
      ...zones.map(() =>
        fc.record({
          heatingSetpointC: steps(setpoint),
          coolingSetpointC: steps(setpoint),
          meanC: steps(fc.double({ min: 14, max: 28, noNaN: true })),
          stdDevK: steps(fc.double({ min: 0.01, max: 1.5, noNaN: true })),
        }),
      ),
    ),
    powerW: steps(fc.double({ min: 0, max: 9000, noNaN: true })),
    energy: fc.double({ min: -5, max: 50, noNaN: true }),
    comfort: fc.double({ min: 0, max: 20, noNaN: true }),
  })
  .map(({ zones: trajectories, powerW, energy, comfort }) => ({
    zones: Object.fromEntries(trajectories.map((one, z) => [zones[z]!, one])),
    powerW,
    cost: { comfort, energy, uncertainty: 0, movement: 0, total: comfort + energy },
  }));
const input: fc.Arbitrary<ReasonInput> = fc
  .record({
    chosen: predicted,
    rule: predicted,
    isRule: fc.boolean(),
    occupied: steps(fc.boolean()),
    currency: fc.constantFrom("EUR", "USD", "kWh", "€"),
    comfortPerKh: fc.constantFrom(0, 0.5, 10),
  })
  .map(({ chosen, rule, isRule, occupied, currency, comfortPerKh }) => ({
    zones,
    stepS: 900,
    comfort: Object.fromEntries(
      zones.map((zone) => [zone, { lowerC: occupied.map(() => 20), upperC: occupied.map(() => 23.5), occupied }]),
    ),
    chosen: isRule ? { ...rule, cost: chosen.cost } : chosen,
    rule,
    ruleName: "rule lead 4 ramp",
    nowC: [17, 21, 25],
    currency,
    comfortPerKh,
  }));

describe("reasons in German", () => {
  it("say whatever a plan's reason says, for every kind of difference, cost and comfort", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(input, fc.boolean(), (one, fromZone) => {
        const text = fromZone ? explainZone(one, "north_wing") : explainPlan(one);
        const said = german(text);
        kinds.add(said.slice(0, 5));
        isGerman(text, said);
        // No number is lost.
        const numbers = (sentence: string): string[] =>
          [
            ...sentence
              .replaceAll("north_wing", "")
              .replaceAll("space1-1", "")
              .matchAll(/\d+(?:[.,]\d+)?/g),
          ]
            .map(([n]) => n.replace(",", "."))
            .sort();
        expect(numbers(said)).toEqual(numbers(text));
      }),
      { numRuns: 1500 },
    );
    expect(kinds.size).toBeGreaterThanOrEqual(4);
  });

  it("reads one sentence after the other, with zones by their labels", () => {
    const text =
      "Starts heating space1-1 (and 3 more zones) 105 min before occupancy, 45 min earlier than the rule would: spares 0.10 Kh outside the band and saves 6.41 EUR, comfort is expected within 0.1 K of the band for 98 % of the time that people are there." +
      explainUnsure([{ zone: "c", surestK: 0.34 }], 0.14);
    expect(german(text)).toBe(
      "Beginnt 105 min vor der Belegung, «space1-1» (und 3 weitere Zonen) zu heizen, 45 min früher als die Regel: erspart 0,10 Kh außerhalb des Bands und spart 6,41 EUR, das Band wird in 98 % der Zeit, in der jemand da ist, auf 0,1 K eingehalten. " +
        "In «c» handelt die Regel: Kein Plan ist dort sicher genug, der sicherste streut um 0,34 K, erlaubt sind 0,14 K.",
    );
  });

  it.each([
    explainTooUncertain(1000, 0.3, 0.14, "rule lead 4 ramp"),
    explainUnsure(
      [
        { zone: "c", surestK: 0.3 },
        { zone: "d", surestK: 0.4 },
      ],
      0.14,
    ),
    explainDoubted(["c"], new Map([["c", "the last 16 steps ended 2.7 times as far from the model's predictions as they should"]])),
    explainDoubted(zones, new Map(), "rule lead 4"),
    explainDoubted(
      ["c"],
      new Map([["c", "planning has cost 14 % more than the rule was predicted to, over 190 decisions"]]),
      "rule lead 4",
    ),
    explainDoubted(["c"], new Map([["c", "the model is of the first days and has to prove itself first (6 hours of data wanted)"]])),
    explainHedge({ count: 5, expectedCost: 1, worstCost: 2, insteadOfCost: 1.5 }, "EUR"),
    explainNotFinite(1000, "rule lead 4"),
    explainLate("rule lead 4"),
    explainProbe({ zone: "c", mode: "heating", setpointC: 21, plannedC: 20.4, cost: 0.0123, stdDevK: 0.2 }, "EUR"),
    explainProbe({ zone: "c", mode: "cooling", setpointC: 23, plannedC: 23.4, cost: 0.0123, stdDevK: 0.2 }, "EUR"),
    "No model has been learned yet: rule lead 4 instead.",
    "The planner is still busy with an earlier decision: rule lead 4 instead.",
    "Nothing fresh to plan from (Stale data: space1.zoneAirTempC has no value in the newest row (2026-01-08T13:15:00.000Z).): rule lead 4 instead.",
    "Nothing fresh to plan from (Stale data: 3 rows of history; the model looks back 8.): rule lead 4 instead.",
    "The planner failed (out of memory): rule lead 4 instead.",
    "The plan took longer than 22.5 s: rule lead 4 instead.",
    "The plan is not finite: rule lead 4 instead.",
    "Acts on the model's plan; what the rule would do could not be predicted.",
    "Set by ada (too cold at the window).",
  ])("knows %s", (text) => {
    const said = german(text.trim());
    expect(said).not.toBe(text.trim());
    isGerman(text, said.replace("too cold at the window", ""));
  });

  it("leaves what it does not know as it is, and reads on after it", () => {
    const text = "Prices of 3 h are taken from yesterday. The rule decides.";
    expect(german(text)).toBe("Prices of 3 h are taken from yesterday. Die Regel entscheidet.");
    fc.assert(fc.property(fc.string(), (any) => typeof german(any) === "string"));
  });

  it("has words of its own for what the status says of who is in charge", () => {
    const source = readFileSync(join(import.meta.dirname, "../../src/cli/daemon/statusBoard.ts"), "utf8");
    const sentences = [...source.matchAll(/"([A-Z][^"]+ [^"]*\.)"/g)].map(([, sentence]) => sentence!);
    expect(sentences.length).toBeGreaterThan(8);
    for (const sentence of sentences) expect(german(sentence)).not.toBe(sentence);
  });
});

describe("alarms in German", () => {
  const root = join(import.meta.dirname, "../../src");
  const sources = ["loop", "cli/daemon", "cli"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(join(root, folder, name), "utf8")),
  );
  /** What stands as an id beside a level: an alarm that is raised somewhere. */
  const raised = new Set(
    sources.flatMap((source) =>
      [...source.matchAll(/id: [`"]([a-z][a-z-]*)(?::\$\{\w+\})?[`"],(?=[^{}]{0,200}\blevel\b)/g)].map(([, kind]) => kind!),
    ),
  );

  it("are known for every kind that the daemon raises", () => {
    expect(raised.size).toBeGreaterThan(20);
    expect([...raised].filter((kind) => alarmKind(`${kind}:x`) === null)).toEqual([]);
    expect([alarmKind("frost:c"), alarmKind("overheat:c"), alarmKind("notify-webhook"), alarmKind("something-new")]).toEqual([
      "frost",
      "overheat",
      "notify",
      null,
    ]);
  });

  it("say what it is about and what to do, in sentences", () => {
    for (const [kind, { text, action }] of Object.entries(germanAlarms)) {
      expect([kind, text("Südzimmer")]).toEqual([kind, expect.stringMatching(/^Südzimmer: .+\.$/)]);
      expect([kind, action]).toEqual([kind, expect.stringMatching(/\.$/)]);
    }
  });
});
