import type { CostProblem, RunsBefore } from "#domain/cost";
import type { StateHistory } from "#domain/model";
import type { RolloutResult } from "#domain/rollout";
import type { ZoneSetpoints } from "#domain/setpoints";

/** A zone this near its setpoint is served, K: a thermostat holds no better. */
const SERVED_K = 0.1;

/** Whether a zone's equipment runs: its air has come down to the heating setpoint, or up to the cooling setpoint. */
const runs = (tempC: number, heatingSetpointC: number, coolingSetpointC: number): boolean =>
  tempC <= heatingSetpointC + SERVED_K || tempC >= coolingSetpointC - SERVED_K;

/** For how long each zone's equipment has been running or pausing, from the newest rows; where they do not say, for ever: nothing is then short. */
export const runsBefore = (history: StateHistory, zones: readonly string[], inForce: ReadonlyMap<string, ZoneSetpoints>): RunsBefore => {
  const isOn = new Uint8Array(zones.length);
  const steps = new Float64Array(zones.length).fill(Number.POSITIVE_INFINITY);
  zones.forEach((zone, z) => {
    const temps = history.columns.get(`${zone}.zoneAirTempC`);
    const heating = history.columns.get(`${zone}.heatingSetpointC`);
    const cooling = history.columns.get(`${zone}.coolingSetpointC`);
    const stateAt = (row: number): boolean | null => {
      const tempC = temps?.[row] ?? Number.NaN;
      const pair = row === history.rows - 1 ? inForce.get(zone) : undefined;
      const heatC = heating?.[row] ?? pair?.heatingSetpointC ?? Number.NaN;
      const coolC = cooling?.[row] ?? pair?.coolingSetpointC ?? Number.NaN;
      return Number.isFinite(tempC) && Number.isFinite(heatC) && Number.isFinite(coolC) ? runs(tempC, heatC, coolC) : null;
    };
    const now = stateAt(history.rows - 1);
    if (now === null) return;
    isOn[z] = now ? 1 : 0;
    for (let back = 1; back < history.rows; back++) {
      const before = stateAt(history.rows - 1 - back);
      if (before === now) continue;
      if (before !== null) steps[z] = back;
      return;
    }
  });
  return { isOn, steps };
};

/**
 * Short runs and pauses of sequence k, each by how much of its least time it misses:
 *   Σ_z Σ_{runs i of zone z that end within the horizon} (1 − n_i / n_min)₊,   n_i in steps, n_min = minOn/step or minOff/step
 * A zone runs in step t where its predicted air ends the step within 0.1 K of its heating setpoint or colder, of its cooling setpoint or warmer. The first run began before now
 * (`before`); the last one is not over at the horizon's end and counts nothing.
 */
export const shortRunsOf = (
  { horizonSteps, nz, stepS }: CostProblem,
  { minOnS, minOffS, before }: NonNullable<CostProblem["equipment"]>,
  batch: { readonly heatingSetpointC: Float64Array; readonly coolingSetpointC: Float64Array },
  result: RolloutResult,
  k: number,
): number => {
  const least = [minOffS / stepS, minOnS / stepS] as const;
  let sum = 0;
  for (let z = 0; z < nz; z++) {
    let isOn = before.isOn[z]!;
    let length = before.steps[z]!;
    for (let t = 0; t < horizonSteps; t++) {
      const i = (k * horizonSteps + t) * nz + z;
      const on = runs(result.meanC[i]!, batch.heatingSetpointC[i]!, batch.coolingSetpointC[i]!) ? 1 : 0;
      if (on === isOn) {
        length++;
        continue;
      }
      const needed = least[isOn === 1 ? 1 : 0];
      if (length < needed) sum += 1 - length / needed;
      isOn = on;
      length = 1;
    }
  }
  return sum;
};
