import type { LearningCurve } from "#cli/evaluateCurve";
import type { ZoneAccuracy } from "#models/evaluation/evaluateZone";
import type { PowerError } from "#models/evaluation/powerError";

/** The JSON of `isotherm evaluate`; over several zones every figure is the mean, the largest error the largest. */
export interface EvaluateResult extends ZoneAccuracy {
  readonly model: string;
  readonly prior: string;
  readonly trainRows: number;
  readonly fitMs: number;
  readonly linearAlgebra: string;
  /** Training rows of which the gate left a value out. */
  readonly rowsGated: number;
  readonly zones?: Readonly<Record<string, ZoneAccuracy>>;
  /** HVAC power one step ahead, where the data hold it and every zone was learned. */
  readonly power?: PowerError;
  readonly learningCurve?: LearningCurve;
  /** With a report: the other models on the same days; `note` where one could not be learned. */
  readonly baselines?: Readonly<Record<string, (ZoneAccuracy & { readonly fitMs: number }) | { readonly note: string | undefined }>>;
}

const text = (value: number | null, digits = 3): string => (value === null ? "–" : value.toFixed(digits));

const pct = (share: number | null): string => (share === null ? "–" : (100 * share).toFixed(1));

const powerRows = ({ cvRmsePct, nmbePct, hours }: PowerError): readonly (readonly [string, string, string])[] => [
  ["HVAC power by the hour, CV(RMSE)", `${text(cvRmsePct, 1)} %`, `${hours} hours; ASHRAE Guideline 14 asks for 30 % at most`],
  ["HVAC power, NMBE", `${text(nmbePct, 1)} %`, "measured − predicted; ±10 % at most"],
];

const baselineTable = ({ baselines, ...own }: EvaluateResult): readonly string[] => {
  if (baselines === undefined) return [];
  const rows = Object.entries({ [own.model]: own, ...baselines }).map(([name, one]) =>
    "rmse1K" in one
      ? `| ${name} | ${text(one.rmse1K)} | ${text(one.rmse4K, 2)} | ${text(one.rmse20K, 2)} | ${text(one.rmse96K, 2)} | ${text(one.nlpd, 2)} | ${pct(one.coverage90)} | ${pct(one.coverage90At20)} | ${(one.fitMs / 1000).toFixed(1)} s |`
      : `| ${name} | – | – | – | – | – | – | – | ${one.note ?? ""} |`,
  );
  return [
    "",
    "| model | RMSE 1 step, K | 4 | 20 | 96 | NLPD | inside 90 %, 1 step | 20 | fit |",
    "|---|---|---|---|---|---|---|---|---|",
    ...rows,
  ];
};

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
    ["… after 4 / 20 steps open loop", `${pct(result.coverage90At4)} / ${pct(result.coverage90At20)}`, "%"],
    ["At the first occupied step, two hours ahead, RMSE", `${text(result.morningRmseK, 2)} K`, `${result.morningDays} mornings`],
    ...(result.power === undefined ? [] : powerRows(result.power)),
  ];
  return [
    `# ${result.model} on ${data}`,
    "",
    `${trainDays} days of training from ${trainFrom}, the next ${testDays} tested. ${result.trainRows} training rows, ${result.testRows} test rows, prior ${result.prior}.`,
    "",
    "| figure | value | note |",
    "|---|---|---|",
    ...rows.map(([name, value, note]) => `| ${name} | ${value} | ${note} |`),
    ...baselineTable(result),
    "",
    `Fit ${Math.round(result.fitMs)} ms, 1,000 predictions ${result.predictMsPer1000.toFixed(1)} ms (${result.linearAlgebra}).`,
    "",
  ].join("\n");
};
