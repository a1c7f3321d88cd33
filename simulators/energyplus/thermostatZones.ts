import { configurationError } from "#domain/errors";
import { type EpModel, objectsOf } from "#simulators/energyplus/modelFile";

export interface ThermostatZone {
  /** Legal in point names and unique: the name in lower case. */
  readonly id: string;
  /** As the model writes it. */
  readonly name: string;
}

/** Entities of points that are no zones. */
const reservedIds = new Set(["site", "building"]);

/**
 * The zones that a `ZoneControl:Thermostat` controls, in the order of the model's zones: named directly, by a ZoneList, a Space or a SpaceList.
 * A model without any is refused (configuration).
 */
export function thermostatZones(model: EpModel, file: string): ThermostatZone[] {
  const lower = (value: unknown): string => String(value ?? "").toLowerCase();
  const named = (className: string): Map<string, Record<string, unknown>> =>
    new Map(Object.entries(objectsOf(model, className)).map(([name, fields]) => [name.toLowerCase(), fields]));
  const zoneNames = new Map(Object.keys(objectsOf(model, "Zone")).map((name) => [name.toLowerCase(), name]));
  const zoneLists = named("ZoneList");
  const spaces = named("Space");
  const spaceLists = named("SpaceList");
  const members = (list: Record<string, unknown>, field: string, entry: string): string[] =>
    ((list[field] ?? []) as Record<string, unknown>[]).map((item) => lower(item[entry]));
  const zonesOf = (target: string): string[] => {
    if (zoneNames.has(target)) return [target];
    const zoneList = zoneLists.get(target);
    if (zoneList !== undefined) return members(zoneList, "zones", "zone_name").flatMap(zonesOf);
    const space = spaces.get(target);
    if (space !== undefined) return zonesOf(lower(space.zone_name));
    const spaceList = spaceLists.get(target);
    if (spaceList !== undefined) return members(spaceList, "spaces", "space_name").flatMap(zonesOf);
    return [];
  };
  const controlled = new Set(
    Object.values(objectsOf(model, "ZoneControl:Thermostat")).flatMap((thermostat) => zonesOf(lower(thermostat.zone_or_zonelist_name))),
  );
  const taken = new Set<string>(reservedIds);
  const zones = [...zoneNames].filter(([key]) => controlled.has(key)).map(([, name]) => ({ id: idOf(name, taken), name }));
  if (zones.length > 0) return zones;
  const hasTemplates = Object.keys(model).some((name) => /^hvactemplate:/i.test(name));
  throw configurationError("no zone of this model has a thermostat (ZoneControl:Thermostat), so there is nothing to control", {
    place: { file },
    todo: hasTemplates
      ? "Its equipment is written as HVACTemplate objects: expand them with EnergyPlus's ExpandObjects first."
      : "Choose a model with thermostats, or add them.",
  });
}

function idOf(name: string, taken: Set<string>): string {
  const stem =
    name
      .toLowerCase()
      .normalize("NFKD")
      .replace(/[^a-z0-9_-]+/g, "-")
      .replace(/^-+|-+$/g, "") || "zone";
  let id = stem;
  for (let n = 2; taken.has(id); n++) id = `${stem}-${n}`;
  taken.add(id);
  return id;
}
