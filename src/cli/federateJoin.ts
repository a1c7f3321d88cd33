import { randomBytes } from "node:crypto";
import { checkedId, type FederateBusArguments, federateBus } from "#cli/federateBus";
import type { FigureContext } from "#cli/figures";
import { fromFiles } from "#cli/meta/sourceSegments";
import { unavailableError } from "#domain/errors";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { farewell, participate } from "#models/federated/participate";
import { federationTopics } from "#models/federated/protocol";
import { tasksOf } from "#models/meta/tasks";

export interface FederateJoinArguments extends FederateBusArguments {
  readonly name: string;
  readonly source: readonly string[];
  readonly from: string;
  readonly days: number;
  readonly building: string;
  readonly rows?: number;
  readonly idleTimeout: number;
  readonly json?: boolean;
}

/** Takes part in one federated training with the data of these files. */
export const joinFederation = async (options: FederateJoinArguments, { say, progress, signal }: FigureContext): Promise<object> => {
  const federation = checkedId("--federation", options.federation);
  const id = checkedId("--name", options.name);
  const { segments, sources } = await fromFiles(
    options.source,
    { starts: options.from.split(","), days: options.days, building: options.building },
    say,
  );
  const set = tasksOf(segments, { maxRows: options.rows ?? null, isLenient: true });
  for (const { name, reason } of set.skipped) say(`left out: ${name}: ${reason}`);
  const la = await createLinearAlgebra("auto");
  const run = randomBytes(16).toString("hex");
  const bus = federateBus(options, `${federation}-${id}`, say, {
    topic: federationTopics(federation).from(id),
    payload: farewell(run),
    qos: 1,
    retain: false,
  });
  try {
    let answered = 0;
    const { isDone, reason, orders } = await participate({
      la,
      bus,
      federation,
      id,
      run,
      set,
      sources,
      idleTimeoutMs: 1000 * options.idleTimeout,
      onProgress: (text) => progress(1 - 1 / (1 + ++answered / 20), text),
      signal,
    });
    if (!isDone)
      throw unavailableError(`The training ended without ${id}: ${reason}.`, { todo: "See the coordinator's output, and join again." });
    say("The prior is made; the coordinator has it.");
    return { federation, name: id, tasks: set.tasks.length, rows: set.tasks.reduce((sum, { rows }) => sum + rows.n, 0), orders };
  } finally {
    await bus.close();
  }
};
