import type { Command } from "commander";
import { oneOf, runCommand } from "#cli/cliKit";
import { benchDashboard } from "#cli/rehearsal/benchDashboard";
import { benchSites } from "#cli/rehearsal/benchSites";
import { campaign } from "#cli/rehearsal/campaign";
import { benchBestest } from "../../bench/bestest.js";
import { benchEnergyplus } from "../../bench/energyplus.js";
import { benchFit } from "../../bench/fit.js";
import { benchGate } from "../../bench/gate.js";
import { benchGrowing } from "../../bench/growing.js";
import { benchRollout } from "../../bench/rollout.js";

const benches = {
  rollout: (say: (line: string) => void) => benchRollout(say),
  fit: (say: (line: string) => void) => benchFit(say),
  gate: (say: (line: string) => void) => benchGate(say),
  growing: (say: (line: string) => void) => benchGrowing(say),
  energyplus: (say: (line: string) => void) => benchEnergyplus(say),
  dashboard: (say: (line: string) => void) => benchDashboard(say),
  bestest: (say: (line: string) => void) => benchBestest(say),
  sites: (say: (line: string) => void) => benchSites(say),
  campaign: (say: (line: string) => void) => campaign(say),
} as const;
/** Minutes long, with servers of their own: only where they are named. */
const onlyByName: readonly string[] = ["dashboard", "sites", "campaign"];
const names = Object.keys(benches) as (keyof typeof benches)[];

export const registerBench = (program: Command): void => {
  program
    .command("bench [name]")
    .description("benchmarks, each with its peer or limit beside it")
    .action((name: string | undefined) =>
      runCommand(async () => {
        const chosen = name === undefined ? names.filter((each) => !onlyByName.includes(each)) : [oneOf("bench", names)(name)];
        for (const one of chosen) {
          process.stdout.write(`${one}\n`);
          await benches[one]((line) => void process.stdout.write(`${line}\n`));
        }
      }),
    );
};
