import type { Socket } from "node:net";
import { Duplex } from "node:stream";

export interface PacketLimits {
  /** Largest MQTT packet, header excluded. */
  readonly maxPacketBytes: number;
  readonly maxPacketsPerS: number;
  readonly maxBytesPerS: number;
  /** Bytes that may wait for a client that does not read. */
  readonly maxWaitingBytes: number;
}

/** Length bytes of the MQTT fixed header, at most four (MQTT 3.1.1 §2.2.3). */
const MAX_LENGTH_BYTES = 4;

/**
 * Reads the length of each MQTT packet as its bytes pass and says how many packets ended.
 *
 * remaining length = Σ_i (byte_i mod 128) · 128^i, the last byte below 128 (MQTT 3.1.1 §2.2.3). Returns null where a packet is larger than
 * `maxPacketBytes` or its length has more than four bytes.
 */
export const createPacketCounter = (maxPacketBytes: number): ((chunk: Buffer) => number | null) => {
  let bodyLeft = 0;
  let lengthBytes = 0;
  let length = 0;
  let inHeader = false;
  return (chunk) => {
    let packets = 0;
    let i = 0;
    while (i < chunk.length) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, chunk.length - i);
        bodyLeft -= taken;
        i += taken;
        if (bodyLeft === 0) packets++;
        continue;
      }
      const byte = chunk[i++];
      if (!inHeader) {
        inHeader = true;
        lengthBytes = 0;
        length = 0;
        continue;
      }
      length += (byte & 0x7f) * 128 ** lengthBytes++;
      if (length > maxPacketBytes) return null;
      if (byte >= 0x80) {
        if (lengthBytes === MAX_LENGTH_BYTES) return null;
        continue;
      }
      inHeader = false;
      bodyLeft = length;
      if (length === 0) packets++;
    }
    return packets;
  };
};

/**
 * Stands between a socket and the broker: a packet that is too large ends the connection before it is held in memory, and a client that sends
 * too fast is read no further until its second is over. The broker library itself has no such limits.
 */
export class PacketGate extends Duplex {
  readonly #socket: Socket;
  readonly #limits: PacketLimits;
  readonly #count: (chunk: Buffer) => number | null;
  readonly #onRefused: (reason: string) => void;
  #windowStartMs = performance.now();
  #packets = 0;
  #bytes = 0;
  #pause: NodeJS.Timeout | null = null;

  constructor(socket: Socket, limits: PacketLimits, onRefused: (reason: string) => void) {
    // Twice the limit, so that the broker is never told to wait for one reader while the others wait behind it.
    super({ allowHalfOpen: false, writableHighWaterMark: 2 * limits.maxWaitingBytes });
    this.#socket = socket;
    this.#limits = limits;
    this.#count = createPacketCounter(limits.maxPacketBytes);
    this.#onRefused = onRefused;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
    socket.on("error", () => this.destroy());
  }

  /** Whether more waits for the client than it is allowed. */
  get overfull(): boolean {
    return this.writableLength > this.#limits.maxWaitingBytes;
  }

  #take(chunk: Buffer): void {
    const packets = this.#count(chunk);
    if (packets === null) {
      this.#onRefused(`sent a packet larger than ${this.#limits.maxPacketBytes} bytes`);
      this.destroy();
      return;
    }
    const nowMs = performance.now();
    if (nowMs - this.#windowStartMs >= 1_000) {
      this.#windowStartMs = nowMs;
      this.#packets = 0;
      this.#bytes = 0;
    }
    this.#packets += packets;
    this.#bytes += chunk.length;
    const room = this.push(chunk);
    if (this.#packets > this.#limits.maxPacketsPerS || this.#bytes > this.#limits.maxBytesPerS) {
      this.#socket.pause();
      this.#pause ??= setTimeout(
        () => {
          this.#pause = null;
          this.#socket.resume();
        },
        Math.max(1, this.#windowStartMs + 1_000 - nowMs),
      );
    } else if (!room) {
      this.#socket.pause();
    }
  }

  override _read(): void {
    if (this.#pause === null) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#socket.destroy();
    done(error);
  }
}
