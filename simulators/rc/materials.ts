import type { AngularModifier, Films, Material } from "#simulators/rc/description";

const material = (conductivityWmK: number, densityKgm3: number, specificHeatJkgK: number): Material => ({
  conductivityWmK,
  densityKgm3,
  specificHeatJkgK,
});

/** Rounded handbook values (ASHRAE Handbook Fundamentals 2017, ch. 26, table 1; ISO 10456:2007, table 3). */
export const materials = {
  concrete: material(1.65, 2200, 1000),
  gypsumBoard: material(0.16, 800, 1090),
  mineralWool: material(0.04, 30, 840),
  polyisocyanurate: material(0.024, 30, 1470),
  plywood: material(0.12, 545, 1210),
  softwood: material(0.12, 510, 1380),
  brick: material(0.8, 1800, 840),
  roofMembrane: material(0.17, 1100, 1470),
  carpetUnderlay: material(0.06, 200, 1300),
  aggregateBlock: material(0.9, 1700, 1000),
} as const;

/** Surface coefficients of ISO 52016-1:2017, table 25 and annex B: convection inside by direction of heat flow, radiation inside, both outside together. */
export const standardFilms: Films = {
  insideConvectiveWm2K: { wall: 2.5, floor: 0.7, ceiling: 5.0 },
  insideRadiativeWm2K: 5.13,
  outsideWm2K: 24.14,
};

/** Uncoated double glazing, clear 3 mm panes: SHGC by incidence angle over that at 0° (ASHRAE Handbook Fundamentals 2017, ch. 15, table 10, id 5a: 0.76, 0.74, 0.71, 0.64, 0.50, 0.26; diffuse 0.66). */
export const clearDoubleGlazing: AngularModifier = {
  anglesDeg: [0, 40, 50, 60, 70, 80, 90],
  factors: [1, 0.974, 0.934, 0.842, 0.658, 0.342, 0],
  diffuse: 0.868,
};
