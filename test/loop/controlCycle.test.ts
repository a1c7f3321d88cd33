import { describe, expect, it } from "vitest";
import type { Decision, Plan } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";
import { defaultQualityRules } from "#loop/dataQuality";
import { eagerPlan, eagerPlanner, fakeSite, startMs, stepMs } from "./fakeSite.js";

const eager = { heatingSetpointC: 21.5, coolingSetpointC: 23 };
const rule = { heatingSetpointC: 20, coolingSetpointC: 24 };
const planner = (plan: (request: PlanRequest, signal?: AbortSignal) => Promise<Plan>): Planner => ({ ...eagerPlanner(), plan });

describe("control cycle", () => {
  it("writes down whose forecast it planned with, and of when", async () => {
    const loop = fakeSite();
    const decision = (await loop.tick())!;
    expect(decision.forecast).toEqual({ provider: "fake", issuedAtMs: decision.timeMs });
    loop.state.failForecast = true;
    expect((await loop.tick())!.forecast).toMatchObject({ provider: "none" });
  });
  it("sends the plan's first pair for every zone, numbered and with an expiry, and stores what it sent", async () => {
    const loop = fakeSite();
    const decision = (await loop.tick())!;
    expect(Object.fromEntries(loop.sent[0]!.zones)).toEqual({ a: eager, b: eager });
    expect(decision).toMatchObject({ id: "7-1", source: "mppi", modelVersion: "m1", command: { a: eager, b: eager }, envelopeChanges: [] });
    expect(decision.validUntilMs).toBe(decision.timeMs + 2_700_000);
    expect(loop.stored).toEqual([decision]);
    expect((await loop.tick())!.id).toBe("7-2");
    expect(loop.requests[1]!.previousPlan).toEqual(decision.plan);
    expect(JSON.parse(JSON.stringify(decision))).toEqual(decision);
  });

  it.each([
    ["throws", planner(async () => Promise.reject(new Error("boom"))), "planner-failed"],
    [
      "throws before it begins",
      planner(() => {
        throw new Error("boom");
      }),
      "planner-failed",
    ],
    ["says its data is stale", planner(async () => Promise.reject(new Error("Stale data: a.zoneAirTempC has no value"))), "stale-data"],
    ["plans NaN setpoints", planner(async (r) => broken(eagerPlan(r), "heatingSetpointC")), "not-finite"],
    ["predicts infinite temperatures", planner(async (r) => broken(eagerPlan(r), "meanC")), "not-finite"],
    ["forgets a zone", planner(async (r) => ({ ...eagerPlan(r), chosen: { ...eagerPlan(r).chosen, zones: {} } })), "not-finite"],
    ["is not there yet", null, "no-model"],
  ] as const)("falls back to the rule when the planner %s", async (_what, broken, fallback) => {
    const loop = fakeSite({ planner: broken });
    const decision = (await loop.tick())!;
    expect(decision.plan.fallback).toBe(fallback);
    expect(decision.source).toBe("rule");
    expect(decision.command).toEqual({ a: rule, b: rule });
    // An error of the log is what the planner did wrong; that nothing was measured is the sensors' affair.
    expect(loop.errors).toHaveLength(fallback === "planner-failed" ? 1 : 0);
  });

  it("raises an alarm while the planner fails and clears it when it works again", async () => {
    let fails = true;
    const loop = fakeSite({
      planner: planner(async (r) => {
        if (fails) throw new Error("boom");
        return eagerPlan(r);
      }),
    });
    await loop.tick();
    await loop.tick();
    expect(loop.alarms.filter(({ id }) => id === "planner")).toHaveLength(1);
    fails = false;
    await loop.tick();
    expect(loop.alarms.at(-1)).toMatchObject({ id: "planner", clearedMs: loop.now() });
  });

  it("falls back to the rule when the plan is late, and starts no second plan while the first is computing", async () => {
    let running = 0;
    let most = 0;
    let free: () => void = () => undefined;
    const loop = fakeSite({
      site: { deadlineMs: 20 },
      planner: planner(async (r) => {
        running++;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => {
          free = resolve;
        });
        running--;
        return eagerPlan(r);
      }),
    });
    expect((await loop.tick())!.plan.fallback).toBe("late");
    expect((await loop.tick())!.plan.fallback).toBe("late");
    expect(most).toBe(1);
    expect(loop.requests).toHaveLength(1);
    free();
    await new Promise((resolve) => setImmediate(resolve));
    const next = loop.tick();
    setTimeout(() => free(), 1);
    expect((await next)!.source).toBe("mppi");
  });

  it("counts a plan as late that kept the deadline's timer from firing", async () => {
    const loop = fakeSite({
      site: { deadlineMs: 5 },
      planner: planner(async (r) => {
        const endMs = performance.now() + 30;
        while (performance.now() < endMs);
        return eagerPlan(r);
      }),
    });
    expect((await loop.tick())!.plan.fallback).toBe("late");
  });

  it("without fallback ends with the planner's own error, and with one for a plan that is not finite", async () => {
    const failing = fakeSite({ site: { allowFallback: false }, planner: planner(async () => Promise.reject(new Error("boom"))) });
    await expect(failing.tick()).rejects.toThrow("boom");
    const infinite = fakeSite({ site: { allowFallback: false }, planner: planner(async (r) => broken(eagerPlan(r), "heatingSetpointC")) });
    await expect(infinite.tick()).rejects.toThrow(/not finite/);
    expect([...failing.sent, ...infinite.sent]).toEqual([]);
  });

  it.each([
    ["missing", undefined],
    ["NaN", Number.NaN],
    ["out of range", -40],
    ["in degrees Fahrenheit", 68],
    ["a spike", 32],
  ])(
    "holds a zone whose temperature is %s for two intervals, then follows the bounded schedule, and lets the other zone be planned",
    async (_what, value) => {
      const loop = fakeSite();
      await loop.tick();
      loop.state.tempsC.a = value;
      for (const quality of ["hold", "hold"]) {
        const decision = (await loop.tick())!;
        expect(decision.command).toEqual({ a: eager, b: eager });
        expect(decision.zoneSources).toEqual({ a: quality });
      }
      const lost = (await loop.tick())!;
      expect(lost.command).toEqual({ a: { heatingSetpointC: 21, coolingSetpointC: 24 }, b: eager });
      expect(lost.zoneSources).toEqual({ a: "schedule" });
      expect(loop.alarms.filter(({ id }) => id === "sensor:a").map(({ level }) => level)).toEqual(["warning", "critical"]);
      loop.state.occupied = false;
      expect((await loop.tick())!.command.a).toEqual({ heatingSetpointC: 16, coolingSetpointC: 32 });
      loop.state.tempsC.a = 20.4;
      const back = (await loop.tick())!;
      expect(back.command.a).toEqual(eager);
      expect(loop.alarms.at(-1)).toMatchObject({ id: "sensor:a", clearedMs: loop.now() });
    },
  );

  it("says in which zones a planner left the decision to the rule, unless somebody else decides there", async () => {
    const loop = fakeSite({ planner: planner(async (r) => ({ ...eagerPlan(r), fallbackZones: ["a", "b"] })) });
    expect((await loop.tick())!.zoneSources).toEqual({ a: "rule", b: "rule" });
    loop.supervisor.override(
      { zone: "a", setpoints: { heatingSetpointC: 20, coolingSetpointC: 25 }, untilMs: loop.now() + 2.5 * stepMs, by: "facility" },
      loop.now(),
    );
    expect((await loop.tick())!.zoneSources).toEqual({ a: "override", b: "rule" });
  });

  it("believes a new level that stays after a jump", async () => {
    const loop = fakeSite();
    await loop.tick();
    loop.state.tempsC.a = 32;
    const sources: unknown[] = [];
    for (let i = 0; i < 5; i++) sources.push((await loop.tick())!.zoneSources!.a);
    expect(sources).toEqual(["hold", "hold", "schedule", "schedule", undefined]);
  });

  it("shows the planner a stand-in for a silent zone, but keeps it out of what is learned from", async () => {
    const loop = fakeSite();
    await loop.tick();
    loop.state.tempsC.a = undefined;
    await loop.tick();
    expect(loop.requests[1]!.history.columns.get("a.zoneAirTempC")!.at(-1)).toBe(20);
    loop.state.tempsC.b = 23;
    await loop.tick();
    await loop.tick();
    expect(loop.requests[3]!.history.columns.get("a.zoneAirTempC")!.at(-1)).toBe(23);
    expect([...loop.history.dataset().columns.get("a.zoneAirTempC")!]).toEqual([20, Number.NaN, Number.NaN, Number.NaN]);
  });

  it("keeps all zones safe and alarms when the building does not answer or answers from another time", async () => {
    const loop = fakeSite();
    await loop.tick();
    loop.state.observe = async () => Promise.reject(new Error("timeout"));
    await loop.tick();
    loop.state.observe = async () => ({ timeMs: startMs, values: new Map([["a.zoneAirTempC", 20]]) });
    await loop.tick();
    const decision = (await loop.tick())!;
    expect(decision.command.a).toEqual({ heatingSetpointC: 21, coolingSetpointC: 24 });
    expect(decision.source).toBe("schedule");
    expect(loop.alarms.some(({ id, level }) => id === "building-silent" && level === "critical")).toBe(true);
  });

  it("goes on without a forecast, without a store and without a broker, each with an alarm", async () => {
    const loop = fakeSite();
    Object.assign(loop.state, { failForecast: true, failStoring: true, failSending: true });
    const decision = (await loop.tick())!;
    expect(decision.command.a).toEqual(eager);
    expect(new Set(loop.alarms.map(({ id }) => id))).toEqual(new Set(["forecast-missing", "store", "command-not-sent"]));
    expect(loop.supervisor.inForce(loop.now()).size).toBe(0);
    Object.assign(loop.state, { failForecast: false, failStoring: false, failSending: false });
    await loop.tick();
    expect(loop.alarms.filter(({ clearedMs }) => clearedMs !== null)).toHaveLength(3);
    expect(loop.supervisor.inForce(loop.now()).get("a")).toEqual(eager);
  });

  it("follows the bounded schedule when comfort and rules cannot be computed and no planner is there", async () => {
    const fail = (): never => {
      throw new Error("bad holiday");
    };
    const loop = fakeSite({ planner: null, site: { comfort: fail, candidates: fail, pricePerKwh: fail } });
    expect((await loop.tick())!.command.a).toEqual({ heatingSetpointC: 16, coolingSetpointC: 32 });
    expect(loop.alarms.map(({ id }) => id)).toContain("site-schedules");
  });

  it("takes a silent zone down the ladder, a step at a time: hold, bounded schedule, given back; each with an alarm, and commands it again when it is measured", async () => {
    const loop = fakeSite({ site: { quality: { ...defaultQualityRules, scheduleIntervals: 3 } } });
    await loop.tick();
    loop.state.tempsC.a = undefined;
    const steps = [];
    for (let interval = 1; interval <= 7; interval++) {
      loop.state.failSending = interval === 6;
      const decision = (await loop.tick())!;
      const levels = ["sensor:a", "zone-given-back:a"].map(
        (id) => loop.alarms.findLast((alarm) => alarm.id === id && alarm.clearedMs === null)?.level,
      );
      steps.push([decision.zoneSources!.a, "a" in decision.command, ...levels]);
    }
    const [held, lost, away] = [
      ["hold", true, "warning", undefined],
      ["schedule", true, "critical", undefined],
      ["relinquish", false, "critical", "critical"],
    ];
    expect(steps).toEqual([held, held, lost, lost, lost, away, away]);
    // The first try to give it back met a broker that was away, like the command for zone b; the next interval tried again.
    expect(loop.errors.map(String)).toEqual(["Error: the broker is away", "Error: the broker is away"]);
    expect(loop.sent.filter(({ source }) => source === "relinquish").map(({ zones: given }) => [...given.keys()])).toEqual([["a"]]);
    // A person may command it blind.
    loop.supervisor.override({ zone: "a", setpoints: eager, untilMs: null, by: "facility" }, startMs);
    expect((await loop.tick())!.command.a).toEqual(eager);
    loop.supervisor.release("a");
    expect((await loop.tick())!.command.a).toBeUndefined();
    loop.state.tempsC.a = 20;
    const back = (await loop.tick())!;
    expect([back.command.a, back.zoneSources]).toEqual([eager, {}]);
    expect(loop.alarms.filter(({ clearedMs }) => clearedMs !== null).map(({ id }) => id)).toEqual(
      expect.arrayContaining(["sensor:a", "zone-given-back:a"]),
    );
  });

  it("heats a freezing zone against the wish of a person, with an alarm, and does not let orders switch equipment every minute", async () => {
    const loop = fakeSite({ site: { minimumTimes: { minOnS: 1_200, minOffS: 1_200 } } });
    await loop.tick();
    for (const t of [14, 8.5, 6]) {
      await loop.tick();
      loop.state.tempsC.a = t;
    }
    loop.supervisor.override({ zone: "b", setpoints: { heatingSetpointC: 15, coolingSetpointC: 32 }, untilMs: null, by: "x" }, startMs);
    loop.supervisor.override({ zone: "a", setpoints: { heatingSetpointC: 15, coolingSetpointC: 32 }, untilMs: null, by: "x" }, startMs);
    const decision = (await loop.tick())!;
    expect(decision.command.a).toEqual({ heatingSetpointC: 16, coolingSetpointC: 32 });
    expect(decision.command.b).toEqual({ heatingSetpointC: 15, coolingSetpointC: 32 });
    expect(loop.alarms.map(({ id }) => id)).toContain("frost:a");
    // The override has ended heating in b a step ago: the plan's 21.5 °C has to wait.
    loop.supervisor.release("b");
    const waits = (await loop.tick())!;
    expect([waits.command.b, waits.envelopeChanges.some((text) => text.startsWith("b: heating rests"))]).toEqual([
      { heatingSetpointC: 15, coolingSetpointC: 23 },
      true,
    ]);
    expect((await loop.tick())!.command.b).toEqual(eager);
  });

  it("lets the planner try something within the account's allowance, except where somebody else decides, and books what it did", async () => {
    const booked: Decision[] = [];
    const probes = {
      allowance: () => ({ budget: 0.5, excludedZones: [] }),
      decided: (decision: Decision) => void booked.push(decision),
    };
    const loop = fakeSite({ probes });
    loop.supervisor.override({ zone: "b", setpoints: eager, untilMs: null, by: "x" }, startMs);
    const decision = await loop.tick();
    expect(loop.requests[0]!.probing).toEqual({ budget: 0.5, excludedZones: ["b"] });
    expect(booked).toEqual([decision]);
    const none = fakeSite({ probes: { ...probes, allowance: () => null } });
    await none.tick();
    expect(none.requests[0]!.probing).toBeUndefined();
  });

  it("lets a person's override win until it expires, through the envelope, and even where the sensor is silent", async () => {
    const loop = fakeSite();
    loop.supervisor.override(
      { zone: "a", setpoints: { heatingSetpointC: 25, coolingSetpointC: 26 }, untilMs: startMs + 2.5 * stepMs, by: "facility" },
      startMs,
    );
    loop.state.tempsC.a = undefined;
    const first = (await loop.tick())!;
    expect(first.command).toEqual({ a: { heatingSetpointC: 22.5, coolingSetpointC: 26 }, b: eager });
    expect(first.zoneSources).toEqual({ a: "override" });
    expect(first.envelopeChanges).toHaveLength(1);
    loop.state.tempsC.a = 20;
    await loop.tick();
    expect((await loop.tick())!.command.a).toEqual(eager);
  });

  it("decides nothing while off, sends nothing in shadow, and gives the zones back on leaving auto", async () => {
    const loop = fakeSite();
    await loop.tick();
    await loop.supervisor.setMode("shadow", loop.now());
    expect(loop.sent.at(-1)!.source).toBe("relinquish");
    const shadow = (await loop.tick())!;
    expect(shadow.mode).toBe("shadow");
    await loop.supervisor.setMode("off", loop.now());
    expect(await loop.tick()).toBeNull();
    expect(loop.sent).toHaveLength(2);
    expect(loop.history.rows).toBe(3);
  });

  it("sends nothing when switched off in the middle of planning", async () => {
    const loop = fakeSite({
      planner: planner(async (r) => {
        await loop.supervisor.setMode("off", loop.now());
        return eagerPlan(r);
      }),
    });
    expect(await loop.tick()).toBeNull();
    expect(loop.sent.map(({ source }) => source)).toEqual(["relinquish"]);
  });

  it("has every step judged once its row is there, also while control is off", async () => {
    const judged: (readonly [number, number | null])[] = [];
    const loop = fakeSite({ monitor: { step: async (nowMs) => void judged.push([nowMs, loop.history.newestMs]), doubted: () => [] } });
    await loop.tick();
    await loop.supervisor.setMode("off", loop.now());
    await loop.tick();
    expect(judged).toHaveLength(2);
    for (const [nowMs, newestMs] of judged) expect(newestMs).toBe(nowMs);
  });

  it("ends at once when aborted while planning, without sending", async () => {
    const abort = new AbortController();
    const loop = fakeSite({ planner: planner(() => new Promise(() => undefined)) });
    const ended = loop.tick(abort.signal);
    setTimeout(() => abort.abort(new Error("stop")), 5);
    await expect(ended).rejects.toThrow("stop");
    expect(loop.sent).toEqual([]);
  });

  it("writes setpoints that devices do not report into the rows they were in force in", async () => {
    const loop = fakeSite();
    await loop.tick();
    await loop.tick();
    expect([...loop.history.dataset().columns.get("a.heatingSetpointC")!]).toEqual([Number.NaN, 21.5]);
  });
});

const broken = (plan: Plan, what: "heatingSetpointC" | "meanC"): Plan => ({
  ...plan,
  chosen: { ...plan.chosen, zones: { ...plan.chosen.zones, a: { ...plan.chosen.zones.a!, [what]: [Number.NaN, 1, 1, 1] } } },
});
