import { describe, expect, it } from "vitest";
import { createDemandResponse, type DemandResponseEvent, LIMIT_PRICE_PER_KW } from "#loop/demandResponse";

const hour = 3_600_000;
const event = (more: Partial<DemandResponseEvent> = {}): DemandResponseEvent => ({
  id: "e1",
  fromMs: hour,
  untilMs: 2 * hour,
  limitKw: null,
  pricePerKwh: 0.9,
  by: "grid",
  reason: "",
  ...more,
});
const stepEndMs = [0.75, 1, 1.25, 1.5, 1.75, 2, 2.25].map((hours) => hours * hour);
const tariff = new Float64Array(7).fill(0.2);

describe("demand response", () => {
  it("prices the steps whose middle lies in the event", () => {
    const response = createDemandResponse(event());
    expect([...response.prices(stepEndMs, 900, tariff, 0)]).toEqual([0.2, 0.2, 0.9, 0.9, 0.9, 0.9, 0.2]);
    expect([...tariff]).toEqual(new Array(7).fill(0.2));
  });
  it("a limit is a charge on power beyond it while the event lasts, and the tariff's own before and after", () => {
    const response = createDemandResponse(event({ pricePerKwh: null, limitKw: 4 }));
    const own = { pricePerKw: 1, peakSoFarW: 9_000 };
    expect(response.charge(own, hour - 1)).toBe(own);
    expect(response.charge(own, hour)).toEqual({ pricePerKw: LIMIT_PRICE_PER_KW, peakSoFarW: 4_000 });
    expect(response.charge(null, hour)).toEqual({ pricePerKw: LIMIT_PRICE_PER_KW, peakSoFarW: 4_000 });
    expect(response.charge(own, 2 * hour)).toBe(own);
    expect(response.prices(stepEndMs, 900, tariff, 0)).toBe(tariff);
  });
  it("is over at its end, and says so once", () => {
    const response = createDemandResponse(event());
    const told: unknown[] = [];
    response.onChange((next) => told.push(next));
    expect(response.event(2 * hour - 1)?.id).toBe("e1");
    expect(response.event(2 * hour)).toBeNull();
    expect(response.event(3 * hour)).toBeNull();
    response.set(null, 3 * hour);
    expect(told).toEqual([null]);
  });
  it.each([
    ["that is over", {}, 2 * hour, /ended already/],
    ["that ends before it begins", { fromMs: 3 * hour }, 0, /before it begins/],
    ["that asks for nothing", { pricePerKwh: null }, 0, /asks for nothing/],
    ["with a limit that is none", { limitKw: Number.NaN }, 0, /no limit/],
    ["with a negative limit", { limitKw: -1 }, 0, /no limit/],
  ])("refuses an event %s and keeps the one before", (_what, more, nowMs, why) => {
    const response = createDemandResponse();
    expect(() => response.set(event(more), nowMs)).toThrow(why);
    expect(response.event(0)).toBeNull();
  });
});
