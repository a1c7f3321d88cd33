import { type Decoded, decode, type SetpointMessage, topicsOf } from "#adapters/mqtt/wire";
import type { MessageBus } from "#domain/bus";
import type { Clock } from "#domain/clock";
import type { ZoneSetpoints } from "#domain/setpoints";

/** What a device remembers of its controller: the newest message it accepted. */
export interface SetpointState {
  readonly accepted: SetpointMessage | null;
}
export const noSetpoint: SetpointState = { accepted: null };

/** accepted: in force from now; repeated: the same message again; older: superseded already; expired: past its validity; future: issued later than now, so somebody's clock is wrong; conflict: another content under the same number. */
export type SetpointOutcome = "accepted" | "repeated" | "older" | "expired" | "future" | "conflict";

/** Clocks of controller and device may differ by this much. */
export const CLOCK_TOLERANCE_MS = 60_000;
/** No device follows a single message for longer than this, whatever it says. */
export const LONGEST_VALIDITY_MS = 24 * 3_600_000;

const endOf = (message: SetpointMessage): number => Math.min(message.validUntilMs, message.issuedAtMs + LONGEST_VALIDITY_MS);
const same = (a: SetpointMessage, b: SetpointMessage): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * The rule by which a device obeys setpoints, as a pure function.
 *
 * A message counts iff issued_at ≤ now + 60 s and now < min(valid_until, issued_at + 24 h); of those that count the largest (epoch, seq) wins.
 * So at one moment any order and any repetition of the same messages leads to the same state. Retained and live messages are treated alike:
 * what matters is their age.
 */
export const applySetpointMessage = (
  state: SetpointState,
  message: SetpointMessage,
  nowMs: number,
): { readonly state: SetpointState; readonly outcome: SetpointOutcome } => {
  if (nowMs >= endOf(message)) return { state, outcome: "expired" };
  if (message.issuedAtMs > nowMs + CLOCK_TOLERANCE_MS) return { state, outcome: "future" };
  const { accepted } = state;
  if (accepted !== null) {
    const order = message.epoch - accepted.epoch || message.seq - accepted.seq;
    if (order < 0) return { state, outcome: "older" };
    if (order === 0) return { state, outcome: same(message, accepted) ? "repeated" : "conflict" };
  }
  return { state: { accepted: message }, outcome: "accepted" };
};

/** The controller's setpoints in force at `nowMs`; null: the device's own schedule is. */
export const setpointsInForce = (state: SetpointState, nowMs: number): ZoneSetpoints | null =>
  state.accepted !== null && nowMs < endOf(state.accepted) ? state.accepted.setpoints : null;

export interface SetpointDevice {
  /** Setpoints in force now, and who they come from. */
  current(): { readonly setpoints: ZoneSetpoints; readonly from: "controller" | "own-schedule" };
  readonly state: SetpointState;
  counts(): Readonly<Record<SetpointOutcome | "malformed", number>>;
  close(): Promise<void>;
}

/** One zone's device: obeys its setpoint topic until `valid_until`, then its own schedule. Needs no timer, because it asks the clock whenever it is asked. */
export const createSetpointDevice = async (options: {
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly building: string;
  readonly zone: string;
  readonly ownSchedule: (nowMs: number) => ZoneSetpoints;
  readonly onMessage?: (outcome: SetpointOutcome | "malformed") => void;
}): Promise<SetpointDevice> => {
  const { bus, clock, ownSchedule } = options;
  const counts = { accepted: 0, repeated: 0, older: 0, expired: 0, future: 0, conflict: 0, malformed: 0 };
  let state = noSetpoint;
  const receive = (message: Decoded<SetpointMessage>): SetpointOutcome | "malformed" => {
    if (!message.ok) return "malformed";
    const applied = applySetpointMessage(state, message.value, clock.nowMs());
    state = applied.state;
    return applied.outcome;
  };
  const cancel = await bus.subscribe(topicsOf(options.building).setpoint(options.zone), ({ payload }) => {
    const outcome = receive(decode.setpoint(payload));
    counts[outcome]++;
    options.onMessage?.(outcome);
  });
  return {
    current: () => {
      const nowMs = clock.nowMs();
      const setpoints = setpointsInForce(state, nowMs);
      return setpoints === null ? { setpoints: ownSchedule(nowMs), from: "own-schedule" } : { setpoints, from: "controller" };
    },
    get state() {
      return state;
    },
    counts: () => ({ ...counts }),
    close: cancel,
  };
};
