import cron, { type ScheduledTask } from "node-cron";
import type { KindClock } from "#adapters/clocks/clocks";
import { configurationError } from "#domain/errors";

export interface CronTicks {
  /** The first tick strictly after `afterMs`. */
  nextTickMs(afterMs: number): number;
  /**
   * Calls `onTick` at every tick of `clock` until `signal` aborts, then resolves. One call at a time: a tick that comes while one is still
   * busy is skipped and told to `onSkipped`, never queued. What `onTick` throws goes to `onError`, and the next tick comes all the same.
   */
  run(options: TickOptions): Promise<void>;
}
export interface TickOptions {
  readonly clock: KindClock;
  readonly signal: AbortSignal;
  readonly onTick: (tickMs: number) => Promise<void> | void;
  readonly onSkipped?: (ticks: number) => void;
  readonly onError: (error: unknown) => void;
}

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
/** 29 February 2096 is followed by that of 2104; with a day of the week as well it may take 40 years. */
const SEARCH_DAYS = 41 * 366;

/** node-cron writes to the console by itself; all it could say reaches the caller through `onSkipped` and `onError`. */
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };

const parse = (expression: string): { readonly secondsOfDay: readonly number[]; readonly task: ScheduledTask } => {
  const check = cron.validateDetailed(expression);
  if (!check.valid || check.fields === undefined) {
    const why = check.errors.map((error) => error.message).join("; ");
    throw configurationError(`Not a schedule: "${expression}"${why === "" ? "" : ` (${why})`}`, {
      todo: 'Write five cron fields: minute hour day month weekday, for example "*/15 * * * *".',
    });
  }
  const { second, minute, hour } = check.fields;
  const ascending = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
  const secondsOfDay = ascending(hour).flatMap((h) =>
    ascending(minute).flatMap((m) => ascending(second).map((s) => (h * 60 + m) * 60 + s)),
  );
  // Never started: only its matcher is used, so that simulated clocks tick exactly when the live one does. Destroyed, it leaves node-cron's registry.
  const task = cron.createTask(expression, () => undefined, { timezone: "UTC" });
  void task.destroy();
  return { secondsOfDay, task };
};

const runLive = (expression: string, { signal, onTick, onSkipped, onError }: TickOptions): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    let busy: Promise<void> = Promise.resolve();
    const task = cron.schedule(
      expression,
      ({ date }) => {
        busy = Promise.resolve()
          .then(() => onTick(date.getTime()))
          .catch(onError);
        return busy;
      },
      { timezone: "UTC", noOverlap: true, suppressMissedWarning: true, logger: SILENT },
    );
    task.on("execution:overlap", () => onSkipped?.(1));
    task.on("execution:missed", () => onSkipped?.(1));
    signal.addEventListener(
      "abort",
      () => {
        void Promise.resolve(task.destroy())
          .then(() => busy)
          .then(() => resolve());
      },
      { once: true },
    );
  });

/**
 * A schedule as a cron expression in UTC, read by node-cron. On the live clock node-cron itself drives it; on accelerated and simulated clocks
 * the next tick is searched with the same parser and matcher. Where day of month and weekday are both given, both must match, as in node-cron
 * (not one of them, as in Unix cron). Throws a configuration error for an expression that is wrong or never comes true.
 */
export const createCronTicks = (expression: string): CronTicks => {
  const { secondsOfDay, task } = parse(expression);
  const nextTickMs = (afterMs: number): number => {
    if (!Number.isFinite(afterMs)) throw new RangeError(`Not a time: ${afterMs}`);
    const firstDayMs = Math.floor(afterMs / DAY_MS) * DAY_MS;
    for (let day = 0; day < SEARCH_DAYS; day++) {
      const dayMs = firstDayMs + day * DAY_MS;
      // Days match or not as a whole: one probe per day is enough.
      if (!task.match(new Date(dayMs + secondsOfDay[0] * SECOND_MS))) continue;
      const second = secondsOfDay.find((s) => dayMs + s * SECOND_MS > afterMs);
      if (second !== undefined) return dayMs + second * SECOND_MS;
    }
    throw configurationError(`The schedule "${expression}" never comes.`, { todo: "Check its day and month." });
  };
  nextTickMs(0);
  const countTicks = (afterMs: number, untilMs: number): number => {
    let ticks = 0;
    for (let t = nextTickMs(afterMs); t <= untilMs; t = nextTickMs(t)) ticks++;
    return ticks;
  };
  const runComputed = async ({ clock, signal, onTick, onSkipped, onError }: TickOptions): Promise<void> => {
    while (!signal.aborted) {
      const tickMs = nextTickMs(clock.nowMs());
      try {
        await clock.sleepUntil(tickMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      try {
        await onTick(tickMs);
      } catch (error) {
        onError(error);
      }
      const skipped = onSkipped === undefined ? 0 : countTicks(tickMs, clock.nowMs());
      if (skipped > 0) onSkipped?.(skipped);
    }
  };
  return {
    nextTickMs,
    run: (options) => (options.clock.kind === "live" ? runLive(expression, options) : runComputed(options)),
  };
};
