import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLocalCalendar } from "#dashboards/server/localTime";

const zones = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "America/Sao_Paulo", "Asia/Kathmandu"];
const hourMs = 3_600_000;

describe("local calendar", () => {
  it("gives the days of a change of clocks 23 and 25 hours", () => {
    const berlin = createLocalCalendar("Europe/Berlin");
    const length = (timeMs: number): number =>
      (berlin.dayStartMs(berlin.dayStartMs(timeMs) + 26 * hourMs) - berlin.dayStartMs(timeMs)) / hourMs;
    expect(length(Date.UTC(2026, 2, 29, 12))).toBe(23);
    expect(length(Date.UTC(2026, 9, 25, 12))).toBe(25);
    expect(length(Date.UTC(2026, 5, 1, 12))).toBe(24);
  });

  it("keeps the two hours of an autumn change apart", () => {
    const berlin = createLocalCalendar("Europe/Berlin");
    const first = Date.UTC(2026, 9, 25, 0, 30);
    expect([berlin.hour(first), berlin.hour(first + hourMs)]).toEqual([2, 2]);
    expect(berlin.hourStartMs(first + hourMs) - berlin.hourStartMs(first)).toBe(hourMs);
  });

  it("finds the first instant of a named day, however far from UTC the site is", () => {
    for (const zone of [...zones, "Pacific/Kiritimati", "Pacific/Apia", "Etc/GMT+12"]) {
      const calendar = createLocalCalendar(zone);
      for (const day of ["2026-01-01", "2026-03-29", "2026-10-25", "2018-11-04"]) {
        const start = calendar.startOfMs(day);
        expect([zone, calendar.dayKey(start)]).toEqual([zone, day]);
        expect(calendar.dayKey(start - 1) < day).toBe(true);
      }
    }
  });

  it("begins every day within it, at the same day key, with the instant before belonging to another day", () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: Date.UTC(1991, 0), max: Date.UTC(2040, 0) }), (zone, timeMs) => {
        const calendar = createLocalCalendar(zone);
        const start = calendar.dayStartMs(timeMs);
        expect(start).toBeLessThanOrEqual(timeMs);
        expect(timeMs - start).toBeLessThan(25.5 * hourMs);
        expect(calendar.dayKey(start)).toBe(calendar.dayKey(timeMs));
        expect(calendar.dayKey(start - 1)).not.toBe(calendar.dayKey(timeMs));
        expect(calendar.hourStartMs(timeMs)).toBeLessThanOrEqual(timeMs);
        expect(timeMs - calendar.hourStartMs(timeMs)).toBeLessThan(hourMs);
      }),
      { numRuns: 300 },
    );
  });
});
