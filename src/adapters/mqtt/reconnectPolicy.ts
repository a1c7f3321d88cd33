/** Why a connection ended, or an attempt failed. */
export type ConnectionEnd =
  | { readonly kind: "unreachable" }
  | { readonly kind: "refused"; readonly code: number }
  | { readonly kind: "closed-before-answer" }
  | { readonly kind: "taken" }
  | { readonly kind: "lost"; readonly connectedMs: number };

export interface ReconnectOptions {
  /** First delay; doubles with every failure. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Delay after another client took the session; longer, because both sides would otherwise throw each other out without end. */
  readonly takenDelayMs: number;
  /** A connection that lasted this long was a good one: the delay starts again at its minimum. */
  readonly stableMs: number;
  readonly protocol: "auto" | "5" | "3.1.1";
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface ReconnectPolicy {
  /** MQTT protocol level of the next attempt: 5, or 4 for version 3.1.1. */
  readonly protocolVersion: 4 | 5;
  connected(): void;
  /** Delay before the next attempt, and whether the session looks taken by another client with our id. */
  ended(end: ConnectionEnd): { readonly delayMs: number; readonly sessionTaken: boolean };
}

/** Short connections in a row, each ended by the broker and each followed at once by a successful connect, that mean a second client has our id. */
const TAKEN_AFTER = 3;
/** CONNACK: version not supported, as MQTT 3.1.1 (1) and 5 (132) say it. */
const UNSUPPORTED_VERSION = new Set([1, 132]);

/**
 * Decides when to connect again and with which protocol version.
 *
 * delay = u · min(maxDelay, minDelay · 2^failures), u uniform in [½, 1]: exponential back-off with jitter, so that many clients do not return at once.
 * MQTT 5 may name a take-over (reason 142), but 3.1.1 and Mosquitto 2.0.11 only close: repeated short connections with no failed attempt
 * between them count as one too.
 */
export const createReconnectPolicy = (options: ReconnectOptions): ReconnectPolicy => {
  let failures = 0;
  let shortConnections = 0;
  let silentCloses = 0;
  // A refusal by code is the broker's nature and remembered; a silent close may be an accident and is asked again after the next loss.
  let version: 4 | 5 = options.protocol === "3.1.1" ? 4 : 5;
  let versionKnown = options.protocol !== "auto";
  const backOff = (): number => {
    const ceiling = Math.min(options.maxDelayMs, options.minDelayMs * 2 ** Math.min(failures, 30));
    failures++;
    return ceiling * (0.5 + options.random() / 2);
  };
  return {
    get protocolVersion() {
      return version;
    },
    connected: () => {
      silentCloses = 0;
    },
    ended: (end) => {
      if (end.kind === "refused" && UNSUPPORTED_VERSION.has(end.code) && !versionKnown && version === 5) {
        version = 4;
        versionKnown = true;
        return { delayMs: 0, sessionTaken: false };
      }
      if (end.kind === "closed-before-answer") {
        silentCloses++;
        if (!versionKnown && silentCloses % 2 === 0) version = version === 5 ? 4 : 5;
        return { delayMs: backOff(), sessionTaken: false };
      }
      if (end.kind === "taken") return { delayMs: options.takenDelayMs * (1 + options.random()), sessionTaken: true };
      if (end.kind === "lost") {
        if (!versionKnown) version = 5;
        if (end.connectedMs >= options.stableMs) {
          failures = 0;
          shortConnections = 0;
          return { delayMs: backOff(), sessionTaken: false };
        }
        shortConnections++;
        if (shortConnections < TAKEN_AFTER) return { delayMs: backOff(), sessionTaken: false };
        shortConnections = 0;
        return { delayMs: options.takenDelayMs * (1 + options.random()), sessionTaken: true };
      }
      shortConnections = 0;
      return { delayMs: backOff(), sessionTaken: false };
    },
  };
};
