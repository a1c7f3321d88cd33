import type { Span } from "#models/trainingGate/report";

export interface OpenWindowInput {
  readonly stepS: number;
  readonly timesMs: Float64Array;
  readonly airC: Float64Array;
  readonly heatingC: Float64Array;
  readonly coolingC: Float64Array;
  readonly outdoorC: Float64Array;
}

/** Without this distance from outdoor air an open window cannot be seen. */
const LEAST_DISTANCE_K = 4;
/** A fall of less is not told from a draught or a full room. */
const LEAST_FALL_K = 1.2;
/** A fall that comes back on this many other days around the same hour is the building's own: a fan that stops. */
const OTHER_DAYS = 2;
const AROUND_S = 3600;
/** So do this many falls within half a day: nobody opens and shuts a window that often, equipment that cycles lets go by the hour. */
const OTHER_FALLS = 4;
const HALF_DAY_S = 12 * 3600;
/** A window is closed again within a day's work; a fall without recovery is a cold night. */
const LONGEST_S = 8 * 3600;
/** The hour's movement before may be this share of the fall: a window opens suddenly, the sun sets slowly. */
const SUDDEN_SHARE = 0.4;
const RECOVERED_SHARE = 0.5;
/** What is left of the fall when the span ends, and a movement over two steps that is no recovery any more, K. */
const LEFT_SHARE = 0.1;
const SETTLED_K = 0.4;
const LEAST_RELEASES = 8;
const DAY_MS = 86_400_000;

/** Movement towards outdoor air over the two steps that end at each row, K; NaN where the zone is near outdoor air or a value is missing. */
const movesOutwards = ({ airC, outdoorC }: OpenWindowInput): Float64Array =>
  airC.map((now, i) => {
    const before = airC[i - 2] ?? Number.NaN;
    const distance = outdoorC[i]! - before;
    return Math.abs(distance) >= LEAST_DISTANCE_K ? (now - before) * Math.sign(distance) : Number.NaN;
  });

/** Whether the setpoint that kept the zone from outdoor air was relaxed in these rows: then the equipment let go, nobody opened a window. */
const letGo = ({ heatingC, coolingC, outdoorC, airC }: OpenWindowInput, row: number): boolean => {
  const cold = outdoorC[row]! < airC[row - 2]!;
  for (let i = Math.max(1, row - 3); i <= row; i++) {
    if (cold && heatingC[i]! < heatingC[i - 1]! - 0.1) return true;
    if (!cold && coolingC[i]! > coolingC[i - 1]! + 0.1) return true;
    // Cooling in winter, heating in summer: the equipment itself drives the zone outwards.
    if (cold ? airC[i - 1]! > coolingC[i]! - 0.1 : airC[i - 1]! < heatingC[i]! + 0.1) return true;
  }
  return false;
};

/**
 * Spans in which a zone fell towards outdoor air as it never does by itself, and came back: at least 1.2 K (and three times its usual scatter) within two
 * steps, suddenly, at least 4 K from outdoor air, faster than when its equipment lets go, and nothing of 0.6 times that size in the same direction around the same hour
 * on two other days, nor four others within half a day. A span ends when the zone has made up for 90 % of the fall, or for half and rises no further, or is back on its setpoint; where it
 * has not made up for half within eight hours nothing is suspected.
 */
export const openWindowSpans = (input: OpenWindowInput): readonly Span[] => {
  const { airC, timesMs, stepS } = input;
  const rows = airC.length;
  const moves = movesOutwards(input);
  const sizes = moves.map(Math.abs).filter(Number.isFinite).sort();
  if (sizes.length < 96) return [];
  const threshold = Math.max(LEAST_FALL_K, 3 * 1.4826 * sizes[sizes.length >> 1]!);
  const released = moves.map((move, row) => (row > 2 && letGo(input, row) ? move : Number.NaN));
  const dayOf = (row: number): number => Math.floor((timesMs[row]! - 1) / DAY_MS);
  const around = Math.round(AROUND_S / stepS);
  const perDay = Math.round(86_400 / stepS);
  const signed = (row: number): number => airC[row]! - (airC[row - 2] ?? Number.NaN);
  /** Other days on which a movement of at least `size` (with its sign) came around this time of day, whatever the weather. */
  const otherDays = (row: number, size: number): number => {
    let days = 0;
    for (let centre = row % perDay; centre < rows; centre += perDay) {
      if (dayOf(centre) === dayOf(row)) continue;
      for (let i = Math.max(0, centre - around); i <= Math.min(rows - 1, centre + around); i++) {
        if (!(signed(i) * Math.sign(size) >= Math.abs(size))) continue;
        days++;
        break;
      }
    }
    return days;
  };
  const halfDay = Math.round(HALF_DAY_S / stepS);
  /** Other moments within half a day at which a movement of at least `size` (with its sign) began. */
  const otherFalls = (row: number, size: number): number => {
    const falls = (i: number): boolean => signed(i) * Math.sign(size) >= Math.abs(size);
    let count = 0;
    for (let i = Math.max(3, row - halfDay); i <= Math.min(rows - 1, row + halfDay); i++)
      if (Math.abs(i - row) > 2 && falls(i) && !falls(i - 1)) count++;
    return count;
  };
  const found: Span[] = [];
  for (let row = 4; row < rows; row++) {
    const size = moves[row]!;
    if (!(size > threshold)) continue;
    if (Number.isFinite(released[row]!) && !(size > usualRelease(released, row, row + Math.round(LONGEST_S / stepS)))) continue;
    if ((airC[row - 2]! - airC[row - 4]!) * Math.sign(signed(row)) > SUDDEN_SHARE * size) continue;
    if (otherDays(row, 0.6 * signed(row)) >= OTHER_DAYS || otherFalls(row, 0.6 * signed(row)) >= OTHER_FALLS) continue;
    const span = untilRecovered(input, row);
    if (span === null) continue;
    found.push(span);
    row = span.to;
  }
  return found;
};

/** A zone that its equipment lets go falls by itself, here up to 1.5 times as fast as it did at any other such moment; too few of them: any fall may be that. */
const usualRelease = (released: Float64Array, from: number, to: number): number => {
  const others = released.filter((move, row) => Number.isFinite(move) && (row < from - 4 || row > to));
  return others.length < LEAST_RELEASES ? Number.POSITIVE_INFINITY : 1.5 * others.reduce((most, move) => Math.max(most, move), 0);
};

/** From the fall that ends at `row` to the recovery; null without one. */
const untilRecovered = ({ airC, heatingC, coolingC, stepS }: OpenWindowInput, row: number): Span | null => {
  // The fall may have begun in either of the two steps.
  const inwards = -Math.sign(airC[row]! - airC[row - 2]!);
  const from = (airC[row - 2]! - airC[row - 1]!) * inwards > 0.2 * (airC[row - 2]! - airC[row]!) * inwards ? row - 1 : row;
  const startC = airC[from - 1]!;
  const last = Math.min(airC.length, from + Math.round(LONGEST_S / stepS));
  let deepestK = 0;
  let fallK = 0;
  for (let end = from; end < last; end++) {
    const now = (startC - airC[end]!) * inwards;
    if (Number.isNaN(now)) continue;
    fallK = now;
    deepestK = Math.max(deepestK, fallK);
    const onSetpoint =
      inwards > 0
        ? airC[end]! >= heatingC[end]! - 0.1 && heatingC[end]! >= startC - 0.5
        : airC[end]! <= coolingC[end]! + 0.1 && coolingC[end]! <= startC + 0.5;
    const settled = fallK < (1 - RECOVERED_SHARE) * deepestK && (airC[end]! - airC[end - 2]!) * inwards < SETTLED_K;
    if (end > row && (fallK < LEFT_SHARE * deepestK || settled || onSetpoint)) return { from, to: end };
  }
  return fallK < (1 - RECOVERED_SHARE) * deepestK ? { from, to: last } : null;
};
