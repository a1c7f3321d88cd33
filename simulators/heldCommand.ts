import { IsothermError } from "#domain/errors";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";

/** What a plant goes on obeying until it runs out. */
export interface HeldCommand {
  readonly validUntilMs: number;
  readonly zones: ReadonlyMap<string, ZoneSetpoints>;
}

/** The command as a plant of these zones keeps it; null where it gives them back. Unknown zones and impossible pairs throw (permanent). */
export function heldCommand(command: SetpointCommand, zones: readonly string[]): HeldCommand | null {
  for (const [zone, { heatingSetpointC, coolingSetpointC }] of command.zones) {
    if (!zones.includes(zone))
      throw new IsothermError("permanent", `the command names the zone "${zone}"; this building has ${zones.join(", ")}`);
    if (!Number.isFinite(heatingSetpointC) || !Number.isFinite(coolingSetpointC) || heatingSetpointC > coolingSetpointC)
      throw new IsothermError(
        "permanent",
        `setpoints ${heatingSetpointC}/${coolingSetpointC} °C for ${zone} are not a heating setpoint below a cooling setpoint`,
      );
  }
  return command.source === "relinquish" ? null : { validUntilMs: command.validUntilMs, zones: new Map(command.zones) };
}
