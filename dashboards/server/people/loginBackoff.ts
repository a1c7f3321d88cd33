/** How fast one key may be tried: `free` failures cost nothing, each further one doubles the wait from `firstWaitS` up to `maxWaitS`. */
export interface BackoffRule {
  readonly free: number;
  readonly firstWaitS: number;
  readonly maxWaitS: number;
}

/** An account waits five minutes at most, so that nobody can lock its owner out for long; an address up to an hour. */
export const loginRules = {
  account: { free: 4, firstWaitS: 2, maxWaitS: 300 },
  address: { free: 19, firstWaitS: 4, maxWaitS: 3_600 },
} as const satisfies Readonly<Record<string, BackoffRule>>;

interface Tally {
  failures: number;
  untilMs: number;
  lastMs: number;
}

/** Failures are forgotten after so long without another one. */
const forgetMs = 3_600_000;
const maxKeys = 10_000;

/**
 * Back-off after wrong passwords. An attempt counts as failed from its begin, and is taken back where it succeeds: attempts sent at once do not pass together.
 * Time is monotonic milliseconds.
 */
export class LoginBackoff {
  private readonly rule: BackoffRule;
  private readonly nowMs: () => number;
  private readonly tallies = new Map<string, Tally>();

  constructor(rule: BackoffRule, nowMs: () => number = () => performance.now()) {
    this.rule = rule;
    this.nowMs = nowMs;
  }

  /** Seconds to wait before the next attempt; 0 where one may be made now. */
  waitS(key: string): number {
    const tally = this.tallies.get(key);
    return tally === undefined ? 0 : Math.max(0, Math.ceil((tally.untilMs - this.nowMs()) / 1000));
  }

  /** Counts an attempt. */
  begin(key: string): void {
    const nowMs = this.nowMs();
    const before = this.tallies.get(key);
    const failures = (before === undefined || nowMs - before.lastMs > forgetMs ? 0 : before.failures) + 1;
    const over = failures - this.rule.free;
    const waitS = over <= 0 ? 0 : Math.min(this.rule.maxWaitS, this.rule.firstWaitS * 2 ** (over - 1));
    // The newest last: what is dropped first is what was quiet longest.
    this.tallies.delete(key);
    this.tallies.set(key, { failures, untilMs: nowMs + waitS * 1000, lastMs: nowMs });
    if (this.tallies.size > maxKeys) this.tallies.delete(this.tallies.keys().next().value!);
  }

  /** The attempt was a right one: all is forgiven. */
  succeed(key: string): void {
    this.tallies.delete(key);
  }

  /** A right attempt of an address that others share: only that attempt is taken back. */
  takeBack(key: string): void {
    const tally = this.tallies.get(key);
    if (tally === undefined) return;
    tally.failures = Math.max(0, tally.failures - 1);
    tally.untilMs = this.nowMs();
  }
}
