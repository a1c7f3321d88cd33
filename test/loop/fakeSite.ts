import type { Decision } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";
import type { Observation, PointName } from "#domain/points";
import type { SetpointCommand } from "#domain/setpoints";
import type { Alarm } from "#domain/store";
import { createAlarmBoard } from "#loop/alarmBoard";
import { createControlCycle } from "#loop/controlCycle";
import type { ControlSite, CycleParts } from "#loop/cycleParts";
import { createHistoryBuffer } from "#loop/historyBuffer";
import { createPlannerSlot } from "#loop/plannerSlot";
import { planOfSequence } from "#loop/rulePlan";
import { createSupervisor, type SupervisorState } from "#loop/supervisor";

export const stepMs = 900_000;
export const startMs = Date.UTC(1991, 0, 2, 12);
export const zones = ["a", "b"];

/** A planner that wants 21.5/23 °C everywhere. */
export const eagerPlanner = (): Planner => ({
  name: "eager",
  plan: async (request) => eagerPlan(request),
  close: async () => undefined,
});
export const eagerPlan = (request: PlanRequest) => {
  const size = request.horizonSteps * request.zones.length;
  return planOfSequence(
    request,
    { name: "eager", heatingSetpointC: new Float64Array(size).fill(21.5), coolingSetpointC: new Float64Array(size).fill(23) },
    { source: "mppi", fallback: null, reason: "eager" },
  );
};

/** A loop around a plant whose observations the test writes. The rule wants 20/24 °C. */
export function fakeSite(
  options: {
    planner?: Planner | null;
    site?: Partial<ControlSite>;
    initial?: Partial<SupervisorState>;
    monitor?: CycleParts["monitor"];
    probes?: CycleParts["probes"];
  } = {},
) {
  let nowMs = startMs;
  const sent: SetpointCommand[] = [];
  const stored: Decision[] = [];
  const alarms: Alarm[] = [];
  const errors: unknown[] = [];
  const requests: PlanRequest[] = [];
  const state = {
    tempsC: { a: 20, b: 21 } as Record<string, number | undefined>,
    observe: null as null | (() => Promise<Observation>),
    failSending: false,
    failStoring: false,
    failForecast: false,
    occupied: true,
  };
  const horizonSteps = 4;
  const sequence = (heating: number, cooling: number, name: string) => ({
    name,
    heatingSetpointC: new Float64Array(horizonSteps * zones.length).fill(heating),
    coolingSetpointC: new Float64Array(horizonSteps * zones.length).fill(cooling),
  });
  const site: ControlSite = {
    zones,
    stepS: 900,
    horizonSteps,
    limits: {
      minHeatingSetpointC: 15,
      maxHeatingSetpointC: 22.5,
      minCoolingSetpointC: 21,
      maxCoolingSetpointC: 32,
      deadbandK: 0.5,
      maxSlewKPerStep: 20,
    },
    seed: 1,
    historyRows: 8,
    deadlineMs: 1000,
    comfort: () =>
      new Map(
        zones.map((zone) => [
          zone,
          {
            lowerC: new Float64Array(4).fill(20),
            upperC: new Float64Array(4).fill(24),
            occupied: new Uint8Array(4).fill(state.occupied ? 1 : 0),
          },
        ]),
      ),
    pricePerKwh: () => new Float64Array(4).fill(0.2),
    toLocalMs: (timeMs) => timeMs,
    candidates: () => ({ rulePlans: [sequence(20, 24, "rule lead 4")], otherPlans: [] }),
    ...options.site,
  };
  const planners = createPlannerSlot({ onError: (error) => errors.push(error) });
  if (options.planner !== null) {
    const inner = options.planner ?? eagerPlanner();
    const planner: Planner = {
      ...inner,
      plan: (request, signal) => {
        requests.push(request);
        return inner.plan(request, signal);
      },
    };
    planners.swap({ planner, modelVersion: "m1" });
  }
  const history = createHistoryBuffer({ stepS: 900, maxRows: 96 });
  const supervisor = createSupervisor({
    zones,
    epoch: 7,
    commandValidityS: 2700,
    outlet: {
      send: async (command) => {
        if (state.failSending) throw new Error("the broker is away");
        sent.push(command);
      },
    },
    ...(options.initial === undefined ? {} : { initial: options.initial }),
  });
  const cycle = createControlCycle({
    site,
    clock: { nowMs: () => nowMs, sleepUntil: async () => undefined },
    plant: {
      observe: async () => {
        if (state.observe !== null) return state.observe();
        const values = new Map<PointName, number>([["site.outdoorAirTempC", 5]]);
        for (const zone of zones) if (state.tempsC[zone] !== undefined) values.set(`${zone}.zoneAirTempC`, state.tempsC[zone]!);
        return { timeMs: nowMs, values };
      },
    },
    forecasts: {
      name: "fake",
      forecast: async (fromMs, stepS, steps) => {
        if (state.failForecast) throw new Error("no weather today");
        return {
          issuedAtMs: fromMs,
          provider: "fake",
          stepEndMs: Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepS * 1000),
          columns: new Map([["site.outdoorAirTempC" as PointName, new Float64Array(steps).fill(5)]]),
        };
      },
    },
    planners,
    supervisor,
    history,
    decisions: {
      appendDecision: async (decision) => {
        if (state.failStoring) throw new Error("disk full");
        stored.push(decision);
      },
    },
    ...(options.monitor === undefined ? {} : { monitor: options.monitor }),
    ...(options.probes === undefined ? {} : { probes: options.probes }),
    alarms: createAlarmBoard({ store: { putAlarm: async (alarm) => void alarms.push(alarm) }, onError: (error) => errors.push(error) }),
    onError: (error) => errors.push(error),
  });
  return {
    state,
    sent,
    stored,
    alarms,
    errors,
    requests,
    planners,
    supervisor,
    history,
    cycle,
    now: () => nowMs,
    jumpTo: (timeMs: number) => {
      nowMs = timeMs;
    },
    /** One control interval. */
    tick: async (signal?: AbortSignal) => {
      nowMs += stepMs;
      return cycle(signal);
    },
  };
}
