import { float } from "#controllers/rollout/webgpu/shaders/source";
import type { StandingStill } from "#controllers/rollout/webgpu/standingStill";
import type { PlainTerm } from "#domain/features";
import { type PointName, zonePoint } from "#domain/points";
import { slowMeanKey } from "#domain/rollout";
import { evaluateTerm } from "#math/features";

/** Where the shaders find what features are made of. */
export interface FeatureIndex {
  readonly zoneOfPoint: ReadonlyMap<PointName, number>;
  readonly zones: readonly string[];
  /** Slot of a slow mean by its key. */
  readonly slowMeanSlot: (key: string) => number;
}

/** A term relative to the standing-still path: what a sample's own state adds to it (null: nothing), and its value on the path. */
interface Difference {
  readonly delta: string | null;
  readonly value: () => string;
}

/**
 * Compiles feature terms to WGSL expressions of their difference from the standing-still path. Values on the path that an expression needs are `constants`,
 * to be evaluated at every step and read as `constant(i)`. In WGSL: `lagged(z, lag, k)` T_z − T_z now, `value(slot, k)`, `setpoint(side, z, t, k)`, `step.x` t.
 */
export class FeatureCompiler {
  readonly constants: ((source: StandingStill) => number)[] = [];
  readonly #index: FeatureIndex;

  constructor(index: FeatureIndex) {
    this.#index = index;
  }

  /** The difference of a term, or null where all samples have the same. */
  compile(term: PlainTerm): string | null {
    return this.#difference(term).delta;
  }

  #constant(value: (source: StandingStill) => number): string {
    return `constant(${this.constants.push(value) - 1}u)`;
  }

  #temperature(point: PointName, lag: number): string {
    return `lagged(${this.#index.zoneOfPoint.get(point)!}u, ${lag}u, k)`;
  }

  #difference(term: PlainTerm): Difference {
    const value = (): string => this.#constant((source) => evaluateTerm(term, source) as number);
    const of = (delta: string | null): Difference => ({ delta, value });
    switch (term.kind) {
      case "state":
        return of(this.#temperature(term.point, term.lagSteps));
      case "difference":
        return of(`(${this.#temperature(term.point, 0)} - ${this.#temperature(term.point, term.steps)})`);
      case "slowMean": {
        const slot = this.#index.slowMeanSlot(slowMeanKey(term.point, term.timeConstantS));
        return of(`(value(${slot}u, k) - ${this.#temperature(term.point, 0)})`);
      }
      case "neighbour":
        return of(`(${this.#temperature(term.point, 0)} - ${this.#temperature(term.of, 0)})`);
      case "offset":
        return of(`(-${this.#temperature(term.of, 0)})`);
      case "setpoint": {
        const side = term.side === "heating" ? 0 : 1;
        const z = this.#index.zones.indexOf(term.zone);
        const now = value();
        return of(
          term.lagSteps === 0
            ? `(setpoint(${side}u, ${z}u, step.x, k) - ${now})`
            : `select(setpoint(${side}u, ${z}u, max(step.x, 1u) - 1u, k) - ${now}, 0.0, step.x == 0u)`,
        );
      }
      case "demand": {
        const side = term.mode === "heating" ? 0 : 1;
        const z = this.#index.zones.indexOf(term.zone);
        const now = this.#constant((source) => source.temperatureC(z));
        const above = `((setpoint(${side}u, ${z}u, step.x, k) - ${now}) - ${this.#temperature(zonePoint(term.zone, "zoneAirTempC"), 0)})`;
        return of(`(clamp(${side === 0 ? "" : "-"}${above}, 0.0, ${float(term.saturationK)}) - ${value()})`);
      }
      case "product": {
        const [a, b] = term.factors.map((factor) => this.#difference(factor)) as [Difference, Difference];
        if (a.delta === null && b.delta === null) return of(null);
        if (a.delta === null) return of(`(${a.value()} * ${b.delta})`);
        if (b.delta === null) return of(`(${b.value()} * ${a.delta})`);
        // Δ(ab) = a0 Δb + (b0 + Δb) Δa.
        return of(`(${a.value()} * ${b.delta} + (${b.value()} + ${b.delta}) * ${a.delta})`);
      }
      default:
        return of(null);
    }
  }
}
