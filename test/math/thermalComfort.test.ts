import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { predictedMeanVote, predictedPercentageDissatisfied, votedBand } from "#math/thermalComfort";

interface IsoCase {
  readonly tdb: number;
  readonly tr: number;
  readonly vr: number;
  readonly rh: number;
  readonly met: number;
  readonly clo: number;
  readonly table_pmv: number;
  readonly table_ppd: number;
  readonly pythermalcomfort_pmv: number;
  readonly pythermalcomfort_ppd: number;
}
const { iso7730 } = JSON.parse(readFileSync(new URL("../golden/pmvSolarEpw.json", import.meta.url), "utf8")) as {
  iso7730: readonly IsoCase[];
};
const voteOf = ({ tdb, tr, vr, rh, met, clo }: IsoCase): number =>
  predictedMeanVote({ airTempC: tdb, radiantTempC: tr, airSpeedMps: vr, relativeHumidityPct: rh, activityMet: met, clothingClo: clo });
const office = { airSpeedMps: 0.1, relativeHumidityPct: 50, activityMet: 1.2, clothingClo: 0.5 };

describe("predicted mean vote", () => {
  it.each(iso7730)("of table D.1: $tdb °C, $tr °C radiant, $vr m/s, $rh %, $met met, $clo clo", (row) => {
    const vote = voteOf(row);
    expect(vote).toBeCloseTo(row.pythermalcomfort_pmv, 3);
    // The table prints one digit, and rounds its own iteration.
    expect(Math.abs(vote - row.table_pmv)).toBeLessThanOrEqual(0.1);
    expect(predictedPercentageDissatisfied(vote)).toBeCloseTo(row.pythermalcomfort_ppd, 1);
  });
  it("rises with temperature, clothing and activity", () => {
    const at = (change: object): number => predictedMeanVote({ ...office, airTempC: 22, radiantTempC: 22, ...change });
    expect(at({ airTempC: 24 })).toBeGreaterThan(at({}));
    expect(at({ clothingClo: 1 })).toBeGreaterThan(at({}));
    expect(at({ activityMet: 1.6 })).toBeGreaterThan(at({}));
    expect(at({ airSpeedMps: 0.5 })).toBeLessThan(at({}));
  });
  it("is NaN where anything is missing", () => {
    for (const key of ["airTempC", "radiantTempC", "relativeHumidityPct", "clothingClo"])
      expect(predictedMeanVote({ ...office, airTempC: 22, radiantTempC: 22, [key]: Number.NaN })).toBeNaN();
  });
});

describe("a band by votes", () => {
  it("has the limit's vote at both ends", () => {
    const band = votedBand(office, 0.5)!;
    const vote = (temperatureC: number): number => predictedMeanVote({ ...office, airTempC: temperatureC, radiantTempC: temperatureC });
    expect(vote(band.lowerC)).toBeCloseTo(-0.5, 2);
    expect(vote(band.upperC)).toBeCloseTo(0.5, 2);
    // Summer clothing at a desk, category B: 23 to 26 °C as building codes print it (ISO 7730, table A.5: 24.5 ± 1.5 °C).
    expect(Math.abs(band.lowerC - 23)).toBeLessThan(0.7);
    expect(Math.abs(band.upperC - 26)).toBeLessThan(0.7);
  });
  it("is colder in winter clothing and narrower in a better category", () => {
    const summer = votedBand(office, 0.5)!;
    const winter = votedBand({ ...office, clothingClo: 1 }, 0.5)!;
    expect(winter.lowerC).toBeLessThan(summer.lowerC - 1.5);
    const narrow = votedBand(office, 0.2)!;
    expect(narrow.lowerC).toBeGreaterThan(summer.lowerC);
    expect(narrow.upperC).toBeLessThan(summer.upperC);
  });
  it("is none where no temperature between 5 and 40 °C does, or the limit is none", () => {
    expect(votedBand({ ...office, activityMet: 4, clothingClo: 2 }, 0.2)).toBeNull();
    expect(votedBand(office, 0)).toBeNull();
    expect(votedBand({ ...office, clothingClo: Number.NaN }, 0.5)).toBeNull();
  });
});
