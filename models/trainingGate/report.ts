import type { Dataset } from "#domain/dataset";
import type { PointName } from "#domain/points";

/** Why the gate looked at something. */
export type GateReason =
  | "unordered"
  | "duplicateTime"
  | "gap"
  | "outOfRange"
  | "crossedSetpoints"
  | "spike"
  | "stuck"
  | "openWindow"
  | "constant"
  | "holiday";

/** repaired: the values are used, put right; leftOut: the values are missing from training; noted: nothing was changed. */
export type GateAction = "repaired" | "leftOut" | "noted";

/** One thing that the gate found, with the words for the log. */
export interface GateFinding {
  readonly reason: GateReason;
  readonly action: GateAction;
  /** The column; null where whole rows are meant. */
  readonly point: PointName | null;
  /** Stamps of the first and the last row. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: number;
  readonly text: string;
}

export interface GateReport {
  readonly findings: readonly GateFinding[];
  readonly rowsIn: number;
  readonly rowsOut: number;
  /** Rows of which at least one value was left out. */
  readonly rowsGated: number;
}

export interface GatedDataset {
  readonly dataset: Dataset;
  readonly report: GateReport;
}

/** Rows [from, to). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Spans of rows for which `is` holds. */
export const spansWhere = (rows: number, is: (row: number) => boolean): readonly Span[] => {
  const spans: Span[] = [];
  let from = -1;
  for (let row = 0; row <= rows; row++) {
    const holds = row < rows && is(row);
    if (holds && from < 0) from = row;
    if (!holds && from >= 0) {
      spans.push({ from, to: row });
      from = -1;
    }
  }
  return spans;
};

/** `1991-01-03 04:15`, in the data's own time. */
export const shownTime = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 16).replace("T", " ");

const shownSpan = (fromMs: number, toMs: number): string => {
  const [from, to] = [shownTime(fromMs), shownTime(toMs)];
  if (from === to) return `at ${from}`;
  return from.slice(0, 10) === to.slice(0, 10) ? `from ${from} to ${to.slice(11)}` : `from ${from} to ${to}`;
};

const rowsText = (rows: number): string => (rows === 1 ? "1 row" : `${rows} rows`);

const outcome: Readonly<Record<GateAction, string>> = { repaired: "put right", leftOut: "left out of training", noted: "kept" };

/** A finding over one span of one column; `what` is the middle of the sentence, without its dates. */
export const findingAt = (
  { timesMs }: Dataset,
  { from, to }: Span,
  finding: Pick<GateFinding, "reason" | "action" | "point"> & { readonly what: string; readonly advice?: string },
): GateFinding => {
  const { reason, action, point, what, advice } = finding;
  const [fromMs, toMs] = [timesMs[from]!, timesMs[to - 1]!];
  const rows = to - from;
  const place = point === null ? "" : `${point}: `;
  return {
    reason,
    action,
    point,
    fromMs,
    toMs,
    rows,
    text: `${place}${what} ${shownSpan(fromMs, toMs)} (${rowsText(rows)}): ${outcome[action]}.${advice === undefined ? "" : ` ${advice}`}`,
  };
};
