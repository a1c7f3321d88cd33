import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createInMemoryBroker } from "#adapters/mqtt/inMemoryBus";
import {
  applySetpointMessage,
  createSetpointDevice,
  LONGEST_VALIDITY_MS,
  noSetpoint,
  setpointsInForce,
} from "#adapters/mqtt/setpointDevice";
import { encode, type SetpointMessage } from "#adapters/mqtt/wire";

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const message = (epoch: number, seq: number, issuedAgoMs: number, validForMs: number): SetpointMessage => ({
  epoch,
  seq,
  issuedAtMs: NOW_MS - issuedAgoMs,
  validUntilMs: NOW_MS - issuedAgoMs + validForMs,
  setpoints: { heatingSetpointC: 15 + ((epoch * 7 + seq) % 8), coolingSetpointC: 25 },
  source: "mppi",
});
// One content per number, as one controller sends them.
const log = fc.uniqueArray(
  fc.record({
    epoch: fc.integer({ min: 0, max: 3 }),
    seq: fc.integer({ min: 0, max: 20 }),
    ago: fc.integer({ min: -120_000, max: 7_200_000 }),
    validFor: fc.integer({ min: 1, max: 7_200_000 }),
  }),
  { selector: (m) => m.epoch * 100 + m.seq, maxLength: 25 },
);
const replay = (messages: readonly SetpointMessage[]) =>
  messages.reduce((state, m) => applySetpointMessage(state, m, NOW_MS).state, noSetpoint);

describe("a device's rule for setpoints", () => {
  it("shuffled and doubled messages end in the same state", () => {
    fc.assert(
      fc.property(log, fc.infiniteStream(fc.nat()), (entries, random) => {
        const messages = entries.map((e) => message(e.epoch, e.seq, e.ago, e.validFor));
        const doubled = [...messages, ...messages];
        for (let i = doubled.length - 1; i > 0; i--) {
          const j = random.next().value % (i + 1);
          [doubled[i], doubled[j]] = [doubled[j], doubled[i]];
        }
        expect(replay(doubled)).toEqual(replay(messages));
      }),
      { numRuns: 1_000 },
    );
  });

  it("what is in force is never past its validity, and is the newest of what is valid", () => {
    fc.assert(
      fc.property(log, (entries) => {
        const messages = entries.map((e) => message(e.epoch, e.seq, e.ago, e.validFor));
        const valid = messages
          .filter((m) => m.validUntilMs > NOW_MS && m.issuedAtMs <= NOW_MS + 60_000)
          .sort((a, b) => a.epoch - b.epoch || a.seq - b.seq);
        expect(setpointsInForce(replay(messages), NOW_MS)).toEqual(valid.at(-1)?.setpoints ?? null);
      }),
      { numRuns: 1_000 },
    );
  });

  it("says why it ignores a message", () => {
    const { state } = applySetpointMessage(noSetpoint, message(1, 5, 1_000, 600_000), NOW_MS);
    const outcome = (m: SetpointMessage): string => applySetpointMessage(state, m, NOW_MS).outcome;
    expect(outcome(message(1, 5, 1_000, 600_000))).toBe("repeated");
    expect(outcome(message(1, 5, 2_000, 600_000))).toBe("conflict");
    expect(outcome(message(1, 4, 0, 600_000))).toBe("older");
    expect(outcome(message(0, 99, 0, 600_000))).toBe("older");
    expect(outcome(message(1, 6, 600_000, 600_000))).toBe("expired");
    expect(outcome(message(1, 6, -120_000, 600_000))).toBe("future");
    expect(outcome(message(2, 0, 0, 600_000))).toBe("accepted");
  });

  it("falls back at valid_until, and after a day whatever the message says", () => {
    const hour = replay([message(1, 1, 0, 3_600_000)]);
    expect(setpointsInForce(hour, NOW_MS + 3_599_999)).not.toBeNull();
    expect(setpointsInForce(hour, NOW_MS + 3_600_000)).toBeNull();
    const century = replay([message(1, 1, 0, 100 * 365 * 86_400_000)]);
    expect(setpointsInForce(century, NOW_MS + LONGEST_VALIDITY_MS)).toBeNull();
  });

  it("a relinquish gives the zone back to its own schedule at once", () => {
    const state = replay([message(1, 1, 0, 3_600_000), { ...message(1, 2, 0, 3_600_000), setpoints: null, source: "relinquish" }]);
    expect(setpointsInForce(state, NOW_MS)).toBeNull();
  });

  it("a device that starts late ignores a retained setpoint of yesterday, and follows the next one", async () => {
    const broker = createInMemoryBroker();
    const [controller, bus] = [broker.connect(), broker.connect()];
    const topic = "isotherm/site/zone/lobby/setpoint";
    const retain = { retain: true, qos: 1 } as const;
    await controller.publish(topic, encode.setpoint(message(1, 1, 86_400_000, 900_000)), retain);
    let nowMs = NOW_MS;
    const own = { heatingSetpointC: 16, coolingSetpointC: 32 };
    const clock = { nowMs: () => nowMs, sleepUntil: async () => undefined };
    const device = await createSetpointDevice({ bus, clock, building: "site", zone: "lobby", ownSchedule: () => own });
    expect(device.current()).toEqual({ setpoints: own, from: "own-schedule" });
    await controller.publish(topic, "21.5", retain);
    await controller.publish(topic, encode.setpoint(message(1, 2, 0, 900_000)), retain);
    expect(device.current().from).toBe("controller");
    expect(device.counts()).toMatchObject({ expired: 1, malformed: 1, accepted: 1 });
    nowMs += 900_000;
    expect(device.current()).toEqual({ setpoints: own, from: "own-schedule" });
  });
});
