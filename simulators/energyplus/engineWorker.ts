import { parentPort, workerData } from "node:worker_threads";
import { loadKoffi } from "#math/native";
import { withNativeLock } from "#math/nativeLock";
import { bindEngine, type EngineApi, type EngineState, widenNativeStack } from "#simulators/energyplus/engineApi";
import { cell, type RunEnd, type RunOrder, rowHeader, rowWidth, turn } from "#simulators/energyplus/runProtocol";

/** EnergyPlus's `KindOfSim::RunPeriodWeather`: not sizing, not a design day. */
const runPeriodWeather = 3;
const keptMessages = 20;

/** Rows one after another in blocks that double. */
class RowStore {
  #data = new Float64Array(0);
  #length = 0;
  add(row: Float64Array): void {
    if (this.#length + row.length > this.#data.length) {
      const wider = new Float64Array(Math.max(4096, 2 * this.#data.length, this.#length + row.length));
      wider.set(this.#data);
      this.#data = wider;
    }
    this.#data.set(row, this.#length);
    this.#length += row.length;
  }
  all(): Float64Array<ArrayBuffer> {
    return this.#data.slice(0, this.#length);
  }
}

/** One run of the engine in this thread: `energyplus()` returns when it is over, and all the while everything happens inside its callbacks. */
/** Some tens of microseconds. */
const mostSpins = 20_000;

class EngineThread {
  readonly #api: EngineApi;
  readonly #order: RunOrder;
  readonly #control: Int32Array;
  readonly #row: Float64Array;
  readonly #pairs: Float64Array;
  readonly #kept = new RowStore();
  readonly #messages: string[] = [];
  #variables: Int32Array | null = null;
  #meters: readonly (readonly number[])[] = [];
  #actuators: Int32Array = new Int32Array(0);
  readonly #inForce: Float64Array;
  #rows = 0;
  #floorAreaM2 = Number.NaN;
  #failure: string | null = null;

  constructor(api: EngineApi, order: RunOrder) {
    this.#api = api;
    this.#order = order;
    this.#control = new Int32Array(order.control);
    const width = rowWidth(order);
    this.#row = new Float64Array(order.exchange, 0, width);
    this.#pairs = new Float64Array(order.exchange, width * 8, 2 * order.actuated.length);
    this.#inForce = new Float64Array(2 * order.actuated.length).fill(Number.NaN);
  }

  run(): RunEnd {
    const api = this.#api;
    const state = api.stateNew();
    try {
      api.setRootFolder(state, this.#order.engineFolder);
      api.silence(state);
      const alive = (): void => void Atomics.add(this.#control, cell.lifeSigns, 1);
      api.onMessage(state, (line) => {
        alive();
        this.#messages.push(line);
        if (this.#messages.length > keptMessages) this.#messages.shift();
      });
      api.onProgress(state, alive);
      // Sizing and warm-up are silent for long; their time steps show that it goes on, and let it be stopped.
      api.onZoneTimeStepBegin(state, (now) => {
        alive();
        if (Atomics.load(this.#control, cell.stop) !== 0) api.stop(now);
      });
      for (const { name, key } of this.#order.variables) api.requestVariable(state, name, key);
      if (this.#order.variables.length + this.#order.meters.length > 0) {
        const guarded = (rowEnded: () => boolean) => (now: EngineState) => {
          // An exception must not travel through the engine's frames.
          try {
            if (rowEnded()) this.#rowReached(now);
          } catch (error) {
            this.#fail(now, `the coupling failed: ${(error as Error).message}`);
          }
        };
        // The state that warm-up ends with is the run's row 0; rows follow at the end of every zone time step.
        api.onWarmupComplete(
          state,
          guarded(() => this.#rows === 0),
        );
        api.onZoneTimeStepEnd(
          state,
          guarded(() => !api.isWarmup(state)),
        );
      }
      const code = api.run(state, this.#order.args);
      return {
        code,
        failure: this.#failure,
        rows: this.#kept.all(),
        rowCount: this.#rows,
        floorAreaM2: this.#floorAreaM2,
        messages: this.#messages,
      };
    } finally {
      api.stateDelete(state);
      api.releaseCallbacks();
    }
  }

  #fail(state: EngineState, failure: string): void {
    this.#failure ??= failure;
    this.#api.stop(state);
  }

  #rowReached(state: EngineState): void {
    const api = this.#api;
    if (this.#failure !== null || Atomics.load(this.#control, cell.stop) !== 0) {
      api.stop(state);
      return;
    }
    if (api.kindOfSimulation(state) !== runPeriodWeather || !api.isDataReady(state)) return;
    this.#variables ??= this.#findHandles(state);
    if (this.#failure !== null) return;
    this.#readRow(state, this.#variables);
    const { freeSteps, tape, keepsRows } = this.#order;
    const step = this.#rows++;
    if (keepsRows) this.#kept.add(this.#row);
    if (step < freeSteps) {
      const width = this.#pairs.length;
      if (tape !== null) this.#apply(state, tape.subarray(step * width, (step + 1) * width));
      return;
    }
    Atomics.store(this.#control, cell.turn, turn.plant);
    Atomics.notify(this.#control, cell.turn);
    // The other side sets `stop` before it takes the turn back: one of the two is always seen.
    // A quick controller answers sooner than a sleeping thread wakes.
    for (let spins = 0; spins < mostSpins && Atomics.load(this.#control, cell.turn) === turn.plant; spins++);
    while (Atomics.load(this.#control, cell.stop) === 0 && Atomics.load(this.#control, cell.turn) === turn.plant)
      Atomics.wait(this.#control, cell.turn, turn.plant);
    if (Atomics.load(this.#control, cell.stop) !== 0) api.stop(state);
    else this.#apply(state, this.#pairs);
  }

  #findHandles(state: EngineState): Int32Array {
    const api = this.#api;
    const missing: string[] = [];
    const found = (handle: number, what: string): number => {
      if (handle < 0) missing.push(what);
      return handle;
    };
    const variables = Int32Array.from(this.#order.variables, ({ name, key, isOptional }) => {
      const handle = api.variableHandle(state, name, key);
      return isOptional ? handle : found(handle, `the output variable "${name}" of ${key}`);
    });
    this.#meters = this.#order.meters.map((names) => names.map((name) => api.meterHandle(state, name)).filter((handle) => handle >= 0));
    this.#actuators = Int32Array.from(
      this.#order.actuated.flatMap(({ key }) =>
        ["Heating Setpoint", "Cooling Setpoint"].map((control) =>
          found(
            api.actuatorHandle(state, "Zone Temperature Control", control, key),
            `the actuator "Zone Temperature Control / ${control}" of ${key}`,
          ),
        ),
      ),
    );
    this.#floorAreaM2 = this.#measure(state);
    // Asking for what is not there is no error: it is told here.
    api.forgetError(state);
    if (missing.length > 0) this.#fail(state, `the model does not offer ${missing.join(", ")}`);
    return variables;
  }

  #measure(state: EngineState): number {
    const api = this.#api;
    const of = (name: string, zone: string): number => {
      const handle = api.internalHandle(state, name, zone);
      return handle < 0 ? Number.NaN : api.internalValue(state, handle);
    };
    const areas = this.#order.measured.map(
      (zone) => of("Zone Floor Area", zone) * of("Zone Multiplier", zone) * of("Zone List Multiplier", zone),
    );
    return areas.length === 0 ? Number.NaN : areas.reduce((sum, area) => sum + area, 0);
  }

  #readRow(state: EngineState, variables: Int32Array): void {
    const api = this.#api;
    const row = this.#row;
    row[0] = api.month(state);
    row[1] = api.dayOfMonth(state);
    row[2] = api.hour(state);
    row[3] = api.timeStepOfHour(state);
    let at = rowHeader;
    for (let i = 0; i < variables.length; i++) row[at++] = variables[i]! < 0 ? Number.NaN : api.variableValue(state, variables[i]!);
    for (const handles of this.#meters) {
      let sumJ = 0;
      for (const handle of handles) sumJ += api.meterValue(state, handle);
      row[at++] = sumJ;
    }
    if (api.hasError(state)) this.#fail(state, "EnergyPlus reported an error of its data interface");
  }

  /** Setpoints for the next step; NaN gives an actuator back, and one that was never set is not touched. */
  #apply(state: EngineState, pairs: Float64Array): void {
    for (let i = 0; i < pairs.length; i++) {
      const value = pairs[i]!;
      if (!Number.isNaN(value)) this.#api.setActuator(state, this.#actuators[i]!, value);
      else if (!Number.isNaN(this.#inForce[i]!)) this.#api.resetActuator(state, this.#actuators[i]!);
      this.#inForce[i] = value;
    }
  }
}

const order = workerData as RunOrder;
const koffi = await loadKoffi();
if (koffi === null) throw new Error("the npm package koffi is not installed");
const api = await withNativeLock(async () => {
  widenNativeStack(koffi);
  return bindEngine(koffi, koffi.load(order.library), order.library);
});
const end = new EngineThread(api, order).run();
parentPort!.postMessage(end, [end.rows.buffer as ArrayBuffer]);
const control = new Int32Array(order.control);
Atomics.store(control, cell.turn, turn.ended);
Atomics.notify(control, cell.turn);
