import type { AlarmText } from "#loop/alarmBoard";

/** A jump of the wall clock: how far it moved beside the monotonic clock between two looks, ms; positive is forward. */
export interface ClockJump {
  readonly atMs: number;
  readonly byMs: number;
}

export interface ClockWatch {
  /** The last jump within `shownMs`; null where there was none. To be called about once a minute. */
  look(): ClockJump | null;
}

/** Time servers slew by a second in half an hour at most; what moves further in a minute was set, or the machine slept. */
const LEAST_JUMP_MS = 10_000;

/**
 * Notices a wall clock that was set forward or back, and a machine that slept: j = Δwall − Δmonotonic between two looks with |j| ≥ 10 s. Setpoints carry the time
 * they are valid until, and devices compare it with their own clock.
 */
export const createClockWatch = (options: {
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  /** How long a jump is told of, ms on the monotonic clock. */
  readonly shownMs?: number;
  readonly leastJumpMs?: number;
}): ClockWatch => {
  const { wallMs, monotonicMs, shownMs = 3_600_000, leastJumpMs = LEAST_JUMP_MS } = options;
  let wall = wallMs();
  let monotonic = monotonicMs();
  let last: { readonly jump: ClockJump; readonly monotonicMs: number } | null = null;
  return {
    look: () => {
      const wallNow = wallMs();
      const monotonicNow = monotonicMs();
      const byMs = wallNow - wall - (monotonicNow - monotonic);
      wall = wallNow;
      monotonic = monotonicNow;
      if (Math.abs(byMs) >= leastJumpMs) last = { jump: { atMs: wallNow, byMs }, monotonicMs: monotonicNow };
      if (last !== null && monotonicNow - last.monotonicMs > shownMs) last = null;
      return last?.jump ?? null;
    },
  };
};

const lengthOf = (ms: number): string =>
  Math.abs(ms) < 120_000 ? `${Math.round(Math.abs(ms) / 1_000)} s` : `${Math.round(Math.abs(ms) / 60_000)} min`;

export const clockJumpAlarm = (jump: ClockJump | null): AlarmText => {
  const { byMs, atMs } = jump ?? { byMs: 0, atMs: 0 };
  return {
    id: "clock-jump",
    level: "warning",
    text: `The clock of this machine moved ${byMs < 0 ? "back" : "forward"} by ${lengthOf(byMs)} at ${new Date(atMs).toISOString().slice(0, 19)}Z${byMs < 0 ? "" : ", or the machine slept for so long"}.`,
    action:
      "Check its time service (timedatectl). Devices compare the end of a setpoint with their own clocks; decisions go on by themselves.",
  };
};
