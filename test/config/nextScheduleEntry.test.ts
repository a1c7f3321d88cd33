import { describe, expect, it } from "vitest";
import { parseSiteConfig } from "#config/loadSiteConfig";
import { nextScheduleEntryMs } from "#config/nextScheduleEntry";

const site = (week: string, holidays = "[]", timeZone = "Europe/Berlin") =>
  parseSiteConfig(
    `
site: { id: house, timeZone: ${timeZone}, latitude: 52.5, longitude: 13.4 }
building: { mqtt: {} }
zones:
  - { id: hall, comfort: { week: ${week}, holidays: ${holidays} }, sensors: { zoneAirTempC: { topic: sensors/hall } } }
mqtt: { url: "mqtt://localhost" }
`,
    "site.yaml",
    { environment: {} },
  );
const next = (config: ReturnType<typeof site>, after: string): string | null => {
  const ms = nextScheduleEntryMs(config, "hall", Date.parse(after));
  return ms === null ? null : new Date(ms).toISOString().slice(0, 16);
};
const office = '{ mon-fri: ["07:00-18:00"] }';

describe("the next entry of a schedule", () => {
  it.each([
    ["within the day", office, "[]", "2026-11-23T10:00:00Z", "2026-11-23T17:00"],
    ["over the night", office, "[]", "2026-11-23T17:00:00Z", "2026-11-24T06:00"],
    ["over the weekend", office, "[]", "2026-11-27T20:00:00Z", "2026-11-30T06:00"],
    ["over a vacation", office, "[2026-12-24/2027-01-01]", "2026-12-23T20:00:00Z", "2027-01-04T06:00"],
    ["at odd minutes", '{ daily: ["07:07-18:03"] }', "[]", "2026-11-23T06:00:00Z", "2026-11-23T06:07"],
    ["before the clock goes forward it is an hour later in UTC than after it", office, "[]", "2027-03-26T03:00:00Z", "2027-03-26T06:00"],
    ["after the clock went forward", office, "[]", "2027-03-28T03:00:00Z", "2027-03-29T05:00"],
    [
      "an entry inside the hour that is skipped comes when the clock jumps",
      '{ sun: ["02:30-05:00"] }',
      "[]",
      "2027-03-27T20:00:00Z",
      "2027-03-28T01:00",
    ],
    [
      "an entry inside the hour that comes twice, the first time",
      '{ sun: ["02:30-05:00"] }',
      "[]",
      "2026-10-24T20:00:00Z",
      "2026-10-25T00:30",
    ],
    ["a day of 25 hours", '{ daily: ["00:00-06:00"] }', "[]", "2026-10-24T22:00:00Z", "2026-10-25T05:00"],
    ["a day of 23 hours", '{ daily: ["00:00-06:00"] }', "[]", "2027-03-27T23:00:00Z", "2027-03-28T04:00"],
  ])("%s", (_what, week, holidays, after, expected) => {
    expect(next(site(week, holidays), after)).toBe(expected);
  });
  it("follows the wall clock where offsets are no whole hours", () => {
    expect(next(site(office, "[]", "Asia/Kolkata"), "2026-11-23T00:00:00Z")).toBe("2026-11-23T01:30");
    expect(next(site(office, "[]", "Australia/Lord_Howe"), "2026-11-22T12:00:00Z")).toBe("2026-11-22T20:00");
  });
  it("is nowhere where nothing ever changes", () => {
    expect(next(site('{ daily: ["00:00-24:00"] }'), "2026-11-23T10:00:00Z")).toBeNull();
  });
});
