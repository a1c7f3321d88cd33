export interface ZoneLimits {
  readonly heatingSetpointC: Float64Array;
  readonly coolingSetpointC: Float64Array;
  readonly heatingCapacityW: Float64Array;
  readonly coolingCapacityW: Float64Array;
  /** Of all zones together. */
  readonly centralHeatingW: number;
  readonly centralCoolingW: number;
}

/**
 * Heat (W, cooling negative) that brings every zone to its setpoint at the end of the sub-step, as far as capacity goes, and none where the zone stays
 * between its setpoints by itself. T_i = free_i + Σ_j R_ij Q_j is a linear complementarity problem; R is diagonally dominant, so Gauss–Seidel with
 * clamping converges. Where the zones together want more than the central unit has, each gets the same share of what it asked for.
 */
export function idealLoads(freeAirC: Float64Array, responseKPerW: Float64Array, limits: ZoneLimits, heatW: Float64Array): void {
  const zones = freeAirC.length;
  heatW.fill(0);
  for (let sweep = 0; sweep < 200; sweep++) {
    let change = 0;
    for (let i = 0; i < zones; i++) {
      let withoutOwn = freeAirC[i]!;
      for (let j = 0; j < zones; j++) if (j !== i) withoutOwn += responseKPerW[i * zones + j]! * heatW[j]!;
      const own = responseKPerW[i * zones + i]!;
      let q = 0;
      if (withoutOwn < limits.heatingSetpointC[i]!)
        q = Math.min((limits.heatingSetpointC[i]! - withoutOwn) / own, limits.heatingCapacityW[i]!);
      else if (withoutOwn > limits.coolingSetpointC[i]!)
        q = -Math.min((withoutOwn - limits.coolingSetpointC[i]!) / own, limits.coolingCapacityW[i]!);
      change = Math.max(change, Math.abs(q - heatW[i]!));
      heatW[i] = q;
    }
    if (change < 1e-9) break;
  }
  let heating = 0;
  let cooling = 0;
  for (const q of heatW) {
    if (q > 0) heating += q;
    else cooling -= q;
  }
  const heatingShare = heating > limits.centralHeatingW ? limits.centralHeatingW / heating : 1;
  const coolingShare = cooling > limits.centralCoolingW ? limits.centralCoolingW / cooling : 1;
  for (let i = 0; i < zones; i++) heatW[i]! *= heatW[i]! > 0 ? heatingShare : coolingShare;
}
