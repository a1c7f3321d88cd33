import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alarmTopicId, decode, encode, topicsOf, zoneOfTopic, zonePlanOf } from "#adapters/mqtt/wire";

const temp = fc.double({ min: -30, max: 60, noNaN: true }).map((x) => Math.round(x * 100) / 100 + 0);
const time = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });
const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });
const source = fc.constantFrom("mppi", "rule", "schedule", "hold", "override" as const);
const id = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
const setpoint = fc
  .record({ epoch: fc.nat(), seq: fc.nat(), at: time, validMs: fc.integer({ min: 1, max: 86_400_000 }), a: temp, b: temp, source })
  .map((m) => ({
    epoch: m.epoch,
    seq: m.seq,
    issuedAtMs: m.at,
    validUntilMs: m.at + m.validMs,
    setpoints: { heatingSetpointC: Math.min(m.a, m.b), coolingSetpointC: Math.max(m.a, m.b) },
    source: m.source,
  }));
const zoneState = fc.record({
  timeMs: time,
  airTempC: orNull(temp),
  operativeTempC: orNull(temp),
  relativeHumidityPct: orNull(temp),
  heatingSetpointC: orNull(temp),
  coolingSetpointC: orNull(temp),
  action: orNull(fc.constantFrom("off", "heating", "cooling", "idle", "fan")),
  source,
  mode: id,
  comfort: fc.constantFrom("comfortable", "cold", "warm", "unoccupied", "unknown"),
  alarms: fc.nat(),
  acknowledgement: fc.constantFrom("followed", "differs", "silent"),
  confidenceFraction: orNull(fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0)),
});

describe("wire formats", () => {
  it("a setpoint is exactly the documented JSON", () => {
    const issuedAtMs = Date.UTC(2026, 10, 22, 8, 15);
    const payload = encode.setpoint({
      epoch: 4,
      seq: 17,
      issuedAtMs,
      validUntilMs: issuedAtMs + 1_800_000,
      setpoints: { heatingSetpointC: 21, coolingSetpointC: 24 },
      source: "mppi",
    });
    expect(JSON.parse(payload)).toEqual({
      epoch: 4,
      seq: 17,
      issued_at: "2026-11-22T08:15:00.000Z",
      valid_until: "2026-11-22T08:45:00.000Z",
      heat: 21,
      cool: 24,
      unit: "degC",
      source: "mppi",
    });
  });

  it("come back from the wire as they went", () => {
    fc.assert(
      fc.property(setpoint, (m) => {
        expect(decode.setpoint(encode.setpoint(m))).toEqual({ ok: true, value: m });
      }),
    );
    fc.assert(
      fc.property(zoneState, (m) => {
        expect(decode.zoneState(encode.zoneState(m))).toEqual({ ok: true, value: m });
      }),
    );
    fc.assert(
      fc.property(time, orNull(temp), orNull(temp), orNull(temp), orNull(temp), (timeMs, powerW, energyKwh, pricePerKwh, co2GPerKwh) => {
        const m = { timeMs, powerW, energyKwh, pricePerKwh, co2GPerKwh };
        expect(decode.meterState(encode.meterState(m))).toEqual({ ok: true, value: m });
      }),
    );
    const health = {
      uptimeS: 5,
      alarms: 2,
      rssMb: 80.5,
      lastTickMs: null,
      lastSolveMs: 12,
      sourceAgeS: { "lobby.zoneAirTempC": 3, weather: null },
    };
    expect(decode.health(encode.health(health))).toEqual({ ok: true, value: health });
    const alarm = { id: "sensor-stale:a", level: "warning" as const, sinceMs: 5, zone: "a", text: "t", action: "do", acknowledged: false };
    expect(decode.alarm(encode.alarm(alarm))).toEqual({ ok: true, value: alarm });
    const event = { timeMs: 5, kind: "decision", id: "1-2", zone: null, source: "rule" as const, text: "because" };
    expect(decode.event(encode.event(event))).toEqual({ ok: true, value: event });
    const info = { version: "0.1.0", mode: "auto", startedAtMs: 5 };
    expect(decode.info(encode.info(info))).toEqual({ ok: true, value: info });
    expect(decode.result(encode.result({ id: "a", ok: false, error: "no" }))).toEqual({
      ok: true,
      value: { id: "a", ok: false, error: "no" },
    });
  });

  it("a setpoint that is wrong in any way is refused with a reason", () => {
    const good = JSON.parse(
      encode.setpoint({
        epoch: 1,
        seq: 1,
        issuedAtMs: 1_000,
        validUntilMs: 2_000,
        setpoints: { heatingSetpointC: 20, coolingSetpointC: 26 },
        source: "mppi",
      }),
    );
    const wrong: Record<string, unknown>[] = [
      { heat: 27 },
      { heat: 68, cool: 77 },
      { unit: "degF" },
      { heat: "20" },
      { heat: null },
      { heat: null, cool: null },
      { valid_until: good.issued_at },
      { issued_at: "2026-11-22T08:15:00+01:00" },
      { issued_at: "yesterday" },
      { seq: -1 },
      { seq: 1.5 },
      { epoch: undefined },
      { source: "hacker" },
    ];
    for (const change of wrong) {
      const decoded = decode.setpoint(JSON.stringify({ ...good, ...change }));
      expect(decoded.ok, JSON.stringify(change)).toBe(false);
      if (!decoded.ok) expect(decoded.reason.length).toBeGreaterThan(5);
    }
    expect(decode.setpoint(JSON.stringify({ ...good, added_in_schema_1_1: true })).ok).toBe(true);
    expect(decode.setpoint(JSON.stringify({ ...good, heat: null, cool: null, source: "relinquish" })).ok).toBe(true);
  });

  it("never throw, whatever the payload", () => {
    const payloads = [
      "",
      "null",
      "[]",
      "[".repeat(10_000),
      `${"[".repeat(10_000)}${"]".repeat(10_000)}`,
      "x".repeat(1_000_000),
      '{"__proto__":{"ok":true}}',
      "NaN",
      "\u0000",
    ];
    for (const payload of payloads) for (const decoder of Object.values(decode)) expect(decoder(payload).ok).toBe(false);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (payload) => {
        for (const decoder of Object.values(decode)) decoder(payload);
      }),
    );
    expect(({} as Record<string, unknown>).ok).toBeUndefined();
  });

  it("an override says until when, by whom, and at least one setpoint; or releases", () => {
    const base = { id: "42", by: "Ada", reason: "too cold" };
    const ok = (m: object): boolean => decode.overrideSet(JSON.stringify({ ...base, ...m })).ok;
    expect(ok({ heat: 22, minutes: 60 })).toBe(true);
    expect(ok({ heat: 22, cool: 25, until: "2026-11-22T18:00:00Z" })).toBe(true);
    expect(ok({ release: true })).toBe(true);
    expect(ok({ minutes: 60 })).toBe(false);
    expect(ok({ heat: 22 })).toBe(false);
    expect(ok({ heat: 22, minutes: 60, until: "2026-11-22T18:00:00Z" })).toBe(false);
    expect(ok({ heat: 26, cool: 22, minutes: 60 })).toBe(false);
    expect(ok({ heat: 22, minutes: 1e9 })).toBe(false);
    expect(ok({ heat: 22, minutes: 60, by: "" })).toBe(false);
    expect(ok({ heat: 22, minutes: 60, valve: 1 })).toBe(false);
    expect(decode.overrideSet(JSON.stringify({ ...base, heat: 22, minutes: 2 }))).toMatchObject({
      ok: true,
      value: { kind: "set", heatingSetpointC: 22, coolingSetpointC: null, until: { kind: "duration", ms: 120_000 } },
    });
  });

  it("topics hold only ids that cannot break out of their level", () => {
    const topics = topicsOf("site");
    expect(topics.setpoint("lobby")).toBe("isotherm/site/zone/lobby/setpoint");
    expect(topics.commandSet("+", "override")).toBe("isotherm/site/zone/+/override/set");
    for (const bad of ["", "a/b", "#", "ä", "a b", "a\u0000"]) {
      expect(() => topics.setpoint(bad)).toThrow(RangeError);
      expect(() => topicsOf(bad)).toThrow(RangeError);
    }
    expect(alarmTopicId("sensor-stale:space1")).toBe("sensor-stale__space1");
    expect(alarmTopicId("a/b#+")).toBe("a-b--");
    expect(zoneOfTopic("site", "isotherm/site/zone/lobby/setpoint")).toBe("lobby");
    expect(zoneOfTopic("site", "isotherm/other/zone/lobby/setpoint")).toBeNull();
    expect(zoneOfTopic("site", "isotherm/site/meter/m/state")).toBeNull();
  });

  it("a plan's p10 and p90 are the mean ∓ 1.2816 standard deviations, and null where nothing predicted", () => {
    const plan = { issuedAtMs: 0, stepS: 900, stepEndMs: [900_000, 1_800_000], pricePerKwh: [0.1, 0.2] };
    const trajectory = { heatingSetpointC: [20, 20.5], coolingSetpointC: [26, 26], meanC: [21, Number.NaN], stdDevK: [1, Number.NaN] };
    const zone = zonePlanOf(plan, trajectory, ["warm start"]);
    expect(zone).toMatchObject({ meanC: [21, null], p10C: [19.718, null], p90C: [22.282, null] });
    expect(decode.plan(encode.plan(zone))).toEqual({ ok: true, value: zone });
    expect(decode.plan(encode.plan({ ...zone, meanC: [21] })).ok).toBe(false);
  });
});
