import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dimensions, readQuantity, type UnitSuffix, unitConversion, unitSuffixOf } from "#config/units";

describe("readQuantity", () => {
  it.each<[unknown, UnitSuffix, number]>([
    ["68 degF", "C", 20],
    ["21 degC", "C", 21],
    ["21degC", "C", 21],
    ["21 °C", "C", 21],
    ["-40 °F", "C", -40],
    ["294.15 K", "C", 21],
    ["0.5 K", "K", 0.5],
    ["0.5 degC", "K", 0.5],
    ["0.9 degF", "K", 0.5],
    ["12 kW", "W", 12_000],
    ["1 MW", "Kw", 1000],
    ["2 MWh", "Kwh", 2000],
    ["3600 kJ", "Kwh", 1],
    ["15 min", "S", 900],
    ["7 d", "S", 604_800],
    ["1 h", "S", 3600],
    ["2 weeks", "S", 1_209_600],
    ["500 ms", "S", 0.5],
    ["30 m^2", "M2", 30],
    ["30 m²", "M2", 30],
    ["100 ft^2", "M2", 9.290304],
    ["500 W/m^2", "Wm2", 500],
    ["36 km/h", "Mps", 10],
    ["1 kPa", "Pa", 1000],
    ["0.12 EUR/kWh", "PerKwh", 0.12],
    ["120 USD/MWh", "PerKwh", 0.12],
    ["0.12 /kWh", "PerKwh", 0.12],
    ["15 EUR/kW", "PerKw", 15],
    ["2 EUR/Kh", "PerKh", 2],
    ["2 EUR/(K h)", "PerKh", 2],
    ["0.1 EUR/K", "PerK", 0.1],
    ["400 g/kWh", "KgPerKwh", 0.4],
    ["90 %", "Fraction", 0.9],
    [0.9, "Fraction", 0.9],
    ["0.9", "Fraction", 0.9],
    ["50 %", "Pct", 50],
    ["800 ppm", "Ppm", 800],
    [12, "Count", 12],
    ["1e1 degC", "C", 10],
    ["0 degC", "C", 0],
  ])("reads %j as %s: %d", (text, suffix, expected) => {
    const quantity = readQuantity(text, suffix);
    expect(quantity).toMatchObject({ ok: true });
    if (quantity.ok) expect(quantity.value).toBeCloseTo(expected, 9);
  });

  it("keeps whole numbers whole through a conversion", () => {
    expect(readQuantity("68 degF", "C")).toEqual({ ok: true, value: 20, currency: null });
    expect(readQuantity("120 USD/MWh", "PerKwh")).toEqual({ ok: true, value: 0.12, currency: "USD" });
  });

  it.each<[unknown, UnitSuffix, string]>([
    [21, "C", "21 has no unit"],
    ["21", "C", "has no unit"],
    [15, "S", "15 has no unit"],
    [0.12, "PerKwh", "0.12 has no unit"],
    ["5 degC + 3 degC", "C", "is not a temperature"],
    ["5 degC 3 degC", "C", "is not a temperature"],
    ["5 3 degC", "C", "is not a temperature"],
    ["5 2 m^2", "M2", "is not an area"],
    ["5 degC - 3 degC", "C", "is not a temperature"],
    ["21 C", "C", '"C" in "21 C" is not a temperature unit'],
    ["70 F", "C", "is not a temperature unit"],
    ["12 kW", "C", "is not a temperature"],
    ["21 degC", "S", "is not a duration"],
    ["15 minuets", "S", "is not a duration"],
    ["12 kWh", "W", "is not a power"],
    ["NaN degC", "C", "is not a temperature"],
    ["Infinity degC", "C", "is not a temperature"],
    ["1e999 degC", "C", "finite"],
    [Number.NaN, "C", "is not a temperature"],
    [Number.POSITIVE_INFINITY, "Fraction", "is not a fraction"],
    [null, "C", "null is not a temperature"],
    [true, "S", "true is not a duration"],
    [{ a: 1 }, "S", "is not a duration"],
    [["15 min"], "S", "is not a duration"],
    ["", "C", "is not a temperature"],
    ["warm", "C", "is not a temperature"],
    ["0.12 EUR", "PerKwh", "is not an energy price"],
    ["0.12 EUR/kW", "PerKwh", "is not an energy price"],
    ["12 %", "Count", "is not a count"],
    ["x".repeat(1000), "C", "is not a temperature"],
  ])("refuses %j where %s is wanted", (text, suffix, words) => {
    const quantity = readQuantity(text, suffix);
    expect(quantity.ok).toBe(false);
    if (!quantity.ok) {
      expect(quantity.problem).toContain(words);
      expect(quantity.todo).toMatch(/^Write /);
      expect(quantity.problem.length).toBeLessThan(200);
    }
  });

  it("shows the right way to write it, and that way is accepted", () => {
    for (const [suffix, { example }] of Object.entries(dimensions)) {
      for (const text of example.split(" or ")) expect(readQuantity(text, suffix as UnitSuffix), text).toMatchObject({ ok: true });
    }
  });

  it("takes back what a conversion gave, for every temperature", () => {
    fc.assert(
      fc.property(fc.double({ min: -60, max: 200, noNaN: true }), (celsius) => {
        const fahrenheit = readQuantity(`${(celsius * 1.8 + 32).toFixed(9)} degF`, "C");
        expect(fahrenheit.ok && fahrenheit.value).toBeCloseTo(celsius, 6);
      }),
    );
  });

  it("never throws and never gives a number that is not finite", () => {
    const piece = fc.constantFrom(
      "5",
      "1e400",
      "-",
      "+",
      " ",
      "degC",
      "K",
      "/",
      "^",
      "^-1",
      "(",
      ")",
      "kWh",
      "EUR",
      "%",
      "createUnit",
      "NaN",
      "°",
      "m",
      ".",
    );
    const input = fc.oneof(
      fc.anything(),
      fc.array(piece, { maxLength: 8 }).map((p) => p.join("")),
      fc.string({ unit: "binary" }).map((s) => `5 ${s}`),
    );
    fc.assert(
      fc.property(input, fc.constantFrom(...(Object.keys(dimensions) as UnitSuffix[])), (value, suffix) => {
        const quantity = readQuantity(value, suffix);
        return quantity.ok ? Number.isFinite(quantity.value) : quantity.problem !== "";
      }),
      { numRuns: 3000, seed: 3 },
    );
  });
});

describe("unitConversion", () => {
  it.each<[string, UnitSuffix, number, number, number]>([
    ["degF", "C", 212, 100, 9],
    ["K", "C", 273.15, 0, 9],
    ["kW", "W", 1.5, 1500, 9],
    ["mW", "W", 1500, 1.5, 9],
    ["Wh", "Kwh", 1500, 1.5, 9],
    ["%", "Fraction", 50, 0.5, 9],
    ["", "Fraction", 0.5, 0.5, 9],
    ["%", "Pct", 50, 50, 9],
    ["km/h", "Mps", 36, 10, 9],
    ["degF", "K", 9, 5, 9],
  ])("brings a number in %j to %s", (unit, suffix, from, to, digits) => {
    const conversion = unitConversion(unit, suffix);
    expect(conversion).not.toBeNull();
    if (conversion !== null) expect(conversion.factor * from + conversion.offset).toBeCloseTo(to, digits);
  });

  it("gives null for a unit of another dimension, none, or an unknown one", () => {
    expect(unitConversion("kW", "C")).toBeNull();
    expect(unitConversion("", "C")).toBeNull();
    expect(unitConversion("bananas", "W")).toBeNull();
    expect(unitConversion("3 degC", "C")).toBeNull();
    expect(unitConversion("degC + 3 degC", "C")).toBeNull();
  });
});

describe("unitSuffixOf", () => {
  it.each<[string, UnitSuffix | null]>([
    ["space1.zoneAirTempC", "C"],
    ["site.globalHorizontalIrradianceWm2", "Wm2"],
    ["building.hvacPowerW", "W"],
    ["building.hvacEnergyKwh", "Kwh"],
    ["tariff.pricePerKwh", "PerKwh"],
    ["space1.occupancyCount", "Count"],
    ["site.outdoorRelativeHumidityPct", "Pct"],
    ["lobby.co2Ppm", "Ppm"],
    ["lobby.temperature", null],
    ["lobby.PWC", null],
  ])("of %s is %s", (name, suffix) => {
    expect(unitSuffixOf(name)).toBe(suffix);
  });
});
