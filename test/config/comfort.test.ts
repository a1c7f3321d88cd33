import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comfortAt, comfortSchedule, energyPriceAt, energyPriceSchedule, localTime } from "#config/comfort";
import { IsothermError } from "#domain/errors";
import { votedBand } from "#math/thermalComfort";
import { leastSite, load } from "./sites.js";

const STEP_MS = 900_000;
const siteIn = (timeZone: string, control = "comfort: { week: { mon-fri: ['07:00-18:00'], sun: ['01:00-04:00'] } }", more = "") =>
  load(`${leastSite.replace("Europe/Berlin", timeZone)}control: { ${control} }\n${more}`);
const steps = (fromIso: string, count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, t) => Date.parse(fromIso) + (t + 1) * STEP_MS);

describe("comfortAt", () => {
  const berlin = siteIn("Europe/Berlin");

  it("follows the wall clock of the site, in winter and in summer", () => {
    expect(comfortAt(berlin, "a", Date.parse("2026-01-05T06:00:00Z"))).toEqual({ lowerC: 21, upperC: 24, occupied: true });
    expect(comfortAt(berlin, "a", Date.parse("2026-01-05T05:59:59Z"))).toEqual({ lowerC: 16, upperC: 32, occupied: false });
    expect(comfortAt(berlin, "a", Date.parse("2026-07-06T05:00:00Z")).occupied).toBe(true);
    expect(comfortAt(berlin, "a", Date.parse("2026-07-06T16:00:00Z")).occupied).toBe(false);
    expect(comfortAt(berlin, "a", Date.parse("2026-07-04T10:00:00Z")).occupied).toBe(false);
  });

  it("knows overnight spans and the end of the day", () => {
    const night = siteIn("Europe/Berlin", "comfort: { week: { fri: ['22:00-06:00'], sun: ['00:00-24:00'] } }");
    const occupied = (iso: string) => comfortAt(night, "a", Date.parse(iso)).occupied;
    expect(
      [
        "2026-01-09T20:59Z",
        "2026-01-09T21:00Z",
        "2026-01-10T04:59Z",
        "2026-01-10T05:00Z",
        "2026-01-10T22:59Z",
        "2026-01-10T23:00Z",
        "2026-01-11T22:59Z",
        "2026-01-11T23:00Z",
      ].map(occupied),
    ).toEqual([false, true, true, false, false, true, true, false]);
  });

  it("takes holidays as unoccupied, from local midnight to local midnight", () => {
    const holiday = siteIn("Europe/Berlin", "comfort: { week: { daily: '00:00-24:00' }, holidays: [2026-12-24/2026-12-26] }");
    const occupied = (iso: string) => comfortAt(holiday, "a", Date.parse(iso)).occupied;
    expect(["2026-12-23T22:59Z", "2026-12-23T23:00Z", "2026-12-26T22:59Z", "2026-12-26T23:00Z"].map(occupied)).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  it("takes a zone's own comfort where it has some", () => {
    const own = load(`${leastSite}    comfort: { occupied: { lower: 20 degC }, week: { sat: '08:00-12:00' } }\n`);
    expect(comfortAt(own, "a", Date.parse("2026-01-10T08:00Z"))).toEqual({ lowerC: 20, upperC: 24, occupied: true });
    expect(comfortAt(own, "a", Date.parse("2026-01-09T08:00Z")).occupied).toBe(false);
  });

  it("takes a band by predicted mean vote where the site wants one, and a zone's own degrees before it", () => {
    const summer = siteIn("Europe/Berlin", "comfort: { vote: { clothing: 0.8, activity: 1.2, limit: 0.5 } }");
    const { lowerC, upperC } = comfortAt(summer, "a", Date.parse("2026-01-05T10:00:00Z"));
    const office = { airSpeedMps: 0.1, relativeHumidityPct: 50, activityMet: 1.2, clothingClo: 0.8 };
    expect({ lowerC, upperC }).toEqual(votedBand(office, 0.5));
    expect(upperC - lowerC).toBeGreaterThan(2);
    const own = load(`${leastSite}    comfort: { occupied: { lower: 20 degC } }\ncontrol: { comfort: { vote: { clothing: 0.8 } } }\n`);
    expect(comfortAt(own, "a", Date.parse("2026-01-05T10:00:00Z"))).toMatchObject({ lowerC: 20, upperC });
  });

  it("refuses a vote that no temperature keeps, saying so", () => {
    expect(() => siteIn("Europe/Berlin", "comfort: { vote: { activity: 4, clothing: 2, limit: 0.1 } }")).toThrow(
      /no temperature from 5 to 40 degC/,
    );
  });

  it("refuses zones that the site does not have, and times that are none", () => {
    expect(() => comfortAt(berlin, "b", 0)).toThrow(IsothermError);
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY, 1e20]) expect(() => comfortAt(berlin, "a", time)).toThrow(IsothermError);
  });
});

describe("comfortSchedule", () => {
  it("counts the step after occupancy begins, not the one that ends there", () => {
    const { occupied, lowerC, upperC } = comfortSchedule(siteIn("Europe/Berlin"), "a", steps("2026-01-05T05:45:00Z", 3));
    expect([...occupied]).toEqual([0, 1, 1]);
    expect([...lowerC]).toEqual([16, 21, 21]);
    expect([...upperC]).toEqual([32, 24, 24]);
  });

  it.each<[string, string, string, number, number]>([
    // zone, first UTC instant of the local Sunday, what happens, steps of that day, occupied steps of 01:00-04:00 local
    ["Europe/Berlin", "2026-10-24T22:00:00Z", "25 hours long", 100, 16],
    ["Europe/Berlin", "2027-03-27T23:00:00Z", "23 hours long", 92, 8],
    ["America/Sao_Paulo", "2026-10-25T03:00:00Z", "without a clock change", 96, 12],
    ["America/Sao_Paulo", "2018-11-04T03:00:00Z", "which begins at 01:00", 92, 12],
    ["Asia/Kolkata", "2026-10-24T18:30:00Z", "at a half-hour offset", 96, 12],
    ["Asia/Kathmandu", "2026-10-24T18:15:00Z", "at a quarter-hour offset", 96, 12],
  ])("in %s from %s, a Sunday %s, follows the wall clock", (timeZone, start, _what, length, occupiedSteps) => {
    const config = siteIn(timeZone);
    const stepEndMs = steps(start, length + 8);
    expect(localTime(timeZone, Date.parse(start))).toMatchObject({ weekday: 6 });
    expect(localTime(timeZone, Date.parse(start) - 1).weekday).toBe(5);
    expect(localTime(timeZone, stepEndMs[length - 1])).toMatchObject({ weekday: 0, minute: 0 });
    const { occupied } = comfortSchedule(config, "a", stepEndMs);
    expect(occupied.reduce((sum, value) => sum + value, 0)).toBe(occupiedSteps);
  });

  it("begins on Monday at 07:00 local after every clock change", () => {
    for (const [timeZone, monday, utcHour] of [
      ["Europe/Berlin", "2026-10-26", 6],
      ["Europe/Berlin", "2027-03-29", 5],
      ["Asia/Kolkata", "2026-10-26", 1.5],
      ["America/Sao_Paulo", "2026-10-26", 10],
    ] as const) {
      const { occupied } = comfortSchedule(siteIn(timeZone), "a", steps(`${monday}T00:00:00Z`, 96));
      expect(occupied.indexOf(1), timeZone).toBe(utcHour * 4);
    }
  });

  it("agrees with comfortAt at the middle of every step, and never mixes the bands", () => {
    const config = siteIn("Europe/Berlin");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Math.floor(4e12 / STEP_MS) }), (index) => {
        const end = index * STEP_MS;
        const { lowerC, upperC, occupied } = comfortSchedule(config, "a", [end]);
        const middle = comfortAt(config, "a", end - STEP_MS / 2);
        expect([lowerC[0], upperC[0], occupied[0]]).toEqual([middle.lowerC, middle.upperC, middle.occupied ? 1 : 0]);
        expect([lowerC[0], upperC[0]]).toEqual(occupied[0] === 1 ? [21, 24] : [16, 32]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("energy prices", () => {
  const config = siteIn(
    "Europe/Berlin",
    "",
    "planner: { tariff: { energy: 0.1 EUR/kWh, periods: [{ days: mon-fri, hours: '14:00-18:00', energy: 0.4 EUR/kWh }, { days: fri, hours: '22:00-02:00', energy: 50 EUR/MWh }] } }\n",
  );
  it("follow the periods of the tariff by the wall clock, overnight ones into the next day", () => {
    const price = (iso: string) => energyPriceAt(config, Date.parse(iso));
    expect(
      [
        "2026-07-10T11:59Z",
        "2026-07-10T12:00Z",
        "2026-07-10T16:00Z",
        "2026-07-10T20:00Z",
        "2026-07-10T23:59Z",
        "2026-07-11T00:00Z",
        "2026-07-11T12:00Z",
      ].map(price),
    ).toEqual([0.1, 0.4, 0.1, 0.05, 0.05, 0.1, 0.1]);
  });
  it("belong to the step they hold in", () => {
    expect([...energyPriceSchedule(config, steps("2026-07-10T11:45:00Z", 2))]).toEqual([0.1, 0.4]);
  });
});
