import { afterEach, describe, expect, it, vi } from "vitest";
import { availableBackends, createRolloutBackend, findGraphicsAdapter } from "#controllers/rollout/createBackend";
import { IsothermError } from "#domain/errors";
import { rolloutBackendContract } from "../../contracts/rolloutBackend.js";
import { useSoftwareGraphics } from "../../helpers/softwareGraphics.js";

await useSoftwareGraphics();
const available = await availableBackends();

for (const name of ["reference", "wasm", "blas", "webgpu"] as const) {
  const isMissing = !available.includes(name);
  const timeout = name === "webgpu" ? 240_000 : 60_000;
  describe.skipIf(isMissing)(isMissing ? `${name} (skipped: not available here)` : name, { timeout }, () => {
    rolloutBackendContract(`${name} in this thread`, () => createRolloutBackend(name, { threads: 1 }));
    if (name === "wasm" || name === "blas") {
      rolloutBackendContract(`${name} on two threads`, () => createRolloutBackend(name, { threads: 2 }));
      rolloutBackendContract(`${name} in float32`, () => createRolloutBackend(name, { threads: 1, precision: "float32" }));
    }
  });
}

describe("choosing a backend", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("auto takes the fastest that is there", async () => {
    expect((await createRolloutBackend("auto")).name).toBe(available[0]);
    expect(available).toContain("reference");
  });

  it("says what to install when blas is missing, and auto goes on with what is there", async () => {
    vi.stubEnv("ISOTHERM_NO_BLAS", "1");
    const error = await createRolloutBackend("blas").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(IsothermError);
    expect((error as IsothermError).describe()).toMatch(/ISOTHERM_NO_BLAS/);
    expect((error as IsothermError).exitCode).toBe(69);
    expect((await createRolloutBackend("auto")).name).not.toBe("blas");
  });

  it("auto leaves a graphics driver that computes on the processor alone", async () => {
    const adapter = await findGraphicsAdapter();
    const { name } = await createRolloutBackend("auto");
    expect(name === "webgpu").toBe(adapter !== null && !adapter.isSoftware);
  });
});
