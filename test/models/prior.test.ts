import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judgedBuildings } from "#cli/sources/sourcePlan";
import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import { sliceDataset } from "#models/datasetSlice";
import {
  coefficientPrior,
  genericCoefficient,
  genericHyperparameterPrior,
  hyperparameterPrior,
  type Prior,
  readPrior,
} from "#models/prior";
import { priorDensity } from "#models/priorDensity";
import { dayFingerprints, sharedSources, shippedPriorFor, shippedPriorsFolder, shippedPriorsFor } from "#models/shippedPriors";
import { FIXED_HYPERPARAMETER } from "#models/thermostat/structure";
import { cityYear, daysOf, syntheticZone, withColumn, withoutColumn } from "./support.js";

const folder = mkdtempSync(join(tmpdir(), "isotherm-prior-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const shippedText = readFileSync(join(shippedPriorsFolder, "five-zone-office.json"), "utf8");
const shipped = readPrior(join(shippedPriorsFolder, "five-zone-office.json"));
const refusal = (text: string): IsothermError => {
  const file = join(folder, "prior.json");
  writeFileSync(file, text);
  try {
    readPrior(file);
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
  return expect.fail("The prior was taken.");
};

describe("what people bring along", () => {
  it.each([0, 1])("is every zone's own: no prior is surer of it than 0.3 K a step (lag %i)", (lag) => {
    const name = `linear.lengthscale.disturbance.occupancyCount.${lag}`;
    for (const prior of [shipped, null]) expect(Math.exp(-hyperparameterPrior(prior, name).location)).toBeGreaterThan(0.3 - 1e-9);
    const vague = { ...shipped, logHyperparameters: { ...shipped.logHyperparameters, [name]: { location: -1, spread: 0.2 } } };
    expect(hyperparameterPrior(vague, name)).toEqual({ location: -1, spread: 0.2 });
  });
});

describe("what full cooling takes", () => {
  it("is every zone's own: no learned prior says less than 2 K a quarter of an hour, nor is surer of it than a kelvin", () => {
    // Learned where cooling is off at night, by rows at its limit alone.
    expect(shipped.meanCoefficients["cooling*constant"]!.location).toBeGreaterThan(-0.5);
    expect(coefficientPrior(shipped, "cooling*constant", 900).location).toBe(-2);
    expect(coefficientPrior(shipped, "cooling*constant", 300).location).toBeCloseTo(-2 / 3, 12);
    // Winters have rows at the limit of heating in plenty.
    expect(coefficientPrior(shipped, "heating*constant", 900)).toEqual(shipped.meanCoefficients["heating*constant"]);
    const name = "linear.lengthscale.cooling*constant";
    expect(hyperparameterPrior(shipped, name)).toEqual({ ...shipped.logHyperparameters[name], location: 0 });
    const strong = { ...shipped, meanCoefficients: { ...shipped.meanCoefficients, "cooling*constant": { location: -3.5, spread: 1 } } };
    expect(coefficientPrior(strong, "cooling*constant", 900).location).toBe(-3.5);
    const other = "cooling*slowMean.3600";
    expect(coefficientPrior(shipped, other, 900)).toEqual(shipped.meanCoefficients[other]);
  });
});

describe("what full heating gives", () => {
  const keys = ["heating*difference.1", "heating*slowMean.3600", "heating*slowMean.43200"];

  it("does not depend on what the walls hold, where no prior knows better; a kelvin warmer takes some per cent", () => {
    const vague = readPrior(join(shippedPriorsFolder, "reference-buildings.json"));
    expect(vague.meanCoefficients["heating*slowMean.3600"]!.spread).toBeGreaterThan(0.5);
    for (const prior of [vague, null]) {
      expect(keys.map((key) => coefficientPrior(prior, key, 900).location)).toEqual([0, 0, 0.1]);
      expect(coefficientPrior(prior, "heating*slowMean.43200", 300).location).toBeCloseTo(0.1 / 3, 12);
      for (const key of keys) expect(Math.exp(-hyperparameterPrior(prior, `linear.lengthscale.${key}`).location)).toBeLessThan(0.021);
      // Its size and what the weather takes are learned as before.
      const weather = "heating*offset.outdoorAirTempC";
      if (prior !== null) expect(coefficientPrior(prior, weather, 900)).toEqual(prior.meanCoefficients[weather]);
    }
  });

  it("is what a prior says that has learned free float and capacity side by side", () => {
    for (const key of keys) {
      expect(coefficientPrior(shipped, key, 900)).toEqual(shipped.meanCoefficients[key]);
      expect(hyperparameterPrior(shipped, `linear.lengthscale.${key}`)).toEqual(shipped.logHyperparameters[`linear.lengthscale.${key}`]);
    }
  });

  it("what is learned from many buildings starts without that", () => {
    expect(genericHyperparameterPrior("linear.lengthscale.heating*slowMean.3600").location).toBeCloseTo(Math.log(4), 12);
    expect(genericCoefficient("heating*slowMean.43200", 900).location).toBe(0);
    expect(() => genericHyperparameterPrior("linear.lengthscales.x")).toThrow(RangeError);
  });
});

describe("a party wall", () => {
  it("passes little on until other buildings say more", () => {
    expect(Math.exp(-hyperparameterPrior(null, "linear.lengthscale.neighbour").location)).toBeCloseTo(1 / 60, 12);
    const taught = {
      ...shipped,
      logHyperparameters: { ...shipped.logHyperparameters, "linear.lengthscale.neighbour": { location: 2, spread: 1 } },
    };
    expect(hyperparameterPrior(taught, "linear.lengthscale.neighbour")).toEqual({ location: 2, spread: 1 });
  });
});

describe("a prior's file", () => {
  it("comes back as it was written", () => {
    const file = join(folder, "whole.json");
    writeFileSync(file, JSON.stringify(shipped));
    expect(readPrior(file)).toEqual(shipped);
  });

  it.each<[string, (lines: string[]) => string, number | "last"]>([
    ["a letter in place of a number", (lines) => lines.with(9, `${lines[9]} x`).join("\n"), 10],
    ["a comma too many", (lines) => lines.with(4, `${lines[4]},,`).join("\n"), 5],
    ["cut short", (lines) => lines.slice(0, 120).join("\n"), "last"],
    ["nothing in it", () => "", 1],
    ["something after its end", (lines) => `${lines.join("\n").trimEnd()}\n{}`, "last"],
  ])("that is no JSON (%s) is refused with the line", (_name, spoil, line) => {
    const text = spoil(shippedText.split("\n"));
    const { message, place, exitCode } = refusal(text);
    expect(message).toBe("This prior is not valid JSON.");
    expect(place.line).toBe(line === "last" ? text.trimEnd().split("\n").length : line);
    expect(exitCode).toBe(78);
  });

  it("is refused at whatever length it is cut", () => {
    for (let length = 0; length < shippedText.trimEnd().length; length += 997) {
      const { exitCode, place } = refusal(shippedText.slice(0, length));
      expect(exitCode).toBe(78);
      expect(place.line).toBeGreaterThan(0);
    }
  });

  it.each<[string, object, RegExp]>([
    ["another schema", { ...shipped, schema: "isotherm-prior-3" }, /schema/],
    ["a spread of 0", { ...shipped, meanCoefficients: { constant: { location: 0, spread: 0 } } }, /meanCoefficients\.constant\.spread/],
    [
      "a location that is text",
      { ...shipped, logHyperparameters: { noiseVariance: { location: "low", spread: 1 } } },
      /logHyperparameters\.noiseVariance\.location/,
    ],
    ["no manifest", { ...shipped, manifest: undefined }, /manifest/],
    ["something unknown", { ...shipped, favourite: 1 }, /favourite/],
    ["several faults", { ...shipped, stepS: -1, name: 3 }, /name.*stepS|stepS.*name/],
    ["a list", [], /not a prior/],
  ])("with %s is refused, naming the fault", (_name, value, message) => {
    const error = refusal(JSON.stringify(value));
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(78);
    expect(error.place.file).toContain("prior.json");
  });

  it("that is not there or is a folder is refused, naming it", () => {
    expect(() => readPrior(join(folder, "nothing.json"))).toThrow("This prior cannot be read.");
    expect(() => readPrior(folder)).toThrow("This prior cannot be read.");
  });
});

describe("the shipped priors", () => {
  const cities = ["pittsburgh", "new-york", "port-angeles"] as const;
  const files = ["five-zone-office", ...cities.map((city) => `five-zone-office-without-${city}`)];
  const years = new Map<string, Dataset>();
  beforeAll(async () => {
    for (const city of cities) years.set(city, await cityYear(city));
  });

  it.each(files)("%s is whole: finite numbers for every hyperparameter, its sources in the manifest", (name) => {
    const prior = readPrior(join(shippedPriorsFolder, `${name}.json`));
    expect(prior.name).toBe(name);
    expect(prior.stepS).toBe(900);
    expect(prior.logHyperparameters[FIXED_HYPERPARAMETER]!.location).toBe(0);
    expect(Object.keys(prior.logHyperparameters)).toEqual(Object.keys(shipped.logHyperparameters));
    expect(Object.keys(prior.meanCoefficients)).toEqual(Object.keys(shipped.meanCoefficients));
    expect(prior.manifest.sources.map(({ name: source }) => source)).toEqual(
      cities.filter((city) => name !== `five-zone-office-without-${city}`),
    );
    for (const source of prior.manifest.sources) expect(source.dayFingerprints.length).toBeGreaterThan(300);
  });

  it.each(cities)("the one for %s has not seen that city, and has seen both others", (city) => {
    const found = shippedPriorFor(years.get(city)!)!;
    expect(found.prior.name).toBe(`five-zone-office-without-${city}`);
    expect(sharedSources(found.prior, years.get(city)!)).toEqual([]);
    expect(sharedSources(shipped, years.get(city)!)).toEqual([city]);
  });

  it.each<[string, (year: Dataset) => Dataset]>([
    ["one whole day", (year) => daysOf(year, "1991-03-07", 1)],
    ["a week that begins at an odd hour", (year) => sliceDataset(year, 5000, 5672)],
    ["other years on the calendar", (year) => ({ ...year, timesMs: year.timesMs.map((time) => time + 365 * 86_400_000) })],
    ["missing values in most days", (year) => withColumn(year, "site.outdoorAirTempC", (value, i) => (i % 300 === 0 ? Number.NaN : value))],
    ["numbers that went through °F", (year) => withColumn(year, "site.outdoorAirTempC", (value) => (value * 1.8 + 32 - 32) / 1.8)],
    ["other zone temperatures", (year) => withColumn(year, "zone.zoneAirTempC", (value) => value + 1)],
  ])("a city is recognised by its weather in a cut or changed copy: %s", (_name, change) => {
    for (const city of cities) {
      const found = shippedPriorFor(change(years.get(city)!));
      expect(found?.prior.name).toBe(`five-zone-office-without-${city}`);
    }
  });

  it("data of several cities get none that has seen either: the one of other buildings and climates", () => {
    const joined = { ...years.get("pittsburgh")! };
    const other = years.get("new-york")!.columns.get("site.outdoorAirTempC")!;
    const half = withColumn(joined, "site.outdoorAirTempC", (value, i) => (i < 96 * 100 ? value : other[i]!));
    expect(sharedSources(shipped, half)).toEqual(["pittsburgh", "new-york"]);
    expect(shippedPriorFor(half)!.prior.name).toBe("reference-buildings");
  });

  it("data from elsewhere may have one of each kind, that of one building with the most sources first", () => {
    expect(shippedPriorFor(syntheticZone(3))!.prior.name).toBe("five-zone-office");
    expect(shippedPriorsFor(syntheticZone(3)).map(({ prior }) => prior.name)).toEqual(["five-zone-office", "reference-buildings"]);
  });

  it("that of the reference buildings has learned from none that isotherm is judged on, and from none of the cities that it is judged in", () => {
    const { manifest, covariance } = readPrior(join(shippedPriorsFolder, "reference-buildings.json"));
    const buildings = new Set(manifest.sources.map(({ building }) => building));
    expect(buildings.size).toBe(28);
    for (const judged of judgedBuildings) expect(buildings.has(judged)).toBe(false);
    const weathers = new Set(manifest.sources.map(({ weather }) => weather));
    for (const city of [...cities, "chicago", "denver"]) expect(weathers.has(city)).toBe(false);
    expect(covariance!.correlations).toHaveLength((covariance!.names.length * (covariance!.names.length - 1)) / 2);
    const { covariance: s } = priorDensity(readPrior(join(shippedPriorsFolder, "reference-buildings.json")), covariance!.names, 900);
    expect(s.every(Number.isFinite)).toBe(true);
  });

  it("that of the reference buildings may judge neither its own buildings, in whatever climate, nor its own climates", () => {
    const prior = readPrior(join(shippedPriorsFolder, "reference-buildings.json"));
    const year = years.get("pittsburgh")!;
    expect(sharedSources(prior, year)).toEqual([]);
    const own = sharedSources(prior, year, ["ref2004-hospital-january.csv"]);
    expect(new Set(own.map((name) => name.split("/")[0]))).toEqual(new Set(["ref2004-hospital"]));
    expect(sharedSources(prior, year, ["miami"]).every((name) => name.endsWith("/miami"))).toBe(true);
    expect(sharedSources(prior, year, ["ref2004-small-office", "chicago"])).toEqual([]);
  });

  it("data of another time step get none: every prior is of 900 s", () => {
    const year = years.get("pittsburgh")!;
    const rows = year.timesMs.length / 2;
    const halfHours: Dataset = {
      stepS: 1800,
      timesMs: Float64Array.from({ length: rows }, (_, i) => year.timesMs[2 * i]!),
      columns: new Map([...year.columns].map(([name, values]) => [name, Float64Array.from({ length: rows }, (_, i) => values[2 * i]!)])),
    };
    expect(shippedPriorFor(halfHours)).toBeNull();
  });
});

describe("fingerprints of days", () => {
  const days = syntheticZone(4);
  it("are one per whole day that changes, and none without outdoor air", () => {
    expect(dayFingerprints(days)).toHaveLength(4);
    expect(dayFingerprints(sliceDataset(days, 10, 384))).toEqual(dayFingerprints(days).slice(1));
    expect(dayFingerprints(withColumn(days, "site.outdoorAirTempC", () => 5))).toEqual([]);
    expect(dayFingerprints(withoutColumn(days, "site.outdoorAirTempC"))).toEqual([]);
    expect(dayFingerprints(sliceDataset(days, 0, 95))).toEqual([]);
  });
  it("say which sources share a day", () => {
    const source = (name: string, of: Dataset) => ({
      name,
      building: "b",
      weather: name,
      segments: [],
      rows: 0,
      dayFingerprints: [...dayFingerprints(of)],
    });
    const prior: Prior = {
      ...shipped,
      manifest: { ...shipped.manifest, sources: [source("a", days), source("b", syntheticZone(4, { seed: 9 }))] },
    };
    expect(sharedSources(prior, sliceDataset(days, 96, 192))).toEqual(["a"]);
    expect(sharedSources(prior, syntheticZone(2, { seed: 30 }))).toEqual([]);
  });
});
