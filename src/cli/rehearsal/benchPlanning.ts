import type { SimulateOptions } from "#cli/simulateOptions";
import { runSimulation } from "#cli/simulateRun";
import { createMppiPlanner, type MppiOptions } from "#controllers/mppi/mppiPlanner";
import { createRolloutBackend, planningPrecision } from "#controllers/rollout/createBackend";
import type { BuildingModel } from "#domain/model";
import type { Plan } from "#domain/plan";
import type { PlanRequest } from "#domain/planner";
import { mean, median } from "#math/statistics";

interface Case {
  readonly title: string;
  readonly model: BuildingModel;
  readonly requests: readonly PlanRequest[];
}

const options: SimulateOptions = {
  plant: "rc",
  building: "five-zone-office",
  weather: "new-york",
  data: null,
  start: "01-01",
  year: 1991,
  days: 1,
  controller: "mppi",
  leadSteps: 1,
  ramp: false,
  allowFallback: true,
  history: "schedule",
  historyDays: 7,
  comfort: null,
  tariff: "flat-demand",
  objective: "energy",
  forecastError: "none",
  backend: "auto",
  samples: 500,
  horizonSteps: 20,
  prior: "shipped",
  relearn: "never",
  seed: 1,
};
/** Every so many decisions of the day. */
const EVERY = 4;

const caseOf = async (title: string, wishes: Partial<SimulateOptions>): Promise<Case> => {
  const requests: PlanRequest[] = [];
  let model: BuildingModel | null = null;
  let count = 0;
  const context = { say: () => undefined, progress: () => undefined, signal: new AbortController().signal };
  await runSimulation({ ...options, ...wishes }, context, {
    model: (next) => {
      model = next;
    },
    request: (request) => {
      if (count++ % EVERY === 0) requests.push(request);
    },
  });
  return { title, model: model!, requests };
};

/** Ways of searching that are compared; the first is the default, the last as good as the others can hope for. */
const variants: readonly (readonly [name: string, options: Partial<MppiOptions>])[] = [
  ["1,000 sequences (default)", {}],
  ["250 sequences", { numSamples: 250 }],
  ["500 sequences", { numSamples: 500 }],
  ["4,000 sequences", { numSamples: 4000 }],
  ["3 iterations, fixed spread", { iterations: 3, covarianceShare: 0 }],
  ["8 iterations, fixed spread", { covarianceShare: 0 }],
  ["16,000 sequences", { numSamples: 16_000 }],
];

/**
 * How good the plans are that the search finds: real requests of a day's decisions of the simulated office under its own learned model, planned with more and fewer sequences. Told is
 * how much more a plan is predicted to cost than the cheapest that any of them found for the same request, as a share of what the rule's plan costs, and the time beside the default's.
 */
export const benchPlanning = async (print: (line: string) => void): Promise<void> => {
  const cases = [
    () => caseOf("January, energy, 20 steps", {}),
    () => caseOf("January, bill, 20 steps", { objective: "bill" }),
    () => caseOf("July, bill, 96 steps", { start: "07-01", objective: "bill", horizonSteps: 96 }),
  ];
  const backend = await createRolloutBackend("auto", { precision: planningPrecision });
  for (const make of cases) {
    const { title, model, requests } = await make();
    print(`${title}: ${requests.length} decisions of the five-zone office, ${backend.name}`);
    const results: { readonly name: string; readonly plans: readonly Plan[]; readonly ms: readonly number[] }[] = [];
    for (const [name, given] of variants) {
      const { horizonSteps } = requests[0]!;
      const rollout = await backend.prepare({ model, maxSamples: 1000, horizonSteps });
      const planner = createMppiPlanner({ rollout, model, options: { doubtedShare: 0, ...given } });
      const plans: Plan[] = [];
      const ms: number[] = [];
      for (const request of requests) {
        const beganMs = performance.now();
        plans.push(await planner.plan({ ...request, previousPlan: null }));
        ms.push(performance.now() - beganMs);
      }
      await planner.close();
      results.push({ name, plans, ms });
    }
    const least = requests.map((_, i) => Math.min(...results.map(({ plans }) => plans[i]!.chosen.cost.total)));
    const ruleCost = mean(requests.map((_, i) => results[0]!.plans[i]!.rule!.cost.total));
    for (const { name, plans, ms } of results) {
      const beyond = mean(plans.map(({ chosen }, i) => chosen.cost.total - least[i]!));
      const time = median(ms) / median(results[0]!.ms);
      print(
        `  ${name.padEnd(32)} ${((100 * beyond) / ruleCost).toFixed(2).padStart(6)} % of the rule's cost above the best   time × ${time.toFixed(2)}`,
      );
    }
    print(`  the rule's own plan              ${((100 * (ruleCost - mean(least))) / ruleCost).toFixed(2).padStart(6)} %`);
  }
  backend.close?.();
};
