import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationError, IsothermError } from "#domain/errors";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";
import { EngineRun } from "#simulators/energyplus/engineRun";
import { parseEso, type ReportedSeries } from "#simulators/energyplus/eso";
import { type EpModel, engineFailure, readModel } from "#simulators/energyplus/modelFile";
import { unwantedFiles, withoutReports } from "#simulators/energyplus/reports";
import { makeRunFolder } from "#simulators/energyplus/runFolder";

export type ReportingFrequency = "Detailed" | "Timestep" | "Hourly" | "Daily" | "Monthly" | "RunPeriod" | "Annual";

export interface WantedOutputs {
  /** Output variables; `key` is the zone, surface or node, all of them when absent. */
  readonly variables?: readonly { readonly name: string; readonly key?: string; readonly frequency: ReportingFrequency }[];
  /** Meters such as "Electricity:HVAC". */
  readonly meters?: readonly { readonly name: string; readonly frequency: ReportingFrequency }[];
}

export interface RunModelOptions {
  readonly engine: EnergyplusEngine;
  /** An epJSON or IDF file, or an epJSON object (left as it is). */
  readonly model: string | EpModel;
  /** A plain EPW file. */
  readonly weatherFile: string;
  readonly outputs?: WantedOutputs;
  /** Keeps EnergyPlus's own files there; a private folder that is removed when absent. */
  readonly outputFolder?: string;
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

export interface ModelResults {
  readonly series: readonly ReportedSeries[];
  /** The one series of that name (and key, whatever its case); throws an `IsothermError` (permanent) where there is none or several. */
  one(name: string, key?: string): ReportedSeries;
  readonly wallMs: number;
}

/**
 * Runs a model as it is to its end, without coupling, in a thread of its own. Only the reports in `outputs` are made; those that the model itself
 * asks for are left out. Values are what EnergyPlus reports: means or states in the variable's unit, energies in J per report. Severe errors that
 * end the run come back as an `IsothermError` with EnergyPlus's own message.
 */
export async function runModel(options: RunModelOptions): Promise<ModelResults> {
  const beganMs = performance.now();
  const { engine, weatherFile, outputs = {}, signal } = options;
  const file = typeof options.model === "string" ? options.model : null;
  if (!existsSync(weatherFile)) throw configurationError("the weather file does not exist", { place: { file: weatherFile } });
  const model = typeof options.model === "string" ? await readModel(options.model, engine, signal) : structuredClone(options.model);
  askFor(withoutReports(model), outputs);
  const temporary = options.outputFolder === undefined ? makeRunFolder() : null;
  const folder = options.outputFolder ?? temporary!.path;
  try {
    mkdirSync(folder, { recursive: true });
    const modelFile = join(folder, "model.epJSON");
    writeFileSync(modelFile, JSON.stringify(model));
    const run = await EngineRun.start({
      engine,
      args: ["-w", weatherFile, "-d", folder, modelFile],
      signal,
      ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
    });
    let code: number;
    try {
      ({ code } = await run.finished());
    } finally {
      await run.close();
    }
    if (code !== 0) throw engineFailure(folder, code, model, engine, file);
    const eso = join(folder, "eplusout.eso");
    const series = existsSync(eso) ? parseEso(readFileSync(eso, "utf8"), eso) : [];
    return { series, one: (name, key) => oneOf(series, name, key), wallMs: performance.now() - beganMs };
  } finally {
    temporary?.remove();
  }
}

function oneOf(series: readonly ReportedSeries[], name: string, key: string | undefined): ReportedSeries {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const found = series.filter((one) => same(one.name, name) && (key === undefined || same(one.key, key)));
  if (found.length !== 1)
    throw new IsothermError(
      "permanent",
      `EnergyPlus reported ${found.length} series "${name}"${key === undefined ? "" : ` of ${key}`}; there are ${[...new Set(series.map((one) => one.name))].join(", ") || "none"}`,
    );
  return found[0]!;
}

function askFor(model: EpModel, { variables = [], meters = [] }: WantedOutputs): void {
  model["Output:Variable"] = Object.fromEntries(
    variables.map(({ name, key = "*", frequency }, i) => [
      `isotherm ${i + 1}`,
      { key_value: key, variable_name: name, reporting_frequency: frequency },
    ]),
  );
  model["Output:Meter"] = Object.fromEntries(
    meters.map(({ name, frequency }, i) => [`isotherm ${i + 1}`, { key_name: name, reporting_frequency: frequency }]),
  );
  for (const name of ["Output:Variable", "Output:Meter"]) if (Object.keys(model[name]!).length === 0) delete model[name];
  model["OutputControl:Files"] = {
    "isotherm files": {
      ...Object.fromEntries(unwantedFiles.map((name) => [`output_${name}`, "No"])),
      output_eso: variables.length + meters.length > 0 ? "Yes" : "No",
      output_err: "Yes",
    },
  };
}
