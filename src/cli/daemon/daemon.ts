import { createControl } from "#cli/daemon/control";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import { createFigures } from "#cli/daemon/figures/figures";
import { createForecasts } from "#cli/daemon/forecasts";
import { openGround } from "#cli/daemon/ground";
import { openKnowledge } from "#cli/daemon/knowledge";
import { startLoops } from "#cli/daemon/loops";
import { openNotifiers } from "#cli/daemon/notifiers";
import { letLive, openPast } from "#cli/daemon/past";
import type { DaemonRun } from "#cli/daemon/run";
import { openScreens } from "#cli/daemon/screens";
import { openWatchdog } from "#cli/daemon/serviceWatchdog";
import { Shutdown } from "#cli/daemon/shutdown";
import { openLearning } from "#cli/daemon/siteLearning";
import { createSiteTariff } from "#cli/daemon/siteTariff";
import { createStateReports } from "#cli/daemon/stateReports";
import { openSubscriptions } from "#cli/daemon/subscriptions";
import { openTraffic } from "#cli/daemon/traffic";

/** Runs the daemon of one site until the signal aborts, and closes everything again. Rejects with an `IsothermError` where it cannot start. */
export const runDaemon = async (run: DaemonRun): Promise<void> => {
  const shutdown = new Shutdown();
  try {
    await startAndWait(run, shutdown);
  } catch (error) {
    // Told to end while it was still starting: that is an end like any other.
    if (!run.signal.aborted) throw error;
  } finally {
    await shutdown.run((name, error) => run.log.error({ err: error }, `closing: ${name}`));
  }
};

const startAndWait = async (run: DaemonRun, shutdown: Shutdown): Promise<void> => {
  const { say, signal } = run;
  const ground = await openGround(run, shutdown);
  const { config } = ground.run;
  const { nowMs, ending, data, onWarning, onError } = ground;

  // ---- what comes in and what goes out, what is known, and where people look at it
  const traffic = await openTraffic(ground);
  const { alarms, supervisor } = traffic;
  await openNotifiers(ground, traffic);
  const tariff = await createSiteTariff({ config, toLocalMs: toLocalMsOf(config), nowMs, alarms, onError, signal: ending.signal });
  const knowledge = openKnowledge(ground, traffic);
  const screens = await openScreens(ground, traffic, knowledge);
  const { board } = screens;

  // ---- the building and its past
  const past = await openPast(ground, traffic, knowledge, board);
  const { building } = past;

  // ---- time runs
  const figures = createFigures(ground, traffic, knowledge, past, tariff);
  const forecasts = await createForecasts({
    config,
    history: knowledge.history,
    weather: building?.plant.weather ?? null,
    usualPeople: past.habits.people,
    directory: data.path,
    nowMs,
    ...(ground.clock.kind === "live" ? {} : { wallMs: nowMs }),
    alarms,
    onProblem: onWarning,
    onError,
    onForecast: figures.forecast,
    signal: ending.signal,
  });
  shutdown.add("forecasts", () => forecasts.close(), 1_000);
  knowledge.forecasts = forecasts;
  if (building !== null) letLive(ground, traffic, building, knowledge.budgetMs);
  ground.inBackground("the subscription to the sensors", traffic.telemetry.connect(traffic.link.bus));
  const reports = createStateReports(ground, traffic, knowledge, screens, past, tariff);
  const { publishStates } = reports;
  const control = createControl(ground, traffic, knowledge, { forecasts, past, tariff, screens, figures, publishStates });
  const learning = await openLearning(ground, traffic, knowledge, board, control);
  openSubscriptions(ground, traffic, knowledge, board, { decideSoon: control.decideSoon, publishStates });
  const endTimers = await startLoops(ground, traffic, {
    screens,
    heartbeat: knowledge.heartbeat,
    control,
    learning,
    reports,
    figures,
    tariff,
    forecasts,
    habits: past.habits,
  });

  // ---- until the end
  // Of many buildings the daemon that holds them tells the service manager.
  if (run.host === undefined) await openWatchdog(ground, knowledge.heartbeat);
  shutdown.add(
    "giving the zones back",
    async () => {
      endTimers();
      ending.abort();
      if (board.decision !== null) await supervisor.relinquish(nowMs());
    },
    2_000,
  );
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  say("Stopping: the zones go back to the building's own control.");
};
