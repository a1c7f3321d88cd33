import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepClosuresFile, readClosuresFile, withClosures } from "#cli/daemon/closuresFile";
import { scheduleViewOf } from "#cli/daemon/scheduleView";
import { comfortAt } from "#config/comfort";
import { parseSiteConfig } from "#config/loadSiteConfig";
import { nextScheduleEntryMs } from "#config/nextScheduleEntry";
import { createClosures } from "#loop/closures";

const config = parseSiteConfig(
  `
site: { id: house, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
control: { comfort: { holidays: [2026-12-25] } }
building: { mqtt: {} }
zones:
  - { id: hall, comfort: { week: { mon-fri: ["07:00-18:00"] } }, sensors: { zoneAirTempC: { topic: sensors/hall } } }
  - { id: shop, comfort: { week: { mon-fri: ["07:00-18:00"] } }, sensors: { zoneAirTempC: { topic: sensors/shop } } }
mqtt: { url: "mqtt://localhost" }
`,
  "site.yaml",
  { environment: {} },
);
const tuesdayNoon = Date.parse("2026-11-24T11:00:00Z");
const painters = { id: "a", first: "2026-11-24", last: "2026-11-25", zones: ["hall"], by: "ada", reason: "painters" };

describe("closed days that people enter", () => {
  it("hold at once in the zones that they name, in band, next entry and view, and no longer once they are removed", () => {
    const closures = createClosures(["hall", "shop"]);
    const live = withClosures(config, closures);
    expect(comfortAt(live, "hall", tuesdayNoon).occupied).toBe(true);
    closures.add(painters, "2026-11-24");
    expect(comfortAt(live, "hall", tuesdayNoon).occupied).toBe(false);
    expect(comfortAt(live, "shop", tuesdayNoon).occupied).toBe(true);
    expect(new Date(nextScheduleEntryMs(live, "hall", tuesdayNoon)!).toISOString()).toBe("2026-11-26T06:00:00.000Z");
    const view = scheduleViewOf(live, tuesdayNoon, new Map(), closures, Number.NaN);
    expect(view.closures).toEqual([painters]);
    // The site file's holidays stay apart from them.
    expect(view.zones.map(({ holidays }) => holidays)).toEqual([
      [{ first: "2026-12-25", last: "2026-12-25" }],
      [{ first: "2026-12-25", last: "2026-12-25" }],
    ]);
    closures.remove("a");
    expect(comfortAt(live, "hall", tuesdayNoon).occupied).toBe(true);
    expect(comfortAt(live, "hall", Date.parse("2026-12-25T11:00:00Z")).occupied).toBe(false);
  });

  describe("in the data directory", () => {
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), "closures-"));
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    it("are there after a restart", async () => {
      const file = join(directory, "closures.json");
      const closures = readClosuresFile(file, ["hall", "shop"], () => undefined);
      const end = keepClosuresFile(file, closures, (error) => {
        throw error;
      });
      closures.add(painters, "2026-11-24");
      await end();
      expect(readClosuresFile(file, ["hall", "shop"], () => undefined).all()).toEqual([painters]);
    });

    it("that cannot be read are said, with what to do, and the file is left to be looked at", () => {
      const file = join(directory, "closures.json");
      const said: string[] = [];
      writeFileSync(file, '[{"id":"a","first":"2026-02-30"');
      expect(readClosuresFile(file, ["hall"], (text) => said.push(text)).all()).toEqual([]);
      expect(said).toEqual([expect.stringContaining("enter them again")]);
      expect(readFileSync(file, "utf8")).toContain("2026-02-30");
    });
  });
});
