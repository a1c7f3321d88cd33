import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { findEngine } from "#simulators/energyplus/engine";
import { surfaceToSurfaceResistance } from "#simulators/rc/thermalNetwork";
import { type BestestCase, bestestCases, boxConstructions } from "#simulators/rc/validation/bestestBox";
import { bestestBuilding, pressureRatio } from "#simulators/rc/validation/bestestBuilding";
import { bestestEpJson } from "#simulators/rc/validation/bestestEpJson";
import { type BoxYears, everyCase, rcBoxYear, summarise } from "#simulators/rc/validation/boxYear";
import { type ComparisonRow, compareBoxes, comparisonLine, distance, isWithin } from "#simulators/rc/validation/comparison";
import { coloradoWeatherFile, energyplusBoxYear } from "#simulators/rc/validation/energyplusBox";
import { loadWeather } from "#simulators/weather/loadWeather";

const engine = await findEngine().catch(() => null);

describe("the ASHRAE 140 box", () => {
  it("is the same box in both engines: areas, layers, glass, gains, air changes", () => {
    for (const name of bestestCases) {
      const model = bestestEpJson(name);
      const building = bestestBuilding(name, 0);
      const areaOf = (vertices: readonly Record<string, number>[]): number => {
        // Half the length of the sum of cross products of a plane polygon.
        const sum = [0, 0, 0];
        vertices.forEach((a, i) => {
          const b = vertices[(i + 1) % vertices.length]!;
          const [ax, ay, az] = [a.vertex_x_coordinate!, a.vertex_y_coordinate!, a.vertex_z_coordinate!];
          const [bx, by, bz] = [b.vertex_x_coordinate!, b.vertex_y_coordinate!, b.vertex_z_coordinate!];
          sum[0]! += ay * bz - az * by;
          sum[1]! += az * bx - ax * bz;
          sum[2]! += ax * by - ay * bx;
        });
        return Math.hypot(...sum) / 2;
      };
      const area = Object.fromEntries(
        Object.entries(model["BuildingSurface:Detailed"]!).map(([id, { vertices }]) => [
          id.toLowerCase(),
          areaOf(vertices as Record<string, number>[]),
        ]),
      );
      const windows = building.windows.reduce((sum, window) => sum + window.areaM2, 0);
      expect(windows).toBe(12);
      for (const surface of building.surfaces)
        expect(surface.areaM2 + (surface.id === "south wall" ? windows : 0)).toBeCloseTo(area[surface.id.replace(" wall", "")]!, 9);
      expect(building.zones[0]!.volumeM3).toBeCloseTo(129.6, 9);
      expect(building.zones[0]!.infiltrationAirChangesPerHour).toBe(
        model["ZoneInfiltration:DesignFlowRate"]!.Infiltration!.air_changes_per_hour,
      );
      expect(building.zones[0]!.gains[0]!.designW).toBe(model.OtherEquipment!.Gains!.design_level);
      const resistanceOf = (part: string): number =>
        Object.values(model.Construction![part]!).reduce((sum: number, layer) => {
          const massless = model["Material:NoMass"]![layer as string];
          const { thickness, conductivity } = (model.Material![layer as string] ?? {}) as Record<string, number>;
          return sum + (massless === undefined ? thickness! / conductivity! : (massless.thermal_resistance as number));
        }, 0);
      const parts = boxConstructions[name.startsWith("6") ? "light" : "heavy"];
      for (const [part, construction] of Object.entries(parts))
        expect(resistanceOf(part)).toBeCloseTo(surfaceToSurfaceResistance(construction), 9);
    }
  });
  it("has U-values of 0.51 in its walls, 0.32 in its roof and 0.04 W/m²K in its floor, as the standard says", () => {
    for (const { wall, roof, floor } of Object.values(boxConstructions)) {
      // The standard's combined surface coefficients: 8.29 inside, 29.3 outside.
      const u = (construction: typeof wall): number => 1 / (1 / 8.29 + surfaceToSurfaceResistance(construction) + 1 / 29.3);
      expect(u(wall)).toBeCloseTo(0.512, 2);
      expect(u(roof)).toBeCloseTo(0.318, 2);
      expect(1 / (1 / 8.29 + surfaceToSurfaceResistance(floor))).toBeCloseTo(0.039, 3);
    }
  });
  it("has the air of its height: 0.82 of sea level at 1609 m", () => expect(pressureRatio(1609)).toBeCloseTo(0.823, 2));
  it("is summed up by hourly means", () => {
    const quarters = (value: (k: number) => number): Float64Array => Float64Array.from({ length: 35_040 }, (_, k) => value(k));
    const year = summarise({
      airC: quarters((k) => (k === 4 ? 60 : 20)),
      heatingW: quarters((k) => (k < 8 ? 500 * (k % 2) : 0)),
      coolingW: quarters(() => 1000),
    });
    expect(year).toMatchObject({ highestC: 30, lowestC: 20, peakHeatingKw: 0.25, peakCoolingKw: 1 });
    expect(year.heatingMwh).toBeCloseTo(0.0005, 12);
    expect(year.coolingMwh).toBeCloseTo(8.76, 9);
    expect(() => summarise({ airC: new Float64Array(4), heatingW: new Float64Array(4), coolingW: new Float64Array(4) })).toThrow(
      /35040 rows/,
    );
  });
});

describe.skipIf(engine === null)(
  `the RC engine beside EnergyPlus${engine === null ? " (skipped: EnergyPlus is not installed; npm run energyplus:install)" : ""}`,
  () => {
    let rows: readonly ComparisonRow[] = [];
    let years: { readonly energyplus: BoxYears; readonly rc: BoxYears };
    beforeAll(async () => {
      const weatherFile = coloradoWeatherFile(engine!);
      const weather = loadWeather(weatherFile);
      // EnergyPlus works in threads of its own: both go on at once.
      const [energyplus, rc] = await Promise.all([
        everyCase((name) => energyplusBoxYear(name, engine!, weatherFile)),
        everyCase((name) => rcBoxYear(name, weather)),
      ]);
      years = { energyplus, rc };
      rows = compareBoxes(energyplus, rc);
    }, 300_000);

    const rowsOf = (cases: readonly BestestCase[]): readonly ComparisonRow[] =>
      rows.filter(({ name }) => cases.includes(name.split(" ")[0] as BestestCase));
    it("heats and cools the light and the heavy box within 15 % of EnergyPlus over the year", () => {
      const annual = rowsOf(["600", "900"]).filter(({ limit }) => limit !== null);
      expect(annual).toHaveLength(4);
      for (const row of annual) expect(Math.abs(row.rc / row.energyplus - 1), row.name).toBeLessThanOrEqual(0.15);
    });
    it("swings between the same extremes within 3 K when nothing heats or cools", () => {
      const free = rowsOf(["600FF", "900FF"]);
      expect(free).toHaveLength(6);
      for (const row of free) expect(Math.abs(distance(row)), row.name).toBeLessThanOrEqual(3);
    });
    it("damps the swing by heavy walls as EnergyPlus does, within 15 %", () => {
      const swing = rows.at(-1)!;
      expect(swing.energyplus).toBeGreaterThan(1.5);
      expect(Math.abs(swing.rc / swing.energyplus - 1)).toBeLessThanOrEqual(0.15);
    });
    it("holds the setpoints of 20 and 27 °C in both engines", () => {
      for (const { lowestC, highestC } of [years.energyplus["600"], years.energyplus["900"], years.rc["600"], years.rc["900"]]) {
        expect(lowestC).toBeGreaterThan(19.99);
        expect(highestC).toBeLessThan(27.01);
      }
    });
    it("is told in docs/validation.md as it is", () => {
      for (const row of rows) expect(isWithin(row)).toBe(true);
      // Another version of EnergyPlus has slightly different figures.
      if (!engine!.version.startsWith("25.2") || engine!.source !== "checkout") return;
      const doc = readFileSync(new URL("../../../docs/validation.md", import.meta.url), "utf8").replace(/ +/g, " ");
      for (const row of rows) expect(doc).toContain(comparisonLine(row));
    });
  },
);
