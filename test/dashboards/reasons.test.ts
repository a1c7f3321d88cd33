import { describe, expect, it, vi } from "vitest";

/** A page without a browser: what the settings read. */
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
vi.stubGlobal("navigator", { language: "en-GB", languages: ["en-GB"] });

const { alarmWords, reasonText } = await import("#dashboards/web/app/reasons");

const site = {
  zones: [
    { id: "space1", label: "South", floorAreaM2: null },
    { id: "space1-1", label: "South corner", floorAreaM2: null },
    { id: "of", label: "Old foyer", floorAreaM2: null },
    { id: "wing_b", label: "$& wing", floorAreaM2: null },
  ],
};

describe("what the daemon says, with zones by their labels", () => {
  it("takes labels for ids, whole ones only, and leaves ids that could be words", () => {
    expect(reasonText("Starts heating space1 (and space1-1) 30 min before, 97 % of the time; space12 and wing_b wait.", site)).toBe(
      "Starts heating South (and South corner) 30 min before, 97 % of the time; space12 and $& wing wait.",
    );
  });

  it("in alarms too", () => {
    const alarm = {
      id: "sensor:space1",
      zone: "space1",
      text: "Zone space1 has no fresh temperature (3 intervals).",
      action: "Check space1.",
    };
    expect(alarmWords(alarm, site)).toEqual({
      text: "Zone South has no fresh temperature (3 intervals).",
      action: "Check South.",
      original: null,
    });
  });
});
