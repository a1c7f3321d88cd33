import type { Dataset } from "#domain/dataset";

/** Rows [from, to) of a data set. */
export const sliceDataset = (dataset: Dataset, from: number, to: number): Dataset => ({
  stepS: dataset.stepS,
  timesMs: dataset.timesMs.slice(from, to),
  columns: new Map([...dataset.columns].map(([point, values]) => [point, values.slice(from, to)])),
});

/** First row at or after `timeMs`; the number of rows when there is none. */
export const rowAt = (dataset: Dataset, timeMs: number): number => {
  const found = dataset.timesMs.findIndex((time) => time >= timeMs);
  return found < 0 ? dataset.timesMs.length : found;
};
