import { columnRoles } from "#controllers/rollout/batched/columnRoles";
import { type RolloutRequirements, rolloutRequirements } from "#controllers/rollout/requirements";
import { type ModelPlaces, modelPlaces, Places, type RecordPlaces, recordPlaces } from "#controllers/rollout/webgpu/layout";
import { type PosteriorPlan, planPosterior } from "#controllers/rollout/webgpu/posteriorPlan";
import type { FinishLayout, FinishZone } from "#controllers/rollout/webgpu/shaders/finishShader";
import { depthOf, type Group, type Member, slotsOf, sumSlots } from "#controllers/rollout/webgpu/shaders/group";
import { type ZoneInputCode, zoneInputCode } from "#controllers/rollout/webgpu/shaders/inputsShader";
import { productShape } from "#controllers/rollout/webgpu/shaders/productShader";
import { type Dimensions, inputsSlot, slots } from "#controllers/rollout/webgpu/shaders/source";
import { IsothermError } from "#domain/errors";
import type { BuildingModel, PowerModel, Transition, ZoneModel } from "#domain/model";
import type { RolloutProblem } from "#domain/rollout";
import { factorsOf, plainTerm } from "#math/features";

/** One posterior of the model with all its places. */
export interface PlacedPosterior {
  readonly plan: PosteriorPlan;
  readonly transition: Transition;
  readonly model: ModelPlaces;
  readonly record: RecordPlaces;
  readonly member: Member;
  /** What each own column is multiplied with where it is read. */
  readonly inputFactors: Float64Array;
}

export interface PlacedZone extends PlacedPosterior {
  readonly zone: ZoneModel;
  readonly code: ZoneInputCode;
}

export interface PlacedPower extends PlacedPosterior {
  readonly power: PowerModel;
}

/** A model laid out for the GPU: what stands where, and which posteriors one dispatch serves. */
export interface ModelLayout {
  readonly model: BuildingModel;
  readonly needs: RolloutRequirements;
  readonly dimensions: Dimensions;
  readonly zones: readonly PlacedZone[];
  readonly power: PlacedPower | null;
  readonly groups: readonly Group[];
  readonly powerGroup: Group | null;
  readonly finish: FinishLayout;
  /** First slot of the temperatures [zone][ring of lags]. */
  readonly temperatures: number;
  /** No zone's inputs depend on setpoints: in the first step nothing differs from the standing-still path. */
  readonly startsSame: boolean;
  /** Sizes: slots of V, rows of D, numbers of M, vec4 of W. */
  readonly slots: number;
  readonly rows: number;
  readonly modelSize: number;
  readonly rootVectors: number;
}

/** Rows of the smallest product tile. */
const LEAST_ROWS = 32;

const driftsOf = (zone: ZoneModel): number => (zone.spread === undefined ? 0 : (zone.drift?.decay.length ?? 0));

/** Everything about a posterior that its shaders' text depends on. */
const structureOf = (plan: PosteriorPlan, transition: Transition): string =>
  JSON.stringify(
    {
      transition,
      regimes: [plan.regimes, plan.ownRegimes],
      gates: plan.gates,
      terms: plan.terms,
      leaves: plan.leaves.map(({ kind, own }) => [kind, own.map(({ own: o }) => o)]),
      linear: plan.linearColumns,
      shape: [plan.rows, plan.posterior.p, plan.isLower, plan.withVariance, plan.hasConstantPrior],
    },
    (key, value) => (key === "column" || key === "inverse" || key === "shared" ? undefined : value),
  );

const planPower = ({ posterior }: PowerModel, moved: number): PosteriorPlan =>
  planPosterior({
    posterior,
    roles: Array.from({ length: posterior.d }, (_, c) => ({ isShared: c >= 2 * moved, gate: null })),
    regimes: 1,
    withVariance: false,
  });

const dependsOnSetpoints = ({ posterior }: ZoneModel): boolean =>
  posterior.features.some(({ term }) => factorsOf(plainTerm(term)).some(({ kind }) => kind === "setpoint" || kind === "demand"));

/** Lays a problem's model out for samples that stand `stride` apart. */
export const layOutModel = ({ model }: Pick<RolloutProblem, "model">, stride: number): ModelLayout => {
  const needs = rolloutRequirements(model);
  if (needs.efforts.length > 0)
    throw new IsothermError(
      "permanent",
      "The graphics backend does not compute thermostats' calls, which this model of slow heating needs.",
      {
        todo: "Nothing: another backend computes such a model.",
      },
    );
  const nz = model.zones.length;
  const zoneNames = model.zones.map(({ zone }) => zone);
  const plans = model.zones.map(({ posterior, transition }) =>
    planPosterior({
      posterior,
      roles: columnRoles(posterior.features),
      regimes: transition === "thermostat" ? 3 : 1,
      withVariance: true,
    }),
  );
  const drifts = Math.max(0, ...model.zones.map(driftsOf));
  const rowTiles = Math.max(...plans.map(({ posterior }) => Math.ceil(posterior.p / LEAST_ROWS)));
  const lags = needs.temperatures;

  const slotPlaces = new Places();
  const temperatures = slotPlaces.take(nz * lags);
  const slowMeanSlots = new Map(needs.slowMeans.map(({ key }) => [key, slotPlaces.take(1)]));
  const recordPlace = new Places();
  recordPlace.take(nz + 1);
  const modelPlace = new Places();
  const rowPlace = new Places();
  const rootPlace = new Places();

  const index = { zoneOfPoint: needs.zoneOfPoint, zones: zoneNames, slowMeanSlot: (key: string): number => slowMeanSlots.get(key)! };
  // Only `dimensions.record` is known at the end; what is placed does not depend on it.
  const small = { stride, zones: nz, lags, drifts, rowTiles, record: 0 };
  const first = inputsSlot(small);
  const zones = model.zones.map((zone, z): PlacedZone => {
    const plan = plans[z]!;
    const code = zoneInputCode({ features: zone.posterior.features, ownColumns: plan.ownColumns }, index);
    const places = modelPlaces(plan, driftsOf(zone));
    const record = recordPlaces(plan, code.constants.length, drifts);
    const slot = slotPlaces.take(slotsOf(plan, small));
    const shape = productShape({ plan });
    return {
      zone,
      plan,
      transition: zone.transition,
      code,
      model: places,
      record,
      inputFactors: new Float64Array(plan.ownColumns.length).fill(1),
      member: {
        zone: z,
        slot,
        model: modelPlace.take(places.size),
        record: recordPlace.take(record.size),
        // Whole tiles of depth, for every own regime: a product reads beyond the last row, where the root is 0.
        row: rowPlace.take((plan.ownRegimes - 1) * depthOf(plan) + shape.depth),
        root: rootPlace.take((shape.depth * shape.rows) / 4),
        inputs: plan.ownColumns.map((_, o) => slot + first + o),
      },
    };
  });

  const power = model.power === null ? null : placePower(model.power, zones, small, { slotPlaces, modelPlace, recordPlace });
  const dimensions: Dimensions = { ...small, record: recordPlace.size };
  const groups = groupsOf(zones);
  return {
    model,
    needs,
    dimensions,
    zones,
    power,
    groups,
    powerGroup: power === null ? null : groupsOf([power])[0]!,
    finish: {
      zones: zones.map(
        ({ zone, plan, member, model: places, record }): FinishZone => ({
          slot: member.slot,
          parameters: member.model + places.zone,
          drift: member.record + record.drift,
          drifts: driftsOf(zone),
          rowTiles: Math.ceil(plan.posterior.p / LEAST_ROWS),
          hasSpread: zone.spread !== undefined,
          hasThermostat: zone.transition === "thermostat",
        }),
      ),
      temperatures,
      slowMeans: needs.slowMeans.map(({ key, zone, rate }) => ({ slot: slowMeanSlots.get(key)!, zone, rate })),
      power: power === null ? null : { expression: powerExpression(power, dimensions), outputScaleW: power.power.outputScaleW },
    },
    temperatures,
    startsSame: !model.zones.some(dependsOnSetpoints),
    slots: slotPlaces.size,
    rows: rowPlace.size,
    modelSize: modelPlace.size,
    rootVectors: rootPlace.size,
  };
};

const placePower = (
  power: PowerModel,
  zones: readonly PlacedZone[],
  dimensions: Dimensions,
  { slotPlaces, modelPlace, recordPlace }: Record<"slotPlaces" | "modelPlace" | "recordPlace", Places>,
): PlacedPower => {
  const moved = power.zones.map((name) => zones.find(({ zone }) => zone.zone === name)!.member.slot);
  const plan = planPower(power, moved.length);
  const model = modelPlaces(plan, 0);
  const record = recordPlaces(plan, 0, 0);
  return {
    power,
    plan,
    transition: "absolute",
    model,
    record,
    inputFactors: power.inputScale.slice(0, 2 * moved.length).map((scale) => 1 / scale),
    member: {
      zone: zones.length,
      slot: slotPlaces.take(slotsOf(plan, dimensions)),
      model: modelPlace.take(model.size),
      record: recordPlace.take(record.size),
      row: 0,
      root: 0,
      inputs: [...moved.map((slot) => slot + slots.heatingK), ...moved.map((slot) => slot + slots.coolingEffortK)],
    },
  };
};

const groupsOf = (posteriors: readonly PlacedPosterior[]): Group[] => {
  const groups = new Map<string, PlacedPosterior[]>();
  for (const one of posteriors) {
    const key = structureOf(one.plan, one.transition);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((members) => {
    const { plan, transition, model, record } = members[0]!;
    return { plan, transition, model, record, members: members.map(({ member }) => member) };
  });
};

/** f(x) of the power model in the shader that ends a step. */
const powerExpression = ({ plan, model, record, member }: PlacedPower, dimensions: Dimensions): string =>
  [
    `S[record + ${member.record + record.mean}u]`,
    ...(plan.rows === 0 ? [] : [`V[${member.slot + sumSlots(plan, dimensions).mean}u * KP + k]`]),
    ...member.inputs.map(
      (slot, o) => `M[${member.model + model.weights + o}u] * M[${member.model + model.inputFactors + o}u] * V[${slot}u * KP + k]`,
    ),
  ].join(" + ");
