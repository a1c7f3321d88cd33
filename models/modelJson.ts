import { createHash } from "node:crypto";
import { z } from "zod";
import { IsothermError } from "#domain/errors";
import type { BuildingModel, PosteriorData, PowerModel } from "#domain/model";
import { POWER_DRIVERS } from "#math/powerInputs";

const FORMAT = "isotherm-model-2";

/** Float64 arrays as little-endian base64: exact, a third of the size of decimal text. */
const encodeArrays = (_key: string, value: unknown): unknown =>
  value instanceof Float64Array ? { float64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") } : value;

const decodeArrays = (_key: string, value: unknown): unknown => {
  const text = typeof value === "object" && value !== null && "float64" in value ? value.float64 : null;
  if (typeof text !== "string") return value;
  const bytes = Buffer.from(text, "base64");
  if (bytes.length % 8 !== 0) throw broken("an array is cut short");
  const out = new Float64Array(bytes.length / 8);
  new Uint8Array(out.buffer).set(bytes);
  return out;
};

const broken = (what: string): IsothermError =>
  new IsothermError("permanent", `This is not a whole model: ${what}.`, {
    todo: "Train again, or promote an earlier version.",
    exitCode: 78,
  });

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The model as one line of JSON with its own checksum; the same model gives the same text. */
export const modelToJson = (model: BuildingModel): string => {
  const body = JSON.stringify(model, encodeArrays);
  return JSON.stringify({ format: FORMAT, checksum: sha256(body), body });
};

const number = z.number();
const array = z.instanceof(Float64Array);

const posterior = z.looseObject({
  kernel: z.looseObject({ kind: z.string() }),
  meanCoefficients: array,
  basisInputs: array,
  m: number,
  d: number,
  alpha: array,
  varianceRoot: array,
  p: number,
});

const zonePosterior = posterior.extend({ features: z.array(z.looseObject({ term: z.looseObject({ kind: z.string() }), scale: number })) });

const modelSchema = z.strictObject({
  version: z.string(),
  kind: z.string(),
  stepS: number,
  zones: z.array(
    z.strictObject({
      zone: z.string(),
      transition: z.enum(["absolute", "increment", "thermostat"]),
      posterior: zonePosterior,
      noiseVarianceK2: number,
      heldOffsetK: number,
      heldStdDevK: number,
      stateGain: number,
      spreadScale: number,
      call: z
        .strictObject({
          kind: z.literal("effort"),
          zone: z.string(),
          gainPerK: number,
          integralTimeS: number.nullable(),
          offsetK: number,
          timeConstantS: z.null(),
        })
        .optional(),
      drift: z.strictObject({ decay: z.array(number), gain: z.array(number), limitK: number }).optional(),
      spread: z
        .strictObject({
          innovationVarianceK2: number,
          demandDoubt: number.optional(),
          capacityDoubt: number.optional(),
          leads: z.array(z.strictObject({ steps: number, factor: number })),
        })
        .optional(),
    }),
  ),
  power: z
    .strictObject({ posterior, zones: z.array(z.string()), inputScale: array, outputScaleW: number, noiseStdDevW: number })
    .nullable(),
  spreadBoundK: number,
  trainedFromMs: number,
  trainedToMs: number,
  trainRows: number,
  prior: z.string(),
  priorUse: z.strictObject({ chosenMs: number, byZone: z.record(z.string(), z.string()) }).optional(),
  summary: z.record(z.string(), z.union([z.number(), z.string()])),
});

const envelopeSchema = z.strictObject({ format: z.literal(FORMAT), checksum: z.string(), body: z.string() });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text, decodeArrays);
  } catch (error) {
    throw error instanceof IsothermError ? error : broken("it is not valid JSON, perhaps cut short");
  }
};

const otherFormat = (parsed: unknown): string | null => {
  const format = z.looseObject({ format: z.string().regex(/^isotherm-model-\d+$/) }).safeParse(parsed).data?.format;
  return format === undefined || format === FORMAT ? null : `it is of another version of isotherm (${format}, not ${FORMAT})`;
};

/** The model in this text; text that was cut, changed or made by another program is refused, never half-read. */
export const modelFromJson = (text: string): BuildingModel => {
  const parsed = parseJson(text);
  const envelope = envelopeSchema.safeParse(parsed);
  if (!envelope.success) throw broken(otherFormat(parsed) ?? "it lacks format, checksum or body");
  if (sha256(envelope.data.body) !== envelope.data.checksum) throw broken("its checksum does not fit");
  const body = parseJson(envelope.data.body);
  const checked = modelSchema.safeParse(body);
  if (!checked.success)
    throw broken(
      checked.error.issues
        .slice(0, 5)
        .map(({ path, message }) => `${path.join(".")}: ${message}`)
        .join("; "),
    );
  const result = body as BuildingModel;
  for (const zone of result.zones) checkShapes(zone.zone, zone.posterior);
  if (result.power !== null) checkPower(result.power);
  return result;
};

const checkPower = ({ posterior, zones, inputScale }: PowerModel): void => {
  checkShapes("power", posterior);
  const inputs = 2 * zones.length + POWER_DRIVERS;
  if (posterior.d !== inputs || inputScale.length !== inputs) throw broken(`its power has ${posterior.d} inputs, not ${inputs}`);
};

const checkShapes = (
  name: string,
  { basisInputs, m, d, alpha, varianceRoot, p, meanCoefficients }: Omit<PosteriorData, "features">,
): void => {
  const fits = basisInputs.length === m * d && alpha.length === m && varianceRoot.length === p * m && meanCoefficients.length === d;
  if (!fits) throw broken(`the arrays of ${name} do not fit each other`);
};
