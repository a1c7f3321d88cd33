import { uniform } from "#math/random";

/** Bounds of setpoints that a real building may be given, °C. */
export const excitedRange = { heatingC: [15, 22], coolingC: [21, 30] } as const;

type DayKind = "schedule" | "setback" | "common" | "separate";
/** Of every six days two are the building's own, two have a setback, two have pairs drawn at random: one for all zones alike, one zone by zone. */
const mix: readonly DayKind[] = ["schedule", "setback", "common", "schedule", "setback", "separate"];
const leastGapK = 1;
const longestHoldSteps = 16;

/** A step's pair: heating, cooling; NaN both: the building's own schedule. */
type Pair = readonly [heatingC: number, coolingC: number];
const own: Pair = [Number.NaN, Number.NaN];

/**
 * Setpoints that excite a building as its life might: own-schedule days, setback days (a day and a night pair, changed at drawn hours, zones up to
 * 0.5 K apart) and days of random pairs held for 1 to 16 steps, in a drawn order in which every six days hold the whole mix. Seeded: the same arguments give the same tape.
 * @returns steps × zones × (heating, cooling), °C, NaN where the building's own schedule is in force.
 */
export function excitationTape(seed: number, stream: number, zones: number, days: number, stepsPerDay: number): Float64Array {
  let draws = 0;
  const draw = (low: number, high: number): number => low + (high - low) * uniform(seed, stream, draws++);
  const tape = new Float64Array(days * stepsPerDay * zones * 2);
  const put = (step: number, zone: number, [heatingC, coolingC]: Pair): void => {
    const at = 2 * (step * zones + zone);
    tape[at] = heatingC;
    tape[at + 1] = coolingC;
  };
  const kinds = Array.from({ length: Math.ceil(days / mix.length) }, () => shuffled(mix, draw)).flat();
  for (let day = 0; day < days; day++) {
    const first = day * stepsPerDay;
    const kind = kinds[day]!;
    const everyStep = (pairAt: (step: number, zone: number) => Pair): void => {
      for (let step = 0; step < stepsPerDay; step++) for (let zone = 0; zone < zones; zone++) put(first + step, zone, pairAt(step, zone));
    };
    if (kind === "schedule") everyStep(() => own);
    else if (kind === "setback") {
      const dayPair = pairWithin(draw, [19, 22], [22.5, 26]);
      const nightPair = pairWithin(draw, [15, 18], [26, 30]);
      const begins = draw(5, 9) * (stepsPerDay / 24);
      const ends = draw(15, 22) * (stepsPerDay / 24);
      const offsets = Array.from({ length: zones }, () => draw(-0.5, 0.5));
      everyStep((step, zone) => moved(step >= begins && step < ends ? dayPair : nightPair, offsets[zone]!));
    } else if (kind === "common") {
      const pairs = heldPairs(draw, stepsPerDay);
      everyStep((step) => pairs[step]!);
    } else {
      const pairs = Array.from({ length: zones }, () => heldPairs(draw, stepsPerDay));
      everyStep((step, zone) => pairs[zone]![step]!);
    }
  }
  return tape;
}

type Draw = (low: number, high: number) => number;

function shuffled<T>(values: readonly T[], draw: Draw): T[] {
  const out = [...values];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.min(i, Math.floor(draw(0, i + 1)));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

function pairWithin(draw: Draw, heating: readonly [number, number], cooling: readonly [number, number]): Pair {
  const heatingC = draw(...heating);
  return [heatingC, draw(Math.max(cooling[0], heatingC + leastGapK), cooling[1])];
}

const within = (value: number, [low, high]: readonly [number, number]): number => Math.min(Math.max(value, low), high);

const moved = ([heatingC, coolingC]: Pair, byK: number): Pair => {
  const heating = within(heatingC + byK, excitedRange.heatingC);
  return [heating, Math.max(within(coolingC + byK, excitedRange.coolingC), heating + leastGapK)];
};

/** Random pairs, each held for 1 to 16 steps, short ones as often as long ones in the logarithm. */
function heldPairs(draw: Draw, steps: number): Pair[] {
  const out: Pair[] = [];
  while (out.length < steps) {
    const pair = pairWithin(draw, excitedRange.heatingC, excitedRange.coolingC);
    const hold = Math.max(1, Math.round(longestHoldSteps ** draw(0, 1)));
    for (let k = 0; k < hold && out.length < steps; k++) out.push(pair);
  }
  return out;
}
