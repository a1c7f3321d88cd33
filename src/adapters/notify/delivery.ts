import type { Notice } from "#adapters/notify/notice";

/** Why a message was not taken, in words without secrets, and how long the receiver asked to be left alone. */
export class DeliveryFailure extends Error {
  readonly waitMs: number;
  constructor(message: string, waitMs = 0) {
    super(message);
    this.waitMs = waitMs;
  }
}

/** Brings messages to somebody. */
export interface Delivery {
  /** `webhook`, `email`: names the file of what was told, and the alarm of its trouble. */
  readonly name: string;
  /** For people: a host, never a whole address, which may hold a token. */
  readonly receiver: string;
  /** Resolves once the receiver has taken the message; rejects with a `DeliveryFailure`. The same message may come again. */
  deliver(notice: Notice, signal: AbortSignal): Promise<void>;
}
