import type { SimulateWishes } from "#cli/simulateOptions";
import { actingRuleName } from "#cli/simulateRules";
import type { SimulateResult } from "#cli/simulateRun";

/** The figures of a run for people. */
export function describeResult(result: SimulateResult, options: SimulateWishes): string {
  const best =
    result.bestConstantRaiseK !== undefined
      ? { raiseK: result.bestConstantRaiseK }
      : result.bestLead !== undefined
        ? { leadSteps: result.bestLead, ramp: result.bestRamp === true }
        : null;
  const rule = best === null ? "" : ` (${actingRuleName(best)})`;
  const zones = Object.entries(result.comfortViolationPctByZone)
    .map(([zone, pct]) => `${zone} ${pct.toFixed(2)} %`)
    .join(", ");
  const lines: (readonly [string, string])[] = [
    ["controller", `${result.controller}${rule} on ${result.plant}, ${options.days} days from ${options.year}-${options.start}`],
    [
      "comfort",
      `${result.comfortViolationPct.toFixed(2)} % of occupied zone-steps outside (${zones}), ${result.discomfortKh.toFixed(2)} Kh`,
    ],
    ["electricity", `${result.hvacElectricityKwh.toFixed(1)} kWh, peak ${result.peakKw.toFixed(1)} kW`],
    ...(result.fuelKwh > 0 ? [["fuel", `${result.fuelKwh.toFixed(1)} kWh`] as const] : []),
    ["cost", `${result.cost.toFixed(2)} (${options.tariff}), ${result.emissionsKg.toFixed(1)} kg CO2`],
    ["decisions", `${result.decisionMs.p50.toFixed(1)} ms at the median, ${result.decisionMs.p95.toFixed(1)} ms at the 95th percentile`],
    ...(result.backend === null
      ? []
      : [
          [
            "learning",
            `${(result.fitMs / 1000).toFixed(1)} s on ${result.backend}; fell back in ${result.fallbackPct.toFixed(1)} % of steps`,
          ] as const,
        ]),
    ["run", `${(result.wallMs / 1000).toFixed(1)} s, ${result.peakRssMb.toFixed(0)} MB`],
  ];
  return `${lines.map(([name, text]) => `${name.padEnd(12)}${text}`).join("\n")}\n`;
}
