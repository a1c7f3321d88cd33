import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { freeBytes } from "#adapters/files/diskSpace";

describe("free space under a folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-disk-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is what df says is available", async () => {
    const [, line] = execFileSync("df", ["-P", "-k", folder], { encoding: "utf8" }).trim().split("\n");
    const availableKb = Number(line!.split(/\s+/)[3]);
    // Others write meanwhile.
    expect(Math.abs((await freeBytes(folder)) / 1024 - availableKb)).toBeLessThan(0.02 * availableKb + 200_000);
  });
  it("is that of the nearest folder there is, where it is yet to be made", async () => {
    expect(await freeBytes(join(folder, "not", "yet", "made"))).toBeGreaterThan(0);
  });
  it("is refused below a file, with what to do", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(freeBytes(join(folder, "file", "data"))).rejects.toMatchObject({
      kind: "configuration",
      todo: expect.stringMatching(/another folder/),
    });
  });
});
