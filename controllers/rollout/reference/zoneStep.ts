import { posteriorMean, posteriorVariance } from "#controllers/rollout/reference/posterior";
import type { SequenceSpread } from "#controllers/rollout/reference/sequenceSpread";
import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { type FeatureSource, fillInputs, type Gates } from "#math/features";

/** Where one step takes one zone. */
export interface ZoneStep {
  readonly nextC: number;
  readonly nextStdDevK: number;
  /** What heating (cooling) added to (took from) the free float, K; the call of a zone that has one. */
  readonly heatingK: number;
  readonly coolingK: number;
}

const OFF = Uint8Array.of(0);
const ON = Uint8Array.of(1);
const NO_GATE: Gates = { heating: OFF, cooling: OFF };
const HEATING_GATE: Gates = { heating: ON, cooling: OFF };
const COOLING_GATE: Gates = { heating: OFF, cooling: ON };

/** One step of one zone as `Transition` in the model's contract says, and what `spread` makes of it. */
export const stepZone = (model: ZoneModel, source: FeatureSource, spread: SequenceSpread): ZoneStep => {
  const { posterior, transition, zone, heldOffsetK, call } = model;
  const inputs = (gates: Gates): Float64Array => fillInputs(posterior.features, source, gates);
  const f = (gates: Gates): number => posteriorMean(posterior, inputs(gates));
  const latent = (gates: Gates) => (): number => posteriorVariance(posterior, inputs(gates));
  const value = (column: number | Float64Array): number => (typeof column === "number" ? column : column[0]!);
  const now = value(source.state(zonePoint(zone, "zoneAirTempC"), 0));

  if (transition !== "thermostat") {
    const nextC = transition === "absolute" ? f(NO_GATE) : now + f(NO_GATE);
    const heatingK = call === undefined ? 0 : value(source.effort(call));
    return { nextC, nextStdDevK: spread({ isHeld: false, latentK2: latent(NO_GATE), ends: null }), heatingK, coolingK: 0 };
  }
  const ends = {
    freeC: now + f(NO_GATE),
    heatedC: now + f(HEATING_GATE),
    cooledC: now + f(COOLING_GATE),
    heatingSetpointC: value(source.setpoint(zone, "heating", 0)),
    coolingSetpointC: value(source.setpoint(zone, "cooling", 0)),
  };
  const { freeC, heatedC, cooledC, heatingSetpointC, coolingSetpointC } = ends;
  if (freeC < heatingSetpointC) {
    const isHeld = heatedC >= heatingSetpointC;
    const gives = !(heatedC < freeC);
    const nextC = isHeld ? heatingSetpointC + heldOffsetK : gives ? heatedC : freeC;
    const nextStdDevK = spread({ isHeld, latentK2: latent(gives ? HEATING_GATE : NO_GATE), ends });
    return { nextC, nextStdDevK, heatingK: Math.max(0, nextC - freeC), coolingK: 0 };
  }
  if (freeC > coolingSetpointC) {
    const isHeld = cooledC <= coolingSetpointC;
    const nextC = isHeld ? coolingSetpointC + heldOffsetK : cooledC;
    const nextStdDevK = spread({ isHeld, latentK2: latent(COOLING_GATE), ends });
    return { nextC, nextStdDevK, heatingK: 0, coolingK: Math.max(0, freeC - nextC) };
  }
  return { nextC: freeC, nextStdDevK: spread({ isHeld: false, latentK2: latent(NO_GATE), ends }), heatingK: 0, coolingK: 0 };
};
