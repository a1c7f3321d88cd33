import { configurationError } from "#domain/errors";
import { readBuildingFile } from "#simulators/rc/buildingFile";
import { fiveZoneOffice } from "#simulators/rc/buildings/fiveZoneOffice";
import { slowHouse } from "#simulators/rc/buildings/slowHouse";
import type { BuildingDescription } from "#simulators/rc/description";

/** What `--list-buildings` shows. */
export const bundledBuildings: readonly BuildingDescription[] = [fiveZoneOffice, slowHouse];

/** A bundled building by id, or a description from a YAML or JSON file; anything else gets an `IsothermError` (configuration). */
export function loadBuilding(idOrFile: string): BuildingDescription {
  const building = bundledBuildings.find((known) => known.id === idOrFile);
  if (building !== undefined) return building;
  const todo = `Name one of ${bundledBuildings.map((known) => known.id).join(", ")}, or a description file that ends in .yaml, .yml or .json.`;
  if (!/\.(ya?ml|json)$/i.test(idOrFile)) throw configurationError(`there is no building "${idOrFile}"`, { todo });
  return readBuildingFile(idOrFile, todo);
}
