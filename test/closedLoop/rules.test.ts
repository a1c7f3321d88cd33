import { beforeAll, describe, expect, it } from "vitest";
import type { SimulateOptions } from "#cli/simulateOptions";
import { runSimulation, type SimulationOutcome } from "#cli/simulateRun";

const context = { signal: new AbortController().signal, say: () => undefined, progress: () => undefined };
const options: SimulateOptions = {
  plant: "rc",
  building: "five-zone-office",
  weather: "new-york",
  data: null,
  start: "01-02",
  year: 1991,
  days: 2,
  controller: "rule",
  leadSteps: 4,
  ramp: false,
  allowFallback: true,
  history: "none",
  historyDays: 7,
  comfort: null,
  tariff: "flat-demand",
  objective: "energy",
  forecastError: "none",
  backend: "auto",
  samples: 100,
  horizonSteps: 20,
  prior: "none",
  relearn: "never",
  seed: 1,
};

describe("rules in charge of the RC office, two January days in New York", () => {
  const runs = new Map<number, SimulationOutcome>();
  beforeAll(async () => {
    for (const leadSteps of [0, 8]) runs.set(leadSteps, await runSimulation({ ...options, leadSteps }, context));
  });

  it("comes out the same twice", async () => {
    const again = await runSimulation({ ...options, leadSteps: 0 }, context);
    expect(again.rows).toEqual(runs.get(0)!.rows);
  });
  it("puts the decided pair in force in the very next row, all along", () => {
    const { rows, decisions } = runs.get(8)!;
    expect(decisions).toHaveLength(rows.length);
    rows.forEach(({ timeMs, values }, k) => {
      expect(timeMs).toBe(decisions[k]!.timeMs + 900_000);
      for (const [zone, pair] of Object.entries(decisions[k]!.command)) {
        expect(values.get(`${zone}.heatingSetpointC`)).toBe(pair.heatingSetpointC);
        expect(values.get(`${zone}.coolingSetpointC`)).toBe(pair.coolingSetpointC);
      }
    });
  });
  it("follows the protocol's rule: the band from 8 steps before the first occupied step to the last, otherwise 15/30", () => {
    const { rows } = runs.get(8)!;
    for (const day of [0, 1]) {
      const ofDay = rows.slice(day * 96, day * 96 + 96);
      const people = ofDay.map(({ values }) => (values.get("space1-1.occupancyCount") ?? 0) > 0);
      const [first, last] = [people.indexOf(true), people.lastIndexOf(true)];
      ofDay.forEach(({ values }, k) => {
        const pair = [values.get("space1-1.heatingSetpointC"), values.get("space1-1.coolingSetpointC")];
        expect(pair).toEqual(k >= first - 8 && k <= last ? [20, 23.5] : [15, 30]);
      });
    }
  });
  it("breaks comfort less and uses more energy with an earlier start", () => {
    const [late, early] = [runs.get(0)!.result, runs.get(8)!.result];
    expect(late.comfortViolationPct).toBeGreaterThan(early.comfortViolationPct);
    expect(late.hvacElectricityKwh).toBeLessThan(early.hvacElectricityKwh);
    expect(early.fallbackPct).toBe(0);
  });
});
