import { describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { PointName } from "#domain/points";
import type { ModelVersion } from "#domain/store";
import { daysLearned, isProvisional, type LearnParts, learnCycle } from "#loop/learnCycle";

const rows = (days: number): Dataset => {
  const n = Math.round(days * 96);
  const column = () => new Float64Array(n).fill(20);
  return {
    stepS: 900,
    timesMs: Float64Array.from({ length: n }, (_, i) => i * 900_000),
    columns: new Map<PointName, Float64Array>([
      ["a.zoneAirTempC", column()],
      ["a.heatingSetpointC", column()],
      ["a.coolingSetpointC", column()],
    ]),
  };
};
const model = (version: string, errorK: number): BuildingModel => ({
  version,
  kind: "test",
  stepS: 900,
  zones: [],
  power: null,
  spreadBoundK: 1,
  trainedFromMs: 0,
  trainedToMs: 0,
  trainRows: 0,
  prior: "none",
  summary: { errorK },
});
function learning(changes: Partial<LearnParts> = {}) {
  const saved: ModelVersion[] = [];
  const errors: unknown[] = [];
  let current: BuildingModel | null = null;
  const parts: LearnParts = {
    clock: { nowMs: () => 5, sleepUntil: async () => undefined },
    zones: ["a"],
    minDays: 7,
    dataset: () => rows(7),
    train: async () => model("new", 0.5),
    heldOut: ({ summary }) => ({ value: summary.errorK as number, text: `${summary.errorK} K` }),
    current: () => current,
    install: (next) => {
      current = next;
    },
    encode: ({ version }) => `{"version":"${version}"}`,
    versions: { saveModelVersion: async (version) => void saved.push(version) },
    onError: (error) => errors.push(error),
    ...changes,
  };
  return { parts, saved, errors, current: () => current };
}

describe("learning", () => {
  it.each([
    // Its own days were easy for the old one (0.2 K), hard for the new one (0.6 K); on the same days the new one is better, or not.
    [0.5, 0.7, "installed"],
    [0.7, 0.5, "kept"],
  ])("judges both models on the same days where there are some: %f K new, %f K old is %s", async (fresh, before, kind) => {
    const old = model("old", 0.2);
    const seen: string[] = [];
    const { parts } = learning({
      current: () => old,
      train: async () => model("new", 0.6),
      beside: (one, other) => {
        seen.push(one.version, other.version);
        return { fresh: { value: fresh, text: `${fresh} K` }, before: { value: before, text: `${before} K` } };
      },
    });
    const outcome = await learnCycle(parts);
    expect(outcome.kind).toBe(kind);
    expect(outcome.text).toContain(`${fresh} K`);
    expect(seen).toEqual(["new", "old"]);
  });
  it("does not put a model to work that was judged against one that people replaced since", async () => {
    const { parts, saved } = learning({
      current: () => model("old", 0.7),
      install: async (_, { judgedAgainst }) => judgedAgainst?.version !== "old",
    });
    const outcome = await learnCycle(parts);
    expect(outcome).toMatchObject({ kind: "kept", text: expect.stringMatching(/another one came into force while it was judged/) });
    expect(saved.map(({ id }) => id)).toEqual(["new"]);
  });
  it("keeps the reason, the facts of the site and what it learned from with every version", async () => {
    const { parts, saved } = learning({
      current: () => model("old", 0.2),
      train: async () => model("new", 0.6),
      facts: { site: "office" },
    });
    await learnCycle(parts);
    expect(saved[0]!.summary).toEqual({
      errorK: 0.6,
      daysLearned: 7,
      site: "office",
      trainedFromMs: 0,
      trainedToMs: 0,
      trainRows: 0,
      prior: "none",
      accepted: "no",
      reason: "Model new is not used: 0.6 K, the one in use has 0.2 K.",
    });
  });
  it("goes by each one's own days where no days are shared", async () => {
    const { parts } = learning({ current: () => model("old", 0.2), train: async () => model("new", 0.6), beside: () => null });
    expect((await learnCycle(parts)).kind).toBe("kept");
  });
  it("waits for enough days and says how many are there", async () => {
    const { parts, saved } = learning({ dataset: () => rows(3.2) });
    expect(await learnCycle(parts)).toMatchObject({ kind: "waiting", text: "7 days of data wanted, 3.2 there" });
    expect(saved).toEqual([]);
  });
  it("does not count rows without a temperature", async () => {
    const dataset = rows(7);
    dataset.columns.get("a.zoneAirTempC")!.fill(Number.NaN, 0, 96);
    expect(await learnCycle(learning({ dataset: () => dataset }).parts)).toMatchObject({ kind: "waiting", daysThere: 6 });
  });
  it("puts the first model to work and saves it with its checksum", async () => {
    const { parts, saved, current } = learning();
    expect((await learnCycle(parts)).kind).toBe("installed");
    expect(current()!.version).toBe("new");
    expect(saved[0]).toMatchObject({ id: "new", createdMs: 5, summary: { accepted: "yes" } });
    expect(saved[0]!.checksum).toMatch(/^[0-9a-f]{64}$/);
  });
  it.each([
    [0.5, 0.49, "installed"],
    [0.5, 0.54, "installed"],
    [0.5, 0.61, "kept"],
    [0.5, Number.NaN, "kept"],
  ])("with %f K in use, a model with %f K is %s", async (before, after, kind) => {
    const inUse = model("old", before);
    const { parts, saved, current } = learning({ current: () => inUse, train: async () => model("new", after) });
    expect((await learnCycle(parts)).kind).toBe(kind);
    expect(current()?.version).toBe(kind === "installed" ? "new" : undefined);
    expect(saved[0]!.summary.accepted).toBe(kind === "installed" ? "yes" : "no");
  });
  it("keeps the model before when training fails, and uses a good one though it cannot be saved", async () => {
    const failing = learning({ train: async () => Promise.reject(new Error("not positive definite")) });
    expect(await learnCycle(failing.parts)).toMatchObject({ kind: "failed", text: "Learning failed: not positive definite" });
    expect(failing.current()).toBeNull();
    const unsaved = learning({ versions: { saveModelVersion: async () => Promise.reject(new Error("disk full")) } });
    expect((await learnCycle(unsaved.parts)).kind).toBe("installed");
    expect(unsaved.errors).toHaveLength(1);
  });
  it("rejects when aborted", async () => {
    const abort = new AbortController();
    const { parts, current } = learning({
      train: async () => {
        abort.abort(new Error("stop"));
        return model("new", 0.1);
      },
    });
    await expect(learnCycle(parts, abort.signal)).rejects.toThrow("stop");
    expect(current()).toBeNull();
  });

  it("learns a provisional model from hours where a prior stands behind it, and trusts more days more than its chance figure", async () => {
    let there = 0.2;
    let errorK = 0.05;
    const { parts, current } = learning({
      firstDays: 0.25,
      minDays: 3,
      dataset: () => rows(there),
      train: async () => model(`of-${there}`, errorK),
    });
    expect(await learnCycle(parts)).toMatchObject({ kind: "waiting", daysWanted: 0.25, text: "6 hours of data wanted, 4.8 there" });
    there = 0.5;
    expect(await learnCycle(parts)).toMatchObject({ kind: "installed" });
    expect(isProvisional(current()!, 3)).toBe(true);
    // Worse on its held-out hours, but of more of them.
    there = 3;
    errorK = 0.4;
    expect(await learnCycle(parts)).toMatchObject({ kind: "installed" });
    expect(daysLearned(current()!)).toBe(3);
    expect(isProvisional(current()!, 3)).toBe(false);
    // From here on models are judged.
    errorK = 0.6;
    expect(await learnCycle(parts)).toMatchObject({ kind: "kept" });
  });

  it("waits where hours of data hold too few rows that teach, instead of failing", async () => {
    const refusal = new IsothermError("permanent", "Zone a has 3 usable rows", { todo: "Wait." });
    const { parts, errors } = learning({
      firstDays: 0.25,
      dataset: () => rows(1),
      train: async () => {
        throw refusal;
      },
    });
    expect(await learnCycle(parts)).toMatchObject({ kind: "waiting", text: "Zone a has 3 usable rows" });
    expect(errors).toEqual([]);
    expect(await learnCycle({ ...parts, dataset: () => rows(7) })).toMatchObject({ kind: "failed" });
    expect(errors).toEqual([refusal]);
  });
});
