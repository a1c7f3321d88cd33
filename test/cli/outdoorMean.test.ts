import { describe, expect, it } from "vitest";
import { createOutdoorMean } from "#cli/daemon/outdoorMean";
import { comfortAt, comfortSchedule } from "#config/comfort";
import { parseSiteConfig } from "#config/loadSiteConfig";
import { createHistoryBuffer } from "#loop/historyBuffer";

const DAY_MS = 86_400_000;
const noon = Date.parse("2026-07-06T12:00:00Z");
const utc = (timeMs: number): number => timeMs;
const siteOf = (comfort: string, zone = "{ id: a }") =>
  parseSiteConfig(
    `site: { id: s, timeZone: Etc/UTC, latitude: 52.5, longitude: 13.4 }\nbuilding: { embedded: {} }\nzones: [${zone}]\ncontrol: { comfort: { ${comfort} } }\n`,
    "site.yaml",
    { environment: {} },
  );
const adaptive = "adaptive: { season: 05-01/09-30 }";

/** A history in which the day `back` days ago was `tempOf(back)` warm all day long. */
const historyOf = (tempOf: (back: number) => number | null) => {
  const history = createHistoryBuffer({ stepS: 3600, maxRows: 400 });
  for (let timeMs = noon - 9 * DAY_MS; timeMs <= noon; timeMs += 3_600_000) {
    const back = Math.floor(noon / DAY_MS) - Math.floor((timeMs - 1) / DAY_MS);
    const tempC = tempOf(back);
    history.add({ timeMs, values: new Map(tempC === null ? [] : [["site.outdoorAirTempC", tempC]]) });
  }
  return history;
};

describe("the site's running mean of the outdoor temperature", () => {
  it("weighs the days before today, today itself not at all", () => {
    const weights = [1, 0.8, 0.64, 0.512, 0.4096, 0.32768, 0.262144];
    const expected = weights.reduce((sum, weight, i) => sum + weight * (20 - i), 0) / weights.reduce((sum, weight) => sum + weight, 0);
    expect(
      createOutdoorMean(
        historyOf((back) => 21 - back),
        utc,
      )(noon),
    ).toBeCloseTo(expected, 10);
    expect(
      createOutdoorMean(
        historyOf((back) => (back === 0 ? 99 : 18)),
        utc,
      )(noon),
    ).toBeCloseTo(18, 10);
  });
  it("is NaN where nothing was measured of late", () => {
    expect(
      createOutdoorMean(
        historyOf(() => null),
        utc,
      )(noon),
    ).toBeNaN();
    expect(
      createOutdoorMean(
        historyOf((back) => (back > 2 ? 18 : null)),
        utc,
      )(noon),
    ).toBeNaN();
  });
});

describe("adaptive comfort of a site", () => {
  const band = { lowerC: 0.33 * 20 + 18.8 - 4, upperC: 0.33 * 20 + 18.8 + 3 };
  it("is the occupied band in its season while the running mean is known and in range, else the fixed one holds", () => {
    const site = siteOf(adaptive);
    expect(comfortAt(site, "a", noon, 20)).toEqual({ ...band, occupied: true });
    expect(comfortSchedule(site, "a", [noon + 900_000], 20).upperC[0]).toBeCloseTo(band.upperC, 12);
    for (const [timeMs, meanC] of [
      [noon, Number.NaN],
      [noon, 9],
      [noon, 31],
      [Date.parse("2026-01-05T12:00:00Z"), 20],
    ] as const)
      expect(comfortAt(site, "a", timeMs, meanC)).toEqual({ lowerC: 21, upperC: 24, occupied: true });
    expect(comfortAt(site, "a", noon - DAY_MS, 20)).toEqual({ lowerC: 16, upperC: 32, occupied: false });
  });
  it("stays inside what setpoints can be, and leaves a zone alone that has a band of its own", () => {
    expect(comfortAt(siteOf(adaptive), "a", noon, 30)).toEqual({ lowerC: 22.5, upperC: 0.33 * 30 + 18.8 + 3, occupied: true });
    const cool = siteOf("adaptive: { season: 05-01/09-30, standard: ashrae55, acceptability: 90 % }");
    expect(comfortAt(cool, "a", noon, 10)).toEqual({ lowerC: 0.31 * 10 + 17.8 - 2.5, upperC: 0.31 * 10 + 17.8 + 2.5, occupied: true });
    const own = siteOf(adaptive, "{ id: a, comfort: { occupied: { upper: 25 degC } } }");
    expect(comfortAt(own, "a", noon, 20)).toEqual({ lowerC: 21, upperC: 25, occupied: true });
  });
  it("may have a season over New Year", () => {
    const south = siteOf("adaptive: { season: 11-01/03-31 }");
    const upperAt = (iso: string): number => comfortAt(south, "a", Date.parse(iso), 20).upperC;
    expect([upperAt("2026-01-05T12:00:00Z"), upperAt("2025-12-31T12:00:00Z")]).toEqual([band.upperC, band.upperC]);
    expect(upperAt("2026-07-06T12:00:00Z")).toBe(24);
  });
  it("is refused without a season, or with one that is none", () => {
    expect(() => siteOf("adaptive: {}")).toThrow(/is missing/);
    expect(() => siteOf("adaptive: { season: summer }")).toThrow(/"summer" is not two days/);
  });
});
