import { type Sequence, widestPair } from "#controllers/mppi/samples";
import type { TerminalValue } from "#domain/cost";
import type { RolloutResult } from "#domain/rollout";
import type { ComfortSchedule } from "#domain/setpoints";

/** Plans that end (or pass) closer together than this say nothing about what a kelvin costs. */
const LEAST_DIFFERENCE_K = 1;

/**
 * Electric energy that one kelvin of one zone costs, kWh/K, as the given plans themselves show it: at the step where two of them differ most in
 * temperature, (difference of energy used so far) / (difference of temperature, summed over zones). Heating: the warmer plan used more; cooling: the
 * colder one. 0 where no two plans ever differ by 1 K: then none of them can hide anything behind the horizon either.
 * `result` holds `count` plans, [k][t][z] and power [k][t]; plans with values that are not finite are left out.
 */
export const kwhPerKelvin = (result: RolloutResult, count: number, horizonSteps: number, nz: number, stepS: number): number => {
  let [bestDifferenceK, bestKwh] = [LEAST_DIFFERENCE_K, 0];
  const energyWh = new Float64Array(count);
  for (let t = 0; t < horizonSteps; t++) {
    let [warm, cold] = [-1, -1];
    let [warmest, coldest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let k = 0; k < count; k++) {
      energyWh[k]! += (result.powerW[k * horizonSteps + t]! * stepS) / 3600;
      let sum = 0;
      for (let z = 0; z < nz; z++) sum += result.meanC[(k * horizonSteps + t) * nz + z]!;
      if (!Number.isFinite(sum) || !Number.isFinite(energyWh[k]!)) continue;
      if (sum > warmest) [warmest, warm] = [sum, k];
      if (sum < coldest) [coldest, cold] = [sum, k];
    }
    if (warm >= 0 && warmest - coldest > bestDifferenceK) {
      bestDifferenceK = warmest - coldest;
      bestKwh = Math.abs(energyWh[warm]! - energyWh[cold]!) / 1000;
    }
  }
  return bestKwh / bestDifferenceK;
};

/**
 * What a plan owes at the horizon's end, so that dropping the temperature there is no saving: a zone that is occupied in the last step, or in a
 * later one that the schedule shows, has to be brought back from wherever it ends to where the rule would be, as far as the band asks for it:
 *   heatTo = min(T_rule,end, lower),  coolTo = max(T_rule,end, upper),  cost = price · kWh/K · (kelvin short).
 * A zone that ends beyond the rule's end earns nothing. Where the schedule ends with the horizon the rule tells: if its last pair is tighter than its
 * widest one it is getting ready for somebody, and that pair stands for the band. `ruleEndC`: the rule's predicted temperatures at the
 * horizon's end, one per zone; `rule`: its setpoints, [t][z].
 */
export const terminalValue = (
  comfort: readonly ComfortSchedule[],
  horizonSteps: number,
  ruleEndC: Float64Array,
  rule: Sequence,
  pricePerK: number,
): TerminalValue | null => {
  if (!(pricePerK > 0) || !ruleEndC.every(Number.isFinite)) return null;
  const wide = widestPair([rule], comfort.length);
  const heatToC = new Float64Array(comfort.length).fill(Number.NEGATIVE_INFINITY);
  const coolToC = new Float64Array(comfort.length).fill(Number.POSITIVE_INFINITY);
  comfort.forEach(({ occupied, lowerC, upperC }, z) => {
    let next = horizonSteps - 1;
    while (next < occupied.length && occupied[next] === 0) next++;
    const isKnown = next < occupied.length;
    const last = (horizonSteps - 1) * comfort.length + z;
    const heating = rule.heatingSetpointC[last]!;
    const cooling = rule.coolingSetpointC[last]!;
    if (isKnown || heating > wide.heatingSetpointC[z]!) heatToC[z] = Math.min(ruleEndC[z]!, isKnown ? lowerC[next]! : heating);
    if (isKnown || cooling < wide.coolingSetpointC[z]!) coolToC[z] = Math.max(ruleEndC[z]!, isKnown ? upperC[next]! : cooling);
  });
  return { heatToC, coolToC, pricePerK };
};
