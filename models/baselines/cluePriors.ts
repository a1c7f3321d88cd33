import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Dataset } from "#domain/dataset";
import { configurationError } from "#domain/errors";
import type { ClueKernel, ClueVariant } from "#models/baselines/clueKernel";
import { seenSources } from "#models/shippedPriors";

export const CLUE_PRIOR_SCHEMA = "isotherm-clue-kernel-1";

const kernelSchema = z.strictObject({
  outputScale: z.number().positive(),
  lengthscale: z.number().positive(),
  noiseVariance: z.number().positive(),
});

const cluePriorSchema = z.strictObject({
  schema: z.literal(CLUE_PRIOR_SCHEMA),
  name: z.string(),
  stepS: z.number().positive(),
  /** One meta-kernel per variant. */
  kernels: z.strictObject({ published: kernelSchema, mended: kernelSchema } satisfies Record<ClueVariant, typeof kernelSchema>),
  manifest: z.strictObject({
    made: z.string(),
    command: z.string(),
    sources: z
      .array(
        z.strictObject({
          name: z.string(),
          building: z.string(),
          weather: z.string(),
          rows: z.number(),
          /** See `dayFingerprints`. */
          dayFingerprints: z.array(z.string()),
        }),
      )
      .min(1),
  }),
});

/** CLUE's meta-kernels, learned from the sources that the manifest names. */
export type CluePrior = z.infer<typeof cluePriorSchema>;

/** Folder of the meta-kernels that come with the package. */
export const shippedCluePriorsFolder = join(dirname(fileURLToPath(import.meta.url)), "../priors/clue");

/** Reads a meta-kernel file; anything else is refused (exit code 78). */
export const readCluePrior = (file: string): CluePrior => {
  const todo = "Make it again with scripts/makeCluePriors.mjs.";
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw configurationError("This CLUE meta-kernel cannot be read.", { place: { file }, todo, cause });
  }
  const result = cluePriorSchema.safeParse(json);
  if (!result.success) {
    const faults = result.error.issues.slice(0, 8).map(({ path, message }) => `${path.join(".") || "(file)"}: ${message}`);
    throw configurationError(`This is not a CLUE meta-kernel: ${faults.join("; ")}.`, { place: { file }, todo });
  }
  return result.data;
};

/** The shipped meta-kernels with the most sources, none of whose weather is in these data; null when every one has seen them. See `seenSources` for the names. */
export const shippedCluePriorFor = (
  dataset: Dataset,
  folder: string = shippedCluePriorsFolder,
  weatherNames: readonly string[] = [],
): { readonly prior: CluePrior; readonly file: string } | null => {
  if (!existsSync(folder)) return null;
  const candidates = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => ({ file: join(folder, name), prior: readCluePrior(join(folder, name)) }))
    .filter(
      ({ prior: { stepS, manifest } }) => stepS === dataset.stepS && seenSources(manifest.sources, dataset, weatherNames).length === 0,
    )
    .sort((a, b) => b.prior.manifest.sources.length - a.prior.manifest.sources.length);
  return candidates[0] ?? null;
};

/** The meta-kernel of one variant. */
export const clueKernelOf = (prior: CluePrior, variant: ClueVariant): ClueKernel => prior.kernels[variant];
