import { describe, expect, it } from "vitest";
import { hourOfWeek, occupancyProfile, occupiedHours } from "#math/occupancyProfile";

const HOUR_MS = 3_600_000;
const monday = Date.parse("2026-03-02T00:00:00Z");
const now = monday + 4 * 168 * HOUR_MS;
const bucket = (timeMs: number, mean: number) => ({ timeMs, mean, min: mean, max: mean });
const weeks = Array.from({ length: 4 * 168 }, (_, i) => monday + i * HOUR_MS);

describe("habits of a zone", () => {
  it("are the share of an hour of the week with people, recent weeks weighing more", () => {
    // Tuesdays at ten: there in the first and the last of four weeks.
    const isThere = (timeMs: number): boolean =>
      hourOfWeek(timeMs) === 34 && [0, 3].includes(Math.floor((timeMs - monday) / (168 * HOUR_MS)));
    const profile = occupancyProfile(
      occupiedHours(
        "people",
        weeks.map((timeMs) => bucket(timeMs, isThere(timeMs) ? 2 : 0)),
      ),
      now,
      (ms) => ms,
    );
    const ages = [0, 1, 2, 3].map((week) => now - (monday + (week * 168 + 34) * HOUR_MS));
    const w = ages.map((age) => 2 ** (-age / (28 * 24 * HOUR_MS)));
    expect(profile[34]!.share).toBeCloseTo((w[0]! + w[3]!) / (w[0]! + w[1]! + w[2]! + w[3]!), 12);
    expect(profile[34]!.people).toBeCloseTo(2 * profile[34]!.share, 12);
    expect(profile[34]!.count).toBe(4);
    expect(profile[33]).toEqual({ share: 0, people: 0, count: 4 });
    expect(profile).toHaveLength(168);
  });
  it("go by the clock on the wall, also after it was changed", () => {
    // From 9 to 10 local time; the clocks go forward on 29 March.
    const toLocal = (ms: number): number => ms + (ms >= Date.parse("2026-03-29T01:00:00Z") ? 2 : 1) * HOUR_MS;
    const hours = weeks.concat(Array.from({ length: 168 }, (_, i) => now + i * HOUR_MS));
    const present = hours.map((timeMs) => ({ timeMs, present: new Date(toLocal(timeMs)).getUTCHours() === 9, people: Number.NaN }));
    const profile = occupancyProfile(present, now + 168 * HOUR_MS, toLocal);
    profile.forEach(({ share }, bin) => {
      if (Number.isFinite(share)) expect(share).toBe(bin % 24 === 9 ? 1 : 0);
    });
    expect(profile[9]!.people).toBeNaN();
  });
  it("are read from CO2 above an empty room's air, and from motion", () => {
    const air = weeks.slice(0, 48).map((timeMs, i) => bucket(timeMs, i % 24 > 8 && i % 24 < 17 ? 800 : 430));
    expect(occupiedHours("co2", air).filter(({ present }) => present)).toHaveLength(16);
    // A sensor that reads 200 ppm too much all the time.
    expect(
      occupiedHours(
        "co2",
        air.map(({ timeMs, mean }) => bucket(timeMs, mean + 200)),
      ).filter(({ present }) => present),
    ).toHaveLength(16);
    expect(occupiedHours("motion", [bucket(0, 0.04), bucket(HOUR_MS, 0.3)]).map(({ present }) => present)).toEqual([false, true]);
    expect(occupiedHours("co2", [])).toEqual([]);
  });
});
