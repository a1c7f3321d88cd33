import { describe, expect, it } from "vitest";
import type { SimulatedPlant } from "#domain/plant";
import { buildingPoint, type Observation, sitePoint, zonePoint } from "#domain/points";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";

export interface SimulatedPlantSubject {
  /** A fresh plant, not yet initialised. The suite closes it. */
  readonly create: () => Promise<SimulatedPlant> | SimulatedPlant;
  readonly startMs: number;
  readonly stepS: number;
  /** False for plants that only play back what was logged. */
  readonly obeysCommands: boolean;
  /** Site quantities that the plant reports. */
  readonly site: readonly Parameters<typeof sitePoint>[0][];
  readonly warmupS?: number;
}

const commandFor = (plant: SimulatedPlant, seq: number, pair: ZoneSetpoints, atMs: number, validS = 86_400): SetpointCommand => ({
  epoch: 1,
  seq,
  issuedAtMs: atMs,
  validUntilMs: atMs + validS * 1000,
  zones: new Map(plant.zones.map((zone) => [zone, pair])),
  source: "mppi",
});
const setpoints = (row: Observation, zone: string): ZoneSetpoints => ({
  heatingSetpointC: row.values.get(zonePoint(zone, "heatingSetpointC"))!,
  coolingSetpointC: row.values.get(zonePoint(zone, "coolingSetpointC"))!,
});

/** What every `SimulatedPlant` keeps (src/domain/plant.ts). */
export function simulatedPlantContract(name: string, subject: SimulatedPlantSubject): void {
  const { startMs, stepS, warmupS = 0 } = subject;
  const using = async (use: (plant: SimulatedPlant) => Promise<void>): Promise<void> => {
    const plant = await subject.create();
    try {
      await use(plant);
    } finally {
      await plant.close();
    }
  };
  describe(`SimulatedPlant contract: ${name}`, () => {
    it("has zones, starts at the asked time and advances by the asked step", () =>
      using(async (plant) => {
        expect(plant.zones.length).toBeGreaterThan(0);
        expect((await plant.initialize(startMs, warmupS)).timeMs).toBe(startMs);
        expect((await plant.observe()).timeMs).toBe(startMs);
        for (let k = 1; k <= 3; k++) expect((await plant.advance(stepS)).timeMs).toBe(startMs + k * stepS * 1000);
        expect((await plant.observe()).timeMs).toBe(startMs + 3 * stepS * 1000);
      }));

    it("reports every zone's temperature, setpoints and occupancy, the weather and the power, all finite", () =>
      using(async (plant) => {
        await plant.initialize(startMs, warmupS);
        const { values } = await plant.advance(stepS);
        const points = [
          ...plant.zones.flatMap((zone) =>
            (["zoneAirTempC", "heatingSetpointC", "coolingSetpointC", "occupancyCount"] as const).map((q) => zonePoint(zone, q)),
          ),
          ...subject.site.map(sitePoint),
          buildingPoint("hvacPowerW"),
        ];
        for (const point of points) expect(values.get(point), point).toSatisfy(Number.isFinite);
        for (const [point, value] of values) expect(value, point).toSatisfy(Number.isFinite);
      }));

    it("runs its own schedule until commanded, and shows it in its rows", () =>
      using(async (plant) => {
        await plant.initialize(startMs, warmupS);
        for (let k = 1; k <= 40; k++) {
          const row = await plant.advance(stepS);
          const scheduled = plant.scheduleAt(row.timeMs);
          for (const zone of plant.zones) expect(setpoints(row, zone)).toEqual(scheduled.get(zone));
        }
      }));

    it("forecasts what then comes: weather and occupancy of each step", () =>
      using(async (plant) => {
        await plant.initialize(startMs, warmupS);
        const forecast = await plant.forecast(startMs, stepS, 40);
        expect(forecast.stepEndMs.length).toBe(40);
        expect(forecast.issuedAtMs).toBe(startMs);
        const points = [...subject.site.map(sitePoint), ...plant.zones.map((zone) => zonePoint(zone, "occupancyCount"))];
        for (let k = 0; k < 40; k++) {
          const row = await plant.advance(stepS);
          expect(row.timeMs).toBe(forecast.stepEndMs[k]);
          for (const point of points)
            expect(row.values.get(point), `${point} in step ${k + 1}`).toBeCloseTo(forecast.columns.get(point)![k]!, 6);
        }
      }));

    it("gives the same run again after another initialize", () =>
      using(async (plant) => {
        const run = async (): Promise<Observation[]> => {
          const rows = [await plant.initialize(startMs, warmupS)];
          for (let k = 0; k < 5; k++) rows.push(await plant.advance(stepS));
          return rows;
        };
        expect(await run()).toEqual(await run());
      }));

    it("refuses commands for zones it does not have", () =>
      using(async (plant) => {
        await plant.initialize(startMs, warmupS);
        const command = commandFor(plant, 1, { heatingSetpointC: 20, coolingSetpointC: 25 }, startMs);
        await expect(
          plant.actuate({ ...command, zones: new Map([["attic", { heatingSetpointC: 20, coolingSetpointC: 25 }]]) }),
        ).rejects.toThrow(/attic/);
      }));

    it("refuses to advance before it is initialised", () => using(async (plant) => expect(plant.advance(stepS)).rejects.toThrow()));

    if (!subject.obeysCommands) return;

    it("shows setpoints actuated after row t in row t+1, not before and not later", () =>
      using(async (plant) => {
        const first = await plant.initialize(startMs, warmupS);
        const own = plant.scheduleAt(startMs);
        for (const zone of plant.zones) expect(setpoints(first, zone)).toEqual(own.get(zone));
        const pairs = [17.25, 18.5, 16].map((heatingSetpointC) => ({ heatingSetpointC, coolingSetpointC: heatingSetpointC + 8 }));
        for (const [k, pair] of pairs.entries()) {
          await plant.actuate(commandFor(plant, k, pair, startMs + k * stepS * 1000));
          const before = await plant.observe();
          for (const zone of plant.zones) expect(setpoints(before, zone)).not.toEqual(pair);
          const row = await plant.advance(stepS);
          for (const zone of plant.zones) expect(setpoints(row, zone)).toEqual(pair);
        }
      }));

    it("keeps a command in force until the next one", () =>
      using(async (plant) => {
        await plant.initialize(startMs, warmupS);
        const pair = { heatingSetpointC: 18, coolingSetpointC: 27 };
        await plant.actuate(commandFor(plant, 1, pair, startMs));
        for (let k = 0; k < 3; k++) {
          const row = await plant.advance(stepS);
          for (const zone of plant.zones) expect(setpoints(row, zone)).toEqual(pair);
        }
      }));

    it("returns to its own schedule on relinquish, and after a command's validity", () =>
      using(async (plant) => {
        await plant.initialize(startMs, warmupS);
        const pair = { heatingSetpointC: 18, coolingSetpointC: 27 };
        await plant.actuate(commandFor(plant, 1, pair, startMs));
        await plant.advance(stepS);
        await plant.relinquish();
        const freed = await plant.advance(stepS);
        for (const zone of plant.zones) expect(setpoints(freed, zone)).toEqual(plant.scheduleAt(freed.timeMs).get(zone));
        await plant.actuate(commandFor(plant, 2, pair, freed.timeMs, stepS));
        expect(setpoints(await plant.advance(stepS), plant.zones[0]!)).toEqual(pair);
        const expired = await plant.advance(stepS);
        for (const zone of plant.zones) expect(setpoints(expired, zone)).toEqual(plant.scheduleAt(expired.timeMs).get(zone));
      }));

    it("answers warmer setpoints with warmer rooms or more power", () =>
      using(async (plant) => {
        const response = async (heatingSetpointC: number): Promise<{ tempC: number; energyWh: number }> => {
          await plant.initialize(startMs, warmupS);
          let energyWh = 0;
          let tempC = 0;
          for (let k = 0; k < 8; k++) {
            await plant.actuate(commandFor(plant, k, { heatingSetpointC, coolingSetpointC: 40 }, startMs + k * stepS * 1000));
            const { values } = await plant.advance(stepS);
            energyWh += (values.get(buildingPoint("hvacPowerW"))! * stepS) / 3600;
            tempC = values.get(zonePoint(plant.zones[0]!, "zoneAirTempC"))!;
          }
          return { tempC, energyWh };
        };
        const cool = await response(12);
        const warm = await response(23);
        expect(warm.tempC).toBeGreaterThanOrEqual(cool.tempC);
        expect(warm.tempC - cool.tempC + warm.energyWh - cool.energyWh).toBeGreaterThan(0.5);
      }));
  });
}
