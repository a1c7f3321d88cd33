import { describe, expect, it } from "vitest";
import { boundHeaps, createMemoryReturn } from "#cli/daemon/freedMemory";

const isGlibc = process.platform === "linux" && "glibcVersionRuntime" in (process.report.getReport() as { header: object }).header;

describe("the C library's memory", () => {
  it("has its heaps bounded where there is a glibc, and nothing fails where there is none", async () => {
    expect(await boundHeaps()).toBe(isGlibc);
  });

  it("goes back to the system, however often that is asked for", async () => {
    const giveBack = await createMemoryReturn();
    expect(giveBack === null).toBe(!isGlibc);
    giveBack?.();
    giveBack?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
  });
});
