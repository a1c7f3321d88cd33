/** Whether the control loop truly ticks. */
export interface Heartbeat {
  /** The loop begins, or a tick has come to its end, with a decision or without. */
  beat(): void;
  /** Since the last beat more time has passed than a loop that is well needs; before the first nothing is late. */
  readonly isLate: boolean;
}

/** How many steps may pass without a tick's end: one that is dropped because a decision was slow is no fault yet. */
const STEPS = 2;
const GRACE_MS = 60_000;

/** By the monotonic clock: a clock that is set makes no loop late. `stepRealMs`: a control step in real time. */
export const createHeartbeat = (stepRealMs: number, monotonicMs: () => number = () => performance.now()): Heartbeat => {
  let lastMs = Number.POSITIVE_INFINITY;
  return {
    beat: () => {
      lastMs = monotonicMs();
    },
    get isLate() {
      return monotonicMs() - lastMs > STEPS * stepRealMs + GRACE_MS;
    },
  };
};
