const KWH: Readonly<Record<string, number>> = { Wh: 1e-3, kWh: 1, MWh: 1e3, GWh: 1e6 };
const KG: Readonly<Record<string, number>> = { g: 1e-3, kg: 1, t: 1e3, lb: 0.45359237 };
/** Hundredths of a currency, as price lists write them. */
const CENTS = /^(?:ct|cents?|c|p|pence|öre|øre|ore)$/iu;

export interface RateUnit {
  /** Of one such unit in currency/kWh or kg/kWh. */
  readonly factor: number;
  /** ISO 4217 code, where one is written. */
  readonly currency: string | null;
}

/** The factor of a unit of prices per energy (`EUR/MWh` 0.001, `ct/kWh` 0.01, `/kWh` 1) or of carbon intensities (`g/kWh` 0.001, `lb/MWh`); null where it is no such unit. */
export const rateUnit = (unit: string, kind: "price" | "intensity"): RateUnit | null => {
  const match = /^([^/]*?)\s*\/\s*(Wh|kWh|MWh|GWh)$/u.exec(unit.trim());
  const kwh = KWH[match?.[2] ?? ""];
  if (match === null || kwh === undefined) return null;
  const above = match[1] ?? "";
  if (kind === "intensity") {
    const mass = above.replace(/\s*CO2(e|eq)?$/i, "");
    return Object.hasOwn(KG, mass) ? { factor: KG[mass]! / kwh, currency: null } : null;
  }
  if (CENTS.test(above)) return { factor: 0.01 / kwh, currency: null };
  if (above === "") return { factor: 1 / kwh, currency: null };
  return /^[A-Za-z]{3}$/.test(above) ? { factor: 1 / kwh, currency: above.toUpperCase() } : null;
};
