import type { DaySpan } from "#simulators/energyplus/modelCopy";

const headerLines = 8;
const holidaysLine = 4;
const isLeapYear = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/**
 * A weather file's text for a run over `span`: no daylight saving and no holidays in its header, and a 29 February exactly where the run's years have
 * one (28 February's hours again, where the file has none). `text` is a whole year, checked (`parseEpw`).
 */
export function epwCopy(text: string, span: DaySpan): string {
  const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== "");
  const header = lines.slice(0, headerLines);
  const rows = lines.slice(headerLines);
  let hasLeapDay = false;
  for (let year = new Date(span.firstDayMs).getUTCFullYear(); year <= new Date(span.lastDayMs).getUTCFullYear(); year++)
    hasLeapDay ||= isLeapYear(year);
  const dateOf = (row: string): string => row.split(",", 3).slice(1).map(Number).join("/");
  const ordinary = rows.filter((row) => dateOf(row) !== "2/29");
  const leapDay = rows.filter((row) => dateOf(row) === "2/29");
  const after = ordinary.findLastIndex((row) => dateOf(row) === "2/28") + 1;
  const addition = !hasLeapDay
    ? []
    : leapDay.length > 0
      ? leapDay
      : ordinary.filter((row) => dateOf(row) === "2/28").map((row) => row.replace(/^([^,]*,[^,]*),[^,]*,/, "$1,29,"));
  header[holidaysLine] = `HOLIDAYS/DAYLIGHT SAVINGS,${hasLeapDay ? "Yes" : "No"},0,0,0`;
  return `${[...header, ...ordinary.slice(0, after), ...addition, ...ordinary.slice(after)].join("\r\n")}\r\n`;
}
