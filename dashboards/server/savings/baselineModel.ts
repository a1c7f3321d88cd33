import { CholeskyDecomposition, Matrix } from "ml-matrix";

/** One hour of the building: what it used and how cold it was outside. */
export interface BaselineHour {
  readonly startMs: number;
  readonly energyKwh: number;
  readonly outdoorC: number;
  /** Of `blockOf`. */
  readonly block: number;
}

export interface BaselineModel {
  readonly predictKwh: (hour: Pick<BaselineHour, "outdoorC" | "block">) => number;
  readonly parameters: number;
  readonly heatingBalanceC: number;
  readonly coolingBalanceC: number;
}

/** Hours of a working day, then blocks of three hours of a day off: buildings wake up within an hour on the one and hardly on the other. */
export const blocks = 24 + 8;
export const blockOf = (localHour: number, isWorkday: boolean): number => (isWorkday ? localHour : 24 + Math.floor(localHour / 3));
/** By night weather counts another way: setbacks. */
const isNight = (block: number): boolean => {
  const hour = block < 24 ? block : 3 * (block - 24);
  return hour < 6 || hour >= 18;
};

const candidatesC = [8, 10, 12, 14, 16, 18];
const widthsK = [0, 3, 6, 9];
/** Against blocks that never occurred; far below what one hour weighs. */
const ridge = 1e-6;

const row = ({ outdoorC, block }: Pick<BaselineHour, "outdoorC" | "block">, heatingC: number, coolingC: number): number[] => {
  const values = new Array<number>(blocks + 4).fill(0);
  const slope = blocks + (isNight(block) ? 2 : 0);
  values[block] = 1;
  values[slope] = Math.max(0, heatingC - outdoorC);
  values[slope + 1] = Math.max(0, outdoorC - coolingC);
  return values;
};

const fitAt = (hours: readonly BaselineHour[], heatingC: number, coolingC: number) => {
  const p = blocks + 4;
  const gram = Matrix.eye(p).mul(ridge);
  const moments = Matrix.zeros(p, 1);
  for (const hour of hours) {
    const x = row(hour, heatingC, coolingC);
    for (let i = 0; i < p; i++) {
      if (x[i] === 0) continue;
      moments.set(i, 0, moments.get(i, 0) + x[i]! * hour.energyKwh);
      for (let j = 0; j < p; j++) gram.set(i, j, gram.get(i, j) + x[i]! * x[j]!);
    }
  }
  const beta = new CholeskyDecomposition(gram).solve(moments).to1DArray();
  const predictKwh = (hour: Pick<BaselineHour, "outdoorC" | "block">): number =>
    Math.max(
      0,
      row(hour, heatingC, coolingC).reduce((sum, x, i) => sum + x * beta[i]!, 0),
    );
  const squares = hours.reduce((sum, hour) => sum + (hour.energyKwh - predictKwh(hour)) ** 2, 0);
  return { predictKwh, squares };
};

/**
 * Hourly energy of the time before, by time of day and outdoor temperature with two change points (ASHRAE Guideline 14-2014, five-parameter model; the
 * time-of-week term after Mathieu et al. 2011), with slopes of their own by day and by night:
 *   E = β_block + β_h · max(0, T_h − T) + β_c · max(0, T − T_c),  E ≥ 0,
 * least squares at every pair of balance points T_h ≤ T_c (°C) on a grid; the pair with the least squares is kept. kWh of one hour.
 */
export const fitBaseline = (hours: readonly BaselineHour[]): BaselineModel => {
  let best: { readonly squares: number; readonly model: BaselineModel } | null = null;
  const used = new Set(hours.map(({ block }) => block)).size;
  for (const heatingC of candidatesC)
    for (const widthK of widthsK) {
      const { predictKwh, squares } = fitAt(hours, heatingC, heatingC + widthK);
      if (best === null || squares < best.squares)
        best = {
          squares,
          model: { predictKwh, parameters: used + 6, heatingBalanceC: heatingC, coolingBalanceC: heatingC + widthK },
        };
    }
  return best!.model;
};
