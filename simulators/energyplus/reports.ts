import { type EpModel, withoutClasses } from "#simulators/energyplus/modelFile";

/** Leaves out every report the model asks for: they cost time, and none is read here. Changes and returns the model. */
export const withoutReports = (model: EpModel): EpModel =>
  withoutClasses(model, (name) => /^output(:|control:(files|table:style|reportingtolerances))/i.test(name));

/** Fields of OutputControl:Files that isotherm never reads. */
export const unwantedFiles = [
  "csv",
  "mtr",
  "eio",
  "tabular",
  "sqlite",
  "json",
  "audit",
  "space_sizing",
  "zone_sizing",
  "system_sizing",
  "dxf",
  "bnd",
  "rdd",
  "mdd",
  "mtd",
  "end",
  "shd",
  "dfs",
  "delightin",
  "delighteldmp",
  "delightdfdmp",
  "edd",
  "dbg",
  "perflog",
  "sln",
  "sci",
  "wrl",
  "screen",
  "extshd",
  "tarcog",
];
