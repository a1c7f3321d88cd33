import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type BackedUpStore, openDuckdbStore } from "#adapters/store/duckdbStore";
import type { TelemetryPoint } from "#domain/points";
import { decisionAt } from "../../contracts/telemetryStore.js";

const root = mkdtempSync(join(tmpdir(), "isotherm-retention-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const open = (folder: string): Promise<BackedUpStore> => openDuckdbStore(folder, { onWarning: () => undefined });
const HOUR_MS = 3_600_000;
const rows = (point: TelemetryPoint["point"], hours: number): TelemetryPoint[] =>
  Array.from({ length: hours }, (_, hour) => ({ point, timeMs: hour * HOUR_MS, value: hour }));
const all = async (store: BackedUpStore): Promise<string[]> => {
  const found: string[] = [];
  for await (const { point, timeMs } of store.query(["a.zoneAirTempC", "b.zoneAirTempC"], 0, 1e12))
    found.push(`${point[0]}${timeMs / HOUR_MS}`);
  return found;
};

describe("forgetting what is older than its retention", () => {
  test("keeps what is younger, and the newest value of a point that fell silent", async () => {
    const folder = join(root, String(made++));
    const store = await open(folder);
    await store.append([...rows("b.zoneAirTempC", 3), ...rows("a.zoneAirTempC", 10)]);
    await store.forgetBefore(8 * HOUR_MS);
    expect(await all(store)).toEqual(["b2", "a8", "a9"]);
    await store.close();
    const again = await open(folder);
    expect(await all(again)).toEqual(["b2", "a8", "a9"]);
    expect((await again.latest(["b.zoneAirTempC"])).get("b.zoneAirTempC")?.value).toBe(2);
    await again.close();
  });

  test("goes on with its numbers where everything was old, so that a replicator misses nothing", async () => {
    const folder = join(root, String(made++));
    const store = await open(folder);
    await store.append(rows("a.zoneAirTempC", 5));
    await store.forgetBefore(1e12);
    await store.close();
    const again = await open(folder);
    await again.append([{ point: "a.zoneAirTempC", timeMs: 1e12, value: 1 }]);
    expect((await again.readAfter(5, 10)).map(({ seq }) => seq)).toEqual([6]);
    await again.close();
  });

  test("leaves rows that are not delivered yet", async () => {
    const store = await open(join(root, String(made++)));
    await store.append(rows("a.zoneAirTempC", 6));
    await store.forgetBefore(5 * HOUR_MS, 2);
    expect(await all(store)).toEqual(["a2", "a3", "a4", "a5"]);
    expect(await store.readAfter(2, 10)).toHaveLength(4);
    await store.close();
  });

  test("forgets old decisions and cleared alarms, never the newest decision nor an active alarm", async () => {
    const store = await open(join(root, String(made++)));
    for (const hour of [1, 2, 3]) await store.appendDecision(decisionAt(hour * HOUR_MS, hour));
    const alarm = { level: "warning", zone: null, text: "t", action: "a", sinceMs: 0 } as const;
    await store.putAlarm({ ...alarm, id: "active", clearedMs: null });
    await store.putAlarm({ ...alarm, id: "over", clearedMs: HOUR_MS });
    await store.forgetBefore(1e12);
    expect((await store.latestDecision())?.id).toBe("1-3");
    expect(await store.decision("1-2")).toBeNull();
    expect((await store.alarms(0)).map(({ id }) => id)).toEqual(["active"]);
    await store.close();
  });
});
