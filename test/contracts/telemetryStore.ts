import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { IsothermError } from "#domain/errors";
import type { AuditEntry } from "#domain/people";
import type { Decision, Plan } from "#domain/plan";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { Alarm, EmbeddedStore, ModelChange, ModelVersion, StoreChange } from "#domain/store";

const collect = async <T>(rows: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
};

const air: PointName = "lobby.zoneAirTempC";
const outdoor: PointName = "site.outdoorAirTempC";
const T0 = Date.UTC(2026, 0, 5);
const at = (timeMs: number, point: PointName, value: number): TelemetryPoint => ({ timeMs, point, value });

export function decisionAt(timeMs: number, seq: number, reason = "fine"): Decision {
  const plan: Plan = {
    schema: "1.0",
    issuedAtMs: timeMs,
    stepS: 900,
    stepEndMs: [timeMs + 900_000],
    source: "mppi",
    chosen: {
      zones: { lobby: { heatingSetpointC: [20], coolingSetpointC: [24], meanC: [21.25], stdDevK: [0.1] } },
      powerW: [1200],
      cost: { comfort: 0, energy: 0.1, uncertainty: 0, movement: 0, total: 0.1 },
    },
    rule: null,
    comfort: { lobby: { lowerC: [20], upperC: [23.5], occupied: [true] } },
    outdoorAirTempC: [-3.5],
    pricePerKwh: [0.12],
    reason,
    fallback: null,
    diagnostics: {
      numSamples: 1000,
      horizonSteps: 1,
      samplesDiscarded: 0,
      samplesNotFinite: 0,
      effectiveSampleSize: 12.5,
      mppiTemperature: 1,
      spreadBoundK: 0.5,
      solveMs: 12,
      backend: "reference",
      seed: 1,
    },
  };
  return {
    id: `1-${seq}`,
    epoch: 1,
    seq,
    timeMs,
    validUntilMs: timeMs + 1_800_000,
    modelVersion: null,
    observation: { timeMs, values: { [air]: 21 } },
    plan,
    command: { lobby: { heatingSetpointC: 20, coolingSetpointC: 24 } },
    source: "mppi",
    envelopeChanges: [],
  };
}

export function modelVersion(id: string, createdMs: number, json = JSON.stringify({ id, alpha: [1, 2, 3] })): ModelVersion {
  return { id, createdMs, json, checksum: createHash("sha256").update(json).digest("hex"), summary: { rmse1K: 0.21, trainedOn: "7 days" } };
}

/** What every EmbeddedStore promises. `open` gives an empty store; `reopen`, where the store survives its process, closes it and opens it again. */
export function telemetryStoreContract(
  name: string,
  open: () => Promise<EmbeddedStore>,
  reopen?: (store: EmbeddedStore) => Promise<EmbeddedStore>,
): void {
  describe(`${name} as an EmbeddedStore`, () => {
    let store: EmbeddedStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(async () => {
      await store.close();
    });

    test("gives back what was appended, ordered by time and then as asked, from inclusive, to exclusive", async () => {
      await store.append([at(T0 + 2000, air, 21.5), at(T0, outdoor, -3.25), at(T0, air, 21)]);
      await store.append([at(T0 + 1000, air, 21.25), at(T0 + 3000, air, 22)]);
      expect(await collect(store.query([air, outdoor], T0, T0 + 3000))).toEqual([
        at(T0, air, 21),
        at(T0, outdoor, -3.25),
        at(T0 + 1000, air, 21.25),
        at(T0 + 2000, air, 21.5),
      ]);
      expect(await collect(store.query([outdoor, air], T0, T0 + 1))).toEqual([at(T0, outdoor, -3.25), at(T0, air, 21)]);
      expect(await collect(store.query(["attic.zoneAirTempC"], T0, T0 + 3000))).toEqual([]);
      expect(await collect(store.query([air], T0 + 3000, T0))).toEqual([]);
    });

    test("a later point with the same time and name replaces the earlier one, in every kind of read", async () => {
      await store.append([at(T0, air, 1), at(T0, air, 2)]);
      await store.append([at(T0, air, 3), at(T0 + 1000, air, 9)]);
      await store.append([at(T0, air, 4)]);
      expect(await collect(store.query([air], T0, T0 + 1))).toEqual([at(T0, air, 4)]);
      expect((await store.latest([air], T0)).get(air)).toEqual(at(T0, air, 4));
      expect((await store.latest([air])).get(air)).toEqual(at(T0 + 1000, air, 9));
      expect((await store.series([air], T0, T0 + 1000, 1)).get(air)).toEqual([{ timeMs: T0, mean: 4, min: 4, max: 4 }]);
    });

    test("agrees with a map of (time, point) whatever is appended in whatever order", async () => {
      const points: PointName[] = [air, outdoor, "core.occupancyCount"];
      const row = fc.record({
        timeMs: fc.integer({ min: -5, max: 40 }).map((k) => T0 + k * 86_400_000),
        point: fc.constantFrom(...points),
        value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(row, { maxLength: 12 }), { maxLength: 6 }), async (batches) => {
          const own = await open();
          try {
            const expected = new Map<string, TelemetryPoint>();
            for (const batch of batches) {
              await own.append(batch);
              for (const point of batch) expected.set(`${point.timeMs} ${point.point}`, point);
            }
            const found = await collect(own.query(points, T0 - 6 * 86_400_000, T0 + 41 * 86_400_000));
            expect(found).toHaveLength(expected.size);
            for (const point of found) expect(expected.get(`${point.timeMs} ${point.point}`)?.value).toBe(point.value);
            const series = await own.series(points, T0 - 6 * 86_400_000, T0 + 41 * 86_400_000, 3);
            for (const point of points) {
              const values = [...expected.values()].filter((known) => known.point === point).map((known) => known.value);
              const buckets = series.get(point)!;
              expect(Math.min(...buckets.map((bucket) => bucket.min))).toBe(Math.min(...values));
              expect(Math.max(...buckets.map((bucket) => bucket.max))).toBe(Math.max(...values));
            }
            for (let i = 1; i < found.length; i++) expect(found[i]!.timeMs).toBeGreaterThanOrEqual(found[i - 1]!.timeMs);
          } finally {
            await own.close();
          }
        }),
        { numRuns: reopen === undefined ? 100 : 8 },
      );
    });

    test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
      "refuses the value %s, naming the point, and keeps nothing of that append",
      async (value) => {
        const refused = store.append([at(T0, outdoor, 1), at(T0, air, value)]);
        await expect(refused).rejects.toThrow(IsothermError);
        await expect(refused).rejects.toThrow(/lobby\.zoneAirTempC/);
        expect(await collect(store.query([air, outdoor], 0, T0 + 1))).toEqual([]);
        expect(await store.readAfter(0, 10)).toEqual([]);
      },
    );

    test("refuses times that are not whole milliseconds and names that are no points", async () => {
      await expect(store.append([at(T0 + 0.5, air, 1)])).rejects.toThrow(/whole number of milliseconds/);
      await expect(store.append([at(Number.NaN, air, 1)])).rejects.toThrow(/time/);
      await expect(store.append([at(T0, "nodot" as PointName, 1)])).rejects.toThrow(/nodot/);
    });

    test("keeps names as data, whatever characters they hold", async () => {
      const odd = `o'br"ien; DROP TABLE telemetry;--\n🌡.zoneAirTempC` as PointName;
      await store.append([at(T0, odd, 20)]);
      expect((await store.latest([odd])).get(odd)).toEqual(at(T0, odd, 20));
    });

    test("latest gives the newest value at or before a time and leaves out what is not known", async () => {
      await store.append([at(T0 - 90 * 86_400_000, outdoor, 5), at(T0, air, 20), at(T0 + 1000, air, 21), at(T0 + 2000, outdoor, 6)]);
      const then = await store.latest([air, outdoor, "attic.zoneAirTempC"], T0 + 999);
      expect([...then.entries()].sort()).toEqual([
        [air, at(T0, air, 20)],
        [outdoor, at(T0 - 90 * 86_400_000, outdoor, 5)],
      ]);
      expect((await store.latest([air], T0 - 1)).size).toBe(0);
      expect((await store.latest([air, outdoor])).get(outdoor)).toEqual(at(T0 + 2000, outdoor, 6));
    });

    test("series gives mean, minimum and maximum of equal buckets, not more than asked for, empty ones absent", async () => {
      await store.append([at(T0, air, 20), at(T0 + 100, air, 22), at(T0 + 999, air, 27), at(T0 + 2000, air, 30), at(T0 + 4000, air, 99)]);
      const series = await store.series([air, outdoor], T0, T0 + 4000, 4);
      expect(series.get(air)).toEqual([
        { timeMs: T0, mean: 23, min: 20, max: 27 },
        { timeMs: T0 + 2000, mean: 30, min: 30, max: 30 },
      ]);
      expect(series.get(outdoor)).toEqual([]);
      const many = Array.from({ length: 1000 }, (_, i) => at(T0 + i * 977, outdoor, i));
      await store.append(many);
      for (const maxBuckets of [1, 7, 333]) {
        const buckets = (await store.series([outdoor], T0, T0 + 977_000, maxBuckets)).get(outdoor)!;
        expect(buckets.length).toBeLessThanOrEqual(maxBuckets);
        expect(Math.min(...buckets.map((bucket) => bucket.min))).toBe(0);
        expect(Math.max(...buckets.map((bucket) => bucket.max))).toBe(999);
      }
      await expect(store.series([air], T0, T0 + 1, 0)).rejects.toThrow(IsothermError);
    });

    test("the replicator sees every acknowledged row once, in order, numbered without gaps", async () => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => store.append([at(T0 + i, air, i), at(T0, outdoor, i)])));
      const rows = await store.readAfter(0, 1000);
      expect(rows.map((row) => row.seq)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
      expect(new Set(rows.filter((row) => row.point.point === air).map((row) => row.point.value)).size).toBe(20);
      expect(await store.readAfter(37, 2)).toEqual(rows.slice(37, 39));
      expect(await store.readAfter(40, 10)).toEqual([]);
    });

    test("cursors begin at 0 and hold what was set, each on its own", async () => {
      expect(await store.cursor("influx")).toBe(0);
      await store.setCursor("influx", 12);
      await store.setCursor("influx", 34);
      await store.setCursor("other", 5);
      expect([await store.cursor("influx"), await store.cursor("other")]).toEqual([34, 5]);
    });

    test("decisions come back as they were, by id, newest and by time; the same id again replaces", async () => {
      expect(await store.latestDecision()).toBeNull();
      const all = Array.from({ length: 70 }, (_, i) => decisionAt(T0 + i * 900_000, i + 1));
      for (const decision of all) await store.appendDecision(decision);
      expect(await store.decision("1-3")).toEqual(all[2]);
      expect(await store.decision("9-9")).toBeNull();
      expect(await store.latestDecision()).toEqual(all[69]);
      expect(await collect(store.decisions(T0 + 900_000, T0 + 65 * 900_000))).toEqual(all.slice(1, 65));
      const again = decisionAt(T0 + 2 * 900_000, 3, "corrected");
      await store.appendDecision(again);
      expect((await store.decision("1-3"))?.plan.reason).toBe("corrected");
      expect(await collect(store.decisions(T0, T0 + 70 * 900_000))).toHaveLength(70);
    });

    test("alarms: the newest record per id counts, active ones first, cleared ones only since a time", async () => {
      const alarm = (id: string, sinceMs: number, clearedMs: number | null = null): Alarm => ({
        id,
        level: "warning",
        zone: null,
        text: `about ${id}`,
        action: "Look at it.",
        sinceMs,
        clearedMs,
      });
      await store.putAlarm(alarm("a", T0));
      await store.putAlarm(alarm("b", T0 + 1));
      await store.putAlarm(alarm("c", T0 + 2));
      await store.putAlarm(alarm("a", T0, T0 + 10));
      await store.putAlarm(alarm("c", T0 + 2, T0 + 20));
      expect((await store.alarms(T0 + 15)).map((found) => found.id)).toEqual(["b", "c"]);
      expect((await store.alarms(0)).map((found) => found.id)).toEqual(["b", "c", "a"]);
      await store.putAlarm(alarm("a", T0 + 30));
      expect((await store.alarms(T0 + 25)).map((found) => found.id)).toEqual(["a", "b"]);
    });

    test("model versions come newest first; one with a wrong checksum is refused", async () => {
      await store.saveModelVersion(modelVersion("m1", T0));
      await store.saveModelVersion(modelVersion("m2", T0 + 1));
      await store.saveModelVersion(modelVersion("m0", T0 - 1));
      expect(await store.modelVersions()).toEqual([modelVersion("m2", T0 + 1), modelVersion("m1", T0), modelVersion("m0", T0 - 1)]);
      await expect(store.saveModelVersion({ ...modelVersion("m3", T0), json: "{}" })).rejects.toThrow(/m3/);
      await store.saveModelVersion(modelVersion("m1", T0 + 2, '{"better":true}'));
      expect((await store.modelVersions()).map((version) => version.id)).toEqual(["m1", "m2", "m0"]);
    });

    test("model versions are told without their models, read one by one, and forgotten beyond the newest but for those to keep", async () => {
      const { modelVersionHeads, modelVersion: one, pruneModelVersions } = store;
      expect([modelVersionHeads, one, pruneModelVersions].every((method) => method !== undefined)).toBe(true);
      for (let k = 0; k < 6; k++) await store.saveModelVersion(modelVersion(`m${k}`, T0 + k));
      const { json: _, ...head } = modelVersion("m5", T0 + 5);
      expect((await store.modelVersionHeads!())[0]).toEqual(head);
      expect((await store.modelVersionHeads!()).map(({ id }) => id)).toEqual(["m5", "m4", "m3", "m2", "m1", "m0"]);
      expect(await store.modelVersion!("m2")).toEqual(modelVersion("m2", T0 + 2));
      expect(await store.modelVersion!("never")).toBeNull();
      expect(await store.pruneModelVersions!(2, ["m1", "m5", "never"])).toEqual(["m3", "m2", "m0"]);
      expect((await store.modelVersions()).map(({ id }) => id)).toEqual(["m5", "m4", "m1"]);
      expect(await store.modelVersion!("m2")).toBeNull();
      expect(await store.pruneModelVersions!(10, [])).toEqual([]);
      expect(await store.modelVersionHeads!()).toHaveLength(3);
    });

    test("changes of models come in the order in which they were recorded, whatever their clock says", async () => {
      const change = (version: string, timeMs: number, before: string | null): ModelChange => ({
        timeMs,
        kind: "installed",
        version,
        before,
        by: "O'Neill",
        reason: "better; -- 0.3 K",
      });
      expect(await store.modelChanges!()).toEqual([]);
      await store.recordModelChange!(change("m2", T0 + 5, null));
      await store.recordModelChange!(change("m1", T0, "m2"));
      await store.recordModelChange!({ ...change("m2", T0 + 6, "m1"), kind: "rolled-back" });
      const kept = [change("m2", T0 + 5, null), change("m1", T0, "m2"), { ...change("m2", T0 + 6, "m1"), kind: "rolled-back" }];
      expect(await store.modelChanges!()).toEqual(kept);
    });

    test("the audit log is numbered, comes newest first, by pages, and takes any text", async () => {
      const entry = (who: string): AuditEntry => ({
        timeMs: T0,
        who,
        action: "user.create",
        target: "'; DROP TABLE audit; --",
        outcome: "done",
        address: "::1",
        detail: "\u202e<b>",
      });
      expect(await store.auditEntries(10)).toEqual([]);
      for (const who of ["a", "b", "c"]) await store.recordAudit(entry(who));
      expect(await store.auditEntries(2)).toEqual([
        { ...entry("c"), seq: 3 },
        { ...entry("b"), seq: 2 },
      ]);
      expect(await store.auditEntries(2, 2)).toEqual([{ ...entry("a"), seq: 1 }]);
    });

    test("tells listeners after the acknowledgement, not after their removal, and survives one that throws", async () => {
      const seen: StoreChange[] = [];
      store.onChange(() => {
        throw new Error("a broken listener");
      });
      const stop = store.onChange((change) => seen.push(change));
      await store.append([at(T0, air, 20)]);
      await store.appendDecision(decisionAt(T0, 1));
      await store.putAlarm({ id: "x", level: "info", zone: null, text: "", action: "", sinceMs: T0, clearedMs: null });
      await expect(store.append([at(T0, air, Number.NaN)])).rejects.toThrow();
      stop();
      await store.append([at(T0 + 1, air, 21)]);
      expect(seen.map((change) => change.kind)).toEqual(["telemetry", "decision", "alarm"]);
      expect(seen[0]).toEqual({ kind: "telemetry", points: [at(T0, air, 20)] });
    });

    test("what a listener is told can be read at once", async () => {
      const values: (number | undefined)[] = [];
      const reads: Promise<void>[] = [];
      store.onChange((change) => {
        if (change.kind === "telemetry") reads.push(store.latest([air]).then((found) => void values.push(found.get(air)?.value)));
      });
      await store.append([at(T0, air, 20)]);
      await Promise.all(reads);
      expect(values).toEqual([20]);
    });

    test("refuses everything once closed", async () => {
      await store.close();
      await expect(store.append([at(T0, air, 20)])).rejects.toThrow(/closed/);
      await expect(store.latest([air])).rejects.toThrow(/closed/);
      await expect(store.readAfter(0, 1)).rejects.toThrow(/closed/);
      await expect(store.decision("1-1")).rejects.toThrow(/closed/);
    });

    if (reopen !== undefined)
      test("holds everything across a close and open, and numbers go on", async () => {
        await store.append([at(T0, air, 20), at(T0 + 1, air, 21)]);
        await store.appendDecision(decisionAt(T0, 1));
        await store.saveModelVersion(modelVersion("m1", T0));
        await store.recordModelChange!({ timeMs: T0, kind: "promoted", version: "m1", before: null, by: "x", reason: "" });
        await store.setCursor("influx", 2);
        await store.recordAudit({ timeMs: T0, who: "x", action: "setup", target: "", outcome: "done", address: "", detail: "" });
        store = await reopen(store);
        expect(await store.auditEntries(5)).toHaveLength(1);
        expect(await store.modelChanges!()).toHaveLength(1);
        expect((await store.latest([air])).get(air)).toEqual(at(T0 + 1, air, 21));
        expect(await store.latestDecision()).toEqual(decisionAt(T0, 1));
        expect(await store.modelVersions()).toEqual([modelVersion("m1", T0)]);
        expect(await store.cursor("influx")).toBe(2);
        await store.append([at(T0 + 2, air, 22)]);
        expect(await store.readAfter(2, 10)).toEqual([{ seq: 3, point: at(T0 + 2, air, 22) }]);
      });
  });
}
