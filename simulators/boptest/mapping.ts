import { z } from "zod";
import { ID_PATTERN } from "#domain/points";
import { parseYaml } from "#simulators/yamlFile";

/** One zone as BOPTEST names it. Names of inputs are those that end in `_u`; `_activate` belongs to each. */
export interface BoptestZone {
  readonly id: string;
  /** In the brackets of forecast points: LowerSetp[…], UpperSetp[…], Occupancy[…], UpperCO2[…]. */
  readonly forecastZone: string;
  /** Measurement in K. */
  readonly zoneAirTemp: string;
  /** Inputs in K; null where the zone cannot be heated or cooled by a setpoint. */
  readonly heatingSetpoint: string | null;
  readonly coolingSetpoint: string | null;
  /** Measurement in ppm; null where there is none. */
  readonly co2: string | null;
}

/** Which of a test case's points are what. */
export interface BoptestMapping {
  readonly testCase: string;
  /** BOPTEST's `area`. */
  readonly floorAreaM2: number;
  /** Of the weather file: local standard time − UTC. */
  readonly timeZoneH: number;
  readonly zones: readonly BoptestZone[];
  /** What comes before TDryBul_y, HGloHor_y and so on in the weather station's measurements, e.g. `weaSta_reaWea`. */
  readonly weatherStation: string;
  /** Measurements in W that add up to what the equipment takes. */
  readonly electricPower: readonly string[];
  readonly gasPower: readonly string[];
  readonly districtHeatingPower: readonly string[];
  /** Heat takes hours to arrive (heated floors): rules need longer leads. */
  readonly answersSlowly: boolean;
}

const point = z.string().regex(/^[A-Za-z_]\w*$/, "should be a point's name as the service lists it");
const input = point.regex(/_u$/, "should be an input's name, which ends in _u");
const mappingSchema = z
  .strictObject({
    testCase: z.string().min(1),
    floorAreaM2: z.number().positive(),
    timeZoneH: z.number().min(-12).max(14),
    zones: z
      .array(
        z.strictObject({
          id: z.string().regex(ID_PATTERN, "should hold only letters, digits, _ and -"),
          forecastZone: z.string().min(1),
          zoneAirTemp: point,
          heatingSetpoint: input.nullable().default(null),
          coolingSetpoint: input.nullable().default(null),
          co2: point.nullable().default(null),
        }),
      )
      .nonempty(),
    weatherStation: point,
    electricPower: z.array(point).default([]),
    gasPower: z.array(point).default([]),
    districtHeatingPower: z.array(point).default([]),
    answersSlowly: z.boolean().default(false),
  })
  .superRefine(({ zones, electricPower, gasPower, districtHeatingPower }, context) => {
    const seen = new Set<string>();
    zones.forEach(({ id, heatingSetpoint, coolingSetpoint }, i) => {
      if (seen.has(id)) context.addIssue({ code: "custom", path: ["zones", i, "id"], message: `two zones are called "${id}"` });
      seen.add(id);
      if (heatingSetpoint === null && coolingSetpoint === null)
        context.addIssue({
          code: "custom",
          path: ["zones", i],
          message: `zone "${id}" has neither a heatingSetpoint nor a coolingSetpoint`,
        });
    });
    if (electricPower.length + gasPower.length + districtHeatingPower.length === 0)
      context.addIssue({ code: "custom", path: ["electricPower"], message: "no power is measured: name at least one point" });
  });

/** Reads a mapping; every error at once, each with its line, in one `IsothermError` (configuration). */
export const parseMapping = (text: string, file: string): BoptestMapping =>
  parseYaml(text, file, mappingSchema, "BOPTEST mapping", "See simulators/boptest/README.md for an example.");
