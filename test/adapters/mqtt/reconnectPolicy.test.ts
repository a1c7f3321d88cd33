import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createReconnectPolicy, type ReconnectOptions } from "#adapters/mqtt/reconnectPolicy";

const options: ReconnectOptions = {
  minDelayMs: 100,
  maxDelayMs: 10_000,
  takenDelayMs: 30_000,
  stableMs: 20_000,
  protocol: "auto",
  random: () => 1 - 2 ** -53,
};
const lost = (connectedMs: number) => ({ kind: "lost" as const, connectedMs });

describe("reconnect policy", () => {
  it("doubles the delay up to its ceiling and starts again after a connection that lasted", () => {
    const policy = createReconnectPolicy(options);
    const delays = Array.from({ length: 10 }, () => Math.round(policy.ended({ kind: "unreachable" }).delayMs));
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
    policy.connected();
    expect(Math.round(policy.ended(lost(60_000)).delayMs)).toBe(100);
  });

  it("keeps every delay between half of and the whole of the ceiling, so that clients spread out", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.integer({ min: 1, max: 2_000 }), (u, attempts) => {
        const policy = createReconnectPolicy({ ...options, random: () => u });
        for (let i = 0; i < attempts - 1; i++) policy.ended({ kind: "unreachable" });
        const ceiling = Math.min(10_000, 100 * 2 ** Math.min(attempts - 1, 30));
        const { delayMs } = policy.ended({ kind: "unreachable" });
        expect(delayMs).toBeGreaterThanOrEqual(ceiling / 2);
        expect(delayMs).toBeLessThanOrEqual(ceiling);
      }),
      { numRuns: 50 },
    );
  });

  it("goes to 3.1.1 at once and for good where the broker says that it has no version 5", () => {
    const policy = createReconnectPolicy(options);
    expect(policy.protocolVersion).toBe(5);
    expect(policy.ended({ kind: "refused", code: 1 })).toEqual({ delayMs: 0, sessionTaken: false });
    expect(policy.protocolVersion).toBe(4);
    policy.ended(lost(60_000));
    expect(policy.protocolVersion).toBe(4);
  });

  it("tries 3.1.1 after two silent closes, and asks for version 5 again after the next loss", () => {
    const policy = createReconnectPolicy(options);
    policy.ended({ kind: "closed-before-answer" });
    expect(policy.protocolVersion).toBe(5);
    policy.ended({ kind: "closed-before-answer" });
    expect(policy.protocolVersion).toBe(4);
    policy.connected();
    policy.ended(lost(60_000));
    expect(policy.protocolVersion).toBe(5);
  });

  it("does not change a version that was configured", () => {
    const policy = createReconnectPolicy({ ...options, protocol: "5" });
    for (let i = 0; i < 5; i++) policy.ended({ kind: "refused", code: 1 });
    expect(policy.protocolVersion).toBe(5);
  });

  it("takes three short connections in a row for a session taken by another client, but not a broker that goes away between them", () => {
    const policy = createReconnectPolicy(options);
    expect([policy.ended(lost(50)), policy.ended(lost(50)), policy.ended(lost(50))].map((e) => e.sessionTaken)).toEqual([
      false,
      false,
      true,
    ]);
    const restarted = createReconnectPolicy(options);
    for (let i = 0; i < 20; i++) {
      expect(restarted.ended(lost(50)).sessionTaken).toBe(false);
      restarted.ended({ kind: "unreachable" });
    }
  });

  it("believes MQTT 5 when it names the take-over, and waits long", () => {
    const policy = createReconnectPolicy(options);
    const taken = policy.ended({ kind: "taken" });
    expect(taken.sessionTaken).toBe(true);
    expect(taken.delayMs).toBeGreaterThanOrEqual(30_000);
  });
});
