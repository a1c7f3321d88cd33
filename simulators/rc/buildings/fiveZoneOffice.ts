import type {
  BuildingDescription,
  Construction,
  HvacDescription,
  OpaqueSurface,
  WeekSchedule,
  WindowSurface,
  ZoneDescription,
} from "#simulators/rc/description";
import { clearDoubleGlazing, materials, standardFilms } from "#simulators/rc/materials";
import { until } from "#simulators/rc/schedules";

/*
 * A single-storey office of 30.5 m × 15.2 m × 3.0 m: four perimeter zones 3.7 m deep, mitred at the corners, around a core. Sizes, people, lights,
 * equipment and schedules are those of the widely used five-zone office; envelope and air conditioning are our own, from standards (see README.md).
 */
const lengthM = 30.5;
const depthM = 15.2;
const heightM = 3.0;
const perimeterM = 3.7;
const coreLengthM = lengthM - 2 * perimeterM;
const coreDepthM = depthM - 2 * perimeterM;
const mitreM = perimeterM * Math.SQRT2;

const wall: Construction = {
  layers: [
    { material: materials.softwood, thicknessM: 0.019 },
    { material: materials.plywood, thicknessM: 0.0127 },
    { material: materials.mineralWool, thicknessM: 0.09 },
    { material: materials.gypsumBoard, thicknessM: 0.0127 },
  ],
  outsideSolarAbsorptance: 0.7,
  outsideEmissivity: 0.9,
};
const roof: Construction = {
  layers: [
    { material: materials.roofMembrane, thicknessM: 0.0095 },
    { material: materials.polyisocyanurate, thicknessM: 0.1 },
    { material: materials.plywood, thicknessM: 0.019 },
    // Air space between the deck and the ceiling boards (ISO 6946, horizontal air layer, heat flow upwards).
    { resistanceM2KW: 0.16 },
    { material: materials.gypsumBoard, thicknessM: 0.0159 },
  ],
  outsideSolarAbsorptance: 0.6,
  outsideEmissivity: 0.9,
};
const slab: Construction = {
  layers: [
    // Soil that the slab exchanges heat with (ISO 13370: equivalent ground layer of a slab with perimeter insulation).
    { resistanceM2KW: 1.0 },
    { material: materials.concrete, thicknessM: 0.1 },
    { material: materials.carpetUnderlay, thicknessM: 0.008 },
  ],
  outsideSolarAbsorptance: 0,
  outsideEmissivity: 0,
};
const partition: Construction = {
  layers: [
    { material: materials.gypsumBoard, thicknessM: 0.0159 },
    { resistanceM2KW: 0.16 },
    { material: materials.gypsumBoard, thicknessM: 0.0159 },
  ],
  outsideSolarAbsorptance: 0,
  outsideEmissivity: 0,
};
/** Half of a 25 mm desk or shelf board. */
const furniture: Construction = {
  layers: [{ material: materials.softwood, thicknessM: 0.0125 }],
  outsideSolarAbsorptance: 0,
  outsideEmissivity: 0,
};

const weekdays = (day: WeekSchedule["weekday"], rest: number): WeekSchedule => ({
  weekday: day,
  saturday: [until(24, rest)],
  sunday: [until(24, rest)],
});
const occupancy = weekdays(
  [until(8, 0), until(11, 1), until(12, 0.8), until(13, 0.4), until(14, 0.8), until(18, 1), until(19, 0.5), until(21, 0.1), until(24, 0)],
  0,
);
const lights = weekdays(
  [
    until(8, 0.05),
    until(9, 0.9),
    until(10, 0.95),
    until(11, 1),
    until(12, 0.95),
    until(13, 0.8),
    until(14, 0.9),
    until(18, 1),
    until(19, 0.6),
    until(21, 0.2),
    until(24, 0.05),
  ],
  0.05,
);
const equipment = weekdays(
  [until(8, 0.02), until(9, 0.4), until(14, 0.9), until(15, 0.8), until(16, 0.7), until(18, 0.5), until(20, 0.3), until(24, 0.02)],
  0.2,
);

/** Weekends are heated and cooled from 7:00 to 13:00 although nobody comes: that is how the data this building stands beside was made. */
const weekend = (occupied: number, afternoon: number, night: number): WeekSchedule["saturday"] => [
  until(7, night),
  until(13, occupied),
  until(24, afternoon),
];
const thermostat = {
  heatingSetpointC: {
    weekday: [until(7, 12.8), until(18, 21.1), until(24, 12.8)],
    saturday: weekend(21.1, 12.8, 12.8),
    sunday: weekend(21.1, 12.8, 12.8),
  },
  coolingSetpointC: {
    weekday: [until(7, 40), until(18, 23.9), until(24, 40)],
    saturday: weekend(23.9, 32.2, 40),
    sunday: weekend(23.9, 32.2, 40),
  },
} as const;

const perimeterLongAreaM2 = ((lengthM + coreLengthM) / 2) * perimeterM;
const perimeterShortAreaM2 = ((depthM + coreDepthM) / 2) * perimeterM;

function zone(id: string, label: string, floorAreaM2: number, people: number): ZoneDescription {
  return {
    id,
    label,
    floorAreaM2,
    volumeM3: floorAreaM2 * heightM,
    // Seated, light office work: 75 W sensible, 60 % of it radiant (ASHRAE Handbook Fundamentals 2017, ch. 18, table 1).
    people: { count: people, sensibleWPerPerson: 75, radiantFraction: 0.6, schedule: occupancy },
    gains: [
      { designW: 16 * floorAreaM2, radiantFraction: 0.59, schedule: lights },
      { designW: 10.7 * floorAreaM2, radiantFraction: 0.3, schedule: equipment },
    ],
    infiltrationAirChangesPerHour: 0.2,
    // ASHRAE 62.1-2019, office: 2.5 L/s per person and 0.3 L/s per m².
    ventilationM3s: 0.0025 * people + 0.0003 * floorAreaM2,
    internalMass: { areaM2: floorAreaM2, construction: furniture },
  };
}

const zones: readonly ZoneDescription[] = [
  zone("space1-1", "South", perimeterLongAreaM2, 11),
  zone("space2-1", "East", perimeterShortAreaM2, 5),
  zone("space3-1", "North", perimeterLongAreaM2, 11),
  zone("space4-1", "West", perimeterShortAreaM2, 5),
  zone("space5-1", "Core", coreLengthM * coreDepthM, 20),
];

const sides = [
  { zone: "space1-1", azimuthDeg: 180, widthM: lengthM },
  { zone: "space2-1", azimuthDeg: 90, widthM: depthM },
  { zone: "space3-1", azimuthDeg: 0, widthM: lengthM },
  { zone: "space4-1", azimuthDeg: 270, widthM: depthM },
] as const;
const windowShare = 0.25;

const surfaces: readonly OpaqueSurface[] = [
  ...sides.map(
    ({ zone: id, azimuthDeg, widthM }): OpaqueSurface => ({
      id: `${id} wall`,
      zone: id,
      role: "wall",
      areaM2: widthM * heightM * (1 - windowShare),
      construction: wall,
      boundary: { kind: "outdoor", azimuthDeg, tiltDeg: 90 },
    }),
  ),
  ...zones.flatMap(({ id, floorAreaM2 }): OpaqueSurface[] => [
    {
      id: `${id} roof`,
      zone: id,
      role: "ceiling",
      areaM2: floorAreaM2,
      construction: roof,
      boundary: { kind: "outdoor", azimuthDeg: 0, tiltDeg: 0 },
    },
    { id: `${id} floor`, zone: id, role: "floor", areaM2: floorAreaM2, construction: slab, boundary: { kind: "ground" } },
  ]),
  ...(
    [
      ["space1-1", "space2-1", mitreM],
      ["space2-1", "space3-1", mitreM],
      ["space3-1", "space4-1", mitreM],
      ["space4-1", "space1-1", mitreM],
      ["space1-1", "space5-1", coreLengthM],
      ["space2-1", "space5-1", coreDepthM],
      ["space3-1", "space5-1", coreLengthM],
      ["space4-1", "space5-1", coreDepthM],
    ] as const
  ).map(
    ([from, to, widthM]): OpaqueSurface => ({
      id: `${from} to ${to}`,
      zone: from,
      role: "wall",
      areaM2: widthM * heightM,
      construction: partition,
      boundary: { kind: "zone", zone: to },
    }),
  ),
];

/** Double glazing as ASHRAE 90.1-2010 asks for in climate zones 4 and 5: SHGC 0.40, U about 2.7. */
const windows: readonly WindowSurface[] = sides.map(({ zone: id, azimuthDeg, widthM }) => ({
  id: `${id} window`,
  zone: id,
  areaM2: widthM * heightM * windowShare,
  azimuthDeg,
  tiltDeg: 90,
  uWm2K: 2.7,
  solarHeatGainCoefficient: 0.4,
  angular: clearDoubleGlazing,
}));

const hvac: HvacDescription = {
  // ASHRAE 90.1-2019, table 6.8.1-2, packaged air-source heat pump of 19–40 kW: COP 3.4 at 8.3 °C and 2.25 at −8.3 °C; capacity at −8.3 °C about 60 % of rated.
  heatPump: {
    relativeCapacity: { rated: 1, ratedOutdoorC: 8.3, slopePerK: 0.4 / 16.6, minimum: 0.25 },
    cop: { rated: 3.4, ratedOutdoorC: 8.3, slopePerK: 1.15 / 16.6, minimum: 1.2 },
  },
  // The same table: cooling COP 3.2 at 35 °C; machines of this kind gain about 2 % COP and 0.7 % capacity for each kelvin less.
  cooling: {
    relativeCapacity: { rated: 1, ratedOutdoorC: 35, slopePerK: -0.007, minimum: 0.5 },
    cop: { rated: 3.2, ratedOutdoorC: 35, slopePerK: -0.07, minimum: 1.5 },
    sensibleHeatRatio: 0.75,
  },
  // ASHRAE 90.1-2019, table 6.5.1.1.3, fixed dry bulb, climate zone 5A.
  economizer: { limitC: 21 },
  supplyAir: { coolingC: 14, heatingC: 35 },
  // EN 16798-3 class SFP 3.
  fan: { specificPowerWPerM3s: 1250, minimumFlowFraction: 0.2 },
  // Heating exactly at its design load: chosen so that a cold start takes one to three hours (1.25 made it half an hour to one and a quarter); cooling as ASHRAE 90.1-2019, G3.1.2.2.
  sizing: { heatingFactor: 1.0, coolingFactor: 1.15 },
};

export const fiveZoneOffice: BuildingDescription = {
  id: "five-zone-office",
  label: "Five-zone office, single storey, rooftop heat pump",
  zones,
  surfaces,
  windows,
  films: standardFilms,
  groundReflectance: 0.2,
  // Two kelvin below the rooms, as EnergyPlus advises under large slabs; the annual swing that reaches the middle of a 15 m slab is about 1 K.
  groundTempC: [18.5, 18, 18, 18, 18.5, 19, 19.5, 20, 20, 20, 19.5, 19],
  solarToFloorFraction: 0.6,
  ventilation: weekdays([until(8, 0), until(18, 1), until(24, 0)], 0),
  thermostat,
  hvac,
  conditioningDays: 7,
};
