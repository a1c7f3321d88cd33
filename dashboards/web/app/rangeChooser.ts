import type { StatusView } from "#dashboards/server/wire";
import { h } from "#dashboards/web/app/dom";
import { field } from "#dashboards/web/app/forms";
import { t } from "#dashboards/web/app/i18n";
import { segmented } from "#dashboards/web/app/parts";
import { type Period, periodChoices, periodLengthMs } from "#dashboards/web/app/period";

const dayMs = 86_400_000;
const noonMs = (day: string): number => Date.parse(`${day}T12:00:00Z`);
const shifted = (day: string, days: number): string => new Date(noonMs(day) + days * dayMs).toISOString().slice(0, 10);

/** The last hours or days, or local days of somebody's choice, both ends included. */
export type ChosenRange = { readonly period: Period } | { readonly firstDay: string; readonly lastDay: string };

export const rangeLengthMs = (range: ChosenRange): number =>
  "period" in range ? periodLengthMs[range.period] : noonMs(range.lastDay) - noonMs(range.firstDay) + dayMs;

/** The query of a range; the server's own default where the site's clock is not known yet. */
export const rangeQuery = (range: ChosenRange, status: StatusView | null): string => {
  if (!("period" in range)) return `?firstDay=${range.firstDay}&lastDay=${range.lastDay}`;
  if (status === null) return "";
  const toMs = Math.round(status.nowMs);
  return `?from=${toMs - periodLengthMs[range.period]}&to=${toMs}`;
};

/** The query of as long a time just before the range, which came out as [fromMs, toMs). Of days that are not over yet only as much as has passed of them: part of a day is not compared with a whole one. */
export const queryBefore = (
  range: ChosenRange,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  nowMs: number,
): string => {
  const lengthMs = rangeLengthMs(range);
  if (!("period" in range) && toMs <= nowMs) {
    const days = lengthMs / dayMs;
    return `?firstDay=${shifted(range.firstDay, -days)}&lastDay=${shifted(range.lastDay, -days)}`;
  }
  return `?from=${fromMs - lengthMs}&to=${Math.max(fromMs + 1, Math.min(toMs, Math.round(nowMs))) - lengthMs}`;
};

export interface RangeChooser {
  readonly element: HTMLElement;
  readonly chosen: () => ChosenRange;
}

const custom = "days";

/** Buttons for the last hours and days, and two date fields for any others. A range that ends before it begins asks for nothing. */
export const createRangeChooser = (start: Period, longestDays: number, onChoose: () => void): RangeChooser => {
  let chosen: ChosenRange = { period: start };
  const first = field(t("period.first"), { type: "date" });
  const last = field(t("period.last"), { type: "date" });
  const problem = h("p", { class: "hint", role: "status" });
  const days = h("div", { class: "range-days", hidden: true }, first.element, last.element, problem);
  const readDays = (): void => {
    const [firstDay, lastDay] = [first.input.value, last.input.value];
    problem.textContent = "";
    if (firstDay === "" || lastDay === "") return;
    if (lastDay < firstDay) problem.textContent = t("period.backwards");
    else if (rangeLengthMs({ firstDay, lastDay }) > longestDays * dayMs) problem.textContent = t("period.tooLong", { days: longestDays });
    else {
      chosen = { firstDay, lastDay };
      onChoose();
    }
  };
  for (const { input } of [first, last]) input.addEventListener("change", readDays);
  const choice = segmented<Period | typeof custom>(
    t("period.label"),
    [...periodChoices, { value: custom, text: t("period.days") }],
    start,
    (value) => {
      days.hidden = value !== custom;
      if (value === custom) return readDays();
      chosen = { period: value };
      onChoose();
    },
  );
  return { element: h("div", { class: "range" }, choice, days), chosen: () => chosen };
};
