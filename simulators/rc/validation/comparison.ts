import type { BestestCase } from "#simulators/rc/validation/bestestBox";
import type { BoxYear, BoxYears } from "#simulators/rc/validation/boxYear";

/** One line: what EnergyPlus and the RC engine find for the same box, and how far apart they may be. */
export interface ComparisonRow {
  readonly name: string;
  readonly energyplus: number;
  readonly rc: number;
  readonly decimals: number;
  /** `relative`: |rc/energyplus − 1| ≤ limit; `kelvin`: |rc − energyplus| ≤ limit; null: shown only. */
  readonly limit: { readonly kind: "relative" | "kelvin"; readonly value: number } | null;
  /** Lowest and highest of the six programs in ASHRAE 140-2023, on the standard's own weather. */
  readonly published: string;
}

const annual = { kind: "relative", value: 0.15 } as const;
const extreme = { kind: "kelvin", value: 3 } as const;
const swing = { kind: "relative", value: 0.15 } as const;

interface Quantity {
  readonly of: BestestCase;
  readonly what: keyof BoxYear;
  readonly name: string;
  readonly decimals: number;
  readonly limit: ComparisonRow["limit"];
  readonly published: string;
}
const quantities: readonly Quantity[] = [
  { of: "600", what: "heatingMwh", name: "600 heating, MWh", decimals: 3, limit: annual, published: "3.993 … 4.504" },
  { of: "600", what: "coolingMwh", name: "600 cooling, MWh", decimals: 3, limit: annual, published: "5.432 … 6.162" },
  { of: "900", what: "heatingMwh", name: "900 heating, MWh", decimals: 3, limit: annual, published: "1.379 … 1.814" },
  { of: "900", what: "coolingMwh", name: "900 cooling, MWh", decimals: 3, limit: annual, published: "2.267 … 2.714" },
  { of: "600", what: "peakHeatingKw", name: "600 peak heating, kW", decimals: 2, limit: null, published: "3.02 … 3.36" },
  { of: "600", what: "peakCoolingKw", name: "600 peak cooling, kW", decimals: 2, limit: null, published: "5.42 … 6.48" },
  { of: "900", what: "peakHeatingKw", name: "900 peak heating, kW", decimals: 2, limit: null, published: "2.44 … 2.78" },
  { of: "900", what: "peakCoolingKw", name: "900 peak cooling, kW", decimals: 2, limit: null, published: "2.56 … 3.38" },
  { of: "600FF", what: "lowestC", name: "600FF lowest, °C", decimals: 1, limit: extreme, published: "−13.8 … −9.9" },
  { of: "600FF", what: "highestC", name: "600FF highest, °C", decimals: 1, limit: extreme, published: "62.4 … 68.4" },
  { of: "600FF", what: "meanC", name: "600FF mean, °C", decimals: 1, limit: extreme, published: "24.3 … 26.1" },
  { of: "900FF", what: "lowestC", name: "900FF lowest, °C", decimals: 1, limit: extreme, published: "0.6 … 2.2" },
  { of: "900FF", what: "highestC", name: "900FF highest, °C", decimals: 1, limit: extreme, published: "43.3 … 46.0" },
  { of: "900FF", what: "meanC", name: "900FF mean, °C", decimals: 1, limit: extreme, published: "24.5 … 25.7" },
];

/** Swing of the light box over swing of the heavy one, both free-floating: what the walls' heat capacity does. */
export const swingRatio = (years: BoxYears): number =>
  (years["600FF"].highestC - years["600FF"].lowestC) / (years["900FF"].highestC - years["900FF"].lowestC);

export const compareBoxes = (energyplus: BoxYears, rc: BoxYears): readonly ComparisonRow[] => [
  ...quantities.map(({ of, what, ...row }) => ({ ...row, energyplus: energyplus[of][what], rc: rc[of][what] })),
  {
    name: "swing 600FF over 900FF",
    energyplus: swingRatio(energyplus),
    rc: swingRatio(rc),
    decimals: 2,
    limit: swing,
    published: "1.77 (EnergyPlus)",
  },
];

/** How far the RC engine is from EnergyPlus, in the measure of the row's limit (relative where it has none). */
export const distance = ({ energyplus, rc, limit }: ComparisonRow): number =>
  limit?.kind === "kelvin" ? rc - energyplus : rc / energyplus - 1;
export const isWithin = (row: ComparisonRow): boolean => row.limit === null || Math.abs(distance(row)) <= row.limit.value;

const signed = (value: number, decimals: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(decimals)}`;
const number = (value: number, decimals: number): string => value.toFixed(decimals).replace("-", "−");

/** A line of the table in docs/validation.md. */
export function comparisonLine(row: ComparisonRow): string {
  const kelvin = row.limit?.kind === "kelvin";
  const cells = [
    row.name,
    number(row.energyplus, row.decimals),
    number(row.rc, row.decimals),
    kelvin ? `${signed(distance(row), 1)} K` : `${signed(100 * distance(row), 1)} %`,
    row.limit === null ? "–" : kelvin ? `±${row.limit.value} K` : `±${100 * row.limit.value} %`,
    row.published,
  ];
  return `| ${cells.join(" | ")} |`;
}
export const comparisonHead = [
  "| | EnergyPlus | isotherm | difference | limit | published programs |",
  "| --- | --- | --- | --- | --- | --- |",
];
