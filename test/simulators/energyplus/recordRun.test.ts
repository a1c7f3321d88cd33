import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { zonePoint } from "#domain/points";
import { eioTable, zoneFacts } from "#simulators/energyplus/eio";
import { excitationTape, excitedRange } from "#simulators/energyplus/excitation";
import { recordRun } from "#simulators/energyplus/recordRun";
import { engine, named, whyNot } from "./engineHere.js";

const eio = `! <Zone Information>,Zone Name,North Axis {deg},Floor Area {m2},Volume {m3},Zone Multiplier,Zone List Multiplier
 Zone Information,CORE,0.0,150.5,450.0,2,3
! <Zone Sizing Information>, Zone Name, Load Type, Calc Des Load {W}, User Des Load {W}
 Zone Sizing Information, CORE, Heating, 1200.5, 1500.6
 Zone Sizing Information, CORE, Cooling, 2400, 2400
 Zone Sizing Information, OTHER, Cooling, 1, 1
`;

describe("what the engine says of zones", () => {
  it("is found by the fields' names, one zone's copy apart from its multipliers", () => {
    expect(zoneFacts(eio, ["Core"])).toEqual([
      { floorAreaM2: 150.5, volumeM3: 450, multiplier: 6, designHeatingW: 1200.5, designCoolingW: 2400 },
    ]);
    expect(eioTable(eio, "Zone Sizing Information")).toHaveLength(3);
  });
  it("is unknown, not 0, where it says nothing", () => {
    expect(zoneFacts("", ["Core"])[0]).toEqual({
      floorAreaM2: Number.NaN,
      volumeM3: Number.NaN,
      multiplier: Number.NaN,
      designHeatingW: Number.NaN,
      designCoolingW: Number.NaN,
    });
  });
});

describe("exciting setpoints", () => {
  it("lie in the plausible range, cooling a kelvin above heating at least, and are the same for the same seed", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.integer({ min: 1, max: 4 }),
        (seed, stream, zones) => {
          const tape = excitationTape(seed, stream, zones, 7, 96);
          expect(tape).toEqual(excitationTape(seed, stream, zones, 7, 96));
          expect(tape.length).toBe(7 * 96 * zones * 2);
          for (let i = 0; i < tape.length; i += 2) {
            const [heatingC, coolingC] = [tape[i]!, tape[i + 1]!];
            expect(Number.isNaN(heatingC)).toBe(Number.isNaN(coolingC));
            if (Number.isNaN(heatingC)) continue;
            expect(heatingC).toBeGreaterThanOrEqual(excitedRange.heatingC[0]);
            expect(heatingC).toBeLessThanOrEqual(excitedRange.heatingC[1]);
            expect(coolingC).toBeGreaterThanOrEqual(Math.max(excitedRange.coolingC[0], heatingC + 1 - 1e-9));
            expect(coolingC).toBeLessThanOrEqual(excitedRange.coolingC[1]);
          }
        },
      ),
      { numRuns: 8 },
    );
  });
  it("of six days leave two to the building, and move zones apart on one", () => {
    const tape = excitationTape(3, 5, 2, 6, 96);
    const day = (d: number): Float64Array => tape.subarray(d * 96 * 4, (d + 1) * 96 * 4);
    const days = [0, 1, 2, 3, 4, 5].map(day);
    expect(days.filter((one) => one.every(Number.isNaN))).toHaveLength(2);
    const apart = days.map((one) =>
      Math.max(...Array.from({ length: 96 }, (_, k) => Math.abs(one[4 * k]! - one[4 * k + 2]!)).filter(Number.isFinite), 0),
    );
    expect(apart.filter((value) => value > 1.1)).toHaveLength(1);
    expect(apart.filter((value) => value > 0 && value <= 1)).toHaveLength(2);
  });
});

describe.skipIf(whyNot !== null)(named("a recorded run"), () => {
  it("obeys the tape in the step after each row, and knows the zones' sizes", async () => {
    const tape = (zones: number, days: number, stepsPerDay: number): Float64Array => {
      const out = new Float64Array(days * stepsPerDay * zones * 2).fill(Number.NaN);
      for (let step = 40; step < 60; step++)
        for (let zone = 0; zone < zones; zone++) out.set([17 + zone / 10, 26], 2 * (step * zones + zone));
      return out;
    };
    const { dataset, zones } = await recordRun({
      engine,
      building: "five-zone-office",
      weather: "pittsburgh",
      firstDayMs: Date.UTC(1991, 0, 2),
      days: 1,
      tape,
    });
    expect(dataset.timesMs.length).toBe(96);
    expect(dataset.timesMs[0]).toBe(Date.UTC(1991, 0, 2, 0, 15));
    zones.forEach(({ id, floorAreaM2, designHeatingW }, z) => {
      const heating = dataset.columns.get(zonePoint(id, "heatingSetpointC"))!;
      // Row k ends step k + 1, in which the tape's step k was in force.
      for (let k = 40; k < 60; k++) expect(heating[k]).toBeCloseTo(17 + z / 10, 4);
      expect(heating[39]).not.toBeCloseTo(17 + z / 10, 4);
      expect(heating[60]).not.toBeCloseTo(17 + z / 10, 4);
      expect(floorAreaM2).toBeGreaterThan(40);
      expect(designHeatingW).toBeGreaterThan(100);
    });
  });
});
