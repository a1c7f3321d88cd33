import type { MqttBus } from "#adapters/mqtt/mqttBus";
import { decode, topicsOf } from "#adapters/mqtt/wire";
import type { Clock } from "#domain/clock";

/** What somebody who only listens saw of a site's setpoints. */
export interface SetpointWatch {
  readonly seen: number;
  /** Messages that came at or after their valid_until. */
  readonly expired: number;
  /** Messages whose (epoch, seq) is below one seen before in the same zone. */
  readonly backwards: number;
  readonly malformed: number;
  readonly sources: Readonly<Record<string, number>>;
  readonly firstMs: number;
  /** The largest epoch seen in any zone, in proposals too: in shadow mode nothing else shows that a daemon is back. */
  readonly epoch: number;
  /** Real time (performance.now) of the newest setpoint or proposal. */
  readonly newestRealMs: number;
}

export const watchSetpoints = async (bus: MqttBus, site: string, clock: Pick<Clock, "nowMs">): Promise<SetpointWatch> => {
  const watch = {
    seen: 0,
    expired: 0,
    backwards: 0,
    malformed: 0,
    sources: {} as Record<string, number>,
    firstMs: Number.NaN,
    epoch: 0,
    newestRealMs: Number.NaN,
  };
  const newest = new Map<string, readonly [number, number]>();
  await bus.subscribe(topicsOf(site).setpointProposed("+"), ({ payload, retained }) => {
    const message = decode.setpoint(payload);
    if (!message.ok || retained) return;
    watch.epoch = Math.max(watch.epoch, message.value.epoch);
    watch.newestRealMs = performance.now();
  });
  await bus.subscribe(topicsOf(site).setpoint("+"), ({ topic, payload, retained }) => {
    // What the broker had kept says nothing of who is there now.
    if (payload === "" || retained) return;
    const message = decode.setpoint(payload);
    if (!message.ok) {
      watch.malformed += 1;
      return;
    }
    const { epoch, seq, validUntilMs, source } = message.value;
    if (watch.seen === 0) watch.firstMs = clock.nowMs();
    watch.seen += 1;
    watch.sources[source] = (watch.sources[source] ?? 0) + 1;
    if (clock.nowMs() >= validUntilMs) watch.expired += 1;
    const before = newest.get(topic);
    if (before !== undefined && (epoch < before[0] || (epoch === before[0] && seq < before[1]))) watch.backwards += 1;
    newest.set(topic, [epoch, seq]);
    watch.epoch = Math.max(watch.epoch, epoch);
    watch.newestRealMs = performance.now();
  });
  return watch;
};
