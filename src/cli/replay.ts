import type { Command } from "commander";
import { createRequestJournal } from "#adapters/files/requestJournal";
import { printJson, printText, runCommand } from "#cli/cliKit";
import { requestDirectory, sitePlannerOptions } from "#cli/daemon/plannerFactory";
import type { SiteConfig } from "#config/siteConfig";
import { createMppiPlanner } from "#controllers/mppi/mppiPlanner";
import { createRolloutBackend, planningPrecision } from "#controllers/rollout/createBackend";
import { IsothermError, unavailableError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { Decision, Plan } from "#domain/plan";
import type { PlanRequest } from "#domain/planner";
import { createPlanGuard } from "#loop/planOrRule";
import { modelFromJson } from "#models/modelJson";

interface ReplayArguments {
  readonly config?: string;
  readonly json?: boolean;
}

/** A decision made again, beside what was decided then. */
export interface Replayed {
  readonly decision: string;
  readonly modelVersion: string | null;
  readonly backend: { readonly before: string; readonly now: string };
  readonly source: { readonly before: string; readonly now: string };
  readonly reason: { readonly before: string; readonly now: string };
  readonly totalCost: { readonly before: number; readonly now: number };
  /** Largest difference of any setpoint over the horizon, K; null where the plans cover other zones or steps. */
  readonly largestSetpointDifferenceK: number | null;
  /** Largest difference of any predicted temperature, K; null where one of them predicts none. */
  readonly largestTemperatureDifferenceK: number | null;
  /** Setpoints, source and reason are the same. */
  readonly same: boolean;
  /** Why it may differ; empty where nothing is known. */
  readonly notes: readonly string[];
}

const largestDifference = (one: readonly number[], other: readonly number[]): number | null =>
  one.length !== other.length ? null : one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0);

const alongAll = (plan: Plan, of: "heatingSetpointC" | "coolingSetpointC" | "meanC", zones: readonly string[]): number[] =>
  zones.flatMap((zone) => [...(plan.chosen.zones[zone]?.[of] ?? [])]);

/** Compares two plans for the same zones. */
export const comparePlans = (
  decision: Pick<Decision, "id" | "modelVersion">,
  before: Plan,
  now: Plan,
  notes: readonly string[],
): Replayed => {
  const zones = Object.keys(before.chosen.zones);
  const setpoints = (plan: Plan): number[] => [...alongAll(plan, "heatingSetpointC", zones), ...alongAll(plan, "coolingSetpointC", zones)];
  const largestSetpointDifferenceK = largestDifference(setpoints(before), setpoints(now));
  const temperatures = [alongAll(before, "meanC", zones), alongAll(now, "meanC", zones)] as const;
  return {
    decision: decision.id,
    modelVersion: decision.modelVersion,
    backend: { before: before.diagnostics.backend, now: now.diagnostics.backend },
    source: { before: before.source, now: now.source },
    reason: { before: before.reason, now: now.reason },
    totalCost: { before: before.chosen.cost.total, now: now.chosen.cost.total },
    largestSetpointDifferenceK,
    largestTemperatureDifferenceK: temperatures.some(({ length }) => length === 0) ? null : largestDifference(...temperatures),
    same:
      largestSetpointDifferenceK === 0 && before.source === now.source && before.reason === [now.reason, ...(before.notes ?? [])].join(" "),
    notes,
  };
};

/** The decision's model on the site's backend, and its plan made again without a time limit. */
const planAgain = async (config: SiteConfig, request: PlanRequest, model: BuildingModel | null, signal: AbortSignal): Promise<Plan> => {
  const guard = createPlanGuard({ deadlineMs: Number.POSITIVE_INFINITY, allowFallback: true, onFailure: () => undefined });
  if (model === null) return guard.plan(null, request, signal);
  const backend = await createRolloutBackend(config.planner.backend, { precision: planningPrecision });
  try {
    const options = sitePlannerOptions(config);
    const rollout = await backend.prepare({ model, maxSamples: config.planner.numSamples, horizonSteps: request.horizonSteps });
    const planner = createMppiPlanner({ rollout, model, options: { ...options, backendName: backend.name } });
    try {
      return await guard.plan(planner, request, signal);
    } finally {
      await planner.close();
    }
  } finally {
    backend.close?.();
  }
};

const notesOn = ({ plan }: Decision, config: SiteConfig): string[] => {
  const notes: string[] = [];
  const { diagnostics, fallback } = plan;
  if (diagnostics.numSamples > 0 && diagnostics.numSamples < config.planner.numSamples && fallback === null)
    notes.push(
      `It drew ${diagnostics.numSamples} of ${config.planner.numSamples} sequences: its time was up, and more time finds other plans.`,
    );
  if (fallback === "late" || fallback === "planner-failed")
    notes.push("It came from a planner that was late or failed; that does not repeat itself.");
  return notes;
};

const describe = (result: Replayed): string => {
  const pair = <T>({ before, now }: { readonly before: T; readonly now: T }): string =>
    before === now ? `${before}` : `${before}; now ${now}`;
  const difference = (value: number | null): string => (value === null ? "not comparable" : `${value.toPrecision(3)} K`);
  return [
    result.same ? `Decision ${result.decision} comes out the same.` : `Decision ${result.decision} comes out otherwise.`,
    `  model ${result.modelVersion ?? "none"}, backend ${pair(result.backend)}`,
    `  decided by ${pair(result.source)}: ${pair(result.reason)}`,
    `  total cost ${result.totalCost.before.toFixed(4)} then, ${result.totalCost.now.toFixed(4)} now`,
    `  largest difference: setpoints ${difference(result.largestSetpointDifferenceK)}, temperatures ${difference(result.largestTemperatureDifferenceK)}`,
    ...result.notes.map((note) => `  ${note}`),
    "",
  ].join("\n");
};

/** `isotherm replay`: makes a logged decision again from what it was made from, and says whether it comes out the same. */
export const registerReplay = (program: Command): void => {
  program
    .command("replay [decision]")
    .description(
      "makes a logged decision (its id, e.g. 3-120; the newest when absent) again and says whether it comes out the same; changes nothing",
    )
    .option("--config <FILE>", "site file (YAML); the demo site when absent")
    .option("--json", "one JSON object on standard output")
    .action((id: string | undefined, options: ReplayArguments) =>
      runCommand(async ({ signal }) => {
        const { openSiteReader } = await import("#cli/runningSite");
        const reader = await openSiteReader(options.config, signal);
        try {
          const decision = id === undefined ? await reader.latestDecision() : await reader.decision(id);
          if (decision === null)
            throw unavailableError(id === undefined ? "Nothing has been decided yet." : `There is no decision ${id} in the store.`, {
              todo: "isotherm plan shows the newest one with its id; old ones are forgotten after store.retention.",
            });
          const request = await createRequestJournal(requestDirectory(reader.config)).read(decision.id, decision.timeMs);
          if (request === null)
            throw unavailableError(`What decision ${decision.id} was made from is not kept any more.`, {
              todo: "It is kept for 14 days, beside the store. The decision itself is: isotherm plan, or the dashboard.",
            });
          const model = await modelOf(decision, reader);
          const plan = await planAgain(reader.config, request, model, signal);
          const result = comparePlans(decision, decision.plan, plan, notesOn(decision, reader.config));
          if (options.json === true) await printJson(result);
          else await printText(describe(result));
          return undefined;
        } finally {
          await reader.close();
        }
      }),
    );
};

const modelOf = async (
  { modelVersion }: Decision,
  reader: { modelVersion(id: string): Promise<{ readonly json: string } | null> },
): Promise<BuildingModel | null> => {
  if (modelVersion === null) return null;
  const version = await reader.modelVersion(modelVersion);
  if (version === null)
    throw new IsothermError("retryable", `Model ${modelVersion}, which decided then, is no longer in the store.`, {
      todo: "learning.keptVersions says how many versions are kept.",
    });
  return modelFromJson(version.json);
};
