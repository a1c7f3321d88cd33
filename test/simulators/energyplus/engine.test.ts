import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { IsothermError } from "#domain/errors";
import { findEngine } from "#simulators/energyplus/engine";
import { engineBuildings, engineWeathers } from "#simulators/energyplus/engineFiles";
import { listBuildings } from "#simulators/energyplus/models";
import { listWeathers } from "#simulators/energyplus/weathers";
import { engine as here, named, whyNot } from "./engineHere.js";

const scratch = mkdtempSync(join(tmpdir(), "isotherm-engines-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A folder that looks like an installed EnergyPlus of this version. */
const folderOf = (name: string, version: string): string => {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  for (const library of ["libenergyplusapi.so", "libenergyplusapi.dylib", "energyplusapi.dll"]) writeFileSync(join(folder, library), "");
  writeFileSync(join(folder, "Energy+.idd"), `!IDD_Version ${version}\n!IDD_BUILD 0\n`);
  return folder;
};
const nowhere = { environment: {}, checkout: null, usualFolders: [] } as const;
const refusal = async (search: Parameters<typeof findEngine>[0]): Promise<IsothermError> => {
  try {
    await findEngine(search);
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
  throw new Error("an engine was found");
};

describe("the search for EnergyPlus", () => {
  it("takes the named folder before ENERGYPLUS_DIR, that before the checkout, and that before installed ones", async () => {
    const [a, b, c, d] = [folderOf("a", "25.1.0"), folderOf("b", "24.1.0"), join(scratch, "checkout"), folderOf("d", "24.2.0")];
    const wheel = folderOf("checkout/.venv/energyplus/lib/python3.13/site-packages", "25.2.0");
    const search = { folder: a, environment: { ENERGYPLUS_DIR: b }, checkout: c, usualFolders: [d] };
    expect(await findEngine(search)).toMatchObject({ folder: a, version: "25.1.0", source: "--energyplus" });
    expect(await findEngine({ ...search, folder: null })).toMatchObject({ folder: b, source: "ENERGYPLUS_DIR" });
    expect(await findEngine({ ...search, folder: null, environment: {} })).toMatchObject({ folder: wheel, source: "checkout" });
    expect(await findEngine({ ...search, folder: null, environment: {}, checkout: null })).toMatchObject({
      folder: d,
      source: "installed",
    });
  });

  it("says with exit code 69 how to install one where there is none", async () => {
    const error = await refusal(nowhere);
    expect(error.exitCode).toBe(69);
    expect(error.todo).toContain("npm run energyplus:install");
  });

  it("refuses a named folder that is too old, empty or not there, and does not look further", async () => {
    const old = await refusal({ ...nowhere, folder: folderOf("old", "9.6.0") });
    expect(old.message).toMatch(/EnergyPlus 9\.6\.0; isotherm needs 24\.1 or newer/);
    expect(old.exitCode).toBe(78);
    mkdirSync(join(scratch, "empty"));
    expect((await refusal({ ...nowhere, folder: join(scratch, "empty") })).message).toMatch(/holds no EnergyPlus library/);
    expect((await refusal({ ...nowhere, environment: { ENERGYPLUS_DIR: join(scratch, "none") } })).message).toMatch(
      /ENERGYPLUS_DIR .*does not exist/,
    );
  });

  it("passes over installed engines that are too old and names them where no other is found", async () => {
    const search = { ...nowhere, usualFolders: [folderOf("older", "23.2.0")] };
    expect((await refusal(search)).message).toMatch(/not installed \(.*23\.2\.0/);
    expect((await findEngine({ ...search, usualFolders: [...search.usualFolders, folderOf("new", "24.1.0")] })).version).toBe("24.1.0");
  });
});

describe("lists of buildings and weather", () => {
  it("hold what isotherm brings where there is no engine", () => {
    expect(listBuildings(null).map(({ id }) => id)).toEqual(["five-zone-office"]);
    expect(listWeathers(null).map(({ id }) => id)).toEqual(["new-york", "pittsburgh"]);
  });
  it.skipIf(whyNot !== null)(named("hold the wheel's 32 buildings and 16 weather files under short, different names"), () => {
    const buildings = engineBuildings(here).map(({ id }) => id);
    const weathers = engineWeathers(here).map(({ id }) => id);
    expect(buildings).toContain("ref2004-small-office");
    expect(buildings).toContain("ashrae2019-office-medium");
    expect(weathers).toEqual(expect.arrayContaining(["chicago", "san-francisco", "university-of-illinois"]));
    if (here.source !== "checkout") return;
    expect(new Set(buildings).size).toBe(32);
    expect(new Set(weathers).size).toBe(16);
    for (const id of [...buildings, ...weathers]) expect(id).toMatch(/^[a-z0-9-]+$/);
  });
});
