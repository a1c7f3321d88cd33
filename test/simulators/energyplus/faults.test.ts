import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { runGuarded } from "#cli/engineGuard";
import { CoupledRun } from "#simulators/energyplus/coupledRun";
import { createEnergyplusPlant } from "#simulators/energyplus/energyplusPlant";
import type { EpModel } from "#simulators/energyplus/modelFile";
import { loadModel } from "#simulators/energyplus/models";
import { runFolderPrefix } from "#simulators/energyplus/runFolder";
import { loadWeatherFile } from "#simulators/energyplus/weathers";
import { engine, named, pittsburghMs, whyNot } from "./engineHere.js";

const startMs = pittsburghMs(1991, 1, 8);
const office = async (): Promise<EpModel> => structuredClone((await loadModel("five-zone-office", engine)).model);
const start = async (building: EpModel, options: { patienceMs?: number; signal?: AbortSignal } = {}): Promise<unknown> => {
  const plant = await createEnergyplusPlant({ engine, building, weather: "pittsburgh", ...options });
  try {
    return await plant.initialize(startMs, 0);
  } finally {
    await plant.close();
  }
};

describe.skipIf(whyNot !== null)(named("EnergyPlus faults"), () => {
  afterAll(() => expect(readdirSync(tmpdir()).filter((name) => name.startsWith(runFolderPrefix(process.pid)))).toEqual([]));

  it("end the run with EnergyPlus's own words: a construction that is not there", async () => {
    const model = await office();
    const [wall] = Object.values(model["BuildingSurface:Detailed"]!);
    wall!.construction_name = "NO SUCH WALL";
    await expect(start(model)).rejects.toMatchObject({ kind: "configuration", message: expect.stringMatching(/NO SUCH WALL/) });
  });

  it("end the run with EnergyPlus's own words: a value that its schema does not know", async () => {
    const model = await office();
    Object.values(model.Building!)[0]!.terrain = "Moon";
    await expect(start(model)).rejects.toThrow(/terrain/);
  });

  it("end the run where an actuator is missing, and name it", async () => {
    const { model } = await loadModel("five-zone-office", engine);
    const { text } = loadWeatherFile("pittsburgh", engine);
    const zones = [{ id: "attic", name: "ATTIC" }];
    const coupled = { engine, model, modelFile: "office.epJSON", zones, weatherText: text, patienceMs: undefined, signal: undefined };
    const days = { firstDayMs: Date.UTC(1991, 0, 8), lastDayMs: Date.UTC(1991, 0, 8) };
    const run = await CoupledRun.start(coupled, days, { actuates: true, freeSteps: 0 });
    try {
      await expect(run.nextRow()).rejects.toThrow(/actuator "Zone Temperature Control \/ Heating Setpoint" of ATTIC/);
    } finally {
      await run.close();
    }
  });

  it("are final: after a failure every call gets the same reason", async () => {
    const model = await office();
    Object.values(model.Building!)[0]!.terrain = "Moon";
    const plant = await createEnergyplusPlant({ engine, building: model, weather: "pittsburgh" });
    await expect(plant.initialize(startMs, 0)).rejects.toThrow(/terrain/);
    await expect(plant.advance(900)).rejects.toThrow(/terrain/);
    await expect(plant.observe()).rejects.toThrow(/terrain/);
    await plant.close();
  });

  it("say so where the run's calendar ends", async () => {
    const plant = await createEnergyplusPlant({
      engine,
      building: "five-zone-office",
      weather: "pittsburgh",
      endMs: startMs + 86_400_000,
    });
    try {
      await plant.initialize(startMs, 0);
      await plant.advance(86_400);
      await expect(plant.advance(900)).rejects.toThrow(/run ended on 1991-01-08, its last day/);
    } finally {
      await plant.close();
    }
  });

  it("stop the engine when the run is interrupted", async () => {
    const abort = new AbortController();
    const plant = await createEnergyplusPlant({ engine, building: "five-zone-office", weather: "pittsburgh", signal: abort.signal });
    try {
      await plant.initialize(startMs, 0);
      abort.abort(new Error("Ctrl-C"));
      await expect(plant.advance(900)).rejects.toThrow(/Ctrl-C/);
    } finally {
      await plant.close();
    }
  });

  it("leave no process behind where the engine hangs in a loop: the run fails and the process ends with its own exit code", async () => {
    const program = `
      import { findEngine } from ${JSON.stringify(new URL("../../../dist/simulators/energyplus/engine.js", import.meta.url).href)};
      import { loadModel } from ${JSON.stringify(new URL("../../../dist/simulators/energyplus/models.js", import.meta.url).href)};
      import { createEnergyplusPlant } from ${JSON.stringify(new URL("../../../dist/simulators/energyplus/energyplusPlant.js", import.meta.url).href)};
      const engine = await findEngine();
      const { model } = await loadModel("five-zone-office", engine);
      // EnergyPlus ends a loop after a million rounds; one inside another outlasts every patience.
      const loop = (count, body) => [\`SET \${count} = 0\`, \`WHILE \${count} < 1000000\`, \`SET \${count} = \${count} + 1\`, ...body, "ENDWHILE"];
      const program = (lines) => ({ lines: lines.map((program_line) => ({ program_line })) });
      model["EnergyManagementSystem:Subroutine"] = { Inner: program(loop("j", [])) };
      model["EnergyManagementSystem:Program"] = { Spin: program(loop("i", ["RUN Inner"])) };
      model["EnergyManagementSystem:ProgramCallingManager"] = {
        Spinner: { energyplus_model_calling_point: "BeginTimestepBeforePredictor", programs: [{ program_name: "Spin" }] },
      };
      const plant = await createEnergyplusPlant({ engine, building: model, weather: "pittsburgh", patienceMs: 3000 });
      try {
        await plant.initialize(${startMs}, 0);
        console.log("initialised");
      } catch (error) {
        console.log(error.message);
        process.exitCode = error.exitCode;
      } finally {
        await plant.close();
      }`;
    const failed = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { timeout: 50_000 }).catch(
      (error: { code: number; stdout: string; stderr: string; killed: boolean }) => error,
    );
    expect(failed).toMatchObject({
      code: 70,
      killed: false,
      stdout: expect.stringMatching(/^EnergyPlus has shown no sign of life for 3 s/),
    });
  });
});

describe("the guard of a simulation", () => {
  const quiet = { signal: new AbortController().signal, say: () => undefined, progress: () => undefined };
  it("gives the child's exit code on", async () => {
    expect(await runGuarded(quiet, ["-e", "process.exit(78)"])).toBe(78);
  });
  it.skipIf(process.platform === "win32")("turns a crash into an error instead of dying itself", async () => {
    await expect(runGuarded(quiet, ["-e", "process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000)"])).rejects.toMatchObject({
      message: expect.stringMatching(/EnergyPlus crashed \(SIGSEGV\)/),
      exitCode: 70,
    });
  });
  it("hands an interruption on and waits for the child's end", async () => {
    const abort = new AbortController();
    const program = "process.on('SIGINT', () => process.exit(130)); process.send('up'); setInterval(() => {}, 1000)";
    setTimeout(() => abort.abort(), 1500);
    expect(await runGuarded({ ...quiet, signal: abort.signal }, ["-e", program])).toBe(130);
  });
});
