import { describe, expect, it } from "vitest";
import { openInMemoryStore } from "#adapters/store/inMemoryStore";
import { describeModels } from "#cli/model";
import { createModelKeeper, forgetOldVersions, listModels, modelInForce } from "#cli/modelVersions";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { ModelChange, ModelChangeKind, ModelVersionStore } from "#domain/store";
import { modelToJson } from "#models/modelJson";
import { tinyModel, versionOf } from "./tinyModel.js";

const site = { id: "office", zones: ["a", "b"], stepS: 900 };

/** Versions v1, v2 (in force, one after the other) and v3 (not good enough). */
const threeVersions = async () => {
  const store = openInMemoryStore() as ReturnType<typeof openInMemoryStore> & Required<ModelVersionStore>;
  const used: BuildingModel[] = [];
  const change = (kind: ModelChangeKind, version: string, before: string | null, timeMs: number): ModelChange => ({
    timeMs,
    kind,
    version,
    before,
    by: "learning",
    reason: `${version} ${kind}`,
  });
  for (const [k, version] of ["v1", "v2", "v3"].entries()) await store.saveModelVersion(versionOf(tinyModel(version), k + 1));
  await store.recordModelChange(change("installed", "v1", null, 1));
  await store.recordModelChange(change("installed", "v2", "v1", 2));
  await store.recordModelChange(change("refused", "v3", "v2", 3));
  const recorded: ModelChange[] = [];
  const record = async (one: ModelChange): Promise<void> => {
    recorded.push(one);
    await store.recordModelChange(one);
  };
  const keeper = createModelKeeper({ store, site, nowMs: () => 50, record, use: async (model) => void used.push(model) });
  return { store, keeper, used, recorded, record };
};
const order = { by: "ann", reason: "drafty windows" };
const refusal = async (work: Promise<unknown>): Promise<IsothermError> => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(IsothermError);
  return error as IsothermError;
};

describe("versions of the model", () => {
  it("lists every version with what became of it and why", async () => {
    const { keeper } = await threeVersions();
    const list = await keeper.list();
    expect(list).toMatchObject({ site: "office", inForce: "v2", rollbackTo: "v1" });
    expect(list.versions.map(({ version, state, inForceSinceMs, reason }) => [version, state, inForceSinceMs, reason])).toEqual([
      ["v3", "refused", null, "v3 refused"],
      ["v2", "in-force", 2, "v2 installed"],
      ["v1", "was-in-force", 1, "v1 installed"],
    ]);
    expect(list.changes.map(({ kind }) => kind)).toEqual(["refused", "installed", "installed"]);
    const text = describeModels(list);
    expect(text).toMatch(/in force: v2; a roll-back goes to v1/);
    expect(text).toMatch(/^ {2}\* v2 +in force/m);
    expect(text).toMatch(/^ {4}v3 +not good enough/m);
    expect(describeModels({ ...list, versions: [] })).toMatch(/No model of office has been learned yet/);
  });

  it("puts a version to work that a person chose, also one that was not good enough, and writes down who and why", async () => {
    const { keeper, used, recorded } = await threeVersions();
    expect(await keeper.promote({ version: "v3", ...order })).toEqual({ version: "v3", before: "v2", changed: true });
    expect(used.map(({ version }) => version)).toEqual(["v3"]);
    expect(recorded).toEqual([{ timeMs: 50, kind: "promoted", version: "v3", before: "v2", ...order }]);
    expect(await keeper.list()).toMatchObject({ inForce: "v3", rollbackTo: "v2" });
  });

  it("changes nothing where the version is in force already", async () => {
    const { keeper, used, recorded } = await threeVersions();
    expect(await keeper.promote({ version: "v2", ...order })).toEqual({ version: "v2", before: "v2", changed: false });
    expect([used, recorded]).toEqual([[], []]);
  });

  it("rolls back to the version in force before, and again to the one before that, and then says that there is none", async () => {
    const { keeper, used } = await threeVersions();
    await keeper.promote({ version: "v3", ...order });
    expect(await keeper.rollback(order)).toMatchObject({ version: "v2", before: "v3" });
    expect(await keeper.rollback(order)).toMatchObject({ version: "v1", before: "v2" });
    expect(used.map(({ version }) => version)).toEqual(["v3", "v2", "v1"]);
    expect(await refusal(keeper.rollback(order))).toMatchObject({ exitCode: 69, message: expect.stringMatching(/no version before v1/) });
    const empty = createModelKeeper({
      store: openInMemoryStore() as never,
      site,
      nowMs: () => 0,
      record: async () => undefined,
    });
    expect(await refusal(empty.rollback(order))).toMatchObject({ exitCode: 69, message: "No model is in force." });
  });

  it.each([
    ["an unknown version", "v4", undefined, 2, /no model v4; did you mean v/],
    ["a version of other zones", "x", versionOf(tinyModel("x", { zoneIds: ["a", "c"] }), 9), 78, /knows the zones a, c, the site has a, b/],
    ["a version of more zones", "x", versionOf(tinyModel("x", { zoneIds: ["a", "b", "c"] }), 9), 78, /knows the zones a, b, c/],
    ["a version of another step", "x", versionOf(tinyModel("x", { stepS: 600 }), 9), 78, /steps of 600 s, the site has 900 s/],
    [
      "a version of another site",
      "x",
      versionOf(tinyModel("x"), 9, { site: "school" }),
      78,
      /learned at the site school, this one is office/,
    ],
    [
      "a version cut short",
      "x",
      versionOf(tinyModel("x"), 9, {}, modelToJson(tinyModel("x")).slice(0, 200)),
      78,
      /x is damaged.*cut short/,
    ],
    [
      "a version whose numbers were changed",
      "x",
      versionOf(tinyModel("x"), 9, {}, modelToJson(tinyModel("x")).replace("900", "901")),
      78,
      /checksum does not fit/,
    ],
  ])("refuses %s, says what is wrong, and changes nothing", async (_what, version, stored, exitCode, message) => {
    const { store, keeper, used, recorded } = await threeVersions();
    if (stored !== undefined) await store.saveModelVersion(stored);
    const error = await refusal(keeper.promote({ version, ...order }));
    expect(error.exitCode).toBe(exitCode);
    expect(error.message).toMatch(message);
    expect(error.todo).toMatch(/isotherm model list/);
    expect([used, recorded]).toEqual([[], []]);
    expect((await keeper.list()).inForce).toBe("v2");
  });

  it("refuses a version whose stored checksum does not match", async () => {
    const { store, keeper } = await threeVersions();
    const damaged = {
      ...store,
      modelVersionHeads: () => store.modelVersionHeads(),
      modelChanges: () => store.modelChanges(),
      modelVersion: async () => null,
    };
    const error = await refusal(
      createModelKeeper({ store: damaged as never, site, nowMs: () => 0, record: async () => undefined }).promote({
        version: "v1",
        ...order,
      }),
    );
    expect(error).toMatchObject({ exitCode: 78, message: expect.stringMatching(/v1 is damaged: its checksum/) });
    expect((await keeper.list()).inForce).toBe("v2");
  });

  it("puts nothing to work that it could not write down", async () => {
    const { store, used } = await threeVersions();
    const full = createModelKeeper({
      store,
      site,
      nowMs: () => 0,
      record: () => Promise.reject(new Error("disk full")),
      use: async (model) => void used.push(model),
    });
    await expect(full.promote({ version: "v1", ...order })).rejects.toThrow("disk full");
    expect(used).toEqual([]);
    // The failed order does not block the next.
    await expect(full.promote({ version: "v2", ...order })).resolves.toMatchObject({ changed: false });
  });

  it("takes orders one after the other", async () => {
    const { keeper, used } = await threeVersions();
    const results = await Promise.all([keeper.promote({ version: "v3", ...order }), keeper.rollback(order), keeper.rollback(order)]);
    expect(results.map(({ version, before }) => [version, before])).toEqual([
      ["v3", "v2"],
      ["v2", "v3"],
      ["v1", "v2"],
    ]);
    expect(used.map(({ version }) => version)).toEqual(["v3", "v2", "v1"]);
  });
});

describe("the model in force after a restart", () => {
  const quiet = { nowMs: 60, onWarning: () => undefined };
  it("is the one of before, also where a person chose it", async () => {
    const { store, keeper, recorded, record } = await threeVersions();
    await keeper.promote({ version: "v3", ...order });
    expect((await modelInForce(store, site, { ...quiet, record }))?.version).toBe("v3");
    await keeper.rollback(order);
    expect((await modelInForce(store, site, { ...quiet, record }))?.version).toBe("v2");
    expect(recorded.map(({ kind }) => kind)).toEqual(["promoted", "rolled-back"]);
  });

  it("is the one before a damaged one, and the log says so", async () => {
    const { store, record, recorded } = await threeVersions();
    await store.saveModelVersion(versionOf(tinyModel("v2"), 2, {}, modelToJson(tinyModel("v2")).slice(0, -30)));
    const warnings: string[] = [];
    const model = await modelInForce(store, site, { nowMs: 60, record, onWarning: (text) => warnings.push(text) });
    expect(model?.version).toBe("v1");
    expect(warnings).toHaveLength(1);
    expect(recorded).toEqual([
      { timeMs: 60, kind: "rolled-back", version: "v1", before: "v2", by: "start", reason: expect.stringMatching(/v2 is damaged/) },
    ]);
    expect((await listModels(store, site.id)).inForce).toBe("v1");
  });

  it("is none where the zones have changed, and nothing is recorded", async () => {
    const { store, record, recorded } = await threeVersions();
    expect(await modelInForce(store, { ...site, zones: ["a"] }, { ...quiet, record })).toBeNull();
    expect(recorded).toEqual([]);
  });

  it("is not guessed where the store does not answer", async () => {
    const { store, record } = await threeVersions();
    const silent = new Proxy(store, {
      get: (target, name) =>
        name === "modelVersion"
          ? () => Promise.reject(new IsothermError("retryable", "the disk failed"))
          : (Reflect.get(target, name) as () => unknown).bind(target),
    });
    await expect(modelInForce(silent, site, { ...quiet, record })).rejects.toThrow("the disk failed");
  });
});

describe("forgetting old versions", () => {
  it("keeps the newest and those that were in force, as many as told, and writes down what is gone", async () => {
    const { store, record, recorded, keeper } = await threeVersions();
    for (let k = 4; k <= 8; k++) await store.saveModelVersion(versionOf(tinyModel(`v${k}`), k));
    await forgetOldVersions(store, { keptVersions: 2, keptInForce: 10 }, { inUse: "v2", nowMs: 70, record });
    expect((await keeper.list()).versions.map(({ version }) => version)).toEqual(["v8", "v7", "v2", "v1"]);
    expect(recorded.map(({ kind, version }) => [kind, version])).toEqual(["v6", "v5", "v4", "v3"].map((version) => ["forgotten", version]));
    expect(recorded[0]!.reason).toBe("only the newest 2 versions and the latest 10 that were in force are kept");
    const error = await refusal(keeper.promote({ version: "v5", ...order }));
    expect(error.message).toMatch(/v5 was forgotten on 1970-01-01: only the newest 2/);
  });

  it("never forgets the one in use, however few are kept", async () => {
    const { store, record, keeper } = await threeVersions();
    await keeper.promote({ version: "v1", ...order });
    await keeper.promote({ version: "v2", ...order });
    await forgetOldVersions(store, { keptVersions: 1, keptInForce: 1 }, { inUse: "v2", nowMs: 70, record });
    expect((await keeper.list()).versions.map(({ version }) => version)).toEqual(["v3", "v2"]);
    expect(await refusal(keeper.rollback(order))).toMatchObject({ exitCode: 78, message: expect.stringMatching(/v1 was forgotten/) });
  });
});
