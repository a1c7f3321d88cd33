import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import type { ModelList, ModelOrderResult } from "#cli/modelVersions";
import type { DaemonStatus, ModelsView } from "#dashboards/server/wire";
import type { Decision } from "#domain/plan";
import { modelFromJson } from "#models/modelJson";
import { versionOf } from "../cli/tinyModel.js";
import {
  cleanUp,
  getJson,
  quickSite,
  type RunningDaemon,
  runCommandLine,
  startDaemon,
  temporaryDirectory,
  until,
} from "./daemonProcess.js";

/** One daemon learns; its model under other names stands for those of other nights. */
describe("isotherm model", () => {
  let site: string;
  let dataDir: string;
  let daemon: RunningDaemon;
  let learned: string;
  const start = async (): Promise<string> => {
    daemon = startDaemon(["--config", site, "--speed", "120"]);
    const dashboard = await daemon.dashboardUrl();
    await until(async () => (await getJson<DaemonStatus>(`${dashboard}api/v1/status`)).modelVersion, "a model in use", 150_000);
    return dashboard;
  };
  const model = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runCommandLine(["model", ...args, "--config", site]);
    return { code, stdout, stderr, json: <T>(): T => JSON.parse(stdout) as T };
  };
  const list = async (): Promise<ModelList & { readonly from: string }> => (await model("list", "--json")).json();
  const withStore = async (work: (store: Awaited<ReturnType<typeof openDuckdbStore>>) => Promise<void>): Promise<void> => {
    const store = await openDuckdbStore(dataDir, { onWarning: () => undefined });
    try {
      await work(store);
    } finally {
      await store.close();
    }
  };

  beforeAll(async () => {
    const directory = temporaryDirectory();
    dataDir = join(directory, "data");
    // No night's learning comes in between.
    site = quickSite(directory, (text) => text.replace('schedule: "0 3 * * *"', 'schedule: "0 3 1 6 *"'));
    const dashboard = await start();
    learned = (await getJson<DaemonStatus>(`${dashboard}api/v1/status`)).modelVersion!;
  }, 180_000);
  afterAll(cleanUp);

  it("says what there is to do before anything was learned, and where no store is", async () => {
    const elsewhere = quickSite(temporaryDirectory());
    const { code, stderr } = await runCommandLine(["model", "list", "--config", elsewhere]);
    expect(code).toBe(69);
    expect(stderr).toMatch(/No isotherm runs on .* and there is no store in it/);
  });

  it("lists the versions of a running site, and has none to go back to", async () => {
    const shown = await list();
    expect(shown).toMatchObject({ site: "demo", inForce: learned, rollbackTo: null, from: "daemon" });
    expect(shown.versions).toHaveLength(1);
    expect(shown.versions[0]).toMatchObject({ version: learned, state: "in-force", summary: { site: "demo", accepted: "yes" } });
    expect(shown.changes[0]).toMatchObject({ kind: "installed", version: learned, before: null, by: "learning" });
    const text = await model("list");
    expect(text.stdout).toContain(`* ${learned}  in force`);
    const back = await model("rollback");
    expect(back.code).toBe(69);
    expect(back.stderr).toMatch(/no version before/);
  });

  it("promotes a version in the store's file while no daemon runs; the next start uses it", async () => {
    expect((await daemon.end("SIGTERM")).code).toBe(0);
    await withStore(async (store) => {
      const original = modelFromJson((await store.modelVersion(learned))!.json);
      for (const [k, version] of ["other-night", "third-night"].entries())
        await store.saveModelVersion(versionOf({ ...original, version }, 10 + k, { site: "demo", accepted: "no" }));
      await store.saveModelVersion(versionOf({ ...original, version: "of-a-wing", zones: original.zones.slice(1) }, 9));
    });
    const promoted = await model("promote", "other-night", "--reason", "it knew the spring", "--by", "ann", "--json");
    expect(promoted.stderr).toBe("");
    expect(promoted.json<ModelOrderResult>()).toEqual({ version: "other-night", before: learned, changed: true, from: "file" });
    const shown = await list();
    expect(shown).toMatchObject({ inForce: "other-night", rollbackTo: learned, from: "file" });
    expect(shown.changes[0]).toMatchObject({ kind: "promoted", by: "ann", reason: "it knew the spring", before: learned });
    const dashboard = await start();
    expect(daemon.stdout()).toMatch(/Model other-night from before the restart is in use/);
    expect((await getJson<DaemonStatus>(`${dashboard}api/v1/status`)).modelVersion).toBe("other-night");
  }, 120_000);

  it("rolls a running site back, and the next decision is made with that model", async () => {
    const dashboard = await daemon.dashboardUrl();
    const { code, stdout } = await model("rollback", "--reason", "it overheats");
    expect(code).toBe(0);
    expect(stdout).toContain(`Model ${learned} is in force from the next decision on (before: other-night).`);
    expect((await getJson<DaemonStatus>(`${dashboard}api/v1/status`)).modelVersion).toBe(learned);
    const orderedMs = (await list()).changes[0]!.timeMs;
    const next = await until(async () => {
      const decision = await getJson<Decision>(`${dashboard}api/v1/decisions/latest`);
      return decision.timeMs > orderedMs ? decision : null;
    }, "a decision after the order");
    expect(next.modelVersion).toBe(learned);
    const view = await getJson<ModelsView>(`${dashboard}api/v1/models`);
    expect(view).toMatchObject({
      inForce: learned,
      changes: [{ kind: "rolled-back", reason: "it overheats" }, { kind: "promoted" }, { kind: "installed" }],
    });
    expect(view.accuracy.map(({ zone }) => zone)).toEqual(["space1", "space2", "space3", "space4", "space5"]);
  }, 120_000);

  it("refuses unknown versions and versions of other zones on a running site, and goes on with what it has", async () => {
    const unknown = await model("promote", "other-nigth");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/no model other-nigth; did you mean other-night\?/);
    const wing = await model("promote", "of-a-wing");
    expect(wing.code).toBe(78);
    expect(wing.stderr).toMatch(/of-a-wing knows the zones space2, .*the site has space1, space2/);
    expect(wing.stderr).not.toMatch(/\n\s+at /);
    expect((await list()).inForce).toBe(learned);
    const again = await model("promote", learned);
    expect(again.stdout).toMatch(/in force already; nothing was changed/);
  });

  it("keeps an order through a kill, and falls back to the version before where the file was damaged meanwhile", async () => {
    const promoted = await model("promote", "third-night", "--json");
    expect(promoted.json<ModelOrderResult>()).toMatchObject({ version: "third-night", changed: true });
    await daemon.end("SIGKILL");
    await start();
    expect(daemon.stdout()).toMatch(/Model third-night from before the restart is in use/);
    expect((await daemon.end("SIGTERM")).code).toBe(0);
    await withStore(async (store) => {
      const { json, createdMs } = (await store.modelVersion("third-night"))!;
      await store.saveModelVersion(versionOf({ ...modelFromJson(json) }, createdMs, {}, json.slice(0, -1000)));
    });
    const refused = await model("promote", "third-night");
    expect(refused.code).toBe(78);
    expect(refused.stderr).toMatch(/third-night is damaged/);
    await start();
    expect(daemon.stdout()).toContain(`Model ${learned} from before the restart is in use`);
    const { changes, inForce } = await list();
    expect(inForce).toBe(learned);
    expect(changes[0]).toMatchObject({ kind: "rolled-back", by: "start", before: "third-night", reason: expect.stringMatching(/damaged/) });
    expect((await daemon.end("SIGTERM")).code).toBe(0);
  }, 180_000);
});
