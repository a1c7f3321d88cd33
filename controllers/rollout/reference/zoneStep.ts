import { posteriorMean, posteriorVariance } from "#controllers/rollout/reference/posterior";
import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { type FeatureSource, fillInputs, type Gates } from "#math/features";

/** Where one step takes one zone. */
export interface ZoneStep {
  readonly nextC: number;
  readonly nextVarianceK2: number;
  /** What heating (cooling) added to (took from) the free float, K. */
  readonly heatingK: number;
  readonly coolingK: number;
}

const OFF = Uint8Array.of(0);
const ON = Uint8Array.of(1);
const NO_GATE: Gates = { heating: OFF, cooling: OFF };
const HEATING_GATE: Gates = { heating: ON, cooling: OFF };
const COOLING_GATE: Gates = { heating: OFF, cooling: ON };

/**
 * One step of one zone as `Transition` in the model's contract says; v' = gain² v + variance(x) + noise off the setpoint,
 * the held variance on it.
 */
export const stepZone = (model: ZoneModel, source: FeatureSource, varianceK2: number): ZoneStep => {
  const { posterior, transition, zone } = model;
  const inputs = (gates: Gates): Float64Array => fillInputs(posterior.features, source, gates);
  const f = (gates: Gates): number => posteriorMean(posterior, inputs(gates));
  const carried = (gates: Gates): number =>
    model.stateGain ** 2 * varianceK2 + posteriorVariance(posterior, inputs(gates)) + model.noiseVarianceK2;
  const value = (column: number | Float64Array): number => (typeof column === "number" ? column : column[0]!);
  const now = value(source.state(zonePoint(zone, "zoneAirTempC"), 0));

  if (transition !== "thermostat") {
    const nextC = transition === "absolute" ? f(NO_GATE) : now + f(NO_GATE);
    return { nextC, nextVarianceK2: carried(NO_GATE), heatingK: 0, coolingK: 0 };
  }
  const heatingSetpointC = value(source.setpoint(zone, "heating", 0));
  const coolingSetpointC = value(source.setpoint(zone, "cooling", 0));
  const freeC = now + f(NO_GATE);
  if (freeC < heatingSetpointC) {
    const heatedC = now + f(HEATING_GATE);
    const held = heatedC >= heatingSetpointC;
    const nextC = held ? heatingSetpointC + model.heldOffsetK : heatedC;
    const nextVarianceK2 = held ? model.heldStdDevK ** 2 : carried(HEATING_GATE);
    return { nextC, nextVarianceK2, heatingK: Math.max(0, nextC - freeC), coolingK: 0 };
  }
  if (freeC > coolingSetpointC) {
    const cooledC = now + f(COOLING_GATE);
    const held = cooledC <= coolingSetpointC;
    const nextC = held ? coolingSetpointC + model.heldOffsetK : cooledC;
    const nextVarianceK2 = held ? model.heldStdDevK ** 2 : carried(COOLING_GATE);
    return { nextC, nextVarianceK2, heatingK: 0, coolingK: Math.max(0, freeC - nextC) };
  }
  return { nextC: freeC, nextVarianceK2: carried(NO_GATE), heatingK: 0, coolingK: 0 };
};
