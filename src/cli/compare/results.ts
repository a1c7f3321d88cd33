import { caseKeyOf, caseTitle, settingKeyOf, settingLabel } from "#cli/compare/cases";
import type { Suite } from "#cli/compare/expandSuite";
import { type PublishedFigures, publishedFor } from "#cli/compare/publishedFigures";
import type { Environment } from "#cli/compare/runIdentity";
import type { RunFigures, RunTimings } from "#cli/compare/runOutput";
import type { SuiteRun } from "#cli/compare/runSuite";
import { type SeedStatistics, seedStatistics } from "#cli/compare/seedStatistics";
import { type RunOptions, shownCommand } from "#cli/compare/simulateCommand";

/** Comfort that counts as kept, as `rule-best` is chosen: energy and bills are ranked among these only. */
export const keptViolationPct = 0.5;

export interface RunResult {
  readonly id: string;
  readonly case: string;
  readonly controller: string;
  readonly seed: number;
  readonly status: "done" | "failed" | "skipped";
  readonly command: string;
  readonly options: RunOptions;
  /** Of a finished run. */
  readonly figures?: RunFigures;
  /** Of a run that has none. */
  readonly reason?: string;
  /** Of a failed run; null where a signal or the time limit ended it. */
  readonly exitCode?: number | null;
}

const summed = [
  "comfortViolationPct",
  "discomfortKh",
  "hvacElectricityKwh",
  "fuelKwh",
  "peakKw",
  "cost",
  "emissionsKg",
  "fallbackPct",
] as const;
export type SummedFigure = (typeof summed)[number];

/** One controller setting in one case, over its seeds. */
export interface Summary {
  readonly controller: string;
  /** Every option that makes the setting. */
  readonly setting: RunOptions;
  readonly seeds: readonly number[];
  readonly failedSeeds: readonly number[];
  readonly figures: Readonly<Record<SummedFigure, SeedStatistics>>;
  /** Means against rule-best's in the same case, percent more (or less); null without one, or where it is 0. */
  readonly againstRuleBest: { readonly energyPct: number | null; readonly costPct: number | null; readonly peakPct: number | null };
  readonly keepsComfort: boolean;
}

export interface CaseResult {
  readonly title: string;
  readonly options: RunOptions;
  readonly summaries: readonly Summary[];
  readonly published: PublishedFigures | null;
}

/** What results.json holds: the same for the same suite, program and machine, however often it was interrupted. */
export interface SuiteResults {
  readonly format: 1;
  readonly suite: { readonly name: string; readonly title: string; readonly description: string };
  readonly versions: Environment & {
    readonly priors: readonly string[];
    readonly backends: readonly string[];
  };
  readonly counts: { readonly done: number; readonly failed: number; readonly skipped: number };
  readonly cases: readonly CaseResult[];
  readonly runs: readonly RunResult[];
}

/** What timings.json holds: figures of this machine at that time, by run id. */
export type SuiteTimings = Readonly<Record<string, RunTimings>>;

export const timingsOf = (runs: readonly SuiteRun[]): SuiteTimings =>
  Object.fromEntries(runs.flatMap(({ id, outcome }) => (outcome.status === "done" ? [[id, outcome.timings] as const] : [])));

/** Everything the suite found, from its runs in their order. */
export function suiteResults(suite: Suite, runs: readonly SuiteRun[], environment: Environment): SuiteResults {
  const all = runs.map(({ options }) => options);
  const settingOptions = (options: RunOptions): RunOptions => Object.fromEntries(JSON.parse(settingKeyOf(options)) as [string, string][]);
  const results = runs.map(({ id, options, outcome }): RunResult => {
    const named = {
      id,
      case: caseTitle(options, all),
      controller: settingLabel(options, all),
      seed: Number(options.seed),
      status: outcome.status,
    };
    const how = { command: shownCommand(options), options };
    if (outcome.status === "done") return { ...named, ...how, figures: outcome.figures };
    if (outcome.status === "skipped") return { ...named, ...how, reason: outcome.reason };
    return { ...named, ...how, reason: outcome.reason, exitCode: outcome.exitCode };
  });
  const cases = grouped(results, ({ options }) => caseKeyOf(options)).map((members): CaseResult => {
    const [first] = members;
    const settings = grouped(members, ({ options }) => settingKeyOf(options));
    const means = settings.map((group) => summaryOf(group, settingOptions(group[0]!.options)));
    const best = means.find(({ setting, seeds }) => setting.controller === "rule-best" && seeds.length > 0) ?? null;
    return {
      title: first!.case,
      options: Object.fromEntries(
        Object.entries(first!.options).filter(([name]) => name !== "seed" && !(name in settingOptions(first!.options))),
      ),
      summaries: means.map((one) => ({ ...one, againstRuleBest: compareTo(one, best) })),
      published: publishedFor(first!.options),
    };
  });
  const count = (status: RunResult["status"]): number => results.filter((run) => run.status === status).length;
  const distinct = (pick: (figures: RunFigures) => unknown): string[] =>
    [...new Set(results.flatMap(({ figures }) => (figures === undefined ? [] : [pick(figures)])))]
      .filter((text): text is string => typeof text === "string")
      .sort();
  return {
    format: 1,
    suite: { name: suite.name, title: suite.title, description: suite.description },
    versions: {
      ...environment,
      priors: distinct(({ priorManifest }) => (priorManifest as { name?: unknown } | null | undefined)?.name),
      backends: distinct(({ backend }) => backend),
    },
    counts: { done: count("done"), failed: count("failed"), skipped: count("skipped") },
    cases,
    runs: results,
  };
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

type Means = Omit<Summary, "againstRuleBest">;

function summaryOf(group: readonly RunResult[], setting: RunOptions): Means {
  const done = group.filter((run) => run.figures !== undefined);
  const figures = Object.fromEntries(
    summed.map((name) => [name, seedStatistics(done.map((run) => run.figures![name]))]),
  ) as Summary["figures"];
  return {
    controller: group[0]!.controller,
    setting,
    seeds: done.map(({ seed }) => seed),
    failedSeeds: group.filter(({ status }) => status === "failed").map(({ seed }) => seed),
    figures,
    keepsComfort: figures.comfortViolationPct.mean <= keptViolationPct,
  };
}

function compareTo(one: Means, best: Means | null): Summary["againstRuleBest"] {
  const against = (value: (means: Means) => number): number | null => {
    if (best === null || one.seeds.length === 0) return null;
    const reference = value(best);
    return reference === 0 ? null : 100 * (value(one) / reference - 1);
  };
  return {
    energyPct: against(({ figures }) => figures.hvacElectricityKwh.mean + figures.fuelKwh.mean),
    costPct: against(({ figures }) => figures.cost.mean),
    peakPct: against(({ figures }) => figures.peakKw.mean),
  };
}
