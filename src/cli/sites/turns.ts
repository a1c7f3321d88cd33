import type { HeavyWork } from "#cli/daemon/run";

interface Asked {
  readonly owner: number;
  readonly ticket: number;
  readonly grant: () => void;
}
interface Held extends Asked {
  readonly sinceMs: number;
}

/** How many may do a kind of work at once, and how long one may before the next begins all the same, ms. */
export interface TurnLimit {
  readonly atOnce: number;
  readonly longestMs: number;
}

/**
 * Who may compute: a counting semaphore per kind of work, first come, first served over all buildings. A turn that is never given back (a thread that hangs) keeps
 * nobody waiting for longer than `longestMs`; `forget` takes back all that a process held when it ended.
 */
export class Turns {
  readonly #limits: Readonly<Record<HeavyWork, TurnLimit>>;
  readonly #monotonicMs: () => number;
  readonly #waiting: Record<HeavyWork, Asked[]> = { plan: [], learn: [] };
  readonly #held: Record<HeavyWork, Held[]> = { plan: [], learn: [] };

  constructor(limits: Readonly<Record<HeavyWork, TurnLimit>>, monotonicMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
  }

  waiting(kind: HeavyWork): number {
    return this.#waiting[kind].length;
  }

  ask(kind: HeavyWork, owner: number, ticket: number, grant: () => void): void {
    this.#waiting[kind].push({ owner, ticket, grant });
    this.#next(kind);
  }

  /** Gives a turn back, or gives up waiting for it. */
  release(owner: number, ticket: number): void {
    this.#drop((asked) => asked.owner === owner && asked.ticket === ticket);
  }

  forget(owner: number): void {
    this.#drop((asked) => asked.owner === owner);
  }

  /** To be called now and then: turns that were held for too long count as given back. */
  check(): void {
    const nowMs = this.#monotonicMs();
    for (const kind of kinds) {
      const { longestMs } = this.#limits[kind];
      this.#held[kind] = this.#held[kind].filter(({ sinceMs }) => nowMs - sinceMs < longestMs);
      this.#next(kind);
    }
  }

  #drop(isGone: (asked: Asked) => boolean): void {
    for (const kind of kinds) {
      this.#waiting[kind] = this.#waiting[kind].filter((asked) => !isGone(asked));
      this.#held[kind] = this.#held[kind].filter((asked) => !isGone(asked));
      this.#next(kind);
    }
  }

  #next(kind: HeavyWork): void {
    while (this.#held[kind].length < this.#limits[kind].atOnce) {
      const asked = this.#waiting[kind].shift();
      if (asked === undefined) return;
      this.#held[kind].push({ ...asked, sinceMs: this.#monotonicMs() });
      asked.grant();
    }
  }
}

const kinds: readonly HeavyWork[] = ["plan", "learn"];
