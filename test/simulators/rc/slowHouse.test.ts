import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runSimulation } from "#cli/simulateRun";
import type { Observation } from "#domain/points";
import type { SetpointCommand } from "#domain/setpoints";
import { parseBuilding } from "#simulators/rc/buildingFile";
import { slowHouse } from "#simulators/rc/buildings/slowHouse";
import { Environment } from "#simulators/rc/environment";
import { FloorHeating, fromTable, pipeResistanceM2KW } from "#simulators/rc/floorHeating";
import { createRcPlant, type RcPlant, type RcPlantState } from "#simulators/rc/rcPlant";
import { always } from "#simulators/rc/schedules";
import { Stepper } from "#simulators/rc/stepper";
import { airExchangeWK, buildNetwork } from "#simulators/rc/thermalNetwork";
import { loadWeather } from "#simulators/weather/loadWeather";
import { localStandardToMs } from "#simulators/weather/localTime";
import { simulatedPlantContract } from "../../contracts/simulatedPlant.js";

const newYork = loadWeather("new-york");
const at = (iso: string): number => localStandardToMs(newYork, iso);
const house = { ...slowHouse, conditioningDays: 1 };
const quick = (): RcPlant => createRcPlant({ building: house, weather: newYork });
const floorHeating = slowHouse.floorHeating!;
const airC = (row: Observation): number => row.values.get("house.zoneAirTempC")!;

simulatedPlantContract("slow house", {
  create: quick,
  startMs: at("1991-01-02T00:00"),
  stepS: 900,
  warmupS: 3600,
  obeysCommands: true,
  site: ["outdoorAirTempC", "globalHorizontalIrradianceWm2", "directNormalIrradianceWm2"],
});

const command = (heatingSetpointC: number, coolingSetpointC: number): SetpointCommand => ({
  epoch: 1,
  seq: 1,
  issuedAtMs: 0,
  validUntilMs: Number.MAX_SAFE_INTEGER,
  zones: new Map([["house", { heatingSetpointC, coolingSetpointC }]]),
  source: "mppi",
});
/** Rows of a run from a start under one pair. */
async function under(plant: RcPlant, heatingC: number, coolingC: number, steps: number): Promise<Observation[]> {
  await plant.actuate(command(heatingC, coolingC));
  const rows: Observation[] = [];
  for (let k = 0; k < steps; k++) rows.push(await plant.advance(900));
  return rows;
}

describe("the heat pump's table", () => {
  const { heatPump } = floorHeating;
  it("gives its own values at its points, means between them, and its edge outside", () => {
    expect(fromTable(heatPump, heatPump.cop, 7, 30)).toBe(4.09);
    expect(fromTable(heatPump, heatPump.cop, 20, 50)).toBe(3.52);
    expect(fromTable(heatPump, heatPump.cop, 8.5, 35)).toBeCloseTo((4.09 + 4.48 + 3.23 + 3.4) / 4, 12);
    expect(fromTable(heatPump, heatPump.cop, -40, 20)).toBe(1.78);
    expect(fromTable(heatPump, heatPump.cop, 45, 80)).toBe(3.52);
  });
  it("has more output and a better COP in milder weather, and a worse COP with warmer water", () => {
    for (const waterC of [30, 40, 50])
      for (let i = 1; i < heatPump.outdoorC.length; i++)
        expect(fromTable(heatPump, heatPump.cop, heatPump.outdoorC[i]!, waterC)).toBeGreaterThanOrEqual(
          fromTable(heatPump, heatPump.cop, heatPump.outdoorC[i - 1]!, waterC),
        );
    for (const outdoorC of heatPump.outdoorC)
      expect(fromTable(heatPump, heatPump.cop, outdoorC, 40)).toBeLessThan(fromTable(heatPump, heatPump.cop, outdoorC, 30));
  });
});

describe("floor heating", () => {
  const pipes = {
    spacingM: 0.2,
    outerDiameterM: 0.02,
    wallThicknessM: 0.0025,
    wallConductivityWmK: 0.35,
    surroundingConductivityWmK: 0.6,
  };
  it("resists between water and pipe plane by R = T ln(T/(π d))/(2π λ_b) + T ln(d/(d − 2 s))/(2π λ_r)", () => {
    const expected = (0.2 * Math.log(0.2 / (Math.PI * 0.02))) / (2 * Math.PI * 0.6) + (0.2 * Math.log(0.02 / 0.015)) / (2 * Math.PI * 0.35);
    expect(pipeResistanceM2KW(pipes)).toBeCloseTo(expected, 12);
  });

  const planes = [
    { zone: 0, node: 0, areaM2: 150, pipes },
    { zone: 1, node: 1, areaM2: 50, pipes },
  ];
  const step = (floors: FloorHeating, temps: readonly [number, number], setpoints: readonly [number, number], planeC = 25) =>
    floors.step(
      60,
      2,
      (zone) => temps[zone]!,
      () => planeC,
      Float64Array.from(setpoints),
    );
  it("at full output gives the table's heat at the water that comes back, Q = ε ṁ c (T_supply − T_plane)", () => {
    const floors = new FloorHeating(floorHeating, planes, 2);
    const power = step(floors, [10, 10], [20, 20]);
    const heat = floors.heatW[0]! + floors.heatW[1]!;
    const waterWK = floorHeating.waterFlowKgS * 4180;
    const effectiveness = 1 - Math.exp(-200 / pipeResistanceM2KW(pipes) / waterWK);
    const supplyC = 25 + heat / (effectiveness * waterWK);
    const returnC = supplyC - heat / waterWK;
    expect(heat).toBeCloseTo(fromTable(floorHeating.heatPump, floorHeating.heatPump.heatW, 2, returnC), 0);
    expect(power.heatPumpW).toBeCloseTo(heat / fromTable(floorHeating.heatPump, floorHeating.heatPump.cop, 2, returnC), 0);
    expect(power.totalW).toBe(power.heatPumpW + floorHeating.pumpW);
    expect(floors.heatW[0]! / floors.heatW[1]!).toBeCloseTo(3, 9);
    expect(floors.zoneHeatW(1)).toBe(floors.heatW[1]);
  });
  it("warms only the zones that ask, and rests without using anything when none does", () => {
    const floors = new FloorHeating(floorHeating, planes, 2);
    expect(step(floors, [10, 25], [20, 20]).totalW).toBeGreaterThan(0);
    expect(floors.heatW[0]).toBeGreaterThan(0);
    expect(floors.heatW[1]).toBe(0);
    expect(step(new FloorHeating(floorHeating, planes, 2), [25, 25], [20, 20]).totalW).toBe(0);
  });
  it("needs more electricity for the same heat from a warmer floor", () => {
    const perHeat = (planeC: number): number => {
      const floors = new FloorHeating(floorHeating, planes, 2);
      const { heatPumpW } = step(floors, [10, 10], [20, 20], planeC);
      return heatPumpW / (floors.heatW[0]! + floors.heatW[1]!);
    };
    expect(perHeat(35)).toBeGreaterThan(1.05 * perHeat(27));
  });
  it("does not wind up its integral while it runs at its limit, nor unwind it while it rests, and corrects it in between", () => {
    const floors = new FloorHeating(floorHeating, planes, 2);
    for (let k = 0; k < 600; k++) step(floors, [10, 10], [20, 20]);
    expect(floors.integrals[0]).toBe(0);
    for (let k = 0; k < 60; k++) step(floors, [19.8, 19.8], [20, 20]);
    const charged = floors.integrals[0]!;
    expect(charged).toBeGreaterThan(0);
    for (let k = 0; k < 60; k++) step(floors, [23, 23], [20, 20]);
    expect(floors.integrals[0]).toBe(charged);
    for (let k = 0; k < 60; k++) step(floors, [20.6, 20.6], [20, 20]);
    expect(floors.integrals[0]).toBeLessThan(charged);
  });

  it("closes the energy balance of every sub-step: heat into the floor = stored + out", () => {
    const network = buildNetwork(slowHouse);
    const environment = new Environment(slowHouse, network, newYork);
    const stepper = new Stepper(network, 18);
    const pipeHeat = Float64Array.of(9000);
    const none = Float64Array.of(0);
    for (let k = 0; k < 12 * 60; k++) {
      const before = stepper.temps.slice();
      const { key } = environment.at(at("1991-01-03T08:00") + k * 60_000);
      const { inputs } = environment;
      stepper.begin(60, 0, inputs, key).finish(none, pipeHeat);
      if (k % 60 !== 0) continue;
      const all = stepper.allTemps(none, pipeHeat);
      for (let i = 0; i < network.capacityCount; i++) expect(stepper.temps[i]!).toBeCloseTo(all[i]!, 8);
      const stored = before.reduce((sum, t, i) => sum + (network.capacitiesJK[i]! * (all[i]! - t)) / 60, 0);
      const gains = [...network.inputs.solarW, ...network.inputs.radiantW, ...network.inputs.convectiveW].reduce(
        (s, i) => s + inputs[i]!,
        0,
      );
      const out = network.boundaryLinks.reduce(
        (sum, { node, input, conductanceWK }) => sum + conductanceWK * (all[node]! - inputs[input]!),
        0,
      );
      const air = airExchangeWK(network, 0, 0) * (all[network.airNodes[0]!]! - inputs[network.inputs.outdoorAirC]!);
      expect(Math.abs(9000 + gains - out - air - stored) / 9000).toBeLessThan(1e-9);
    }
  });
});

describe("the slow house", () => {
  it("answers within hours, not minutes: an hour of full heating moves the air by less than 1.5 K, and six hours by more than an hour does", async () => {
    const plant = quick();
    await plant.initialize(at("1991-01-04T18:00"), 0);
    await under(plant, 15, 40, 24);
    const start = plant.saveState();
    const resting = await under(plant, 15, 40, 24);
    plant.restoreState(start);
    const heated = await under(plant, 30, 40, 24);
    const gainK = (step: number): number => airC(heated[step]!) - airC(resting[step]!);
    expect(gainK(3)).toBeGreaterThan(0.1);
    expect(gainK(3)).toBeLessThan(1.5);
    expect(gainK(23)).toBeGreaterThan(3 * gainK(3));
  });
  it("keeps its warmth: half a day without heating in frost costs it less than 6 K", async () => {
    const plant = quick();
    await plant.initialize(at("1991-01-04T18:00"), 86_400);
    const before = airC(await plant.observe());
    const rows = await under(plant, 5, 40, 48);
    expect(before - airC(rows.at(-1)!)).toBeGreaterThan(1);
    expect(before - airC(rows.at(-1)!)).toBeLessThan(6);
    for (const row of rows) expect(row.values.get("building.hvacPowerW")).toBeLessThan(floorHeating.pumpW + 4000);
    expect(rows.at(-1)!.values.get("building.hvacPowerW")).toBe(0);
  });
  it("never cools, whatever its cooling setpoint says", async () => {
    const run = async (coolingC: number): Promise<readonly number[]> => {
      const plant = quick();
      await plant.initialize(at("1991-07-05T00:00"), 0);
      return (await under(plant, 15, coolingC, 64)).map(airC);
    };
    const cold = await run(18);
    expect(cold).toEqual(await run(40));
    expect(Math.max(...cold)).toBeGreaterThan(24);
  });
  it("continues identically after its state was saved and restored through JSON, thermostat included", async () => {
    const original = quick();
    await original.initialize(at("1991-01-02T05:00"), 0);
    await under(original, 21, 40, 6);
    const state = JSON.parse(JSON.stringify(original.saveState())) as RcPlantState;
    expect(state.thermostatIntegrals![0]).toBeGreaterThan(0);
    const restored = quick();
    restored.restoreState(state);
    for (let k = 0; k < 12; k++) expect(await restored.advance(900)).toEqual(await original.advance(900));
    const { thermostatIntegrals: _, ...without } = state;
    expect(() => quick().restoreState(without)).toThrow(/thermostats of 0 zones/);
  });

  const readme = readFileSync(new URL("../../../simulators/rc/README.md", import.meta.url), "utf8").replace(/ +/g, " ");
  it("needs a long lead: comfort comes with hours of it, and costs energy; the README tells the same weeks", async () => {
    const context = { signal: new AbortController().signal, say: () => undefined, progress: () => undefined };
    const week = async (leadSteps: number) =>
      (
        await runSimulation(
          {
            plant: "rc",
            building: "slow-house",
            weather: "new-york",
            data: null,
            start: "01-01",
            year: 1991,
            days: 7,
            controller: "rule",
            leadSteps,
            ramp: false,
            allowFallback: true,
            history: "schedule",
            historyDays: 7,
            comfort: null,
            tariff: "flat-demand",
            objective: "energy",
            forecastError: "none",
            backend: "auto",
            samples: 1000,
            horizonSteps: 20,
            prior: "none",
            relearn: "never",
            seed: 1,
          },
          context,
        )
      ).result;
    const weeks = [];
    for (const lead of [0, 16, 24, 40]) {
      const { comfortViolationPct, hvacElectricityKwh, peakKw } = await week(lead);
      weeks.push({ comfortViolationPct, hvacElectricityKwh });
      expect(readme).toContain(
        `| ${lead} | ${comfortViolationPct.toFixed(2)} % | ${hvacElectricityKwh.toFixed(1)} | ${peakKw.toFixed(2)} |`,
      );
    }
    for (let k = 1; k < weeks.length; k++) {
      expect(weeks[k]!.comfortViolationPct).toBeLessThan(weeks[k - 1]!.comfortViolationPct);
      expect(weeks[k]!.hvacElectricityKwh).toBeGreaterThan(weeks[k - 1]!.hvacElectricityKwh);
    }
    expect(weeks[1]!.comfortViolationPct).toBeGreaterThan(2);
    expect(weeks.at(-1)!.comfortViolationPct).toBeLessThan(0.5);
  });
});

describe("a house with floor heating as a file", () => {
  const text = (building: unknown): string => JSON.stringify(building, null, 1);
  it("is read as from the code", () => expect(parseBuilding(text(slowHouse), "house.json")).toEqual(slowHouse));
  it("is refused where pipes lie outside, the table is incomplete, or nothing carries the heat", () => {
    const withFloor = (layers: readonly unknown[]) => ({
      ...slowHouse,
      surfaces: slowHouse.surfaces.map((surface) =>
        surface.id === "floor" ? { ...surface, construction: { ...surface.construction, layers } } : surface,
      ),
    });
    const { layers } = slowHouse.surfaces.find(({ id }) => id === "floor")!.construction;
    const refused = (building: unknown, why: RegExp): void => expect(() => parseBuilding(text(building), "house.json")).toThrow(why);
    refused(withFloor([layers[2], layers[3]]), /pipes should lie between two layers/);
    refused(withFloor([layers[0], layers[2]]), /pipes should lie between two layers/);
    refused(withFloor([layers[0], layers[1], layers[3]]), /needs a floor with a layer of pipes/);
    const { heatPump } = floorHeating;
    const incomplete = { ...heatPump, cop: heatPump.cop.slice(1) };
    refused({ ...slowHouse, floorHeating: { ...floorHeating, heatPump: incomplete } }, /a row for each of outdoorC/);
    const surfaces = withFloor([layers[0], layers[1], layers[3]]).surfaces as typeof slowHouse.surfaces;
    expect(() => createRcPlant({ building: { ...slowHouse, surfaces }, weather: newYork })).toThrow(/no floor with pipes/);
  });
  it("heats two zones by their own thermostats", async () => {
    const [zone] = slowHouse.zones;
    const half = (id: string) => ({ ...zone!, id, floorAreaM2: 96, volumeM3: 96 * 2.7, internalMass: null, gains: [] });
    const building = {
      ...house,
      zones: [half("day"), half("night")],
      surfaces: slowHouse.surfaces.flatMap((surface) =>
        ["day", "night"].map((id) => ({ ...surface, id: `${id} ${surface.id}`, zone: id, areaM2: surface.areaM2 / 2 })),
      ),
      windows: slowHouse.windows.map((window) => ({ ...window, zone: "day" })),
      thermostat: { heatingSetpointC: always(20), coolingSetpointC: always(30) },
    };
    const plant = createRcPlant({ building, weather: newYork });
    await plant.initialize(at("1991-01-02T00:00"), 0);
    await plant.actuate({
      ...command(0, 0),
      zones: new Map([
        ["day", { heatingSetpointC: 22, coolingSetpointC: 40 }],
        ["night", { heatingSetpointC: 5, coolingSetpointC: 40 }],
      ]),
    });
    for (let k = 0; k < 24; k++) await plant.advance(900);
    const { zoneHeatingW } = plant.lastStep();
    expect(zoneHeatingW[0]).toBeGreaterThan(1000);
    expect(zoneHeatingW[1]).toBe(0);
  });
});
