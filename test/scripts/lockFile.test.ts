import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockModule } from "./scriptModules.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "isotherm-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("lock file", () => {
  it("is held until released, and leaves nothing behind", async () => {
    const path = join(folder, "lock");
    const release = await lockModule.acquireLock(path);
    await expect(lockModule.acquireLock(path, { timeoutMs: 50 })).rejects.toThrow(String(process.pid));
    release();
    expect(readdirSync(folder)).toEqual([]);
    (await lockModule.acquireLock(path))();
  });

  it("ignores the lock of a process that is gone, and one that cannot be read", async () => {
    const path = join(folder, "lock");
    const child = spawn(process.execPath, ["-e", ""]);
    const pid = child.pid;
    await once(child, "exit");
    for (const text of [JSON.stringify({ pid, started: "", token: 1 }), "", "not JSON", '{"pid":0}']) {
      writeFileSync(path, text);
      (await lockModule.acquireLock(path, { timeoutMs: 5_000 }))();
      expect(existsSync(path)).toBe(false);
    }
  });

  it.skipIf(process.platform !== "linux")("ignores the lock of an earlier process whose id is in use again (Linux only)", async () => {
    const path = join(folder, "lock");
    writeFileSync(path, JSON.stringify({ pid: process.pid, started: "1", token: 1 }));
    (await lockModule.acquireLock(path, { timeoutMs: 5_000 }))();
  });

  it("lets only one of many in at a time, over a dead owner's lock", async () => {
    const path = join(folder, "lock");
    writeFileSync(path, "left over");
    let inside = 0;
    let most = 0;
    const url = JSON.stringify(new URL("../../scripts/lib/lockFile.mjs", import.meta.url).href);
    const script = `import { acquireLock } from ${url}; import { openSync, closeSync, rmSync } from "node:fs";
      for (let turn = 0; turn < 5; turn += 1) {
        const release = await acquireLock(${JSON.stringify(path)});
        closeSync(openSync(${JSON.stringify(join(folder, "inside"))}, "wx"));
        await new Promise((done) => setTimeout(done, 5));
        rmSync(${JSON.stringify(join(folder, "inside"))});
        release();
      }`;
    const codes = await Promise.all(
      [1, 2, 3].map(async () => {
        inside += 1;
        most = Math.max(most, inside);
        const [code] = (await once(spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" }), "exit")) as [
          number,
        ];
        inside -= 1;
        return code;
      }),
    );
    expect(most).toBe(3);
    expect(codes).toEqual([0, 0, 0]);
  });
});
