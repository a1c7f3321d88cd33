import { type GpuDevice, type Stage, usage } from "#controllers/rollout/webgpu/gpu";
import { errorOf } from "#controllers/rollout/webgpu/gpuError";
import { layOutModel, type ModelLayout } from "#controllers/rollout/webgpu/modelLayout";
import { modelNumbers, rootNumbers } from "#controllers/rollout/webgpu/modelUpload";
import { RequestRecords } from "#controllers/rollout/webgpu/requestRecords";
import { costPlaces, costSums } from "#controllers/rollout/webgpu/shaders/finishShader";
import { MOST_SAMPLES, padded } from "#controllers/rollout/webgpu/shaders/productShader";
import type { BufferName } from "#controllers/rollout/webgpu/shaders/source";
import { compileStages, type RolloutStages, type Tiles } from "#controllers/rollout/webgpu/stages";
import type { RolloutProblem, RolloutRequest } from "#domain/rollout";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** Bytes that the covariances of one run may take: more samples go in several runs. */
const COVARIANCE_BYTES = 512 * 1024 * 1024;
const STEP_BYTES = 256;

export type Wants = "trajectories" | "costs";

/** Numbers of some samples as they came back. */
export interface RawResult {
  /** The first sample of the request, and how many. */
  readonly first: number;
  readonly count: number;
  /** Samples side by side. */
  readonly stride: number;
  /** trajectories: [t][zone][mean relative to now | standard deviation][k], then power [t][k]; costs: [sum][k]. */
  readonly numbers: Float32Array;
  /** By sample: horizon − step from which it is not finite; 0: it is finite. */
  readonly failed: Uint32Array;
}

/** Samples that fit next to one another: whole tiles, and no more than the device's buffers hold. */
const strideFor = ({ limits }: GpuDevice, { maxSamples, horizonSteps, model }: RolloutProblem): number => {
  const one = layOutModel({ model }, MOST_SAMPLES);
  const largest = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const nz = model.zones.length;
  const perSample = [
    [one.rows * 4, Math.min(largest, COVARIANCE_BYTES)],
    [one.slots * 4, largest],
    [horizonSteps * (2 * nz + 1) * 4, largest],
    [horizonSteps * nz * 8, largest],
  ] as const;
  const most = Math.min(...perSample.map(([bytes, limit]) => Math.floor(limit / bytes)));
  return Math.max(MOST_SAMPLES, Math.min(padded(maxSamples, MOST_SAMPLES), Math.floor(most / MOST_SAMPLES) * MOST_SAMPLES));
};

/** One model on one device: its buffers, its stages, and the submission of all steps of a request at once. */
export class GpuEngine {
  readonly layout: ModelLayout;
  #stages: RolloutStages;
  readonly #gpu: GpuDevice;
  readonly #problem: RolloutProblem;
  readonly #records: RequestRecords;
  readonly #buffers: Readonly<Record<BufferName, GPUBuffer>>;
  readonly #steps: GPUBuffer;
  readonly #stepGroup: GPUBindGroup;
  readonly #readNumbers: GPUBuffer;
  readonly #readFailed: GPUBuffer;
  readonly #groups = new Map<Stage, GPUBindGroup>();
  #setpoints = new Float32Array(0);

  static async create(gpu: GpuDevice, la: LinearAlgebra, problem: RolloutProblem, tiles: Tiles): Promise<GpuEngine> {
    const stride = strideFor(gpu, problem);
    const layout = layOutModel(problem, stride);
    const nz = layout.zones.length;
    const T = problem.horizonSteps;
    const { storage, copyTarget, copySource, mapRead, uniform } = usage;
    const outputs = 4 * stride * Math.max(T * (2 * nz + 1), costSums.length + nz);
    const places = costPlaces(nz);
    const sizes: Readonly<Record<BufferName, number>> = {
      M: layout.modelSize * 4,
      W: layout.rootVectors * 16,
      S: T * layout.dimensions.record * 4,
      U: 2 * stride * T * nz * 4,
      V: layout.slots * stride * 4,
      D: layout.rows * stride * 4,
      N: (stride + T * nz) * 4,
      L: nz * stride * 4,
      C: (places.steps + T * places.perStep) * 4,
      O: outputs,
    };
    const entries: [BufferName, GPUBuffer][] = [];
    for (const name of Object.keys(sizes) as BufferName[])
      entries.push([name, await gpu.buffer(name, sizes[name], storage | copyTarget | copySource)]);
    const buffers = Object.fromEntries(entries) as Record<BufferName, GPUBuffer>;
    const engine = new GpuEngine(gpu, problem, layout, await compileStages(gpu, layout, tiles), new RequestRecords(layout, la), buffers, {
      steps: await gpu.buffer("steps", T * STEP_BYTES, uniform | copyTarget),
      numbers: await gpu.buffer("read", outputs, mapRead | copyTarget),
      failed: await gpu.buffer("failed", stride * 4, mapRead | copyTarget),
    });
    gpu.device.queue.writeBuffer(buffers.M, 0, modelNumbers(layout));
    gpu.device.queue.writeBuffer(buffers.W, 0, rootNumbers(layout, la));
    return engine;
  }

  private constructor(
    gpu: GpuDevice,
    problem: RolloutProblem,
    layout: ModelLayout,
    stages: RolloutStages,
    records: RequestRecords,
    buffers: Readonly<Record<BufferName, GPUBuffer>>,
    others: { readonly steps: GPUBuffer; readonly numbers: GPUBuffer; readonly failed: GPUBuffer },
  ) {
    this.#gpu = gpu;
    this.#problem = problem;
    this.layout = layout;
    this.#stages = stages;
    this.#records = records;
    this.#buffers = buffers;
    this.#steps = others.steps;
    this.#readNumbers = others.numbers;
    this.#readFailed = others.failed;
    this.#stepGroup = gpu.device.createBindGroup({
      layout: gpu.stepLayout,
      entries: [{ binding: 0, resource: { buffer: others.steps, size: 16 } }],
    });
  }

  /** From here on with these tiles. */
  async use(tiles: Tiles): Promise<void> {
    this.#stages = await compileStages(this.#gpu, this.layout, tiles);
  }

  /** Milliseconds that `repetitions` of one part of a step take with all samples, none of them on a setpoint; upsets what a run left behind. */
  async time(part: "product" | "covariance", repetitions: number): Promise<number> {
    const { device } = this.#gpu;
    const { stride } = this.layout.dimensions;
    const nz = this.layout.zones.length;
    this.#writeSteps(stride, 1, 0);
    const samples = Uint32Array.from({ length: stride }, (_, k) => k);
    for (let z = 0; z < nz; z++) device.queue.writeBuffer(this.#buffers.L, z * stride * 4, samples);
    device.queue.writeBuffer(this.#buffers.N, stride * 4, new Uint32Array(nz).fill(stride));
    await device.queue.onSubmittedWorkDone();
    const began = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < repetitions; i++) this.#encodeParts(pass, 0, stride, part);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - began;
  }

  /** Rolls all samples of a request, as many at a time as fit; `costs`: the numbers of the cost problem (`costPlaces`). */
  async run(request: RolloutRequest, costs: Float32Array<ArrayBuffer> | null): Promise<readonly RawResult[]> {
    const { queue } = this.#gpu.device;
    const records = this.#records.update(request);
    if (records !== null) queue.writeBuffer(this.#buffers.S, 0, records);
    if (costs !== null) queue.writeBuffer(this.#buffers.C, 0, costs);
    const { stride } = this.layout.dimensions;
    const results: RawResult[] = [];
    try {
      for (let first = 0; first < request.count; first += stride)
        results.push(
          await this.#runPart(request, first, Math.min(stride, request.count - first), costs === null ? "trajectories" : "costs"),
        );
    } catch (error) {
      this.#records.forget();
      throw error;
    }
    return results;
  }

  async #runPart(request: RolloutRequest, first: number, count: number, wants: Wants): Promise<RawResult> {
    const { device } = this.#gpu;
    const { stride } = this.layout.dimensions;
    const nz = this.layout.zones.length;
    const T = request.horizonSteps;
    const finish = await this.#stages.finish(wants);
    this.#writeSetpoints(request, first, count);
    this.#writeSteps(count, T, stride * this.#problem.horizonSteps * nz);
    const bytes = 4 * stride * (wants === "costs" ? costSums.length + nz : T * (2 * nz + 1));
    device.pushErrorScope("validation");
    device.pushErrorScope("internal");
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(this.#buffers.V);
    encoder.clearBuffer(this.#buffers.N);
    if (wants === "costs") encoder.clearBuffer(this.#buffers.O, 0, bytes);
    const pass = encoder.beginComputePass();
    for (let t = 0; t < T; t++) this.#encodeStep(pass, t, count, finish);
    pass.end();
    encoder.copyBufferToBuffer(this.#buffers.O, 0, this.#readNumbers, 0, bytes);
    encoder.copyBufferToBuffer(this.#buffers.N, 0, this.#readFailed, 0, stride * 4);
    device.queue.submit([encoder.finish()]);
    const errors = Promise.all([device.popErrorScope(), device.popErrorScope()]);
    const [failedBytes, numberBytes] = await Promise.all([
      this.#gpu.read(this.#readFailed, stride * 4),
      this.#gpu.read(this.#readNumbers, bytes),
    ]);
    const failed = new Uint32Array(failedBytes);
    const numbers = new Float32Array(numberBytes);
    const error = (await errors).find((one) => one !== null);
    if (error !== undefined && error !== null) throw errorOf(`${this.#gpu.name}: ${error.message}`);
    if (this.#gpu.lost !== null) throw errorOf(`${this.#gpu.name} was lost: ${this.#gpu.lost}`);
    return { first, count, stride, numbers, failed };
  }

  #writeSetpoints({ heatingSetpointC, coolingSetpointC, horizonSteps }: RolloutRequest, first: number, count: number): void {
    const row = horizonSteps * this.layout.zones.length;
    const size = count * row;
    if (this.#setpoints.length < size) this.#setpoints = new Float32Array(size);
    const { queue } = this.#gpu.device;
    const cooling = this.layout.dimensions.stride * this.#problem.horizonSteps * this.layout.zones.length;
    [heatingSetpointC, coolingSetpointC].forEach((values, side) => {
      this.#setpoints.set(values.subarray(first * row, first * row + size));
      queue.writeBuffer(this.#buffers.U, side * cooling * 4, this.#setpoints, 0, size);
    });
  }

  #writeSteps(count: number, T: number, cooling: number): void {
    const words = STEP_BYTES / 4;
    const steps = new Uint32Array(T * words);
    for (let t = 0; t < T; t++) steps.set([t, count, T, cooling], t * words);
    this.#gpu.device.queue.writeBuffer(this.#steps, 0, steps);
  }

  #dispatch(pass: GPUComputePassEncoder, t: number, stage: Stage | null, x: number, y: number, z: number): void {
    if (stage === null) return;
    pass.setPipeline(stage.pipeline);
    pass.setBindGroup(0, this.#bind(stage));
    pass.setBindGroup(1, this.#stepGroup, [t * STEP_BYTES]);
    pass.dispatchWorkgroups(x, y, z);
  }

  /** One part of a step for all zones. */
  #encodeParts(pass: GPUComputePassEncoder, t: number, count: number, part: "covariance" | "thermostat" | "product"): void {
    for (const { covariance, thermostat, product, tiles, members, rows } of this.#stages.groups) {
      if (part === "covariance") this.#dispatch(pass, t, covariance, Math.ceil(count / tiles.covariance.samples), 1, members);
      else if (part === "thermostat") this.#dispatch(pass, t, thermostat, Math.ceil(count / 64), members, 1);
      else this.#dispatch(pass, t, product, Math.ceil(count / tiles.product.samples), Math.ceil(rows / tiles.product.rows), members);
    }
  }

  #encodeStep(pass: GPUComputePassEncoder, t: number, count: number, finish: Stage): void {
    const { inputs, power } = this.#stages;
    // Where nothing has moved yet every difference is 0, as the cleared buffers say.
    const differs = t > 0 || !this.layout.startsSame;
    if (differs) {
      this.#dispatch(pass, t, inputs, Math.ceil(count / 64), this.layout.zones.length, 1);
      this.#encodeParts(pass, t, count, "covariance");
    }
    this.#encodeParts(pass, t, count, "thermostat");
    if (differs) this.#encodeParts(pass, t, count, "product");
    if (power !== null) this.#dispatch(pass, t, power.covariance, Math.ceil(count / power.tiles.covariance.samples), 1, 1);
    this.#dispatch(pass, t, finish, Math.ceil(count / 64), 1, 1);
  }

  #bind(stage: Stage): GPUBindGroup {
    const known = this.#groups.get(stage);
    if (known !== undefined) return known;
    const group = this.#gpu.device.createBindGroup({
      layout: stage.layout,
      entries: stage.source.buffers.map((name, binding) => ({ binding, resource: { buffer: this.#buffers[name] } })),
    });
    this.#groups.set(stage, group);
    return group;
  }

  close(): void {
    for (const buffer of [...Object.values(this.#buffers), this.#steps, this.#readNumbers, this.#readFailed]) buffer.destroy();
  }
}
