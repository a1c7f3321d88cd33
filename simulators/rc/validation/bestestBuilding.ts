import type { BuildingDescription, HvacDescription, OpaqueSurface } from "#simulators/rc/description";
import { clearDoubleGlazing, standardFilms } from "#simulators/rc/materials";
import { always } from "#simulators/rc/schedules";
import {
  type BestestCase,
  boxConstructions,
  boxSizeM,
  glazing,
  groundC,
  groundReflectance,
  infiltrationAirChangesPerHour,
  internalGain,
  isFreeFloating,
  massOf,
  setpointsC,
  wallArea,
  windowAreaM2,
} from "#simulators/rc/validation/bestestBox";

export const bestestZone = "box";
const zone = bestestZone;

/** Heat and cold without limit, as the standard asks for: only what the zone gets is looked at, not electricity. */
const idealLoads: HvacDescription = {
  heatPump: null,
  cooling: {
    relativeCapacity: { rated: 1, ratedOutdoorC: 35, slopePerK: 0, minimum: 1 },
    cop: { rated: 1, ratedOutdoorC: 35, slopePerK: 0, minimum: 1 },
    sensibleHeatRatio: 1,
  },
  economizer: null,
  supplyAir: { coolingC: 13, heatingC: 50 },
  fan: { specificPowerWPerM3s: 0, minimumFlowFraction: 0 },
  sizing: { heatingFactor: 1, coolingFactor: 1 },
  capacities: { zoneHeatingW: [1e6], zoneCoolingW: [1e6], heatPumpRatedW: 0, auxiliaryHeatingW: 1e6, coolingRatedW: 1e6 },
};

/** Air pressure over that at sea level: (1 − 2.25577·10⁻⁵ h)^5.2559 (ISO 2533 standard atmosphere; ASHRAE Handbook Fundamentals 2017, ch. 1, eq. 3). */
export const pressureRatio = (elevationM: number): number => (1 - 2.25577e-5 * elevationM) ** 5.2559;

/**
 * The box as a description for the RC engine, with the engine's standard films, solar distribution and angular glass. The engine's air has sea-level
 * density: the air changes are thinned by the pressure at `elevationM`, as the standard asks of such programs.
 */
export function bestestBuilding(name: BestestCase, elevationM: number): BuildingDescription {
  const parts = boxConstructions[massOf(name)];
  const floorAreaM2 = boxSizeM.width * boxSizeM.depth;
  const wall = (side: "south" | "north" | "east" | "west", azimuthDeg: number): OpaqueSurface => ({
    id: `${side} wall`,
    zone,
    role: "wall",
    areaM2: wallArea(side) - (side === "south" ? windowAreaM2 : 0),
    construction: parts.wall,
    boundary: { kind: "outdoor", azimuthDeg, tiltDeg: 90 },
  });
  return {
    id: `bestest-${name.toLowerCase()}`,
    label: `BESTEST box, case ${name}`,
    zones: [
      {
        id: zone,
        label: "Box",
        floorAreaM2,
        volumeM3: floorAreaM2 * boxSizeM.height,
        people: { count: 0, sensibleWPerPerson: 0, radiantFraction: 0, schedule: always(0) },
        gains: [{ designW: internalGain.totalW, radiantFraction: internalGain.radiantFraction, schedule: always(1) }],
        infiltrationAirChangesPerHour: infiltrationAirChangesPerHour * pressureRatio(elevationM),
        ventilationM3s: 0,
        internalMass: null,
      },
    ],
    surfaces: [
      wall("south", 180),
      wall("east", 90),
      wall("north", 0),
      wall("west", 270),
      {
        id: "roof",
        zone,
        role: "ceiling",
        areaM2: floorAreaM2,
        construction: parts.roof,
        boundary: { kind: "outdoor", azimuthDeg: 0, tiltDeg: 0 },
      },
      { id: "floor", zone, role: "floor", areaM2: floorAreaM2, construction: parts.floor, boundary: { kind: "ground" } },
    ],
    windows: [
      {
        id: "windows",
        zone,
        areaM2: windowAreaM2,
        azimuthDeg: 180,
        tiltDeg: 90,
        uWm2K: glazing.ratedUWm2K,
        solarHeatGainCoefficient: glazing.ratedSolarHeatGainCoefficient,
        angular: clearDoubleGlazing,
      },
    ],
    films: standardFilms,
    groundReflectance,
    groundTempC: new Array<number>(12).fill(groundC),
    solarToFloorFraction: 0.6,
    ventilation: always(0),
    thermostat: { heatingSetpointC: always(setpointsC.heating), coolingSetpointC: always(setpointsC.cooling) },
    hvac: isFreeFloating(name) ? null : idealLoads,
    conditioningDays: 20,
  };
}
