import { describe, expect, it } from "vitest";
import { clockJumpAlarm, createClockWatch } from "#loop/clockWatch";

const watched = () => {
  const time = { wallMs: Date.UTC(2025, 2, 1), monotonicMs: 5_000 };
  const watch = createClockWatch({ wallMs: () => time.wallMs, monotonicMs: () => time.monotonicMs });
  return {
    watch,
    minute: (jumpMs = 0) => {
      time.wallMs += 60_000 + jumpMs;
      time.monotonicMs += 60_000;
      return watch.look();
    },
  };
};

describe("the machine's clock", () => {
  it("may be slewed by a time server without a word", () => {
    const { minute } = watched();
    // 500 ppm, the most that is slewed: 30 ms a minute.
    for (let k = 0; k < 1_000; k++) expect(minute(30)).toBeNull();
  });

  it.each([
    [3_600_000, /moved forward by 60 min at 2025-03-01T01:01:00Z, or the machine slept/],
    [-45_000, /moved back by 45 s at 2025-03-01T00:00:15Z\./],
  ])("is told of for an hour when it jumps by %i ms", (jumpMs, words) => {
    const { minute } = watched();
    const jump = minute(jumpMs);
    expect(jump?.byMs).toBe(jumpMs);
    expect(clockJumpAlarm(jump).text).toMatch(words);
    for (let k = 0; k < 60; k++) expect(minute()).toEqual(jump);
    expect(minute()).toBeNull();
  });
});
