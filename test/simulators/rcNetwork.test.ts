import { describe, expect, it } from "vitest";
import { fiveZoneOffice } from "#simulators/rc/buildings/fiveZoneOffice";
import type { BuildingDescription, Construction } from "#simulators/rc/description";
import { Environment } from "#simulators/rc/environment";
import { idealLoads } from "#simulators/rc/idealLoads";
import { materials, standardFilms } from "#simulators/rc/materials";
import { always } from "#simulators/rc/schedules";
import { Stepper } from "#simulators/rc/stepper";
import { airExchangeWK, buildNetwork, steadyState, surfaceToSurfaceResistance } from "#simulators/rc/thermalNetwork";
import { loadWeather } from "#simulators/weather/loadWeather";
import { localStandardToMs } from "#simulators/weather/localTime";

const insulatedWall: Construction = {
  layers: [
    { material: materials.brick, thicknessM: 0.1 },
    { material: materials.mineralWool, thicknessM: 0.1 },
    { material: materials.gypsumBoard, thicknessM: 0.0127 },
  ],
  outsideSolarAbsorptance: 0.6,
  outsideEmissivity: 0.9,
};

/** A cube of 4 m with one window and nothing inside. */
function box(wall: Construction = insulatedWall): BuildingDescription {
  const side = (id: string, azimuthDeg: number, areaM2: number) =>
    ({ id, zone: "room", role: "wall", areaM2, construction: wall, boundary: { kind: "outdoor", azimuthDeg, tiltDeg: 90 } }) as const;
  return {
    id: "box",
    label: "Box",
    zones: [
      {
        id: "room",
        label: "Room",
        floorAreaM2: 16,
        volumeM3: 64,
        people: { count: 0, sensibleWPerPerson: 75, radiantFraction: 0.6, schedule: always(0) },
        gains: [],
        infiltrationAirChangesPerHour: 0.5,
        ventilationM3s: 0,
        internalMass: null,
      },
    ],
    surfaces: [
      side("south", 180, 12),
      side("east", 90, 16),
      side("north", 0, 16),
      side("west", 270, 16),
      {
        id: "roof",
        zone: "room",
        role: "ceiling",
        areaM2: 16,
        construction: wall,
        boundary: { kind: "outdoor", azimuthDeg: 0, tiltDeg: 0 },
      },
      { id: "floor", zone: "room", role: "floor", areaM2: 16, construction: wall, boundary: { kind: "adiabatic" } },
    ],
    windows: [
      {
        id: "window",
        zone: "room",
        areaM2: 4,
        azimuthDeg: 180,
        tiltDeg: 90,
        uWm2K: 2.7,
        solarHeatGainCoefficient: 0.6,
        angular: { anglesDeg: [0, 90], factors: [1, 0], diffuse: 0.86 },
      },
    ],
    films: standardFilms,
    groundReflectance: 0.2,
    groundTempC: new Array<number>(12).fill(15),
    solarToFloorFraction: 0.6,
    ventilation: always(0),
    thermostat: { heatingSetpointC: always(20), coolingSetpointC: always(26) },
    hvac: null,
    conditioningDays: 1,
  };
}

describe("thermal network", () => {
  it("keeps one temperature everywhere when all surroundings have it", () => {
    const network = buildNetwork(fiveZoneOffice);
    const u = new Float64Array(network.inputs.count);
    for (const input of [network.inputs.outdoorAirC, network.inputs.groundC, ...network.inputs.solAirC.values()]) u[input] = 17.3;
    for (const t of steadyState(network, 1, u, [])) expect(t).toBeCloseTo(17.3, 8);
  });

  it("needs Σ UA ΔT in the steady state, where one film joins each surface to air", () => {
    // With all radiation switched off, each surface is films and layers in series to the air, as in a hand calculation.
    const base = box();
    const building = {
      ...base,
      films: { ...standardFilms, insideConvectiveWm2K: { wall: 8, floor: 8, ceiling: 8 }, insideRadiativeWm2K: 1e-9 },
    };
    const network = buildNetwork(building);
    const opaqueU = 1 / (1 / building.films.outsideWm2K + surfaceToSurfaceResistance(insulatedWall) + 1 / 8);
    const windowU = 1 / (1 / 2.7 - 0.13 + 1 / 8);
    const ua = (12 + 3 * 16 + 16) * opaqueU + 4 * windowU + airExchangeWK(network, 0, 0);
    const u = new Float64Array(network.inputs.count);
    for (const input of [network.inputs.outdoorAirC, ...network.inputs.solAirC.values()]) u[input] = -10;
    const temps = steadyState(network, 0, u, [ua * 30]);
    expect(temps[network.airNodes[0]!]).toBeCloseTo(20, 6);
  });

  it("closes the energy balance of every sub-step: in = stored + out", () => {
    const weather = loadWeather("new-york");
    const network = buildNetwork(fiveZoneOffice);
    const environment = new Environment(fiveZoneOffice, network, weather);
    const stepper = new Stepper(network, 18);
    const startMs = localStandardToMs(weather, "1991-01-03T05:00");
    const heat = Float64Array.of(3000, -500, 2500, 0, 4000);
    let sunSeen = 0;
    for (let k = 0; k < 12 * 60; k++) {
      const before = stepper.temps.slice();
      const { key } = environment.at(startMs + k * 60_000);
      const { inputs, ventilationFraction } = environment;
      stepper.begin(60, ventilationFraction, inputs, key).finish(heat);
      if (k % 45 !== 0) continue;
      const all = stepper.allTemps(heat);
      for (let i = 0; i < network.capacityCount; i++) expect(stepper.temps[i]!).toBeCloseTo(all[i]!, 8);
      const stored = before.reduce((sum, t, i) => sum + (network.capacitiesJK[i]! * (all[i]! - t)) / 60, 0);
      const sources = [...network.inputs.solarW, ...network.inputs.radiantW, ...network.inputs.convectiveW].reduce(
        (sum, input) => sum + inputs[input]!,
        0,
      );
      sunSeen += network.inputs.solarW.reduce((sum, input) => sum + inputs[input]!, 0);
      const boundary = network.boundaryLinks.reduce(
        (sum, { node, input, conductanceWK }) => sum + conductanceWK * (inputs[input]! - all[node]!),
        0,
      );
      const air = network.airNodes.reduce(
        (sum, node, z) => sum + airExchangeWK(network, z, ventilationFraction) * (inputs[network.inputs.outdoorAirC]! - all[node]!),
        0,
      );
      const hvac = heat.reduce((sum, q) => sum + q, 0);
      const scale = Math.abs(stored) + Math.abs(sources) + Math.abs(boundary) + Math.abs(air) + Math.abs(hvac);
      expect(Math.abs(sources + boundary + air + hvac - stored) / scale).toBeLessThan(1e-9);
    }
    expect(sunSeen).toBeGreaterThan(1000);
  });

  it("forgets a step of outdoor temperature with time constants of minutes in the air and many hours in the walls", () => {
    const network = buildNetwork(box());
    const stepper = new Stepper(network, 20);
    const u = new Float64Array(network.inputs.count);
    for (const input of [network.inputs.outdoorAirC, ...network.inputs.solAirC.values()]) u[input] = 0;
    const airAt = new Map<number, number>();
    for (let minute = 1; minute <= 14 * 1440; minute++) {
      stepper.begin(60, 0, u, "step").finish(new Float64Array(1));
      airAt.set(minute, stepper.temps[network.airNodes[0]!]!);
    }
    expect(airAt.get(30)!).toBeLessThan(19.5);
    const hours = [...airAt].find(([, t]) => t < 20 / Math.E)![0] / 60;
    // Heat stored inside the insulation over the loss: between the gypsum and air alone and the whole walls with their bricks.
    expect(hours).toBeGreaterThan(2);
    expect(hours).toBeLessThan(60);
    expect(airAt.get(14 * 1440)!).toBeLessThan(0.2);
    let last = 20;
    for (const t of airAt.values()) {
      expect(t).toBeLessThanOrEqual(last + 1e-12);
      last = t;
    }
  });

  it("is cooled more slowly when its walls are heavy inside", () => {
    const heavy: Construction = {
      ...insulatedWall,
      layers: [insulatedWall.layers[1]!, { material: materials.concrete, thicknessM: 0.15 }],
    };
    const airAfterNight = (wall: Construction): number => {
      const network = buildNetwork(box(wall));
      const stepper = new Stepper(network, 20);
      const u = new Float64Array(network.inputs.count);
      for (let minute = 0; minute < 12 * 60; minute++) stepper.begin(60, 0, u, "cold").finish(new Float64Array(1));
      return stepper.temps[network.airNodes[0]!]!;
    };
    expect(airAfterNight(heavy)).toBeGreaterThan(airAfterNight(insulatedWall) + 3);
  });

  it("converges to the same course with shorter sub-steps", () => {
    const network = buildNetwork(box());
    const u = new Float64Array(network.inputs.count).fill(0);
    const course = (dtS: number): number => {
      const stepper = new Stepper(network, 20);
      for (let k = 0; k < 7200 / dtS; k++) stepper.begin(dtS, 0, u, "cold").finish(new Float64Array(1));
      return stepper.temps[network.airNodes[0]!]!;
    };
    expect(Math.abs(course(60) - course(5))).toBeLessThan(0.05);
    expect(Math.abs(course(60) - course(5))).toBeGreaterThan(Math.abs(course(20) - course(5)));
  });

  it("refuses a surface towards a zone that does not exist", () => {
    const building = box();
    expect(() =>
      buildNetwork({ ...building, surfaces: [{ ...building.surfaces[0]!, boundary: { kind: "zone", zone: "cellar" } }] }),
    ).toThrow(/cellar/);
  });
});

describe("ideal loads", () => {
  const limits = (heatingSetpointC: number[], coolingSetpointC: number[], capacityW: number, centralW = Number.POSITIVE_INFINITY) => ({
    heatingSetpointC: Float64Array.from(heatingSetpointC),
    coolingSetpointC: Float64Array.from(coolingSetpointC),
    heatingCapacityW: new Float64Array(heatingSetpointC.length).fill(capacityW),
    coolingCapacityW: new Float64Array(heatingSetpointC.length).fill(capacityW),
    centralHeatingW: centralW,
    centralCoolingW: centralW,
  });
  const response = Float64Array.of(0.01, 0.002, 0.002, 0.008);
  it("reach both setpoints exactly although zones warm each other", () => {
    const heat = new Float64Array(2);
    const free = Float64Array.of(15, 27);
    idealLoads(free, response, limits([20, 20], [24, 24], 1e6), heat);
    expect(free[0]! + 0.01 * heat[0]! + 0.002 * heat[1]!).toBeCloseTo(20, 9);
    expect(free[1]! + 0.002 * heat[0]! + 0.008 * heat[1]!).toBeCloseTo(24, 9);
    expect(heat[0]).toBeGreaterThan(0);
    expect(heat[1]).toBeLessThan(0);
  });
  it("do nothing between the setpoints, and stop at capacity", () => {
    const heat = new Float64Array(2);
    idealLoads(Float64Array.of(22, 10), response, limits([20, 20], [24, 24], 100), heat);
    expect([...heat]).toEqual([0, 100]);
  });
  it("share a central limit in proportion", () => {
    const heat = new Float64Array(2);
    idealLoads(Float64Array.of(10, 10), response, limits([20, 20], [24, 24], 500, 600), heat);
    expect([...heat]).toEqual([300, 300]);
  });
});
