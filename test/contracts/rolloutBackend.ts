import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PreparedRollout, RolloutBackend, RolloutRequest, RolloutResult } from "#domain/rollout";
import { randomModel, randomRequest } from "../controllers/rollout/randomModel.js";

const model = randomModel({
  seed: 50,
  numZones: 2,
  transition: "thermostat",
  m: 14,
  withPower: true,
  kernel: "production",
  isBudgeted: false,
});
const FIELDS = ["meanC", "stdDevK", "powerW"] as const;

const expectSame = (actual: RolloutResult, expected: RolloutResult): void => {
  for (const field of FIELDS) expect(actual[field]).toEqual(expected[field]);
};

/** The sequences `from` to `to − 1` of a request, as a request of their own. */
const part = (request: RolloutRequest, from: number, to: number): RolloutRequest => {
  const row = request.horizonSteps * model.zones.length;
  return {
    ...request,
    count: to - from,
    heatingSetpointC: request.heatingSetpointC.slice(from * row, to * row),
    coolingSetpointC: request.coolingSetpointC.slice(from * row, to * row),
  };
};

/** What every rollout backend promises. */
export const rolloutBackendContract = (name: string, create: () => Promise<RolloutBackend>): void => {
  describe(`${name} as a RolloutBackend`, () => {
    let prepared: PreparedRollout;
    beforeEach(async () => {
      prepared = await (await create()).prepare({ model, maxSamples: 300, horizonSteps: 8 });
    }, 120_000);
    afterEach(() => prepared.close());

    it("names itself and states a tolerance that is not negative", async () => {
      const { tolerance } = await create();
      expect(tolerance.rtol).toBeGreaterThanOrEqual(0);
      expect(tolerance.atol).toBeGreaterThanOrEqual(0);
    });

    it("gives [k][t][z] arrays of the request's size, finite, with positive spreads and power of at least 0", async () => {
      const { meanC, stdDevK, powerW } = await prepared.run(randomRequest(model, 7, 5, 1));
      expect([meanC.length, stdDevK.length, powerW.length]).toEqual([70, 70, 35]);
      expect(meanC.every((value) => value > -20 && value < 60)).toBe(true);
      expect(stdDevK.every((value) => value > 0)).toBe(true);
      expect(powerW.every((value) => value >= 0) && powerW.some((value) => value > 0)).toBe(true);
    });

    it("gives the same digits for the same request, also after other requests", async () => {
      const request = randomRequest(model, 9, 6, 2);
      const first = await prepared.run(request);
      await prepared.run(randomRequest(model, 40, 3, 3));
      expectSame(await prepared.run(request), first);
    });

    it("gives what a fresh rollout gives after other weather of the same length, the same weather, and weather with a gap", async () => {
      const one = randomRequest(model, 9, 6, 12);
      const other = randomRequest(model, 9, 6, 13);
      const gap = {
        ...one,
        disturbances: new Map([...one.disturbances].map(([point, values]) => [point, values.map((v, t) => (t === 2 ? NaN : v))])),
      };
      for (const request of [one, other, part(other, 3, 9), gap, gap, one]) {
        const fresh = await (await create()).prepare({ model, maxSamples: 300, horizonSteps: 8 });
        try {
          expectSame(await prepared.run(request), await fresh.run(request));
        } finally {
          fresh.close();
        }
      }
    });

    it("keeps a result as it is while later requests run", async () => {
      const result = await prepared.run(randomRequest(model, 5, 4, 4));
      const copy = { meanC: result.meanC.slice(), stdDevK: result.stdDevK.slice(), powerW: result.powerW.slice() };
      await prepared.run(randomRequest(model, 5, 4, 5));
      expectSame(result, copy);
    });

    it("answers requests that were made at the same time each with its own result", async () => {
      const requests = [randomRequest(model, 6, 4, 6), randomRequest(model, 200, 2, 7), randomRequest(model, 3, 8, 8)];
      const together = await Promise.all(requests.map((request) => prepared.run(request)));
      for (const [i, request] of requests.entries()) expectSame(together[i]!, await prepared.run(request));
    });

    it("treats every sequence by itself: a part of the sequences gives that part of the result, up to rounding", async () => {
      const request = randomRequest(model, 11, 5, 9);
      const all = await prepared.run(request);
      const some = await prepared.run(part(request, 4, 9));
      const row = 5 * model.zones.length;
      some.meanC.forEach((value, i) => {
        expect(Math.abs(value - all.meanC[4 * row + i]!)).toBeLessThan(1e-9);
        expect(Math.abs(some.stdDevK[i]! - all.stdDevK[4 * row + i]!)).toBeLessThan(1e-7);
      });
    });

    it("leaves the request's arrays as they were", async () => {
      const request = randomRequest(model, 4, 4, 10);
      const before = structuredClone(request);
      await prepared.run(request);
      expect(request).toEqual(before);
    });

    it("refuses requests that do not fit what was prepared, and goes on", async () => {
      const request = randomRequest(model, 4, 4, 11);
      await expect(prepared.run(randomRequest(model, 301, 1, 12))).rejects.toThrow(/301 sequences/);
      await expect(prepared.run(randomRequest(model, 1, 9, 13))).rejects.toThrow(/9 steps/);
      await expect(prepared.run({ ...request, coolingSetpointC: request.coolingSetpointC.slice(1) })).rejects.toThrow(
        /coolingSetpointC has 31/,
      );
      await expect(prepared.run({ ...request, disturbances: new Map() })).rejects.toThrow(/site\./);
      const short = { ...request.initial, temperaturesC: request.initial.temperaturesC.map((column) => column.slice(-2)) };
      await expect(prepared.run({ ...request, initial: short })).rejects.toThrow(/temperaturesC of zone zone1 has 2 values, not 4/);
      await expect(prepared.run({ ...request, initial: { ...request.initial, slowMeans: new Map() } })).rejects.toThrow(/slow mean/);
      expect((await prepared.run(request)).meanC.every(Number.isFinite)).toBe(true);
    });

    it("refuses to run once it is closed, and may be closed twice", async () => {
      prepared.close();
      prepared.close();
      await expect(prepared.run(randomRequest(model, 1, 1, 14))).rejects.toThrow(/closed/);
    });

    it("refuses a model whose features name a zone that it does not have", async () => {
      const [zone, other] = model.zones;
      const features = [
        { term: { kind: "state" as const, point: "attic.zoneAirTempC" as const, lagSteps: 0 }, scale: 1 },
        ...zone!.posterior.features.slice(1),
      ];
      const wrong = { ...model, zones: [{ ...zone!, posterior: { ...zone!.posterior, features } }, other!] };
      const backend = await create();
      await expect(backend.prepare({ model: wrong, maxSamples: 1, horizonSteps: 1 })).rejects.toThrow(/attic\.zoneAirTempC/);
    });
  });
};
