import type { Command } from "commander";
import { printJson, printText, runCommand } from "#cli/cliKit";
import { unavailableError } from "#domain/errors";
import type { CostTerms, Decision } from "#domain/plan";

interface PlanArguments {
  readonly config?: string;
  readonly json?: boolean;
}

const fixed = (value: number | undefined, digits: number): string =>
  value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(digits);
const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows
    .map((row) => `  ${row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join("  ")}`)
    .join("\n");
};

const costRow = (name: string, cost: CostTerms | undefined): string[] => [
  name,
  ...(["comfort", "energy", "uncertainty", "movement", "total"] as const).map((term) => fixed(cost?.[term], 3)),
];

/** What the peak was when this was decided and where that is known from; empty where it costs nothing. */
const peakLine = ({ demandCharge }: Decision["plan"], currency: string): string[] => {
  if (demandCharge === undefined) return [];
  const { pricePerKw, peakSoFarW, counted } = demandCharge;
  const from = counted === undefined ? "" : ` (${counted.basis}, ${counted.point})`;
  return [
    `Peak of the billing period so far ${fixed(peakSoFarW / 1000, 2)} kW${from}, ${fixed(pricePerKw, 2)} ${currency} for every kW more`,
  ];
};

/** A decision as a person reads it: who decides and why, what every zone is told and expected to do, and what the alternatives would have cost. */
export const describeDecision = (decision: Decision, currency: string): string => {
  const { plan } = decision;
  const { diagnostics } = plan;
  const at = (timeMs: number): string => `${new Date(timeMs).toISOString().slice(0, 16)}Z`;
  const hourSteps = Math.min(plan.stepEndMs.length, Math.max(1, Math.round(3_600 / plan.stepS)));
  const zones = Object.entries(decision.command).map(([zone, pair]) => {
    const trajectory = plan.chosen.zones[zone];
    const rule = plan.rule?.zones[zone];
    return [
      zone,
      decision.zoneSources?.[zone] ?? decision.source,
      fixed(decision.observation.values[`${zone}.zoneAirTempC`], 2),
      `${fixed(pair.heatingSetpointC, 1)}/${fixed(pair.coolingSetpointC, 1)}`,
      `${fixed(trajectory?.meanC[hourSteps - 1], 2)} ± ${fixed(trajectory?.stdDevK[hourSteps - 1], 2)}`,
      rule === undefined ? "–" : `${fixed(rule.heatingSetpointC[0], 1)}/${fixed(rule.coolingSetpointC[0], 1)}`,
    ];
  });
  return [
    `Decision ${decision.id} at ${at(decision.timeMs)}, valid until ${at(decision.validUntilMs)}${decision.mode === "shadow" ? " (shadow: proposed, not sent)" : ""}`,
    `${plan.source === "mppi" ? "The planner" : `The ${plan.source}`} decides${plan.fallback === null ? "" : ` (${plan.fallback})`}: ${plan.reason}`,
    "",
    table([["zone", "by", "now °C", "setpoints °C", "in 1 h °C", "rule's °C"], ...zones]),
    "",
    table([
      [`cost over ${plan.stepEndMs.length} steps, ${currency}`, "comfort", "energy", "uncertainty", "movement", "total"],
      costRow("carried out", plan.chosen.cost),
      ...(plan.rule === null ? [] : [costRow("the rule's plan", plan.rule.cost)]),
    ]),
    "",
    ...peakLine(plan, currency),
    `Model ${decision.modelVersion ?? "none"}, backend ${diagnostics.backend}${diagnostics.adapter === undefined ? "" : ` (${diagnostics.adapter})`}: ${diagnostics.numSamples} sequences in ${fixed(diagnostics.solveMs, 0)} ms, ` +
      `${diagnostics.samplesDiscarded} discarded as too uncertain (beyond ${fixed(diagnostics.spreadBoundK, 2)} K), effective sample size ${fixed(diagnostics.effectiveSampleSize, 1)}, seed ${diagnostics.seed}`,
    ...(decision.envelopeChanges.length === 0 ? [] : [`Safety envelope: ${decision.envelopeChanges.join("; ")}`]),
    "",
  ].join("\n");
};

export const registerPlan = (program: Command): void => {
  program
    .command("plan")
    .description("the newest decision of a site: setpoints, expectations, alternatives with their costs, and reasons")
    .option("--config <FILE>", "site file (YAML); the demo site when absent")
    .option("--json", "one JSON object on standard output")
    .action((options: PlanArguments) =>
      runCommand(async ({ signal }) => {
        const { openSiteReader } = await import("#cli/runningSite");
        const reader = await openSiteReader(options.config, signal);
        try {
          const decision = await reader.latestDecision();
          if (decision === null)
            throw unavailableError("Nothing has been decided yet.", { todo: "Wait until the daemon has taken its first decision." });
          if (options.json === true) await printJson(decision);
          else await printText(describeDecision(decision, reader.config.site.currency));
        } finally {
          await reader.close();
        }
      }),
    );
};
