import type { Command } from "commander";
import { duration, wholeNumber } from "#cli/cliKit";
import { days } from "#cli/dataOptions";
import { coordinateFederation, type FederateCoordinateArguments } from "#cli/federateCoordinate";
import { type FederateJoinArguments, joinFederation } from "#cli/federateJoin";
import { runForFigures } from "#cli/figures";

const SEGMENTS = "1991-01-01,1991-02-01,1991-04-01,1991-07-01,1991-08-01,1991-10-01";
const repeated = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** `isotherm federate coordinate` and `isotherm federate join`: a prior from buildings that keep their data. */
export const registerFederate = (program: Command): void => {
  const federate = program
    .command("federate")
    .description("learn a prior with other buildings over MQTT; nobody's data leave their machine");
  const withBroker = (command: Command): Command =>
    command
      .requiredOption("--broker <url>", "mqtt://host:port or mqtts://host:port that all of them can reach")
      .option("--federation <id>", "name of this training: all of them give the same", "isotherm")
      .option("--username <name>", "user of the broker; its password is read from ISOTHERM_MQTT_PASSWORD")
      .option("--ca <file>", "authority of the broker's certificate, PEM")
      .option("--json", "print the figures as JSON");
  withBroker(federate.command("coordinate").description("gather participants, lead the rounds and write the prior"))
    .requiredOption("--participants <n>", "begin when so many have joined", wholeNumber("--participants", 1, 1000))
    .option("--minimum <n>", "with fewer left there is no prior (default 2, or 1 of 1)", wholeNumber("--minimum", 1, 1000))
    .option("--join-timeout <duration>", "how long to wait for participants", duration("--join-timeout", "s"), 600)
    .option("--round-timeout <duration>", "how long one answer may take", duration("--round-timeout", "s"), 180)
    .option("--steps <n>", "consensus steps at most", wholeNumber("--steps", 1, 50), 8)
    .option("--iterations <n>", "iterations on summed gradients after them, at most", wholeNumber("--iterations", 1, 180), 120)
    .option("--name <id>", "name of the prior (default: that of the federation)")
    .requiredOption("--out <file>", "where to write the prior")
    .action((options: FederateCoordinateArguments) => runForFigures(options, (context) => coordinateFederation(options, context)));
  withBroker(federate.command("join").description("take part with your own data; only statistics leave this machine"))
    .requiredOption("--name <id>", "name in the federation, nobody else's")
    .requiredOption("--source <name=file...>", "your data: a name (city or building) and its CSV, repeatable", repeated)
    .option("--from <dates>", "first days of the segments, comma-separated", SEGMENTS)
    .option("--days <n>", "days per segment", days("--days"), 7)
    .option("--building <id>", "building, for the manifest", "unknown")
    .option("--rows <n>", "rows of a segment at most (default all)", wholeNumber("--rows", 48, 100_000))
    .option("--idle-timeout <duration>", "how long the coordinator may be silent", duration("--idle-timeout", "s"), 900)
    .action((options: FederateJoinArguments) => runForFigures(options, (context) => joinFederation(options, context)));
};
