import { type CoupledModel, CoupledRun, dayMs, engineStepS } from "#simulators/energyplus/coupledRun";
import { hvacMeters, variablesOf } from "#simulators/energyplus/outputs";
import { rowWidth } from "#simulators/energyplus/runProtocol";

/** Rows of a run under the building's own schedule, the first one at `firstEndMs`: the local midnight at which the run begins. */
interface Pass {
  readonly firstEndMs: number;
  readonly lastEndMs: number;
  readonly rows: Float64Array;
}

const stepMs = engineStepS * 1000;

/**
 * Weather, occupancy and the building's own setpoints of any step, from passes of the engine itself under the building's schedule: exactly what a
 * coupled run then reports. One pass at a time is kept; asking beyond it makes a longer one.
 */
export class OwnSchedule {
  readonly #model: CoupledModel;
  readonly #localOffsetMs: number;
  readonly #width: number;
  #pass: Pass | null = null;
  #working: Promise<void> = Promise.resolve();
  #floorAreaM2: number | null = null;

  constructor(model: CoupledModel, localOffsetMs: number) {
    this.#model = model;
    this.#localOffsetMs = localOffsetMs;
    this.#width = rowWidth({ variables: variablesOf(model.zones), meters: hvacMeters });
  }

  /**
   * Makes the rows of the steps that end from `fromEndMs` to `toEndMs` known. The first hour's weather of a run is interpolated from its own first day,
   * not from the day before: `beginsExactly` asks for a pass that begins on the day of `fromEndMs`, as a run from there does.
   */
  async cover(fromEndMs: number, toEndMs: number, beginsExactly = false): Promise<void> {
    const before = this.#working;
    let release = (): void => {};
    this.#working = new Promise((resolve) => {
      release = resolve;
    });
    try {
      await before;
      const has = this.#pass;
      const begins = this.#localMidnight(fromEndMs);
      if (has === null || (beginsExactly && has.firstEndMs !== begins)) this.#pass = await this.#make(begins, toEndMs);
      else if (begins < has.firstEndMs || toEndMs > has.lastEndMs) {
        const first = Math.min(begins, has.firstEndMs);
        // Twice as long as before, so that a long run step by step costs two passes of its length at most.
        const last = toEndMs > has.lastEndMs ? Math.max(toEndMs, first + 2 * (has.lastEndMs - has.firstEndMs)) : has.lastEndMs;
        this.#pass = await this.#make(first, last);
      }
    } finally {
      release();
    }
  }

  /** Of the thermostat zones, with their multipliers; null before the first pass, and where the engine does not tell. */
  get floorAreaM2(): number | null {
    return this.#floorAreaM2;
  }

  /** The row of a step that is covered; undefined for others. */
  row(endMs: number): Float64Array | undefined {
    const pass = this.#pass;
    if (pass === null || !(endMs >= pass.firstEndMs && endMs <= pass.lastEndMs)) return undefined;
    const i = Math.round((endMs - pass.firstEndMs) / stepMs);
    return pass.rows.subarray(i * this.#width, (i + 1) * this.#width);
  }

  #localMidnight(timeMs: number): number {
    return Math.floor((timeMs + this.#localOffsetMs) / dayMs) * dayMs - this.#localOffsetMs;
  }

  async #make(firstEndMs: number, toEndMs: number): Promise<Pass> {
    const firstDayMs = firstEndMs + this.#localOffsetMs;
    const lastDayMs = Math.max(firstDayMs, this.#localMidnight(toEndMs - stepMs) + this.#localOffsetMs);
    const coupling = { actuates: false, freeSteps: Number.POSITIVE_INFINITY, keepsRows: true };
    const run = await CoupledRun.start(this.#model, { firstDayMs, lastDayMs }, coupling);
    try {
      const { rows, rowCount, floorAreaM2 } = await run.finished();
      this.#floorAreaM2 = Number.isFinite(floorAreaM2) ? floorAreaM2 : null;
      return { firstEndMs, lastEndMs: firstEndMs + (rowCount - 1) * stepMs, rows };
    } finally {
      await run.close();
    }
  }
}
