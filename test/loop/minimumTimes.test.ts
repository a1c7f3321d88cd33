import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ZoneSetpoints } from "#domain/setpoints";
import { keepRunning, type RunMemory, rememberRuns } from "#loop/minimumTimes";

const times = { minOnS: 300, minOffS: 600 };
const MINUTE_MS = 60_000;
const at = (pair: ZoneSetpoints) => new Map([["a", pair]]);
const pair = (heatingSetpointC: number, coolingSetpointC = 26): ZoneSetpoints => ({ heatingSetpointC, coolingSetpointC });

describe("least times on and off", () => {
  it("holds a setpoint that would end heating too soon, and lets it go once it has run", () => {
    const t = () => 20;
    let runs: RunMemory = rememberRuns(at(pair(18)), t, new Map(), 0);
    // Nobody knows since when it rests: it may begin.
    expect(keepRunning(at(pair(21)), at(pair(18)), t, runs, times, 0)).toEqual({ wanted: at(pair(21)), changes: [] });
    runs = rememberRuns(at(pair(21)), t, runs, 0);
    const soon = keepRunning(at(pair(18)), at(pair(21)), t, runs, times, 4 * MINUTE_MS);
    expect(soon.wanted.get("a")).toEqual(pair(21));
    expect(soon.changes).toEqual(["a: heating runs for less than 5 min, its setpoint stays"]);
    expect(keepRunning(at(pair(18)), at(pair(21)), t, runs, times, 5 * MINUTE_MS).wanted.get("a")).toEqual(pair(18));
    runs = rememberRuns(at(pair(18)), t, runs, 5 * MINUTE_MS);
    expect(keepRunning(at(pair(21)), at(pair(18)), t, runs, times, 14 * MINUTE_MS).changes).toEqual([
      "a: heating rests for less than 10 min, its setpoint stays",
    ]);
  });
  it("says so of cooling, too, and leaves alone what it knows nothing of", () => {
    const t = () => 25;
    const runs = rememberRuns(at(pair(20, 24)), t, rememberRuns(at(pair(20, 26)), t, new Map(), 0), 0);
    expect(keepRunning(at(pair(20, 27)), at(pair(20, 24)), t, runs, times, 1).changes).toEqual([
      "a: cooling runs for less than 5 min, its setpoint stays",
    ]);
    const wanted = at(pair(20, 27));
    expect(keepRunning(wanted, new Map(), t, runs, times, 1).wanted).toEqual(wanted);
    expect(keepRunning(wanted, at(pair(20, 24)), t, new Map(), times, 1).wanted).toEqual(wanted);
    expect(keepRunning(wanted, at(pair(20, 24)), () => undefined, runs, times, 1).wanted).toEqual(wanted);
    expect(rememberRuns(wanted, () => Number.NaN, runs, 2)).toEqual(runs);
    expect(rememberRuns(wanted, () => undefined, runs, 2)).toEqual(runs);
  });
  it("never lets a setpoint switch equipment before its time, whatever is wanted when", () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 12 * MINUTE_MS }),
      t: fc.double({ min: 15, max: 30, noNaN: true }),
      heating: fc.double({ min: 15, max: 22, noNaN: true }),
      cooling: fc.double({ min: 23, max: 30, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 30 }), (steps) => {
        let nowMs = 0;
        let runs: RunMemory = new Map();
        let inForce = at(pair(18));
        let switchedMs = Number.NEGATIVE_INFINITY;
        const heats = (p: ZoneSetpoints, t: number): boolean => t < p.heatingSetpointC;
        let on: boolean | null = null;
        for (const { waitMs, t, heating, cooling } of steps) {
          nowMs += waitMs;
          const temperature = () => t;
          runs = rememberRuns(inForce, temperature, runs, nowMs);
          const before = heats(inForce.get("a")!, t);
          // The room itself crossed its setpoint.
          if (on !== null && on !== before) switchedMs = nowMs;
          const { wanted } = keepRunning(at(pair(heating, cooling)), inForce, temperature, runs, times, nowMs);
          const after = heats(wanted.get("a")!, t);
          if (after !== before) {
            expect(nowMs - switchedMs).toBeGreaterThanOrEqual(1_000 * (before ? times.minOnS : times.minOffS));
            switchedMs = nowMs;
          }
          on = after;
          inForce = new Map(wanted);
          runs = rememberRuns(inForce, temperature, runs, nowMs);
        }
      }),
      { numRuns: 300 },
    );
  });
  it("does not wait longer because the clock was set back", () => {
    const t = () => 20;
    let runs = rememberRuns(at(pair(21)), t, rememberRuns(at(pair(18)), t, new Map(), 0), 100 * MINUTE_MS);
    runs = rememberRuns(at(pair(21)), t, runs, 0);
    expect(keepRunning(at(pair(18)), at(pair(21)), t, runs, times, 5 * MINUTE_MS).changes).toEqual([]);
  });
});
