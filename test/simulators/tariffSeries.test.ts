import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { IsothermError } from "#domain/errors";
import { checkCovers, energyPrices, loadTariff, rateOver } from "#simulators/tariffs";
import { localStandardToMs } from "#simulators/weather/localTime";

const zone = { timeZoneH: -5 };
const folder = mkdtempSync(join(tmpdir(), "isotherm-series-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const at = (iso: string): number => localStandardToMs(zone, iso);
const csv = (title: string, values: readonly (number | string)[]): string =>
  [`time,${title}`, ...values.map((value, i) => `2025-01-0${1 + Math.floor(i / 24)} ${String(i % 24).padStart(2, "0")}:00,${value}`)].join(
    "\n",
  );
const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof IsothermError && error.exitCode === 78) return error.describe();
    throw error;
  }
  return "accepted";
};

describe("a tariff by the hour", () => {
  it("is a CSV of energy prices in local standard time, without a demand charge", () => {
    const tariff = loadTariff(write("spot.csv", csv("price [EUR/MWh]", [50, -20, 300])), zone);
    expect(tariff).toMatchObject({ name: "spot", demandChargePerKwMonth: 0 });
    const ends = ["00:15", "01:00", "01:15", "02:45"].map((time) => at(`2025-01-01T${time}`));
    for (const [t, price] of [0.05, 0.05, -0.02, 0.3].entries()) expect(energyPrices(tariff, zone, ends, 900)[t]).toBeCloseTo(price, 12);
  });
  it("stands in a YAML tariff beside a demand charge and a file of intensities, relative to it, with gaps filled", () => {
    write("day.csv", csv("price", [...Array.from({ length: 24 }, (_, i) => 0.1 + i / 100), 0.9, "NaN", "NaN"]));
    write("carbon.json", JSON.stringify({ forecast: [{ datetime: "2025-01-01T05:00:00Z", carbonIntensity: 250 }] }));
    const tariff = loadTariff(
      write(
        "spot.yaml",
        "energyPricePerKwh: { file: day.csv, otherwise: 0.3, add: 0.05 }\ndemandChargePerKwMonth: 12\ncarbonKgPerKwh: { file: carbon.json, otherwise: 0.4, rows: forecast, unit: g/kWh }\n",
      ),
      zone,
    );
    expect(tariff.demandChargePerKwMonth).toBe(12);
    const price = (iso: string): number => rateOver(tariff.energyPricePerKwh, zone, at(iso), 900);
    expect(price("2025-01-02T00:15")).toBeCloseTo(0.95, 12);
    expect(price("2025-01-02T01:15")).toBeCloseTo(0.16, 12);
    expect(price("2025-03-01T01:15")).toBe(0.3);
    expect(rateOver(tariff.carbonKgPerKwh, zone, at("2025-01-01T00:15"), 900)).toBeCloseTo(0.25, 12);
    expect(rateOver(tariff.carbonKgPerKwh, zone, at("2025-01-01T04:15"), 900)).toBe(0.4);
    expect(() => checkCovers(tariff, at("2025-01-01"), at("2025-01-03"))).not.toThrow();
    expect(refusal(() => checkCovers(tariff, at("1991-01-01"), at("1991-01-08")))).toMatch(
      /says nothing of the run from 1991-01-01 .*--year/s,
    );
  });
  it.each([
    [
      "of another unit",
      csv(
        "price",
        Array.from({ length: 24 }, () => 85),
      ),
      /its unit is another/,
    ],
    ["without prices", "time,kw\n2025-01-01 00:00,1\n", /no column for the value/],
    ["of gaps", csv("price", ["NaN", ""]), /no usable row/],
  ])("is refused with its file where it is one %s", (_what, text, message) => {
    const file = write("bad.csv", text);
    expect(refusal(() => loadTariff(file, zone))).toMatch(message);
    expect(refusal(() => loadTariff(file, zone))).toContain("bad.csv");
  });
  it("is refused where its file is not there or its unit is none", () => {
    expect(refusal(() => loadTariff(join(folder, "none.csv")))).toMatch(/cannot be read/);
    expect(refusal(() => loadTariff(write("a.yaml", "energyPricePerKwh: { file: none.csv, otherwise: 0.1 }\n")))).toMatch(/none\.csv/);
    write("ok.csv", csv("price", [0.1, 0.2]));
    expect(refusal(() => loadTariff(write("b.yaml", "energyPricePerKwh: { file: ok.csv, otherwise: 0.1, unit: EUR/kW }\n")))).toMatch(
      /no unit of prices/,
    );
    expect(refusal(() => loadTariff(write("c.yaml", "energyPricePerKwh: { file: ok.csv }\n")))).toMatch(/energyPricePerKwh/);
  });
});
