import { openAdjustmentsFile } from "#adapters/files/adjustmentsFile";
import { forecastFigures } from "#cli/daemon/figures/forecastFigures";
import { createSavingsFigures } from "#cli/daemon/figures/savingsFigures";
import { stepFigures } from "#cli/daemon/figures/stepFigures";
import type { Ground } from "#cli/daemon/ground";
import type { Knowledge } from "#cli/daemon/knowledge";
import type { Past } from "#cli/daemon/past";
import type { SiteTariff } from "#cli/daemon/siteTariff";
import type { Traffic } from "#cli/daemon/traffic";
import { comfortSchedule } from "#config/comfort";
import { createLocalCalendar } from "#dashboards/server/localTime";
import type { Forecast } from "#domain/dataset";
import { comfortPoint } from "#domain/figures";
import type { PointName } from "#domain/points";

/** Clocks of control ticks are this exact, ms. */
const TICK_TOLERANCE_MS = 1_000;
/** Steps that were missed are made up for as far back. */
const MOST_BACK_MS = 86_400_000;

/** What the daemon knows beside what is measured (bands, votes, prices, forecasts, predictions, savings), written to the store as points; from there it goes to InfluxDB like all others. */
export interface Figures {
  /** A control tick is over: the row of the step that ended at it is whole. */
  ticked(tickMs: number): void;
  /** What a source says of the steps after `fromMs`. */
  forecast(forecast: Forecast, fromMs: number): void;
  /** Writes what has become known since; to be called about every minute, never beside a tick. Never rejects. */
  refresh(): Promise<void>;
}

export const createFigures = (
  { run, zones, data, points, nowMs, ending, onError }: Ground,
  { writer }: Traffic,
  { history, models }: Knowledge,
  { outdoorMean, habits }: Past,
  tariff: SiteTariff,
): Figures => {
  const { config, host } = run;
  const { store } = data;
  const stepMs = config.control.stepS * 1000;
  const stepParts = {
    zones,
    stepS: config.control.stepS,
    points,
    people: config.control.vote,
    comfort: (zone: string, endMs: number) => {
      const { lowerC, upperC, occupied } = comfortSchedule(config, zone, [endMs], outdoorMean(endMs), habits.presence);
      return { lowerC: lowerC[0]!, upperC: upperC[0]!, occupied: occupied[0] === 1 };
    },
    tariff: (endMs: number) => tariff.now(endMs - stepMs / 2),
  };
  const savings = createSavingsFigures({
    reader: store,
    zones,
    stepS: config.control.stepS,
    calendar: createLocalCalendar(config.site.timeZone),
    adjustments: openAdjustmentsFile(data.adjustmentsFile),
    write: (found) => writer.write(found),
    inTurn: (work) => (host === undefined ? work() : host.turn("learn", work, ending.signal)),
  });
  let overMs = Number.NEGATIVE_INFINITY;
  let writtenMs = Number.NaN;
  let running = false;
  let isSaving = false;

  const writeSteps = async (): Promise<void> => {
    if (Number.isNaN(writtenMs)) {
      // Where it left off before a restart.
      const own = zones.map((zone) => comfortPoint(zone, "comfortLowerC"));
      const before = [...(await store.latest(own)).values()].map(({ timeMs }) => timeMs);
      writtenMs = before.length === 0 ? overMs - stepMs : Math.max(overMs - MOST_BACK_MS, ...before);
    }
    const { timesMs, columns } = history.dataset(writtenMs);
    timesMs.forEach((endMs, row) => {
      if (endMs > overMs) return;
      const values = new Map<PointName, number>();
      for (const [point, column] of columns) if (Number.isFinite(column[row])) values.set(point, column[row]!);
      writer.write(stepFigures(stepParts, endMs, values));
      writtenMs = endMs;
    });
  };
  const failed = (error: unknown): void => {
    if (!ending.signal.aborted) onError(error);
  };

  const writeSavings = async (): Promise<void> => {
    isSaving = true;
    await savings.look(nowMs()).catch(failed);
    isSaving = false;
  };

  return {
    ticked: (tickMs) => {
      const endMs = history.gridMs(tickMs);
      // A decision between two ticks belongs to a step that is not over.
      if (endMs <= tickMs + TICK_TOLERANCE_MS) overMs = Math.max(overMs, endMs);
    },
    forecast: (forecast, fromMs) => writer.write(forecastFigures(forecast, fromMs)),
    refresh: async () => {
      if (running || !Number.isFinite(overMs) || ending.signal.aborted) return;
      running = true;
      try {
        await writeSteps();
        await models.figures.look(overMs);
        // In their own time: they may wait for other sites.
        if (!isSaving) void writeSavings();
      } catch (error) {
        failed(error);
      } finally {
        running = false;
      }
    },
  };
};
