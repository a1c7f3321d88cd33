export interface BusMessage {
  readonly topic: string;
  readonly payload: string;
  /** True where the broker delivered a stored message rather than a live one. */
  readonly retained: boolean;
}

export interface PublishOptions {
  readonly retain?: boolean;
  readonly qos?: 0 | 1;
  /** Seconds after which the broker may drop the message (MQTT 5 only; ignored on 3.1.1). */
  readonly expiryS?: number;
}

/** A publish/subscribe connection. Nothing is queued while the connection is down: `publish` then rejects at once with a retryable `IsothermError`. */
export interface MessageBus {
  readonly connected: boolean;
  publish(topic: string, payload: string, options?: PublishOptions): Promise<void>;
  /** Resolves once the broker has granted the subscription; again in force after every reconnect. Returns its cancellation. */
  subscribe(filter: string, handler: (message: BusMessage) => void): Promise<() => Promise<void>>;
  /** Called on every change of connection; returns its removal. After `true`, retained state must be published again. */
  onConnection(handler: (connected: boolean) => void): () => void;
  close(): Promise<void>;
}
