/** A building as people measure it: sizes, materials, ratings and schedules. Nothing here is fitted to a wanted result. */
export interface Material {
  readonly conductivityWmK: number;
  readonly densityKgm3: number;
  readonly specificHeatJkgK: number;
}
export type Layer =
  | { readonly material: Material; readonly thicknessM: number }
  | { readonly resistanceM2KW: number }
  /** Water pipes between two layers: where floor heating comes in. */
  | { readonly pipes: EmbeddedPipes };

export interface EmbeddedPipes {
  /** Between the centres of neighbouring pipes. */
  readonly spacingM: number;
  readonly outerDiameterM: number;
  readonly wallThicknessM: number;
  readonly wallConductivityWmK: number;
  /** Of the screed or concrete around the pipes. */
  readonly surroundingConductivityWmK: number;
}

export interface Construction {
  /** From the outside to the inside. */
  readonly layers: readonly Layer[];
  readonly outsideSolarAbsorptance: number;
  readonly outsideEmissivity: number;
}

export type Boundary =
  /** Azimuth clockwise from north, tilt 0 up, 90 vertical. */
  | { readonly kind: "outdoor"; readonly azimuthDeg: number; readonly tiltDeg: number }
  | { readonly kind: "ground" }
  | { readonly kind: "zone"; readonly zone: string }
  | { readonly kind: "adiabatic" };

export type SurfaceRole = "wall" | "floor" | "ceiling";

export interface OpaqueSurface {
  readonly id: string;
  readonly zone: string;
  readonly role: SurfaceRole;
  readonly areaM2: number;
  readonly construction: Construction;
  readonly boundary: Boundary;
}

export interface WindowSurface {
  readonly id: string;
  readonly zone: string;
  readonly areaM2: number;
  readonly azimuthDeg: number;
  readonly tiltDeg: number;
  /** Rated, with the standard films (inside 0.13 m²K/W). */
  readonly uWm2K: number;
  /** At normal incidence. */
  readonly solarHeatGainCoefficient: number;
  readonly angular: AngularModifier;
}

/** Solar heat gain at an angle of incidence relative to that at normal incidence, and for diffuse light. */
export interface AngularModifier {
  readonly anglesDeg: readonly number[];
  readonly factors: readonly number[];
  readonly diffuse: number;
}

/** Value until a minute of the day; the last entry ends at 1440. */
export type DaySchedule = readonly (readonly [untilMinute: number, value: number])[];
export interface WeekSchedule {
  readonly weekday: DaySchedule;
  readonly saturday: DaySchedule;
  readonly sunday: DaySchedule;
}

export interface InternalGain {
  /** At schedule value 1. */
  readonly designW: number;
  readonly radiantFraction: number;
  readonly schedule: WeekSchedule;
}

export interface ZoneDescription {
  readonly id: string;
  readonly label: string;
  readonly floorAreaM2: number;
  readonly volumeM3: number;
  readonly people: {
    readonly count: number;
    readonly sensibleWPerPerson: number;
    readonly radiantFraction: number;
    readonly schedule: WeekSchedule;
  };
  readonly gains: readonly InternalGain[];
  readonly infiltrationAirChangesPerHour: number;
  /** Outdoor air while the ventilation schedule is 1. */
  readonly ventilationM3s: number;
  /** Furniture and the like: one side of each piece faces the zone, its middle is adiabatic. */
  readonly internalMass: { readonly areaM2: number; readonly construction: Construction } | null;
}

export interface Films {
  /** Convective, by where the surface lies in the zone. */
  readonly insideConvectiveWm2K: Readonly<Record<SurfaceRole, number>>;
  /** To the zone's mean radiant temperature. */
  readonly insideRadiativeWm2K: number;
  /** Convective and radiative together, to outdoor air. */
  readonly outsideWm2K: number;
}

/** Values that change linearly with the outdoor temperature from a rating point, and never fall below `minimum`. */
export interface OutdoorLine {
  readonly rated: number;
  readonly ratedOutdoorC: number;
  readonly slopePerK: number;
  readonly minimum: number;
}

/** Air conditioning by one rooftop unit; what is not given in W is sized (see autosize.ts). */
export interface HvacDescription {
  /** Reversible heat pump shared by all zones, relative capacity (rated 1) and coefficient of performance; null: heating by resistance alone. */
  readonly heatPump: { readonly relativeCapacity: OutdoorLine; readonly cop: OutdoorLine } | null;
  /** Direct-expansion cooling shared by all zones. */
  readonly cooling: { readonly relativeCapacity: OutdoorLine; readonly cop: OutdoorLine; readonly sensibleHeatRatio: number };
  /** Free cooling with outdoor air below `limitC`; null: none. */
  readonly economizer: { readonly limitC: number } | null;
  readonly supplyAir: { readonly coolingC: number; readonly heatingC: number };
  readonly fan: { readonly specificPowerWPerM3s: number; readonly minimumFlowFraction: number };
  readonly sizing: { readonly heatingFactor: number; readonly coolingFactor: number };
  /** Given capacities instead of sized ones. */
  readonly capacities?: SizedCapacities;
}

/** Output of an air-to-water heat pump at full speed, bilinear in a table; outside the table its edge holds. */
export interface HeatPumpTable {
  readonly outdoorC: readonly number[];
  /** Water coming back from the floor. */
  readonly returnWaterC: readonly number[];
  /** One row per outdoor temperature, one column per water temperature. */
  readonly heatW: readonly (readonly number[])[];
  readonly cop: readonly (readonly number[])[];
}

/** Floor heating by one heat pump: a circuit through the pipes of each zone's floor, a thermostat in each zone. It does not cool. */
export interface FloorHeatingDescription {
  readonly heatPump: HeatPumpTable;
  /** Water through all circuits together, shared out by floor area, while heat is asked for. */
  readonly waterFlowKgS: number;
  readonly pumpW: number;
  /** Part of full output = gain · (setpoint + offset − air) + its integral over `integralTimeS`, between 0 and 1. */
  readonly thermostat: { readonly gainPerK: number; readonly integralTimeS: number; readonly offsetK: number };
}

export interface SizedCapacities {
  readonly zoneHeatingW: readonly number[];
  readonly zoneCoolingW: readonly number[];
  /** Rated, at the rating outdoor temperature. */
  readonly heatPumpRatedW: number;
  readonly auxiliaryHeatingW: number;
  /** Rated sensible. */
  readonly coolingRatedW: number;
}

export interface BuildingDescription {
  readonly id: string;
  readonly label: string;
  readonly zones: readonly ZoneDescription[];
  readonly surfaces: readonly OpaqueSurface[];
  readonly windows: readonly WindowSurface[];
  readonly films: Films;
  readonly groundReflectance: number;
  /** Under the floor, middle of each month. */
  readonly groundTempC: readonly number[];
  /** Share of transmitted sun that falls on the floor; the rest spreads over the other inside surfaces by area. */
  readonly solarToFloorFraction: number;
  readonly ventilation: WeekSchedule;
  readonly thermostat: { readonly heatingSetpointC: WeekSchedule; readonly coolingSetpointC: WeekSchedule };
  /** null: free-floating, or heated by `floorHeating` alone. */
  readonly hvac: HvacDescription | null;
  /** Only without `hvac`. */
  readonly floorHeating?: FloorHeatingDescription;
  /** Days simulated before the first asked-for one, so that walls carry their own history. */
  readonly conditioningDays: number;
}
