import { OUTDOOR, type RolloutRequirements } from "#controllers/rollout/requirements";
import type { ModelLayout, PlacedPosterior } from "#controllers/rollout/webgpu/modelLayout";
import { basisCentre, explainingMatrix, type RecordSource, writePosteriorRecords } from "#controllers/rollout/webgpu/posteriorRecord";
import { StandingStill } from "#controllers/rollout/webgpu/standingStill";
import type { PowerModel } from "#domain/model";
import type { RolloutRequest } from "#domain/rollout";
import { driftSchedule } from "#math/carriedSpread";
import { fillInputs, type Gates } from "#math/features";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { powerDrivers } from "#math/powerInputs";

const OPEN = Uint8Array.of(1);
const CLOSED = Uint8Array.of(0);
const GATES: readonly Gates[] = [
  { heating: CLOSED, cooling: CLOSED },
  { heating: OPEN, cooling: CLOSED },
  { heating: CLOSED, cooling: OPEN },
];

const isSame = (a: Float64Array, b: Float64Array): boolean => a.length === b.length && a.every((value, i) => Object.is(value, b[i]));

/**
 * What all samples of a request share, in one record a step: temperatures now, what each posterior says along the standing-still path, constants of features,
 * variance of the drift. The runs of one decision bring the same: it is computed once.
 */
export class RequestRecords {
  readonly #layout: ModelLayout;
  readonly #sources: readonly RecordSource[];
  readonly #powerSource: RecordSource | null;
  /** Everything of the request before that the records were made from. */
  #key: Float64Array = new Float64Array(0);

  constructor(layout: ModelLayout, la: LinearAlgebra) {
    this.#layout = layout;
    const sourceOf = ({ plan, record }: PlacedPosterior): RecordSource => ({
      la,
      plan,
      places: record,
      explaining: plan.withVariance ? explainingMatrix(la, plan) : new Float64Array(0),
      centre: basisCentre(plan),
    });
    this.#sources = layout.zones.map(sourceOf);
    this.#powerSource = layout.power === null ? null : sourceOf(layout.power);
  }

  /** Forgets what it last gave: the next request gets records whatever it brings. */
  forget(): void {
    this.#key = new Float64Array(0);
  }

  /** T records; null: the same as for the request before. */
  update(request: RolloutRequest): Float32Array<ArrayBuffer> | null {
    const { zones, model, needs, power } = this.#layout;
    const key = requestKey(request, needs);
    if (isSame(key, this.#key)) return null;
    this.#key = key;
    const T = request.horizonSteps;
    const path = new StandingStill(model, needs, request);
    const now = Float64Array.from(zones, (_, z) => path.temperatureC(z));
    const rows = zones.map(({ plan }) => new Float64Array(T * plan.regimes * plan.posterior.d));
    const constants = zones.map(({ code }) => new Float64Array(T * code.constants.length));
    for (let t = 0; t < T; t++) {
      zones.forEach(({ plan, code, zone }, z) => {
        const { d } = plan.posterior;
        for (let g = 0; g < plan.regimes; g++) {
          const at = (t * plan.regimes + g) * d;
          fillInputs(zone.posterior.features, path, GATES[g]!, rows[z]!.subarray(at, at + d));
        }
        code.constants.forEach((constant, i) => {
          constants[z]![t * code.constants.length + i] = constant(path);
        });
      });
      path.advance();
    }
    const powerRows = power === null ? new Float64Array(0) : powerInputs(power.power, request);
    return this.#write(T, now, rows, constants, powerRows);
  }

  #write(
    T: number,
    now: Float64Array,
    rows: readonly Float64Array[],
    constants: readonly Float64Array[],
    powerRows: Float64Array,
  ): Float32Array<ArrayBuffer> {
    const { zones, dimensions, power } = this.#layout;
    const stride = dimensions.record;
    const out = new Float32Array(T * stride);
    for (let t = 0; t < T; t++) out.set(now, t * stride);
    zones.forEach(({ zone, member, record, code, transition }, z) => {
      const offset = member.record;
      writePosteriorRecords(this.#sources[z]!, rows[z]!, T, transition === "absolute" ? now[z]! : 0, out, offset, stride);
      const size = code.constants.length;
      const schedule = zone.spread === undefined ? null : driftSchedule(zone, zone.spread, T);
      for (let t = 0; t < T; t++) {
        const at = offset + t * stride;
        for (let i = 0; i < size; i++) {
          const value = constants[z]![t * size + i]!;
          out[at + record.features + i] = Number.isFinite(value) ? value : 0;
        }
        if (schedule === null) continue;
        const step = schedule[t]!;
        out.set(step.driftVariances, at + record.drift);
        out[at + record.drift + dimensions.drifts] = step.driftVariances.reduce((sum, value) => sum + value, 0);
        out[at + record.drift + dimensions.drifts + 1] = step.factor;
      }
    });
    if (power !== null && this.#powerSource !== null) {
      writePosteriorRecords(this.#powerSource, powerRows, T, 0, out, power.member.record, stride);
      for (let t = 0; t < T; t++) out[t * stride + zones.length] = out[t * stride + power.member.record + power.record.known]!;
    }
    return out;
  }
}

/** What a request brings but its sequences, one number after the other. */
const requestKey = ({ horizonSteps: T, initial, disturbances, localMs }: RolloutRequest, needs: RolloutRequirements): Float64Array =>
  Float64Array.from([
    T,
    ...initial.temperaturesC.flatMap((column) => [...column.subarray(-needs.temperatures)]),
    ...needs.slowMeans.map(({ key }) => initial.slowMeans.get(key)!),
    ...initial.heatingSetpointC,
    ...initial.coolingSetpointC,
    ...needs.laggedDisturbances.map((point) => initial.disturbances.get(point)!),
    ...needs.disturbances.flatMap((point) => [...disturbances.get(point)!.subarray(0, T)]),
    ...localMs.subarray(0, T),
  ]);

/** Inputs of the power model while nothing heats or cools, T×d. */
const powerInputs = (
  { posterior: { d }, inputScale, zones }: PowerModel,
  { horizonSteps, disturbances, localMs }: RolloutRequest,
): Float64Array => {
  const first = 2 * zones.length;
  const rows = new Float64Array(horizonSteps * d);
  for (let t = 0; t < horizonSteps; t++) {
    powerDrivers(disturbances.get(OUTDOOR)![t]!, localMs[t]!).forEach((value, i) => {
      rows[t * d + first + i] = value / inputScale[first + i]!;
    });
  }
  return rows;
};
