import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { chooseZones } from "#cli/sources/chooseZones";
import { finishedSource, sourcesIn } from "#cli/sources/sourceFacts";
import { judgedBuildings, planSources, runName, type SourceRun, sourceClimates, sourceStarts, streamOf } from "#cli/sources/sourcePlan";
import { engine, named, whyNot } from "../simulators/energyplus/engineHere.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist/src/main.js");
const top = mkdtempSync(join(tmpdir(), "isotherm-sources-"));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const common = { year: 1991, days: 10, seed: 1, zones: 6 };
const buildings = Array.from({ length: 28 }, (_, i) => `building-${i}`);

describe("the plan of source runs", () => {
  it("gives every building every season, two climates, and every climate about as many runs in each season", () => {
    const runs = planSources(buildings, sourceClimates, sourceStarts, 4, common);
    expect(new Set(runs.map(runName)).size).toBe(28 * 4);
    for (const building of buildings) {
      const own = runs.filter((run) => run.building === building);
      expect(own.map(({ start }) => start).sort()).toEqual([...sourceStarts].sort());
      expect(new Set(own.map(({ weather }) => weather)).size).toBe(2);
    }
    for (const weather of sourceClimates)
      for (const start of sourceStarts) {
        const count = runs.filter((run) => run.weather === weather && run.start === start).length;
        expect(count).toBeGreaterThanOrEqual(4);
        expect(count).toBeLessThanOrEqual(5);
      }
    // Taking turns: what is there early is of all kinds.
    expect(new Set(runs.slice(0, 28).map(({ building }) => building)).size).toBe(28);
  });

  it("holds every climate in every season where all are asked for, each once", () => {
    const runs = planSources(["one", "two"], ["a", "b", "c"], sourceStarts, null, common);
    expect(new Set(runs.map(runName)).size).toBe(24);
    expect(runs.length).toBe(24);
  });

  it("keeps zones spread over size, the same ones every time, all of them where they are few", () => {
    const zones = Array.from({ length: 30 }, (_, i) => ({ id: `z${i}`, floorAreaM2: (i * 7) % 30 }));
    const kept = chooseZones(zones, 6, 1, streamOf("building"));
    expect(kept).toEqual(chooseZones(zones, 6, 1, streamOf("building")));
    const sizes = kept.map(({ floorAreaM2 }) => floorAreaM2).sort((a, b) => a - b);
    for (const [part, size] of sizes.entries()) expect(Math.floor(size / 5)).toBe(part);
    expect(chooseZones(zones.slice(0, 4), 6, 1, 2)).toEqual(zones.slice(0, 4));
    expect(chooseZones(zones, 6, 2, streamOf("other")).map(({ id }) => id)).not.toEqual(kept.map(({ id }) => id));
  });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [main, ...args], { cwd: top, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (text) => {
    out += text;
  });
  child.stderr.on("data", (text) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, out, err })));
  return { child, ended };
}
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 50));
};
const building = "ref2004-quick-service-restaurant";
const small = [
  "--buildings",
  building,
  "--weather",
  "san-francisco",
  "--starts",
  "01-15,07-15",
  "--days",
  "2",
  "--zones",
  "2",
  "--threads",
  "1",
];
const runOf = (startDay: string): SourceRun => ({
  building,
  weather: "san-francisco",
  start: startDay,
  year: 1991,
  days: 2,
  seed: 1,
  zones: 2,
});

describe.skipIf(whyNot !== null || !existsSync(main))(named("isotherm sources"), () => {
  it("killed in the middle goes on where it stopped, and makes again only what is missing or has changed", async () => {
    const folder = join(top, "killed");
    const first = start("sources", "--out", folder, ...small);
    const facts = (day: string): string => join(folder, building, `san-francisco-${day}.json`);
    await until(() => existsSync(facts("01-15")) || first.child.exitCode !== null);
    first.child.kill("SIGKILL");
    await first.ended;
    const madeMs = statSync(facts("01-15")).mtimeMs;
    const second = await start("sources", "--out", folder, ...small, "--json").ended;
    expect(second.code, second.err).toBe(0);
    expect(JSON.parse(second.out).runs.map(({ status }: { status: string }) => status)[0]).toBe("kept");
    expect(statSync(facts("01-15")).mtimeMs).toBe(madeMs);
    expect(readdirSync(join(folder, building)).sort()).toEqual(
      ["01-15", "07-15"].flatMap((day) => [`san-francisco-${day}.csv.gz`, `san-francisco-${day}.json`]).sort(),
    );
    const found = await sourcesIn(folder);
    expect(found.map(({ facts: { rows, zones } }) => [rows, zones.length])).toEqual([
      [192, 2],
      [192, 2],
    ]);
    for (const zone of found[0]!.facts.zones)
      for (const value of [zone.floorAreaM2, zone.volumeM3, zone.designHeatingW]) expect(value).toBeGreaterThan(0);
    expect(finishedSource(folder, runOf("01-15"), engine.version)).not.toBeNull();
    expect(finishedSource(folder, { ...runOf("01-15"), seed: 2 }, engine.version)).toBeNull();
    writeFileSync(found[1]!.file, readFileSync(found[1]!.file).subarray(0, 500));
    expect(finishedSource(folder, runOf("07-15"), engine.version)).toBeNull();
    await expect(sourcesIn(folder)).rejects.toThrow("This source is not whole");
  }, 120_000);

  it("refuses buildings that isotherm is judged on, unknown ones by the nearest name, and lists none of the former", async () => {
    const refused = await start("sources", "--out", join(top, "refused"), "--buildings", "ref2004-small-office").ended;
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("judged on ref2004-small-office") });
    const unknown = await start("sources", "--out", join(top, "refused"), "--buildings", "ref2004-hospitl").ended;
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining("did you mean ref2004-hospital?") });
    const own = await start("sources", "--judged", "--weather", "chicago", "--starts", "01-01", "--list", "--json").ended;
    expect((JSON.parse(own.out).runs as SourceRun[]).map(({ building: id }) => id).sort()).toEqual([...judgedBuildings].sort());
    const { out } = await start("sources", "--list", "--json").ended;
    const listed = (JSON.parse(out).runs as SourceRun[]).map(({ building: id }) => id);
    expect(new Set(listed).size).toBe(28);
    expect(listed.filter((id) => judgedBuildings.has(id))).toEqual([]);
    expect(existsSync(join(top, "refused"))).toBe(false);
  }, 60_000);

  it("meta-train refuses a folder with a judged building", async () => {
    const child = join(root, "dist/src/cli/sources/sourceChild.js");
    const folder = join(top, "judged");
    const judged = { ...runOf("01-15"), building: "ref2004-small-office", days: 1 };
    const made = spawn(process.execPath, [child, folder, JSON.stringify(judged), ""], { stdio: "ignore" });
    await new Promise((resolve) => made.on("close", resolve));
    const learned = await start("meta-train", "--sources", folder, "--name", "x", "--out", join(top, "x.json")).ended;
    expect(learned).toMatchObject({ code: 78, err: expect.stringContaining("isotherm is judged on ref2004-small-office") });
    expect(existsSync(join(top, "x.json"))).toBe(false);
  }, 120_000);
});
