import { configurationError } from "#domain/errors";
import { fiveZoneOffice } from "#simulators/rc/buildings/fiveZoneOffice";
import type { BuildingDescription } from "#simulators/rc/description";

/** What `--list-buildings` shows. */
export const bundledBuildings: readonly BuildingDescription[] = [fiveZoneOffice];

/** A bundled building by id; anything else gets an `IsothermError` (configuration). */
export function loadBuilding(id: string): BuildingDescription {
  const building = bundledBuildings.find((known) => known.id === id);
  if (building === undefined)
    throw configurationError(`there is no building "${id}"`, {
      todo: `Name one of ${bundledBuildings.map((known) => known.id).join(", ")}.`,
    });
  return building;
}
