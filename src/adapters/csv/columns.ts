import { configurationError } from "#domain/errors";
import { buildingQuantities, type PointName, siteQuantities, zoneQuantities } from "#domain/points";

/** What is done with one column of a file. */
export type ColumnUse =
  | { readonly kind: "time" }
  | { readonly kind: "point"; readonly point: PointName; readonly factor: number }
  | { readonly kind: "ignored" };

const TIME_NAMES: readonly string[] = ["time", "stepEnd"];
const isOneOf = (names: readonly string[], name: string): boolean => names.includes(name);

/** The point a column name stands for; null where it is no canonical name. Kilowatts become watts. */
function pointOf(name: string, zone: string, lowerCase: boolean): { readonly point: PointName; readonly factor: number } | null {
  const kilowatts = name === "hvacPowerKw" || name.endsWith(".hvacPowerKw");
  const quantity = kilowatts ? name.replace(/hvacPowerKw$/, "hvacPowerW") : name;
  const factor = kilowatts ? 1000 : 1;
  const dot = quantity.indexOf(".");
  if (dot > 0 && dot < quantity.length - 1) {
    const entity = lowerCase ? quantity.slice(0, dot).toLowerCase() : quantity.slice(0, dot);
    return { point: `${entity}.${quantity.slice(dot + 1)}`, factor };
  }
  if (isOneOf(zoneQuantities, quantity)) return { point: `${zone}.${quantity}`, factor };
  if (isOneOf(siteQuantities, quantity)) return { point: `site.${quantity}`, factor };
  if (isOneOf(buildingQuantities, quantity)) return { point: `building.${quantity}`, factor };
  return null;
}

export interface ColumnOptions {
  /** Column name → canonical name: `time`, a point (`lobby.zoneAirTempC`), or a bare quantity. */
  readonly map?: Readonly<Record<string, string>>;
  /** Zone of bare zone quantities; default `zone`. */
  readonly zone?: string;
  /** Points that must be there. */
  readonly require?: readonly PointName[];
}

/** Decides what each column of a header is. Refused with file and line 1: no time, two columns for one point, a mapped or required one that is not there. */
export function useColumns(header: readonly string[], options: ColumnOptions, file: string): readonly ColumnUse[] {
  const place = { place: { file, line: 1 } };
  const map = options.map ?? {};
  const names = header.map((name) => name.trim());
  const listed = names.length > 0 ? `Its columns are: ${names.join(", ").slice(0, 500)}.` : "";
  for (const column of Object.keys(map))
    if (!names.includes(column))
      throw configurationError(`There is no column "${column}" to map. ${listed}`, { ...place, todo: "Name a column of the file." });
  const taken = new Map<string, string>();
  const uses = names.map((name): ColumnUse => {
    const mapped = Object.hasOwn(map, name) ? map[name]! : undefined;
    const target = mapped ?? name;
    let use: ColumnUse;
    if (isOneOf(TIME_NAMES, target)) use = { kind: "time" };
    else {
      const found = pointOf(target, options.zone ?? "zone", mapped === undefined);
      if (found === null && mapped !== undefined)
        throw configurationError(`"${mapped}", which column "${name}" is mapped to, is no point.`, {
          ...place,
          todo: "Map to time, to <entity>.<quantity> (lobby.zoneAirTempC), or to a known quantity (zoneAirTempC).",
        });
      use = found === null ? { kind: "ignored" } : { kind: "point", ...found };
    }
    if (use.kind === "ignored") return use;
    const key = use.kind === "time" ? "time" : use.point;
    const before = taken.get(key);
    if (before !== undefined)
      throw configurationError(`Columns "${before}" and "${name}" are both ${key}.`, {
        ...place,
        todo: "Remove or rename one of them, or map one elsewhere.",
      });
    taken.set(key, name);
    return use;
  });
  if (!taken.has("time"))
    throw configurationError(`There is no time column. ${listed}`, { ...place, todo: 'Name it "time", or map one: --map Timestamp=time.' });
  const missing = (options.require ?? []).filter((point) => !taken.has(point));
  if (missing.length > 0)
    throw configurationError(`Missing: ${missing.join(", ")}. ${listed}`, {
      ...place,
      todo: `Add the columns, or map them: --map "Column name=${missing[0]}".`,
    });
  if (![...taken.keys()].some((key) => key !== "time"))
    throw configurationError(`There is no column that isotherm knows besides the time. ${listed}`, {
      ...place,
      todo: "Map columns to points: --map Temp=lobby.zoneAirTempC.",
    });
  return uses;
}
