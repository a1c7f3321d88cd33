import { createHash } from "node:crypto";
import type { Clock } from "#domain/clock";
import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import type { ModelVersionStore } from "#domain/store";

export interface LearnParts {
  readonly clock: Clock;
  readonly zones: readonly string[];
  /** Days of usable rows from which a model is trusted unseen. */
  readonly minDays: number;
  /** Days of usable rows below which nothing is learned; a model of fewer than `minDays` is provisional. Default `minDays`. */
  readonly firstDays?: number;
  /** The rows to learn from, e.g. the last seven days of the history. */
  readonly dataset: () => Dataset | Promise<Dataset>;
  readonly train: (dataset: Dataset, signal?: AbortSignal) => Promise<BuildingModel>;
  /** Held-out error of a model, lower is better; null where it was not measured: then the newer model counts as no worse. */
  readonly heldOut: (model: BuildingModel) => { readonly value: number; readonly text: string } | null;
  /** Both models on the same held-out days; null where there are none: then each one's own figure counts. */
  readonly beside?: (
    model: BuildingModel,
    current: BuildingModel,
  ) => {
    readonly fresh: { readonly value: number; readonly text: string };
    readonly before: { readonly value: number; readonly text: string };
  } | null;
  /**
   * A new model may be this share worse: it is judged by one that has not seen the newest days (default 0.2), and by so much more for every day beyond the first that the one in use is older
   * (default 0.03): what it was better at was another season.
   */
  readonly tolerance?: number;
  readonly tolerancePerDay?: number;
  readonly current: () => BuildingModel | null;
  /**
   * Puts a model to work from the next decision on, e.g. prepares a planner for it and swaps it into the slot. Resolves with false where another one than
   * `judgedAgainst` came into force since, and the model was not put to work.
   */
  readonly install: (model: BuildingModel, verdict: { readonly judgedAgainst: BuildingModel | null; readonly text: string }) => unknown;
  readonly encode: (model: BuildingModel) => string;
  readonly versions: Pick<ModelVersionStore, "saveModelVersion">;
  /** Kept with a version beside the model's own summary, e.g. the site that it was learned at. */
  readonly facts?: Readonly<Record<string, number | string>>;
  readonly onError: (error: unknown) => void;
}

export type LearnOutcome =
  /** Too few usable rows: the model before, or the rule, goes on. */
  | { readonly kind: "waiting"; readonly text: string; readonly daysThere: number; readonly daysWanted: number }
  | { readonly kind: "installed"; readonly text: string; readonly model: BuildingModel }
  /** The new model is worse on held-out data: saved, not put to work. */
  | { readonly kind: "kept"; readonly text: string; readonly model: BuildingModel }
  /** Training failed: the model before goes on. */
  | { readonly kind: "failed"; readonly text: string; readonly error: unknown };

const DAYS_LEARNED = "daysLearned";

/** Days of usable rows that a model stands on; null where it does not say (learned elsewhere, or by an older isotherm). */
export const daysLearned = ({ summary }: Pick<BuildingModel, "summary">): number | null => {
  const value = summary[DAYS_LEARNED];
  return typeof value === "number" ? value : null;
};

/** Whether a model stands on fewer days than one is trusted with unseen: on a prior and what little has been seen. */
export const isProvisional = (model: Pick<BuildingModel, "summary">, minDays: number): boolean => (daysLearned(model) ?? minDays) < minDays;

/** Days of rows in which every zone has a temperature and both setpoints. */
export function usableDays(dataset: Dataset, zones: readonly string[]): number {
  const needed = zones.flatMap((zone) =>
    (["zoneAirTempC", "heatingSetpointC", "coolingSetpointC"] as const).map((quantity) => dataset.columns.get(zonePoint(zone, quantity))),
  );
  if (needed.some((column) => column === undefined)) return 0;
  let rows = 0;
  for (let i = 0; i < dataset.timesMs.length; i++) if (needed.every((column) => Number.isFinite(column![i]))) rows++;
  return (rows * dataset.stepS) / 86_400;
}

/**
 * One round of learning: dataset → train → gates → install. Rejects only when `signal` aborts; every other failure leaves the model before at work.
 * Every trained model is saved as a version with the reason, whether or not it is put to work. One that was judged against a model that people replaced
 * meanwhile is not put to work.
 */
export async function learnCycle(parts: LearnParts, signal?: AbortSignal): Promise<LearnOutcome> {
  let daysThere = Number.POSITIVE_INFINITY;
  try {
    const dataset = await parts.dataset();
    daysThere = usableDays(dataset, parts.zones);
    const daysWanted = parts.firstDays ?? parts.minDays;
    if (daysThere < daysWanted) return { kind: "waiting", daysThere, daysWanted, text: wantedText(daysWanted, daysThere) };
    const trained = await parts.train(dataset, signal);
    const model = { ...trained, summary: { ...trained.summary, [DAYS_LEARNED]: Number(daysThere.toFixed(3)) } };
    signal?.throwIfAborted();
    const current = parts.current();
    const verdict = compare(parts, model, current);
    await save(parts, model, verdict);
    if (!verdict.accept) return { kind: "kept", model, text: verdict.text };
    const isInstalled = (await parts.install(model, { judgedAgainst: current, text: verdict.text })) !== false;
    if (isInstalled) return { kind: "installed", model, text: verdict.text };
    return { kind: "kept", model, text: `Model ${model.version} is not used: another one came into force while it was judged.` };
  } catch (error) {
    if (signal?.aborted) throw error;
    // Hours of data may stand on a setpoint throughout: there will be more.
    if (daysThere < parts.minDays && error instanceof IsothermError)
      return { kind: "waiting", daysThere, daysWanted: parts.minDays, text: error.message };
    parts.onError(error);
    return { kind: "failed", error, text: `Learning failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? "" : "s"}`;

/** In days, or in hours where less than a day is wanted. */
const wantedText = (wantedDays: number, thereDays: number): string =>
  wantedDays < 1
    ? `${counted(Number((24 * wantedDays).toFixed(1)), "hour")} of data wanted, ${(24 * thereDays).toFixed(1)} there`
    : `${counted(wantedDays, "day")} of data wanted, ${thereDays.toFixed(1)} there`;

interface Verdict {
  readonly accept: boolean;
  readonly text: string;
}

function compare(parts: LearnParts, model: BuildingModel, current: BuildingModel | null): Verdict {
  const both = current === null ? null : (parts.beside?.(model, current) ?? null);
  const fresh = both?.fresh ?? parts.heldOut(model);
  if (fresh !== null && !Number.isFinite(fresh.value))
    return { accept: false, text: `Model ${model.version} is not used: its held-out error is not a number.` };
  // What a few hours left out say of a provisional model is chance: more days count for more.
  const isOutgrown = current !== null && isProvisional(current, parts.minDays) && (daysLearned(model) ?? 0) > (daysLearned(current) ?? 0);
  const before = isOutgrown ? null : (both?.before ?? (current === null ? null : parts.heldOut(current)));
  if (fresh === null || before === null)
    return { accept: true, text: `Model ${model.version} is in use${fresh === null ? "" : ` (${fresh.text})`}.` };
  const olderDays = current === null ? 0 : (model.trainedToMs - current.trainedToMs) / 86_400_000;
  const tolerance = (parts.tolerance ?? 0.2) + (parts.tolerancePerDay ?? 0.03) * Math.max(0, olderDays - 1);
  const allowed = before.value + Math.abs(before.value) * tolerance;
  return fresh.value <= allowed
    ? { accept: true, text: `Model ${model.version} is in use (${fresh.text}; before: ${before.text}).` }
    : { accept: false, text: `Model ${model.version} is not used: ${fresh.text}, the one in use has ${before.text}.` };
}

/** A store that fails must not keep a good model from being used. */
async function save(parts: LearnParts, model: BuildingModel, { accept, text }: Verdict): Promise<void> {
  try {
    const json = parts.encode(model);
    await parts.versions.saveModelVersion({
      id: model.version,
      createdMs: parts.clock.nowMs(),
      checksum: createHash("sha256").update(json).digest("hex"),
      json,
      summary: {
        ...model.summary,
        ...parts.facts,
        trainedFromMs: model.trainedFromMs,
        trainedToMs: model.trainedToMs,
        trainRows: model.trainRows,
        prior: model.prior,
        accepted: accept ? "yes" : "no",
        reason: text,
      },
    });
  } catch (error) {
    parts.onError(error);
  }
}
