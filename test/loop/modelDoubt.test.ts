import { describe, expect, it } from "vitest";
import type { JudgedStep } from "#loop/coverageWindow";
import { createModelDoubt, defaultDoubtLimits } from "#loop/modelDoubt";
import { seededRandom } from "../../bench/seededRandom.js";

const step = (zone: string, errorK: number, stdDevK = 0.2, i = 0): JudgedStep => ({
  zone,
  endMs: i,
  measuredC: 21 + errorK,
  meanC: 21,
  stdDevK,
  isOffSetpoint: true,
});
const steps = (count: number, errorK: number, zone = "a", stdDevK = 0.2): JudgedStep[] =>
  Array.from({ length: count }, (_, i) => step(zone, errorK, stdDevK, i));

describe("doubting a model", () => {
  it("never doubts one whose errors are as it says, over twenty weeks of steps", () => {
    const random = seededRandom(3);
    const doubt = createModelDoubt();
    let doubted = 0;
    for (let i = 0; i < 672 * 20; i++) {
      // Box–Muller: normal with the standard deviation the model claims.
      const z = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      doubt.add([step("a", 0.2 * z)]);
      doubted += doubt.zones().length;
    }
    expect(doubted).toBe(0);
  });

  it("doubts the zone whose errors are three times as large, and no other, once there are enough", () => {
    const doubt = createModelDoubt();
    doubt.add([...steps(defaultDoubtLimits.enoughSteps - 1, 0.6), ...steps(40, 0.2, "b")]);
    expect(doubt.zones()).toEqual([]);
    doubt.add(steps(1, 0.6));
    expect(doubt.zones()).toEqual([{ zone: "a", rmsZ: expect.closeTo(3, 10), steps: 12 }]);
  });

  it("is over when the newest steps are right again, in the long window too", () => {
    const doubt = createModelDoubt();
    doubt.add(steps(96, 0.6));
    doubt.add(steps(40, 0.02));
    // The short window is content, the long one remembers.
    expect(doubt.zones()).toMatchObject([{ zone: "a", steps: 96 }]);
    doubt.add(steps(56, 0.02));
    expect(doubt.zones()).toEqual([]);
  });

  it("counts one wild step with four standard deviations: a window that is opened for an hour is no wrong model", () => {
    const doubt = createModelDoubt();
    doubt.add(steps(40, 0.15));
    doubt.add(steps(3, -5));
    expect(doubt.zones()).toEqual([]);
  });

  it("leaves steps without a measurement out, and takes errors that nobody feels for none", () => {
    const doubt = createModelDoubt();
    doubt.add(steps(50, Number.NaN));
    doubt.add(steps(50, 0.1, "b", 0.001));
    expect(doubt.zones()).toEqual([]);
  });

  it("says nothing of a new model before it was judged", () => {
    const doubt = createModelDoubt();
    doubt.add(steps(50, 2));
    doubt.clear();
    expect(doubt.zones()).toEqual([]);
  });
});
