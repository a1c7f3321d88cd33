import { describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import type { PointName } from "#domain/points";
import { createReplayPlant } from "#simulators/replay/replayPlant";
import { simulatedPlantContract } from "../contracts/simulatedPlant.js";

const startMs = Date.UTC(1991, 0, 1);
function logged(rows = 96): Dataset {
  const column = (f: (i: number) => number): Float64Array => Float64Array.from({ length: rows }, (_, i) => f(i));
  return {
    stepS: 900,
    timesMs: column((i) => startMs + i * 900_000),
    columns: new Map<PointName, Float64Array>([
      ["a.zoneAirTempC", column((i) => 20 + Math.sin(i / 10))],
      ["a.heatingSetpointC", column((i) => (i % 96 > 28 ? 21 : 13))],
      ["a.coolingSetpointC", column((i) => (i % 96 > 28 ? 24 : 40))],
      ["a.occupancyCount", column((i) => (i > 32 ? 3 : 0))],
      ["site.outdoorAirTempC", column((i) => -5 + i / 20)],
      ["building.hvacPowerW", column((i) => 1000 + 10 * i)],
    ]),
  };
}

simulatedPlantContract("replay of logged data", {
  create: () => createReplayPlant(logged()),
  startMs: startMs + 4 * 900_000,
  stepS: 900,
  warmupS: 900,
  obeysCommands: false,
  site: ["outdoorAirTempC"],
});

describe("replay of logged data", () => {
  it("plays the rows whatever is commanded", async () => {
    const plant = createReplayPlant(logged());
    await plant.initialize(startMs, 0);
    await plant.actuate({
      epoch: 1,
      seq: 1,
      issuedAtMs: startMs,
      validUntilMs: startMs + 1e9,
      zones: new Map([["a", { heatingSetpointC: 30, coolingSetpointC: 31 }]]),
      source: "mppi",
    });
    const { values } = await plant.advance(900);
    expect(values.get("a.zoneAirTempC")).toBe(20 + Math.sin(0.1));
    expect(values.get("a.heatingSetpointC")).toBe(13);
  });
  it("ends with an error that says where the data ends", async () => {
    const plant = createReplayPlant(logged(3));
    await plant.initialize(startMs, 0);
    await plant.advance(900);
    await plant.advance(900);
    await expect(plant.advance(900)).rejects.toThrow(/ends at 1991-01-01T00:30:00.000Z; 1991-01-01T00:45:00.000Z lies beyond/);
    expect((await plant.observe()).timeMs).toBe(startMs + 1_800_000);
    await expect(plant.forecast(startMs + 900_000, 900, 2)).rejects.toMatchObject({ kind: "retryable" });
  });
  it("refuses a start outside the data or between its rows, and a warm-up that it cannot cover", async () => {
    const plant = createReplayPlant(logged());
    await expect(plant.initialize(startMs - 900_000, 0)).rejects.toThrow(/no row at/);
    await expect(plant.initialize(startMs + 60_000, 0)).rejects.toThrow(/no row at/);
    await expect(plant.initialize(startMs + 900_000, 7200)).rejects.toThrow(/warm-up/);
  });
  it("takes longer steps as means of weather and power and the last temperature", async () => {
    const plant = createReplayPlant(logged());
    await plant.initialize(startMs, 0);
    const { values } = await plant.advance(3600);
    expect(values.get("building.hvacPowerW")).toBeCloseTo(1025, 10);
    expect(values.get("a.zoneAirTempC")).toBe(20 + Math.sin(0.4));
    await expect(plant.advance(600)).rejects.toThrow(/whole number/);
  });
  it("leaves missing values out", async () => {
    const data = logged();
    data.columns.get("a.zoneAirTempC")![1] = Number.NaN;
    const plant = createReplayPlant(data);
    await plant.initialize(startMs, 0);
    expect((await plant.advance(900)).values.has("a.zoneAirTempC")).toBe(false);
  });
  it("refuses data without rows or zones", () => {
    expect(() => createReplayPlant(logged(0))).toThrow(/no rows/);
    expect(() => createReplayPlant({ ...logged(), columns: new Map() })).toThrow(/no zone temperatures/);
  });
});
