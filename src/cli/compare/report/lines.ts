/** Where a chart's values lie on paper. */
export interface Scale {
  readonly x: (step: number) => number;
  readonly y: (value: number) => number;
}

/**
 * Which steps of a curve are drawn: all with `bucket` 1, otherwise the lowest and the highest of every `bucket` steps, so that no peak is lost.
 * Steps without a value are left out.
 */
export function drawnSteps(values: readonly number[], bucket: number): number[] {
  const steps: number[] = [];
  for (let from = 0; from < values.length; from += bucket) {
    let low = -1;
    let high = -1;
    for (let i = from; i < Math.min(from + bucket, values.length); i++) {
      if (!Number.isFinite(values[i])) continue;
      if (low < 0 || values[i]! < values[low]!) low = i;
      if (high < 0 || values[i]! > values[high]!) high = i;
    }
    if (low < 0) continue;
    steps.push(Math.min(low, high));
    if (low !== high) steps.push(Math.max(low, high));
  }
  return steps;
}

/** Path data of a curve through the given steps, whole units and relative to save space; a gap of missing values is not bridged. */
export function curvePath(values: readonly number[], bucket: number, { x, y }: Scale): string {
  let path = "";
  let last: { step: number; x: number; y: number } | null = null;
  for (const step of drawnSteps(values, bucket)) {
    const at = { step, x: Math.round(x(step)), y: Math.round(y(values[step]!)) };
    const gap = last !== null && values.slice(last.step + 1, step).some((value) => !Number.isFinite(value)) && bucket === 1;
    if (last === null || gap) path += `M${at.x} ${at.y}l`;
    else path += `${at.x - last.x}${at.y < last.y ? "" : " "}${at.y - last.y} `;
    last = at;
  }
  return path.trim().replace(/l$/, "");
}

/** Path data of a value that holds over each step (setpoints): a point only where it changes; with `bucket` above 1 the mean of so many steps. */
export function stepPath(values: readonly number[], bucket: number, { x, y }: Scale): string {
  let path = "";
  let at: number | null = null;
  let end = 0;
  for (let from = 0; from < values.length; from += bucket) {
    const part = values.slice(from, from + bucket).filter(Number.isFinite);
    if (part.length === 0) continue;
    const level = Math.round(y(part.reduce((sum, value) => sum + value, 0) / part.length));
    // The step that ends at `from` began one step before.
    const begin = Math.round(x(from - 1));
    if (at === null) path += `M${begin} ${level}`;
    else if (level !== at) path += `H${begin}V${level}`;
    at = level;
    end = Math.round(x(Math.min(from + bucket, values.length) - 1));
  }
  return at === null ? "" : `${path}H${end}`;
}
