import type { ZoneInfo } from "#dashboards/server/wire";

const sides = [
  { area: "north", pattern: /\bnorth\b|\bnord\b/i },
  { area: "west", pattern: /\bwest\b/i },
  { area: "core", pattern: /\b(?:core|interior|cent(?:er|re)|middle|plenum)\b/i },
  { area: "east", pattern: /\beast\b|\bost\b/i },
  { area: "south", pattern: /\bsouth\b|\bsüd\b/i },
] as const;

/**
 * Where each zone lies on a plan of one floor (north up), told from its label or id. Null unless every zone has one side and no side has two:
 * then tiles stay in the site's own order rather than on a plan that is wrong.
 */
export const planAreas = (zones: readonly ZoneInfo[]): ReadonlyMap<string, string> | null => {
  const areas = new Map<string, string>();
  for (const { id, label } of zones) {
    const words = `${label} ${id.replace(/[_-]/g, " ")}`;
    const matching = sides.filter(({ pattern }) => pattern.test(words));
    if (matching.length !== 1 || [...areas.values()].includes(matching[0]!.area)) return null;
    areas.set(id, matching[0]!.area);
  }
  return areas.size === sides.length ? areas : null;
};
