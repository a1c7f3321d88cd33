import type { BuildingModel, PowerModel, ZoneModel } from "#domain/model";
import { buildingPoint, sitePoint, zonePoint } from "#domain/points";
import { createBatchPredictor } from "#math/batchPredictor";
import type { DatasetRows } from "#math/datasetRows";
import { increment, nextDriftStates, stepErrors } from "#math/drift";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { coolingEffortK, POWER_DRIVERS, powerDrivers } from "#math/powerInputs";
import { gatesOf, regimes, rowRegimes, zoneToleranceK } from "#math/regimes";

/** How far a zone's free float may be off that a thermostat hides, K a step, one standard deviation: what the meter's error is shared out by. */
const HIDDEN_STD_DEV_K = 0.15;

type DriftingZone = ZoneModel & Required<Pick<ZoneModel, "drift">>;

/** What a zone would have done by itself in the steps from row i to i+1, without drift, °C; NaN where something is missing. */
const freeFloat = (la: LinearAlgebra, zone: ZoneModel, data: DatasetRows, steps: readonly number[]): Float64Array => {
  const temperature = data.column(zonePoint(zone.zone, "zoneAirTempC"));
  const increments = increment(la, zone, data, steps, gatesOf(steps.map(() => regimes.idle)));
  return increments.map((value, k) => temperature[steps[k]!]! + value);
};

/** One step's power, W, by the kelvins that every zone was heated and (as effort) cooled. */
const powerOf = (la: LinearAlgebra, { posterior, inputScale, outputScaleW }: PowerModel): ((x: Float64Array) => number) => {
  const { d, meanCoefficients } = posterior;
  const predictor = createBatchPredictor(la, posterior, 1);
  const f = new Float64Array(1);
  return (inputs) => {
    const x = inputs.map((value, c) => value / inputScale[c]!);
    predictor.predict(x, 1, f, null);
    let sum = f[0]!;
    for (let c = 0; c < d; c++) sum += meanCoefficients[c]! * x[c]!;
    return Number.isNaN(sum) ? Number.NaN : Math.max(0, sum) * outputScaleW;
  };
};

/**
 * Disturbance states of every zone's drift before the step that begins at the newest row, by the filter of `driftStates` over the last `steps` steps; and in steps
 * whose heating setpoint was held, where the temperature says nothing of the free float, by the meter: power beyond the predicted one was heat that the free float
 * had to be lifted by. With a_z the W that a kelvin of zone z takes, e the power's error under the drift so far, σ the hidden spread and s the power model's noise,
 *
 *   Δ_z = σ² a_z e / (σ² Σ_held a² + s²),   error_z = drift_z − Δ_z.
 *
 * Where anything of that is missing (a power model, a meter, equipment that does not answer its setpoint), by temperatures alone.
 */
export const meteredDriftStates = (
  la: LinearAlgebra,
  model: BuildingModel,
  data: DatasetRows,
  steps: number,
): readonly (readonly number[])[] => {
  const { power } = model;
  const last = data.length - 1;
  const first = Math.max(0, last - steps);
  const drifting = model.zones.every((zone): zone is DriftingZone => zone.drift !== undefined);
  const errors = model.zones.map((zone) => (zone.drift === undefined ? new Float64Array(0) : stepErrors(la, zone, data, first)));
  const states: (readonly number[])[] = model.zones.map(({ drift }) => drift?.decay.map(() => 0) ?? []);
  const watts = data.dataset.columns.get(buildingPoint("hvacPowerW"));
  const canMeter =
    drifting &&
    power !== null &&
    watts !== undefined &&
    model.zones.every(({ call, transition }) => call === undefined && transition === "thermostat");
  const rows = Array.from({ length: last - first }, (_, k) => first + k);
  const meter = canMeter ? meterOf(la, model, power, data, rows) : null;
  for (const [k, row] of rows.entries()) {
    const drift = states.map((state) => state.reduce((sum, value) => sum + value, 0));
    const hidden = meter?.(k, drift, watts![row + 1]!) ?? null;
    model.zones.forEach(({ drift: filter }, z) => {
      if (filter === undefined) return;
      const seen = errors[z]![row]!;
      states[z] = nextDriftStates(filter, states[z]!, Number.isFinite(seen) ? seen : (hidden?.[z] ?? Number.NaN));
    });
  }
  return states;
};

/** For the k-th of the rows, the drifts so far and the measured power: what held zones' errors must have been, NaN for the others; null where nothing can be said. */
const meterOf = (
  la: LinearAlgebra,
  { zones }: BuildingModel,
  power: PowerModel,
  data: DatasetRows,
  rows: readonly number[],
): ((k: number, drift: readonly number[], measuredW: number) => Float64Array | null) => {
  const nz = zones.length;
  // The power model may name the zones in another order.
  const column = zones.map(({ zone }) => power.zones.indexOf(zone));
  const slopeW = Float64Array.from(column, (c) => (power.posterior.meanCoefficients[c]! / power.inputScale[c]!) * power.outputScaleW);
  const free = zones.map((zone) => freeFloat(la, zone, data, rows));
  const reached = zones.map(({ zone }) => data.column(zonePoint(zone, "zoneAirTempC")));
  const heating = zones.map(({ zone }) => data.column(zonePoint(zone, "heatingSetpointC")));
  const cooling = zones.map(({ zone }) => data.column(zonePoint(zone, "coolingSetpointC")));
  const regime = zones.map(({ zone }) => rowRegimes(data, zone, zoneToleranceK(data, zone), false));
  const outdoor = data.column(sitePoint("outdoorAirTempC"));
  const predicted = powerOf(la, power);
  return (k, drift, measuredW) => {
    const row = rows[k]!;
    const held = zones.flatMap((_, z) => (regime[z]![row + 1] === regimes.heldHeating ? [z] : []));
    if (held.length === 0 || !Number.isFinite(measuredW)) return null;
    const x = new Float64Array(2 * nz + POWER_DRIVERS);
    zones.forEach((_, z) => {
      const floatC = free[z]![k]! + drift[z]!;
      const reachedC = reached[z]![row + 1]!;
      if (floatC < heating[z]![row + 1]!) x[column[z]!] = Math.max(0, reachedC - floatC);
      else if (floatC > cooling[z]![row + 1]!) x[nz + column[z]!] = coolingEffortK(Math.max(0, floatC - reachedC), reachedC);
      else if (!Number.isFinite(floatC + reachedC)) x[column[z]!] = Number.NaN;
    });
    x.set(powerDrivers(outdoor[row + 1]!, data.localMs(row + 1)), 2 * nz);
    const errorW = measuredW - predicted(x);
    if (!Number.isFinite(errorW)) return null;
    const hidden = HIDDEN_STD_DEV_K ** 2;
    const total = held.reduce((sum, z) => sum + slopeW[z]! ** 2, 0) * hidden + power.noiseStdDevW ** 2;
    const found = new Float64Array(nz).fill(Number.NaN);
    for (const z of held) found[z] = drift[z]! - (hidden * slopeW[z]! * errorW) / total;
    return found;
  };
};
