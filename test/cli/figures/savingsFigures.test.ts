import { describe, expect, it } from "vitest";
import { createSavingsFigures } from "#cli/daemon/figures/savingsFigures";
import { createLocalCalendar } from "#dashboards/server/localTime";
import { createControlSince } from "#dashboards/server/savings/controlSince";
import { savingsView } from "#dashboards/server/savings/savings";
import { savingsPoint, savingsQuantities } from "#domain/figures";
import type { Decision } from "#domain/plan";
import type { TelemetryPoint } from "#domain/points";
import type { SavingsAdjustment } from "#domain/savings";
import { dayMs, hourMs, savingsBuilding } from "../../fixtures/savingsBuilding.js";

type Building = Awaited<ReturnType<typeof savingsBuilding>>;

const figuresOf = ({ store }: Building, adjustments: readonly SavingsAdjustment[] = [], fails = (): void => undefined) => {
  const written: TelemetryPoint[] = [];
  let turns = 0;
  const figures = createSavingsFigures({
    reader: store,
    zones: ["lobby"],
    stepS: 3600,
    calendar: createLocalCalendar("UTC"),
    adjustments: {
      load: async () => {
        fails();
        return adjustments;
      },
    },
    write: (points) => {
      written.push(...points);
      void store.append(points);
    },
    inTurn: async (work) => {
      turns++;
      return work();
    },
  });
  return { figures, written, turns: () => turns };
};
const days = (written: readonly TelemetryPoint[]): number[] =>
  written.filter(({ point }) => point === savingsPoint("savingsActualKwh")).map(({ timeMs }) => timeMs);

describe("what each day saved", () => {
  it("is what the dashboard's page says of that day, at the day's begin, once it is over", async () => {
    const building = await savingsBuilding(21, 4, 0.8);
    const { source, controlMs, endMs } = building;
    const { figures, written, turns } = figuresOf(building);
    // The last day is over, but what was measured last may still be under way.
    await figures.look(endMs + 60_000);
    expect(days(written)).toEqual([0, 1, 2].map((k) => controlMs + k * dayMs));
    await figures.look(endMs + 2 * 60_000);
    expect(turns()).toBe(1);
    await figures.look(endMs + hourMs);
    expect(days(written)).toEqual([0, 1, 2, 3].map((k) => controlMs + k * dayMs));
    const view = await savingsView(source, { fromMs: controlMs + dayMs, toMs: controlMs + 2 * dayMs }, "before", controlMs, []);
    const own = new Map(written.filter(({ timeMs }) => timeMs === controlMs + dayMs).map(({ point, value }) => [point, value]));
    expect(own.size).toBe(savingsQuantities.length);
    const { total, fit } = view;
    expect(savingsQuantities.map((quantity) => own.get(savingsPoint(quantity)))).toEqual([
      total!.baselineKwh,
      total!.actualKwh,
      total!.savedKwh,
      total!.savedLowKwh,
      total!.savedHighKwh,
      fit!.cvRmsePct,
      fit!.nmbePct,
    ]);
    expect(total!.savedKwh).toBeGreaterThan(0);
    expect(total!.savedLowKwh).toBeLessThan(total!.savedKwh);
  });

  it("goes on after a restart where it was, and counts adjustments", async () => {
    const building = await savingsBuilding(10, 4, 0.8);
    const { controlMs, endMs } = building;
    const first = figuresOf(building);
    await first.figures.look(controlMs + 2 * dayMs + hourMs);
    const adjustment = { id: "a", kwhPerDay: 7, reason: "", by: "ada", timeMs: 1, withdrawn: null };
    const day = new Date(controlMs + 2 * dayMs).toISOString().slice(0, 10);
    const again = figuresOf(building, [{ ...adjustment, first: day, last: day }]);
    await again.figures.look(endMs + hourMs);
    expect([days(first.written), days(again.written)]).toEqual([
      [controlMs, controlMs + dayMs],
      [controlMs + 2 * dayMs, controlMs + 3 * dayMs],
    ]);
    const { source } = building;
    const range = { fromMs: controlMs + 2 * dayMs, toMs: controlMs + 3 * dayMs };
    const plain = await savingsView(source, range, "before", controlMs, []);
    const saved = again.written.find(({ timeMs, point }) => timeMs === range.fromMs && point === savingsPoint("savingsSavedKwh"));
    expect(saved!.value).toBeCloseTo(plain.total!.savedKwh + 7, 9);
  });

  it("is not told of days that do not count, nor where the time before is too short or nothing was sent yet", async () => {
    const away = await savingsBuilding(10, 3, 0.8, (decision) => ({
      ...decision,
      ...(Math.floor((decision.timeMs - away0) / dayMs) === 1 ? { zoneSources: { lobby: "override" as const } } : {}),
    }));
    const overridden = figuresOf(away);
    await overridden.figures.look(away.endMs + hourMs);
    expect(days(overridden.written)).toEqual([away.controlMs, away.controlMs + 2 * dayMs]);
    const short = await savingsBuilding(3, 3, 0.8);
    const shadow = await savingsBuilding(10, 3, 0.8, (decision): Decision => ({ ...decision, mode: "shadow" }));
    for (const building of [short, shadow]) {
      const { figures, written } = figuresOf(building);
      await figures.look(building.endMs + hourMs);
      expect(written).toEqual([]);
    }
  });

  it("what failed is tried again after an hour", async () => {
    const building = await savingsBuilding(10, 2, 0.8);
    let broken = true;
    const { figures, written, turns } = figuresOf(building, [], () => {
      if (broken) throw new Error("damaged");
    });
    const atMs = building.endMs + hourMs;
    await expect(figures.look(atMs)).rejects.toThrow("damaged");
    await figures.look(atMs + 60_000);
    expect(turns()).toBe(1);
    broken = false;
    await figures.look(atMs + hourMs);
    expect(days(written)).toHaveLength(2);
  });
});

/** When control begins in a building of ten days before. */
const away0 = Date.UTC(2026, 0, 15);

describe("the first decision that was sent", () => {
  it("is looked for in what is new only, and found once", async () => {
    const asked: number[] = [];
    let decisions: { timeMs: number; mode: "shadow" | "auto" }[] = [
      { timeMs: 10, mode: "shadow" },
      { timeMs: 20, mode: "shadow" },
    ];
    const since = createControlSince({
      decisions: async function* (fromMs) {
        asked.push(fromMs);
        for (const decision of decisions) if (decision.timeMs >= fromMs) yield decision as unknown as Decision;
      },
    });
    expect(await since(25)).toBeNull();
    decisions = [...decisions, { timeMs: 30, mode: "auto" }, { timeMs: 40, mode: "auto" }];
    expect(await since(45)).toBe(30);
    expect(await since(50)).toBe(30);
    expect(asked.slice(1)).toEqual([20]);
  });
});
