import { describe, expect, it } from "vitest";
import { coolingEffortK, POWER_DRIVERS, powerDrivers } from "#math/powerInputs";

describe("what power depends on besides the actions", () => {
  it("is outdoor air, the hour on a circle, the kind of day, and cold that ventilation makes up", () => {
    const tuesdayAtSix = Date.UTC(1991, 0, 1, 6);
    const drivers = powerDrivers(-4, tuesdayAtSix);
    expect(drivers).toHaveLength(POWER_DRIVERS);
    expect(drivers[0]).toBe(-4);
    expect(drivers[1]).toBeCloseTo(1, 12);
    expect(drivers[2]).toBeCloseTo(0, 12);
    expect(drivers[3]).toBe(0.5);
    expect(drivers[4]).toBe(12);
    const sundayInSummer = powerDrivers(25, Date.UTC(1991, 6, 7, 12));
    expect(sundayInSummer[3]).toBe(-0.5);
    expect(sundayInSummer[4]).toBe(0);
  });
  it("is NaN where the air's temperature is missing", () => {
    expect(powerDrivers(Number.NaN, 0)[0]).toBeNaN();
    expect(powerDrivers(Number.NaN, 0)[4]).toBeNaN();
  });
});

describe("a cooled kelvin", () => {
  it("counts as itself in a room at 24 °C and for less in a warmer one, as the air of 13 °C that it takes", () => {
    expect(coolingEffortK(2, 24)).toBe(2);
    expect(coolingEffortK(2, 35)).toBeCloseTo(1, 12);
    expect(coolingEffortK(2, 20)).toBeCloseTo((2 * 11) / 7, 12);
  });
  it("stays within a factor where rooms are near the supply air or hot beyond sense", () => {
    for (const roomC of [5, 13, 14, 18]) expect(coolingEffortK(1, roomC)).toBe(2);
    expect(coolingEffortK(1, 60)).toBe(0.4);
  });
  it("is NaN where anything is missing", () => {
    expect(coolingEffortK(Number.NaN, 24)).toBeNaN();
    expect(coolingEffortK(1, Number.NaN)).toBeNaN();
  });
});
