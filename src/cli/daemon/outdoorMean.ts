import { sitePoint } from "#domain/points";
import type { HistoryBuffer } from "#loop/historyBuffer";
import { RUNNING_MEAN_DAYS, runningMeanOutdoorC } from "#math/adaptiveComfort";

const DAY_MS = 86_400_000;

/**
 * The running mean of the outdoor temperature at the site, °C, from what was measured on the local days before today; NaN where too little was. A day counts with its mean where half of its
 * steps were measured. The same all day long.
 */
export const createOutdoorMean = (
  history: Pick<HistoryBuffer, "dataset" | "stepS">,
  toLocalMs: (timeMs: number) => number,
): ((nowMs: number) => number) => {
  let known = { day: Number.NaN, meanC: Number.NaN };
  return (nowMs) => {
    const today = Math.floor(toLocalMs(nowMs) / DAY_MS);
    if (known.day === today) return known.meanC;
    const { timesMs, columns } = history.dataset(nowMs - (RUNNING_MEAN_DAYS + 2) * DAY_MS);
    const outdoorC = columns.get(sitePoint("outdoorAirTempC"));
    const days = Array.from({ length: RUNNING_MEAN_DAYS }, () => ({ sum: 0, count: 0 }));
    timesMs.forEach((timeMs, i) => {
      const value = outdoorC?.[i];
      // A row describes the step that ended at its time.
      const day = days[today - 1 - Math.floor((toLocalMs(timeMs) - history.stepS * 500) / DAY_MS)];
      if (day === undefined || value === undefined || !Number.isFinite(value)) return;
      day.sum += value;
      day.count++;
    });
    const enough = (0.5 * DAY_MS) / (history.stepS * 1000);
    const meanC = runningMeanOutdoorC(days.map(({ sum, count }) => (count >= enough ? sum / count : Number.NaN)));
    // Unknown today may be known after the next measurement that comes late.
    if (Number.isFinite(meanC)) known = { day: today, meanC };
    return meanC;
  };
};
