import { z } from "zod";
import { ID_PATTERN } from "#domain/points";
import type { BuildingDescription } from "#simulators/rc/description";
import { parseYaml, readTextFile } from "#simulators/yamlFile";

const positive = z.number().finite().positive();
const atLeastZero = z.number().finite().nonnegative();
const fraction = z.number().min(0).max(1);
const finite = z.number().finite();
const id = z.string().regex(ID_PATTERN, "should hold only letters, digits, _ and -");
const minutesPerDay = 1440;

const daySchedule = z
  .array(z.tuple([z.number().int().positive().max(minutesPerDay), finite]))
  .nonempty()
  .refine((day) => day.at(-1)?.[0] === minutesPerDay, "the last entry should end at minute 1440")
  .refine((day) => day.every(([until], i) => i === 0 || until > day[i - 1]![0]), "the minutes should grow from entry to entry");
const weekSchedule = z.strictObject({ weekday: daySchedule, saturday: daySchedule, sunday: daySchedule });
const material = z.strictObject({ conductivityWmK: positive, densityKgm3: positive, specificHeatJkgK: positive });
const pipes = z
  .strictObject({
    spacingM: positive,
    outerDiameterM: positive,
    wallThicknessM: positive,
    wallConductivityWmK: positive,
    surroundingConductivityWmK: positive,
  })
  .refine(({ outerDiameterM, wallThicknessM }) => 2 * wallThicknessM < outerDiameterM, "the wall is thicker than the pipe")
  .refine(({ spacingM, outerDiameterM }) => spacingM > Math.PI * outerDiameterM, "spacingM should be more than π times the diameter");
const layers = z
  .array(
    z.union([z.strictObject({ material, thicknessM: positive }), z.strictObject({ resistanceM2KW: positive }), z.strictObject({ pipes })]),
  )
  .nonempty()
  .refine(
    (all) => all.every((layer, i) => !("pipes" in layer) || (i > 0 && i < all.length - 1 && !("pipes" in all[i + 1]!))),
    "pipes should lie between two layers",
  );
const construction = z.strictObject({
  layers,
  outsideSolarAbsorptance: fraction,
  outsideEmissivity: fraction,
});
const angle = { azimuthDeg: z.number().min(0).max(360), tiltDeg: z.number().min(0).max(180) };
const boundary = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("outdoor"), ...angle }),
  z.strictObject({ kind: z.literal("ground") }),
  z.strictObject({ kind: z.literal("zone"), zone: id }),
  z.strictObject({ kind: z.literal("adiabatic") }),
]);
const outdoorLine = z.strictObject({ rated: positive, ratedOutdoorC: finite, slopePerK: finite, minimum: positive });
const hvac = z.strictObject({
  heatPump: z.strictObject({ relativeCapacity: outdoorLine, cop: outdoorLine }).nullable(),
  cooling: z.strictObject({ relativeCapacity: outdoorLine, cop: outdoorLine, sensibleHeatRatio: fraction.refine((x) => x > 0) }),
  economizer: z.strictObject({ limitC: finite }).nullable(),
  supplyAir: z.strictObject({ coolingC: finite, heatingC: finite }),
  fan: z.strictObject({ specificPowerWPerM3s: atLeastZero, minimumFlowFraction: fraction }),
  sizing: z.strictObject({ heatingFactor: positive, coolingFactor: positive }),
  capacities: z
    .strictObject({
      zoneHeatingW: z.array(atLeastZero),
      zoneCoolingW: z.array(atLeastZero),
      heatPumpRatedW: atLeastZero,
      auxiliaryHeatingW: atLeastZero,
      coolingRatedW: atLeastZero,
    })
    .exactOptional(),
});

const growing = z
  .array(finite)
  .min(2)
  .refine((values) => values.every((value, i) => i === 0 || value > values[i - 1]!), "the values should grow");
const floorHeating = z.strictObject({
  heatPump: z
    .strictObject({
      outdoorC: growing,
      returnWaterC: growing,
      heatW: z.array(z.array(positive)),
      cop: z.array(z.array(positive)),
    })
    .refine(
      ({ outdoorC, returnWaterC, heatW, cop }) =>
        [heatW, cop].every((table) => table.length === outdoorC.length && table.every((row) => row.length === returnWaterC.length)),
      "heatW and cop should have a row for each of outdoorC and a column for each of returnWaterC",
    ),
  waterFlowKgS: positive,
  pumpW: atLeastZero,
  thermostat: z.strictObject({ gainPerK: positive, integralTimeS: positive, offsetK: finite }),
});

const buildingSchema = z
  .strictObject({
    id,
    label: z.string().min(1),
    zones: z
      .array(
        z.strictObject({
          id,
          label: z.string().min(1),
          floorAreaM2: positive,
          volumeM3: positive,
          people: z.strictObject({
            count: atLeastZero,
            sensibleWPerPerson: atLeastZero,
            radiantFraction: fraction,
            schedule: weekSchedule,
          }),
          gains: z.array(z.strictObject({ designW: atLeastZero, radiantFraction: fraction, schedule: weekSchedule })),
          infiltrationAirChangesPerHour: atLeastZero,
          ventilationM3s: atLeastZero,
          internalMass: z.strictObject({ areaM2: positive, construction }).nullable(),
        }),
      )
      .nonempty(),
    surfaces: z
      .array(
        z.strictObject({
          id: z.string().min(1),
          zone: id,
          role: z.enum(["wall", "floor", "ceiling"]),
          areaM2: positive,
          construction,
          boundary,
        }),
      )
      .nonempty(),
    windows: z.array(
      z.strictObject({
        id: z.string().min(1),
        zone: id,
        areaM2: positive,
        ...angle,
        uWm2K: positive.max(7, "should be below 7: a single pane has about 5.8"),
        solarHeatGainCoefficient: fraction,
        angular: z
          .strictObject({ anglesDeg: z.array(z.number().min(0).max(90)).min(2), factors: z.array(fraction).min(2), diffuse: fraction })
          .refine(({ anglesDeg, factors }) => anglesDeg.length === factors.length, "anglesDeg and factors should be equally long")
          .refine(({ anglesDeg }) => anglesDeg.every((a, i) => i === 0 || a > anglesDeg[i - 1]!), "anglesDeg should grow"),
      }),
    ),
    films: z.strictObject({
      insideConvectiveWm2K: z.strictObject({ wall: positive, floor: positive, ceiling: positive }),
      insideRadiativeWm2K: positive,
      outsideWm2K: positive,
    }),
    groundReflectance: fraction,
    groundTempC: z.array(finite).length(12),
    solarToFloorFraction: fraction,
    ventilation: weekSchedule,
    thermostat: z.strictObject({ heatingSetpointC: weekSchedule, coolingSetpointC: weekSchedule }),
    hvac: hvac.nullable(),
    floorHeating: floorHeating.exactOptional(),
    conditioningDays: z.number().int().min(0).max(60),
  })
  .superRefine(({ zones, surfaces, windows, hvac: unit, floorHeating: floors }, context) => {
    const refuse = (path: (string | number)[], message: string): void => context.addIssue({ code: "custom", path, message });
    if (floors !== undefined && unit !== null) refuse(["floorHeating"], "belongs to buildings with hvac: null");
    if (floors !== undefined && !surfaces.some((surface) => surface.construction.layers.some((layer) => "pipes" in layer)))
      refuse(["floorHeating"], "needs a floor with a layer of pipes");
    const known = new Set(zones.map((zone) => zone.id));
    if (known.size !== zones.length) refuse(["zones"], "two zones have the same id");
    const unknown = (zone: string): string => `there is no zone "${zone}"; the zones are ${[...known].join(", ")}`;
    surfaces.forEach((surface, i) => {
      if (!known.has(surface.zone)) refuse(["surfaces", i, "zone"], unknown(surface.zone));
      if (surface.boundary.kind === "zone" && !known.has(surface.boundary.zone))
        refuse(["surfaces", i, "boundary", "zone"], unknown(surface.boundary.zone));
    });
    if (new Set(surfaces.map((surface) => surface.id)).size !== surfaces.length) refuse(["surfaces"], "two surfaces have the same id");
    windows.forEach((window, i) => {
      if (!known.has(window.zone)) refuse(["windows", i, "zone"], unknown(window.zone));
    });
    zones.forEach((zone, i) => {
      if (!surfaces.some((s) => s.zone === zone.id || (s.boundary.kind === "zone" && s.boundary.zone === zone.id)))
        refuse(["zones", i, "id"], `the zone "${zone.id}" has no surface`);
    });
    for (const name of ["zoneHeatingW", "zoneCoolingW"] as const)
      if (unit?.capacities !== undefined && unit.capacities[name].length !== zones.length)
        refuse(["hvac", "capacities", name], `should hold one value for each of the ${zones.length} zones`);
  });

/** A building description (description.ts) from YAML or JSON text; anchors and aliases share constructions and schedules. All errors at once, with their lines. */
export const parseBuilding = (text: string, file: string): BuildingDescription =>
  parseYaml(
    text,
    file,
    buildingSchema,
    "building",
    "simulators/rc/description.ts tells every field; simulators/rc/README.md the physics behind them.",
  );

export const readBuildingFile = (file: string, todo: string): BuildingDescription =>
  parseBuilding(readTextFile(file, "building", todo), file);
