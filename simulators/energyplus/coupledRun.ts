import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IsothermError } from "#domain/errors";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";
import { EngineRun } from "#simulators/energyplus/engineRun";
import { coupledCopy, type DaySpan, timeStepsPerHour } from "#simulators/energyplus/modelCopy";
import { type EpModel, engineFailure } from "#simulators/energyplus/modelFile";
import { hvacMeters, variablesOf } from "#simulators/energyplus/outputs";
import { makeRunFolder, type RunFolder } from "#simulators/energyplus/runFolder";
import type { RunEnd } from "#simulators/energyplus/runProtocol";
import type { ThermostatZone } from "#simulators/energyplus/thermostatZones";
import { epwCopy } from "#simulators/energyplus/weatherCopy";

export const engineStepS = 3600 / timeStepsPerHour;
export const dayMs = 86_400_000;

/** A building under a weather file, ready to be run over any days. */
export interface CoupledModel {
  readonly engine: EnergyplusEngine;
  readonly model: EpModel;
  /** For messages. */
  readonly modelFile: string;
  readonly zones: readonly ThermostatZone[];
  /** Text of the weather file, each character one byte. */
  readonly weatherText: string;
  readonly patienceMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

interface Coupling {
  readonly actuates: boolean;
  readonly freeSteps: number;
  readonly tape?: Float64Array | null;
  readonly keepsRows?: boolean;
  /** Whether the engine writes down what it knows of the zones: `sizes`. */
  readonly keepsSizes?: boolean;
}

/** One run of the engine over `span`, with copies of model and weather in a private folder that goes with it. */
export class CoupledRun {
  readonly span: DaySpan;
  readonly #model: CoupledModel;
  readonly #folder: RunFolder;
  readonly #run: EngineRun;

  private constructor(model: CoupledModel, span: DaySpan, folder: RunFolder, run: EngineRun) {
    this.#model = model;
    this.span = span;
    this.#folder = folder;
    this.#run = run;
  }

  static async start(model: CoupledModel, span: DaySpan, coupling: Coupling): Promise<CoupledRun> {
    const folder = makeRunFolder();
    try {
      const modelFile = join(folder.path, "model.epJSON");
      const weatherFile = join(folder.path, "weather.epw");
      try {
        writeFileSync(modelFile, JSON.stringify(coupledCopy(model.model, span, coupling.keepsSizes ?? false)));
        writeFileSync(weatherFile, epwCopy(model.weatherText, span), "latin1");
      } catch (cause) {
        throw new IsothermError("permanent", `the copy of the model cannot be written: ${(cause as Error).message}`, {
          place: { file: folder.path },
          todo: "Make room there, or name another folder in TMPDIR.",
          cause,
        });
      }
      const run = await EngineRun.start({
        engine: model.engine,
        args: ["-w", weatherFile, "-d", folder.path, modelFile],
        variables: variablesOf(model.zones),
        meters: hvacMeters,
        actuated: coupling.actuates ? model.zones.map(({ name: key }) => ({ key })) : [],
        measured: model.zones.map(({ name }) => name),
        freeSteps: coupling.freeSteps,
        tape: coupling.tape ?? null,
        keepsRows: coupling.keepsRows ?? false,
        ...(model.patienceMs === undefined ? {} : { patienceMs: model.patienceMs }),
        signal: model.signal,
      });
      return new CoupledRun(model, span, folder, run);
    } catch (error) {
      folder.remove();
      throw error;
    }
  }

  /** The row when it is the plant's turn. An engine that ended meanwhile rejects with its reason. */
  async nextRow(): Promise<Float64Array> {
    const row = await this.#run.nextRow();
    if (row !== null) return row;
    await this.finished();
    throw new IsothermError(
      "permanent",
      `the EnergyPlus run ended on ${new Date(this.span.lastDayMs).toISOString().slice(0, 10)}, its last day`,
      {
        todo: "Initialise the plant again.",
      },
    );
  }

  proceed(pairs: Float64Array): void {
    this.#run.proceed(pairs);
  }

  /** Waits for the end; rejects where the engine or the coupling failed. */
  async finished(): Promise<RunEnd> {
    const end = await this.#run.finished();
    const { engine, model, modelFile } = this.#model;
    if (end.failure !== null)
      throw new IsothermError("permanent", `the EnergyPlus run failed: ${end.failure}`, { place: { file: modelFile } });
    if (end.code !== 0) throw engineFailure(this.#folder.path, end.code, model, engine, modelFile);
    return end;
  }

  /** Text of the engine's report of zones and sizes (`eplusout.eio`), once it has finished; empty where it was not asked for. */
  sizes(): string {
    const file = join(this.#folder.path, "eplusout.eio");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  async close(): Promise<void> {
    await this.#run.close();
    this.#folder.remove();
  }
}
