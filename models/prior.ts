import { readFileSync } from "node:fs";
import { z } from "zod";
import { configurationError } from "#domain/errors";
import { jsonFaultLine } from "#models/jsonFaultLine";

/** A normal prior on one number: log hyperparameters, or a mean coefficient. */
const normalSchema = z.strictObject({ location: z.number(), spread: z.number().positive() });

const sourceSchema = z.strictObject({
  /** Building and city, e.g. `five-zone-office/pittsburgh`. */
  name: z.string(),
  building: z.string(),
  weather: z.string(),
  /** First day of each segment, ISO. */
  segments: z.array(z.string()),
  rows: z.number(),
  /** See `dayFingerprints`: recognises the source's weather in other data. */
  dayFingerprints: z.array(z.string()),
});

/** How entries vary together: what one says of the others. Entries are log hyperparameters by name and mean coefficients as `mean.<key>`. */
const covarianceSchema = z.strictObject({
  names: z.array(z.string()).min(1),
  /** Below the diagonal, row by row: (1,0), (2,0), (2,1) … Standard deviations are the entries' spreads. */
  correlations: z.array(z.number().min(-1).max(1)),
});

/** How locations follow a zone's size and ratings: location + Σ effect × (predictor − centre). */
const scalingSchema = z.strictObject({
  predictors: z.array(
    z.strictObject({ name: z.enum(["logFloorAreaM2", "logDesignHeatingWm2", "logDesignCoolingWm2"]), centre: z.number() }),
  ),
  /** By mean coefficient: one effect a predictor. */
  meanCoefficients: z.record(z.string(), z.array(z.number())),
});

const skippedSchema = z.strictObject({ name: z.string(), reason: z.string() });

const priorSchema = z.strictObject({
  /** 2 adds `covariance`, `scaling` and more of the manifest, all of them optional; 1 is read as ever. */
  schema: z.enum(["isotherm-prior-1", "isotherm-prior-2"]),
  name: z.string(),
  model: z.literal("thermostat"),
  stepS: z.number().positive(),
  /** Natural logarithms. */
  logHyperparameters: z.record(z.string(), normalSchema),
  meanCoefficients: z.record(z.string(), normalSchema),
  covariance: covarianceSchema.optional(),
  scaling: scalingSchema.optional(),
  manifest: z.strictObject({
    made: z.string(),
    version: z.string(),
    command: z.string(),
    seed: z.number(),
    sources: z.array(sourceSchema),
    logMarginalLikelihoodPerRow: z.number(),
    /** EnergyPlus, where the sources were simulated. */
    engine: z.string().optional(),
    /** Zone-runs that were learned from, and those that were not, with the reason. */
    tasks: z.number().optional(),
    skipped: z.array(skippedSchema).optional(),
    /** log p of buildings left out, per zone-run: of what was chosen and of what it was chosen against. */
    leftOutLogLikelihood: z.record(z.string(), z.number()).optional(),
  }),
});

/** What other buildings taught: location and spread of every log hyperparameter and mean coefficient, with its sources. */
export type Prior = z.infer<typeof priorSchema>;
export type PriorSource = z.infer<typeof sourceSchema>;
export type NormalPrior = z.infer<typeof normalSchema>;
export type PriorCovariance = z.infer<typeof covarianceSchema>;
export type PriorScaling = z.infer<typeof scalingSchema>;

/** What is known of a zone's size and equipment before it has any data; absent: unknown. */
export interface ZoneRatings {
  readonly floorAreaM2?: number;
  /** Heat that its equipment is sized to deliver. */
  readonly designHeatingW?: number;
  /** Heat that its equipment is sized to take away. */
  readonly designCoolingW?: number;
}

/** Reads a prior; a file that is no prior is refused with every fault (exit code 78). */
export const readPrior = (file: string): Prior => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw configurationError("This prior cannot be read.", {
      place: { file },
      todo: "Give a file made by `isotherm meta-train`, or `none`.",
      cause,
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw configurationError("This prior is not valid JSON.", {
      place: { file, line: jsonFaultLine(text) },
      todo: "Make it again with `isotherm meta-train`.",
      cause,
    });
  }
  const result = priorSchema.safeParse(json);
  if (!result.success) {
    const faults = result.error.issues.slice(0, 8).map(({ path, message }) => `${path.join(".") || "(file)"}: ${message}`);
    throw configurationError(`This is not a prior: ${faults.join("; ")}.`, {
      place: { file },
      todo: "Make it again with `isotherm meta-train`.",
    });
  }
  const prior = result.data;
  const { covariance } = prior;
  if (covariance !== undefined) {
    const count = covariance.names.length;
    const unknown = covariance.names.filter(
      (name) => (name.startsWith(MEAN) ? prior.meanCoefficients[name.slice(MEAN.length)] : prior.logHyperparameters[name]) === undefined,
    );
    if (covariance.correlations.length !== (count * (count - 1)) / 2 || unknown.length > 0 || new Set(covariance.names).size !== count)
      throw configurationError(
        `This is not a prior: covariance: ${unknown.length > 0 ? `${unknown[0]} has no location` : `${covariance.correlations.length} correlations for ${count} different names`}.`,
        { place: { file }, todo: "Make it again with `isotherm meta-train`." },
      );
  }
  return prior;
};

/** Before the key of a mean coefficient where it stands among hyperparameters. */
export const MEAN = "mean.";

/**
 * What people bring along (lights, machines) is every zone's own, however alike the sources' zones were: no prior is surer of it than this, K a step at full
 * occupancy. A five-zone office's other zones were else held to the gains of the one that taught the prior, and mornings missed by 0.6 K.
 */
const OWN_GAINS = /^linear\.lengthscale\.disturbance\.occupancyCount\./;
const OWN_GAINS_SPREAD_K = 0.3;

/**
 * What full cooling takes is every zone's own too, and a learned prior knows little of it: only rows at its limit teach it, and those are the hours in which it is weak or
 * off by its own schedule. An office whose cooling is off at night taught 0.08 ± 0.24 K a quarter of an hour; its days, on the setpoint, need 1 to 5 K. No prior says less than
 * two kelvins a quarter of an hour, nor is surer of it than a kelvin.
 */
const OWN_CAPACITY = /^linear\.lengthscale\.cooling\*constant$/;
const LEAST_CAPACITY_K = 2;
const OWN_CAPACITY_SPREAD_K = 1;

/**
 * What full heating gives does not depend on what walls and furniture hold: that is the free float's. A morning of full heating slows down because the room loses more to
 * its cold mass, and a week in which heating never stops in a warm, empty room cannot tell that from equipment that weakens; told the wrong way, people's gains are taken for
 * small and rooms are warmed hours early. What is left: supply air at 35 to 40 °C gives some 4 % less for a kelvin that the room is warmer, 0.1 K a quarter of an hour for 2 K.
 */
const HEATING_BY_MASS = /^heating\*(difference|slowMean)\./;
const HEATING_BY_MASS_LENGTHSCALE = /^linear\.lengthscale\.heating\*(difference|slowMean)\./;
const HEATING_BY_MASS_SPREAD_K = 0.02;
/** A prior that is surer of it than this has learned free float and capacity together, one beside the other: it is taken at its word. */
const KNOWN_SPREAD_K = 0.5;
const knowsHeatingByMass = (prior: Prior | null): boolean => {
  const learned = prior?.meanCoefficients["heating*slowMean.3600"];
  return learned !== undefined && learned.spread <= KNOWN_SPREAD_K;
};
const WARMER_ROOM = "heating*slowMean.43200";
const WARMER_ROOM_K = 0.1;

/** Party walls pass hundredths of a kelvin a step on, per 2 K. Mornings in which all zones warm up together look like more, and then a room that is heated early seems to heat the others. */
const PARTY_WALL = /^linear\.lengthscale\.neighbour$/;
const PARTY_WALL_SPREAD_K = 1 / 60;

/** Priors that hold without any source building, by hyperparameter name pattern: log location and spread, first match counts. */
const genericHyperparameters: readonly (readonly [RegExp, number, number])[] = [
  [/^smooth\.outputScale$/, 2 * Math.log(0.2), 2],
  // A zone with a slow emitter moves by hundredths of a kelvin a step, and what heat does in it is all but linear.
  [/^(smooth|daily)\.outputScale\.slow$/, 2 * Math.log(0.003), 0.5],
  [/^smooth\.lengthscale\./, Math.log(4), 1],
  [/^linear\.lengthscale\.neighbour$/, Math.log(8), 1],
  [/^linear\.lengthscale\.disturbance\.occupancyCount\./, -Math.log(OWN_GAINS_SPREAD_K), 0.7],
  // What turns with the hour, and the envelope beside the outdoor air itself, must show itself in the data before it counts.
  [/^linear\.lengthscale\.disturbance\..*\*(sin|cos)1$/, Math.log(25), 1],
  [/^linear\.lengthscale\.offset\..*~\d+$/, Math.log(20), 1],
  [/^linear\.lengthscale\.(heating|cooling)\*constant$/, Math.log(0.7), 0.7],
  [/^linear\.lengthscale\.(heating|cooling)\*/, Math.log(4), 1],
  [/^linear\.lengthscale\./, Math.log(8), 1.2],
  [/^daily(Cooling)?\.outputScale$/, 2 * Math.log(0.2), 2],
  [/^daily(Cooling)?\.lengthscale\.workday$/, Math.log(0.5), 1],
  [/^daily(Cooling)?\.lengthscale\./, Math.log(0.08), 0.5],
  [/^dailyCooling\.gate$/, 0, 1],
  [/^noiseVariance$/, 2 * Math.log(0.05), 2],
];

/** As `genericHyperparameterPrior`, of a mean coefficient: capacity of about 2 K in a quarter of an hour, a pull of 1/80 towards outdoor air and of 1/20 towards the fast mass; the rest is left to the data. */
export const genericCoefficient = (key: string, stepS: number): NormalPrior => {
  const steps = stepS / 900;
  if (key === "heating*constant") return { location: 2 * steps, spread: 1 };
  if (key === "cooling*constant") return { location: -2 * steps, spread: 1 };
  if (key === "offset.outdoorAirTempC") return { location: 0.1 * steps, spread: 0.5 };
  if (key === "slowMean.3600") return { location: 0.05 * steps, spread: 0.5 };
  return { location: 0, spread: 1 };
};

/** What is held of a log hyperparameter where no building has taught it: the start of what is learned from many. */
export const genericHyperparameterPrior = (name: string): NormalPrior => {
  const generic = genericHyperparameters.find(([pattern]) => pattern.test(name));
  if (generic === undefined) throw new RangeError(`No prior speaks of the hyperparameter ${name}.`);
  return { location: generic[1], spread: generic[2] };
};

/** A zone's view of one log hyperparameter: the prior's, where it has none the generic one, and what physics says of either. */
export const hyperparameterPrior = (prior: Prior | null, name: string): NormalPrior => {
  const learned = prior?.logHyperparameters[name];
  if (HEATING_BY_MASS_LENGTHSCALE.test(name) && !knowsHeatingByMass(prior))
    return { location: Math.max(learned?.location ?? 0, -Math.log(HEATING_BY_MASS_SPREAD_K)), spread: 0.3 };
  if (learned === undefined)
    return PARTY_WALL.test(name) ? { location: -Math.log(PARTY_WALL_SPREAD_K), spread: 0.3 } : genericHyperparameterPrior(name);
  if (OWN_GAINS.test(name)) return { ...learned, location: Math.min(learned.location, -Math.log(OWN_GAINS_SPREAD_K)) };
  if (OWN_CAPACITY.test(name)) return { ...learned, location: Math.min(learned.location, Math.log(1 / OWN_CAPACITY_SPREAD_K)) };
  return learned;
};

/** A zone's view of one mean coefficient, likewise. */
export const coefficientPrior = (prior: Prior | null, key: string, stepS: number): NormalPrior => {
  const learned = prior?.meanCoefficients[key];
  const steps = stepS / 900;
  if (HEATING_BY_MASS.test(key) && !knowsHeatingByMass(prior))
    return { location: key === WARMER_ROOM ? WARMER_ROOM_K * steps : 0, spread: learned?.spread ?? 1 };
  if (learned === undefined) return genericCoefficient(key, stepS);
  if (key === "cooling*constant") return { ...learned, location: Math.min(learned.location, -LEAST_CAPACITY_K * steps) };
  return learned;
};
