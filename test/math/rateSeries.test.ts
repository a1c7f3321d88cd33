import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { localTime } from "#config/comfort";
import { instantsAt } from "#math/localInstants";
import { cleanRates, noRates, type RateRow, rateAt, rateSeries, ratesOver } from "#math/rateSeries";
import { priceNames, type RateTextOptions, readRates } from "#math/rateText";
import { rateUnit } from "#math/rateUnit";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const utc = (timeMs: number): number => timeMs;
const berlin = (timeMs: number): number => {
  const { date, minute } = localTime("Europe/Berlin", timeMs);
  return Date.parse(`${date}T00:00:00Z`) + minute * 60_000;
};
const at = Date.parse("2026-03-10T00:00:00Z");
const hourly = (values: readonly number[], fromMs = at, stepMs = HOUR_MS): RateRow[] =>
  values.map((value, i) => ({ startMs: fromMs + i * stepMs, value }));
const price = { usual: 0.12, mayBeNegative: true };
const usable = (rows: readonly RateRow[], limits = price) => {
  const clean = cleanRates(rows, limits);
  if (!clean.ok) throw new Error(clean.problem);
  return clean;
};
const options: RateTextOptions = {
  rows: null,
  time: null,
  value: null,
  valueNames: priceNames,
  factor: null,
  scale: 1,
  add: 0,
  unitFactor: (unit) => rateUnit(unit, "price")?.factor ?? null,
  toLocalMs: utc,
};
const rowsOf = (text: string, change: Partial<RateTextOptions> = {}) => {
  const read = readRates(text, { ...options, ...change });
  if (!read.ok) throw new Error(read.problem);
  return read;
};
const refusalOf = (text: string, change: Partial<RateTextOptions> = {}): string => {
  const read = readRates(text, { ...options, ...change });
  return read.ok ? `accepted ${read.rows.length} rows` : read.problem;
};

describe("instants of a wall-clock time", () => {
  it("are one on most days, none in the hour that spring leaves out, two in the one that autumn repeats", () => {
    const local = (iso: string) => instantsAt(Date.parse(`${iso}Z`), berlin).map((ms) => new Date(ms).toISOString().slice(0, 16));
    expect(local("2026-03-10T02:30")).toEqual(["2026-03-10T01:30"]);
    expect(local("2026-03-29T02:30")).toEqual([]);
    expect(local("2026-10-25T02:30")).toEqual(["2026-10-25T00:30", "2026-10-25T01:30"]);
  });
});

describe("rates of a text", () => {
  it("come from CSV with commas, semicolons or tabs, decimals with a comma, and a unit in the title", () => {
    const expected = [
      { startMs: at, value: 0.08523 },
      { startMs: at + HOUR_MS, value: -0.012 },
    ];
    expect(rowsOf("time,price\n2026-03-10T00:00Z,0.08523\n2026-03-10T01:00Z,-0.012\n").rows).toEqual(expected);
    for (const [text, change] of [
      ["start;Day-ahead Price [EUR/MWh]\n10.03.2026 00:00;85,23\n10.03.2026 01:00;-12\n", { value: "Day-ahead Price" }],
      ["time\tprice (ct/kWh)\n2026-03-10 00:00:00\t8.523\n2026-03-10 01:00:00\t-1.2\n", {}],
      ["time,price\n1773100800,85.23\n1773104400,-12\n", { factor: 0.001 }],
    ] as const)
      rowsOf(text, change).rows.forEach((row, i) => {
        expect(row.startMs).toBe(expected[i]!.startMs);
        expect(row.value).toBeCloseTo(expected[i]!.value, 12);
      });
  });
  it("come from JSON: objects under a name, pairs, or two lists", () => {
    const expected = [0.1, 0.2];
    for (const [text, change] of [
      [
        '{"data":[{"start_timestamp":1773100800000,"marketprice":0.1},{"start_timestamp":1773104400000,"marketprice":0.2}]}',
        { rows: "data" },
      ],
      ["[[1773100800000,0.1],[1773104400000,0.2]]", {}],
      ['{"unix_seconds":[1773100800,1773104400],"price":[0.1,0.2]}', {}],
      [
        '{"a":[{"b":[{"from":"2026-03-10T01:00+01:00","x":{"f":0.1}},{"from":"2026-03-10T02:00+01","x":{"f":0.2}}]}]}',
        { rows: "a[0].b", value: "x.f" },
      ],
    ] as const) {
      const { rows } = rowsOf(text, change);
      expect(rows.map(({ value }) => value)).toEqual(expected);
      expect(rows.map(({ startMs }) => startMs)).toEqual([at, at + HOUR_MS]);
    }
  });
  it("are scale × number × factor + add", () => {
    const { rows } = rowsOf("time,price [EUR/MWh]\n2026-03-10T00:00Z,80\n", { scale: 1.19, add: 0.15 });
    expect(rows[0]!.value).toBeCloseTo(1.19 * 80 * 0.001 + 0.15, 15);
  });
  it("in local time lose no hour in autumn, and name the hours that spring leaves out", () => {
    const day = (date: string, hours: readonly string[]): string =>
      `time,price\n${hours.map((hour, i) => `${date}T${hour}:00,${i}`).join("\n")}\n`;
    const autumn = rowsOf(day("2026-10-25", ["00", "01", "02", "02", "03"]), { toLocalMs: berlin });
    const first = Date.parse("2026-10-24T22:00:00Z");
    expect(autumn.rows).toEqual([0, 1, 2, 3, 4].map((value) => ({ startMs: first + value * HOUR_MS, value })));
    const spring = rowsOf(day("2026-03-29", ["00", "01", "02", "03"]), { toLocalMs: berlin });
    expect(spring.rows.map(({ startMs }) => new Date(startMs).toISOString().slice(11, 16))).toEqual(["23:00", "00:00", "01:00"]);
    expect(spring.notes).toEqual(["1 rows of an hour that the clock change leaves out"]);
  });
  it("are gaps where a cell is no number, and are left out and counted where it is no time", () => {
    const { rows, notes } = rowsOf(
      "time,price\n2026-03-10T00:00Z,NaN\n2026-03-10T01:00Z,\n2026-03-10T02:00Z,n/a\nnever,0.1\n2026-13-10T02:00Z,1\n",
    );
    expect(rows.map(({ value }) => value)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(notes).toEqual(["2 rows without a readable time"]);
  });
  it.each([
    ["an empty text", "", {}, /no column for the time/],
    ["a page instead of data", "<html><body>502</body></html>", {}, /no column for the time/],
    ["no rows", "[]", {}, /holds no rows/],
    ["broken JSON", '{"data":[', {}, /no JSON/],
    ["no column of that name", "time,kw\n2026-03-10T00:00Z,1\n", {}, /no column for the value \(time, kw\)/],
    ["rows that are not there", '{"data":[]}', { rows: "prices" }, /prices holds no rows/],
    ["lists of two lengths", '{"time":[1773100800],"price":[]}', {}, /two lists of one length/],
    ["times that nobody can read", "time,price\nMonday,1\n", {}, /none of its times/],
    ["a unit that contradicts the configured one", "time,price [EUR/MWh]\n2026-03-10T00:00Z,1\n", { factor: 1 }, /EUR\/MWh/],
  ])("are refused: %s", (_what, text, change, message) => {
    expect(refusalOf(text, change)).toMatch(message);
  });
  it("never throw, whatever the text", () => {
    fc.assert(fc.property(fc.string(), (text) => typeof readRates(text, options).ok === "boolean"));
    fc.assert(fc.property(fc.json(), (text) => typeof readRates(text, options).ok === "boolean"));
  });
});

describe("units of rates", () => {
  it.each([
    ["EUR/MWh", "price", 0.001],
    ["eur / kWh", "price", 1],
    ["/kWh", "price", 1],
    ["ct/kWh", "price", 0.01],
    ["p/kWh", "price", 0.01],
    ["USD/Wh", "price", 1000],
    ["g/kWh", "intensity", 0.001],
    ["gCO2eq/kWh", "intensity", 0.001],
    ["kg/MWh", "intensity", 0.001],
    ["lb/MWh", "intensity", 0.00045359237],
    ["t/GWh", "intensity", 0.001],
  ] as const)("%s", (unit, kind, factor) => {
    expect(rateUnit(unit, kind)?.factor).toBeCloseTo(factor, 12);
  });
  it.each(["", "EUR", "kWh", "EUR/kW", "euros/kWh", "/h", "1 EUR/kWh"])("are none: %j", (unit) => {
    expect(rateUnit(unit, "price")).toBeNull();
    expect(rateUnit("EUR/kWh", "intensity")).toBeNull();
  });
});

describe("cleaned rates", () => {
  it("stand in the order of time, each moment once (the later row counts), without gaps and absurd values", () => {
    const { rows, notes } = usable([
      { startMs: at + HOUR_MS, value: 0.2 },
      { startMs: at, value: 0.1 },
      { startMs: at, value: 0.1 },
      { startMs: at + HOUR_MS, value: 0.3 },
      { startMs: at + 2 * HOUR_MS, value: Number.NaN },
      { startMs: at + 3 * HOUR_MS, value: 1e6 },
      { startMs: at + 4 * HOUR_MS, value: -0.5 },
      { startMs: Number.NaN, value: 0.1 },
    ]);
    expect(rows).toEqual([
      { startMs: at, value: 0.1 },
      { startMs: at + HOUR_MS, value: 0.3 },
      { startMs: at + 4 * HOUR_MS, value: -0.5 },
    ]);
    expect(notes).toEqual([
      "2 rows without a value",
      "1 values not between -12 and 12 per kWh",
      "1 moments with two values, of which the later counts",
    ]);
  });
  it.each([
    ["per MWh taken as per kWh", hourly(Array.from({ length: 24 }, (_, i) => 60 + i)), price, /its unit is another/],
    ["per kWh taken as per MWh", hourly(Array.from({ length: 24 }, (_, i) => (0.08 + i / 1000) / 1000)), price, /its unit is another/],
    ["g/kWh taken as kg/kWh", hourly(Array.from({ length: 24 }, () => 380)), { usual: 0.4, mayBeNegative: false }, /its unit is another/],
    ["nothing but gaps", hourly([Number.NaN, Number.NaN]), price, /no usable row \(2 in all\)/],
    ["negative intensities", hourly([-0.1, -0.2]), { usual: 0.4, mayBeNegative: false }, /2 of 2 values are not between 0 and 40/],
  ])("are refused as a whole: %s", (_what, rows, limits, message) => {
    const clean = cleanRates(rows, limits);
    expect(clean.ok ? "accepted" : clean.problem).toMatch(message);
  });
  it("may be 0 all day, and negative as prices", () => {
    expect(usable(hourly(new Array<number>(24).fill(0))).rows).toHaveLength(24);
    expect(usable(hourly([-0.05, -0.1, 0.02])).rows).toHaveLength(3);
  });
});

describe("a series", () => {
  it("holds each value until the next, a missing row is a gap, and a change to quarter-hours is none", () => {
    const hours = rateSeries([...hourly([1, 2, 3]), ...hourly([5, 6], at + 4 * HOUR_MS)]);
    expect([0, 0.99, 1, 2.5, 3, 3.9, 4, 5.5, 6].map((h) => rateAt(hours, at + h * HOUR_MS))).toEqual([
      1,
      1,
      2,
      3,
      Number.NaN,
      Number.NaN,
      5,
      6,
      Number.NaN,
    ]);
    const finer = rateSeries([...hourly([1, 2]), ...hourly([3, 4, 5], at + 2 * HOUR_MS, HOUR_MS / 4)]);
    expect([1.9, 2, 2.3, 2.7, 2.8].map((h) => rateAt(finer, at + h * HOUR_MS))).toEqual([2, 3, 4, 5, Number.NaN]);
    expect([...rateSeries(hourly([7])).endMs]).toEqual([at + HOUR_MS]);
    expect(rateAt(hours, at - 1)).toBeNaN();
    expect(rateAt(noRates, at)).toBeNaN();
  });
  it("fills a gap with the same hour of the newest day that has it, else with what was configured", () => {
    const yesterday = hourly(Array.from({ length: 24 }, (_, i) => 1 + i));
    const today = hourly([101, 102], at + DAY_MS);
    const series = rateSeries([...yesterday, ...today]);
    const ends = Float64Array.of(0.25, 1.25, 2.25, 23, 26).map((h) => at + DAY_MS + h * HOUR_MS);
    const filled = ratesOver(series, ends, 900, { otherwise: () => 9, toLocalMs: utc });
    expect([...filled.values]).toEqual([101, 102, 3, 23, 102]);
    expect(filled).toMatchObject({ fromEarlierDay: 3, fromConfigured: 0 });
    const far = ratesOver(series, [at + 30 * DAY_MS], 900, { otherwise: () => 9, toLocalMs: utc });
    expect(far).toMatchObject({ fromEarlierDay: 0, fromConfigured: 1 });
    expect(far.values[0]).toBe(9);
  });
  it("takes the same hour on the wall across a clock change", () => {
    const before = Date.parse("2026-03-27T23:00:00Z");
    const series = rateSeries(
      hourly(
        Array.from({ length: 24 }, (_, i) => i),
        before,
      ),
    );
    // 8:00 to 8:15 in Berlin on the day of the change and the day after, an hour earlier in UTC than the day before.
    for (const iso of ["2026-03-29T06:15:00Z", "2026-03-30T06:15:00Z"])
      expect(ratesOver(series, [Date.parse(iso)], 900, { otherwise: () => 99, toLocalMs: berlin }).values[0]).toBe(8);
    // 2:30 does not exist on the 29th: a gap of the 30th at 2:30 takes the 28th's.
    expect(ratesOver(series, [Date.parse("2026-03-30T00:45:00Z")], 900, { otherwise: () => 99, toLocalMs: berlin }).values[0]).toBe(2);
  });
  it("gives the mean over a step of finer prices, and a constant as it is", () => {
    const quarters = rateSeries(hourly([1, 2, 3, 6], at, HOUR_MS / 4));
    expect(ratesOver(quarters, [at + HOUR_MS], 3600, { otherwise: () => 0, toLocalMs: utc }).values[0]).toBeCloseTo(3, 12);
    const same = rateSeries(hourly(new Array<number>(24).fill(0.1), at));
    expect(ratesOver(same, [at + HOUR_MS], 3600, { otherwise: () => 0, toLocalMs: utc }).values[0]).toBe(0.1);
  });
  it("is finite over any steps, whatever the rows", () => {
    const row = fc.record({
      startMs: fc.oneof(fc.integer({ min: at - 9 * DAY_MS, max: at + 2 * DAY_MS }), fc.constant(Number.NaN)),
      value: fc.oneof(fc.double(), fc.double({ min: -1, max: 1 })),
    });
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 0, max: 96 }), (rows, from) => {
        const clean = cleanRates(rows, price);
        const series = rateSeries(clean.ok ? clean.rows : []);
        const ends = Float64Array.from({ length: 20 }, (_, t) => at + (from + t + 1) * 900_000);
        const { values } = ratesOver(series, ends, 900, { otherwise: () => 0.12, toLocalMs: berlin });
        expect(values.every(Number.isFinite)).toBe(true);
      }),
    );
  });
});
