import { createAcceleratedClock, createLiveClock, createSimulatedClock, type KindClock, type KindOfClock } from "#adapters/clocks/clocks";
import type { TimeLine } from "#cli/daemon/run";

/**
 * The one clock of a daemon. Live sites have the machine's; an embedded building's stands still while its history is simulated and is let go afterwards,
 * so that the time a computer needs for history is no time of the building.
 */
export interface SiteClock extends KindClock {
  /** Simulated seconds per real second; 1 for a live site. */
  readonly speed: number;
  /** While it stands: the time shown. */
  showMs(timeMs: number): void;
  /** Lets time run from `startMs`. */
  run(startMs: number): void;
}

export const createLiveSiteClock = (): SiteClock => ({
  ...createLiveClock(),
  speed: 1,
  showMs: () => undefined,
  run: () => undefined,
});

/** A clock that all processes of a rehearsal share: now = startMs + speed · (wall clock − anchorMs). */
export const createTimeLineClock = ({ startMs, anchorMs, speed }: TimeLine): SiteClock => {
  const clock = createAcceleratedClock({ startMs: startMs + speed * (Date.now() - anchorMs), speed });
  return { kind: clock.kind, nowMs: clock.nowMs, sleepUntil: clock.sleepUntil, speed, showMs: () => undefined, run: () => undefined };
};

/** A clock that stands until `run`, then goes `speed` times as fast as the machine's. */
export const createDemoClock = (startMs: number, speed: number): SiteClock => {
  let shownMs = startMs;
  let clock: KindClock = createSimulatedClock(startMs);
  let running = false;
  return {
    speed,
    get kind(): KindOfClock {
      return "accelerated";
    },
    nowMs: () => (running ? clock.nowMs() : shownMs),
    sleepUntil: (timeMs, signal) => clock.sleepUntil(timeMs, signal),
    showMs: (timeMs) => {
      shownMs = timeMs;
    },
    run: (fromMs) => {
      clock = createAcceleratedClock({ startMs: fromMs, speed });
      running = true;
    },
  };
};
