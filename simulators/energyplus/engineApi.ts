import { IsothermError } from "#domain/errors";
import type { Koffi, NativeLibrary } from "#math/native";

/** An engine's state object, opaque. */
export type EngineState = unknown;
type StateCallback = (state: EngineState) => void;

/** The functions of `libenergyplusapi` (EnergyPlus API/C headers) that isotherm calls. */
export interface EngineApi {
  stateNew(): EngineState;
  stateDelete(state: EngineState): void;
  run(state: EngineState, args: readonly string[]): number;
  stop(state: EngineState): void;
  setRootFolder(state: EngineState, folder: string): void;
  silence(state: EngineState): void;
  /** Registered functions stay valid until `releaseCallbacks`. */
  onMessage(state: EngineState, callback: (line: string) => void): void;
  onProgress(state: EngineState, callback: (pct: number) => void): void;
  onWarmupComplete(state: EngineState, callback: StateCallback): void;
  onZoneTimeStepBegin(state: EngineState, callback: StateCallback): void;
  onZoneTimeStepEnd(state: EngineState, callback: StateCallback): void;
  releaseCallbacks(): void;
  requestVariable(state: EngineState, name: string, key: string): void;
  isDataReady(state: EngineState): boolean;
  variableHandle(state: EngineState, name: string, key: string): number;
  meterHandle(state: EngineState, name: string): number;
  actuatorHandle(state: EngineState, component: string, control: string, key: string): number;
  /** Of what does not change during a run, such as a zone's floor area. */
  internalHandle(state: EngineState, name: string, key: string): number;
  internalValue(state: EngineState, handle: number): number;
  variableValue(state: EngineState, handle: number): number;
  meterValue(state: EngineState, handle: number): number;
  setActuator(state: EngineState, handle: number, value: number): void;
  resetActuator(state: EngineState, handle: number): void;
  hasError(state: EngineState): boolean;
  forgetError(state: EngineState): void;
  isWarmup(state: EngineState): boolean;
  kindOfSimulation(state: EngineState): number;
  month(state: EngineState): number;
  dayOfMonth(state: EngineState): number;
  /** 0–23. */
  hour(state: EngineState): number;
  /** Zone time step within the hour, 1 the first. */
  timeStepOfHour(state: EngineState): number;
}

/** EnergyPlus runs on koffi's own stack; this is the most it may have (its default, 2 MiB, is a quarter of a program's). */
const nativeStackBytes = 16 * 1024 * 1024;
let stackIsSet = false;
/** Before the first native call of the thread. */
export const widenNativeStack = (koffi: Koffi): void => {
  if (stackIsSet) return;
  stackIsSet = true;
  koffi.config({ ...koffi.config(), sync_stack_size: nativeStackBytes });
};

/** The API of an opened engine; a library without one of the functions gets an `IsothermError` (configuration). */
export function bindEngine(koffi: Koffi, library: NativeLibrary, path: string): EngineApi {
  const bind = (declaration: string) => {
    try {
      return library.func(declaration);
    } catch (cause) {
      throw new IsothermError("configuration", `${path} is not an EnergyPlus library that isotherm can use: ${(cause as Error).message}`, {
        todo: "Use EnergyPlus 24.1 or newer; `npm run energyplus:install` brings one.",
        cause,
      });
    }
  };
  const stateProto = koffi.pointer(koffi.proto("void (void *state)"));
  const messageProto = koffi.pointer(koffi.proto("void (const char *message)"));
  const progressProto = koffi.pointer(koffi.proto("void (int progress)"));
  const registered: ReturnType<Koffi["register"]>[] = [];
  // A callback's type is given as an object, not by name: names are global to the process, and several threads bind.
  const setter = (name: string, proto: ReturnType<Koffi["pointer"]>) => {
    const set = library.func(name, "void", ["void *", proto]);
    return (state: EngineState, callback: (...args: never[]) => void): void => {
      const pointer = koffi.register(callback as (...args: unknown[]) => unknown, proto);
      registered.push(pointer);
      set(state, pointer);
    };
  };
  const isTrue = (declaration: string) => {
    const call = bind(declaration);
    return (state: EngineState): boolean => call(state) !== 0;
  };
  const energyplus = bind("int energyplus(void *state, int argc, const char **argv)");
  return {
    stateNew: bind("void *stateNew()") as EngineApi["stateNew"],
    stateDelete: bind("void stateDelete(void *state)") as EngineApi["stateDelete"],
    run: (state, args) => energyplus(state, args.length + 1, ["energyplus", ...args]) as number,
    stop: bind("void stopSimulation(void *state)") as EngineApi["stop"],
    setRootFolder: bind("void setEnergyPlusRootDirectory(void *state, const char *path)") as EngineApi["setRootFolder"],
    silence: (
      (set) => (state: EngineState) =>
        void set(state, 0)
    )(bind("void setConsoleOutputState(void *state, int print)")),
    onMessage: setter("registerStdOutCallback", messageProto),
    onProgress: setter("registerProgressCallback", progressProto),
    onWarmupComplete: setter("callbackAfterNewEnvironmentWarmupComplete", stateProto),
    onZoneTimeStepBegin: setter("callbackBeginZoneTimeStepBeforeInitHeatBalance", stateProto),
    onZoneTimeStepEnd: setter("callbackEndOfZoneTimeStepAfterZoneReporting", stateProto),
    releaseCallbacks: () => {
      for (const pointer of registered.splice(0)) koffi.unregister(pointer);
    },
    requestVariable: bind("void requestVariable(void *state, const char *name, const char *key)") as EngineApi["requestVariable"],
    isDataReady: isTrue("int apiDataFullyReady(void *state)"),
    variableHandle: bind("int getVariableHandle(void *state, const char *name, const char *key)") as EngineApi["variableHandle"],
    meterHandle: bind("int getMeterHandle(void *state, const char *name)") as EngineApi["meterHandle"],
    actuatorHandle: bind(
      "int getActuatorHandle(void *state, const char *component, const char *control, const char *key)",
    ) as EngineApi["actuatorHandle"],
    internalHandle: bind("int getInternalVariableHandle(void *state, const char *name, const char *key)") as EngineApi["internalHandle"],
    internalValue: bind("double getInternalVariableValue(void *state, int handle)") as EngineApi["internalValue"],
    variableValue: bind("double getVariableValue(void *state, int handle)") as EngineApi["variableValue"],
    meterValue: bind("double getMeterValue(void *state, int handle)") as EngineApi["meterValue"],
    setActuator: bind("void setActuatorValue(void *state, int handle, double value)") as EngineApi["setActuator"],
    resetActuator: bind("void resetActuator(void *state, int handle)") as EngineApi["resetActuator"],
    hasError: isTrue("int apiErrorFlag(void *state)"),
    forgetError: bind("void resetErrorFlag(void *state)") as EngineApi["forgetError"],
    isWarmup: isTrue("int warmupFlag(void *state)"),
    kindOfSimulation: bind("int kindOfSim(void *state)") as EngineApi["kindOfSimulation"],
    month: bind("int month(void *state)") as EngineApi["month"],
    dayOfMonth: bind("int dayOfMonth(void *state)") as EngineApi["dayOfMonth"],
    hour: bind("int hour(void *state)") as EngineApi["hour"],
    timeStepOfHour: bind("int zoneTimeStepNum(void *state)") as EngineApi["timeStepOfHour"],
  };
}

/** The engine's own version, "25.2.0"; null where the library does not tell. */
export function engineVersionOf(library: NativeLibrary): string | null {
  try {
    const text = library.func("const char *energyPlusVersion()")() as string | null;
    return /\d+\.\d+\.\d+/.exec(text ?? "")?.[0] ?? null;
  } catch {
    return null;
  }
}
