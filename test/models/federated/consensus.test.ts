import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { centreFor, consensusStep, startConsensus } from "#models/federated/consensus";
import type { NormalPrior } from "#models/prior";
import { expectClose, randomSource } from "../../math/tools.js";
import { la } from "../support.js";

/** ½ θᵀ A θ − bᵀ θ over some of the names: a participant's −log p with everything convex. */
interface Quadratic {
  readonly at: readonly number[];
  readonly a: Float64Array;
  readonly b: Float64Array;
}
const quadratic = (at: readonly number[], seed: number): Quadratic => {
  const n = at.length;
  const random = randomSource(seed);
  const g = Float64Array.from({ length: n * n }, () => random());
  const a = new Float64Array(n * n);
  la.gemm(false, true, n, n, n, 5, g, g, 0, a);
  for (let i = 0; i < n; i++) a[i * n + i]! += 0.5;
  return { at, a, b: Float64Array.from({ length: n }, () => 3 * random()) };
};
const solved = (n: number, a: Float64Array, b: Float64Array): Float64Array => {
  const [lower, x] = [a.slice(), b.slice()];
  expect(la.cholesky(n, lower)).toBe(0);
  la.solveLower(n, 1, lower, x, false);
  la.solveLower(n, 1, lower, x, true);
  return x;
};
const pooled = (count: number, parts: readonly Quadratic[], priors: readonly NormalPrior[]): Float64Array => {
  const a = new Float64Array(count * count);
  const b = new Float64Array(count);
  priors.forEach(({ location, spread }, i) => {
    a[i * count + i] = 1 / spread ** 2;
    b[i] = location / spread ** 2;
  });
  for (const part of parts) {
    part.at.forEach((i, p) => {
      b[i]! += part.b[p]!;
      part.at.forEach((j, q) => {
        a[i * count + j]! += part.a[p * part.at.length + q]!;
      });
    });
  }
  return solved(count, a, b);
};
const localStep = ({ at, a, b }: Quadratic, centre: Float64Array, rho: number): Float64Array => {
  const n = at.length;
  const ridged = a.slice();
  for (let i = 0; i < n; i++) ridged[i * n + i]! += rho;
  const x = solved(
    n,
    ridged,
    b.map((value, p) => value + rho * centre[at[p]!]!),
  );
  const theta = new Float64Array(centre.length).fill(Number.NaN);
  at.forEach((i, p) => {
    theta[i] = x[p]!;
  });
  return theta;
};
const wide = (count: number): [Float64Array, Float64Array] => [new Float64Array(count).fill(-1e3), new Float64Array(count).fill(1e3)];

const run = (count: number, parts: readonly Quadratic[], priors: readonly NormalPrior[], steps: number) => {
  const has = new Map(parts.map((part, s) => [`p${s}`, Array.from({ length: count }, (_, i) => part.at.includes(i))]));
  let consensus = startConsensus(new Float64Array(count), 1, has);
  for (let step = 0; step < steps; step++) {
    const answers = new Map(parts.map((part, s) => [`p${s}`, localStep(part, centreFor(consensus, `p${s}`), consensus.rho)]));
    consensus = consensusStep(consensus, answers, priors, ...wide(count));
  }
  return consensus;
};

describe("consensus by ADMM", () => {
  it("finds the pooled optimum of convex objectives, whichever names each participant has", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 1e5 }),
        (count, participants, seed) => {
          const priors = Array.from({ length: count }, (_, i) => ({ location: 0.3 * i - 0.5, spread: 0.5 + 0.3 * i }));
          const parts = Array.from({ length: participants }, (_, s) => {
            const some = Array.from({ length: count }, (_unused, i) => i).filter((i) => (seed >> (i + s)) % 3 !== 0);
            return quadratic(some.length > 0 ? some : [0], seed + s);
          });
          const { z, primalResidual } = run(count, parts, priors, 400);
          expectClose(z, pooled(count, parts, priors), 1e-4);
          expect(primalResidual).toBeLessThan(1e-4);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("goes to the optimum of those that stay when one leaves", () => {
    const count = 4;
    const priors = Array.from({ length: count }, () => ({ location: 0, spread: 1 }));
    const parts = [1, 2, 3].map((seed) => quadratic([0, 1, 2, 3], seed));
    let consensus = run(count, parts, priors, 5);
    const staying = parts.slice(0, 2);
    for (let step = 0; step < 400; step++) {
      const answers = new Map(staying.map((part, s) => [`p${s}`, localStep(part, centreFor(consensus, `p${s}`), consensus.rho)]));
      consensus = consensusStep(consensus, answers, priors, ...wide(count));
    }
    expect([...consensus.participants.keys()]).toEqual(["p0", "p1"]);
    expectClose(consensus.z, pooled(count, staying, priors), 1e-4);
  });

  it("stays inside its limits", () => {
    const parts = [quadratic([0, 1], 7)];
    const priors = [0, 1].map(() => ({ location: 0, spread: 10 }));
    let consensus = startConsensus(new Float64Array(2), 1, new Map([["p0", [true, true]]]));
    for (let step = 0; step < 20; step++)
      consensus = consensusStep(
        consensus,
        new Map([["p0", localStep(parts[0]!, centreFor(consensus, "p0"), consensus.rho)]]),
        priors,
        [-0.01, -0.01],
        [0.01, 0.01],
      );
    for (const value of consensus.z) expect(Math.abs(value)).toBeLessThanOrEqual(0.01);
  });
});
