import type { Command } from "commander";
import { oneOf, runCommand } from "#cli/cliKit";
import { benchDashboard } from "#cli/rehearsal/benchDashboard";
import { benchPlanning } from "#cli/rehearsal/benchPlanning";
import { benchSites } from "#cli/rehearsal/benchSites";
import { campaign } from "#cli/rehearsal/campaign";
import { benchBestest } from "../../bench/bestest.js";
import { benchEnergyplus } from "../../bench/energyplus.js";
import { benchFit } from "../../bench/fit.js";
import { benchGate } from "../../bench/gate.js";
import { benchGrowing } from "../../bench/growing.js";
import { benchRollout } from "../../bench/rollout.js";

type Say = (line: string) => void;
/** Resolves with the limits that were missed, in words. */
type Bench = (say: Say) => Promise<readonly string[]>;
/** Shows its figures beside their limits and leaves it to the reader to judge them. */
const unjudged =
  (bench: (say: Say) => Promise<unknown>): Bench =>
  async (say) => {
    await bench(say);
    return [];
  };

const benches = {
  rollout: unjudged((say) => benchRollout(say)),
  fit: unjudged((say) => benchFit(say)),
  gate: unjudged((say) => benchGate(say)),
  growing: unjudged((say) => benchGrowing(say)),
  planning: unjudged((say) => benchPlanning(say)),
  energyplus: unjudged((say) => benchEnergyplus(say)),
  dashboard: (say) => benchDashboard(say),
  bestest: unjudged((say) => benchBestest(say)),
  sites: (say) => benchSites(say),
  campaign: unjudged((say) => campaign(say)),
} satisfies Record<string, Bench>;
/** A limit of our own that we miss is a fault of ours. */
const MISSED_LIMIT = 70;
/** Minutes long, with servers of their own: only where they are named. */
const onlyByName: readonly string[] = ["dashboard", "sites", "campaign"];
const names = Object.keys(benches) as (keyof typeof benches)[];

export const registerBench = (program: Command): void => {
  program
    .command("bench [name]")
    .description("benchmarks, each with its peer or limit beside it")
    .action((name: string | undefined) =>
      runCommand(async ({ say }) => {
        const chosen = name === undefined ? names.filter((each) => !onlyByName.includes(each)) : [oneOf("bench", names)(name)];
        let exitCode = 0;
        for (const one of chosen) {
          process.stdout.write(`${one}\n`);
          for (const missed of await benches[one]((line) => void process.stdout.write(`${line}\n`))) {
            say(`${one}: ${missed}`);
            exitCode = MISSED_LIMIT;
          }
        }
        return exitCode;
      }),
    );
};
