import { existsSync } from "node:fs";
import { errorOf } from "#controllers/rollout/webgpu/gpuError";
import type { ShaderSource } from "#controllers/rollout/webgpu/shaders/source";
import { isReadOnly } from "#controllers/rollout/webgpu/shaders/source";
import { configurationError } from "#domain/errors";
import { withNativeLock } from "#math/nativeLock";

/** Numbers of the WebGPU specification; they are globals in a browser only. */
export const usage = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, uniform: 0x40, storage: 0x80 } as const;
const MAP_READ = 1;
const COMPUTE = 4;

/** What a machine offers to compute on. */
export interface GpuAdapter {
  /** The device's name, and its driver's. */
  readonly name: string;
  /** A driver that computes on the processor: slower than BLAS there. */
  readonly isSoftware: boolean;
  readonly adapter: Pick<GPUAdapter, "limits" | "requestDevice">;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|warp/i;

/** Dawn lives as long as this object does; a second one in a process would be a second instance. */
let instance: Promise<GPU | null> | null = null;

const openInstance = async (): Promise<GPU | null> => {
  let create: typeof import("webgpu").create;
  try {
    ({ create } = await withNativeLock(() => import("webgpu")));
  } catch (error) {
    // Not installed, or no build for this platform.
    if (["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND", "ERR_DLOPEN_FAILED"].includes((error as { code?: string }).code ?? "")) return null;
    throw error;
  }
  return create(wanted() === "" ? [] : [`adapter=${wanted()}`]);
};

/** Part of the name of the adapter to use; empty: the one that WebGPU chooses. */
const wanted = (): string => process.env.ISOTHERM_GPU_ADAPTER ?? "";

const requestAdapter = async (gpu: GPU): Promise<GPUAdapter | null> => {
  try {
    return await gpu.requestAdapter({ powerPreference: "high-performance" });
  } catch (error) {
    if (wanted() === "") throw error;
    throw configurationError(`There is no graphics adapter ${wanted()}: ${(error as Error).message.trim()}`, {
      todo: "Set ISOTHERM_GPU_ADAPTER to one of those named, or unset it.",
      cause: error,
    });
  }
};

/**
 * Whether looking for an adapter may find one. Loading Dawn costs memory, and its loader prints a warning where there is no driver: on Linux a graphics
 * processor shows as a device file, or somebody named a driver.
 */
export const mayHaveAdapter = (env: NodeJS.ProcessEnv = process.env): boolean =>
  process.platform !== "linux" ||
  ["VK_ICD_FILENAMES", "VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES"].some((name) => (env[name] ?? "") !== "") ||
  ["/dev/dri", "/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd"].some((path) => existsSync(path));

/** The adapter that WebGPU gives where high performance is asked for; null: none, or the npm package `webgpu` is not there. */
export const findAdapter = async (): Promise<GpuAdapter | null> => {
  instance ??= openInstance();
  const gpu = await instance;
  const adapter = gpu === null ? null : await requestAdapter(gpu);
  if (adapter === null) return null;
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const shown = device.replace(/-+$/, "") || `${vendor} ${architecture}`.trim() || "unnamed";
  const name = description === "" ? shown : `${shown} (${description})`;
  return { name, isSoftware: isFallbackAdapter || SOFTWARE.test(`${vendor} ${architecture} ${device} ${description}`), adapter };
};

/** Limits that are raised to what the adapter has. */
const RAISED = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
] as const;

/** A compiled stage, and how its buffers are bound. */
export interface Stage {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly source: ShaderSource;
}

/** An opened device with its pipelines, each compiled once. */
export class GpuDevice {
  readonly name: string;
  readonly isSoftware: boolean;
  readonly device: GPUDevice;
  readonly limits: GPUSupportedLimits;
  /** Uniform of the step, bound at a dynamic offset. */
  readonly stepLayout: GPUBindGroupLayout;
  readonly #stages = new Map<string, Promise<Stage>>();
  #lost: string | null = null;

  static async open({ name, isSoftware, adapter }: GpuAdapter): Promise<GpuDevice> {
    const requiredLimits = Object.fromEntries(RAISED.map((limit) => [limit, adapter.limits[limit]]));
    return new GpuDevice(name, isSoftware, await adapter.requestDevice({ requiredLimits }));
  }

  private constructor(name: string, isSoftware: boolean, device: GPUDevice) {
    this.name = name;
    this.isSoftware = isSoftware;
    this.device = device;
    this.limits = device.limits;
    this.stepLayout = device.createBindGroupLayout({
      entries: [{ binding: 0, visibility: COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: 16 } }],
    });
    void device.lost.then(({ reason, message }) => {
      this.#lost = message === "" ? reason : message;
    });
  }

  /** Why the device is gone; null while it is there. */
  get lost(): string | null {
    return this.#lost;
  }

  stage(source: ShaderSource): Promise<Stage> {
    const known = this.#stages.get(source.code);
    if (known !== undefined) return known;
    const compiling = this.#compile(source);
    this.#stages.set(source.code, compiling);
    return compiling;
  }

  async #compile(source: ShaderSource): Promise<Stage> {
    const { device } = this;
    const layout = device.createBindGroupLayout({
      entries: source.buffers.map((name, binding) => ({
        binding,
        visibility: COMPUTE,
        buffer: { type: isReadOnly(name) ? "read-only-storage" : "storage" },
      })),
    });
    const module = device.createShaderModule({ label: source.label, code: source.code });
    try {
      const pipeline = await device.createComputePipelineAsync({
        label: source.label,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout, this.stepLayout] }),
        compute: { module, entryPoint: "main" },
      });
      return { pipeline, layout, source };
    } catch (error) {
      const { messages } = await module.getCompilationInfo();
      const where = messages.map(({ lineNum, linePos, message }) => `line ${lineNum}:${linePos} ${message}`).join("; ");
      throw errorOf(`The shader ${source.label} was refused by ${this.name}: ${where || (error as Error).message}`, error);
    }
  }

  /** A buffer whose validation and memory errors reject. */
  async buffer(label: string, size: number, kind: number): Promise<GPUBuffer> {
    const { device } = this;
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    const buffer = device.createBuffer({ label, size: Math.max(16, Math.ceil(size / 16) * 16), usage: kind });
    const errors = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
    const error = errors.find((one) => one !== null);
    if (error !== undefined && error !== null) throw errorOf(`${this.name} has no buffer of ${size} bytes for ${label}: ${error.message}`);
    return buffer;
  }

  /** The first `bytes` of a buffer that was copied to for reading. */
  async read(buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    await buffer.mapAsync(MAP_READ, 0, bytes);
    const copy = buffer.getMappedRange(0, bytes).slice(0);
    buffer.unmap();
    return copy;
  }

  destroy(): void {
    this.device.destroy();
  }
}
