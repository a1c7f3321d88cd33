import { type BillingPeak, createBillingPeak } from "#cli/daemon/billingPeak";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import type { EmbeddedBuilding } from "#cli/daemon/embeddedBuilding";
import type { Ground } from "#cli/daemon/ground";
import { createHabits, type Habits } from "#cli/daemon/habits";
import type { Knowledge } from "#cli/daemon/knowledge";
import { openBuilding } from "#cli/daemon/openBuilding";
import { createOutdoorMean } from "#cli/daemon/outdoorMean";
import { loadHistory } from "#cli/daemon/rowHistory";
import type { StatusBoard } from "#cli/daemon/statusBoard";
import type { Traffic } from "#cli/daemon/traffic";

/** The building up to now, before time runs. */
export interface Past {
  /** null where the building is a real one. */
  readonly building: EmbeddedBuilding | null;
  /** Running mean of the outdoor temperature for adaptive comfort, °C; NaN where no zone asks for it. */
  readonly outdoorMean: (nowMs: number) => number;
  readonly peak: BillingPeak;
  /** When people usually are there; knows nothing where the site does not ask for it. */
  readonly habits: Habits;
}

/** Makes or restores a simulated building, and reads what the store has of the days before. */
export const openPast = async (
  ground: Ground,
  { telemetry }: Traffic,
  { history, historyRows }: Knowledge,
  board: StatusBoard,
): Promise<Past> => {
  const { run, data, clock, nowMs, points, stored } = ground;
  const { config } = run;
  const { store } = data;
  let building: EmbeddedBuilding | null = null;
  if (config.building.kind === "embedded") {
    building = await openBuilding({
      run,
      config: config.building,
      stateFile: data.buildingStateFile,
      newestStoredMs: ground.newestStoredMs,
      progress: (text, fraction, timeMs) => {
        board.progress("simulating-history", text, fraction);
        if (Number.isFinite(timeMs)) clock.showMs(timeMs);
      },
      append: (rows) => store.append(rows),
    });
    clock.showMs(building.timeMs);
  }
  await loadHistory(history, store, points, nowMs() - config.control.stepS * 1_000 * historyRows, nowMs());
  telemetry.seed(stored, nowMs());
  const isAdaptive = config.zones.some(({ comfort }) => comfort.adaptive !== null);
  const outdoorMean = isAdaptive ? createOutdoorMean(history, toLocalMsOf(config)) : () => Number.NaN;
  const peak = createBillingPeak({ config, toLocalMs: toLocalMsOf(config), store, history });
  await peak.load(nowMs());
  store.onChange(peak.take);
  const habits = createHabits({ config, points, store, nowMs });
  await habits.refresh().catch(ground.onError);
  run.signal.throwIfAborted();
  return { building, outdoorMean, peak, habits };
};

/** Lets the simulated building live on its own connection, at the site's speed. */
export const letLive = (ground: Ground, { link }: Traffic, building: EmbeddedBuilding, budgetMs: number): void => {
  const { run, shutdown, clock } = ground;
  const { planner } = run.config;
  const living = new AbortController();
  const bus = link.connectBuilding();
  clock.run(building.timeMs);
  const life = building.live(bus, clock, living.signal);
  life.catch(ground.onError);
  shutdown.add("building", async () => {
    living.abort();
    await life;
  });
  run.say(`Time       the office lives ${run.speed} times as fast as you (--speed)`);
  if (budgetMs < planner.budgetMs)
    run.say(
      `Planning   at this speed a decision has ${(budgetMs / 1_000).toFixed(2)} s: it draws fewer than ${planner.numSamples} sequences where they do not fit`,
    );
};
