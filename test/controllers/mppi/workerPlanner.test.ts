import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { serialize } from "node:v8";
import { afterEach, describe, expect, it } from "vitest";
import { builtScript } from "#controllers/builtScript";
import { createMppiPlanner } from "#controllers/mppi/mppiPlanner";
import { createWorkerPlanner, type WorkerPlanner } from "#controllers/mppi/workerPlanner";
import { findGraphicsAdapter } from "#controllers/rollout/createBackend";
import { createReferenceBackend } from "#controllers/rollout/reference/createReferenceBackend";
import { IsothermError } from "#domain/errors";
import type { Plan } from "#domain/plan";
import type { PlanRequest } from "#domain/planner";
import { FakeRollout, linearModel, officeRequest, quickZone, slowZone } from "../../fixtures/thermostatBuilding.js";
import { graphicsEnv, useSoftwareGraphics } from "../../helpers/softwareGraphics.js";
import { randomModel, randomRequest } from "../rollout/randomModel.js";

const isBuilt = existsSync(builtScript("mppi/plannerWorker"));
const brokenScript = fileURLToPath(new URL("../../fixtures/brokenPlannerThread.mjs", import.meta.url));
const dyingScript = fileURLToPath(new URL("../../fixtures/dyingPlannerProcess.mjs", import.meta.url));

const building = [quickZone("a"), slowZone("b")];
const zones = building.map(({ id }) => id);
const options = { numSamples: 60, iterations: 1 };
const timeless = (plan: Plan): unknown => ({ ...plan, diagnostics: { ...plan.diagnostics, solveMs: 0 } });

let open: WorkerPlanner[] = [];
const planner = (change: Partial<Parameters<typeof createWorkerPlanner>[0]> = {}): WorkerPlanner => {
  const one = createWorkerPlanner({ model: linearModel(building), backend: "reference", horizonSteps: 20, options, ...change });
  open.push(one);
  return one;
};
afterEach(async () => {
  await Promise.all(open.map((one) => one.close()));
  open = [];
});
const request = (change: Partial<PlanRequest> = {}): PlanRequest => officeRequest({ zones }, change);

describe.skipIf(!isBuilt)(`planner in a thread${isBuilt ? "" : " (skipped: needs npm run build)"}`, () => {
  const inThisThread = async (): Promise<Plan> => {
    const model = linearModel(building);
    const rollout = await createReferenceBackend().prepare({ model, maxSamples: 60, horizonSteps: 20 });
    return createMppiPlanner({ rollout, model, options: { ...options, maxSamplesPerRun: 60, backendName: "reference" } }).plan(request());
  };

  it("gives the plan that the planner gives in this thread", async () => {
    const plan = await planner().plan(request());
    expect(plan.source).toBe("mppi");
    expect(timeless(plan)).toEqual(timeless(await inThisThread()));
  });

  it("leaves the event loop free while it plans", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await planner({ options: { numSamples: 600 } }).plan(request());
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });

  it("plans with a new model from the next request on", async () => {
    const one = planner();
    const before = await one.plan(request());
    one.useModel({ ...linearModel(building, 0), version: "linear-2" });
    const after = await one.plan(request());
    expect([before.fallback, after.fallback]).toEqual([null, "too-uncertain"]);
  });

  it("hands an error of the request on with its kind and advice, and lives on", async () => {
    const one = planner();
    const error = await one.plan(request({ history: { ...request().history, columns: new Map() } })).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(IsothermError);
    expect((error as IsothermError).kind).toBe("retryable");
    expect((error as IsothermError).message).toMatch(/a\.zoneAirTempC/);
    expect((await one.plan(request())).source).toBe("mppi");
  });

  it("returns the rule's plan when aborted before it began", async () => {
    const plan = await planner().plan(request(), AbortSignal.abort());
    expect([plan.source, plan.fallback]).toEqual(["rule", "late"]);
  });

  it("does not keep the process alive", async () => {
    const program = `
      import { createWorkerPlanner } from ${JSON.stringify(pathToFileURL(builtScript("mppi/workerPlanner")).href)};
      const planner = createWorkerPlanner({ model: { version: "1" }, backend: "reference", horizonSteps: 2, script: ${JSON.stringify(brokenScript)} });
      const plan = await planner.plan({ seed: 0 });
      console.log(plan.reason);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { timeout: 30_000 });
    expect(stdout.trim()).toBe("1 models");
  });
});

await useSoftwareGraphics();
const adapter = await findGraphicsAdapter();
const graphicsMissing = !isBuilt || adapter === null;

describe.skipIf(!isBuilt)(`planner in a process of its own${isBuilt ? "" : " (skipped: needs npm run build)"}`, () => {
  it("gives the plan of a thread, and ends with its planner", async () => {
    const inThread = await planner().plan(request());
    const apart = planner({ apart: true });
    expect(timeless(await apart.plan(request()))).toEqual(timeless(inThread));
    await apart.close();
    await expect(apart.plan(request())).rejects.toThrow(/was closed/);
  });

  it("stops with the best plan so far when told to", async () => {
    const one = planner({ apart: true, graceMs: 30_000, options: { numSamples: 3_000, maxSamplesPerRun: 100, iterations: 10 } });
    await one.plan(request(), AbortSignal.abort());
    const controller = new AbortController();
    const plan = one.plan(request(), controller.signal);
    setTimeout(() => controller.abort(), 300);
    const { numSamples } = (await plan).diagnostics;
    expect(numSamples).toBeLessThan(3_000);
  });

  it("plans with what there is where webgpu is named and no adapter is there, and says so", async () => {
    // A driver that does not exist: nothing to compute on, whatever the machine has.
    const before = process.env.VK_ICD_FILENAMES;
    process.env.VK_ICD_FILENAMES = "/nonexistent/driver.json";
    try {
      const { source, diagnostics } = await planner({ backend: "webgpu" }).plan(request());
      expect(source).toBe("mppi");
      expect(["blas", "wasm", "reference"]).toContain(diagnostics.backend);
      expect(diagnostics.backendTrouble).toMatch(/none was found/);
    } finally {
      if (before === undefined) delete process.env.VK_ICD_FILENAMES;
      else process.env.VK_ICD_FILENAMES = before;
    }
  });

  it("rejects what it was asked when its process is killed, and is started again", async () => {
    const one = planner({ apart: true, script: dyingScript });
    const died = one.plan({ ...request(), seed: 1 });
    await expect(died).rejects.toThrow(/process ended by SIGSEGV/);
    expect((await one.plan({ ...request(), seed: 0 })).reason).toBe("1 models");
  });

  it.skipIf(graphicsMissing)(
    `plans on a graphics adapter and lets the process that asked end${graphicsMissing ? " (skipped: no graphics adapter here)" : ""}`,
    { timeout: 120_000 },
    async () => {
      const program = `
        import { createWorkerPlanner } from ${JSON.stringify(pathToFileURL(builtScript("mppi/workerPlanner")).href)};
        import { deserialize } from "node:v8";
        const { model, request } = deserialize(Buffer.from(process.env.PLAN, "base64"));
        const planner = createWorkerPlanner({ model, backend: "webgpu", horizonSteps: 20, options: { numSamples: 40, iterations: 1 }, graceMs: 60_000 });
        const { source, diagnostics } = await planner.plan(request);
        console.log(JSON.stringify([source, diagnostics.backend, diagnostics.adapter]));`;
      const plan = serialize({ model: linearModel(building), request: request() }).toString("base64");
      const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
        timeout: 110_000,
        env: { ...graphicsEnv(), PLAN: plan },
      });
      expect(JSON.parse(stdout)).toEqual(["mppi", "webgpu", adapter!.name]);
    },
  );

  it.skipIf(graphicsMissing)("a process that rolled out on a graphics adapter and closed nothing ends by itself", async () => {
    const program = `
      import { createRolloutBackend } from ${JSON.stringify(pathToFileURL(builtScript("rollout/createBackend")).href)};
      import { deserialize } from "node:v8";
      const { model, request } = deserialize(Buffer.from(process.env.PLAN, "base64"));
      const rollout = await (await createRolloutBackend("webgpu")).prepare({ model, maxSamples: 4, horizonSteps: 3 });
      console.log((await rollout.run(request)).meanC.length);`;
    const model = randomModel({
      seed: 3,
      numZones: 1,
      transition: "increment",
      m: 3,
      withPower: false,
      kernel: "linear",
      isBudgeted: false,
    });
    const plan = serialize({ model, request: randomRequest(model, 4, 3, 5) }).toString("base64");
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
      timeout: 50_000,
      env: { ...graphicsEnv(), PLAN: plan },
    });
    expect(stdout.trim()).toBe("12");
  });
});

describe("planner's thread", () => {
  const broken = (change: Partial<Parameters<typeof createWorkerPlanner>[0]> = {}): WorkerPlanner =>
    planner({ script: brokenScript, ...change });
  const behave = (seed: number): PlanRequest => ({ ...request(), seed });

  it("rejects what it was asked when it dies, and is started again with its model at the next request", async () => {
    const one = broken();
    await expect(one.plan(behave(1))).rejects.toThrow(/out of luck/);
    expect((await one.plan(behave(0))).reason).toBe("1 models");
    await expect(one.plan(behave(2))).rejects.toThrow(/ended with code 3/);
    expect((await one.plan(behave(0))).reason).toBe("1 models");
  });

  it("gets a model once per version", async () => {
    const one = broken();
    await one.plan(behave(0));
    expect((await one.plan(behave(0))).reason).toBe("1 models");
    one.useModel({ ...linearModel(building), version: "other" });
    expect((await one.plan(behave(0))).reason).toBe("2 models");
  });

  it("is ended when it does not stop in time, and the next request gets a fresh one", async () => {
    const one = broken({ graceMs: 50 });
    const controller = new AbortController();
    const stuck = one.plan(behave(3), controller.signal);
    controller.abort();
    await expect(stuck).rejects.toThrow(/did not stop within 50 ms/);
    expect((await one.plan(behave(0))).reason).toBe("1 models");
  });

  it("rejects after close, and what was under way", async () => {
    const one = broken();
    const stuck = one.plan(behave(3));
    const rejected = expect(stuck).rejects.toThrow(/closed while it planned/);
    await one.close();
    await rejected;
    await expect(one.plan(behave(0))).rejects.toThrow(/was closed/);
    await one.close();
  });
});

describe("the fake building and the reference backend", () => {
  it("predict the same from the same first-order model", async () => {
    const model = linearModel(building);
    const reference = await createReferenceBackend().prepare({ model, maxSamples: 100, horizonSteps: 20 });
    const fake = new FakeRollout(building);
    const plans = await Promise.all(
      [reference, fake].map((rollout) => createMppiPlanner({ rollout, model, options: { numSamples: 30 } }).plan(request())),
    );
    const [real, faked] = plans.map(({ rule }) => rule!);
    for (const zone of zones)
      real!.zones[zone]!.meanC.forEach((value, t) => {
        expect(value).toBeCloseTo(faked!.zones[zone]!.meanC[t]!, 2);
      });
  });
});
