import type { StoreReader } from "#domain/store";

const earliestMs = Date.UTC(1900, 0, 1);

/** Time of the first decision that was sent, null before it. It does not change any more; until there is one, only what came since the last look is looked at. */
export const createControlSince = (reader: Pick<StoreReader, "decisions">): ((nowMs: number) => Promise<number | null>) => {
  let known: number | null = null;
  let lookedToMs = earliestMs;
  return async (nowMs) => {
    if (known !== null) return known;
    for await (const decision of reader.decisions(lookedToMs, nowMs + 1)) {
      if ((decision.mode ?? "auto") === "auto") {
        known = decision.timeMs;
        break;
      }
      lookedToMs = decision.timeMs;
    }
    return known;
  };
};
