import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { IsothermError } from "#domain/errors";
import type { Observation } from "#domain/points";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";
import { parseBuilding } from "#simulators/rc/buildingFile";
import { bundledBuildings } from "#simulators/rc/buildings/catalogue";
import { fiveZoneOffice } from "#simulators/rc/buildings/fiveZoneOffice";
import { plausibilityLine, plausibleWeek } from "#simulators/rc/plausibility";
import { createRcPlant, type RcPlant, type RcPlantState } from "#simulators/rc/rcPlant";
import { centralLimits, unitPower } from "#simulators/rc/rooftopUnit";
import { bundledWeather, loadWeather } from "#simulators/weather/loadWeather";
import { localStandardToMs } from "#simulators/weather/localTime";
import { simulatedPlantContract } from "../contracts/simulatedPlant.js";

const pittsburgh = loadWeather("pittsburgh");
const at = (iso: string): number => localStandardToMs(pittsburgh, iso);
const quickStart = { ...fiveZoneOffice, conditioningDays: 1 };
const quick = (options: { seed?: number; sensorNoiseK?: number } = {}): RcPlant =>
  createRcPlant({ building: quickStart, weather: pittsburgh, ...options });

simulatedPlantContract("RC building", {
  create: quick,
  startMs: at("1991-01-02T00:00"),
  stepS: 900,
  warmupS: 3600,
  obeysCommands: true,
  site: [
    "outdoorAirTempC",
    "outdoorRelativeHumidityPct",
    "windSpeedMps",
    "globalHorizontalIrradianceWm2",
    "directNormalIrradianceWm2",
    "diffuseHorizontalIrradianceWm2",
  ],
});

const command = (plant: RcPlant, pair: ZoneSetpoints): SetpointCommand => ({
  epoch: 1,
  seq: 1,
  issuedAtMs: 0,
  validUntilMs: Number.MAX_SAFE_INTEGER,
  zones: new Map(plant.zones.map((zone) => [zone, pair])),
  source: "mppi",
});
const temp = (row: Observation, zone: string): number => row.values.get(`${zone}.zoneAirTempC`)!;

describe("the five-zone office under its own schedule", () => {
  const readme = readFileSync(new URL("../../simulators/rc/README.md", import.meta.url), "utf8");
  it.each([
    ["pittsburgh", "1991-01-01", 400, 800],
    ["pittsburgh", "1991-07-01", 250, 400],
    ["new-york", "1991-01-01", 250, 800],
    ["new-york", "1991-07-01", 250, 400],
  ])(
    "uses energy of the order of the EnergyPlus office in %s from %s, and the README tells the same week",
    async (city, start, lowKwh, highKwh) => {
      const week = await plausibleWeek("five-zone-office", city, start);
      const { kpis, mornings, rows } = week;
      expect(readme.replace(/ +/g, " ")).toContain(plausibilityLine(week));
      expect(kpis.hvacElectricityKwh).toBeGreaterThan(lowKwh);
      expect(kpis.hvacElectricityKwh).toBeLessThan(highKwh);
      expect(kpis.hvacElectricityKwh).toBeCloseTo(rows.at(-1)!.values.get("building.hvacEnergyKwh")!, 6);
      expect(kpis.hvacElectricityKwh).toBeCloseTo(week.heatPumpKwh + week.auxiliaryKwh + week.coolingKwh + week.fanKwh, 6);
      expect(kpis.peakKw).toBeGreaterThan(4);
      expect(kpis.peakKw).toBeLessThan(30);
      if (start.startsWith("1991-01")) {
        // A cold start is neither instant nor endless: it takes planning.
        const cold = mornings.filter(({ outdoorC }) => outdoorC < 0);
        expect(cold.length).toBeGreaterThan(2);
        for (const { hours, outdoorC } of cold) {
          expect(hours).toBeGreaterThanOrEqual(1);
          expect(hours).toBeLessThanOrEqual(outdoorC < week.sized.heatingDesignOutdoorC ? 4 : 3);
        }
        const coldest = mornings.reduce((a, b) => (b.outdoorC < a.outdoorC ? b : a));
        expect(coldest.hours).toBe(Math.max(...mornings.map(({ hours }) => hours)));
      } else
        for (const day of [0, 1, 2, 3, 4])
          for (const [z] of week.rangeC.entries()) expect(temp(rows[day * 96 + 63]!, `space${z + 1}-1`)).toBeLessThan(24.9);
    },
  );
});

describe.each([
  ["a winter day", "1991-01-04T00:00"],
  ["a summer day", "1991-07-05T00:00"],
])("thermostats and capacity, minute by minute over %s", (_, start) => {
  it("hold the setpoint when they act, stop at capacity, never heat and cool a zone at once, and rest in between", async () => {
    const plant = quick();
    await plant.initialize(at(start), 0);
    const seen = { holding: 0, limited: 0, resting: 0 };
    const sized = plant.sized!;
    for (let minute = 0; minute < 1440; minute++) {
      const row = await plant.advance(60);
      const { zoneHeatingW, zoneCoolingW, power } = plant.lastStep();
      const outdoorC = row.values.get("site.outdoorAirTempC")!;
      const central = centralLimits(fiveZoneOffice.hvac!, sized, outdoorC, 0).heatingW;
      const heating = zoneHeatingW.reduce((sum, w) => sum + w, 0);
      expect(heating).toBeLessThanOrEqual(central * (1 + 1e-9));
      expect(power.totalW).toBeCloseTo(power.heatPumpW + power.auxiliaryW + power.coolingW + power.fanW, 6);
      plant.zones.forEach((zone, z) => {
        const t = temp(row, zone);
        const low = row.values.get(`${zone}.heatingSetpointC`)!;
        const high = row.values.get(`${zone}.coolingSetpointC`)!;
        const [hot, cold] = [zoneHeatingW[z]!, zoneCoolingW[z]!];
        expect(hot * cold).toBe(0);
        expect(hot).toBeLessThanOrEqual(sized.zoneHeatingW[z]! * (1 + 1e-12));
        expect(cold).toBeLessThanOrEqual(sized.zoneCoolingW[z]! * (1 + 1e-12));
        const limited = hot > 0 ? hot > sized.zoneHeatingW[z]! * (1 - 1e-9) || heating > central * (1 - 1e-9) : t > high + 1e-6;
        if (limited) {
          seen.limited++;
          if (hot > 0) expect(t).toBeLessThan(low + 1e-6);
          else expect(cold).toBeGreaterThan(0);
        } else if (hot > 0 || cold > 0) {
          seen.holding++;
          expect(t).toBeCloseTo(hot > 0 ? low : high, 6);
        } else {
          seen.resting++;
          expect(t).toBeGreaterThan(low - 1e-9);
          expect(t).toBeLessThan(high + 1e-9);
        }
      });
    }
    expect(seen.holding).toBeGreaterThan(300);
    expect(seen.resting).toBeGreaterThan(300);
    if (start.startsWith("1991-01")) expect(seen.limited).toBeGreaterThan(50);
  });
});

describe("RC plant", () => {
  it("continues identically after its state was saved and restored through JSON", async () => {
    const original = quick({ seed: 3, sensorNoiseK: 0.1 });
    await original.initialize(at("1991-01-02T05:00"), 0);
    await original.actuate(command(original, { heatingSetpointC: 19, coolingSetpointC: 27 }));
    await original.advance(900);
    const restored = quick({ seed: 3, sensorNoiseK: 0.1 });
    restored.restoreState(JSON.parse(JSON.stringify(original.saveState())) as RcPlantState);
    expect(await restored.observe()).toEqual(await original.observe());
    for (let k = 0; k < 12; k++) expect(await restored.advance(900)).toEqual(await original.advance(900));
    expect(restored.saveState()).toEqual(original.saveState());
  });
  it("refuses a state of another building or form", async () => {
    const plant = quick();
    await plant.initialize(at("1991-01-02T00:00"), 0);
    const state = plant.saveState();
    for (const bad of [
      { ...state, building: "castle" },
      { ...state, nodeTempsC: [1, 2] },
      { ...state, schema: "rc-0" },
      { ...state, timeMs: Number.NaN },
    ])
      expect(() => quick().restoreState(bad as RcPlantState)).toThrow(/cannot be used/);
  });
  it("gives the same run for the same seed, another sensor reading for another, and the same building either way", async () => {
    const run = async (seed: number): Promise<Observation[]> => {
      const plant = quick({ seed, sensorNoiseK: 0.2 });
      await plant.initialize(at("1991-01-02T00:00"), 0);
      return [await plant.advance(900), await plant.advance(900)];
    };
    const [a, b, c] = [await run(1), await run(1), await run(2)];
    expect(a).toEqual(b);
    expect(temp(a[1]!, "space1-1")).not.toBe(temp(c[1]!, "space1-1"));
    expect(a[1]!.values.get("building.hvacEnergyKwh")).toBe(c[1]!.values.get("building.hvacEnergyKwh"));
  });
  it("adds noise of the asked size", async () => {
    const [noisy, exact] = [quick({ seed: 5, sensorNoiseK: 0.2 }), quick()];
    await noisy.initialize(at("1991-01-02T00:00"), 0);
    await exact.initialize(at("1991-01-02T00:00"), 0);
    const errors: number[] = [];
    for (let k = 0; k < 200; k++) {
      const [x, y] = [await noisy.advance(60), await exact.advance(60)];
      for (const zone of exact.zones) errors.push(temp(x, zone) - temp(y, zone));
    }
    const mean = errors.reduce((a, b) => a + b, 0) / errors.length;
    const variance = errors.reduce((a, b) => a + (b - mean) ** 2, 0) / errors.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.sqrt(variance)).toBeCloseTo(0.2, 1);
  });
  it("reaches the same state by fifteen minutes at once or minute by minute", async () => {
    const [whole, parts] = [quick(), quick()];
    await whole.initialize(at("1991-01-02T07:00"), 0);
    await parts.initialize(at("1991-01-02T07:00"), 0);
    const row = await whole.advance(900);
    let powerSum = 0;
    for (let k = 0; k < 15; k++) powerSum += (await parts.advance(60)).values.get("building.hvacPowerW")!;
    for (const zone of whole.zones) expect(temp(await parts.observe(), zone)).toBe(temp(row, zone));
    expect(powerSum / 15).toBeCloseTo(row.values.get("building.hvacPowerW")!, 6);
  });
  it("has its people between 8:00 and 21:00 of working days", async () => {
    const { columns, stepEndMs } = await quick().forecast(at("1991-01-04T00:00"), 900, 192);
    const people = columns.get("space5-1.occupancyCount")!;
    const first = people.findIndex((n) => n > 0);
    expect(stepEndMs[first]).toBe(at("1991-01-04T08:15"));
    expect(stepEndMs[people.findLastIndex((n) => n > 0)]).toBe(at("1991-01-04T21:00"));
    expect(people[first]).toBe(20);
    expect(people[4 * 12]).toBe(8);
  });
  it("follows the schedule that the measured building had", () => {
    const plant = quick();
    const pair = (iso: string): string => {
      const { heatingSetpointC, coolingSetpointC } = plant.scheduleAt(at(iso)).get("space1-1")!;
      return `${heatingSetpointC}/${coolingSetpointC}`;
    };
    expect(["1991-01-01T07:00", "1991-01-01T07:15", "1991-01-01T18:00", "1991-01-01T18:15"].map(pair)).toEqual([
      "12.8/40",
      "21.1/23.9",
      "21.1/23.9",
      "12.8/40",
    ]);
    expect(["1991-01-05T07:15", "1991-01-05T13:15", "1991-01-06T00:00", "1991-01-06T00:15"].map(pair)).toEqual([
      "21.1/23.9",
      "12.8/32.2",
      "12.8/32.2",
      "12.8/40",
    ]);
  });
  it("draws more power for the same heat when it is colder outside, and gives less heat in all", () => {
    const hvac = fiveZoneOffice.hvac!;
    const sized = quick().sized!;
    const powerW = (outdoorC: number, zoneHeatW: number): number =>
      unitPower(hvac, sized, {
        outdoorC,
        zoneHeatW: new Float64Array(5).fill(zoneHeatW),
        zoneAirC: new Float64Array(5).fill(21),
        freeShare: 0,
        designFlowM3s: sized.designFlowM3s,
        ventilationM3s: 0,
      }).totalW;
    expect(powerW(-10, 2000)).toBeGreaterThan(1.4 * powerW(8, 2000));
    expect(powerW(35, -2000)).toBeGreaterThan(1.2 * powerW(22, -2000));
    const limit = (outdoorC: number) => centralLimits(hvac, sized, outdoorC, 0);
    expect(limit(-10).heatingW).toBeLessThan(0.8 * limit(8).heatingW);
    expect(limit(35).coolingW).toBeLessThan(limit(22).coolingW);
    expect(powerW(-10, 0)).toBe(0);
  });
  it("reads a building from a file as from the code", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "isotherm-building-")), "office.json");
    try {
      writeFileSync(file, JSON.stringify(quickStart));
      const [fromFile, fromCode] = [createRcPlant({ building: file, weather: pittsburgh }), quick()];
      expect(fromFile.building).toEqual(quickStart);
      expect(await fromFile.initialize(at("1991-01-02T00:00"), 0)).toEqual(await fromCode.initialize(at("1991-01-02T00:00"), 0));
    } finally {
      rmSync(dirname(file), { recursive: true });
    }
  });
  it("refuses a building file with every error at once, each with its line", () => {
    const text = JSON.stringify(
      {
        ...quickStart,
        groundReflectance: 7,
        windows: quickStart.windows.map((window) => ({ ...window, zone: "attic" })),
        films: { ...quickStart.films, outsideWm2K: -1 },
      },
      null,
      1,
    );
    const lineOf = (part: string): number => text.slice(0, text.indexOf(part)).split("\n").length;
    try {
      parseBuilding(text, "office.json");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(IsothermError);
      const all = (error as IsothermError).describe();
      expect(all).toContain(`office.json:${lineOf('"groundReflectance"')}: groundReflectance`);
      expect(all).toContain(`office.json:${lineOf('"outsideWm2K"')}: films.outsideWm2K`);
    }
    expect(() =>
      parseBuilding(
        JSON.stringify({ ...quickStart, windows: quickStart.windows.map((window) => ({ ...window, zone: "attic" })) }),
        "office.json",
      ),
    ).toThrow(/windows.0.zone: there is no zone "attic"/);
    expect(() => createRcPlant({ building: "missing.yaml", weather: pittsburgh })).toThrow(/cannot be read/);
  });
  it("refuses steps, starts and setpoints that make no sense", async () => {
    const plant = quick();
    await expect(plant.initialize(at("1991-01-02T00:00") + 1, 0)).rejects.toThrow(/whole minutes/);
    await expect(plant.initialize(at("1991-01-02T00:00"), 30)).rejects.toThrow(/whole number of minutes/);
    await plant.initialize(at("1991-01-02T00:00"), 0);
    for (const stepS of [0, -60, 90, Number.NaN]) await expect(plant.advance(stepS)).rejects.toThrow(/whole number of minutes/);
    for (const pair of [
      { heatingSetpointC: 25, coolingSetpointC: 20 },
      { heatingSetpointC: Number.NaN, coolingSetpointC: 20 },
    ])
      await expect(plant.actuate(command(plant, pair))).rejects.toThrow(/not a heating setpoint below/);
  });
  it("knows its buildings and weathers by id", () => {
    expect(bundledBuildings.map(({ id }) => id)).toContain("five-zone-office");
    expect(bundledWeather.map(({ id }) => id)).toEqual(["new-york", "pittsburgh"]);
    expect(() => createRcPlant({ building: "castle", weather: "pittsburgh" })).toThrow(/no building "castle"/);
  });
});
