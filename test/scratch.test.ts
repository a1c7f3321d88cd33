import { expect, it } from "vitest";
import koffi from "koffi";
import { createWebgpuBackend } from "#controllers/rollout/webgpu/createWebgpuBackend";
import { createRolloutBackend } from "#controllers/rollout/createBackend";
import { randomModel, randomRequest } from "./controllers/rollout/randomModel.js";
process.env.VK_ICD_FILENAMES = "/usr/lib/chromium/vk_swiftshader_icd.json";
koffi.load("/usr/lib/chromium/libvulkan.so.1");
const base: any = { seed: 1, numZones: 2, transition: "thermostat", m: 23, withPower: true, kernel: "production", isBudgeted: false };
const cases: any[] = [
  ["five thermostats with a power model", { numZones: 5, m: 30 }, 37, 9],
  ["one thermostat without neighbours or power", { numZones: 1, withPower: false }, 21, 12],
  ["a budgeted model with a full rectangular root", { isBudgeted: true, seed: 3 }, 18, 8],
  ["kernels that see gates in every kind of leaf", { kernel: "gated", seed: 4 }, 15, 6],
  ["gated kernels in budgeted form", { kernel: "gated", isBudgeted: true, seed: 5 }, 9, 6],
  ["a linear kernel", { kernel: "linear", seed: 6 }, 11, 6],
  ["a linear kernel in budgeted form", { kernel: "linear", isBudgeted: true, seed: 7, m: 12 }, 11, 6],
  ["increments with setpoints and demands as inputs", { transition: "increment", numZones: 3, seed: 8 }, 13, 8],
  ["absolute predictions", { transition: "absolute", numZones: 3, seed: 9 }, 13, 8],
  ["gated columns without a thermostat", { transition: "increment", kernel: "gated", seed: 10 }, 10, 5],
  ["one sequence", { seed: 11 }, 1, 10],
  ["one step", { seed: 12 }, 17, 1],
  ["one sequence of one step from one basis row", { seed: 13, m: 1 }, 1, 1],
  ["five thermostats whose errors last", { numZones: 5, m: 30, spreads: true, seed: 15 }, 37, 14],
  ["a budgeted model whose errors last, in more blocks than one", { isBudgeted: true, spreads: true, seed: 16, m: 12 }, 150, 6],
  ["increments whose errors last", { transition: "increment", numZones: 2, spreads: true, seed: 17 }, 13, 8],
  ["more sequences than a block holds", { numZones: 1, m: 9, withPower: false, seed: 14 }, 259, 3],
];
it.each(cases)("%s", async (_n, o, K, T) => {
  const model = randomModel({ ...base, ...o });
  const request = randomRequest(model, K, T, 100 + (o.seed ?? 0));
  const ref = await (await createRolloutBackend("reference")).prepare({ model, maxSamples: K, horizonSteps: T });
  const gpu = await (await createWebgpuBackend())!.prepare({ model, maxSamples: K, horizonSteps: T });
  const a = await ref.run(request); const b = await gpu.run(request);
  const worst: any = {};
  for (const f of ["meanC", "stdDevK", "powerW"] as const) { let w = 0; let n = 0; for (let i = 0; i < a[f].length; i++) { if (Number.isNaN(a[f][i]!) !== Number.isNaN(b[f][i]!)) n++; else if (!Number.isNaN(a[f][i]!)) w = Math.max(w, Math.abs(a[f][i]! - b[f][i]!)); } worst[f] = w; worst[f + "nan"] = n; }
  console.log(_n, JSON.stringify(worst));
  gpu.close();
});
