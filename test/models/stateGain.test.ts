import { describe, expect, it } from "vitest";
import { stateGain } from "#models/thermostat/stateGain";
import { thermostatStructure } from "#models/thermostat/structure";

const structure = thermostatStructure({ zone: "room", neighbours: [], irradiance: null, occupancyScale: 0 });
const d = structure.columns.length;

/** The gain of a zone whose linear part has these coefficients per kelvin (no data: the prior mean's own). */
const gainOf = (perKelvin: (kind: string, timeConstantS: number) => number, stepS = 900): number => {
  const meanCoefficients = Float64Array.from(structure.columns, ({ feature: { term, scale } }) =>
    term.kind === "gated" ? 0 : scale * perKelvin(term.kind, term.kind === "slowMean" ? term.timeConstantS : 0),
  );
  const kernel = { kind: "sum" as const, parts: [{ kind: "linear" as const, dims: [], lengthscales: [] }] };
  return stateGain(structure, { kernel, meanCoefficients, x: new Float64Array(0), n: 0, d }, new Float64Array(0), stepS);
};
const offsets = structure.columns.filter(({ feature: { term } }) => term.kind === "offset").length;

describe("what is left of an error after a step of free float", () => {
  it("is 1 less the pull of outdoor air for a zone without memory", () => {
    expect(gainOf((kind) => (kind === "offset" ? 0.1 / offsets : 0))).toBeCloseTo(0.9, 3);
  });

  it("is more where masses take up the error and give it back than their pull at first suggests", () => {
    const pull = (kind: string): number => (kind === "slowMean" ? 0.1 : kind === "offset" ? 0.02 / offsets : 0);
    const masses = structure.columns.filter(({ feature: { term } }) => term.kind === "slowMean").length;
    expect(gainOf(pull)).toBeGreaterThan(1 - 0.02 - 0.1 * masses + 0.03);
    expect(gainOf(pull)).toBeLessThan(0.98);
  });

  it("never leaves [0.3, 0.98]: a zone without any pull, one that would run away, and one that forgets at once", () => {
    expect(gainOf(() => 0)).toBeCloseTo(0.98, 6);
    expect(gainOf((kind) => (kind === "offset" ? -0.05 : 0))).toBeCloseTo(0.98, 6);
    expect(gainOf((kind) => (kind === "offset" ? 1 / offsets : 0))).toBeCloseTo(0.3, 6);
  });
});
