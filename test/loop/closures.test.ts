import { describe, expect, it } from "vitest";
import { IsothermError } from "#domain/errors";
import { type Closure, createClosures, MAX_CLOSURES } from "#loop/closures";

const today = "2026-03-10";
const closure = (over: Partial<Closure> = {}): Closure => ({
  id: "a",
  first: "2026-04-03",
  last: "2026-04-06",
  zones: null,
  by: "ada",
  reason: "Easter",
  ...over,
});

describe("closed days", () => {
  it("count for every zone or for those that are named, by their first day", () => {
    const closures = createClosures(["north", "south"]);
    expect(closures.add(closure(), today)).toBe(true);
    expect(closures.add(closure({ id: "b", first: "2026-03-12", last: "2026-03-12", zones: ["south"] }), today)).toBe(true);
    expect(closures.all().map(({ id }) => id)).toEqual(["b", "a"]);
    expect(closures.of("north").map(({ id }) => id)).toEqual(["a"]);
    expect(closures.of("south").map(({ id }) => id)).toEqual(["b", "a"]);
    expect(closures.remove("b")?.first).toBe("2026-03-12");
    expect(closures.of("south").map(({ id }) => id)).toEqual(["a"]);
    expect(closures.remove("b")).toBeNull();
  });

  it("entered again under the same id change nothing and tell nobody", () => {
    const told: string[][] = [];
    const closures = createClosures(["north"], [closure()]);
    closures.onChange((all) => told.push(all.map(({ id }) => id)));
    expect(closures.add(closure({ last: "2026-04-30" }), today)).toBe(false);
    expect(closures.all()).toEqual([closure()]);
    expect(told).toEqual([]);
    closures.add(closure({ id: "b" }), today);
    expect(told).toEqual([["a", "b"]]);
  });

  it.each([
    ["days that are over", closure({ first: "2026-03-01", last: "2026-03-09" }), /over already/],
    ["an end before the beginning", closure({ last: "2026-04-02" }), /before the first/],
    ["more than a year", closure({ last: "2027-04-05" }), /366 days/],
    ["a zone that is not there", closure({ zones: ["attic"] }), /no zone "attic"/],
    ["no zone", closure({ zones: [] }), /no zone is named/],
  ])("are refused: %s", (_, wrong, message) => {
    const closures = createClosures(["north"]);
    expect(() => closures.add(wrong, today)).toThrow(message);
    expect(() => closures.add(wrong, today)).toThrow(IsothermError);
    expect(closures.all()).toEqual([]);
  });

  it("that began before today and last are taken", () => {
    const closures = createClosures(["north"]);
    expect(closures.add(closure({ first: "2026-03-01", last: today }), today)).toBe(true);
  });

  it("are kept up to a number that is said", () => {
    const many = Array.from({ length: MAX_CLOSURES }, (_, i) => closure({ id: String(i) }));
    expect(() => createClosures(["north"], many).add(closure(), today)).toThrow(`${MAX_CLOSURES} entries`);
  });
});
