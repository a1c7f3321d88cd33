import { z } from "zod";
import { fraction, number, numberOrNull, numbers, of, setpoints, source, text, timeMs, timeOrNull } from "#dashboards/server/schemaParts";
import type * as wire from "#dashboards/server/wireViews";

const modelLive = of<wire.ModelLiveView>()(
  z
    .object({
      fromMs: timeMs,
      toMs: timeMs,
      zones: z.array(
        z.object({
          zone: text,
          label: text,
          samples: number,
          biasK: numberOrNull,
          rmseK: numberOrNull,
          hours: z.array(z.object({ hour: number, samples: number, biasK: number, rmseK: number })),
          coverage: z.array(z.object({ timeMs, fraction })),
        }),
      ),
      days: z.array(z.object({ day: text, startMs: timeMs, completeFraction: fraction, missing: z.array(text) })),
      completeDays: number,
      learning: z.object({ trainingDays: number, minDays: number }).nullable(),
    })
    .meta({ id: "ModelLiveView" }),
);

const edges = { lowerC: number, upperC: number };
const schedule = of<wire.ScheduleView>()(
  z
    .object({
      nowMs: timeMs,
      timeZone: text,
      closures: z
        .array(z.object({ id: text, first: text, last: text, zones: z.array(text).nullable(), by: text, reason: text }))
        .describe("Days that people closed beside the holidays; zones null: every zone"),
      limits: z.object({
        minHeatingSetpointC: number,
        maxHeatingSetpointC: number,
        minCoolingSetpointC: number,
        maxCoolingSetpointC: number,
        deadbandK: number,
        maxSlewKPerStep: number,
      }),
      setback: setpoints,
      rule: z.object({ leadS: number, ramp: z.boolean() }),
      zones: z.array(
        z.object({
          id: text,
          label: text,
          occupied: z.object(edges),
          unoccupied: z.object(edges),
          adaptive: text.nullable(),
          week: z.array(z.array(z.object({ startMinute: number, endMinute: number }))).describe("Monday first"),
          holidays: z.array(z.object({ first: text, last: text })),
          now: z.object({ ...edges, occupied: z.boolean() }),
          next: z.object({ ...edges, occupied: z.boolean(), timeMs }).nullable(),
          override: z.object({ setpoints, untilMs: timeOrNull, by: text, reason: text }).nullable(),
        }),
      ),
    })
    .meta({ id: "ScheduleView" }),
);

const flags = z.array(z.boolean());
const whatIfPlan = z
  .object({
    source,
    reason: text,
    energyKwh: numberOrNull,
    energyCost: numberOrNull,
    peakKw: numberOrNull,
    discomfortKh: numberOrNull,
    powerW: numbers,
    pricePerKwh: numbers,
    zones: z.record(
      text,
      z.object({
        heatingSetpointC: numbers,
        coolingSetpointC: numbers,
        meanC: numbers,
        stdDevK: numbers,
        lowerC: numbers,
        upperC: numbers,
        occupied: flags,
      }),
    ),
  })
  .meta({ id: "WhatIfPlan" });
const whatIf = of<wire.WhatIfView>()(
  z
    .object({
      decisionId: text,
      issuedAtMs: timeMs,
      stepS: number,
      stepEndMs: z.array(timeMs),
      question: z.object({
        lowerShiftK: number,
        upperShiftK: number,
        priceFactor: number,
        occupancy: z.enum(["scheduled", "empty", "occupied"]),
        horizonSteps: numberOrNull,
      }),
      inForce: whatIfPlan,
      changed: whatIfPlan,
      samples: number,
      tookMs: number,
    })
    .meta({ id: "WhatIfView" }),
);

const adjustment = of<wire.SavingsAdjustmentView>()(
  z
    .object({
      id: text,
      first: text,
      last: text,
      kwhPerDay: number,
      reason: text,
      by: text,
      timeMs,
      withdrawn: z.object({ by: text, timeMs }).nullable(),
    })
    .meta({ id: "SavingsAdjustment" }),
);
const exclusion = z
  .enum(["before-control", "incomplete", "no-meter", "no-weather", "no-prediction", "not-in-charge", "override", "weather"])
  .meta({ id: "SavingsExclusion" });
const savings = of<wire.SavingsView>()(
  z
    .object({
      fromMs: timeMs,
      toMs: timeMs,
      method: z.enum(["before", "rule"]),
      controlSinceMs: timeOrNull,
      fit: z
        .object({
          fromMs: timeMs,
          toMs: timeMs,
          hours: number,
          parameters: number,
          cvRmsePct: number,
          nmbePct: number,
          r2: number,
          autocorrelation: number,
          heatingBalanceC: numberOrNull,
          coolingBalanceC: numberOrNull,
          isCalibrated: z.boolean(),
        })
        .nullable(),
      missing: z.enum(["no-control", "short-baseline", "no-days"]).nullable(),
      baselineHoursNeeded: number,
      confidencePct: number,
      total: z
        .object({
          days: number,
          hours: number,
          actualKwh: number,
          baselineKwh: number,
          adjustmentKwh: number,
          savedKwh: number,
          savedLowKwh: number,
          savedHighKwh: number,
          savedPct: numberOrNull,
        })
        .nullable(),
      days: z.array(
        z.object({
          day: text,
          startMs: timeMs,
          countedHours: number,
          hours: number,
          actualKwh: numberOrNull,
          baselineKwh: numberOrNull,
          adjustmentKwh: number,
          excluded: exclusion.nullable(),
        }),
      ),
      adjustments: z.array(adjustment).describe("Newest first; withdrawn ones stay"),
    })
    .meta({ id: "SavingsView" }),
);

/** What the views about the model, savings, schedules and what-if questions answer. */
export const viewAnswers = { modelLive, schedule, whatIf, adjustment, savings } as const;
