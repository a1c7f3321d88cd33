import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { modelToJson } from "#models/modelJson";
import { trainBuilding } from "#models/trainBuilding";
import { trainInWorker } from "#models/trainInWorker";
import { expectClose } from "../math/tools.js";
import { la, syntheticZone, withColumn } from "./support.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const built = existsSync(join(root, "dist/models/trainWorker.js"));

/** Zones of one building under the same weather. */
const building = (zones: readonly string[], days: number): Dataset => {
  const parts = zones.map((zone, i) => syntheticZone(days, { zone, seed: 3 + i }));
  return { ...parts[0]!, columns: new Map([...parts.slice(1).flatMap(({ columns }) => [...columns]), ...parts[0]!.columns]) };
};
/** With a meter: what runs by itself, and what the zones' heating takes. */
const metered = (dataset: Dataset, zones: readonly string[]): Dataset => ({
  ...dataset,
  columns: new Map(dataset.columns).set(
    "building.hvacPowerW",
    dataset.timesMs.map((_, row) => {
      const heating = zones.map((zone) => {
        const [reached, setpoint] = (["zoneAirTempC", "heatingSetpointC"] as const).map(
          (q) => dataset.columns.get(zonePoint(zone, q))![row]!,
        );
        return 800 * Number(Math.abs(reached! - setpoint!) < 0.3);
      });
      return 300 + 100 * Math.sin(row / 15) + heating.reduce((a, b) => a + b, 0);
    }),
  ),
});
const request = (dataset: Dataset, zones: readonly string[]) => ({
  dataset,
  zones,
  prior: null,
  toLocalMs: (timeMs: number) => timeMs - 5 * 3_600_000,
  options: { budget: 40 },
  onProgress: () => undefined,
});
const numbersOf = ({ zones, spreadBoundK }: BuildingModel): number[] => [
  spreadBoundK,
  ...zones.flatMap(({ posterior, noiseVarianceK2, heldOffsetK, heldStdDevK, stateGain, spreadScale }) => [
    ...[noiseVarianceK2, heldOffsetK, heldStdDevK, stateGain, spreadScale],
    ...posterior.alpha,
    ...posterior.basisInputs,
  ]),
];

describe("training a building in this thread", () => {
  it("learns every zone, says what it held out, and reports progress up to the end", async () => {
    const fractions: number[] = [];
    const model = await trainBuilding({
      ...request(building(["a", "b"], 4), ["a", "b"]),
      la,
      onProgress: (fraction) => fractions.push(fraction),
    });
    expect(model.zones.map(({ zone }) => zone)).toEqual(["a", "b"]);
    expect(model.power).toBeNull();
    expect(model.prior).toBe("none");
    expect(model.spreadBoundK).toBeGreaterThan(0);
    expect(model.summary.heldOutRmse20K).toBeGreaterThan(0);
    expect(model.summary.leaveDayOutRmseK).toBeLessThan(0.5);
    expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
    expect(fractions.every((fraction) => fraction >= 0 && fraction <= 1)).toBe(true);
    expect(model.version).toBe("thermostat-1991-01-04T23:45Z");
  });

  it("uses the neighbours: each zone has one column for every other one", async () => {
    const model = await trainBuilding({ ...request(building(["a", "b", "c"], 2), ["a", "b", "c"]), la });
    for (const { posterior } of model.zones) expect(posterior.features.filter(({ term }) => term.kind === "neighbour")).toHaveLength(2);
  });

  it("bounds the spread by the wanted error level where too little is there to hold any out", async () => {
    const model = await trainBuilding({
      ...request(building(["a"], 2), ["a"]),
      la,
      options: { budget: null, errorLevelK: 0.7, horizonSteps: 100 },
    });
    expect(model.spreadBoundK).toBe(0.7);
    expect(model.summary.heldOutRmse20K).toBeUndefined();
  });

  it("refuses no zones and fewer than two rows", async () => {
    const data = building(["a"], 2);
    await expect(trainBuilding({ ...request(data, []), la })).rejects.toThrow("There is no zone to learn.");
    const one = {
      ...data,
      timesMs: data.timesMs.slice(0, 1),
      columns: new Map([...data.columns].map(([name, values]) => [name, values.slice(0, 1)])),
    };
    await expect(trainBuilding({ ...request(one, ["a"]), la })).rejects.toThrow("The data hold 1 rows; a step needs two.");
  });

  it("learns the other zones where one neighbour's sensor is dead, and says which zone cannot be", async () => {
    const data = withColumn(building(["a", "b"], 2), "b.zoneAirTempC", () => Number.NaN);
    const model = await trainBuilding({ ...request(data, ["a"]), la });
    expect(model.zones).toHaveLength(1);
    await expect(trainBuilding({ ...request(data, ["a", "b"]), la })).rejects.toThrow("no value in the column b.zoneAirTempC");
  });
});

describe.skipIf(!built)(`training in worker threads${built ? "" : " (skipped: dist is not built)"}`, () => {
  it("gives the same model as this thread", async () => {
    const zones = ["a", "b", "c"];
    const data = metered(building(zones, 3), zones);
    const here = await trainBuilding({ ...request(data, zones), la });
    const there = await trainInWorker({ ...request(data, zones), threads: 2 });
    expect(there.zones.map(({ zone }) => zone)).toEqual(zones);
    expect(there.summary.linearAlgebra).toBe(la.name);
    expectClose(numbersOf(there), numbersOf(here), 1e-9);
    expect(there.power!.zones).toEqual(here.power!.zones);
    expectClose([...there.power!.posterior.alpha], [...here.power!.posterior.alpha], 1e-9);
    expect({ ...there.summary, fitMs: 0 }).toEqual({ ...here.summary, fitMs: 0 });
    expect(modelToJson({ ...there, summary: {} }).length).toBe(modelToJson({ ...here, summary: {} }).length);
  });

  it("ends with the reason when it is aborted, before and in the middle", { timeout: 20_000 }, async () => {
    const zones = Array.from({ length: 8 }, (_, i) => `z${i}`);
    const data = building(zones, 14);
    await expect(trainInWorker({ ...request(data, zones), signal: AbortSignal.abort(new Error("not now")) })).rejects.toThrow("not now");
    const stop = new AbortController();
    let reported = 0;
    const training = trainInWorker({
      ...request(data, zones),
      signal: stop.signal,
      onProgress: () => {
        if (++reported === 3) stop.abort(new Error("enough"));
      },
    });
    await expect(training).rejects.toThrow("enough");
    const seen = reported;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(reported).toBe(seen);
  });

  it("ends with the reason when it is aborted while power is learned", async () => {
    const zones = ["a", "b"];
    const stop = new AbortController();
    const training = trainInWorker({
      ...request(metered(building(zones, 2), zones), zones),
      signal: stop.signal,
      onProgress: (_fraction, text) => {
        if (text.includes("HVAC power")) setTimeout(() => stop.abort(new Error("not at the end either")), 20);
      },
    });
    await expect(training).rejects.toThrow("not at the end either");
  });

  it("learns power beside this thread, which does no fitting of its own", async () => {
    const zones = ["a", "b", "c"];
    const data = metered(building(zones, 3), zones);
    let isPower = false;
    let before = performance.eventLoopUtilization();
    await trainInWorker({
      ...request(data, zones),
      onProgress: (_fraction, text) => {
        if (!text.includes("HVAC power")) return;
        isPower = true;
        before = performance.eventLoopUtilization();
      },
    });
    const { utilization } = performance.eventLoopUtilization(before);
    expect(isPower).toBe(true);
    expect(utilization).toBeLessThan(0.5);
  });

  it("a zone that fails ends it with that zone's own error, the others are not waited for", async () => {
    const zones = ["broken", ...Array.from({ length: 5 }, (_, i) => `z${i}`)];
    const data = withColumn(building(zones, 14), "broken.heatingSetpointC", () => Number.NaN);
    const done: string[] = [];
    const failure = await trainInWorker({
      ...request(data, zones),
      threads: 2,
      onProgress: (_fraction, text) => {
        if (text.includes("learned from")) done.push(text);
      },
    }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IsothermError);
    const { message, kind, exitCode, todo } = failure as IsothermError;
    expect(message).toBe("The data have no value in the column broken.heatingSetpointC.");
    expect([kind, exitCode]).toEqual(["configuration", 78]);
    expect(todo).toMatch(/setpoints/);
    expect(done).toEqual([]);
  });

  it("leaves nothing behind that would keep a process alive, whether it succeeds, fails or is aborted", () => {
    const folder = mkdtempSync(join(tmpdir(), "isotherm-train-"));
    try {
      const data = building(["a", "b"], 2);
      writeFileSync(
        join(folder, "data.json"),
        JSON.stringify({ ...data, timesMs: [...data.timesMs], columns: [...data.columns].map(([name, values]) => [name, [...values]]) }),
      );
      const script = `
        import { readFileSync } from "node:fs";
        import { trainInWorker } from ${JSON.stringify(pathToFileURL(join(root, "dist/models/trainInWorker.js")).href)};
        const raw = JSON.parse(readFileSync(${JSON.stringify(join(folder, "data.json"))}, "utf8"));
        const dataset = { ...raw, timesMs: Float64Array.from(raw.timesMs), columns: new Map(raw.columns.map(([name, values]) => [name, Float64Array.from(values)])) };
        const run = (zones, signal) => trainInWorker({ dataset, zones, prior: null, toLocalMs: (t) => t, options: { budget: 20 }, onProgress: () => {}, signal })
          .then((model) => model.zones.length, (error) => error.message);
        const stop = new AbortController();
        const aborted = run(["a", "b"], stop.signal);
        stop.abort(new Error("stopped"));
        console.log(JSON.stringify([await run(["a", "b"]), await run(["a", "nowhere"]), await aborted]));
      `;
      const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
        encoding: "utf8",
        timeout: 50_000,
      });
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual([2, "The data have no column nowhere.zoneAirTempC.", "stopped"]);
      expect(status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
