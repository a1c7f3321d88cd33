import { gateData } from "#cli/dataOptions";
import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";

/** A run of data that teaches nothing, and why. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

export interface SegmentGate {
  /** What the training gate lets through, with a line for everything that it found; refused as `gateData` refuses. */
  gate(name: string, dataset: Dataset, zones: readonly string[], file: string): Dataset;
  /** The same, but data that are refused are left out with their reason (null) where others can teach in their place. */
  gateOrSkip(name: string, dataset: Dataset, zones: readonly string[], file: string): Dataset | null;
  readonly leftOut: readonly LeftOut[];
  readonly rowsIn: number;
  /** Rows of which at least one value was kept out. */
  readonly rowsGated: number;
  /** One line for all segments together. */
  sayTotal(): void;
}

/** The gate before meta-training: one faulty sensor among many buildings must not teach all of them. */
export const createSegmentGate = (say: (line: string) => void): SegmentGate => {
  let rowsIn = 0;
  let rowsGated = 0;
  let segments = 0;
  const leftOut: LeftOut[] = [];
  const gate: SegmentGate["gate"] = (name, dataset, zones, file) => {
    const gated = gateData(dataset, zones, (line) => say(`${name}: ${line}`), file);
    segments++;
    rowsIn += gated.report.rowsIn;
    rowsGated += gated.report.rowsGated;
    return gated.dataset;
  };
  return {
    gate,
    gateOrSkip: (name, dataset, zones, file) => {
      try {
        return gate(name, dataset, zones, file);
      } catch (error) {
        if (!(error instanceof IsothermError)) throw error;
        leftOut.push({ name, reason: error.message });
        say(`left out: ${name}: ${error.message}`);
        return null;
      }
    },
    leftOut,
    get rowsIn() {
      return rowsIn;
    },
    get rowsGated() {
      return rowsGated;
    },
    sayTotal: () => {
      const refused = leftOut.length === 0 ? "" : `; ${leftOut.length} refused whole`;
      say(`Training gate: values of ${rowsGated} of ${rowsIn} rows in ${segments} pieces of data were kept out${refused}.`);
    },
  };
};
