/** Time as the loop sees it. Live: the machine's clock; offline: simulated. Nothing in the loop calls `Date.now()`. */
export interface Clock {
  nowMs(): number;
  /** Resolves at `timeMs` of this clock; rejects with `signal.reason` when aborted. */
  sleepUntil(timeMs: number, signal?: AbortSignal): Promise<void>;
}
