import { describe, expect, it } from "vitest";
import { createTelemetryIntake } from "#adapters/telemetry/intake";
import { createWatch } from "#cli/daemon/watch";
import { createAlarmBoard } from "#loop/alarmBoard";

const watched = () => {
  const state = { nowMs: Date.UTC(2025, 0, 10), freeBytes: 1e11 as number | null };
  const clock = { nowMs: () => state.nowMs, sleepUntil: async () => undefined };
  const alarms = createAlarmBoard({ store: { putAlarm: async () => undefined }, onError: (error) => expect.fail(String(error)) });
  const intake = createTelemetryIntake({
    mappings: [
      { point: "site.outdoorAirTempC", topic: "sensors/out", expectedIntervalS: 300, maxAgeS: 1_800, minValue: -50, maxValue: 60 },
    ],
    clock,
  });
  const watch = createWatch({
    alarms,
    intake,
    nowMs: clock.nowMs,
    brokerConnected: () => true,
    brokerUrl: "mqtt://broker",
    freeBytes: async () => {
      if (state.freeBytes === null) throw new Error("ENOENT");
      return state.freeBytes;
    },
    clock: null,
  });
  return {
    state,
    say: (payload: string) => intake.receive({ topic: "sensors/out", payload, retained: false }),
    minutes: async (count: number) => {
      for (let k = 0; k < count; k++) {
        state.nowMs += 60_000;
        await watch.check();
      }
      return alarms.active().map(({ id, level }) => `${id} ${level}`);
    },
    alarm: (id: string) => alarms.active().find((one) => one.id === id),
  };
};

describe("the watch", () => {
  it("tells of a disk that runs full, twice, and of its end with a margin", async () => {
    const { state, minutes, alarm } = watched();
    for (const [freeBytes, expected] of [
      [1.01e9, []],
      [0.99e9, ["disk-low warning"]],
      [1.1e9, ["disk-low warning"]],
      [1.9e8, ["disk-low critical"]],
      [2.2e8, ["disk-low critical"]],
      [2.5e8, ["disk-low warning"]],
      [null, ["disk-low warning"]],
      [1.3e9, []],
    ] as const) {
      state.freeBytes = freeBytes;
      expect(await minutes(1), `${freeBytes} bytes`).toEqual(expected);
    }
    state.freeBytes = 5e8;
    await minutes(1);
    expect(alarm("disk-low")).toMatchObject({ text: "Only 0.5 GB are free on the disk of the store." });
  });

  it("tells of a point whose values cannot be, once the last good one is overdue, until a good one comes", async () => {
    const { say, minutes, alarm } = watched();
    say("12");
    await minutes(4);
    say("999");
    // One wild value between good ones is only refused.
    expect(await minutes(1)).toEqual([]);
    say("12.1");
    expect(await minutes(5)).toEqual([]);
    for (let k = 0; k < 4; k++) {
      say("999");
      await minutes(1);
    }
    expect(alarm("sensor-implausible:site.outdoorAirTempC")).toMatchObject({
      level: "warning",
      text: expect.stringMatching(/cannot be.*999.*not used/),
      action: expect.stringContaining("sensors/out"),
    });
    say("11.9");
    expect(await minutes(1)).toEqual([]);
  });
});
