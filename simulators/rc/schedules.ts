import type { DaySchedule, WeekSchedule } from "#simulators/rc/description";
import { type CivilTime, civilTime, type StandardTimeZone } from "#simulators/weather/localTime";

/** Hours as people write them: `until(7, 12.8)` is "until 7:00, 12.8". */
export const until = (hour: number, value: number): readonly [number, number] => [hour * 60, value];

export const always = (value: number): WeekSchedule => ({
  weekday: [until(24, value)],
  saturday: [until(24, value)],
  sunday: [until(24, value)],
});

const dayOf = (schedule: WeekSchedule, weekday: number): DaySchedule =>
  weekday === 0 ? schedule.sunday : weekday === 6 ? schedule.saturday : schedule.weekday;

/** The value in force from this minute on. */
export function scheduleValue(schedule: WeekSchedule, time: CivilTime): number {
  const day = dayOf(schedule, time.weekday);
  for (const [untilMinute, value] of day) if (time.minuteOfDay < untilMinute) return value;
  return day[day.length - 1]![1];
}

/** Mean of a schedule over the step that ends at `stepEndMs`, minute by minute. */
export function scheduleMean(zone: StandardTimeZone, schedule: WeekSchedule, stepEndMs: number, stepS: number): number {
  const minutes = Math.max(1, Math.round(stepS / 60));
  const startMs = stepEndMs - stepS * 1000;
  const first = scheduleValue(schedule, civilTime(zone, startMs));
  // Differences from the first minute: a constant value comes out as it is, without rounding.
  let sum = 0;
  for (let k = 1; k < minutes; k++) sum += scheduleValue(schedule, civilTime(zone, startMs + (k * stepS * 1000) / minutes)) - first;
  return first + sum / minutes;
}

/** Monthly values placed at mid-month, linear in between, wrapping over the year. */
export function monthlyValue(monthly: readonly number[], time: CivilTime): number {
  const position = time.month - 1 + (time.day - 15) / 30.4;
  const lower = Math.floor(position);
  const at = (k: number): number => monthly[((k % 12) + 12) % 12]!;
  return at(lower) + (position - lower) * (at(lower + 1) - at(lower));
}
