import { configurationError, IsothermError, unavailableError, usageError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { ModelChange, ModelVersionHead, ModelVersionStore } from "#domain/store";
import { everInForce, stateOf, type VersionState, versionsInForce } from "#loop/modelLedger";
import { closestName } from "#math/closestName";
import { modelFromJson } from "#models/modelJson";

/** What a model must be made for to work at a site. */
export interface ModelSite {
  readonly id: string;
  readonly zones: readonly string[];
  readonly stepS: number;
}

export interface VersionView {
  readonly version: string;
  readonly createdMs: number;
  readonly state: VersionState;
  /** When it last came into force; null where it never did. */
  readonly inForceSinceMs: number | null;
  /** Why it is what it is: of its newest change. */
  readonly reason: string;
  /** Held-out figures and where it came from. */
  readonly summary: ModelVersionHead["summary"];
}

/** Every version that is kept, newest first, and the log of what became of them. */
export interface ModelList {
  readonly site: string;
  readonly inForce: string | null;
  /** What a roll-back would go to; null where nothing was in force before. */
  readonly rollbackTo: string | null;
  readonly versions: readonly VersionView[];
  /** Newest first. */
  readonly changes: readonly ModelChange[];
}

export interface ModelOrder {
  readonly version: string;
  readonly by: string;
  readonly reason: string;
}

export interface ModelOrderResult {
  readonly version: string;
  readonly before: string | null;
  /** False where it was in force already: nothing was recorded. */
  readonly changed: boolean;
}

type VersionStore = Required<ModelVersionStore>;

export const listModels = async (store: VersionStore, site: string): Promise<ModelList> => {
  const [heads, changes] = [await store.modelVersionHeads(), await store.modelChanges()];
  const stack = versionsInForce(changes);
  return {
    site,
    inForce: stack.at(-1) ?? null,
    rollbackTo: stack.at(-2) ?? null,
    versions: heads.map(({ id, createdMs, summary }) => {
      const own = changes.filter(({ version }) => version === id);
      const worked = own.findLast(({ kind }) => kind !== "refused" && kind !== "forgotten");
      const state = stateOf(id, changes);
      return {
        version: id,
        createdMs,
        state,
        inForceSinceMs: worked?.timeMs ?? null,
        reason: own.at(-1)?.reason ?? "",
        summary,
      };
    }),
    changes: [...changes].reverse(),
  };
};

const refused = (version: string, why: string): IsothermError =>
  configurationError(`Model ${version} ${why}.`, { todo: "Choose another version; isotherm model list shows them." });

/** Refuses a model that was made for other zones, another step or another site. */
const checkFits = (model: BuildingModel, head: ModelVersionHead, site: ModelSite): void => {
  const made = head.summary.site;
  if (typeof made === "string" && made !== site.id) throw refused(head.id, `was learned at the site ${made}, this one is ${site.id}`);
  const zones = model.zones.map(({ zone }) => zone);
  if (zones.length !== site.zones.length || site.zones.some((zone) => !zones.includes(zone)))
    throw refused(head.id, `knows the zones ${zones.join(", ")}, the site has ${site.zones.join(", ")}`);
  if (model.stepS !== site.stepS) throw refused(head.id, `has steps of ${model.stepS} s, the site has ${site.stepS} s`);
};

const unknownVersion = (version: string, heads: readonly ModelVersionHead[], changes: readonly ModelChange[]): IsothermError => {
  const forgotten = changes.findLast((change) => change.kind === "forgotten" && change.version === version);
  if (forgotten !== undefined)
    return refused(version, `was forgotten on ${new Date(forgotten.timeMs).toISOString().slice(0, 10)}: ${forgotten.reason}`);
  const near = closestName(
    version,
    heads.map(({ id }) => id),
  );
  return usageError(
    `There is no model ${version}${near === null ? "" : `; did you mean ${near}?`}`,
    heads.length === 0 ? "None has been learned yet." : "isotherm model list shows the versions.",
  );
};

/** The model of a version, whole and made for this site; otherwise an IsothermError that says what is wrong with it. */
export const modelOfVersion = async (store: VersionStore, site: ModelSite, version: string): Promise<BuildingModel> => {
  const heads = await store.modelVersionHeads();
  const head = heads.find(({ id }) => id === version);
  if (head === undefined) throw unknownVersion(version, heads, await store.modelChanges());
  const stored = await store.modelVersion(version);
  if (stored === null) throw refused(version, "is damaged: its checksum does not match");
  let model: BuildingModel;
  try {
    model = modelFromJson(stored.json);
  } catch (error) {
    if (!(error instanceof IsothermError)) throw error;
    throw configurationError(`Model ${version} is damaged. ${error.message}`, {
      todo: "Choose another version; isotherm model list shows them.",
      cause: error,
    });
  }
  checkFits(model, head, site);
  return model;
};

/**
 * The model that was in force; where that one cannot be used (damaged, of other zones), the newest of those before it that can, and the change is recorded.
 * Null where none can. A store that does not answer rejects.
 */
export const modelInForce = async (
  store: VersionStore,
  site: ModelSite,
  parts: {
    readonly nowMs: number;
    readonly record: (change: ModelChange) => Promise<void>;
    readonly onWarning: (text: string) => void;
  },
): Promise<BuildingModel | null> => {
  const stack = versionsInForce(await store.modelChanges());
  const before = stack.at(-1) ?? null;
  const troubles: string[] = [];
  for (const version of stack.toReversed()) {
    try {
      const model = await modelOfVersion(store, site, version);
      if (troubles.length > 0)
        await parts.record({ timeMs: parts.nowMs, kind: "rolled-back", version, before, by: "start", reason: troubles.join(" ") });
      return model;
    } catch (error) {
      if (!(error instanceof IsothermError) || error.kind === "retryable") throw error;
      troubles.push(error.message);
      parts.onWarning(`${error.message} It is not used.`);
    }
  }
  return null;
};

/** The disk stays bounded: the newest versions are kept whatever became of them, and the latest of those that were in force. What is forgotten is recorded. */
export const forgetOldVersions = async (
  store: VersionStore,
  { keptVersions, keptInForce }: { readonly keptVersions: number; readonly keptInForce: number },
  parts: { readonly inUse: string | null; readonly nowMs: number; readonly record: (change: ModelChange) => Promise<void> },
): Promise<void> => {
  const inForce = everInForce(await store.modelChanges()).slice(-keptInForce);
  const forgotten = await store.pruneModelVersions(keptVersions, parts.inUse === null ? inForce : [...inForce, parts.inUse]);
  const reason = `only the newest ${keptVersions} versions and the latest ${keptInForce} that were in force are kept`;
  for (const version of forgotten)
    await parts.record({ timeMs: parts.nowMs, kind: "forgotten", version, before: parts.inUse, by: "learning", reason });
};

export interface ModelKeeper {
  list(): Promise<ModelList>;
  promote(order: ModelOrder): Promise<ModelOrderResult>;
  /** Goes to the version in force before the present one. */
  rollback(order: Omit<ModelOrder, "version">): Promise<ModelOrderResult>;
  /** Runs while no order is under way. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * What people order about models. A version is read and checked first, then the change is recorded, then it is put to work: an order that fails
 * changes nothing, and what was recorded holds after a restart. One order at a time.
 */
export const createModelKeeper = (parts: {
  readonly store: VersionStore;
  readonly site: ModelSite;
  readonly nowMs: () => number | Promise<number>;
  readonly record: (change: ModelChange) => Promise<void>;
  /** Puts a model to work; absent where no daemon runs: then the next start does. */
  readonly use?: (model: BuildingModel) => Promise<void>;
}): ModelKeeper => {
  const { store, site } = parts;
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work, work);
    queue = result.catch(() => undefined);
    return result;
  };
  const inForce = async (): Promise<readonly string[]> => versionsInForce(await store.modelChanges());
  const put = async (kind: "promoted" | "rolled-back", { version, by, reason }: ModelOrder): Promise<ModelOrderResult> => {
    const before = (await inForce()).at(-1) ?? null;
    const model = await modelOfVersion(store, site, version);
    if (before === version) return { version, before, changed: false };
    await parts.record({ timeMs: await parts.nowMs(), kind, version, before, by, reason });
    await parts.use?.(model);
    return { version, before, changed: true };
  };
  return {
    inTurn,
    list: () => listModels(store, site.id),
    promote: (order) => inTurn(() => put("promoted", order)),
    rollback: (order) =>
      inTurn(async () => {
        const stack = await inForce();
        const version = stack.at(-2);
        if (version === undefined)
          throw unavailableError(
            stack.length === 0 ? "No model is in force." : `There is no version before ${stack[0]}, which is the first that was in force.`,
            { todo: "isotherm model list shows the versions; isotherm model promote puts any of them to work." },
          );
        return put("rolled-back", { ...order, version });
      }),
  };
};
