import { zoneParameters } from "#controllers/rollout/webgpu/layout";
import {
  type Dimensions,
  float,
  IS_FINITE,
  modes,
  type ShaderSource,
  setpointFunction,
  shader,
  slots,
  squaresSlot,
  table,
} from "#controllers/rollout/webgpu/shaders/source";

/** What the end of a step needs to know of one zone. */
export interface FinishZone {
  readonly slot: number;
  /** Of its zone parameters in M, and of its drift in a step's record. */
  readonly parameters: number;
  readonly drift: number;
  readonly drifts: number;
  readonly rowTiles: number;
  readonly hasSpread: boolean;
  readonly hasThermostat: boolean;
}

export interface FinishLayout {
  readonly zones: readonly FinishZone[];
  readonly temperatures: number;
  readonly slowMeans: readonly { readonly slot: number; readonly zone: number; readonly rate: number }[];
  /** Slot of own(x, X)α of the power model, what it is added to, and W per unit; null: no power model. */
  readonly power: { readonly expression: string; readonly outputScaleW: number } | null;
}

/** Places in the costs' buffer C. */
export const costPlaces = (zones: number) => {
  const perStep = 3 * zones + 2;
  return { inForce: 0, heatTo: 2 * zones, coolTo: 3 * zones, steps: 4 * zones, perStep };
};

/** Sums of a sample in O when costs are asked for; spreads by zone follow. */
export const costSums = ["outsideK", "pricedW", "movedK", "peakW", "owedK"] as const;

const parameter = (name: (typeof zoneParameters)[number]): string => `M[p + ${zoneParameters.indexOf(name)}u]`;
const value = (slot: number): string => `V[(b + ${slot}u) * KP + k]`;

/** The recursion of `CarriedSpread`, and the plain one of a model without `spread`. */
const spreadFunctions = (drifts: number, squares: number): string => `
var<private> taken: f32;
var<private> heldFraction: f32;
fn upperTail(z: f32, density: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.2316419 * z);
  return density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
}
fn normalPdf(z: f32) -> f32 { return 0.3989422804 * exp(-0.5 * z * z); }
fn outside(a: f32, stdDev: f32) -> f32 {
  if (!(a < 6.0 * stdDev)) { return 0.0; }
  let z = a / stdDev;
  let density = normalPdf(z);
  let tail = upperTail(z, density);
  heldFraction += tail;
  return max(0.0, stdDev * stdDev * ((1.0 + z * z) * tail - z * density));
}
fn flat(a: f32, b: f32, stdDev: f32) {
  if (!(b > a) || !(a < 6.0 * stdDev)) { return; }
  let z = a / stdDev;
  let density = normalPdf(z);
  let tail = upperTail(z, density);
  taken += stdDev * stdDev * ((1.0 - z * z) * tail + z * density);
  heldFraction += tail;
  if (!(b < 6.0 * stdDev)) { return; }
  let y = b / stdDev;
  let endDensity = normalPdf(y);
  let end = upperTail(y, endDensity);
  taken -= stdDev * stdDev * ((1.0 + y * y) * end - y * endDensity + 2.0 * z * (endDensity - y * end));
  heldFraction -= end;
}
fn carry(z: u32, k: u32, r: u32, stepK2: f32, around: f32, heldAtFirst: bool) -> f32 {
  let b = SLOT[z];
  let p = PARAMETERS[z];
  let held = select(heldFraction, max(0.0, 1.0 - heldFraction), heldAtFirst);
  let scatter = held * ${parameter("heldVarianceK2")};
  ${value(slots.variance)} = around + scatter;
  for (var j = 0u; j < DRIFTS[z]; j++) {
    let c = (b + ${slots.covariances}u + j) * KP + k;
    let decay = M[p + ${zoneParameters.length}u + j];
    let gain = M[p + ${zoneParameters.length}u + DRIFTS[z] + j];
    V[c] = (1.0 - held) * decay * (${parameter("stateGain")} * V[c] + S[r + j] + gain * stepK2);
  }
  let factor = S[r + ${drifts + 1}u];
  return sqrt(factor * factor * around + scatter);
}
fn spreadOf(z: u32, k: u32, record: u32, heatingSetpoint: f32, coolingSetpoint: f32) -> f32 {
  let b = SLOT[z];
  let p = PARAMETERS[z];
  let r = record + DRIFT[z];
  let mode = u32(${value(slots.mode)});
  let isHeld = (mode & ${modes.held}u) != 0u;
  var latent = 0.0;
  if (!isHeld) {
    latent = ${value(slots.latent)};
    for (var i = 0u; i < TILES[z]; i++) { latent -= V[(b + ${squares}u + i) * KP + k]; }
    latent = max(latent, 0.0);
  }
  let gamma = ${parameter("stateGain")};
  let before = ${value(slots.variance)};
  if (SPREAD[z] == 0u) {
    let after = select(gamma * gamma * before + latent + ${parameter("noiseVarianceK2")}, ${parameter("heldVarianceK2")}, isHeld);
    ${value(slots.variance)} = after;
    return ${parameter("spreadScale")} * sqrt(after);
  }
  let stepK2 = select(${parameter("spreadScale")} * ${parameter("spreadScale")} * (latent + ${parameter("noiseVarianceK2")}), ${parameter("innovationVarianceK2")}, isHeld);
  var covariance = 0.0;
  for (var j = 0u; j < DRIFTS[z]; j++) { covariance += V[(b + ${slots.covariances}u + j) * KP + k]; }
  var w = max(0.0, gamma * (gamma * before + 2.0 * covariance) + S[r + ${drifts}u] + stepK2);
  taken = 0.0;
  heldFraction = 0.0;
  if (THERMOSTAT[z] == 0u) { return carry(z, k, r, stepK2, w, false); }
  let free = ${value(slots.free)};
  let heated = ${value(slots.heated)};
  let cooled = ${value(slots.cooled)};
  let doubted = ${parameter("demandDoubt")} * select(max(0.0, free - coolingSetpoint), heatingSetpoint - free, free < heatingSetpoint);
  let doubtedK2 = doubted * doubted;
  // What is not asked for may not have been computed, and 0 times nothing known is nothing known.
  var moved = 0.0;
  if (free < heatingSetpoint) { moved = max(0.0, heated - free); } else if (free > coolingSetpoint) { moved = max(0.0, free - cooled); }
  let capacity = ${parameter("capacityDoubt")} * moved;
  if (isHeld) {
    var around = doubtedK2;
    let sure = sqrt(w);
    let short = sqrt(w + capacity * capacity);
    if (free < heatingSetpoint) { around += outside(heatingSetpoint - free, sure) + outside(heated - heatingSetpoint, short); }
    else { around += outside(free - coolingSetpoint, sure) + outside(coolingSetpoint - cooled, short); }
    return carry(z, k, r, stepK2, around, true);
  }
  w += capacity * capacity;
  let stdDev = sqrt(w);
  if (free < heatingSetpoint) { flat(heatingSetpoint - heated, heatingSetpoint - free, stdDev); }
  else if (free > coolingSetpoint) { flat(cooled - coolingSetpoint, free - coolingSetpoint, stdDev); }
  else {
    if ((mode & ${modes.heatedKnown}u) != 0u) { flat(free - heatingSetpoint, heated - heatingSetpoint, stdDev); }
    if ((mode & ${modes.cooledKnown}u) != 0u) { flat(coolingSetpoint - free, coolingSetpoint - cooled, stdDev); }
  }
  return carry(z, k, r, stepK2, max(0.0, w - taken) + doubtedK2, false);
}`;

/** E[(X)₊] of X ~ N(distance, σ²) as σ φ(z) h(z), h = 1 − z (1 − Φ(z)) / φ(z) fitted on [0, 8] to 7e-7: no difference of two large numbers. */
const EXCESS = `
fn excess(distance: f32, stdDev: f32) -> f32 {
  let z = abs(distance) / max(stdDev, 1e-12);
  if (!(stdDev > 0.0) || z > 8.0) { return max(0.0, distance); }
  let u = (z - 3.0) / (z + 3.0);
  let h = (1.37966544 + u * (-0.267698898 + u * (-0.375704945 + u * (0.351173645 + u * (-0.0293824845 + u * (-0.100653338
    + u * (0.0290925401 + u * (0.0236585792 + u * 0.0028089938)))))))) / ((1.0 + z) * (1.0 + z));
  return max(0.0, distance) + stdDev * normalPdf(z) * h;
}`;

const trajectoryZone = (zones: number): string =>
  `let at = (step.x * ${zones}u + z) * 2u * KP + k;
    O[at] = next;
    O[at + KP] = stdDev;`;

const costZone = (zones: number): string => {
  const places = costPlaces(zones);
  const add = (name: (typeof costSums)[number], code: string): string => `O[${costSums.indexOf(name)}u * KP + k] += ${code};`;
  return `let c = ${places.steps}u + step.x * ${places.perStep}u + 3u * z;
    if (C[c + 2u] == 1.0) {
      ${add("outsideK", "excess(C[c] - next, stdDev) + excess(next - C[c + 1u], stdDev)")}
      O[(${costSums.length}u + z) * KP + k] += stdDev;
    }
    if (step.x > 0u) {
      ${add("movedK", "abs(heatingRaw - setpoint(0u, z, step.x - 1u, k)) + abs(coolingRaw - setpoint(1u, z, step.x - 1u, k))")}
    } else {
      if (C[${places.inForce}u + 2u * z] > -1e30) { ${add("movedK", `abs(heatingRaw - C[${places.inForce}u + 2u * z])`)} }
      if (C[${places.inForce}u + 2u * z + 1u] > -1e30) { ${add("movedK", `abs(coolingRaw - C[${places.inForce}u + 2u * z + 1u])`)} }
    }
    if (step.x + 1u == step.z) {
      ${add("owedK", `max(0.0, C[${places.heatTo}u + z] - next) + max(0.0, next - C[${places.coolTo}u + z])`)}
    }`;
};

/** Ends a step of every sample: variance, spread, power, what is asked for of them, and the state that the next step begins with. */
export const finishShader = (layout: FinishLayout, dimensions: Dimensions, wants: "trajectories" | "costs"): ShaderSource => {
  const { zones, temperatures, slowMeans, power } = layout;
  const nz = zones.length;
  const places = costPlaces(nz);
  const isCosts = wants === "costs";
  const pricedAt = `O[${costSums.indexOf("pricedW")}u * KP + k]`;
  const peakAt = `O[${costSums.indexOf("peakW")}u * KP + k]`;
  const powerCode =
    power === null
      ? "let powerW = 0.0;"
      : `let powerW = max(0.0, (${power.expression}) * ${float(power.outputScaleW)});
  if (!isFinite(powerW) || S[record + ${nz}u] != 1.0) { atomicMax(&N[k], step.z - step.x); return; }`;
  const powerOut = isCosts
    ? `${pricedAt} += C[${places.steps}u + step.x * ${places.perStep}u + ${3 * nz}u] * powerW;
  ${peakAt} = max(${peakAt}, powerW + C[${places.steps}u + step.x * ${places.perStep}u + ${3 * nz + 1}u]);`
    : `O[(step.z * ${2 * nz}u + step.x) * KP + k] = powerW;`;
  return shader(
    `finish ${wants}`,
    isCosts ? ["M", "S", "U", "V", "N", "C", "O"] : ["M", "S", "U", "V", "N", "O"],
    dimensions,
    `${table(
      "SLOT",
      zones.map(({ slot }) => slot),
    )}
${table(
  "PARAMETERS",
  zones.map(({ parameters }) => parameters),
)}
${table(
  "DRIFT",
  zones.map(({ drift }) => drift),
)}
${table(
  "DRIFTS",
  zones.map(({ drifts }) => drifts),
)}
${table(
  "TILES",
  zones.map(({ rowTiles }) => rowTiles),
)}
${table(
  "SPREAD",
  zones.map(({ hasSpread }) => Number(hasSpread)),
)}
${table(
  "THERMOSTAT",
  zones.map(({ hasThermostat }) => Number(hasThermostat)),
)}
${IS_FINITE}
${setpointFunction(nz)}
${spreadFunctions(dimensions.drifts, squaresSlot(dimensions))}
${isCosts ? EXCESS : ""}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let k = id.x;
  if (k >= step.y || atomicLoad(&N[k]) != 0u) { return; }
  let record = step.x * ${dimensions.record}u;
  ${powerCode}
  ${powerOut}
  for (var z = 0u; z < ${nz}u; z++) {
    let b = SLOT[z];
    let heatingRaw = setpoint(0u, z, step.x, k);
    let coolingRaw = setpoint(1u, z, step.x, k);
    let next = ${value(slots.next)};
    let stdDev = spreadOf(z, k, record, heatingRaw - S[record + z], coolingRaw - S[record + z]);
    if (!isFinite(stdDev)) { atomicMax(&N[k], step.z - step.x); }
    V[(${temperatures}u + z * ${dimensions.lags}u + (step.x + 1u) % ${dimensions.lags}u) * KP + k] = next;
    ${isCosts ? costZone(nz) : trajectoryZone(nz)}
  }
${slowMeans
  .map(
    ({ slot, zone, rate }) =>
      `  V[${slot}u * KP + k] += ${float(rate)} * (V[(SLOT[${zone}] + ${slots.next}u) * KP + k] - V[${slot}u * KP + k]);`,
  )
  .join("\n")}
}`,
  );
};
