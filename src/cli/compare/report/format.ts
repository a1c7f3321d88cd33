/** A figure with so many decimals; a dash where there is none. */
export const fixed = (value: number | null | undefined, decimals: number): string =>
  value === null || value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(decimals).replace("-", "−");

/** `+3.1 %`, `−0.4 %`, `±0 %` */
export function signedPct(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(1);
  return `${text === "0.0" ? "±" : value > 0 ? "+" : "−"}${text === "0.0" ? "0" : text} %`;
}

/** `12 ms`, `1.2 s`, `3.0 min` */
export const shownMs = (ms: number): string =>
  !Number.isFinite(ms)
    ? "–"
    : ms < 10
      ? `${ms.toFixed(1)} ms`
      : ms < 1000
        ? `${ms.toFixed(0)} ms`
        : ms < 90_000
          ? `${(ms / 1000).toFixed(1)} s`
          : `${(ms / 60_000).toFixed(1)} min`;

/** Round values from at or below `low` to at or above `high`, about `count` of them. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low || Math.max(1, Math.abs(high));
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => span / candidate <= count)!;
  const first = Math.floor(low / step);
  const last = Math.ceil((high || low + span) / step);
  // Multiples, not sums: 0.1 + 0.2 would show.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
