import { normalQuantile } from "#math/statistics";

/** One step that is over, beside what a model says of it. */
export interface JudgedStep {
  readonly zone: string;
  readonly endMs: number;
  readonly measuredC: number;
  readonly meanC: number;
  readonly stdDevK: number;
  /** False where the thermostat held a setpoint: then where the zone ends says little of the model. */
  readonly isOffSetpoint: boolean;
}

/** How true the predictions of a zone's next step have been of late; null where too few steps bear on it. */
export interface ZoneFigures {
  readonly zone: string;
  /** Steps off the setpoint in the window. */
  readonly samples: number;
  /** Share of them inside the central 90 % predictive interval. */
  readonly coverage90Fraction: number | null;
  /** Root mean square of their errors, each counted with `limitK` at most. */
  readonly rmseK: number | null;
}

/** z of a central 90 % interval. */
const Z_90 = normalQuantile(0.95);

interface Sample {
  readonly endMs: number;
  readonly errorK: number;
  readonly isInside: boolean;
  readonly modelVersion: string;
}

/** The steps of one zone in a rolling window. */
export interface CoverageWindow {
  add(step: JudgedStep, modelVersion: string): void;
  clear(): void;
  /**
   * Steps that end after `fromMs`; those of the model `modelVersion` alone once there are twice `enough` of them, so that a better model does not answer
   * for the one before. `limitK`: one open window is not a model gone wrong.
   */
  figures(fromMs: number, modelVersion: string, enough: number, limitK: number): Omit<ZoneFigures, "zone">;
}

export const createCoverageWindow = (): CoverageWindow => {
  let samples: Sample[] = [];
  return {
    add: ({ endMs, measuredC, meanC, stdDevK, isOffSetpoint }, modelVersion) => {
      const errorK = measuredC - meanC;
      if (!isOffSetpoint || !Number.isFinite(errorK) || !(stdDevK >= 0)) return;
      samples.push({ endMs, errorK, isInside: Math.abs(errorK) <= Z_90 * stdDevK, modelVersion });
    },
    clear: () => {
      samples = [];
    },
    figures: (fromMs, modelVersion, enough, limitK) => {
      samples = samples.filter(({ endMs }) => endMs > fromMs);
      const own = samples.filter((sample) => sample.modelVersion === modelVersion);
      const counted = own.length >= 2 * enough ? own : samples;
      if (counted.length < enough) return { samples: counted.length, coverage90Fraction: null, rmseK: null };
      const squares = counted.reduce((sum, { errorK }) => sum + Math.min(Math.abs(errorK), limitK) ** 2, 0);
      return {
        samples: counted.length,
        coverage90Fraction: counted.filter(({ isInside }) => isInside).length / counted.length,
        rmseK: Math.sqrt(squares / counted.length),
      };
    },
  };
};
