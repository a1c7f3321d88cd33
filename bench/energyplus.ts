import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { IsothermError } from "#domain/errors";
import { zonePoint } from "#domain/points";
import { createEnergyplusPlant } from "#simulators/energyplus/energyplusPlant";
import { type EnergyplusEngine, findEngine } from "#simulators/energyplus/engine";
import { coupledCopy } from "#simulators/energyplus/modelCopy";
import { loadModel } from "#simulators/energyplus/models";
import { makeRunFolder } from "#simulators/energyplus/runFolder";
import { runModel } from "#simulators/energyplus/runModel";
import { epwCopy } from "#simulators/energyplus/weatherCopy";
import { loadWeatherFile } from "#simulators/energyplus/weathers";

const building = "five-zone-office";
const weather = "pittsburgh";
const stepS = 900;
const stepMs = stepS * 1000;
const dayMs = 86_400_000;
/** What the coupling may cost against the bare engine. */
const limitRatio = 2;
/** The year of the closed-loop protocol. */
const yearStartMs = Date.UTC(1991, 0, 1);

export interface EnergyplusFigures {
  readonly days: number;
  readonly steps: number;
  /** The engine alone on the same model copy, weather and days. */
  readonly bareMs: number;
  /** Every step read, decided by a trivial controller and actuated, from another thread. */
  readonly coupledMs: number;
  readonly ratio: number;
  readonly limitRatio: number;
}

const bare = async (engine: EnergyplusEngine, days: number): Promise<number> => {
  const folder = makeRunFolder();
  try {
    const span = { firstDayMs: yearStartMs, lastDayMs: yearStartMs + (days - 1) * dayMs };
    const { model } = await loadModel(building, engine);
    const weatherFile = join(folder.path, "weather.epw");
    writeFileSync(weatherFile, epwCopy(loadWeatherFile(weather, engine).text, span), "latin1");
    const beganMs = performance.now();
    await runModel({ engine, model: coupledCopy(model, span), weatherFile, outputFolder: folder.path });
    return performance.now() - beganMs;
  } finally {
    folder.remove();
  }
};

const coupled = async (engine: EnergyplusEngine, days: number): Promise<number> => {
  const timeZoneMs = loadWeatherFile(weather, engine).epw.location.timeZoneH * 3_600_000;
  const startMs = yearStartMs - timeZoneMs;
  const plant = await createEnergyplusPlant({ engine, building, weather, endMs: startMs + days * dayMs });
  try {
    // The building's own schedule is the forecast's business, done once per building and weather: not part of the coupling.
    await plant.forecast(startMs, stepS, days * 96 + 2 * 96);
    const beganMs = performance.now();
    let row = await plant.initialize(startMs, 0);
    for (let k = 0; k < days * 96; k++) {
      const isWarm = row.values.get(zonePoint(plant.zones[0]!, "zoneAirTempC"))! > 22;
      const pair = { heatingSetpointC: isWarm ? 19 : 20, coolingSetpointC: isWarm ? 24 : 25 };
      await plant.actuate({
        epoch: 1,
        seq: k,
        issuedAtMs: row.timeMs,
        validUntilMs: row.timeMs + stepMs,
        zones: new Map(plant.zones.map((zone) => [zone, pair])),
        source: "rule",
      });
      row = await plant.advance(stepS);
    }
    return performance.now() - beganMs;
  } finally {
    await plant.close();
  }
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Times the bare engine and a coupled run with a trivial controller in turn, over the first `days` of the year. */
export const measureEnergyplus = async (days = 365, repetitions = 3): Promise<EnergyplusFigures> => {
  const engine = await findEngine();
  const times = { bare: [] as number[], coupled: [] as number[] };
  for (let i = 0; i < repetitions; i++) {
    times.bare.push(await bare(engine, days));
    times.coupled.push(await coupled(engine, days));
  }
  const bareMs = median(times.bare);
  const coupledMs = median(times.coupled);
  return { days, steps: days * 96, bareMs, coupledMs, ratio: coupledMs / bareMs, limitRatio };
};

/**
 * Prints what the coupling to EnergyPlus costs: one year of the five-zone office, every step read and actuated, against the bare engine. Where no engine
 * is installed it says so and returns null.
 */
export const benchEnergyplus = async (
  print: (line: string) => void = console.log,
  days = 365,
  repetitions = 3,
): Promise<EnergyplusFigures | null> => {
  let figures: EnergyplusFigures;
  try {
    figures = await measureEnergyplus(days, repetitions);
  } catch (error) {
    if (!(error instanceof IsothermError) || error.kind !== "retryable") throw error;
    print(`skipped: ${error.describe()}`);
    return null;
  }
  print(`EnergyPlus, ${building} in ${weather}: ${figures.days} days, ${figures.steps} steps of 15 minutes`);
  print("bare engine ms  coupled ms  ratio  limit");
  print(
    [
      figures.bareMs.toFixed(0).padStart(14),
      figures.coupledMs.toFixed(0).padStart(10),
      figures.ratio.toFixed(2).padStart(5),
      figures.limitRatio.toFixed(1).padStart(5),
    ].join("  "),
  );
  return figures;
};
