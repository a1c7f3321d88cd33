/** How often BOPTEST cut an input to its limits. */
export interface ClippedInput {
  readonly input: string;
  readonly limitText: string;
  readonly times: number;
}

/** `WARNING: value of 310.0 for con_oveTSetHea_u is above maximum of 308.15.  Using 308.15. `, several joined by semicolons. */
const clipPattern = /value of (\S+) for (\S+) is (above maximum|below minimum) of (\S+?)\.\s+Using/g;

/** Counts the clipping alerts in BOPTEST's messages; each input and side is warned of once, other warnings once each. */
export class ClippingCounter {
  readonly #counts = new Map<string, { input: string; limitText: string; times: number }>();
  readonly #others = new Set<string>();

  constructor(readonly warn: (line: string) => void) {}

  read(message: string): void {
    let found = false;
    for (const [, value, input, side, limit] of message.matchAll(clipPattern)) {
      found = true;
      const key = `${input} ${side}`;
      const count = this.#counts.get(key);
      if (count !== undefined) {
        count.times++;
        continue;
      }
      this.#counts.set(key, { input: input!, limitText: `${side} of ${limit}`, times: 1 });
      this.warn(`BOPTEST cut ${input} from ${value} to ${limit}: ${side}. Said once; counted further.`);
    }
    if (found || !/warning/i.test(message) || this.#others.has(message)) return;
    this.#others.add(message);
    this.warn(`BOPTEST: ${message.trim()}`);
  }

  counts(): readonly ClippedInput[] {
    return [...this.#counts.values()].map((count) => ({ ...count }));
  }
}
