import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createZoneResponse, defaultResponseRules, zoneResponseAlarm } from "#loop/zoneResponse";

const MINUTE = 60_000;
const startMs = Date.UTC(2025, 0, 10, 6);
const setpoints = { heatingSetpointC: 21, coolingSetpointC: 24 };

/** Looks once a minute at a zone whose temperature after m minutes is `at(m)`; the minutes in which it stands as not responding. */
const watched = (
  at: (minute: number) => number | undefined,
  minutes: number,
  options: { isSlow?: boolean; heatingC?: (m: number) => number } = {},
) => {
  const response = createZoneResponse();
  const standing: number[] = [];
  for (let m = 0; m <= minutes; m++) {
    const pair = { ...setpoints, heatingSetpointC: options.heatingC?.(m) ?? 21 };
    const found = response.look(
      new Map([["a", { temperatureC: at(m), setpoints: pair, isSlow: options.isSlow ?? false }]]),
      startMs + m * MINUTE,
    );
    if (found.has("a")) standing.push(m);
  }
  return standing;
};

describe("a zone that is heated but does not warm", () => {
  it("is told of after an hour and a half without a pause, and no longer once it moves", () => {
    // 18 °C until two hours are over, then 1 K an hour.
    const standing = watched((m) => (m < 120 ? 18 : 18 + (m - 120) / 60), 200);
    expect(standing[0]).toBe(90);
    expect(standing.at(-1)).toBe(120 + 17);
    expect(standing).toHaveLength(standing.at(-1)! - 90 + 1);
  });

  it("is none while it warms, however slowly it goes, nor before it is called for", () => {
    expect(watched((m) => 17 + (0.15 * m) / 60, 600)).not.toEqual([]);
    expect(watched((m) => 17 + (0.24 * m) / 60, 600)).toEqual([]);
    expect(watched(() => 20.1, 600)).toEqual([]);
    expect(watched(() => undefined, 600)).toEqual([]);
  });

  it("begins anew with every pause of the call, and ends with it", () => {
    expect(watched((m) => (m % 80 === 79 ? 20.5 : 18), 600)).toEqual([]);
    expect(watched(() => 18, 200, { heatingC: (m) => (m < 120 ? 21 : 16) }).at(-1)).toBe(119);
  });

  it("is given a working day where heat takes hours", () => {
    expect(watched(() => 18, 479, { isSlow: true })).toEqual([]);
    expect(watched(() => 18, 480, { isSlow: true })).toEqual([480]);
  });

  it("counts for cooling as well", () => {
    const standing = watched(() => 27, 90);
    expect(standing).toEqual([90]);
  });

  it("stands exactly where the temperature of the rule's time ago is less than the least move away (any course of temperatures)", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -0.3, max: 0.3, noNaN: true }), { minLength: 100, maxLength: 300 }), (moves) => {
        const course: number[] = [12];
        for (const move of moves) course.push(Math.min(19.9, course.at(-1)! + move));
        const standing = new Set(watched((m) => course[m], moves.length));
        const lasts = defaultResponseRules.lastsMs / MINUTE;
        for (let m = 0; m < lasts; m++) expect(standing.has(m)).toBe(false);
        for (let m = lasts; m <= moves.length; m++) {
          // Temperatures are kept every five minutes: the one looked back to is up to that much older.
          const before = course.slice(Math.max(0, m - lasts - 5), m - lasts + 1);
          const moved = before.map((fromC) => course[m]! - fromC < defaultResponseRules.leastMoveK);
          if (moved.every((still) => still)) expect(standing.has(m), `minute ${m}`).toBe(true);
          if (moved.every((still) => !still)) expect(standing.has(m), `minute ${m}`).toBe(false);
        }
      }),
    );
  });

  it("says what, since when and what to check", () => {
    const alarm = zoneResponseAlarm("a", { call: "cooling", sinceMs: startMs, fromC: 27, nowC: 27.12 }, startMs + 95 * MINUTE);
    expect(alarm).toMatchObject({ id: "zone-response:a", level: "warning", zone: "a" });
    expect(alarm.text).toBe("Zone a is cooled but does not cool down: 27.0 °C 95 min ago, 27.1 °C now.");
    expect(alarm.action).toMatch(/damper/);
  });
});
