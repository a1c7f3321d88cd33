import { describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import { gateCases } from "../../../bench/gate.js";
import { dropout, openWindow } from "../../../bench/gateFaults.js";
import { la } from "../support.js";
import { ZONE } from "./support.js";

describe("learned from a faulted week, a zone's model", () => {
  // Measured (bench/gate.ts): windows and dropouts one by one cost at most 1.25 times the clean week's error after 20 steps with the gate, 3.9 and 16 times without.
  it("with the gate is nearly as good as from a clean one, without it not", async () => {
    const windows = (week: Dataset): Dataset => [136, 331].reduce((dataset, row) => openWindow(dataset, ZONE, row, 6).dataset, week);
    const dropouts = (week: Dataset): Dataset => [61, 410, 555].reduce((dataset, row) => dropout(dataset, ZONE, row, 8).dataset, week);
    const cases = await gateCases(la, [["pittsburgh", "1991-01-08"]], [["windows and dropouts", (week) => dropouts(windows(week))]]);
    for (const { clean, gated, ungated } of cases) {
      expect(gated!.rmse20K!).toBeLessThan(1.5 * clean.rmse20K!);
      expect(gated!.rmse1K).toBeLessThan(1.5 * clean.rmse1K);
      expect(ungated!.rmse20K!).toBeGreaterThan(2 * gated!.rmse20K!);
      expect(ungated!.rmse1K).toBeGreaterThan(2 * gated!.rmse1K);
    }
  }, 180_000);
});
