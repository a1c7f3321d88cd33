#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { registerBackup } from "#cli/backup";
import { registerBench } from "#cli/bench";
import { reportError } from "#cli/cliKit";
import { registerCompare } from "#cli/compare";
import { registerDashboard } from "#cli/dashboard";
import { registerDoctor } from "#cli/doctor";
import { registerEvaluate } from "#cli/evaluate";
import { registerExport } from "#cli/export";
import { registerFederate } from "#cli/federate";
import { registerImport } from "#cli/import";
import { registerInit } from "#cli/init";
import { registerMetaTrain } from "#cli/metaTrain";
import { registerMigrate } from "#cli/migrate";
import { registerModel } from "#cli/model";
import { registerOpenapi } from "#cli/openapi";
import { registerPlan } from "#cli/plan";
import { registerReplay } from "#cli/replay";
import { registerRestore } from "#cli/restore";
import { registerSimulate } from "#cli/simulate";
import { registerSources } from "#cli/sources";
import { registerStart } from "#cli/start";
import { registerTrain } from "#cli/train";

/** Each command registers itself; its work is imported when it runs. */
const commands: readonly ((program: Command) => void)[] = [
  registerBackup,
  registerBench,
  registerCompare,
  registerDashboard,
  registerDoctor,
  registerEvaluate,
  registerExport,
  registerFederate,
  registerImport,
  registerInit,
  registerMetaTrain,
  registerMigrate,
  registerModel,
  registerOpenapi,
  registerPlan,
  registerReplay,
  registerRestore,
  registerSimulate,
  registerSources,
  registerStart,
  registerTrain,
];

const version = (): string => {
  for (const up of ["../package.json", "../../package.json"]) {
    try {
      return (JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as { version: string }).version;
    } catch {
      // One of the two is right: sources lie one folder higher than the compiled code.
    }
  }
  return "unknown";
};

const program = new Command("isotherm")
  .description("Building controller: learns how zones warm and cool, plans setpoints, shows what it does.")
  .version(version())
  .exitOverride()
  .showHelpAfterError("Run it with --help for what it takes.")
  .showSuggestionAfterError(true);
for (const register of commands) register(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}
