import { describe, expect, it } from "vitest";
import { longestLeadS } from "#cli/daemon/controlSite";
import { slowZonesAdvice } from "#cli/daemon/slowZones";
import type { SiteConfig } from "#config/siteConfig";
import { tinyModel } from "./tinyModel.js";

const HOUR_S = 3600;
const site = (leadS: number, horizonSteps: number) =>
  ({ control: { stepS: 900, rule: { leadS, ramp: false } }, planner: { horizonSteps } }) as unknown as SiteConfig;
const plain = tinyModel("m");
const slow = {
  zones: plain.zones.map((zone, k) =>
    k > 0
      ? zone
      : { ...zone, call: { kind: "effort", zone: "a", gainPerK: 0.6, integralTimeS: 8000, offsetK: 0.5, timeConstantS: null } as const },
  ),
};

describe("how early a plan may begin", () => {
  it("is twice the rule's lead, three hours at least and a day at most", () => {
    expect([0, 1, 2, 6, 20].map((hours) => longestLeadS(site(hours * HOUR_S, 20)) / HOUR_S)).toEqual([3, 3, 4, 12, 24]);
  });

  it("is too late where a floor heats a zone: what to set is said, and nothing where it is set or no zone is slow", () => {
    expect(slowZonesAdvice(site(HOUR_S, 20), slow)).toMatch(
      /reach a \(a heated floor\).*5 h ahead.*3 h before.*control\.rule\.lead: 6 h and planner\.horizon: 96\./,
    );
    expect(slowZonesAdvice(site(6 * HOUR_S, 20), slow)).toMatch(/Set planner\.horizon: 96\./);
    expect(slowZonesAdvice(site(6 * HOUR_S, 96), slow)).toBeNull();
    expect(slowZonesAdvice(site(HOUR_S, 20), plain)).toBeNull();
  });
});
