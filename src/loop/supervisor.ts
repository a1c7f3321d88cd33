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
  /** Why, in the person's words. */
  readonly reason?: string;
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
  /** Zones with a mode of their own. */
  readonly zoneModes?: Readonly<Record<string, ControlMode>>;
  readonly overrides: readonly Override[];
  readonly seq: number;
}

export interface Supervisor {
  /** The building's mode: of every zone that has none of its own. */
  readonly mode: ControlMode;
  readonly epoch: number;
  /** What counts in a zone: its own mode or the building's, and at most shadow while standing by. */
  modeOf(zone: string): ControlMode;
  /** Zones with a mode of their own. */
  readonly zoneModes: ReadonlyMap<string, ControlMode>;
  /** Sets the mode of the building and of all its zones. Zones that leave auto are given back to the building's own control, at once. */
  setMode(mode: ControlMode, nowMs: number): Promise<void>;
  /** Sets the mode of one zone (null: the building's again). An unknown zone is refused with an `IsothermError` (configuration). */
  setZoneMode(zone: string, mode: ControlMode | null, nowMs: number): Promise<void>;
  /** While another process commands the building nothing is sent, not even to give zones back: auto counts as shadow. */
  standBy(other: boolean): void;
  /** Goes on under a greater epoch, with its numbers from 1; a smaller or the same one changes nothing. */
  setEpoch(epoch: number): void;
  /** Refused with an `IsothermError` (configuration) for an unknown zone, setpoints that are no ordered numbers, or an end that has passed. */
  override(override: Omit<Override, "sinceMs">, nowMs: number): void;
  release(zone: string): boolean;
  /** Overrides that stand at `nowMs`; expired ones are dropped. They act in auto only. */
  overrides(nowMs: number): ReadonlyMap<string, Override>;
  /** Setpoints of the last command that was sent for certain and is still valid; empty otherwise. */
  inForce(nowMs: number): ReadonlyMap<string, ZoneSetpoints>;
  /** Numbers a command and sends it to the zones in auto, proposes it in those in shadow; zones that are off are left out. The number is used up whether or not sending works; a failure to send rejects. */
  command(
    zones: ReadonlyMap<string, ZoneSetpoints>,
    source: ControlSource,
    nowMs: number,
  ): { readonly command: SetpointCommand; readonly sent: Promise<void> };
  /**
   * From now on commands leave these zones out, and only these: nobody knows what they need. Those in auto are given back once; where that cannot be sent it rejects, and the
   * next call tries again (what they obey expires meanwhile). Unknown zones are ignored.
   */
  withdraw(zones: Iterable<string>, nowMs: number): Promise<void>;
  /** Gives back every zone that is in auto: at the end of the process. */
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

interface Confirmed {
  readonly pair: ZoneSetpoints;
  readonly validUntilMs: number;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { zones, outlet } = options;
  let { epoch } = options;
  let mode: ControlMode = options.initial?.mode ?? "auto";
  let standingBy = false;
  let seq = options.initial?.seq ?? 0;
  const zoneModes = new Map(Object.entries(options.initial?.zoneModes ?? {}).filter(([zone]) => zones.includes(zone)));
  const confirmed = new Map<string, Confirmed>();
  /** The last command that concerned each zone. */
  const newest = new Map<string, SetpointCommand>();
  const overrides = new Map((options.initial?.overrides ?? []).filter(({ zone }) => zones.includes(zone)).map((o) => [o.zone, o]));
  const withdrawn = new Set<string>();
  /** Of those, the ones whose device has been told. */
  const told = new Set<string>();
  const handlers = new Set<(state: SupervisorState) => void>();
  const changed = (): void => {
    const state = { mode, zoneModes: Object.fromEntries(zoneModes), overrides: [...overrides.values()], seq };
    for (const handler of handlers) handler(state);
  };
  const modeOf = (zone: string): ControlMode => {
    const own = zoneModes.get(zone) ?? mode;
    return standingBy && own === "auto" ? "shadow" : own;
  };
  const inMode = (wanted: ControlMode): readonly string[] => zones.filter((zone) => modeOf(zone) === wanted);
  const number = (pairs: ReadonlyMap<string, ZoneSetpoints>, source: ControlSource, nowMs: number): SetpointCommand => {
    seq += 1;
    const command = { epoch, seq, issuedAtMs: nowMs, validUntilMs: nowMs + options.commandValidityS * 1000, zones: pairs, source };
    for (const zone of pairs.keys()) newest.set(zone, command);
    changed();
    return command;
  };
  const giveBack = async (which: readonly string[], nowMs: number): Promise<void> => {
    if (which.length === 0) return;
    // The pairs are only shown: a command of this source carries no setpoints to a device.
    const shown = new Map(which.map((zone) => [zone, confirmed.get(zone)?.pair ?? { heatingSetpointC: 16, coolingSetpointC: 32 }]));
    for (const zone of which) confirmed.delete(zone);
    await outlet.send(number(shown, "relinquish", nowMs));
  };
  const changeModes = async (change: () => void, nowMs: number): Promise<void> => {
    const before = inMode("auto");
    change();
    changed();
    await giveBack(
      before.filter((zone) => modeOf(zone) !== "auto"),
      nowMs,
    );
  };
  const only = (command: SetpointCommand, wanted: ControlMode): SetpointCommand => ({
    ...command,
    zones: new Map([...command.zones].filter(([zone]) => modeOf(zone) === wanted)),
  });
  const sendAuto = async (command: SetpointCommand): Promise<void> => {
    if (command.zones.size === 0) return;
    await outlet.send(command);
    for (const [zone, pair] of command.zones) {
      // An answer that comes after a newer command, or after the zone was given back, changes nothing.
      const last = newest.get(zone);
      if (modeOf(zone) !== "auto" || last?.seq !== command.seq || last.epoch !== command.epoch) continue;
      confirmed.set(zone, { pair, validUntilMs: command.validUntilMs });
    }
  };
  const refuse = (message: string, todo: string): IsothermError => new IsothermError("configuration", message, { todo });
  const knownZone = (zone: string): void => {
    if (!zones.includes(zone)) throw refuse(`there is no zone "${zone}"`, `The zones are ${zones.join(", ")}.`);
  };

  return {
    get mode() {
      return mode;
    },
    get epoch() {
      return epoch;
    },
    modeOf,
    get zoneModes() {
      return new Map(zoneModes);
    },
    setMode: async (next, nowMs) => {
      if (next === mode && zoneModes.size === 0) return;
      await changeModes(() => {
        mode = next;
        zoneModes.clear();
      }, nowMs);
    },
    setZoneMode: async (zone, next, nowMs) => {
      knownZone(zone);
      if ((zoneModes.get(zone) ?? null) === next) return;
      await changeModes(() => {
        if (next === null) zoneModes.delete(zone);
        else zoneModes.set(zone, next);
      }, nowMs);
    },
    standBy: (other) => {
      if (other === standingBy) return;
      standingBy = other;
      confirmed.clear();
    },
    setEpoch: (next) => {
      if (!(next > epoch)) return;
      epoch = next;
      seq = 0;
    },
    override: ({ zone, setpoints, untilMs, by, reason }, nowMs) => {
      knownZone(zone);
      const { heatingSetpointC, coolingSetpointC } = setpoints;
      if (!Number.isFinite(heatingSetpointC) || !Number.isFinite(coolingSetpointC) || heatingSetpointC >= coolingSetpointC)
        throw refuse(
          `${heatingSetpointC}/${coolingSetpointC} °C is not a heating setpoint below a cooling setpoint`,
          "Give two numbers in °C.",
        );
      if (untilMs !== null && !(untilMs > nowMs)) throw refuse("the override would have ended already", "Give an end in the future.");
      const why = reason === undefined || reason === "" ? {} : { reason };
      overrides.set(zone, { zone, setpoints: { heatingSetpointC, coolingSetpointC }, sinceMs: nowMs, untilMs, by, ...why });
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
    inForce: (nowMs) => new Map([...confirmed].filter(([, one]) => nowMs < one.validUntilMs).map(([zone, { pair }]) => [zone, pair])),
    command: (pairs, source, nowMs) => {
      const command = number(new Map([...pairs].filter(([zone]) => modeOf(zone) !== "off" && !withdrawn.has(zone))), source, nowMs);
      const proposal = only(command, "shadow");
      const proposed = proposal.zones.size === 0 ? undefined : outlet.propose?.(proposal);
      return { command, sent: Promise.all([sendAuto(only(command, "auto")), proposed]).then(() => undefined) };
    },
    withdraw: async (which, nowMs) => {
      withdrawn.clear();
      for (const zone of which) if (zones.includes(zone)) withdrawn.add(zone);
      for (const zone of told) if (!withdrawn.has(zone)) told.delete(zone);
      const untold = inMode("auto").filter((zone) => withdrawn.has(zone) && !told.has(zone));
      await giveBack(untold, nowMs);
      for (const zone of untold) told.add(zone);
    },
    relinquish: (nowMs) => giveBack(inMode("auto"), nowMs),
    onChange: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
}
