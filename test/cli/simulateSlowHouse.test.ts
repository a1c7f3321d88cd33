import { describe, expect, it } from "vitest";
import { checkCombination, type SimulateOptions } from "#cli/simulateOptions";
import { describeResult } from "#cli/simulateReport";
import { actingRuleName, actingSequence, ruleHabits } from "#cli/simulateRules";
import { runSimulation } from "#cli/simulateRun";
import { simulationLimits } from "#cli/simulateSite";
import { ruleSequence } from "#controllers/ruleBased";

const options: SimulateOptions = {
  plant: "slow-house",
  building: "five-zone-office",
  weather: "pittsburgh",
  data: null,
  start: "01-04",
  year: 1991,
  days: 1,
  controller: "rule",
  leadSteps: 8,
  ramp: false,
  allowFallback: true,
  history: "schedule",
  historyDays: 1,
  comfort: null,
  tariff: "flat-demand",
  objective: "energy",
  forecastError: "none",
  backend: "auto",
  samples: 1000,
  horizonSteps: 20,
  prior: "none",
  relearn: "never",
  seed: 1,
};
const lines: string[] = [];
const context = { signal: new AbortController().signal, say: (line: string) => void lines.push(line), progress: () => undefined };
const only =
  (...names: string[]) =>
  (name: string): boolean =>
    names.includes(name);

describe("simulate --plant slow-house", () => {
  it("is the embedded slow house", async () => {
    const { result } = await runSimulation(options, context);
    const { result: asBuilding } = await runSimulation({ ...options, plant: "rc", building: "slow-house" }, context);
    expect(Object.keys(result.comfortViolationPctByZone)).toEqual(["house"]);
    expect(result.hvacElectricityKwh).toBe(asBuilding.hvacElectricityKwh);
    expect(result.hvacElectricityKwh).toBeGreaterThan(20);
  });
  it("refuses another building", () => {
    expect(() => checkCombination(options, only("building"))).toThrow(/a building of its own/);
    expect(() => checkCombination({ ...options, building: "slow-house" }, only("building"))).not.toThrow();
    expect(() => checkCombination(options, only())).not.toThrow();
  });
  it("is searched for its best rule with leads of up to twelve hours and a constant band; the cheapest that keeps comfort is named", async () => {
    lines.length = 0;
    const { result } = await runSimulation({ ...options, controller: "rule-best" }, context);
    const { tried } = ruleHabits(true);
    const seen = lines.flatMap((line) => {
      const match = /^rule \d+ of (\d+): (.*): ([\d.]+) %, ([\d.]+) kWh/.exec(line);
      return match === null ? [] : [{ of: Number(match[1]), name: match[2]!, violationPct: Number(match[3]), kwh: Number(match[4]) }];
    });
    expect(seen.map(({ name }) => name)).toEqual(tried.map(actingRuleName));
    for (const name of ["lead 0", "lead 12 ramp", "lead 48", "constant", "constant, 1 K above the band"])
      expect(seen.map((one) => one.name)).toContain(name);
    const keeping = seen.filter(({ violationPct }) => violationPct <= 0.5);
    const wanted =
      keeping.length > 0
        ? Math.min(...keeping.map(({ kwh }) => kwh))
        : seen.reduce((a, b) => (b.violationPct < a.violationPct ? b : a)).kwh;
    expect(result.hvacElectricityKwh).toBeCloseTo(wanted, 0);
    const best =
      result.bestLead === undefined ? { raiseK: result.bestConstantRaiseK! } : { leadSteps: result.bestLead, ramp: result.bestRamp! };
    expect(seen.find(({ name }) => name === actingRuleName(best))!.kwh).toBeCloseTo(result.hvacElectricityKwh, 0);
    expect(describeResult(result, options)).toContain(actingRuleName(best));
  }, 180_000);
});

describe("rules", () => {
  it("are the protocol's where heat is quick: 0 to 12 steps, with and without a ramp", () => {
    const names = ruleHabits(false).tried.map(actingRuleName);
    expect(names).toHaveLength(25);
    expect(names.slice(0, 3)).toEqual(["lead 0", "lead 1", "lead 1 ramp"]);
    expect(names.at(-1)).toBe("lead 12 ramp");
  });
  const around = {
    zones: ["house"],
    comfort: new Map([
      [
        "house",
        { lowerC: Float64Array.of(20, 20, 22, 22), upperC: Float64Array.of(23.5, 23.5, 22.5, 24), occupied: Uint8Array.of(0, 0, 1, 0) },
      ],
    ]),
    localMs: Float64Array.of(1, 2, 3, 4).map((k) => k * 900_000),
    offset: 0,
    horizonSteps: 4,
    setback: { heatingSetpointC: 15, coolingSetpointC: 30 },
    limits: { ...simulationLimits, deadbandK: 0 },
  };
  it("hold a constant band whether anybody is there or not, raised but never above its cooling side", () => {
    const { heatingSetpointC, coolingSetpointC, name } = actingSequence(around, { raiseK: 1 });
    expect([...heatingSetpointC]).toEqual([21, 21, 22.5, 23]);
    expect([...coolingSetpointC]).toEqual([23.5, 23.5, 22.5, 24]);
    expect(name).toBe("rule constant, 1 K above the band");
  });
  it("with a lead are the controller's own", () => {
    const rule = { leadSteps: 1, ramp: false };
    expect(actingSequence(around, rule)).toEqual(ruleSequence(around, rule));
    expect([...actingSequence(around, rule).heatingSetpointC]).toEqual([15, 22, 22, 15]);
  });
});
