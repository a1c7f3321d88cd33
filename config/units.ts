import type { Unit } from "mathjs";
import { mathjs } from "#math/mathjsBundle";

const { unit } = mathjs;

/** Most characters of a quantity; longer ones are nobody's typing. */
const MAX_LENGTH = 60;

interface Dimension {
  /** Canonical unit as mathjs spells it. */
  readonly canonical: string;
  /** For messages: what the field wants, and how to write one. */
  readonly what: string;
  readonly example: string;
  /** Money per something: an ISO 4217 code may stand after the number. */
  readonly money?: boolean;
  /** True where a bare number is taken as the canonical unit. */
  readonly bare?: boolean;
}

/** Kinds of quantities in a site file, each with the one unit that the program computes in. The key is the unit suffix of names in the code. */
export const dimensions = {
  C: { canonical: "degC", what: "a temperature", example: "21 degC" },
  K: { canonical: "K", what: "a temperature difference", example: "0.5 K" },
  W: { canonical: "W", what: "a power", example: "12 kW" },
  Kw: { canonical: "kW", what: "a power", example: "12 kW" },
  Kwh: { canonical: "kWh", what: "an energy", example: "3.5 kWh" },
  S: { canonical: "s", what: "a duration", example: "15 min" },
  M2: { canonical: "m^2", what: "an area", example: "30 m^2" },
  Wm2: { canonical: "W/m^2", what: "an irradiance", example: "500 W/m^2" },
  Mps: { canonical: "m/s", what: "a speed", example: "3 m/s" },
  Pa: { canonical: "Pa", what: "a pressure", example: "25 Pa" },
  Kg: { canonical: "kg", what: "a mass", example: "10 kg" },
  KgPerKwh: { canonical: "kg/kWh", what: "a carbon intensity", example: "0.4 kg/kWh" },
  PerKwh: { canonical: "1/kWh", what: "an energy price", example: "0.12 EUR/kWh", money: true },
  PerKw: { canonical: "1/kW", what: "a demand charge", example: "15 EUR/kW", money: true },
  PerKh: { canonical: "1/(K hour)", what: "a price of discomfort", example: "2 EUR/Kh", money: true },
  PerTonne: { canonical: "1/tonne", what: "a price of emissions", example: "50 EUR/t", money: true },
  PerK: { canonical: "1/K", what: "a price per kelvin", example: "0.1 EUR/K", money: true },
  Fraction: { canonical: "", what: "a fraction", example: "0.9 or 90 %", bare: true },
  Pct: { canonical: "%", what: "a percentage", example: "50 %" },
  Ppm: { canonical: "ppm", what: "a concentration", example: "800 ppm" },
  Count: { canonical: "", what: "a count", example: "12", bare: true },
} as const satisfies Record<string, Dimension>;
export type UnitSuffix = keyof typeof dimensions;
const dimensionOf = (suffix: UnitSuffix): Dimension => dimensions[suffix];

export type Quantity =
  | { readonly ok: true; readonly value: number; readonly currency: string | null }
  | { readonly ok: false; readonly problem: string; readonly todo: string };

/** Spellings that people use and mathjs lacks or reads as something else. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["°C", "degC"],
  ["℃", "degC"],
  ["°F", "degF"],
  ["℉", "degF"],
  ["d", "day"],
  ["m2", "m^2"],
  ["m²", "m^2"],
  ["ft2", "ft^2"],
  ["ft²", "ft^2"],
  ["W/m2", "W/m^2"],
  ["W/m²", "W/m^2"],
  ["mph", "mi/h"],
  ["/Kh", "/(K hour)"],
  ["/(K h)", "/(K hour)"],
  ["/t", "/tonne"],
]);
/** A person who writes one of these means a temperature; mathjs reads coulomb, farad. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map([
  ["C", "degC"],
  ["F", "degF"],
  ["c", "degC"],
  ["f", "degF"],
  ["deg", "degC"],
  ["celsius", "degC"],
  ["fahrenheit", "degF"],
]);
/** Shares of one, apart from mathjs: its % is an operator. */
const SHARES: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["%", 0.01],
  ["ppm", 1e-6],
]);
const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)$/su;
/** Letters, degree signs, powers, products and quotients: nothing that adds a second quantity. */
const UNIT_TEXT = /^[\p{L}°℃℉%²³/*^()\d\s-]*$/u;
/** A digit belongs to a power, or it is a second number. */
const SECOND_NUMBER = /(?<!\^-?)\d/;

const shown = (input: unknown): string => {
  const text =
    typeof input === "string" ? JSON.stringify(input) : String(typeof input === "object" && input !== null ? JSON.stringify(input) : input);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

/** One value of a mathjs unit in the canonical unit; differences lose the offset of °C and °F. Null where the units do not fit. */
function convert(value: number, unitText: string, suffix: UnitSuffix): number | null {
  const { canonical } = dimensionOf(suffix);
  const inverse = unitText.startsWith("/") ? `1${unitText}` : null;
  try {
    // mathjs reads "1/kWh" as a unit only with its number in one text.
    const of = (x: number): Unit => (inverse === null ? unit(x, unitText) : unit(`${x} ${unitText}`));
    const target = canonical.startsWith("1/") ? unit(canonical) : null;
    if (target !== null)
      return of(value).equalBase(target) ? Number(of(value).toSI().toNumeric()) / Number(target.toSI().toNumeric()) : null;
    if (suffix === "K") return of(value).toNumber("K") - of(0).toNumber("K");
    return of(value).toNumber(canonical);
  } catch {
    // mathjs throws for an unknown unit and for one of another dimension alike; the caller says what would be right.
    return null;
  }
}

function convertShare(value: number, unitText: string, suffix: UnitSuffix): number | null {
  if (suffix === "Count") return unitText === "" ? value : null;
  const share = SHARES.get(unitText);
  const canonical = SHARES.get(dimensionOf(suffix).canonical);
  return share === undefined || canonical === undefined ? null : (value * share) / canonical;
}

const isShare = (suffix: UnitSuffix): boolean => suffix === "Fraction" || suffix === "Pct" || suffix === "Ppm" || suffix === "Count";
/** 68 degF is 20 °C, not 19.999999999999996: rounds to 12 significant digits, far below any sensor. */
const tidy = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(12)));

/**
 * Reads one quantity with its unit, such as `68 degF` or `15 min`, into the canonical unit of its suffix. A bare number is accepted only for fractions and
 * counts; a sum of quantities never (mathjs makes 8 degC of `5 degC + 3 degC`). A difference field (K) takes `0.5 K`, `0.5 degC` and `0.9 degF` as
 * differences; a temperature field (C) takes degC, degF and K as temperatures. NaN, infinities and unknown units come back as a problem in words.
 */
export function readQuantity(input: unknown, suffix: UnitSuffix): Quantity {
  const dimension = dimensionOf(suffix);
  const refuse = (problem: string, todo = `Write ${dimension.what} such as ${dimension.example}.`): Quantity => ({
    ok: false,
    problem,
    todo,
  });
  if (typeof input === "number" && Number.isFinite(input)) {
    if (dimension.bare === true) return { ok: true, value: input, currency: null };
    return refuse(`${input} has no unit`, `Write ${dimension.what} with its unit, such as ${dimension.example}.`);
  }
  if (typeof input !== "string") return refuse(`${shown(input)} is not ${dimension.what}`);
  const text = input.trim();
  if (text.length > MAX_LENGTH) return refuse(`${shown(text)} is not ${dimension.what}`);
  const match = QUANTITY.exec(text);
  if (match === null || !UNIT_TEXT.test(match[2]))
    return refuse(`${shown(text)} is not ${dimension.what}`, `Write one number and one unit, such as ${dimension.example}.`);
  const value = Number(match[1]);
  let unitText = match[2].trim();
  let currency: string | null = null;
  if (dimension.money === true) {
    currency = /^[A-Z]{3}(?=\s*\/)/.exec(unitText)?.[0] ?? null;
    unitText = unitText.slice(currency?.length ?? 0).trim();
    if (unitText !== "" && !unitText.startsWith("/")) return refuse(`${shown(text)} is not ${dimension.what}`);
  }
  unitText = ALIASES.get(unitText) ?? unitText;
  if (unitText === "" && dimension.bare !== true)
    return refuse(`${shown(text)} has no unit`, `Write ${dimension.what} with its unit, such as ${dimension.example}.`);
  if (SECOND_NUMBER.test(unitText))
    return refuse(`${shown(text)} is not ${dimension.what}`, `Write one number and one unit, such as ${dimension.example}.`);
  const lookalike = suffix === "C" || suffix === "K" ? LOOKALIKES.get(unitText) : undefined;
  if (lookalike !== undefined) return refuse(`"${unitText}" in ${shown(text)} is not a temperature unit`, `Write ${value} ${lookalike}.`);
  const converted = isShare(suffix) ? convertShare(value, unitText, suffix) : convert(value, unitText, suffix);
  if (converted === null) return refuse(`${shown(text)} is not ${dimension.what}`);
  if (!Number.isFinite(converted)) return refuse(`${shown(text)} is not a finite number`);
  return { ok: true, value: tidy(converted), currency };
}

/** How a sensor's number becomes the canonical one: canonical = factor · number + offset. */
export interface UnitConversion {
  readonly factor: number;
  readonly offset: number;
}

/** The affine conversion from a sensor's unit (`degF`, `kW`, `%`) to a canonical unit; null where the unit is unknown or of another dimension. */
export function unitConversion(unitText: string, suffix: UnitSuffix): UnitConversion | null {
  const at = (x: number): number | null => {
    const quantity = readQuantity(`${x} ${unitText}`, suffix);
    return quantity.ok ? quantity.value : null;
  };
  const zero = at(0);
  const thousand = at(1000);
  if (zero === null || thousand === null) return null;
  return { factor: tidy((thousand - zero) / 1000), offset: zero };
}

/** Longest first, so that `Wm2` is not taken for `M2` nor `PerKwh` for `Kwh`. */
const SUFFIXES = (Object.keys(dimensions) as UnitSuffix[]).sort((a, b) => b.length - a.length);

/** The unit suffix of a point or quantity name (`space1.zoneAirTempC` → `C`); null where it has none. */
export function unitSuffixOf(name: string): UnitSuffix | null {
  return SUFFIXES.find((suffix) => name.endsWith(suffix) && /[a-z0-9]$/.test(name.slice(0, -suffix.length))) ?? null;
}
