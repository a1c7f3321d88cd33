import type { SavingsView } from "#dashboards/server/wire";

/** Text that a spreadsheet takes as text: quoted, and never as a formula. */
const cell = (value: string | number | null): string => {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return `"${safe.replace(/"/g, '""')}"`;
};

/** The days of a savings report with everything that the figure is made of, numbers as they are (RFC 4180; a point is the decimal mark). */
export const savingsCsv = (view: SavingsView): string => {
  const lines: (string | number | null)[][] = [
    ["day", "actual_kwh", "baseline_kwh", "adjustment_kwh", "counted_hours", "hours", "excluded"],
    ...view.days.map((day) => [day.day, day.actualKwh, day.baselineKwh, day.adjustmentKwh, day.countedHours, day.hours, day.excluded]),
  ];
  if (view.total !== null) {
    const { total } = view;
    lines.push(
      [],
      ["method", view.method],
      ["saved_kwh", total.savedKwh],
      ["saved_low_kwh", total.savedLowKwh],
      ["saved_high_kwh", total.savedHighKwh],
    );
    lines.push(["confidence_pct", view.confidencePct]);
  }
  if (view.fit !== null) lines.push(["cv_rmse_pct", view.fit.cvRmsePct], ["nmbe_pct", view.fit.nmbePct]);
  for (const one of view.adjustments)
    lines.push(["adjustment", one.first, one.last, one.kwhPerDay, one.reason, one.by, one.withdrawn === null ? "" : "withdrawn"]);
  return `${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
};
