import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SimulateOptions } from "#cli/simulateOptions";
import { runSimulation } from "#cli/simulateRun";
import { airModel, type StandIn, startStandIn } from "../simulators/boptestServer.js";

const said: string[] = [];
const context = { signal: new AbortController().signal, say: (line: string) => void said.push(line), progress: () => undefined };
const options: SimulateOptions = {
  plant: "rc",
  building: "five-zone-office",
  weather: "new-york",
  data: null,
  start: "01-02",
  year: 1991,
  days: 1,
  controller: "rule",
  leadSteps: 4,
  ramp: false,
  allowFallback: true,
  history: "none",
  historyDays: 7,
  comfort: null,
  tariff: "flat",
  objective: "energy",
  forecastError: "none",
  backend: "auto",
  samples: 10,
  horizonSteps: 20,
  prior: "none",
  relearn: "never",
  seed: 1,
};

describe("a simulated day on a BOPTEST service", () => {
  let standIn: StandIn;
  beforeAll(async () => {
    standIn = await startStandIn(airModel);
  });
  afterAll(() => standIn.close());

  it("runs under the rule and reports the key figures of both kinds", async () => {
    said.length = 0;
    const building = `${standIn.url}/testcases/bestest_air`;
    const { result, rows } = await runSimulation({ ...options, plant: "boptest", building, history: "none" }, context);
    expect(result.steps).toBe(96);
    // People from 8 to 18 every day.
    expect(result.occupiedSteps).toBe(40);
    expect(rows[0]!.timeMs).toBe(Date.UTC(1991, 0, 2, 7, 15));
    expect(result.boptest).toMatchObject({ pdih_tot: null, idis_tot: 0 });
    expect(result.boptest!.ener_tot * 48).toBeCloseTo(result.hvacElectricityKwh + result.fuelKwh, 9);
    expect(result.boptest!.cost_tot * 48).toBeCloseTo(result.cost, 9);
    expect(result.boptest!.pgas_tot).toBeGreaterThan(0);
    expect(said.at(-1)).toMatch(/^BOPTEST's own figures since the history began: tdis_tot 1\.5000, .*pdih_tot none/);
    expect(standIn.stopped).toBe(1);
  });
});

describe("a run with forecast errors", () => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-forecast-error-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  it("plans on wrong weather; people, rule and figures go on with the true one", async () => {
    const rows = Array.from({ length: 97 }, (_, k) => {
      const hour = k / 4;
      const outdoorC = 5 + 4 * Math.sin(hour / 4);
      const sun = Math.max(0, 500 * Math.sin(((hour - 6) / 12) * Math.PI));
      const time = new Date(Date.UTC(1991, 0, 2, 0, 15 * k)).toISOString();
      return [time, 20, 15, 30, hour > 8 && hour <= 18 ? 2 : 0, outdoorC, sun, 1000].join(",");
    });
    const data = join(folder, "day.csv");
    const zone = ["zoneAirTempC", "heatingSetpointC", "coolingSetpointC", "occupancyCount"].map((quantity) => `a.${quantity}`);
    const columns = ["time", ...zone, "site.outdoorAirTempC", "site.globalHorizontalIrradianceWm2", "building.hvacPowerW"];
    writeFileSync(data, `${[columns.join(","), ...rows].join("\n")}\n`);
    const run = (forecastError: SimulateOptions["forecastError"]) =>
      runSimulation({ ...options, plant: "replay", data, forecastError }, context);
    const perfect = await run("none");
    const wrong = await run("high");
    const outlook = ({ decisions }: typeof perfect): (readonly number[])[] => decisions.map(({ plan }) => plan.outdoorAirTempC);
    const commands = ({ decisions }: typeof perfect) => decisions.map(({ command }) => command);
    expect(outlook(perfect)[10]![0]).toBeCloseTo(5 + 4 * Math.sin(11 / 4 / 4), 9);
    outlook(perfect).forEach((truth, k) => {
      expect(outlook(wrong)[k]).toHaveLength(truth.length);
      expect(outlook(wrong)[k]).not.toEqual(truth);
    });
    expect(commands(wrong)).toEqual(commands(perfect));
    expect(new Set(commands(wrong).map((zones) => zones.a!.heatingSetpointC))).toEqual(new Set([15, 20]));
    expect(wrong.rows).toEqual(perfect.rows);
    expect(outlook(await run("high"))).toEqual(outlook(wrong));
    // A log does not tell its floor area.
    expect(wrong.result).not.toHaveProperty("boptest");
  });
});
