import { configurationError } from "#domain/errors";

/** Days without occupancy that people entered beside the site file's holidays: whole local days of the site, both ends included. */
export interface Closure {
  readonly id: string;
  /** YYYY-MM-DD */
  readonly first: string;
  readonly last: string;
  /** null: every zone. */
  readonly zones: readonly string[] | null;
  readonly by: string;
  readonly reason: string;
}

/** More than anybody keeps in mind; the list stays small enough to be asked for every step of every horizon. */
export const MAX_CLOSURES = 200;
const LONGEST_DAYS = 366;
const DAY_MS = 86_400_000;

export interface Closures {
  /** By their first day. */
  all(): readonly Closure[];
  of(zone: string): readonly Closure[];
  /** True where it is new, false where it was entered already (the same id). Refused with an `IsothermError` (configuration) where days are over, too many, or a zone is unknown. */
  add(closure: Closure, today: string): boolean;
  /** What was taken away; null: there is none of that id. */
  remove(id: string): Closure | null;
  onChange(handler: (all: readonly Closure[]) => void): () => void;
}

const refuse = (message: string, todo: string): never => {
  throw configurationError(message, { todo });
};

/** Keeps the days on which zones are closed beside their weekly schedule. Past ones stay until somebody takes them away: bands of the past are asked for, too. */
export const createClosures = (zones: readonly string[], initial: readonly Closure[] = []): Closures => {
  let closures = [...initial];
  let byZone = new Map<string, readonly Closure[]>();
  const handlers = new Set<(all: readonly Closure[]) => void>();
  const change = (to: readonly Closure[]): void => {
    closures = [...to].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
    byZone = new Map();
    for (const handler of [...handlers]) handler(closures);
  };
  change(initial);
  return {
    all: () => closures,
    of: (zone) => {
      let own = byZone.get(zone);
      if (own === undefined) {
        own = closures.filter((closure) => closure.zones === null || closure.zones.includes(zone));
        byZone.set(zone, own);
      }
      return own;
    },
    add: (closure, today) => {
      if (closures.some(({ id }) => id === closure.id)) return false;
      const { first, last } = closure;
      if (last < first) refuse("the last day is before the first", "Give a last day that is not before the first.");
      if (last < today) refuse(`the days are over already (today is ${today})`, "Give days that are still to come.");
      if (Date.parse(last) - Date.parse(first) > LONGEST_DAYS * DAY_MS)
        refuse(`more than ${LONGEST_DAYS} days at once`, "Enter a year at a time, or change the zone's week in the site file.");
      const unknown = closure.zones?.find((zone) => !zones.includes(zone));
      if (unknown !== undefined) refuse(`there is no zone "${unknown}"`, `Its zones are ${zones.join(", ")}.`);
      if (closure.zones?.length === 0) refuse("no zone is named", "Name at least one zone, or leave zones away for all of them.");
      if (closures.length >= MAX_CLOSURES) refuse(`${MAX_CLOSURES} entries are kept at most`, "Remove some that are over.");
      change([...closures, closure]);
      return true;
    },
    remove: (id) => {
      const found = closures.find((closure) => closure.id === id) ?? null;
      if (found !== null) change(closures.filter((closure) => closure !== found));
      return found;
    },
    onChange: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
};
