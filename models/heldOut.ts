import type { BuildingModel } from "#domain/model";

/** An error with the words that people read. */
export interface HeldOutError {
  readonly value: number;
  readonly text: string;
}

const after20 = (value: number): HeldOutError => ({ value, text: `${value.toFixed(2)} K after 20 steps on days left out` });

/** A model's held-out error over 20 steps, or its leave-day-out error where nothing could be held out; null where neither was measured. */
export const heldOutError = ({ summary }: BuildingModel): HeldOutError | null => {
  const open = summary.heldOutRmse20K;
  const leaveDayOut = summary.leaveDayOutRmseK;
  if (typeof open === "number") return after20(open);
  return typeof leaveDayOut === "number" ? { value: leaveDayOut, text: `${leaveDayOut.toFixed(2)} K a step on days left out` } : null;
};

/** A new model and the one in use on the same days, which neither has learned from; null where there are too few of them. */
export const heldOutBeside = (
  { summary }: BuildingModel,
  incumbent: BuildingModel,
): { readonly fresh: HeldOutError; readonly before: HeldOutError } | null => {
  const { sharedRmse20K: fresh, incumbentRmse20K: before } = summary;
  if (summary.incumbent !== incumbent.version || typeof fresh !== "number" || typeof before !== "number") return null;
  return { fresh: after20(fresh), before: after20(before) };
};
