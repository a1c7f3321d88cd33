import { describe, expect, it } from "vitest";
import type { Decision } from "#domain/plan";
import { createProbeLedger } from "#loop/probeLedger";

const HOUR_MS = 3_600_000;
/** A decision that plans 4 kW in its first quarter hour at 0.25 a kWh: 0.25. */
const decision = (hour: number, probe?: { zone: string; cost: number }, mode: "auto" | "shadow" = "auto"): Decision =>
  ({
    timeMs: hour * HOUR_MS,
    mode,
    plan: {
      stepS: 900,
      pricePerKwh: [0.25],
      chosen: { powerW: [4000] },
      ...(probe === undefined ? {} : { probe: { ...probe, mode: "heating", setpointC: 21, plannedC: 20, stdDevK: 0.3 } }),
    },
  }) as unknown as Decision;

describe("the account of probes", () => {
  it("allows nothing before half a day is known, then a share of what a day's energy costs, less what was spent", () => {
    const ledger = createProbeLedger({ share: 0.01, restMs: 2 * HOUR_MS });
    expect(ledger.allowance(0)).toBeNull();
    for (let hour = 0; hour < 12; hour++) ledger.decided(decision(hour));
    expect(ledger.allowance(11 * HOUR_MS)).toBeNull();
    expect(ledger.allowance(12 * HOUR_MS)?.budget).toBeCloseTo(0.01 * 12 * 0.25, 12);
    ledger.decided(decision(12, { zone: "north", cost: 0.02 }));
    expect(ledger.allowance(13 * HOUR_MS)).toEqual({ budget: expect.closeTo(0.01 * 13 * 0.25 - 0.02, 12), excludedZones: ["north"] });
    expect(ledger.allowance(15 * HOUR_MS)?.excludedZones).toEqual([]);
    ledger.decided(decision(15, { zone: "south", cost: 0.05 }));
    expect(ledger.allowance(16 * HOUR_MS)).toBeNull();
  });

  it("forgets what is older than a day, and counts nothing that was only proposed", () => {
    const ledger = createProbeLedger({ share: 0.01, restMs: 0 });
    ledger.decided(decision(0, { zone: "north", cost: 1 }));
    for (let hour = 1; hour <= 30; hour++) ledger.decided(decision(hour));
    ledger.decided(decision(30, { zone: "north", cost: 1 }, "shadow"));
    // Hours 7 to 30.
    expect(ledger.allowance(30 * HOUR_MS)?.budget).toBeCloseTo(0.01 * 24 * 0.25, 12);
  });
});
