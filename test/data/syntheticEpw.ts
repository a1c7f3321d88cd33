/** A small-town year with smooth, known values in EPW form, with the variations that real files show. */
export interface SyntheticEpwOptions {
  readonly location?: string;
  readonly timeZoneH?: number;
  readonly dataPeriods?: string;
  readonly comment?: string;
  readonly minute?: string;
  readonly lineEnd?: string;
  readonly leap?: boolean;
  readonly year?: (month: number) => number;
  /** Replaces single cells: zero-based field and row; undefined keeps the value. */
  readonly cell?: (field: number, row: number) => string | undefined;
  /** Constant weather instead of the smooth year. */
  readonly constant?: {
    readonly tempC: number;
    readonly globalWm2?: number;
    readonly directWm2?: number;
    readonly diffuseWm2?: number;
    readonly infraredWm2?: number;
  };
}
export function syntheticEpw(options: SyntheticEpwOptions = {}): string {
  const timeZoneH = options.timeZoneH ?? 1;
  const lines = [
    options.location ?? `LOCATION,Testville,,TST,synthetic,000000,48.00,${(15 * timeZoneH).toFixed(2)},${timeZoneH.toFixed(1)},200.0`,
    "DESIGN CONDITIONS,0",
    "TYPICAL/EXTREME PERIODS,0",
    "GROUND TEMPERATURES,1,.5,,,,2.1,1.2,2.8,5.3,11.8,16.8,20.1,21.2,19.4,15.5,10.3,5.5",
    "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
    options.comment ?? "COMMENTS 1,made for tests",
    "COMMENTS 2,",
    options.dataPeriods ?? "DATA PERIODS,1,1,Data,Sunday,1/1,12/31",
  ];
  const days = options.leap ? 366 : 365;
  const startMs = Date.UTC(options.leap ? 1992 : 1991, 0, 1);
  for (let row = 0; row < days * 24; row++) {
    const date = new Date(startMs + row * 3_600_000);
    const month = date.getUTCMonth() + 1;
    const hour = date.getUTCHours() + 1;
    const season = -Math.cos((2 * Math.PI * row) / (days * 24));
    const sun = Math.max(0, Math.sin(((hour - 6.5) / 12) * Math.PI));
    const tempC = 10 + 12 * season + 4 * Math.sin(((hour - 9) / 12) * Math.PI);
    const dewC = tempC - 5;
    const humidity = (100 * Math.exp((17.62 * dewC) / (243.12 + dewC))) / Math.exp((17.62 * tempC) / (243.12 + tempC));
    const c = options.constant;
    const cells = Array.from({ length: 35 }, () => "0");
    Object.assign(cells, {
      0: String(options.year?.(month) ?? 1999),
      1: String(month),
      2: String(date.getUTCDate()),
      3: String(hour),
      4: options.minute ?? "0",
      5: "?9?9?9?9E0?9?9?9?9?9?9?9?9?9?9?9?9?9?9?9*9*9?9*9*9",
      6: (c?.tempC ?? tempC).toFixed(2),
      7: (c === undefined ? dewC : c.tempC - 5).toFixed(2),
      8: humidity.toFixed(1),
      9: "99000",
      12: String(Math.round(c === undefined ? 300 + 4 * tempC : (c.infraredWm2 ?? 5.670374e-8 * (c.tempC + 273.15) ** 4))),
      13: String(c === undefined ? Math.round(sun * (400 + 200 * season)) : (c.globalWm2 ?? 0)),
      14: String(c === undefined ? Math.round(sun * 500) : (c.directWm2 ?? 0)),
      15: String(c === undefined ? Math.round(sun * 120) : (c.diffuseWm2 ?? 0)),
      20: "190",
      21: (3 + 2 * Math.sin(row / 50)).toFixed(1),
      22: "5",
    });
    if (options.cell) for (let field = 0; field < cells.length; field++) cells[field] = options.cell(field, row) ?? cells[field]!;
    lines.push(cells.join(","));
  }
  return lines.join(options.lineEnd ?? "\r\n");
}
