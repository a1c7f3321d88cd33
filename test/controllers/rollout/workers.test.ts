import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { serialize } from "node:v8";
import { afterEach, describe, expect, it } from "vitest";
import { workerScript } from "#controllers/rollout/batched/workerPool";
import { createRolloutBackend } from "#controllers/rollout/createBackend";
import { randomModel, randomRequest } from "./randomModel.js";

const model = randomModel({
  seed: 70,
  numZones: 2,
  transition: "thermostat",
  m: 60,
  withPower: true,
  kernel: "production",
  isBudgeted: false,
});
const script = workerScript();
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(script === null)(script === null ? "rollout workers (skipped: not built)" : "rollout workers", () => {
  it("leave the caller's thread free while they roll", async () => {
    const prepared = await (await createRolloutBackend("wasm", { threads: 2 })).prepare({ model, maxSamples: 1000, horizonSteps: 20 });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await prepared.run(randomRequest(model, 1000, 20, 1));
    clearInterval(timer);
    prepared.close();
    expect(turns).toBeGreaterThan(3);
  });

  it("end a run that is under way when they are closed", async () => {
    const prepared = await (await createRolloutBackend("wasm", { threads: 2 })).prepare({ model, maxSamples: 1000, horizonSteps: 20 });
    const running = prepared.run(randomRequest(model, 1000, 20, 2));
    const waiting = prepared.run(randomRequest(model, 1000, 20, 3));
    const outcomes = Promise.allSettled([running, waiting]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    prepared.close();
    for (const outcome of await outcomes) {
      expect(outcome.status).toBe("rejected");
      expect(String((outcome as PromiseRejectedResult).reason)).toMatch(/closed/);
    }
  });

  it("let a process end that forgot to close them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "isotherm-rollout-"));
    folders.push(folder);
    const data = join(folder, "problem");
    writeFileSync(data, serialize({ model, request: randomRequest(model, 300, 4, 4) }));
    const built = new URL("../createBackend.js", pathToFileURL(script!)).href;
    const program = `
      import { readFileSync } from "node:fs";
      import { deserialize } from "node:v8";
      const { createRolloutBackend } = await import(${JSON.stringify(built)});
      const { model, request } = deserialize(readFileSync(${JSON.stringify(data)}));
      const prepared = await (await createRolloutBackend("wasm", { threads: 2 })).prepare({ model, maxSamples: 300, horizonSteps: 4 });
      const { meanC } = await prepared.run(request);
      console.log(meanC.length);`;
    const env = { ...process.env, NODE_OPTIONS: "" };
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { env, timeout: 50_000 });
    expect(stdout.trim()).toBe(String(300 * 4 * 2));
  });
});
