import { createCronTicks } from "#adapters/clocks/cronTicks";
import type { Control } from "#cli/daemon/control";
import type { Figures } from "#cli/daemon/figures/figures";
import type { SiteForecasts } from "#cli/daemon/forecasts";
import { createMemoryReturn } from "#cli/daemon/freedMemory";
import type { Ground } from "#cli/daemon/ground";
import type { Habits } from "#cli/daemon/habits";
import type { Heartbeat } from "#cli/daemon/heartbeat";
import type { Screens } from "#cli/daemon/screens";
import type { SiteLearning } from "#cli/daemon/siteLearning";
import type { SiteTariff } from "#cli/daemon/siteTariff";
import type { StateReports } from "#cli/daemon/stateReports";
import type { Traffic } from "#cli/daemon/traffic";
import { zonePoint } from "#domain/points";
import { runLoop } from "#loop/runLoop";
import { createGarbageCollector } from "#math/collectGarbage";

const MINUTE_MS = 60_000;
/** How often a site without a model of enough days looks whether a better one can be learned, site time. */
const EARLY_LEARNING_MS = 60 * MINUTE_MS;
/** How often freed memory goes back to the system, real time. */
const MEMORY_RETURN_MS = 5_000;
/** How often garbage is collected whether or not the heap is near its limit, real time: what is left is what the site needs. */
const COLLECT_MS = 60_000;
/** At the start: values of this age count as the zones' present ones, and so long the first decision waits for them in real time. */
const FRESH_MS = 5 * MINUTE_MS;
const FIRST_VALUES_MS = 60_000;

/** What the loops call. */
export interface LoopParts {
  readonly screens: Screens;
  readonly heartbeat: Heartbeat;
  readonly control: Control;
  readonly learning: SiteLearning;
  readonly reports: StateReports;
  readonly figures: Figures;
  readonly tariff: SiteTariff;
  readonly forecasts: SiteForecasts;
  readonly habits: Habits;
}

/** Everything that happens again and again; returns what ends the timers that the signal does not. */
export const startLoops = async (
  ground: Ground,
  { watch, telemetry, influx }: Traffic,
  {
    screens: { board, metrics },
    heartbeat,
    control: { runner },
    learning: { rounds, atNight },
    reports,
    figures,
    tariff,
    forecasts,
    habits,
  }: LoopParts,
): Promise<() => void> => {
  const { run, zones, clock, nowMs, ending, onError, inBackground } = ground;
  const { control, planner, learning } = run.config;
  const { signal } = ending;

  const firstDecision = async (): Promise<void> => {
    await telemetry.caughtUp(nowMs() - FRESH_MS, ground.isDemo ? 3_000 : FIRST_VALUES_MS);
    // Without any temperature the next tick is early enough to command anything.
    const { values } = telemetry.latest(nowMs());
    if (!signal.aborted && zones.some((zone) => values.has(zonePoint(zone, "zoneAirTempC")))) await runner.run(signal);
  };
  inBackground("the first decision", firstDecision());
  if (rounds.model === null) inBackground("learning", rounds.learn());
  else board.progress("controlling", "Controlling", null);
  const inPhase = (expression: string): ((afterMs: number) => number) => {
    const ticks = createCronTicks(expression);
    const phaseMs = control.phaseS * 1_000;
    return (afterMs) => ticks.nextTickMs(afterMs - phaseMs) + phaseMs;
  };
  heartbeat.beat();
  inBackground(
    "the control loop",
    runLoop({
      clock,
      nextTickMs: inPhase(control.schedule),
      onTick: async (tickMs, aborted) => {
        const sinceTickS = (): number => (nowMs() - tickMs) / 1_000 / clock.speed;
        const latenessS = sinceTickS();
        metrics.ticked(latenessS);
        run.host?.tickBegan(latenessS);
        await runner.run(aborted).finally(() => {
          heartbeat.beat();
          run.host?.tickEnded(sinceTickS());
        });
      },
      signal,
      onSkipped: (count) => run.log.warn({ skipped: count }, "control ticks came while a decision was still under way and were dropped"),
      onError,
      graceMs: 300,
    }),
  );
  inBackground(
    "nightly learning",
    runLoop({ clock, nextTickMs: inPhase(learning.schedule), onTick: atNight, signal, onError, graceMs: 300 }),
  );

  const comingSteps = (): Float64Array => {
    const stepMs = control.stepS * 1_000;
    const phaseMs = control.phaseS * 1_000;
    const begun = Math.floor((nowMs() - phaseMs) / stepMs);
    return Float64Array.from({ length: planner.horizonSteps }, (_, t) => (begun + t + 1) * stepMs + phaseMs);
  };
  const refreshTariff = async (): Promise<void> => {
    await tariff.refresh();
    if (!signal.aborted) await tariff.check(comingSteps());
  };
  const refreshForecasts = async (): Promise<void> => {
    await forecasts.refresh();
    if (signal.aborted) return;
    await forecasts.check();
    await forecasts.learn();
    await habits.refresh();
  };
  void refreshTariff().catch(onError);
  void refreshForecasts().catch(onError);
  let lookedEarlyMs = nowMs();
  const learnEarly = (): void => {
    if (nowMs() - lookedEarlyMs < EARLY_LEARNING_MS) return;
    lookedEarlyMs = nowMs();
    void rounds.learnEarly().catch((error: unknown) => !signal.aborted && onError(error));
  };
  const everyMinute = async (): Promise<void> => {
    await watch.check();
    await reports.checkZones();
    learnEarly();
    // In its own time: a feed that does not answer holds nothing up.
    void refreshTariff().catch(onError);
    void refreshForecasts().catch(onError);
    void figures.refresh();
    await influx.refresh().catch(onError);
    reports.publishStates();
    reports.publishHealth();
  };
  const minutes = setInterval(() => void everyMinute().catch(onError), Math.max(1_000, MINUTE_MS / clock.speed));

  const returnMemory = await (run.host === undefined ? createMemoryReturn() : Promise.resolve(null)).catch((error: unknown) => {
    onError(error);
    return null;
  });
  const returning = returnMemory === null ? undefined : setInterval(returnMemory, MEMORY_RETURN_MS);
  const collecting = run.host === undefined ? setInterval(createGarbageCollector(), COLLECT_MS) : undefined;
  return () => {
    clearInterval(minutes);
    clearInterval(collecting);
    clearInterval(returning);
  };
};
