import { describe, expect, it } from "vitest";
import { type BaselineHour, blockOf, fitBaseline } from "#dashboards/server/savings/baselineModel";
import { savingsView } from "#dashboards/server/savings/savings";
import { effectiveHours, fitFigures, regressionHalfWidthKwh, sumHalfWidthKwh } from "#dashboards/server/savings/uncertainty";
import type { Decision } from "#domain/plan";
import type { SavingsAdjustment } from "#domain/savings";
import { studentQuantile } from "#math/statistics";
import { dayMs, hourMs, isWorkday, savingsBuilding, startMs } from "../fixtures/savingsBuilding.js";

describe("Student's quantile", () => {
  it("is that of the tables", () => {
    for (const [p, nu, t] of [
      [0.95, 1, 6.3138],
      [0.95, 2, 2.92],
      [0.95, 5, 2.015],
      [0.975, 10, 2.2281],
      [0.95, 30, 1.6973],
      [0.975, 1000, 1.9623],
    ] as const)
      expect([p, nu, Math.abs(studentQuantile(p, nu) - t) < 0.005]).toEqual([p, nu, true]);
  });
});

describe("the figures of a baseline", () => {
  it("are CV(RMSE), NMBE and R² as ASHRAE Guideline 14 writes them", () => {
    const measured = [10, 12, 9, 14, 11, 13];
    const predicted = [11, 11, 10, 13, 12, 12];
    const figures = fitFigures(
      measured,
      predicted,
      [0, 1, 2, 3, 4, 5].map((i) => i * hourMs),
      2,
    );
    const e = measured.map((value, i) => value - predicted[i]!);
    const meanKwh = 69 / 6;
    expect(figures.cvRmsePct).toBeCloseTo((100 * Math.sqrt(e.reduce((sum, one) => sum + one * one, 0) / 4)) / meanKwh, 12);
    expect(figures.nmbePct).toBeCloseTo((100 * e.reduce((sum, one) => sum + one, 0)) / (4 * meanKwh), 12);
    expect(figures.autocorrelation).toBeCloseTo(-5 / 6, 12);
  });

  it("weigh correlated hours as fewer", () => {
    expect(effectiveHours(100, 0.5)).toBeCloseTo(100 / 3, 12);
    expect(effectiveHours(100, -0.5)).toBe(100);
    const fit = { cvFraction: 0.2, hours: 200, autocorrelation: 0.5, parameters: 10, countedHours: 48, baselineKwh: 1000, confidence: 0.9 };
    const n = 200 / 3;
    expect(regressionHalfWidthKwh(fit)).toBeCloseTo(
      studentQuantile(0.95, n - 10) * 1.26 * 1000 * 0.2 * Math.sqrt(((200 / n) * (1 + 2 / n)) / 48),
      9,
    );
    expect(sumHalfWidthKwh(0.5, 90, 0.5, 0.9)).toBeCloseTo((studentQuantile(0.95, 29) * 0.5 * 90) / Math.sqrt(30), 9);
  });

  it("finds balance points and slopes that made the data", () => {
    const hours = Array.from({ length: 21 * 24 }, (_, i): BaselineHour => {
      const at = startMs + i * hourMs;
      const temp = 15 + 12 * Math.sin(i / 17);
      return {
        startMs: at,
        outdoorC: temp,
        block: blockOf(Math.floor((at % dayMs) / hourMs), isWorkday(at)),
        energyKwh: (isWorkday(at) ? 4 : 1) + 0.5 * Math.max(0, 12 - temp) + 0.3 * Math.max(0, temp - 18),
      };
    });
    const model = fitBaseline(hours);
    expect([model.heatingBalanceC, model.coolingBalanceC]).toEqual([12, 18]);
    expect(model.predictKwh({ outdoorC: 2, block: blockOf(12, true) })).toBeCloseTo(9, 4);
    expect(model.predictKwh({ outdoorC: 28, block: blockOf(12, false) })).toBeCloseTo(4, 4);
  });
});

describe("savings against the time before", () => {
  it("holds the truth inside its interval, and says what the baseline is worth", async () => {
    const { source, controlMs, endMs, truthKwh } = await savingsBuilding(21, 10, 0.8);
    const view = await savingsView(source, { fromMs: controlMs, toMs: endMs }, "before", controlMs, []);
    expect(view.missing).toBe(null);
    expect(view.fit).toMatchObject({ hours: 21 * 24, isCalibrated: true });
    const { savedKwh, savedLowKwh, savedHighKwh, days, hours, baselineKwh, actualKwh } = view.total!;
    const truth = truthKwh(controlMs, endMs);
    expect([days, hours]).toEqual([10, 240]);
    expect(savedLowKwh).toBeLessThan(truth);
    expect(savedHighKwh).toBeGreaterThan(truth);
    expect(savedLowKwh).toBeGreaterThan(0);
    expect(savedKwh).toBeCloseTo(baselineKwh - actualKwh, 9);
    expect(savedKwh).toBeCloseTo(
      view.days.reduce((sum, day) => sum + day.baselineKwh! - day.actualKwh!, 0),
      9,
    );
  });

  it("does not claim a saving where there was none", async () => {
    const { source, controlMs, endMs } = await savingsBuilding(21, 10, 1);
    const { total } = await savingsView(source, { fromMs: controlMs, toMs: endMs }, "before", controlMs, []);
    expect(total!.savedLowKwh).toBeLessThan(0);
    expect(total!.savedHighKwh).toBeGreaterThan(0);
  });

  it("gives no figure from too short a time before, and none before control", async () => {
    const { source, controlMs, endMs } = await savingsBuilding(3, 3, 0.8);
    expect((await savingsView(source, { fromMs: controlMs, toMs: endMs }, "before", controlMs, [])).missing).toBe("short-baseline");
    expect((await savingsView(source, { fromMs: controlMs, toMs: endMs }, "before", null, [])).missing).toBe("no-control");
  });

  it("leaves out days with a reason each: overrides, shadow mode, unfinished ones, those before control", async () => {
    const day = (decision: Decision, index: number, controlMs: number): boolean =>
      Math.floor((decision.timeMs - controlMs) / dayMs) === index;
    const controlMs = startMs + 10 * dayMs;
    const { source, endMs } = await savingsBuilding(10, 5, 0.8, (decision) =>
      day(decision, 1, controlMs)
        ? { ...decision, zoneSources: { lobby: "override" } }
        : day(decision, 2, controlMs)
          ? { ...decision, mode: "shadow" }
          : decision,
    );
    const view = await savingsView(source, { fromMs: controlMs - dayMs, toMs: endMs - 6 * hourMs }, "before", controlMs, []);
    expect(view.days.map(({ excluded }) => excluded)).toEqual(["before-control", null, "override", "not-in-charge", null, "incomplete"]);
    expect(view.total!.days).toBe(2);
  });

  it("adds adjustments to the days they name, and none that was withdrawn", async () => {
    const { source, controlMs, endMs } = await savingsBuilding(10, 4, 0.8);
    const one: SavingsAdjustment = {
      id: "a",
      first: new Date(controlMs).toISOString().slice(0, 10),
      last: new Date(controlMs + dayMs).toISOString().slice(0, 10),
      kwhPerDay: 7,
      reason: "longer hours",
      by: "ada",
      timeMs: 1,
      withdrawn: null,
    };
    const range = { fromMs: controlMs, toMs: endMs };
    const plain = await savingsView(source, range, "before", controlMs, [{ ...one, withdrawn: { by: "ada", timeMs: 2 } }]);
    const adjusted = await savingsView(source, range, "before", controlMs, [one]);
    expect(adjusted.total!.savedKwh - plain.total!.savedKwh).toBeCloseTo(14, 9);
    expect(adjusted.total!.adjustmentKwh).toBe(14);
    expect(adjusted.adjustments).toEqual([one]);
  });
});

describe("savings against the rule", () => {
  it("sums what the rule was expected to use more, with the power model's own errors as its doubt", async () => {
    const { source, controlMs, endMs, truthKwh } = await savingsBuilding(0, 5, 0.8);
    const view = await savingsView(source, { fromMs: controlMs, toMs: endMs }, "rule", controlMs, []);
    expect(view.total!.savedKwh).toBeCloseTo(truthKwh(controlMs, endMs), 6);
    expect(view.fit).toMatchObject({ parameters: 0, heatingBalanceC: null, isCalibrated: true });
    expect(view.total!.savedHighKwh - view.total!.savedKwh).toBeGreaterThan(0);
  });
});
