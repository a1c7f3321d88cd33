import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filterCovers, isTopic, isTopicFilter, topicMatches } from "#adapters/mqtt/topicFilter";

const level = fc.constantFrom("a", "b", "c", "$SYS");
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, rest]) => [...levels, ...(rest ? ["#"] : [])].join("/"))
  .filter((text) => text !== "");

describe("topic filters", () => {
  it("match as MQTT 3.1.1 §4.7 shows", () => {
    expect(topicMatches("sport/tennis/player1/#", "sport/tennis/player1")).toBe(true);
    expect(topicMatches("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon")).toBe(true);
    expect(topicMatches("sport/tennis/+", "sport/tennis/player1/ranking")).toBe(false);
    expect(topicMatches("sport/+", "sport")).toBe(false);
    expect(topicMatches("sport/+", "sport/")).toBe(true);
    expect(topicMatches("+/+", "/finance")).toBe(true);
    expect(topicMatches("#", "$SYS/broker")).toBe(false);
    expect(topicMatches("$SYS/#", "$SYS/broker")).toBe(true);
  });

  it("a filter that covers another matches every topic the other matches", () => {
    fc.assert(
      fc.property(filter, filter, topic, (allowed, requested, name) => {
        if (filterCovers(allowed, requested) && topicMatches(requested, name)) expect(topicMatches(allowed, name)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("an access list for isotherm/# does not cover what reaches beyond it", () => {
    expect(filterCovers("isotherm/#", "isotherm/+/zone/#")).toBe(true);
    expect(filterCovers("isotherm/#", "isotherm/#")).toBe(true);
    for (const requested of ["#", "+/#", "+/site/status", "$SYS/#", "homeassistant/#", "isothermx/#"])
      expect(filterCovers("isotherm/#", requested)).toBe(false);
    expect(filterCovers("#", "$SYS/#")).toBe(false);
    expect(filterCovers("isotherm/+/zone/+/setpoint", "isotherm/a/zone/#")).toBe(false);
  });

  it("knows what may be published to and subscribed to", () => {
    expect(isTopic("isotherm/site/zone/Küche/state")).toBe(true);
    expect(isTopic("a/+")).toBe(false);
    expect(isTopicFilter("a/+/#")).toBe(true);
    expect(isTopicFilter("a/#/b")).toBe(false);
    expect(isTopicFilter(`${"a/".repeat(30_000)}a`)).toBe(false);
  });
});
