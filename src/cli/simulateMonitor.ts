import { createStepJudge } from "#cli/daemon/stepJudge";
import type { SimulateOptions } from "#cli/simulateOptions";
import type { SimulatedSite } from "#cli/simulatePlant";
import type { BuildingModel } from "#domain/model";
import type { AlarmBoard } from "#loop/alarmBoard";
import type { HistoryBuffer } from "#loop/historyBuffer";
import { createModelMonitor, type ModelMonitor } from "#loop/modelMonitor";
import { createLinearAlgebra } from "#math/createLinearAlgebra";

/** Days before a step that its prediction needs, as in the daemon. */
const LOOK_BACK_DAYS = 4;
const DAY_MS = 86_400_000;

/** The daemon's watch over the model in use, for a simulated run. */
export interface SimulatedMonitor {
  readonly monitor: ModelMonitor;
  use(model: BuildingModel): void;
}

/** null for controllers that do not plan on isotherm's own model. */
export async function createSimulatedMonitor({
  options,
  run,
  history,
  alarms,
  onError,
}: {
  readonly options: SimulateOptions;
  readonly run: Pick<SimulatedSite, "timeZone"> & { readonly plant: { readonly zones: readonly string[] } };
  readonly history: HistoryBuffer;
  readonly alarms: AlarmBoard;
  readonly onError: (error: unknown) => void;
}): Promise<SimulatedMonitor | null> {
  if (options.controller !== "mppi" && options.controller !== "random-shooting") return null;
  const la = await createLinearAlgebra("wasm").catch(() => createLinearAlgebra("reference"));
  const toLocalMs = (timeMs: number): number => timeMs + run.timeZone.timeZoneH * 3_600_000;
  const monitor = createModelMonitor({
    zones: run.plant.zones,
    history,
    lookBackMs: LOOK_BACK_DAYS * DAY_MS,
    alarms,
    write: () => undefined,
    onError,
  });
  return { monitor, use: (model) => monitor.use(createStepJudge(la, model, toLocalMs), false) };
}
