import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { IsothermError } from "#domain/errors";
import type { TelemetryPoint } from "#domain/points";
import type { EmbeddedStore } from "#domain/store";

const root = mkdtempSync(join(tmpdir(), "isotherm-full-"));
const canMount = process.getuid?.() === 0 && spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", root]).status === 0;
if (canMount) execFileSync("umount", [root]);

describe.skipIf(!canMount)(`the embedded store on a full disk${canMount ? "" : " (skipped: needs root to mount a tmpfs)"}`, () => {
  afterEach(() => {
    spawnSync("umount", [root]);
    rmSync(root, { recursive: true, force: true });
  });

  test("an append fails with what to do, nothing acknowledged is lost, reads go on, and it works again once space is free", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", root]);
    const ballast = join(root, "ballast");
    writeFileSync(ballast, Buffer.alloc(3 << 20));
    const store: EmbeddedStore = await openDuckdbStore(join(root, "data"), { onWarning: () => undefined });
    let rows = 0;
    const batch = (): TelemetryPoint[] =>
      Array.from({ length: 2000 }, (_, i) => ({ timeMs: 1e12 + (rows + i) * 1000, point: "z.zoneAirTempC", value: Math.sin(rows + i) }));
    const fill = async (): Promise<unknown> => {
      for (let k = 0; k < 500; k++) {
        try {
          await store.append(batch());
        } catch (error) {
          return error;
        }
        rows += 2000;
      }
      return null;
    };
    /** How many rows there are; NaN once one is not what was appended. */
    const intact = async () => {
      let count = 0;
      for await (const { timeMs, value } of store.query(["z.zoneAirTempC"], 0, 4e12)) {
        if (timeMs !== 1e12 + count * 1000 || value !== Math.sin(count)) return Number.NaN;
        count++;
      }
      return count;
    };

    const error = await fill();
    expect(error).toBeInstanceOf(IsothermError);
    expect(error).toMatchObject({ kind: "retryable" });
    expect((error as IsothermError).describe()).toMatch(/no space left[\s\S]*Free space/);
    expect(rows).toBeGreaterThan(0);
    // Still full: writes fail again, reads are as before.
    await expect(store.append(batch())).rejects.toThrow(IsothermError);
    expect(await intact()).toBe(rows);
    expect((await store.latest(["z.zoneAirTempC"])).get("z.zoneAirTempC")?.timeMs).toBe(1e12 + (rows - 1) * 1000);

    unlinkSync(ballast);
    await store.append(batch());
    rows += 2000;
    expect(await intact()).toBe(rows);
    expect((await store.readAfter(rows - 1, 10)).map((row) => row.seq)).toEqual([rows]);
    await store.close();
    const again = await openDuckdbStore(join(root, "data"), { onWarning: () => undefined });
    expect((await again.latest(["z.zoneAirTempC"])).get("z.zoneAirTempC")?.value).toBe(Math.sin(rows - 1));
    await again.close();
  });
});
