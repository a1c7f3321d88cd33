import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, dealOut, splitAfterEnd } from "#cli/sites/groups";
import { phaseOf } from "#cli/sites/phase";
import { Turns } from "#cli/sites/turns";

describe("phases of sites", () => {
  it("are whole seconds of the interval, and those of a site for ever", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.constantFrom(300, 600, 900, 1_800), (id, stepS) => {
        const phaseS = phaseOf(id, stepS);
        return Number.isInteger(phaseS) && phaseS >= 0 && phaseS < stepS && phaseOf(id, stepS) === phaseS;
      }),
    );
    expect(phaseOf("office-berlin", 900)).toBe(phaseOf("office-berlin", 900));
  });

  it("spread fifty sites: never more than six in any minute of fifteen", () => {
    const minutes = Array.from({ length: 50 }, (_, i) => Math.floor(phaseOf(`office-${String(i + 1).padStart(3, "0")}`, 900) / 60));
    const counts = Array.from({ length: 15 }, (_, minute) => minutes.filter((each) => each === minute).length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(6);
    expect(counts.filter((count) => count > 0).length).toBeGreaterThanOrEqual(12);
  });
});

describe("who shares a process", () => {
  it("is dealt out evenly, everybody once, in order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 120 }), fc.integer({ min: 1, max: 20 }), (sites, processes) => {
        const groups = dealOut(sites, processes);
        const sizes = groups.map(({ length }) => length);
        expect(groups.flat()).toEqual(sites);
        expect(groups.length).toBe(Math.min(processes, sites.length));
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("sets those apart that were at work when the process ended", () => {
    expect(splitAfterEnd(["a", "b", "c", "d"], new Set(["c"]))).toEqual([["a", "b", "d"], ["c"]]);
    expect(splitAfterEnd(["a", "b", "c"], new Set())).toEqual([["a", "b"], ["c"]]);
    expect(splitAfterEnd(["a"], new Set(["a"]))).toEqual([["a"]]);
  });

  it("leaves one that always ends its process alone: after log2(n) ends where nobody is suspected, and always after fewer than there are sites", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.nat(), fc.array(fc.boolean(), { maxLength: 64 }), (size, pick, marks) => {
        const culprit = `s${pick % size}`;
        let group: readonly string[] = Array.from({ length: size }, (_, i) => `s${i}`);
        let ends = 0;
        while (group.length > 1) {
          // Others may be at work as well; the culprit always is.
          const suspects = new Set(group.filter((site, i) => site === culprit || marks[i] === true));
          group = splitAfterEnd(group, suspects).find((part) => part.includes(culprit))!;
          ends += 1;
        }
        expect(group).toEqual([culprit]);
        expect(ends).toBeLessThanOrEqual(size - 1);
        let blind: readonly string[] = Array.from({ length: size }, (_, i) => `s${i}`);
        let halvings = 0;
        for (; blind.length > 1; halvings++) blind = splitAfterEnd(blind, new Set()).find((part) => part.includes(culprit))!;
        expect(halvings).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
      }),
    );
  });

  it("waits twice as long after every failure, five minutes at most", () => {
    expect([1, 2, 3, 4].map(backoffMs)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(backoffMs(50)).toBe(300_000);
  });
});

describe("turns", () => {
  const limits = { plan: { atOnce: 2, longestMs: 1_000 }, learn: { atOnce: 1, longestMs: 10_000 } } as const;

  it("go to who asked first, and no more at once than are allowed", () => {
    const turns = new Turns(limits);
    const granted: number[] = [];
    for (const ticket of [1, 2, 3, 4]) turns.ask("plan", ticket, ticket, () => granted.push(ticket));
    turns.ask("learn", 9, 9, () => granted.push(9));
    expect(granted).toEqual([1, 2, 9]);
    turns.release(2, 2);
    expect(granted).toEqual([1, 2, 9, 3]);
    // Who gives up waiting is passed over.
    turns.ask("plan", 5, 5, () => granted.push(5));
    turns.release(4, 4);
    turns.release(1, 1);
    expect(granted).toEqual([1, 2, 9, 3, 5]);
    expect(turns.waiting("plan")).toBe(0);
  });

  it("come back from a process that ended and from one that never gives them back", () => {
    let nowMs = 0;
    const turns = new Turns(limits, () => nowMs);
    const granted: number[] = [];
    const ask = (owner: number, ticket: number): void => turns.ask("plan", owner, ticket, () => granted.push(ticket));
    ask(1, 1);
    ask(1, 2);
    ask(2, 3);
    ask(2, 4);
    turns.forget(1);
    expect(granted).toEqual([1, 2, 3, 4]);
    ask(3, 5);
    nowMs = 999;
    turns.check();
    expect(granted).not.toContain(5);
    nowMs = 1_000;
    turns.check();
    expect(granted).toContain(5);
  });
});
