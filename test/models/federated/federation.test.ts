import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { createInMemoryBroker } from "#adapters/mqtt/inMemoryBus";
import type { MessageBus } from "#domain/bus";
import { DatasetRows } from "#math/datasetRows";
import { type CoordinateOptions, coordinate, solveCoefficients } from "#models/federated/coordinate";
import { createLocalSteps } from "#models/federated/localSteps";
import { farewell, participate } from "#models/federated/participate";
import { decodeParticipant, federationTopics, MAX_PAYLOAD_BYTES } from "#models/federated/protocol";
import { leastSquares } from "#models/meta/sharedOptimum";
import { tasksOf } from "#models/meta/tasks";
import { metaTrain } from "#models/metaTrain";
import { coefficientPrior, hyperparameterPrior } from "#models/prior";
import { trainingRows } from "#models/thermostat/trainingRows";
import { expectClose } from "../../math/tools.js";
import { la, syntheticZone } from "../support.js";
import { priorNlpd } from "./priorNlpd.js";

const DAYS = 3;
const ROWS = DAYS * 96;
const run = (digit: number): string => digit.toString(16).repeat(32).slice(0, 32);
const segmentOf = (seed: number) => {
  const data = new DatasetRows(syntheticZone(DAYS, { seed, truth: { heatingK: 1.8 + 0.2 * seed, coolingK: 2, noiseK: 0.03 } }));
  return { name: "week", data, zone: "zone", neighbours: [], group: `b${seed}` };
};
const setOf = (seed: number) => tasksOf([segmentOf(seed)], { maxRows: 100, isLenient: false });
const sources = [{ name: "city", building: "toy", weather: "toy", segments: ["1991-01-01"], rows: ROWS, dayFingerprints: ["0123abcd"] }];

const buses: MessageBus[] = [];
afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close();
});

/** A federation in this process: coordinator, honest participants, and a wire that is listened to. */
const federation = () => {
  const broker = createInMemoryBroker();
  const connect = () => {
    const bus = broker.connect();
    buses.push(bus);
    return bus;
  };
  const wire: { topic: string; payload: string }[] = [];
  const leftOut: Record<string, string> = {};
  return {
    connect,
    wire,
    leftOut,
    listen: () => connect().subscribe("#", ({ topic, payload }) => wire.push({ topic, payload })),
    lead: (options: Partial<CoordinateOptions> = {}) =>
      coordinate({
        la,
        bus: connect(),
        federation: "test",
        participants: 2,
        minimum: 2,
        joinTimeoutMs: 20_000,
        roundTimeoutMs: 20_000,
        graceMs: 50,
        consensusSteps: 3,
        iterations: 3,
        onProgress: () => undefined,
        onLeftOut: (id, reason) => {
          leftOut[id] = reason;
        },
        ...options,
      }),
    join: (id: string, seed: number, bus: MessageBus = connect()) =>
      participate({
        la,
        bus,
        federation: "test",
        id,
        run: run(seed),
        set: setOf(seed),
        sources,
        idleTimeoutMs: 30_000,
        onProgress: () => undefined,
      }),
  };
};

/** A participant that announces what an honest one would, and answers with what `answer` makes of the order. */
const villain = async (
  bus: MessageBus,
  id: string,
  seed: number,
  answer: (order: Record<string, unknown>, honest: () => Promise<object>) => unknown,
): Promise<void> => {
  const topics = federationTopics("test");
  const set = setOf(seed);
  const steps = createLocalSteps(la, set);
  const say = (message: unknown) =>
    bus.publish(topics.from(id), typeof message === "string" ? message : JSON.stringify(message), { qos: 1 });
  await bus.subscribe(topics.to(id), async ({ payload }) => {
    const order = JSON.parse(payload);
    if (order.kind === "end") return;
    const head = { schema: order.schema, session: order.session, run: run(seed), round: order.round };
    const kind = order.kind as "statistics" | "step" | "gradient" | "summary";
    const reply = await answer(order, async () => ({ ...head, ...(await steps[kind](order)) }));
    if (reply !== undefined) await say(reply);
  });
  await say({
    schema: "isotherm-federation-1",
    kind: "hello",
    run: run(seed),
    stepS: set.stepS,
    names: set.names,
    keys: set.keys,
    tasks: set.tasks.map(({ name, rows }) => ({ name, rows: rows.n, ratings: {} })),
    sources,
  });
};

/** Lengths of all arrays in a JSON value. */
const arrayLengths = (value: unknown): number[] => {
  if (Array.isArray(value)) return [value.length, ...value.flatMap(arrayLengths)];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(arrayLengths) : [];
};

describe("federated training", () => {
  it("gives the prior of pooled training, and no message holds an array as long as the series or a value of it", async () => {
    const { lead, join, wire, listen } = federation();
    await listen();
    const [learned, first, second] = await Promise.all([lead({ consensusSteps: 8, iterations: 120 }), join("a", 1), join("b", 2)]);
    expect([first.isDone, second.isDone]).toEqual([true, true]);
    const pooled = await metaTrain(la, [segmentOf(1), segmentOf(2)], { maxRows: 100, onProgress: () => undefined });
    expect(Object.keys(learned.logHyperparameters).sort()).toEqual(Object.keys(pooled.logHyperparameters).sort());
    const rows = learned.rows;
    expect(rows).toBe(pooled.rows);
    expect(learned.isConverged).toBe(true);
    // Two minima since occupancy has a lag, both reached to 1e-5 in the gradient: consensus leads to the lower one, 0.0015 nats a row below.
    expect(Math.abs(learned.logMarginalLikelihoodPerRow - pooled.logMarginalLikelihoodPerRow)).toBeLessThan(0.002);

    expect(wire.length).toBeGreaterThan(20);
    const temperatures = new Set([1, 2].flatMap((seed) => [...setOf(seed).tasks[0]!.rows.y].map(String)));
    for (const { payload } of wire) {
      expect(payload.length).toBeLessThan(MAX_PAYLOAD_BYTES);
      const message = JSON.parse(payload);
      expect(Math.max(0, ...arrayLengths(message))).toBeLessThan(100);
      const numbers = JSON.stringify(message).match(/-?\d+\.\d+(e-?\d+)?/g) ?? [];
      expect(numbers.filter((number) => temperatures.has(number))).toEqual([]);
    }
  });

  it("foretells buildings that it has not seen as pooled training does, within 5 % of NLPD, whatever the buildings", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 50, max: 90 }),
        async (seeds, unseen) => {
          const { lead, join } = federation();
          const [learned] = await Promise.all([
            lead({ participants: seeds.length, consensusSteps: 8, iterations: 120 }),
            ...seeds.map((seed) => join(`b${seed}`, seed)),
          ]);
          const pooled = await metaTrain(la, seeds.map(segmentOf), { maxRows: 100, onProgress: () => undefined });
          const rows = trainingRows(segmentOf(unseen).data, "zone", []);
          const [ofFederated, ofPooled] = [priorNlpd(rows, learned), priorNlpd(rows, pooled)];
          expect(Math.abs(ofFederated - ofPooled)).toBeLessThanOrEqual(0.05 * Math.abs(ofPooled));
        },
      ),
      { numRuns: 3, seed: 12 },
    );
  }, 120_000);

  it("goes on to the optimum of those that stay when one leaves while gradients are summed", async () => {
    const { lead, join, connect, leftOut } = federation();
    const done = lead({ participants: 3, consensusSteps: 2, iterations: 120 });
    let gradients = 0;
    await villain(connect(), "villain", 3, async (order, honest) => (order.kind === "gradient" && ++gradients > 4 ? "nonsense" : honest()));
    const [learned] = await Promise.all([done, join("a", 1), join("b", 2)]);
    expect(Object.keys(leftOut)).toEqual(["villain"]);
    const pooled = await metaTrain(la, [segmentOf(1), segmentOf(2)], { maxRows: 100, onProgress: () => undefined });
    expect(learned.isConverged).toBe(true);
    expect(learned.logMarginalLikelihoodPerRow).toBeCloseTo(pooled.logMarginalLikelihoodPerRow, 3);
  });

  it("sums statistics to the pooled mean coefficients", () => {
    const sets = [setOf(1), setOf(2)];
    const both = tasksOf([segmentOf(1), { ...segmentOf(2), name: "other" }], { maxRows: 100, isLenient: false });
    const theta = Float64Array.from(both.names, (name) => hyperparameterPrior(null, name).location);
    const priors = both.keys.map((key) => coefficientPrior(null, key, both.stepS));
    const order = { schema: "isotherm-federation-1", session: run(1), run: run(1), round: 1, kind: "statistics" } as const;
    const answers = sets.map((set) =>
      createLocalSteps(la, set).statistics({
        ...order,
        theta: Object.fromEntries(set.names.map((name) => [name, hyperparameterPrior(null, name).location])),
      }),
    );
    expectClose(solveCoefficients(la, both.keys, priors, answers), leastSquares(la, both.tasks, theta, both.keys.length, priors), 1e-8);
  });

  const cheats: readonly (readonly [string, (reply: Record<string, unknown>) => unknown, RegExp])[] = [
    ["NaN", (reply) => JSON.stringify({ ...reply, right: (reply.right as number[]).map(() => Number.NaN) }), /not understood.*right/],
    ["numbers beyond all measure", (reply) => ({ ...reply, right: (reply.right as number[]).map(() => 1e14) }), /coefficient of/],
    [
      "an indefinite matrix",
      (reply) => ({ ...reply, normal: (reply.normal as number[][]).map((row) => row.map((value) => -value - 1)) }),
      /semi-definite/,
    ],
    ["statistics of other coefficients", (reply) => ({ ...reply, keys: (reply.keys as string[]).toReversed() }), /other coefficients/],
    ["no JSON", () => "T = 21.5", /not JSON/],
    ["more than the limit", (reply) => ({ ...reply, keys: ["x".repeat(MAX_PAYLOAD_BYTES)] }), /longer than/],
    ["fields that nobody asked for", (reply) => ({ ...reply, series: [20.1, 20.2] }), /series/],
    [
      "a failure of its own",
      ({ schema, session, run: of, round }) => ({ schema, session, run: of, round, kind: "failure", reason: "disk full" }),
      /it failed: disk full/,
    ],
  ];
  it.each(cheats)("leaves a participant out that answers with %s, says why, and goes on without it", async (_, cheat, reason) => {
    const { lead, join, connect, leftOut } = federation();
    const done = lead({ participants: 3, consensusSteps: 1 });
    await villain(connect(), "villain", 3, async (_order, honest) => cheat((await honest()) as Record<string, unknown>));
    const [learned] = await Promise.all([done, join("a", 1), join("b", 2)]);
    expect(Object.keys(leftOut)).toEqual(["villain"]);
    expect(leftOut.villain).toMatch(reason);
    expect(learned.leftOut).toEqual([{ name: "villain", reason: leftOut.villain }]);
    expect(learned.sources.map(({ name }) => name).sort()).toEqual(["a/city", "b/city"]);
  });

  it("leaves one out whose step lies outside the limits or is of other names", async () => {
    for (const [change, reason] of [
      [(theta: Record<string, number>) => ({ ...theta, noiseVariance: 1e6 }), /outside its limits/],
      [({ noiseVariance, ...others }: Record<string, number>) => ({ ...others, other: noiseVariance }), /other hyperparameters/],
    ] as const) {
      const { lead, join, connect, leftOut } = federation();
      const done = lead({ participants: 3, consensusSteps: 1 });
      await villain(connect(), "villain", 3, async (order, honest) => {
        const reply = (await honest()) as Record<string, unknown>;
        return order.kind === "step" ? { ...reply, theta: change(reply.theta as Record<string, number>) } : reply;
      });
      await Promise.all([done, join("a", 1), join("b", 2)]);
      expect(leftOut.villain).toMatch(reason);
    }
  });

  it("ignores repeated answers, answers of other sessions and rounds, and another process of the same id, and counts them", async () => {
    const { lead, join, connect, leftOut } = federation();
    const done = lead({ participants: 2, consensusSteps: 1 });
    const bus = connect();
    await villain(bus, "b", 2, async (_order, honest) => {
      const reply = (await honest()) as Record<string, unknown>;
      const say = (message: object) => bus.publish(federationTopics("test").from("b"), JSON.stringify(message));
      await say({ ...reply, session: run(9) });
      await say({ ...reply, round: 99 });
      await say({ ...reply, run: run(8) });
      await say({ schema: reply.schema, kind: "gone", run: run(8) });
      await say(reply);
      return reply;
    });
    const [learned] = await Promise.all([done, join("a", 1)]);
    expect(leftOut).toEqual({});
    // Four orders, four answers each that count for nothing and one repetition; after the last one the coordinator may have stopped listening.
    expect(learned.messages.ignored).toBeGreaterThanOrEqual(4 * 4);
  });

  it("leaves one out that falls silent in a round, and one whose connection ended", async () => {
    const { lead, join, connect, leftOut } = federation();
    const done = lead({ participants: 4, consensusSteps: 1, roundTimeoutMs: 4000 });
    await villain(connect(), "silent", 3, () => undefined);
    const bus = connect();
    await villain(bus, "gone", 4, async () => {
      await bus.publish(federationTopics("test").from("gone"), farewell(run(4)));
      return undefined;
    });
    await Promise.all([done, join("a", 1), join("b", 2)]);
    expect(leftOut.silent).toMatch(/no answer to round 1 \(statistics\) within 4 s/);
    expect(leftOut.gone).toMatch(/connection ended/);
  });

  it("ends without a prior where fewer than the minimum are left, and tells the others why", async () => {
    const { lead, join, connect } = federation();
    const done = lead({ participants: 2, minimum: 2, consensusSteps: 1 });
    await villain(connect(), "villain", 3, () => "nonsense");
    const [led, joined] = await Promise.allSettled([done, join("a", 1)]);
    expect(led.status === "rejected" ? String(led.reason) : "").toMatch(
      /1 of 2 participants are there, 2 are needed \(villain: its message is not understood: not JSON\)/,
    );
    expect(joined.status === "fulfilled" ? joined.value : null).toMatchObject({ isDone: false });
  });

  it("refuses another time step and whoever comes after the training has begun", async () => {
    const { lead, join, connect, leftOut } = federation();
    const done = lead({ consensusSteps: 1 });
    const late = connect();
    await villain(connect(), "b", 2, async (order, honest) => {
      if (order.kind === "step") await villain(late, "late", 5, () => undefined);
      return honest();
    });
    await Promise.all([done, join("a", 1)]);
    expect(leftOut).toEqual({ late: "it came after the training had begun" });
    const other = decodeParticipant(JSON.stringify({ schema: "isotherm-federation-2", kind: "hello" }));
    expect(other.ok).toBe(false);
  });
});
