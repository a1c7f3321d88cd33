import { IsothermError } from "#domain/errors";
import type { ControlSource, SetpointCommand, ZoneSetpoints } from "#domain/setpoints";

/** auto: setpoints are sent; shadow: decided and stored, not sent; off: the building's own control, nothing is decided. */
export type ControlMode = "auto" | "shadow" | "off";

export interface Override {
  readonly zone: string;
  readonly setpoints: ZoneSetpoints;
  readonly sinceMs: number;
  /** null: until somebody releases it. */
  readonly untilMs: number | null;
  /** Who asked for it, for people. */
  readonly by: string;
}

/** The only way to the equipment: every command of the process goes through one of these. */
export interface CommandOutlet {
  /** Resolves once the command is on its way for certain. */
  send(command: SetpointCommand): Promise<void>;
  /** What would have been sent, in shadow mode. */
  propose?(command: SetpointCommand): Promise<void>;
}

export interface SupervisorState {
  readonly mode: ControlMode;
  readonly overrides: readonly Override[];
  readonly seq: number;
}

export interface Supervisor {
  readonly mode: ControlMode;
  readonly epoch: number;
  /** Leaving auto gives every zone back to the building's own control, at once. */
  setMode(mode: ControlMode, nowMs: number): Promise<void>;
  /** Refused with an `IsothermError` (configuration) for an unknown zone, setpoints that are no ordered numbers, or an end that has passed. */
  override(override: Omit<Override, "sinceMs">, nowMs: number): void;
  release(zone: string): boolean;
  /** Overrides that stand at `nowMs`; expired ones are dropped. They act in auto only. */
  overrides(nowMs: number): ReadonlyMap<string, Override>;
  /** Setpoints of the last command that was sent for certain and is still valid; empty otherwise. */
  inForce(nowMs: number): ReadonlyMap<string, ZoneSetpoints>;
  /** Numbers and sends a command (shadow: proposes it). The number is used up whether or not sending works; a failure to send rejects. */
  command(
    zones: ReadonlyMap<string, ZoneSetpoints>,
    source: ControlSource,
    nowMs: number,
  ): { readonly command: SetpointCommand; readonly sent: Promise<void> };
  /** Gives every zone back: at the end of the process. */
  relinquish(nowMs: number): Promise<void>;
  /** Called after every change of mode, overrides or numbers, e.g. to persist them. */
  onChange(handler: (state: SupervisorState) => void): () => void;
}

export interface SupervisorOptions {
  readonly zones: readonly string[];
  readonly outlet: CommandOutlet;
  /** Who commands: grows with every start of the process. */
  readonly epoch: number;
  /** How long a command is valid, s. */
  readonly commandValidityS: number;
  readonly initial?: Partial<SupervisorState>;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { zones, outlet, epoch } = options;
  let mode: ControlMode = options.initial?.mode ?? "auto";
  let seq = options.initial?.seq ?? 0;
  let confirmed: SetpointCommand | null = null;
  const overrides = new Map((options.initial?.overrides ?? []).filter(({ zone }) => zones.includes(zone)).map((o) => [o.zone, o]));
  const handlers = new Set<(state: SupervisorState) => void>();
  const changed = (): void => {
    for (const handler of handlers) handler({ mode, overrides: [...overrides.values()], seq });
  };
  const number = (pairs: ReadonlyMap<string, ZoneSetpoints>, source: ControlSource, nowMs: number): SetpointCommand => {
    seq += 1;
    changed();
    return { epoch, seq, issuedAtMs: nowMs, validUntilMs: nowMs + options.commandValidityS * 1000, zones: pairs, source };
  };
  const relinquish = async (nowMs: number): Promise<void> => {
    // The pairs are only shown: a command of this source carries no setpoints to a device.
    const shown = new Map(zones.map((zone) => [zone, confirmed?.zones.get(zone) ?? { heatingSetpointC: 16, coolingSetpointC: 32 }]));
    confirmed = null;
    await outlet.send(number(shown, "relinquish", nowMs));
  };
  const refuse = (message: string, todo: string): IsothermError => new IsothermError("configuration", message, { todo });

  return {
    get mode() {
      return mode;
    },
    epoch,
    setMode: async (next, nowMs) => {
      if (next === mode) return;
      const before = mode;
      mode = next;
      changed();
      if (before === "auto") await relinquish(nowMs);
    },
    override: ({ zone, setpoints, untilMs, by }, nowMs) => {
      if (!zones.includes(zone)) throw refuse(`there is no zone "${zone}"`, `The zones are ${zones.join(", ")}.`);
      const { heatingSetpointC, coolingSetpointC } = setpoints;
      if (!Number.isFinite(heatingSetpointC) || !Number.isFinite(coolingSetpointC) || heatingSetpointC >= coolingSetpointC)
        throw refuse(
          `${heatingSetpointC}/${coolingSetpointC} °C is not a heating setpoint below a cooling setpoint`,
          "Give two numbers in °C.",
        );
      if (untilMs !== null && !(untilMs > nowMs)) throw refuse("the override would have ended already", "Give an end in the future.");
      overrides.set(zone, { zone, setpoints: { heatingSetpointC, coolingSetpointC }, sinceMs: nowMs, untilMs, by });
      changed();
    },
    release: (zone) => {
      const there = overrides.delete(zone);
      if (there) changed();
      return there;
    },
    overrides: (nowMs) => {
      let dropped = false;
      for (const [zone, { untilMs }] of overrides)
        if (untilMs !== null && untilMs <= nowMs) {
          overrides.delete(zone);
          dropped = true;
        }
      if (dropped) changed();
      return new Map(overrides);
    },
    inForce: (nowMs) => (confirmed !== null && nowMs < confirmed.validUntilMs ? confirmed.zones : new Map()),
    command: (pairs, source, nowMs) => {
      const command = number(pairs, source, nowMs);
      const sent =
        mode === "auto"
          ? outlet.send(command).then(() => {
              // An answer that comes after a newer command, or after the zones were given back, changes nothing.
              if (mode === "auto" && command.seq === seq) confirmed = command;
            })
          : (outlet.propose?.(command) ?? Promise.resolve());
      return { command, sent };
    },
    relinquish,
    onChange: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
}
