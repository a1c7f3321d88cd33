import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseDocument } from "yaml";
import { configurationError, type IsothermError } from "#domain/errors";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";
import { EngineRun } from "#simulators/energyplus/engineRun";
import { quoteErrors, severeErrors } from "#simulators/energyplus/errFile";
import { makeRunFolder } from "#simulators/energyplus/runFolder";

/** One object's fields. */
export type EpObject = Record<string, unknown>;
/** EnergyPlus input as epJSON: class, object name, fields. */
export type EpModel = Record<string, Record<string, EpObject>>;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Objects of a class, whatever the case of its name; empty where there are none. */
export const objectsOf = (model: EpModel, className: string): Record<string, EpObject> => {
  const wanted = className.toLowerCase();
  const key = Object.keys(model).find((name) => name.toLowerCase() === wanted);
  return key === undefined ? {} : model[key]!;
};

/** Deletes every class that `unwanted` accepts; returns the model itself. */
export const withoutClasses = (model: EpModel, unwanted: (className: string) => boolean): EpModel => {
  for (const className of Object.keys(model)) if (unwanted(className)) delete model[className];
  return model;
};

/** "24.1" of the model; null where it does not say. */
export const modelVersion = (model: EpModel): string | null => {
  const version = Object.values(objectsOf(model, "Version"))[0]?.version_identifier;
  return version === undefined ? null : String(version);
};

/**
 * Reads a building model: epJSON as it is, IDF by way of the engine's own converter. What cannot be read is refused with an `IsothermError`
 * (configuration) that names the file and, where it is known, the line.
 */
export async function readModel(file: string, engine: EnergyplusEngine, signal?: AbortSignal): Promise<EpModel> {
  if (!existsSync(file)) throw configurationError("the building model does not exist", { place: { file }, todo: "Check the path." });
  if (/\.idf$/i.test(file)) return convertIdf(file, engine, signal);
  if (!/\.(epjson|json)$/i.test(file))
    throw configurationError("this is not a building model: its name ends neither in .epJSON nor in .idf", {
      place: { file },
      todo: "Name an EnergyPlus model, or one of `isotherm simulate --list-buildings`.",
    });
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw configurationError(`the building model cannot be read: ${(cause as Error).message}`, { place: { file }, cause });
  }
  return parseModel(text, file);
}

/** epJSON text; broken JSON and other shapes get file and line. */
export function parseModel(text: string, file: string): EpModel {
  let model: unknown;
  try {
    model = JSON.parse(text);
  } catch (cause) {
    throw configurationError(`this is not valid JSON: ${(cause as Error).message.slice(0, 200)}`, {
      place: { file, line: lineOfFault(text, cause as Error) },
      todo: "Correct it there, or export it again.",
      cause,
    });
  }
  const isModel = isRecord(model) && Object.values(model).every((objects) => isRecord(objects) && Object.values(objects).every(isRecord));
  if (!isModel || !isRecord((model as EpModel).Building ?? (model as EpModel).Zone))
    throw configurationError("this JSON is not an EnergyPlus model (epJSON): it has no Building or Zone", {
      place: { file, line: 1 },
      todo: "Name an epJSON or IDF file.",
    });
  return model as EpModel;
}

function lineOfFault(text: string, error: Error): number {
  const lineAt = (position: number): number => text.slice(0, position).split("\n").length;
  const position = /position (\d+)/.exec(error.message)?.[1];
  if (position !== undefined) return lineAt(Number(position));
  if (/end of JSON/i.test(error.message)) return lineAt(text.trimEnd().length);
  // Older engines of JavaScript name no place; JSON is YAML, and its parser does.
  return parseDocument(text).errors[0]?.linePos?.[0].line ?? 1;
}

async function convertIdf(file: string, engine: EnergyplusEngine, signal: AbortSignal | undefined): Promise<EpModel> {
  const folder = makeRunFolder();
  try {
    const run = await EngineRun.start({ engine, args: ["--convert-only", "-d", folder.path, file], signal });
    const { code } = await run.finished();
    const converted = join(folder.path, `${basename(file).replace(/\.idf$/i, "")}.epJSON`);
    if (code !== 0 || !existsSync(converted)) {
      const errors = severeErrors(folder.path);
      throw configurationError(`EnergyPlus ${engine.version} cannot read this IDF: ${quoteErrors(errors) || "it gives no reason"}`, {
        place: { file },
        todo: "Correct it, or bring it to the engine's version with EnergyPlus's IDFVersionUpdater.",
      });
    }
    return parseModel(readFileSync(converted, "utf8"), file);
  } finally {
    folder.remove();
  }
}

/** The error of a run that EnergyPlus ended itself. */
export function engineFailure(
  outputFolder: string,
  code: number,
  model: EpModel,
  engine: EnergyplusEngine,
  file: string | null,
): IsothermError {
  const errors = severeErrors(outputFolder);
  const version = modelVersion(model);
  const isOther = version !== null && !engine.version.startsWith(`${version}.`) && engine.version !== version;
  return configurationError(`EnergyPlus ended the run: ${quoteErrors(errors) || `exit code ${code}, without a reason`}`, {
    ...(file === null ? {} : { place: { file } }),
    todo: isOther
      ? `Correct the model. It is of version ${version}, the engine of ${engine.version}: EnergyPlus's IDFVersionUpdater brings it up.`
      : "Correct the model; EnergyPlus's own documentation explains these messages.",
  });
}
