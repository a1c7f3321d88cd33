import { describe, expect, it } from "vitest";
import { planCalibration } from "#cli/simulateCalibration";
import type { Observation } from "#domain/points";
import { decisionAt } from "../contracts/telemetryStore.js";

const T0 = Date.UTC(1991, 0, 1);
const stepMs = 900_000;
/** Each decision expects 21.25 ± 0.1 °C and 1,200 W at the end of its step. */
const decisions = Array.from({ length: 4 }, (_, k) => decisionAt(T0 + k * stepMs, k + 1));
const rows = (...measured: readonly (readonly [tempC: number, powerW: number])[]): Observation[] =>
  measured.map(([tempC, powerW], k) => ({
    timeMs: T0 + (k + 1) * stepMs,
    values: new Map([
      ["lobby.zoneAirTempC", tempC],
      ["building.hvacPowerW", powerW],
    ]),
  }));

describe("calibration of a run's plans", () => {
  it("compares each decision's next step with the row that ended it", () => {
    const figures = planCalibration(decisions, rows([21.25, 1200], [21.35, 1200], [21.65, 2200], [21.25, 1200]))!;
    expect(figures.predictions).toBe(4);
    expect(figures.rmse1K).toBeCloseTo(Math.sqrt((0.1 ** 2 + 0.4 ** 2) / 4), 12);
    expect(figures.coverage90).toBe(0.75);
    expect(figures.powerRmse1Kw).toBeCloseTo(0.5, 12);
  });
  it("leaves out a step for which another pair was sent than planned, and steps without a row", () => {
    const changed = decisions.map((decision, k) =>
      k === 0 ? { ...decision, command: { lobby: { heatingSetpointC: 21, coolingSetpointC: 24 } } } : decision,
    );
    const figures = planCalibration(changed, rows([30, 0], [21.35, 1200]))!;
    expect(figures.predictions).toBe(1);
    expect(figures.rmse1K).toBeCloseTo(0.1, 12);
  });
  it("says nothing where no plan predicted", () => {
    expect(planCalibration([], rows([21, 0]))).toBeNull();
    const { plan, ...rest } = decisions[0]!;
    const blind = { ...plan.chosen, zones: { lobby: { ...plan.chosen.zones.lobby!, meanC: [], stdDevK: [] } }, powerW: [] };
    expect(planCalibration([{ ...rest, plan: { ...plan, chosen: blind } }], rows([21, 0]))).toBeNull();
  });
});
