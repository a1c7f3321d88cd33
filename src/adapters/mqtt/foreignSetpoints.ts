import type { Publisher } from "#adapters/mqtt/publisher";
import { decode, type SetpointMessage, topicsOf, zoneOfTopic } from "#adapters/mqtt/wire";
import type { MessageBus } from "#domain/bus";

export interface ForeignSetpoint {
  readonly zone: string;
  /** Null where it is not even a setpoint message. */
  readonly message: SetpointMessage | null;
  /** True where devices would follow it rather than ours: it is newer. */
  readonly overrules: boolean;
}

/**
 * Watches our own setpoint topics and tells of every message there that we did not send: a second controller, or somebody who may write where
 * he should not. A retained message that is older than ours is what an earlier run left behind, and no reason for alarm.
 */
export const watchForeignSetpoints = (options: {
  readonly bus: MessageBus;
  readonly building: string;
  readonly publisher: Pick<Publisher, "isOwnSetpoint" | "newest">;
  readonly nowMs: () => number;
  readonly onForeign: (foreign: ForeignSetpoint) => void;
}): Promise<() => Promise<void>> =>
  options.bus.subscribe(topicsOf(options.building).setpoint("+"), ({ topic, payload, retained }) => {
    const zone = zoneOfTopic(options.building, topic);
    if (zone === null || payload === "" || options.publisher.isOwnSetpoint(zone, payload)) return;
    const decoded = decode.setpoint(payload);
    const { newest } = options.publisher;
    if (!decoded.ok) {
      options.onForeign({ zone, message: null, overrules: false });
      return;
    }
    const message = decoded.value;
    const over = message.validUntilMs <= options.nowMs();
    const newer = newest === null || (message.epoch - newest.epoch || message.seq - newest.seq) > 0;
    if (retained && (over || !newer || newest === null)) return;
    options.onForeign({ zone, message, overrules: newer && !over });
  });
