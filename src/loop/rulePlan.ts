import type { Plan } from "#domain/plan";
import type { ControlSequence, PlanRequest } from "#domain/planner";
import type { ControlSource } from "#domain/setpoints";

const noCost = { comfort: 0, energy: 0, uncertainty: 0, movement: 0, total: 0 };

/**
 * A plan that carries out one control sequence without any model: its trajectories hold setpoints only, `meanC`, `stdDevK` and `powerW` are empty.
 * @param sequence [t][z], at least one row.
 */
export function planOfSequence(
  request: PlanRequest,
  sequence: ControlSequence,
  options: { readonly source: ControlSource; readonly fallback: Plan["fallback"]; readonly reason: string },
): Plan {
  const nz = request.zones.length;
  const steps = nz === 0 ? 0 : Math.floor(sequence.heatingSetpointC.length / nz);
  const along = (values: Float64Array, z: number): number[] => Array.from({ length: steps }, (_, t) => values[t * nz + z]!);
  const stepEndMs = Array.from(request.forecast.stepEndMs.subarray(0, steps));
  return {
    schema: "1.0",
    issuedAtMs: request.nowMs,
    stepS: request.stepS,
    stepEndMs,
    source: options.source,
    chosen: {
      zones: Object.fromEntries(
        request.zones.map((zone, z) => [
          zone,
          {
            heatingSetpointC: along(sequence.heatingSetpointC, z),
            coolingSetpointC: along(sequence.coolingSetpointC, z),
            meanC: [],
            stdDevK: [],
          },
        ]),
      ),
      powerW: [],
      cost: noCost,
    },
    rule: null,
    comfort: Object.fromEntries(
      [...request.comfort].map(([zone, { lowerC, upperC, occupied }]) => [
        zone,
        {
          lowerC: [...lowerC.subarray(0, steps)],
          upperC: [...upperC.subarray(0, steps)],
          occupied: Array.from(occupied.subarray(0, steps), (o) => o !== 0),
        },
      ]),
    ),
    outdoorAirTempC: Array.from(request.forecast.columns.get("site.outdoorAirTempC")?.subarray(0, steps) ?? []),
    pricePerKwh: Array.from(request.pricePerKwh.subarray(0, steps)),
    reason: options.reason,
    fallback: options.fallback,
    diagnostics: {
      numSamples: 0,
      horizonSteps: steps,
      samplesDiscarded: 0,
      samplesNotFinite: 0,
      effectiveSampleSize: 0,
      mppiTemperature: 0,
      spreadBoundK: 0,
      solveMs: 0,
      backend: "none",
      seed: request.seed,
    },
  };
}

/** True where every number that will be carried out or shown is finite and every zone has a pair for the coming step. */
export const isFinitePlan = (plan: Plan, zones: readonly string[]): boolean =>
  zones.every((zone) => {
    const trajectory = plan.chosen.zones[zone];
    if (trajectory === undefined) return false;
    const { heatingSetpointC, coolingSetpointC, meanC, stdDevK } = trajectory;
    return (
      heatingSetpointC.length > 0 &&
      heatingSetpointC.length === coolingSetpointC.length &&
      [heatingSetpointC, coolingSetpointC, meanC, stdDevK].every((values) => values.every(Number.isFinite))
    );
  }) && Number.isFinite(plan.chosen.cost.total);
