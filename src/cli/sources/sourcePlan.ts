import { createHash } from "node:crypto";
import { join } from "node:path";

/** One run of one source building. */
export interface SourceRun {
  readonly building: string;
  readonly weather: string;
  /** First day, MM-DD. */
  readonly start: string;
  readonly year: number;
  readonly days: number;
  readonly seed: number;
  /** Zones kept at most. */
  readonly zones: number;
}

/**
 * Buildings that are never sources: those that isotherm is judged on. A prior must not have seen what it is tested with, in whatever climate.
 */
export const judgedBuildings: ReadonlySet<string> = new Set([
  "five-zone-office",
  "ref2004-small-office",
  "ref2004-medium-office",
  "ashrae2019-office-small",
  "ashrae2019-office-medium",
]);

/** Far apart, cold to hot, dry and humid; the other cities stay unseen, so that a prior from these may be judged there. */
export const sourceClimates = ["colorado-springs", "university-of-illinois", "sterling", "las-vegas", "miami", "san-francisco"] as const;
export const sourceStarts = ["01-15", "07-15", "04-15", "10-15"] as const;

/**
 * Runs of every building: `perBuilding` of the climates × starts, spread evenly. Each building sees every start before one comes again, in two
 * climates half the list apart; the next building begins one climate further. All of them where `perBuilding` is null. Buildings take turns.
 */
export function planSources(
  buildings: readonly string[],
  weathers: readonly string[],
  starts: readonly string[],
  perBuilding: number | null,
  common: Pick<SourceRun, "year" | "days" | "seed" | "zones">,
): SourceRun[] {
  const every = weathers.length * starts.length;
  const count = Math.min(perBuilding ?? every, every);
  const apart = Math.max(1, Math.floor(weathers.length / 2));
  const byBuilding = buildings.map((building, b) => {
    const order: { readonly weather: string; readonly start: string }[] = [];
    const taken = new Set<string>();
    for (let round = 0; order.length < count; round++) {
      for (let s = 0; s < starts.length && order.length < count; s++) {
        // Past the first two climates the rest follow one by one.
        for (let shift = 0; shift < weathers.length; shift++) {
          const weather = weathers[(b + apart * ((s + round) % 2) + shift) % weathers.length]!;
          const key = `${weather}/${starts[s]}`;
          if (taken.has(key)) continue;
          taken.add(key);
          order.push({ weather, start: starts[s]! });
          break;
        }
      }
    }
    return order.map((one) => ({ building, ...one, ...common }));
  });
  // Every building's first run, then every second: what is there early is of all kinds.
  return Array.from({ length: count }, (_, j) => byBuilding.map((runs) => runs[j]!)).flat();
}

export const runName = ({ building, weather, start }: SourceRun): string => `${building}/${weather}-${start}`;
export const dataFileOf = (folder: string, run: SourceRun): string => join(folder, `${runName(run)}.csv.gz`);
export const factsFileOf = (folder: string, run: SourceRun): string => join(folder, `${runName(run)}.json`);

/** Stream of random numbers of a text: other runs draw other setpoints. */
export const streamOf = (text: string): number => Number.parseInt(createHash("sha256").update(text).digest("hex").slice(0, 12), 16);
