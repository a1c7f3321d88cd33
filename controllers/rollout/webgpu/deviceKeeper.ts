import { findAdapter, type GpuAdapter, GpuDevice } from "#controllers/rollout/webgpu/gpu";
import { errorOf } from "#controllers/rollout/webgpu/gpuError";

/** One device for all rollouts of a backend; opened anew after it was lost. */
export class DeviceKeeper {
  /** As the adapter was called when it was first found. */
  readonly name: string;
  readonly isSoftware: boolean;
  readonly #find: () => Promise<GpuAdapter | null>;
  #first: GpuAdapter | null;
  #device: Promise<GpuDevice> | null = null;

  constructor(adapter: GpuAdapter, find: () => Promise<GpuAdapter | null> = findAdapter) {
    this.name = adapter.name;
    this.isSoftware = adapter.isSoftware;
    this.#first = adapter;
    this.#find = find;
  }

  /** Rejects where the adapter is gone. */
  async device(): Promise<GpuDevice> {
    const known = await this.#device?.catch(() => null);
    if (known != null && known.lost === null) return known;
    this.#device = this.#open();
    return this.#device;
  }

  async #open(): Promise<GpuDevice> {
    // An adapter gives one device.
    const adapter = this.#first ?? (await this.#find());
    this.#first = null;
    if (adapter === null) throw errorOf(`${this.name} is not there any more.`);
    return GpuDevice.open(adapter);
  }

  close(): void {
    void this.#device?.then(
      (device) => device.destroy(),
      () => undefined,
    );
    this.#device = null;
  }
}
