import { z } from "zod";
import { ID_PATTERN } from "#domain/points";

// Every topic and key of federated learning stands in this file. Messages hold hyperparameters, gradients and sufficient statistics, never a time series.

export const FEDERATION_SCHEMA = "isotherm-federation-1";
/** Longer payloads are refused unread. */
export const MAX_PAYLOAD_BYTES = 262_144;
/** Hyperparameters, or mean coefficients, of one federation at most. */
const MAX_NAMES = 256;
/** Zone-weeks of one participant at most. */
const MAX_TASKS = 64;
/** Days that a source's fingerprints may speak of. */
const MAX_FINGERPRINTS = 4000;

/** Topics of a federation. Its root is its own: what may be read below a site's `isotherm/#` says nothing of it. An id outside `[a-zA-Z0-9_-]` throws RangeError. */
export const federationTopics = (federation: string) => {
  const base = `isotherm-federation/${checked(federation)}`;
  return {
    /** What a participant says; `+` for everybody. */
    from: (id: string): string => `${base}/from/${id === "+" ? id : checked(id)}`,
    /** What the coordinator says to one participant. */
    to: (id: string): string => `${base}/to/${checked(id)}`,
  };
};

const checked = (id: string): string => {
  if (!ID_PATTERN.test(id) || id.length > 64)
    throw new RangeError(`Not an id in a federation: "${id.slice(0, 40)}" (allowed: a-z A-Z 0-9 _ -)`);
  return id;
};

/** The participant in a topic `…/from/<id>`; null for any other. */
export const participantOf = (topic: string): string | null => {
  const [root, , direction, id, ...rest] = topic.split("/");
  return root === "isotherm-federation" &&
    direction === "from" &&
    id !== undefined &&
    rest.length === 0 &&
    ID_PATTERN.test(id) &&
    id.length <= 64
    ? id
    : null;
};

const id = z.string().regex(ID_PATTERN).max(64);
const name = z.string().min(1).max(80);
const text = z.string().max(500);
/** JSON has no NaN or Infinity; beyond 1e15 a number is no statistic of temperatures. */
const number = z.number().min(-1e15).max(1e15);
const byName = z.record(name, number).refine((values) => Object.keys(values).length <= MAX_NAMES, `more than ${MAX_NAMES} names`);
const list = z.array(number).max(MAX_NAMES);
/** Lower triangle by rows: no array is longer than there are names. */
const triangle = z
  .array(list)
  .max(MAX_NAMES)
  .refine((rows) => rows.every((row, i) => row.length === i + 1), "not a lower triangle");
const round = z.int().min(0).max(1e6);
const session = z.string().regex(/^[a-f0-9]{32}$/);

const sourceSchema = z.strictObject({
  name: z.string().min(1).max(200),
  building: z.string().max(200),
  weather: z.string().max(200),
  segments: z.array(z.string().max(40)).max(MAX_TASKS),
  rows: z.int().min(1),
  /** Hashes of whole days, see `dayFingerprints`; they recognise a day's weather and cannot be turned back into it. */
  dayFingerprints: z.array(z.string().regex(/^[a-f0-9]{8}$/)).max(MAX_FINGERPRINTS),
});

const ratingsSchema = z.strictObject({
  floorAreaM2: z.number().positive().optional(),
  designHeatingW: z.number().positive().optional(),
  designCoolingW: z.number().positive().optional(),
});

const taskSchema = z.strictObject({ name: z.string().min(1).max(200), rows: z.int().min(1).max(1e6), ratings: ratingsSchema });

const helloSchema = z.strictObject({
  schema: z.literal(FEDERATION_SCHEMA),
  kind: z.literal("hello"),
  /** Tells two processes of one id, and a restart, apart. */
  run: session,
  stepS: z.number().positive(),
  names: z.array(name).min(1).max(MAX_NAMES),
  keys: z.array(name).min(1).max(MAX_NAMES),
  tasks: z.array(taskSchema).min(1).max(MAX_TASKS),
  sources: z.array(sourceSchema).min(1).max(16),
});

const reply = { schema: z.literal(FEDERATION_SCHEMA), session, run: session, round };

/** Φᵀ K⁻¹ Φ (rows of its lower triangle, in the order of `keys`) and Φᵀ K⁻¹ y, summed over the participant's zone-weeks. */
const statisticsSchema = z.strictObject({
  ...reply,
  kind: z.literal("statistics"),
  keys: z.array(name).max(MAX_NAMES),
  normal: triangle,
  right: list,
});

/** θ_s of the local step, −log p there and its gradient. */
const stepSchema = z.strictObject({ ...reply, kind: z.literal("step"), theta: byName, value: number, gradient: byName });

/** −log p at the coordinator's θ and its gradient; null where θ has no likelihood. */
const gradientSchema = z.strictObject({ ...reply, kind: z.literal("gradient"), value: number.nullable(), gradient: byName });

/** What each zone-week says of hyperparameters and coefficients, as a quadratic (see `TaskSummary`). */
const summarySchema = z.strictObject({
  ...reply,
  kind: z.literal("summary"),
  keys: z.array(name).max(MAX_NAMES),
  tasks: z
    .array(z.strictObject({ name: z.string().min(1).max(200), curvature: byName, pull: byName, information: triangle, right: list }))
    .min(1)
    .max(MAX_TASKS),
});

const failureSchema = z.strictObject({ ...reply, kind: z.literal("failure"), reason: text });
/** A last will: the process is gone, or it leaves on its own. */
const goneSchema = z.strictObject({ schema: z.literal(FEDERATION_SCHEMA), kind: z.literal("gone"), run: session });

const fromParticipant = z.discriminatedUnion("kind", [
  helloSchema,
  statisticsSchema,
  stepSchema,
  gradientSchema,
  summarySchema,
  failureSchema,
  goneSchema,
]);

const order = { schema: z.literal(FEDERATION_SCHEMA), session, run: session, round };
const fromCoordinator = z.discriminatedUnion("kind", [
  z.strictObject({ ...order, kind: z.literal("statistics"), theta: byName }),
  /** Minimise −log p(θ) + ρ/2 ‖θ − centre‖² under mean coefficients β. */
  z.strictObject({ ...order, kind: z.literal("step"), beta: byName, centre: byName, rho: z.number().positive().max(1e9) }),
  z.strictObject({ ...order, kind: z.literal("gradient"), theta: byName, beta: byName }),
  z.strictObject({ ...order, kind: z.literal("summary"), theta: byName, beta: byName }),
  z.strictObject({ ...order, kind: z.literal("end"), isDone: z.boolean(), reason: text }),
]);

export type Hello = z.infer<typeof helloSchema>;
export type ParticipantMessage = z.infer<typeof fromParticipant>;
export type ParticipantReply = Extract<ParticipantMessage, { readonly round: number }>;
export type StatisticsReply = z.infer<typeof statisticsSchema>;
export type StepReply = z.infer<typeof stepSchema>;
export type GradientReply = z.infer<typeof gradientSchema>;
export type SummaryReply = z.infer<typeof summarySchema>;
export type CoordinatorMessage = z.infer<typeof fromCoordinator>;
export type FederationId = z.infer<typeof id>;

export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

const decodeBy =
  <T>(schema: z.ZodType<T>) =>
  (payload: string): Decoded<T> => {
    if (Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) return { ok: false, reason: `longer than ${MAX_PAYLOAD_BYTES} bytes` };
    let json: unknown;
    try {
      json = JSON.parse(payload);
    } catch {
      return { ok: false, reason: "not JSON" };
    }
    const result = schema.safeParse(json);
    if (result.success) return { ok: true, value: result.data };
    const faults = result.error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".") || "(message)"}: ${message}`);
    return { ok: false, reason: faults.join("; ").slice(0, 400) };
  };

/** Reads what a participant sent; what is too long, no JSON or of another form comes back as a reason. */
export const decodeParticipant = decodeBy<ParticipantMessage>(fromParticipant);
export const decodeCoordinator = decodeBy<CoordinatorMessage>(fromCoordinator);
