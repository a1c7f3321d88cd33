import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type EnergyplusEngine, findEngine } from "#simulators/energyplus/engine";

const isBuilt = existsSync(fileURLToPath(new URL("../../../dist/simulators/energyplus/engineWorker.js", import.meta.url)));
const found = await findEngine().catch(() => null);

/** Why tests with the engine cannot run here; null where they can. */
export const whyNot: string | null =
  found === null ? "EnergyPlus is not installed: npm run energyplus:install" : isBuilt ? null : "needs npm run build";
/** Only where `whyNot` is null. */
export const engine = found as EnergyplusEngine;
export const named = (what: string): string => (whyNot === null ? what : `${what} (skipped: ${whyNot})`);

/** Local midnight in Pittsburgh. */
export const pittsburghMs = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day, 5);
