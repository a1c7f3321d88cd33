import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createInMemoryBroker } from "#adapters/mqtt/inMemoryBus";
import { connectIntake, createTelemetryIntake, type IntakeOptions } from "#adapters/telemetry/intake";
import { createLatestValues } from "#adapters/telemetry/latestValues";
import { atPath, type PointMapping } from "#adapters/telemetry/pointMapping";
import type { RefusalReason } from "#adapters/telemetry/readValue";
import type { TelemetryPoint } from "#domain/points";

const START_MS = Date.UTC(2026, 10, 22, 12);
const TOPIC = "zigbee/lobby";
const air: PointMapping = {
  point: "lobby.zoneAirTempC",
  topic: TOPIC,
  path: "sensors.0.temperature",
  expectedIntervalS: 60,
  maxAgeS: 600,
  minValue: -10,
  maxValue: 50,
  maxChangePerMinute: 2,
  stuckAfterS: 3_600,
  stuckTolerance: 0.01,
};
const setup = (mappings: readonly PointMapping[], options: Partial<IntakeOptions> = {}) => {
  const time = { nowMs: START_MS };
  const logs: string[] = [];
  const clock = { nowMs: () => time.nowMs, sleepUntil: async () => undefined };
  const intake = createTelemetryIntake({ mappings, clock, onLog: (text) => logs.push(text), ...options });
  const send = (payload: string, retained = false, topic = TOPIC): "ok" | RefusalReason => {
    const outcome = intake.receive({ topic, payload, retained })[0];
    return outcome.ok ? "ok" : outcome.reason;
  };
  return { time, logs, intake, send };
};
const json = (temperature: unknown, more: object = {}): string => JSON.stringify({ sensors: [{ temperature }], ...more });
const plain = (over: Partial<PointMapping> = {}): PointMapping => {
  const { path: _path, maxChangePerMinute: _change, stuckAfterS: _stuck, ...rest } = air;
  return { ...rest, ...over };
};

describe("telemetry intake", () => {
  it("makes a point of a number at a path, in the point's unit, at the time of arrival", () => {
    const { intake } = setup([{ ...air, convert: (f) => (f - 32) / 1.8 }]);
    expect(intake.receive({ topic: TOPIC, payload: json(68), retained: false })).toEqual([
      { ok: true, point: { timeMs: START_MS, point: "lobby.zoneAirTempC", value: 20 } },
    ]);
  });

  it("reads several points of one message, plain numbers, numbers as text, and booleans where asked to", () => {
    const { intake, send } = setup([
      { ...plain(), point: "lobby.occupancyCount", path: "occupied", acceptBoolean: true, minValue: 0, maxValue: 500 },
      { ...plain(), point: "lobby.relativeHumidityPct", path: "rh", minValue: 0, maxValue: 100 },
      { ...plain(), point: "hall.zoneAirTempC", topic: "hall/t" },
    ]);
    const outcomes = intake.receive({ topic: TOPIC, payload: '{"occupied":true,"rh":"41.5"}', retained: false });
    expect(outcomes.map((o) => (o.ok ? o.point.value : o.reason))).toEqual([1, 41.5]);
    expect(send(" 21.5 ", false, "hall/t")).toBe("ok");
    expect(send("-1e1", false, "hall/t")).toBe("ok");
    expect(send("true", false, "hall/t")).toBe("not-a-number");
    expect(send("on", false, "hall/t")).toBe("not-a-number");
    for (const [said, value] of [
      ["OFF", 0],
      [" on ", 1],
      ["true", 1],
      ["unavailable", "not-a-number"],
    ] as const) {
      const [outcome] = intake.receive({ topic: TOPIC, payload: JSON.stringify({ occupied: said, rh: 40 }), retained: false });
      expect(outcome?.ok ? outcome.point.value : outcome?.reason).toBe(value);
    }
  });

  it("refuses what is not a usable number, each for its reason", () => {
    const { send, intake } = setup([air]);
    const cases: [string, RefusalReason][] = [
      ["{", "not-json"],
      ["", "not-json"],
      ["{}", "path-missing"],
      ['{"sensors":[]}', "path-missing"],
      ['{"sensors":{"__proto__":{"temperature":20}}}', "path-missing"],
      [json(null), "not-a-number"],
      [json("unavailable"), "not-a-number"],
      [json("20,5"), "not-a-number"],
      [json("0x14"), "not-a-number"],
      [json(""), "not-a-number"],
      [json([20]), "not-a-number"],
      [json(true), "not-a-number"],
      [json("NaN"), "not-finite"],
      [json("-Infinity"), "not-finite"],
      ['{"sensors":[{"temperature":1e999}]}', "not-finite"],
      [json(51), "out-of-range"],
      [json(-40), "out-of-range"],
      [`${json(20)}${" ".repeat(70_000)}`, "oversized"],
    ];
    for (const [payload, reason] of cases) expect(send(payload), payload.slice(0, 60)).toBe(reason);
    expect(send(json(20), true)).toBe("retained");
    expect(send(json(20), false, "somewhere/else")).toBe("unknown-topic");
    const counted = intake.snapshot();
    expect(counted.unknownTopic).toBe(1);
    expect(counted.points[0].refused).toEqual({
      "not-json": 2,
      "path-missing": 3,
      "not-a-number": 7,
      "not-finite": 3,
      "out-of-range": 2,
      oversized: 1,
      retained: 1,
    });
    expect(counted.points[0]).toMatchObject({ state: "never", accepted: 0, lastValue: null, lastRefusal: { reason: "retained" } });
  });

  it("a conversion that throws or gives no number refuses the value", () => {
    const { send } = setup([
      {
        ...plain(),
        convert: (v) => {
          if (v === 1) throw new Error("unit");
          return Number.NaN;
        },
      },
    ]);
    expect(send("1")).toBe("not-finite");
    expect(send("2")).toBe("not-finite");
  });

  it("refuses a jump, and believes it when it has lasted long enough to be a real change", () => {
    const { send, time } = setup([air]);
    expect(send(json(20))).toBe("ok");
    time.nowMs += 60_000;
    expect(send(json(45))).toBe("jump");
    expect(send(json(21.9))).toBe("ok");
    time.nowMs += 5 * 60_000;
    expect(send(json(31.8))).toBe("ok");
  });

  it("notices a sensor that changes from °C to °F, and never hands the value on", () => {
    const { send, time, intake } = setup([air]);
    for (let i = 0; i < 30; i++) {
      time.nowMs += 60_000;
      const celsius = 20 + i / 20;
      expect(send(json(i < 10 ? celsius : celsius * 1.8 + 32))).toBe(i < 10 ? "ok" : "out-of-range");
    }
    expect(intake.snapshot().points[0].lastRefusal?.detail).toContain("looks like °F");
    expect(intake.snapshot().points[0].state).toBe("stale");
    expect(send(json(293.5))).toBe("out-of-range");
    expect(intake.snapshot().points[0].lastRefusal?.detail).toContain("looks like kelvin");
  });

  it("takes the sensor's own time: fresh ones even if retained, none from the future, none too old, each once and in order", () => {
    const { send, time } = setup([{ ...air, timestampPath: "ts" }]);
    const at = (ms: number): string => json(20, { ts: new Date(ms).toISOString() });
    expect(send(at(START_MS - 30_000), true)).toBe("ok");
    expect(send(at(START_MS - 30_000))).toBe("duplicate");
    expect(send(at(START_MS - 40_000))).toBe("out-of-order");
    expect(send(at(START_MS - 601_000))).toBe("stale-timestamp");
    expect(send(at(START_MS - 86_400_000), true)).toBe("stale-timestamp");
    expect(send(at(START_MS + 61_000))).toBe("future-time");
    expect(send(json(20, { ts: Math.floor(START_MS / 1_000) - 20 }))).toBe("ok");
    expect(send(json(20, { ts: START_MS - 10_000 }))).toBe("ok");
    for (const ts of ["yesterday", "2026-11-22T12:00:00", null, -5, {}, "2026-11-22"]) expect(send(json(20, { ts }))).toBe("bad-timestamp");
    expect(send(json(20))).toBe("bad-timestamp");
    time.nowMs += 60_000;
    expect(send(at(time.nowMs))).toBe("ok");
  });

  it("a replayed log, shuffled and doubled, leaves no value older than the newest accepted", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 40 }), (secondsAgo) => {
        const { send, intake } = setup([{ ...air, timestampPath: "ts" }]);
        const times: number[] = [];
        for (const s of [...secondsAgo, ...secondsAgo]) {
          const outcome = intake.receive({ topic: TOPIC, payload: json(20, { ts: START_MS - s * 1_000 }), retained: false })[0];
          if (outcome.ok) times.push(outcome.point.timeMs);
        }
        expect(times.every((t, i) => i === 0 || t > times[i - 1])).toBe(true);
        expect(times.at(-1)).toBe(START_MS - Math.min(...secondsAgo) * 1_000);
        expect(send("{")).toBe("not-json");
      }),
    );
  });

  it("goes on when this machine's clock is set back by a day", () => {
    const stamped = setup([{ ...air, timestampPath: "ts" }]);
    const arrival = setup([air]);
    for (const { send, time } of [stamped, arrival]) {
      for (const jump of [0, -86_400_000]) {
        time.nowMs += jump;
        expect(send(json(20, { ts: time.nowMs }))).toBe("ok");
      }
    }
  });

  it("says of each point whether it is fine, late, stale, stuck or has never come", () => {
    const { send, time, intake } = setup([air, { ...plain(), point: "dead.zoneAirTempC", topic: "dead" }]);
    const state = (i: number): string => intake.snapshot().points[i].state;
    expect(state(1)).toBe("never");
    send(json(20));
    expect(state(0)).toBe("ok");
    time.nowMs += 100_000;
    expect(state(0)).toBe("late");
    time.nowMs += 600_000;
    expect(state(0)).toBe("stale");
    for (let i = 0; i < 61; i++) {
      time.nowMs += 60_000;
      send(json(20.005));
    }
    expect(state(0)).toBe("stuck");
    expect(intake.isStuck("lobby.zoneAirTempC")).toBe(true);
    time.nowMs += 60_000;
    send(json(20.3));
    expect(state(0)).toBe("ok");
    expect(intake.isStuck("dead.zoneAirTempC")).toBe(false);
  });

  it("writes one log line per point, reason and minute, however many values are refused", () => {
    const { send, logs } = setup([air]);
    for (let i = 0; i < 1_000; i++) {
      send("{");
      send(json(99));
      send("1", false, `flood/${i}`);
    }
    expect(logs.length).toBe(3);
  });

  it("refuses wrong mappings with all that is wrong", () => {
    const wrong = [
      { ...air, topic: "a/+", minValue: 5, maxValue: 5 },
      { ...air, expectedIntervalS: 0, maxAgeS: -1, maxChangePerMinute: 0, stuckAfterS: 0 },
    ];
    const error = (() => {
      try {
        setup(wrong);
      } catch (caught) {
        return caught as Error;
      }
    })();
    expect(error).toMatchObject({ kind: "configuration" });
    for (const text of ["not a topic", "is empty", "mapped twice", "interval is not above", "greatest age", "change per minute", "stuck"])
      expect(error?.message).toContain(text);
  });

  it("walks only an object's own keys", () => {
    expect(atPath({ a: [{ b: 1 }] }, "a.0.b")).toBe(1);
    for (const path of ["__proto__", "constructor.name", "a.length.x", "toString", "a.1", ""])
      expect(atPath({ a: [0] }, path)).toBeUndefined();
  });

  it("survives 100,000 hostile payloads without a throw, with its memory flat", () => {
    const { intake, logs } = setup([
      { ...air, timestampPath: "ts" },
      { ...plain(), point: "lobby.relativeHumidityPct", path: "rh", minValue: 0, maxValue: 100 },
    ]);
    const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
    const deepObject = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;
    const hostile = [
      deep,
      deepObject,
      "[".repeat(60_000),
      "x".repeat(10_000_000),
      `{"rh":"${"9".repeat(60_000)}"}`,
      '{"__proto__":{"rh":1}}',
      '{"rh":1e999}',
      '{"rh":-0}',
      '{"sensors":[{"temperature":20}],"ts":1e300}',
      '{"sensors":[{"temperature":20}],"ts":"9999-99-99T99:99:99Z"}',
      '{"sensors":"\\ud800","rh":"\\u0000"}',
      "NaN",
    ];
    const random = fc.sample(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.json({ maxDepth: 8 }).map((text) => `{"sensors":${text},"rh":${text}}`),
      ),
      2_000,
    );
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) {
        // One in fifty is a big one: they take most of the time.
        const payload = i % 50 === 0 ? hostile[(i / 50) % hostile.length] : random[i % random.length];
        intake.receive({ topic: i % 7 === 0 ? `flood/${i}` : TOPIC, payload, retained: i % 3 === 0 });
      }
    };
    run(20_000);
    global.gc?.();
    const beforeMb = process.memoryUsage().rss / 1e6;
    run(80_000);
    global.gc?.();
    expect(process.memoryUsage().rss / 1e6 - beforeMb).toBeLessThan(120);
    expect(logs.length).toBeLessThan(40);
    for (const { refused } of intake.snapshot().points) expect(Object.keys(refused).length).toBeLessThanOrEqual(14);
    expect(({} as Record<string, unknown>).rh).toBeUndefined();
  });
});

describe("latest values", () => {
  const point = (value: number, timeMs: number, name: TelemetryPoint["point"] = "lobby.zoneAirTempC"): TelemetryPoint => ({
    timeMs,
    point: name,
    value,
  });
  const ages = new Map([["lobby.zoneAirTempC", 600] as const]);

  it("a value is there while it is fresh and absent afterwards: never 0, never NaN", () => {
    const latest = createLatestValues(ages);
    expect(latest.observe(START_MS).values.size).toBe(0);
    latest.fold([point(20, START_MS)], START_MS);
    expect(latest.observe(START_MS + 600_000)).toEqual({ timeMs: START_MS + 600_000, values: new Map([["lobby.zoneAirTempC", 20]]) });
    expect(latest.observe(START_MS + 600_001).values.has("lobby.zoneAirTempC")).toBe(false);
    latest.fold([point(Number.NaN, START_MS + 700_000), point(5, Number.NaN), point(1, START_MS, "unknown.zoneAirTempC")], START_MS);
    expect(latest.observe(START_MS + 600_000).values).toEqual(new Map([["lobby.zoneAirTempC", 20]]));
  });

  it("is the same whatever the order in which points came", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 30 }), fc.integer(), (secondsAgo, seed) => {
        const points = secondsAgo.map((s) => point(s, START_MS - s * 1_000));
        const shuffled = [...points].sort((a, b) => Math.sin(a.value * 37 + seed) - Math.sin(b.value * 37 + seed));
        const [one, two] = [createLatestValues(ages), createLatestValues(ages)];
        one.fold(points, START_MS);
        two.fold([...shuffled, ...points], START_MS);
        expect(two.observe(START_MS)).toEqual(one.observe(START_MS));
        const newest = Math.min(...secondsAgo);
        expect(one.observe(START_MS).values.get("lobby.zoneAirTempC")).toBe(newest <= 600 ? newest : undefined);
      }),
    );
  });

  it("leaves out what comes from the future or is suspect, and recovers when the clock was set back", () => {
    let suspect = false;
    const latest = createLatestValues(ages, () => suspect);
    latest.fold([point(20, START_MS + 86_400_000)], START_MS + 86_400_000);
    expect(latest.observe(START_MS).values.size).toBe(0);
    latest.fold([point(21, START_MS)], START_MS);
    expect(latest.observe(START_MS).values.get("lobby.zoneAirTempC")).toBe(21);
    suspect = true;
    expect(latest.observe(START_MS).values.size).toBe(0);
  });

  it("from an MQTT message to the observation: only what the intake accepted arrives", async () => {
    const broker = createInMemoryBroker();
    const [bus, sensor] = [broker.connect(), broker.connect()];
    await sensor.publish(TOPIC, json(5), { retain: true });
    const { intake, time } = setup([air]);
    const latest = createLatestValues(new Map([[air.point, air.maxAgeS]]), intake.isStuck);
    const end = await connectIntake(bus, intake, (points) => latest.fold(points, time.nowMs));
    expect(latest.observe(time.nowMs).values.size).toBe(0);
    await sensor.publish(TOPIC, json(20.5));
    await sensor.publish(TOPIC, json("NaN"));
    await sensor.publish(TOPIC, json(0));
    expect(latest.observe(time.nowMs).values).toEqual(new Map([["lobby.zoneAirTempC", 20.5]]));
    await end();
    await sensor.publish(TOPIC, json(21));
    expect(latest.observe(time.nowMs).values.get("lobby.zoneAirTempC")).toBe(20.5);
  });
});
