import type { ZoneAccuracy } from "#models/evaluation/evaluateZone";

/** The JSON of `isotherm evaluate`; over several zones every figure is the mean, the largest error the largest. */
export interface EvaluateResult extends ZoneAccuracy {
  readonly model: string;
  readonly prior: string;
  readonly trainRows: number;
  readonly fitMs: number;
  readonly linearAlgebra: string;
  readonly zones?: Readonly<Record<string, ZoneAccuracy>>;
}

const text = (value: number | null, digits = 3): string => (value === null ? "–" : value.toFixed(digits));

/** A page of Markdown for people: the same figures with what they mean. */
export const evaluationReport = (result: EvaluateResult, data: string, trainFrom: string, trainDays: number, testDays: number): string => {
  const { coverage90ByRegime: byRegime } = result;
  const rows: readonly (readonly [string, string, string])[] = [
    ["One step ahead, RMSE", `${text(result.rmse1K)} K`, `persistence: ${text(result.persistenceRmse1K)} K`],
    ["One step ahead, mean absolute error", `${text(result.mae1K)} K`, ""],
    ["4 steps open loop, RMSE", `${text(result.rmse4K)} K`, ""],
    ["20 steps open loop, RMSE", `${text(result.rmse20K)} K`, "the planner's horizon"],
    ["96 steps open loop, RMSE", `${text(result.rmse96K)} K`, "one day at 15 minutes"],
    ["Largest open-loop error", `${text(result.maxAbsOpenLoopErrorK, 2)} K`, "over 96 steps"],
    ["Negative log predictive density", text(result.nlpd), "lower is better"],
    ["90 % interval holds", `${text(100 * result.coverage90, 1)} %`, "90 is wanted"],
    [
      "… while idle / at the limit / on a setpoint",
      [byRegime.idle, byRegime.limited, byRegime.onSetpoint].map((value) => (value === null ? "–" : (100 * value).toFixed(1))).join(" / "),
      "%",
    ],
  ];
  return [
    `# ${result.model} on ${data}`,
    "",
    `${trainDays} days of training from ${trainFrom}, the next ${testDays} tested. ${result.trainRows} training rows, ${result.testRows} test rows, prior ${result.prior}.`,
    "",
    "| figure | value | note |",
    "|---|---|---|",
    ...rows.map(([name, value, note]) => `| ${name} | ${value} | ${note} |`),
    "",
    `Fit ${Math.round(result.fitMs)} ms, 1,000 predictions ${result.predictMsPer1000.toFixed(1)} ms (${result.linearAlgebra}).`,
    "",
  ].join("\n");
};
