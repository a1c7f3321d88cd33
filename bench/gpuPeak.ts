import { type GpuDevice, usage } from "#controllers/rollout/webgpu/gpu";

const THREADS = 256;
const WORKGROUPS = 4096;
const ITERATIONS = 512;
const CHAINS = 8;

/** Multiply-adds of four numbers at a time in registers, in chains that do not wait for one another. */
const code = `@group(0) @binding(0) var<storage, read_write> O: array<f32>;
@group(1) @binding(0) var<uniform> step: vec4u;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(1.0 + f32(id.x) * 1e-9);
  let y = vec4f(f32(step.x) * 1e-9);
${Array.from({ length: CHAINS }, (_, c) => `  var s${c} = vec4f(${c}.0);`).join("\n")}
  for (var i = 0u; i < step.y; i++) {
${Array.from({ length: CHAINS }, (_, c) => `    s${c} = fma(s${c}, x, y);`).join("\n")}
  }
  let sum = ${Array.from({ length: CHAINS }, (_, c) => `s${c}`).join(" + ")};
  if (sum.x + sum.y + sum.z + sum.w == 12345.0) { O[0] = sum.x; }
}`;

/** Float32 operations a second that a device reaches where it does nothing but multiply and add, GFLOP/s: the best of a few runs. */
export const measurePeakGflops = async (gpu: GpuDevice): Promise<number> => {
  const { device } = gpu;
  const stage = await gpu.stage({ label: "peak", buffers: ["O"], code });
  const output = await gpu.buffer("peak", 16, usage.storage);
  const step = await gpu.buffer("peak step", 16, usage.uniform | usage.copyTarget);
  device.queue.writeBuffer(step, 0, new Uint32Array([1, ITERATIONS, 0, 0]));
  const groups = [
    device.createBindGroup({ layout: stage.layout, entries: [{ binding: 0, resource: { buffer: output } }] }),
    device.createBindGroup({ layout: gpu.stepLayout, entries: [{ binding: 0, resource: { buffer: step, size: 16 } }] }),
  ];
  const workgroups = gpu.isSoftware ? 16 : WORKGROUPS;
  let bestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(stage.pipeline);
    pass.setBindGroup(0, groups[0]!);
    pass.setBindGroup(1, groups[1]!, [0]);
    pass.dispatchWorkgroups(workgroups);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    bestMs = Math.min(bestMs, performance.now() - began);
  }
  output.destroy();
  step.destroy();
  return (workgroups * THREADS * ITERATIONS * CHAINS * 4 * 2) / bestMs / 1e6;
};
