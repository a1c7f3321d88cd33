/** One table of EnergyPlus's `eplusout.eio`: its rows as field name (without unit, lower case) → text. */
export type EioTable = readonly ReadonlyMap<string, string>[];

const fieldName = (text: string): string =>
  text
    .replace(/[{[(].*$/, "")
    .trim()
    .toLowerCase();

/** The rows of the table `! <name>,…`; empty where the file has none. Fields are found by the header's names. */
export function eioTable(text: string, name: string): EioTable {
  const key = name.toLowerCase();
  let header: readonly string[] | null = null;
  const rows: ReadonlyMap<string, string>[] = [];
  for (const line of text.split(/\r?\n/)) {
    const cells = line.split(",").map((cell) => cell.trim());
    const first = cells[0]!.toLowerCase();
    if (first === `! <${key}>`) header = cells.map(fieldName);
    else if (header !== null && first === key) rows.push(new Map(header.map((field, i) => [field, cells[i] ?? ""])));
  }
  return rows;
}

/** What the engine says of a zone: for one of its copies, multipliers apart. Absent numbers are NaN. */
export interface ZoneFacts {
  readonly floorAreaM2: number;
  readonly volumeM3: number;
  readonly multiplier: number;
  /** Design loads of the engine's own sizing; NaN where the zone was not sized. */
  readonly designHeatingW: number;
  readonly designCoolingW: number;
}

const numberOf = (row: ReadonlyMap<string, string> | undefined, field: string): number => {
  const text = row?.get(field) ?? "";
  return text === "" ? Number.NaN : Number(text);
};

/** Floor area, volume and design loads of the named zones from the text of `eplusout.eio`. */
export function zoneFacts(text: string, zones: readonly string[]): ZoneFacts[] {
  const zoneRows = eioTable(text, "Zone Information");
  const sizes = eioTable(text, "Zone Sizing Information");
  const same = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();
  return zones.map((zone) => {
    const row = zoneRows.find((one) => same(one.get("zone name"), zone));
    const load = (kind: string): number =>
      numberOf(
        sizes.find((one) => same(one.get("zone name"), zone) && same(one.get("load type"), kind)),
        "calc des load",
      );
    return {
      floorAreaM2: numberOf(row, "floor area"),
      volumeM3: numberOf(row, "volume"),
      multiplier: numberOf(row, "zone multiplier") * numberOf(row, "zone list multiplier"),
      designHeatingW: load("Heating"),
      designCoolingW: load("Cooling"),
    };
  });
}
