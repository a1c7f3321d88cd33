import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { germanAnswer } from "#dashboards/web/catalogue/deAnswers";
import { createClosures } from "#loop/closures";
import { createDemandResponse } from "#loop/demandResponse";

const root = join(import.meta.dirname, "../..");
const english = /\b(the|is|are|not possible|zone \w+ has|again|already|over|wrong|wait|give|choose|ask|load|log in|needs)\b/i;
const isGerman = (text: string): void => {
  const said = germanAnswer(text);
  expect(said).not.toBe(text);
  expect([text, english.exec(said)]).toEqual([text, null]);
};
const refusalOf = (act: () => unknown): { message: string; todo: string } => {
  try {
    act();
  } catch (error) {
    return error as { message: string; todo: string };
  }
  throw new Error("not refused");
};

describe("the server's answers in German", () => {
  it.each([
    "Zone space1 is set by hand.",
    "Zone space1 is set by hand. It is noted, but the mode is shadow: it takes effect in auto.",
    "Zone north_wing is planned again.",
    "The building is in mode off.",
    "Zone a.b is in mode auto.",
    "Zone c has the building's mode again.",
    "The event is announced; plans take it into account from now on.",
    "The event is over.",
    "These days were closed already.",
    "Closed on 2026-12-24.",
    "Closed from 2026-12-24 to 2027-01-02.",
    "No longer closed from 2026-12-24 to 2027-01-02.",
    "Model thermostat-1991-01-08T10:30Z is in force; before it was gp.2.",
    "Model gp-2 is in force.",
    "Model gp-2 was in force already.",
    "Not possible: no override stands in zone space1.",
    "Not possible: the schedule of zone a changes nothing in the coming weeks.",
    "Not possible: nothing is known to be in force in zone a that could be held.",
    "Not possible: there is no event.",
    "21.5/20 °C is not a heating setpoint below a cooling setpoint",
    "the override would have ended already",
    "Wait 12 s, then try again.",
    "This needs the role admin; you are viewer.",
  ])("knows %s", isGerman);

  it("keeps names, numbers and days", () => {
    expect(germanAnswer("Closed from 2026-12-24 to 2027-01-02.")).toBe("Geschlossen vom 24.12.2026 bis 02.01.2027.");
    expect(germanAnswer("Model thermostat-1991-01-08T10:30Z is in force; before it was gp.2.")).toBe(
      "Modell thermostat-1991-01-08T10:30Z ist in Kraft; vorher war es gp.2.",
    );
    expect(germanAnswer("21.5/20 °C is not a heating setpoint below a cooling setpoint")).toMatch(/^21,5\/20 °C: /);
  });

  it("knows what closing days and events are refused for, from those who refuse", () => {
    const closures = createClosures(["a"]);
    const event = { id: "e", fromMs: 0, untilMs: 10, limitKw: 1, pricePerKwh: null, by: "ada", reason: "" };
    const announce = (change: object, nowMs = 5) => createDemandResponse().set({ ...event, ...change }, nowMs);
    const closure = { id: "c", first: "2026-01-10", last: "2026-01-12", zones: null, by: "ada", reason: "" };
    for (const act of [
      () => closures.add({ ...closure, last: "2026-01-09" } as never, "2026-01-01"),
      () => closures.add(closure as never, "2026-02-01"),
      () => closures.add({ ...closure, last: "2029-01-09" } as never, "2026-01-01"),
      () => announce({}, 20),
      () => announce({ fromMs: 10 }),
      () => announce({ limitKw: null }),
    ]) {
      const { message, todo } = refusalOf(act);
      isGerman(message);
      isGerman(`Not possible: ${message}.`);
      if (!/zone's week/.test(todo)) isGerman(todo);
    }
  });

  it("knows all that logging in and looking after people is refused for", () => {
    const folder = join(root, "dashboards/server/people");
    const found = readdirSync(folder).flatMap((name) =>
      [...readFileSync(join(folder, name), "utf8").matchAll(/new ProblemError\(\s*4\d\d,\s*"([^"]+)",\s*"[^"]*",\s*"([^"]+)"/g)].flatMap(
        ([, what, todo]) => [what!, todo!],
      ),
    );
    expect(found.length).toBeGreaterThan(8);
    // What only programs see.
    for (const text of found.filter((one) => !/API token|for a token|Only a user|data directory/.test(one))) isGerman(text);
  });

  it("leaves what it does not know as it is, and reads on after it", () => {
    expect(germanAnswer("The moon is full. Log in.")).toBe("The moon is full. Melden Sie sich an.");
    fc.assert(fc.property(fc.string(), (any) => typeof germanAnswer(any) === "string"));
  });
});
