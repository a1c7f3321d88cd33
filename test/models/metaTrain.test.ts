import { describe, expect, it } from "vitest";
import { DatasetRows } from "#math/datasetRows";
import { evaluateZone } from "#models/evaluation/evaluateZone";
import { metaTrain, type SourceSegment } from "#models/metaTrain";
import type { Prior } from "#models/prior";
import { fitZone } from "#models/thermostat/fitZone";
import { hyperparameterNames } from "#models/thermostat/structure";
import { trainingRows } from "#models/thermostat/trainingRows";
import { la, rms, syntheticZone } from "./support.js";

const segment = (seed: number, days = 3): SourceSegment => ({
  name: `building ${seed}`,
  data: new DatasetRows(syntheticZone(days, { seed, truth: { heatingK: 2.2, coolingK: 2, noiseK: 0.05 } })),
  zone: "zone",
  neighbours: [],
});
const segments = [segment(1), segment(2)];
const quiet = { onProgress: () => undefined };

describe("meta-training on two small buildings", () => {
  it("raises the likelihood, speaks of every hyperparameter and coefficient, and comes out the same twice", async () => {
    const values: number[] = [];
    const options = {
      rounds: 2,
      iterationsPerRound: 15,
      onProgress: (_fraction: number, text: string) => {
        const found = /−log likelihood (-?[\d.]+) per row/.exec(text);
        if (found !== null) values.push(Number(found[1]));
      },
    };
    const learned = await metaTrain(la, segments, options);
    expect(values.at(-1)!).toBeLessThan(values[0]! - 0.1);
    expect(learned.logMarginalLikelihoodPerRow).toBeCloseTo(-values.at(-1)!, 3);
    const { structure, n } = trainingRows(segments[0]!.data, "zone", []);
    expect(learned.rows).toBe(n + trainingRows(segments[1]!.data, "zone", []).n);
    expect(Object.keys(learned.logHyperparameters)).toEqual([...hyperparameterNames(structure)]);
    expect(Object.keys(learned.meanCoefficients)).toEqual(structure.columns.map(({ key }) => key));
    for (const { location, spread } of [...Object.values(learned.logHyperparameters), ...Object.values(learned.meanCoefficients)]) {
      expect(Number.isFinite(location)).toBe(true);
      expect(spread).toBeGreaterThan(0);
      expect(spread).toBeLessThanOrEqual(1.5);
    }
    // The truth: 0.3 of the trend stays, heating gives 2.2 K.
    expect(learned.meanCoefficients["heating*constant"]!.location).toBeGreaterThan(1.4);
    expect(learned.meanCoefficients["heating*constant"]!.location).toBeLessThan(3);
    const again = await metaTrain(la, segments, { ...quiet, rounds: 2, iterationsPerRound: 15 });
    expect(again).toEqual(learned);

    const prior = { ...learned, name: "two", stepS: 900 } as unknown as Prior;
    const third = segment(5, 4);
    const early = new DatasetRows(syntheticZone(1, { seed: 5, truth: { heatingK: 2.2, coolingK: 2, noiseK: 0.05 } }));
    const rmse = async (given: Prior | null): Promise<number> => {
      const { model } = await fitZone(la, early, "zone", [], given, { budget: null });
      return evaluateZone(la, model, third.data, 192, 384).rmse20K!;
    };
    const temperature = third.data.column("zone.zoneAirTempC");
    const later = temperature.slice(20).map((value, i) => value - temperature[i]!);
    // One day of a third building, most of it on setpoints: with what the two taught a model, without it none. Measured: 0.45 K.
    expect(await rmse(prior)).toBeLessThan(0.3 * rms(later));
    await expect(rmse(null)).rejects.toThrow(/\d+ usable rows of training data, 48 are needed/);
  });

  it("refuses no sources, different time steps and segments without enough rows, naming them", async () => {
    await expect(metaTrain(la, [], quiet)).rejects.toThrow("There is no source to learn from.");
    const hourly: SourceSegment = { ...segments[0]!, data: new DatasetRows({ ...segments[0]!.data.dataset, stepS: 3600 }) };
    await expect(metaTrain(la, [segments[0]!, hourly], quiet)).rejects.toThrow("different time steps: 900 s, 3600 s");
    const short: SourceSegment = { ...segment(3), name: "short one", data: new DatasetRows(syntheticZone(0.25)) };
    await expect(metaTrain(la, [segments[0]!, short], quiet)).rejects.toThrow(/short one has \d+ usable rows/);
  });

  it("ends when aborted", async () => {
    await expect(metaTrain(la, segments, { ...quiet, signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });
});
