import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { transpileSources } from "./support/transpiled.js";

const root = mkdtempSync(join(tmpdir(), "isotherm-fsync-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const probe = spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", process.execPath, "-e", "0"]);
const canInject = probe.status === 0;

describe.skipIf(!canInject)(
  `the embedded store when the disk refuses to sync${canInject ? "" : " (skipped: strace is not installed or may not trace)"}`,
  () => {
    let script = "";
    beforeAll(() => {
      script = transpileSources(join(root, "code"), ["src/domain", "src/adapters/store", "src/adapters/files"])(
        "writer",
        `
import { writeSync } from "node:fs";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
const store = await openDuckdbStore(process.argv[2], { onWarning: (text) => writeSync(1, "warning " + text + "\\n") });
for (let row = 0; row < 40; row++) {
  try {
    await store.append([{ timeMs: 1e12 + row * 1000, point: "z.zoneAirTempC", value: row }]);
    writeSync(1, "safe " + row + "\\n");
  } catch (error) {
    writeSync(1, "failed " + row + " " + error.name + " " + error.kind + " " + error.message + "\\n");
  }
}
await store.close();
writeSync(1, "closed\\n");
`,
      );
    });

    test.each([6, 15])(
      "an EIO at sync number %i is an error of that append, never an acknowledgement, and the store goes on",
      async (nth) => {
        const dataDir = join(root, `eio${nth}`);
        const args = [
          "-f",
          "-qq",
          "-o",
          "/dev/null",
          "-e",
          `inject=fsync,fdatasync:error=EIO:when=${nth}`,
          process.execPath,
          script,
          dataDir,
        ];
        const child = spawn("strace", args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, UV_THREADPOOL_SIZE: "1" } });
        const lines: string[] = [];
        for await (const line of createInterface({ input: child.stdout })) lines.push(line);
        const safe = lines.filter((line) => line.startsWith("safe ")).map((line) => Number(line.slice(5)));
        const failed = lines.filter((line) => line.startsWith("failed "));
        const store = await openDuckdbStore(dataDir, { onWarning: () => undefined });
        const there: number[] = [];
        for await (const { value } of store.query(["z.zoneAirTempC"], 0, 4e12)) there.push(value);
        await store.close();
        for (const row of safe) expect(there).toContain(row);
        expect(there).toEqual([...new Set(there)].sort((a, b) => a - b));
        expect(failed.length).toBeGreaterThan(0);
        for (const line of failed) expect(line).toMatch(/IsothermError retryable The disk under the store failed/);
        expect(failed.length + safe.length).toBe(40);
        expect(lines.at(-1)).toBe("closed");
      },
    );
  },
);
