import type { Construction, Material } from "#simulators/rc/description";

/*
 * The box of ASHRAE Standard 140 (BESTEST): one zone, 12 m² of double glazing to the south, light construction (600) or heavy (900), with
 * thermostats or free-floating (FF). Both engines are built from these numbers.
 */
export type BoxMass = "light" | "heavy";
export type BestestCase = "600" | "900" | "600FF" | "900FF";
export const bestestCases: readonly BestestCase[] = ["600", "900", "600FF", "900FF"];
export const massOf = (name: BestestCase): BoxMass => (name.startsWith("600") ? "light" : "heavy");
export const isFreeFloating = (name: BestestCase): boolean => name.endsWith("FF");

/** Width (east–west), depth and height, m. */
export const boxSizeM = { width: 8, depth: 6, height: 2.7 } as const;
/** Two windows in the south wall. */
export const windowM = { width: 3, height: 2, sill: 0.2, leftEdges: [0.5, 4.5] } as const;
export const infiltrationAirChangesPerHour = 0.5;
export const internalGain = { totalW: 200, radiantFraction: 0.6 } as const;
export const setpointsC = { heating: 20, cooling: 27 } as const;
export const groundReflectance = 0.2;
export const groundC = 10;
export const opaque = { solarAbsorptance: 0.6, emissivity: 0.9 } as const;

const material = (conductivityWmK: number, densityKgm3: number, specificHeatJkgK: number): Material => ({
  conductivityWmK,
  densityKgm3,
  specificHeatJkgK,
});
const woodSiding = material(0.14, 530, 900);
const fiberglass = material(0.04, 12, 840);
const plasterboard = material(0.16, 950, 840);
const foam = material(0.04, 10, 1400);
const concreteBlock = material(0.51, 1400, 1000);
const timberFloor = material(0.14, 650, 1200);
const concreteSlab = material(1.13, 1400, 1000);

const construction = (...layers: Construction["layers"]): Construction => ({
  layers,
  outsideSolarAbsorptance: opaque.solarAbsorptance,
  outsideEmissivity: opaque.emissivity,
});
const roof = construction(
  { material: woodSiding, thicknessM: 0.019 },
  { material: fiberglass, thicknessM: 0.1118 },
  { material: plasterboard, thicknessM: 0.01 },
);

/** From the outside to the inside; the insulation under the floor has no mass. */
export const boxConstructions: Readonly<Record<BoxMass, { wall: Construction; roof: Construction; floor: Construction }>> = {
  light: {
    wall: construction(
      { material: woodSiding, thicknessM: 0.009 },
      { material: fiberglass, thicknessM: 0.066 },
      { material: plasterboard, thicknessM: 0.012 },
    ),
    roof,
    floor: construction({ resistanceM2KW: 1.003 / 0.04 }, { material: timberFloor, thicknessM: 0.025 }),
  },
  heavy: {
    wall: construction(
      { material: woodSiding, thicknessM: 0.009 },
      { material: foam, thicknessM: 0.0615 },
      { material: concreteBlock, thicknessM: 0.1 },
    ),
    roof,
    floor: construction({ resistanceM2KW: 1.007 / 0.04 }, { material: concreteSlab, thicknessM: 0.08 }),
  },
};

/** Two panes of clear glass with an air gap between; the ratings are those that these panes get at standard conditions (EnergyPlus's own report: 2.740, 0.760). */
export const glazing = {
  paneThicknessM: 0.003048,
  paneConductivityWmK: 1.0,
  paneSolarTransmittance: 0.834,
  paneSolarReflectance: 0.075,
  paneEmissivity: 0.84,
  gapM: 0.012,
  ratedUWm2K: 2.74,
  ratedSolarHeatGainCoefficient: 0.76,
} as const;

export const wallArea = (side: "south" | "north" | "east" | "west"): number =>
  side === "south" || side === "north" ? boxSizeM.width * boxSizeM.height : boxSizeM.depth * boxSizeM.height;
export const windowAreaM2 = windowM.leftEdges.length * windowM.width * windowM.height;
