import { userInfo } from "node:os";
import type { Command } from "commander";
import { printJson, printText, runCommand } from "#cli/cliKit";
import type { ModelSiteAccess } from "#cli/modelSite";
import type { ModelList, ModelOrderResult, VersionView } from "#cli/modelVersions";
import { usageError } from "#domain/errors";
import type { ModelChange } from "#domain/store";

interface ModelArguments {
  readonly config?: string;
  readonly json?: boolean;
}
interface OrderArguments extends ModelArguments {
  readonly reason: string;
  readonly by?: string;
}

const stateWords: Readonly<Record<VersionView["state"], string>> = {
  "in-force": "in force",
  "was-in-force": "was in force",
  refused: "not good enough",
  saved: "never used",
};
/** Changes that a list shows; `--json` has all of them. */
const SHOWN_CHANGES = 12;

const at = (timeMs: number | null): string => (timeMs === null ? "–" : `${new Date(timeMs).toISOString().slice(0, 16)}Z`);
const kelvin = (value: number | string | undefined): string =>
  typeof value === "number" && Number.isFinite(value) ? value.toFixed(2) : "–";

const columns = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) => `  ${row.map((cell, c) => cell.padEnd(widths[c]!)).join("  ")}`.trimEnd()).join("\n");
};

const changeRow = ({ timeMs, kind, version, by, reason }: ModelChange): string[] => [at(timeMs), kind, version, by, reason];

/** The versions and what became of them, as a person reads them. */
export const describeModels = (list: ModelList): string => {
  if (list.versions.length === 0) return `No model of ${list.site} has been learned yet: the rule decides.\n`;
  const versions = list.versions.map(({ version, createdMs, state, inForceSinceMs, summary }) => [
    state === "in-force" ? `* ${version}` : `  ${version}`,
    stateWords[state],
    at(createdMs),
    at(inForceSinceMs),
    kelvin(summary.leaveDayOutRmseK),
    kelvin(summary.heldOutRmse20K),
    String(summary.prior ?? "–"),
  ]);
  const hidden = list.changes.length - SHOWN_CHANGES;
  return [
    `Models of ${list.site}; ${list.inForce === null ? "none is in force" : `in force: ${list.inForce}`}${list.rollbackTo === null ? "" : `; a roll-back goes to ${list.rollbackTo}`}`,
    "",
    columns([["  version", "state", "learned", "in force since", "1 step K", "20 steps K", "prior"], ...versions]),
    "",
    "Errors on days left out of training. What became of the models, newest first:",
    columns(list.changes.slice(0, SHOWN_CHANGES).map(changeRow)),
    ...(hidden > 0 ? [`  and ${hidden} earlier changes (--json shows them)`] : []),
    "",
  ].join("\n");
};

const describeOrder = ({ version, before, changed }: ModelOrderResult, from: ModelSiteAccess["from"]): string =>
  changed
    ? `Model ${version} is in force ${from === "daemon" ? "from the next decision on" : "when isotherm starts next"}${before === null ? "" : ` (before: ${before})`}.\n`
    : `Model ${version} is in force already; nothing was changed.\n`;

const withSite = (
  options: ModelArguments,
  isOrder: boolean,
  work: (site: ModelSiteAccess) => Promise<{ readonly json: object; readonly text: string }>,
): Promise<void> =>
  runCommand(async ({ signal }) => {
    const { openModelSite } = await import("#cli/modelSite");
    const site = await openModelSite(options.config, isOrder, signal);
    try {
      const { json, text } = await work(site);
      if (options.json === true) await printJson(json);
      else await printText(text);
    } finally {
      await site.close();
    }
  });

const order = (options: OrderArguments, give: (site: ModelSiteAccess, by: string) => Promise<ModelOrderResult>): Promise<void> =>
  withSite(options, true, async (site) => {
    const by = options.by ?? userInfo().username;
    if (by.trim() === "" || by.length > 100) throw usageError("--by must be a name of 1 to 100 characters.");
    if (options.reason.length > 500) throw usageError("--reason must be at most 500 characters long.");
    const result = await give(site, by);
    return { json: { ...result, from: site.from }, text: describeOrder(result, site.from) };
  });

export const registerModel = (program: Command): void => {
  const model = program.command("model").description("versions of a site's learned model: which there are, which one works, and why");
  const command = (name: string, description: string): Command =>
    model
      .command(name)
      .description(description)
      .option("--config <FILE>", "site file (YAML); the demo site when absent")
      .option("--json", "one JSON object on standard output");
  const orderCommand = (name: string, description: string): Command =>
    command(name, description)
      .option("--reason <TEXT>", "why, for the log of changes", "")
      .option("--by <NAME>", "who orders it, for the log of changes; the user of this machine when absent");
  command("list", "every version that is kept, with its errors on days left out, and what became of it").action((options: ModelArguments) =>
    withSite(options, false, async (site) => {
      const list = await site.list();
      return { json: { ...list, from: site.from }, text: describeModels(list) };
    }),
  );
  orderCommand("promote <version>", "put a version to work, also one that was not good enough").action(
    (version: string, options: OrderArguments) => order(options, (site, by) => site.promote({ version, by, reason: options.reason })),
  );
  orderCommand("rollback", "go back to the version that was in force before").action((options: OrderArguments) =>
    order(options, (site, by) => site.rollback({ by, reason: options.reason })),
  );
};
