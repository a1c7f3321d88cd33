import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelSpec } from "#domain/kernel";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { logMarginalLikelihoodAndGradient } from "#math/gaussianProcess";
import { type GpytorchPeer, openGpytorch } from "../../bench/peers/gpytorch.js";
import { seededRandom } from "../../bench/seededRandom.js";

const peer: GpytorchPeer | null = await openGpytorch();

const [n, d] = [40, 4];
const random = seededRandom(11);
const x = Float64Array.from({ length: n * d }, () => 2 * random() - 1);
const y = Float64Array.from({ length: n }, (_, i) => Math.sin(2 * x[i * d]!) + 0.1 * random());
const leaf = (kind: "rbf" | "matern32" | "matern52", dims: readonly number[]): KernelSpec => ({
  kind: "scale",
  outputScale: 0.7,
  base: { kind, dims, lengthscales: dims.map((c) => 0.6 + 0.2 * c) },
});
const kernel: KernelSpec = {
  kind: "sum",
  parts: [
    leaf("matern52", [0, 1, 2, 3]),
    { kind: "linear", dims: [1, 3], lengthscales: [2, 3] },
    { kind: "product", parts: [{ kind: "linear", dims: [2], lengthscales: [1.5] }, leaf("rbf", [0, 1])] },
    leaf("matern32", [3]),
  ],
};
const one = { name: "mixed", kernel, noiseVariance: 0.05, x, n, d, y };

describe.skipIf(peer === null)("the timed GPyTorch peer (skipped where python3 has no gpytorch)", () => {
  beforeAll(() => peer!.remember(one));
  afterAll(() => peer!.close());

  it("computes the very likelihood that isotherm maximises, and its gradient in the same order", async () => {
    const la = await createLinearAlgebra("reference");
    const here = logMarginalLikelihoodAndGradient({
      ...one,
      la,
      logNoiseVariance: Float64Array.of(Math.log(one.noiseVariance)),
      noiseGroup: new Uint8Array(n),
      onWarning: () => undefined,
    });
    const there = await peer!.run("mixed", "float64", 1, 2);
    expect(there.ms).toHaveLength(2);
    expect(there.logMarginalLikelihood).toBeCloseTo(here.logMarginalLikelihood, 8);
    const gradient = [...here.kernelGradient, ...here.noiseGradient];
    expect(there.gradient).toHaveLength(gradient.length);
    for (const [i, value] of gradient.entries()) expect(there.gradient[i]).toBeCloseTo(value, 6);
  });

  it("computes it in single precision too", async () => {
    const [double, single] = [await peer!.run("mixed", "float64", 1, 1), await peer!.run("mixed", "float32", 1, 1)];
    expect(single.logMarginalLikelihood).toBeCloseTo(double.logMarginalLikelihood, 2);
  });
});
