import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");

describe("threads that are ended while they load a native library", () => {
  it("leave the process alive, at whatever moment", async (context) => {
    const dist = join(root, "dist");
    if (!existsSync(join(dist, "src/math/nativeLock.js"))) context.skip("the project is not built");
    const script = join(import.meta.dirname, "support", "endThreadsWhileLoading.mjs");
    const { stdout } = await promisify(execFile)(process.execPath, [script, dist, "40"]);
    expect(stdout).toContain("still here");
  }, 120_000);
});
