import { randomUUID } from "node:crypto";
import { type ControlLease, createControlLease } from "#adapters/mqtt/controlLease";
import { withLease } from "#adapters/mqtt/leasedBus";
import type { MessageBus } from "#domain/bus";
import type { Supervisor } from "#loop/supervisor";

/** How often the lease is looked at, real time. */
const CHECK_MS = 1_000;

export interface SiteLease {
  /** For what only the daemon that commands the building may publish. */
  readonly bus: MessageBus;
  /** Lets the supervisor command while the lease is held, and stand by while it is not. */
  guide(supervisor: Supervisor, told: { onCommands(): void; onStandsBy(other: string | null): void }): void;
  release(): Promise<void>;
}

/**
 * The right to command the building, where other daemons may be at the same broker. A broker inside the daemon has no others: there it is always held.
 * Asks for it as soon as the broker is there; until then the daemon stands by.
 */
export const openSiteLease = (options: {
  readonly bus: MessageBus;
  readonly embedded: boolean;
  readonly building: string;
  readonly instance: string;
  readonly epoch: number;
  readonly leaseS: number;
  readonly onWarning: (text: string) => void;
}): SiteLease => {
  const { bus, building, instance, epoch, onWarning } = options;
  if (options.embedded) return { bus, guide: () => undefined, release: async () => undefined };
  const handlers = new Set<Parameters<ControlLease["onChange"]>[0]>();
  let lease: ControlLease | null = null;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  createControlLease({
    bus,
    building,
    instance,
    session: randomUUID(),
    epoch,
    leaseMs: options.leaseS * 1_000,
    onWarning,
    onChange: (view) => {
      for (const handler of [...handlers]) handler(view);
    },
  })
    .then((made) => {
      lease = made;
      if (ended) return made.release();
      timer = setInterval(made.check, CHECK_MS);
      timer.unref();
      for (const handler of [...handlers]) handler(made.view);
    })
    .catch((error: unknown) => {
      if (!ended) onWarning(`The lease on the building cannot be asked for: ${error instanceof Error ? error.message : String(error)}`);
    });
  const shared: Pick<ControlLease, "held" | "onChange"> = {
    held: () => lease?.held() ?? false,
    onChange: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
  return {
    bus: withLease(bus, shared),
    guide: (supervisor, { onCommands, onStandsBy }) => {
      let said = "";
      const follow: Parameters<ControlLease["onChange"]>[0] = ({ state, epoch: held, other }) => {
        if (state === "holder") supervisor.setEpoch(held);
        supervisor.standBy(state !== "holder");
        const text = `${state} ${other}`;
        if (text === said) return;
        said = text;
        if (state === "holder") onCommands();
        else if (state === "passive") onStandsBy(other);
      };
      supervisor.standBy(!shared.held());
      handlers.add(follow);
      if (lease !== null) follow(lease.view);
    },
    release: async () => {
      ended = true;
      clearInterval(timer);
      await lease?.release();
    },
  };
};
