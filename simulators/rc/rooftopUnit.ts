import type { HvacDescription, OutdoorLine, SizedCapacities } from "#simulators/rc/description";
import { airHeatCapacityJm3K } from "#simulators/rc/thermalNetwork";

export const atOutdoor = (line: OutdoorLine, outdoorC: number): number =>
  Math.max(line.minimum, line.rated + line.slopePerK * (outdoorC - line.ratedOutdoorC));

/** Share of full fan power at a share of full air flow: variable speed with static pressure reset (ASHRAE 90.1-2019, table G3.1.3.15, method 2). */
export const fanPowerShare = (flowShare: number): number => {
  const x = Math.min(1, Math.max(0, flowShare));
  return Math.max(0, 0.0013 + 0.147 * x + 0.9506 * x ** 2 - 0.0998 * x ** 3);
};

/** Electric power of the unit and where it goes, W. */
export interface UnitPower {
  readonly heatPumpW: number;
  readonly auxiliaryW: number;
  readonly coolingW: number;
  readonly fanW: number;
  /** Circulation of heating water. */
  readonly pumpW: number;
  readonly totalW: number;
}

/** Share of the cooling that outdoor air gives for free: (T_return − T_out)/(T_return − T_supply), between 0 and 1, below the high limit. */
export function freeCoolingShare(hvac: HvacDescription, outdoorC: number, returnC: number): number {
  if (hvac.economizer === null || outdoorC >= hvac.economizer.limitC || outdoorC >= returnC) return 0;
  const drop = returnC - hvac.supplyAir.coolingC;
  return drop <= 0 ? 0 : Math.min(1, (returnC - outdoorC) / drop);
}

/** Most heat and cooling that the unit gives all zones together at this outdoor temperature, W. */
export function centralLimits(
  hvac: HvacDescription,
  sized: SizedCapacities,
  outdoorC: number,
  freeShare: number,
): { heatingW: number; coolingW: number } {
  const heatPumpW = hvac.heatPump === null ? 0 : sized.heatPumpRatedW * atOutdoor(hvac.heatPump.relativeCapacity, outdoorC);
  const compressorW = sized.coolingRatedW * atOutdoor(hvac.cooling.relativeCapacity, outdoorC);
  return {
    heatingW: heatPumpW + sized.auxiliaryHeatingW,
    coolingW: freeShare >= 1 ? Number.POSITIVE_INFINITY : compressorW / (1 - freeShare),
  };
}

/** Supply air that carries a zone's heat, m³/s. */
export const supplyFlowM3s = (hvac: HvacDescription, heatW: number, zoneC: number): number => {
  if (heatW === 0) return 0;
  const differenceK = heatW > 0 ? hvac.supplyAir.heatingC - zoneC : zoneC - hvac.supplyAir.coolingC;
  return Math.abs(heatW) / (airHeatCapacityJm3K * Math.max(2, differenceK));
};

/**
 * Electricity for the heat that the zones get: heat pump first, P = Q/COP(T_out), then resistance; compressor cooling for what outdoor air does not give,
 * P = Q/(SHR · COP(T_out)); fan by its flow. `designFlowM3s` is the fan's full flow, `ventilationM3s` the outdoor air asked for now.
 */
export function unitPower(
  hvac: HvacDescription,
  sized: SizedCapacities,
  state: {
    readonly outdoorC: number;
    readonly zoneHeatW: Float64Array;
    readonly zoneAirC: ArrayLike<number>;
    readonly freeShare: number;
    readonly designFlowM3s: number;
    readonly ventilationM3s: number;
  },
): UnitPower {
  let heating = 0;
  let cooling = 0;
  let flow = 0;
  state.zoneHeatW.forEach((q, z) => {
    if (q > 0) heating += q;
    else cooling -= q;
    flow += supplyFlowM3s(hvac, q, state.zoneAirC[z]!);
  });
  const pump = hvac.heatPump;
  const byPump = pump === null ? 0 : Math.min(heating, sized.heatPumpRatedW * atOutdoor(pump.relativeCapacity, state.outdoorC));
  const heatPumpW = pump === null ? 0 : byPump / atOutdoor(pump.cop, state.outdoorC);
  const auxiliaryW = heating - byPump;
  const coolingW = (cooling * (1 - state.freeShare)) / hvac.cooling.sensibleHeatRatio / atOutdoor(hvac.cooling.cop, state.outdoorC);
  const running = flow > 0 || state.ventilationM3s > 0;
  const share = running ? Math.max(hvac.fan.minimumFlowFraction, Math.max(flow, state.ventilationM3s) / state.designFlowM3s) : 0;
  const fanW = running ? hvac.fan.specificPowerWPerM3s * state.designFlowM3s * fanPowerShare(share) : 0;
  return { heatPumpW, auxiliaryW, coolingW, fanW, pumpW: 0, totalW: heatPumpW + auxiliaryW + coolingW + fanW };
}
