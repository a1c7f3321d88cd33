import { type EvaluateArguments, USUAL_TEST_DAYS } from "#cli/evaluateOptions";

const quoted = (text: string): string => (/^[\w./:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The command line that gives the same figures again; options that stand at their default are left out. */
export const evaluateCommand = (options: EvaluateArguments): string => {
  const words = ["isotherm", "evaluate"];
  const add = (name: string, value: string | number | undefined, usual?: string | number): void => {
    if (value !== undefined && value !== usual) words.push(name, quoted(String(value)));
  };
  add("--data", options.data);
  add("--train-from", options.trainFrom);
  add("--train-days", options.trainDays, 7);
  add("--test-days", options.testDays, options.testData === undefined ? USUAL_TEST_DAYS : undefined);
  add("--test-data", options.testData);
  add("--test-from", options.testFrom);
  add("--prior", options.prior);
  add("--model", options.model, "isotherm");
  add("--zone", options.zone);
  add("--budget", options.budget);
  add("--units", options.units, "degC");
  add("--backend", options.backend, "auto");
  add("--report", options.report);
  if (!options.baselines) words.push("--no-baselines");
  add("--seed", options.seed, 1);
  return words.join(" ");
};
