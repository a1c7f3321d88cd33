import type { EmbeddedPipes, FloorHeatingDescription, HeatPumpTable } from "#simulators/rc/description";
import type { UnitPower } from "#simulators/rc/rooftopUnit";
import type { PipePlane } from "#simulators/rc/thermalNetwork";

const waterJkgK = 4180;

/**
 * Between the water and the plane of the pipes, m²K/W of floor: heat spreading from a round pipe into the plane, and the pipe's wall,
 * R = T ln(T/(π d)) / (2π λ_b) + T ln(d/(d − 2 s)) / (2π λ_r); T spacing, d outer diameter, s wall thickness
 * (Koschenz & Lehmann, Thermoaktive Bauteilsysteme tabs, Empa 2000, eq. 4.19 and 4.20; EN 15377-3). The water's own film is left out: it is turbulent.
 */
export const pipeResistanceM2KW = (pipes: EmbeddedPipes): number => {
  const { spacingM: t, outerDiameterM: d, wallThicknessM: s } = pipes;
  const spreading = (t * Math.log(t / (Math.PI * d))) / (2 * Math.PI * pipes.surroundingConductivityWmK);
  const wall = (t * Math.log(d / (d - 2 * s))) / (2 * Math.PI * pipes.wallConductivityWmK);
  return spreading + wall;
};

/** Bilinear between the table's points, its edge outside them. */
export function fromTable(table: HeatPumpTable, rows: readonly (readonly number[])[], outdoorC: number, returnWaterC: number): number {
  const [i, x] = place(table.outdoorC, outdoorC);
  const [j, y] = place(table.returnWaterC, returnWaterC);
  const along = (row: readonly number[]): number => row[j]! + y * ((row[j + 1] ?? row[j]!) - row[j]!);
  const here = along(rows[i]!);
  return here + x * ((i + 1 < rows.length ? along(rows[i + 1]!) : here) - here);
}
function place(grid: readonly number[], value: number): readonly [index: number, fraction: number] {
  const last = grid.length - 1;
  if (!(value > grid[0]!)) return [0, 0];
  if (value >= grid[last]!) return [last, 0];
  let i = 0;
  while (grid[i + 1]! <= value) i++;
  return [i, (value - grid[i]!) / (grid[i + 1]! - grid[i]!)];
}

interface Circuit extends PipePlane {
  /** Of all floor with pipes. */
  readonly share: number;
  /** Kelvins that the water comes back above the pipes' plane, per W of heat. */
  readonly returnKPerW: number;
}
const nothing: UnitPower = { heatPumpW: 0, auxiliaryW: 0, coolingW: 0, fanW: 0, pumpW: 0, totalW: 0 };

/**
 * One heat pump, circuits of warm water through floors, thermostats with a proportional and an integral part. Heat into a circuit of water flow ṁ c whose plane
 * has the temperature T_p: Q = ε ṁ c (T_supply − T_p), ε = 1 − exp(−A/(R ṁ c)), so the water comes back with T_p + Q (1/ε − 1)/(ṁ c); output and COP of the
 * heat pump depend on that and on the outdoor temperature. It runs at any part of full speed, with the COP of the table.
 */
export class FloorHeating {
  readonly #description: FloorHeatingDescription;
  readonly #circuits: readonly Circuit[];
  readonly #heatedZones: readonly number[];
  /** The thermostats' integral parts by zone, as a part of full output. */
  readonly integrals: Float64Array;
  /** Heat into each pipe plane in the last sub-step, W. */
  readonly heatW: Float64Array;
  readonly #parts: Float64Array;

  constructor(description: FloorHeatingDescription, planes: readonly PipePlane[], zones: number) {
    this.#description = description;
    const areaM2 = planes.reduce((sum, plane) => sum + plane.areaM2, 0);
    this.#circuits = planes.map((plane) => {
      const share = plane.areaM2 / areaM2;
      const waterWK = description.waterFlowKgS * waterJkgK * share;
      const effectiveness = 1 - Math.exp(-plane.areaM2 / pipeResistanceM2KW(plane.pipes) / waterWK);
      return { ...plane, share, returnKPerW: (1 / effectiveness - 1) / waterWK };
    });
    this.#heatedZones = [...new Set(planes.map((plane) => plane.zone))];
    this.integrals = new Float64Array(zones);
    this.#parts = new Float64Array(zones);
    this.heatW = new Float64Array(planes.length);
  }

  reset(): void {
    this.integrals.fill(0);
    this.heatW.fill(0);
  }

  /** Sets `heatW` for a sub-step from temperatures at its beginning, °C, by zone and by node; returns the electricity. */
  step(
    dtS: number,
    outdoorC: number,
    airC: (zone: number) => number,
    planeC: (node: number) => number,
    setpointC: Float64Array,
  ): UnitPower {
    for (const zone of this.#heatedZones) this.#parts[zone] = this.#thermostat(zone, dtS, setpointC[zone]! - airC(zone));
    const running = this.#circuits.filter(({ zone }) => this.#parts[zone]! > 0);
    this.heatW.fill(0);
    if (running.length === 0) return nothing;
    const { heatPump, pumpW } = this.#description;
    const asked = running.reduce((sum, { zone, share }) => sum + this.#parts[zone]! * share, 0);
    const flow = running.reduce((sum, { share }) => sum + share, 0);
    // The more heat, the warmer the water that comes back, the less heat: a few rounds settle it.
    let totalW = 0;
    let returnC = 0;
    for (let round = 0; round < 4; round++) {
      returnC = running.reduce((sum, { zone, share, node, returnKPerW }) => {
        const heatW = (totalW * this.#parts[zone]! * share) / asked;
        return sum + (share / flow) * (planeC(node) + heatW * returnKPerW);
      }, 0);
      totalW = asked * fromTable(heatPump, heatPump.heatW, outdoorC, returnC);
    }
    this.#circuits.forEach(({ zone, share }, c) => {
      this.heatW[c] = (totalW * this.#parts[zone]! * share) / asked;
    });
    const heatPumpW = totalW / fromTable(heatPump, heatPump.cop, outdoorC, returnC);
    return { ...nothing, heatPumpW, pumpW, totalW: heatPumpW + pumpW };
  }

  /** Part of full output that a zone asks for; moves its integral. */
  #thermostat(zone: number, dtS: number, belowSetpointK: number): number {
    const { gainPerK, integralTimeS, offsetK } = this.#description.thermostat;
    const errorK = belowSetpointK + offsetK;
    const part = gainPerK * errorK + this.integrals[zone]!;
    // At a limit the integral stays, unless it moves back inside: it does not wind up while the floor is still cold.
    if ((part < 1 || errorK < 0) && (part > 0 || errorK > 0)) this.integrals[zone]! += (gainPerK * errorK * dtS) / integralTimeS;
    return Math.min(1, Math.max(0, part));
  }

  /** Heat into a zone's floors in the last sub-step, W. */
  zoneHeatW(zone: number): number {
    return this.#circuits.reduce((sum, circuit, c) => sum + (circuit.zone === zone ? this.heatW[c]! : 0), 0);
  }
}
