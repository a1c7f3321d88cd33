import { uniform } from "#math/random";

interface Sized {
  readonly id: string;
  readonly floorAreaM2: number;
}

/**
 * At most `most` of the zones, spread over size: the zones in the order of floor area are cut into `most` equal parts, of each one is drawn.
 * Seeded, in the order of the model.
 */
export function chooseZones<Z extends Sized>(zones: readonly Z[], most: number, seed: number, stream: number): Z[] {
  if (zones.length <= most) return [...zones];
  const bySize = zones.map((zone, at) => ({ zone, at })).sort((a, b) => a.zone.floorAreaM2 - b.zone.floorAreaM2 || a.at - b.at);
  const chosen = Array.from({ length: most }, (_, part) => {
    const from = (part * zones.length) / most;
    const drawn = Math.floor(from + (uniform(seed, stream, part) * zones.length) / most);
    return bySize[Math.min(drawn, zones.length - 1)]!;
  });
  const kept = new Set(chosen.map(({ at }) => at));
  return zones.filter((_, at) => kept.has(at));
}
