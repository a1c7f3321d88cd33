import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { type BackedUpStore, openDuckdbStore } from "#adapters/store/duckdbStore";
import type { PointName, TelemetryPoint } from "#domain/points";

const root = mkdtempSync(join(tmpdir(), "isotherm-downsampling-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const folder = (): string => join(root, String(made++));
const open = (directory: string): Promise<BackedUpStore> => openDuckdbStore(directory, { onWarning: () => undefined });
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const air: PointName = "a.zoneAirTempC";
const meter: PointName = "building.hvacEnergyKwh";
const at = (point: PointName, timeMs: number, value: number): TelemetryPoint => ({ point, timeMs, value });
const all = async (store: BackedUpStore, points: readonly PointName[] = [air]): Promise<(readonly [number, number])[]> => {
  const found: (readonly [number, number])[] = [];
  for await (const { timeMs, value } of store.query(points, 0, 1e12)) found.push([timeMs / HOUR_MS, value]);
  return found;
};

describe("keeping old hours as their means", () => {
  test("keeps mean, lowest and highest of each hour at its end, a meter's last reading, and the hours after as they are", async () => {
    const directory = folder();
    const store = await open(directory);
    const rows: TelemetryPoint[] = [];
    for (let quarter = 1; quarter <= 16; quarter++) {
      rows.push(at(air, quarter * 15 * MINUTE_MS, 20 + (quarter % 4)), at(meter, quarter * 15 * MINUTE_MS, quarter));
    }
    await store.append(rows.slice(0, -2));
    // A correction replaces the first value, 21, in its hour's mean.
    await store.append([at(air, 15 * MINUTE_MS, 29), ...rows.slice(-2)]);
    await store.downsampleBefore(2.5 * HOUR_MS);
    const expected = [
      [1, (29 + 22 + 23 + 20) / 4],
      [2, 21.5],
      [2.25, 21],
      [2.5, 22],
      [2.75, 23],
      [3, 20],
      [3.25, 21],
      [3.5, 22],
      [3.75, 23],
      [4, 20],
    ];
    expect(await all(store)).toEqual(expected);
    expect((await all(store, [meter])).slice(0, 3)).toEqual([
      [1, 4],
      [2, 8],
      [2.25, 9],
    ]);
    const [first] = (await store.series([air], 0.5 * HOUR_MS, 1.5 * HOUR_MS, 1)).get(air)!;
    expect(first).toMatchObject({ mean: 23.5, min: 20, max: 29 });
    await store.downsampleBefore(2.5 * HOUR_MS);
    await store.close();
    const again = await open(directory);
    expect(await all(again)).toEqual(expected);
    // A row that comes late for such an hour counts beside its mean.
    await again.append([at(air, 0.5 * HOUR_MS, 40), at(air, 5 * HOUR_MS, 20)]);
    await again.downsampleBefore(3 * HOUR_MS);
    const [hour] = (await again.series([air], 0.5 * HOUR_MS, 1.5 * HOUR_MS, 1)).get(air)!;
    expect([hour!.min, hour!.max]).toEqual([20, 40]);
    await again.close();
  });

  test("leaves what is not delivered, the newest value of a silent point, and the last number", async () => {
    const store = await open(folder());
    const quarters = Array.from({ length: 8 }, (_, quarter) => at(air, (quarter + 1) * 15 * MINUTE_MS, quarter));
    await store.append([at("b.zoneAirTempC", 10 * MINUTE_MS, 7), ...quarters]);
    await store.downsampleBefore(10 * HOUR_MS, 4);
    expect(await all(store)).toHaveLength(8);
    // The first hour is delivered now; the last row's hour stays, from which numbers go on.
    await store.downsampleBefore(10 * HOUR_MS);
    expect((await all(store)).map(([hour]) => hour)).toEqual([1, 1.25, 1.5, 1.75, 2]);
    expect((await store.latest(["b.zoneAirTempC"])).get("b.zoneAirTempC")).toEqual(at("b.zoneAirTempC", 10 * MINUTE_MS, 7));
    await store.append([at(air, 3 * HOUR_MS, 1)]);
    // A replicator that begins now gets means where values are gone, and every number once.
    const seqs = (await store.readAfter(0, 100)).map(({ seq }) => seq);
    expect(seqs).toEqual([1, 5, 6, 7, 8, 9, 10]);
    await store.close();
  });

  test("gives a replicator that begins late the rows behind a gap", async () => {
    const store = await open(folder());
    await store.append(Array.from({ length: 50 }, (_, minute) => at(air, minute * MINUTE_MS, minute)));
    await store.forgetBefore(40 * MINUTE_MS);
    expect((await store.readAfter(0, 5)).map(({ seq }) => seq)).toEqual([41, 42, 43, 44, 45]);
    expect(await store.readAfter(50, 5)).toEqual([]);
    await store.close();
  });

  test("never loses a row that is not delivered, whatever comes in whatever order", async () => {
    const step = fc.oneof(
      fc.record({
        minute: fc.integer({ min: 1, max: 400 }),
        value: fc.integer({ min: -5, max: 5 }),
        point: fc.constantFrom<PointName>(air, meter),
      }),
      fc.record({ beforeHour: fc.integer({ min: 0, max: 8 }), delivered: fc.integer({ min: 0, max: 40 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const store = await open(folder());
        const appended: TelemetryPoint[] = [];
        let most = 0;
        for (const one of steps) {
          if ("minute" in one) {
            const row = at(one.point, one.minute * MINUTE_MS, one.value);
            appended.push(row);
            await store.append([row]);
            continue;
          }
          // A cursor never goes back.
          most = Math.max(most, Math.min(one.delivered, appended.length));
          await store.downsampleBefore(one.beforeHour * HOUR_MS, most);
          const rest = await store.readAfter(most, 1_000);
          expect(rest.map(({ point }) => point)).toEqual(appended.slice(most));
          expect(rest.map(({ seq }) => seq)).toEqual(appended.slice(most).map((_, i) => most + i + 1));
        }
        for (const point of [air, meter]) {
          const newest = (await store.latest([point])).get(point);
          const times = appended.filter((row) => row.point === point).map(({ timeMs }) => timeMs);
          expect(newest?.timeMs).toBe(times.length === 0 ? undefined : Math.max(...times));
        }
        await store.close();
      }),
      { numRuns: 12 },
    );
  });
});
