import { inverse, Matrix } from "ml-matrix";
import { type ThermalNetwork, withAirExchange } from "#simulators/rc/thermalNetwork";

/** Solves a sub-step for the zones' heat, given what each node would reach without any. */
export interface SubStep {
  /** Air temperature of each zone at the end of the sub-step without heating or cooling, °C. */
  readonly freeAirC: Float64Array;
  /** K per W: row-major zones × zones, the effect of heat into each zone's air on each zone's air temperature. */
  readonly airResponseKPerW: Float64Array;
  /** Applies the heat into each zone's air and each pipe plane: the temperatures of the nodes with capacity at the end of the sub-step. */
  finish(zoneHeatW: Float64Array, pipeHeatW?: Float64Array): void;
}

interface Precomputed {
  /** Effect of each stored temperature: capacityCount columns, rows padded to a multiple of four. */
  readonly carry: Float64Array;
  /** nodes × inputs. */
  readonly fromInputs: Float64Array;
  /** nodes × zones. */
  readonly fromHeat: Float64Array;
  /** nodes × pipe planes. */
  readonly fromPipes: Float64Array;
  /** nodes × nodes. */
  readonly full: Matrix;
  readonly airResponse: Float64Array;
}

/**
 * Implicit Euler, unconditionally stable and exactly conservative: (C/Δt + G) T⁺ = C/Δt T + B u + Σ_z e_z Q_z. The inverse is formed once per
 * sub-step length and ventilation level, so that a sub-step is one matrix-vector product. Massless nodes are carried along in closed form.
 */
export class Stepper {
  readonly #network: ThermalNetwork;
  readonly #cache = new Map<string, Precomputed>();
  readonly #inputPart: Float64Array;
  #inputKey = "";
  readonly #previous: Float64Array;
  #u: Float64Array = new Float64Array(0);
  #dtS = 0;
  #ventilation = 0;
  /** Temperatures of the nodes with capacity, °C. */
  readonly temps: Float64Array;

  constructor(network: ThermalNetwork, initialC: number) {
    this.#network = network;
    this.temps = new Float64Array(network.capacityCount).fill(initialC);
    this.#previous = new Float64Array(network.capacityCount);
    this.#inputPart = new Float64Array(network.capacityCount);
  }

  setTemps(temps: ArrayLike<number>): void {
    this.temps.set(temps);
  }

  #precompute(dtS: number, ventilation: number): Precomputed {
    const key = `${dtS} ${ventilation}`;
    let ready = this.#cache.get(key);
    if (ready !== undefined) return ready;
    const { capacitiesJK, capacityCount: n, airNodes, pipePlanes } = this.#network;
    const { conductanceWK, inputMatrix } = withAirExchange(this.#network, ventilation);
    for (let i = 0; i < n; i++) conductanceWK.set(i, i, conductanceWK.get(i, i) + capacitiesJK[i]! / dtS);
    const full = inverse(conductanceWK);
    const carry = new Float64Array(4 * Math.ceil(n / 4) * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) carry[i * n + j] = (full.get(i, j) * capacitiesJK[j]!) / dtS;
    const zones = airNodes.length;
    /** Columns of the inverse. */
    const effectOf = (nodes: readonly number[]): Float64Array => {
      const out = new Float64Array(n * nodes.length);
      for (let i = 0; i < n; i++) for (let k = 0; k < nodes.length; k++) out[i * nodes.length + k] = full.get(i, nodes[k]!);
      return out;
    };
    const fromHeat = effectOf(airNodes);
    const fromPipes = effectOf(pipePlanes.map((plane) => plane.node));
    const airResponse = Float64Array.from({ length: zones * zones }, (_, k) =>
      full.get(airNodes[Math.floor(k / zones)]!, airNodes[k % zones]!),
    );
    ready = { carry, fromInputs: Float64Array.from(full.mmul(inputMatrix).to1DArray()), fromHeat, fromPipes, full, airResponse };
    this.#cache.set(key, ready);
    return ready;
  }

  /** Begins a sub-step. `inputKey` names the content of `u`: as long as it stays the same, the inputs' part is not computed again. */
  begin(dtS: number, ventilation: number, u: Float64Array, inputKey: string): SubStep {
    const { carry, fromInputs, fromHeat, fromPipes, airResponse } = this.#precompute(dtS, ventilation);
    const { capacityCount: n, airNodes } = this.#network;
    const key = `${inputKey} ${dtS} ${ventilation}`;
    if (key !== this.#inputKey) {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let k = 0; k < u.length; k++) sum += fromInputs[i * u.length + k]! * u[k]!;
        this.#inputPart[i] = sum;
      }
      this.#inputKey = key;
    }
    this.#u = u;
    this.#dtS = dtS;
    this.#ventilation = ventilation;
    const { temps } = this;
    const previous = this.#previous;
    previous.set(temps);
    const inputPart = this.#inputPart;
    // Four rows at a time: four independent sums keep the processor busy, one would wait for itself.
    for (let i = 0; i < n; i += 4) {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let j = 0, p = i * n; j < n; j++, p++) {
        const t = previous[j]!;
        a += carry[p]! * t;
        b += carry[p + n]! * t;
        c += carry[p + 2 * n]! * t;
        d += carry[p + 3 * n]! * t;
      }
      temps[i] = a + inputPart[i]!;
      if (i + 1 < n) temps[i + 1] = b + inputPart[i + 1]!;
      if (i + 2 < n) temps[i + 2] = c + inputPart[i + 2]!;
      if (i + 3 < n) temps[i + 3] = d + inputPart[i + 3]!;
    }
    return {
      freeAirC: Float64Array.from(airNodes, (node) => temps[node]!),
      airResponseKPerW: airResponse,
      finish: (heat, pipeHeat) => {
        const spend = (watts: Float64Array, effect: Float64Array): void => {
          const count = watts.length;
          for (let k = 0; k < count; k++) {
            const q = watts[k]!;
            if (q !== 0) for (let i = 0; i < n; i++) temps[i]! += effect[i * count + k]! * q;
          }
        };
        spend(heat, fromHeat);
        if (pipeHeat !== undefined) spend(pipeHeat, fromPipes);
      },
    };
  }

  /** Every node's temperature at the end of the last sub-step, massless ones too, given the heat that was applied: for balances and tests. */
  allTemps(zoneHeatW: Float64Array, pipeHeatW?: Float64Array): Float64Array {
    const { full, fromInputs } = this.#precompute(this.#dtS, this.#ventilation);
    const { capacitiesJK, capacityCount, airNodes, pipePlanes } = this.#network;
    const right = Matrix.zeros(full.rows, 1);
    for (let i = 0; i < capacityCount; i++) right.set(i, 0, (capacitiesJK[i]! / this.#dtS) * this.#previous[i]!);
    airNodes.forEach((node, z) => {
      right.set(node, 0, right.get(node, 0) + zoneHeatW[z]!);
    });
    pipePlanes.forEach(({ node }, p) => {
      right.set(node, 0, right.get(node, 0) + (pipeHeatW?.[p] ?? 0));
    });
    const state = full.mmul(right);
    const u = this.#u;
    return Float64Array.from(state.getColumn(0), (t, i) => t + u.reduce((sum, value, k) => sum + fromInputs[i * u.length + k]! * value, 0));
  }
}
