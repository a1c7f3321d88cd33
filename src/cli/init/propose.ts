import { type Guess, guessLeaf } from "#cli/init/guess";
import type { Leaf } from "#cli/init/leaves";

export interface ProposedZone {
  readonly id: string;
  readonly label: string;
  readonly temperature: Guess;
  readonly heatingSetpoint: Guess | null;
  readonly coolingSetpoint: Guess | null;
  readonly humidity: Guess | null;
  readonly people: Guess | null;
  readonly motion: Guess | null;
  readonly co2: Guess | null;
}
/** What a site file could say. */
export interface Proposal {
  readonly zones: readonly ProposedZone[];
  readonly outdoorTemperature: Guess | null;
  readonly outdoorHumidity: Guess | null;
  readonly irradiance: Guess | null;
  readonly wind: Guess | null;
  /** The building's meter. */
  readonly power: Guess | null;
  /** Meters of heating and cooling, with a name each; several are added up. */
  readonly hvacPower: readonly { readonly id: string; readonly guess: Guess }[];
  /** Numbers that look like something and have no place in it, with the reason. */
  readonly leftOut: readonly { readonly guess: Guess; readonly why: string }[];
}

const RESERVED = new Set(["site", "building"]);

/** An id of letters, digits and -, unlike those taken. */
const idOf = (place: readonly string[], taken: ReadonlySet<string>): string => {
  const plain = place
    .join("-")
    .normalize("NFKD")
    .replace(/ß/g, "ss")
    .replace(/[^a-zA-Z0-9_-]/g, "")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  const base = plain === "" || RESERVED.has(plain) ? `zone${plain === "" ? "" : `-${plain}`}` : plain;
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(id)) return id;
  }
};

const labelOf = (place: readonly string[]): string => {
  const text = place.join(" ");
  return text === "" ? "Zone" : text.charAt(0).toUpperCase() + text.slice(1);
};

const placeKey = (place: readonly string[]): string => place.join(" ");
const best = (guesses: readonly Guess[]): Guess | null =>
  guesses.reduce<Guess | null>((before, guess) => (before === null || guess.score > before.score ? guess : before), null);

/** How well a place names a zone: the same words, or a device of the zone (`lobby ceiling` in `lobby`); 0: it does not. */
const nearness = (zone: readonly string[], place: readonly string[]): number => {
  if (placeKey(zone) === placeKey(place)) return 1000;
  const shared = zone.filter((word) => place.includes(word)).length;
  return shared === 0 || (shared < zone.length && shared < place.length) ? 0 : shared;
};

/**
 * Zones and points from what was heard: a zone for every place that has an air temperature, what else names the same place with it, the best of several readings of the same. Places
 * are the words that remain of topic and message when words for gateways, devices and quantities are taken away.
 */
export function proposeSite(leaves: readonly Leaf[]): Proposal {
  const guesses = leaves.map(guessLeaf).filter((guess): guess is Guess => guess !== null);
  const of = (kind: Guess["kind"]): readonly Guess[] => guesses.filter((guess) => guess.kind === kind);
  const leftOut: { guess: Guess; why: string }[] = [];
  const taken = new Set<string>();
  const byPlace = new Map<string, Guess[]>();
  for (const guess of of("air-temperature")) byPlace.set(placeKey(guess.place), [...(byPlace.get(placeKey(guess.place)) ?? []), guess]);
  const places = [...byPlace.values()].map((all) => ({ temperature: best(all)!, all }));
  for (const { temperature, all } of places)
    for (const guess of all) if (guess !== temperature) leftOut.push({ guess, why: "another sensor measures the same place" });

  const nearest = (guess: Guess): number => {
    const scores = places.map(({ temperature }) => nearness(temperature.place, guess.place));
    const most = Math.max(0, ...scores);
    // Two zones as near as one another: nobody knows which.
    return most === 0 || scores.filter((score) => score === most).length > 1 ? -1 : scores.indexOf(most);
  };
  const inZone = (kind: Guess["kind"]): readonly (Guess | null)[] => {
    const found: Guess[][] = places.map(() => []);
    for (const guess of of(kind)) {
      const zone = nearest(guess);
      if (zone < 0) leftOut.push({ guess, why: "it names no zone that has a temperature" });
      else found[zone]!.push(guess);
    }
    return found.map((all) => {
      const chosen = best(all);
      for (const guess of all) if (guess !== chosen) leftOut.push({ guess, why: "another one measures the same" });
      return chosen;
    });
  };
  const one = (kind: Guess["kind"]): Guess | null => {
    const all = of(kind);
    const chosen = best(all);
    for (const guess of all) if (guess !== chosen) leftOut.push({ guess, why: "another one measures the same" });
    return chosen;
  };
  const heating = inZone("heating-setpoint");
  const cooling = inZone("cooling-setpoint");
  const humidity = inZone("humidity");
  const people = inZone("people");
  const motion = inZone("motion");
  const co2 = inZone("co2");
  const zones = places.map(({ temperature }, index): ProposedZone => {
    const id = idOf(temperature.place, taken);
    taken.add(id);
    return {
      id,
      label: labelOf(temperature.place),
      temperature,
      heatingSetpoint: heating[index]!,
      coolingSetpoint: cooling[index]!,
      humidity: humidity[index]!,
      people: people[index]!,
      motion: motion[index]!,
      co2: co2[index]!,
    };
  });
  // A plug in a room is no meter of the building.
  const meters = of("power").filter((guess) => guess.score >= 3 || of("power").length === 1);
  for (const guess of of("power")) if (!meters.includes(guess)) leftOut.push({ guess, why: "it does not look like the building's meter" });
  const power = best(meters);
  for (const guess of meters) if (guess !== power) leftOut.push({ guess, why: "another one looks more like the building's meter" });
  const hvacPower = of("hvac-power").map((guess) => {
    const id = idOf(guess.place.length === 0 ? ["hvac"] : guess.place, taken);
    taken.add(id);
    return { id, guess };
  });
  return {
    zones,
    outdoorTemperature: one("outdoor-temperature"),
    outdoorHumidity: one("outdoor-humidity"),
    irradiance: one("irradiance"),
    wind: one("wind"),
    power,
    hvacPower,
    leftOut,
  };
}
