// One source run in a process of its own: what crashes here takes nothing else with it. Arguments: folder, run as JSON, engine folder ("" none).
import { recordSource } from "#cli/sources/recordSource";
import type { SourceRun } from "#cli/sources/sourcePlan";
import { IsothermError } from "#domain/errors";

const [folder, run, engine] = process.argv.slice(2) as [string, string, string];
const abort = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => abort.abort(new Error(`ended by ${name}`)));
try {
  await recordSource(folder, JSON.parse(run) as SourceRun, engine === "" ? null : engine, abort.signal);
} catch (error) {
  process.stderr.write(`${error instanceof IsothermError ? error.describe() : String(error instanceof Error ? error.stack : error)}\n`);
  process.exitCode = error instanceof IsothermError ? error.exitCode : 70;
}
