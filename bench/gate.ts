import { fileURLToPath } from "node:url";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import type { Dataset } from "#domain/dataset";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { rowAt, sliceDataset } from "#models/datasetSlice";
import { evaluateZone, type ZoneAccuracy } from "#models/evaluation/evaluateZone";
import type { Prior } from "#models/prior";
import { shippedPriorFor } from "#models/shippedPriors";
import { fitZone } from "#models/thermostat/fitZone";
import { gateTrainingData } from "#models/trainingGate/gateTrainingData";
import { dropout, fahrenheitHours, openWindow, outage, spike, stuckSensor } from "./gateFaults.js";

const WEEK = 672;
const ZONE = "zone";

const logged = (city: string): string =>
  fileURLToPath(new URL(`${import.meta.url.includes("/dist/") ? "../../" : "../"}test/data/clue/${city}.csv.gz`, import.meta.url));

/** Faults of a bad week by name; rows are those of a week that begins at midnight. */
const faultedWeeks: readonly (readonly [string, (week: Dataset) => Dataset])[] = [
  ["sensor stuck for 36 hours", (week) => stuckSensor(week, ZONE, 205, 144).dataset],
  [
    "twelve spikes of 4 to 15 K",
    (week) =>
      Array.from({ length: 12 }, (_, k) => k).reduce(
        (dataset, k) => spike(dataset, ZONE, 31 + 53 * k, 1 + (k % 3), (k % 2 === 0 ? 1 : -1) * (4 + k)).dataset,
        week,
      ),
  ],
  [
    "five dropouts to 0 °C for two hours",
    (week) => [61, 170, 290, 410, 555].reduce((dataset, row) => dropout(dataset, ZONE, row, 8).dataset, week),
  ],
  [
    "three windows open for 90 minutes",
    (week) => [136, 331, 524].reduce((dataset, row) => openWindow(dataset, ZONE, row, 6).dataset, week),
  ],
  ["sensor in °F for six hours", (week) => fahrenheitHours(week, ZONE, 330, 24).dataset],
  ["nothing recorded for a day", (week) => outage(week, 288, 96).dataset],
];

const allAtOnce = (week: Dataset): Dataset =>
  dropout(spike(openWindow(stuckSensor(week, ZONE, 205, 96).dataset, ZONE, 420, 6).dataset, ZONE, 500, 2, 9).dataset, ZONE, 560, 8).dataset;

interface Weeks {
  readonly name: string;
  readonly train: Dataset;
  readonly all: Dataset;
  readonly prior: Prior | null;
}

const weeksOf = async (city: string, from: string): Promise<Weeks> => {
  const year = await readDatasetCsv(logged(city));
  const first = rowAt(year, Date.parse(`${from}T00:00:00Z`));
  const all = sliceDataset(year, first, first + 2 * WEEK);
  return { name: `${city} ${from}`, train: sliceDataset(all, 0, WEEK), all, prior: shippedPriorFor(year, [city])?.prior ?? null };
};

const accuracyAfter = async (la: LinearAlgebra, { all, prior }: Weeks, train: Dataset): Promise<ZoneAccuracy | null> => {
  try {
    const { model } = await fitZone(la, new DatasetRows(train), ZONE, [], prior, { budget: null });
    return evaluateZone(la, model, new DatasetRows(all), WEEK, 2 * WEEK);
  } catch {
    // Without the gate a fault may leave nothing that can be fitted: that is a result too.
    return null;
  }
};

/** Figures of one faulted week, learned with and without the gate, beside the clean week's. */
export interface GateCase {
  readonly week: string;
  readonly fault: string;
  readonly rowsGated: number;
  readonly clean: ZoneAccuracy;
  readonly gated: ZoneAccuracy | null;
  readonly ungated: ZoneAccuracy | null;
}

export const gateCases = async (
  la: LinearAlgebra,
  cases: readonly (readonly [city: string, from: string])[],
  faults: readonly (readonly [string, (week: Dataset) => Dataset])[] = [...faultedWeeks, ["four of them at once", allAtOnce]],
): Promise<readonly GateCase[]> => {
  const found: GateCase[] = [];
  for (const [city, from] of cases) {
    const weeks = await weeksOf(city, from);
    const clean = (await accuracyAfter(la, weeks, gateTrainingData(weeks.train, [ZONE]).dataset))!;
    for (const [fault, make] of faults) {
      const faulted = make(weeks.train);
      const { dataset, report } = gateTrainingData(faulted, [ZONE]);
      found.push({
        week: weeks.name,
        fault,
        rowsGated: report.rowsGated,
        clean,
        gated: await accuracyAfter(la, weeks, dataset),
        ungated: await accuracyAfter(la, weeks, faulted),
      });
    }
  }
  return found;
};

const shown = (one: ZoneAccuracy | null, of: (one: ZoneAccuracy) => number | null): string =>
  one === null ? "–" : (of(one)?.toFixed(2) ?? "–");

/** The table of the training gate: the test week's errors after a clean week, and after a faulted one with the gate and without. */
export const benchGate = async (
  print: (line: string) => void,
  cases: readonly (readonly [string, string])[] = [
    ["pittsburgh", "1991-01-08"],
    ["new-york", "1991-07-01"],
  ],
): Promise<void> => {
  const la = await createLinearAlgebra("auto");
  print("| week | fault | rows gated | RMSE 1 step, K: clean / gate / no gate | 20 steps, K: clean / gate / no gate |");
  print("|---|---|---|---|---|");
  for (const one of await gateCases(la, cases)) {
    const three = (of: (one: ZoneAccuracy) => number | null): string =>
      [one.clean, one.gated, one.ungated].map((figures) => shown(figures, of)).join(" / ");
    print(`| ${one.week} | ${one.fault} | ${one.rowsGated} | ${three(({ rmse1K }) => rmse1K)} | ${three(({ rmse20K }) => rmse20K)} |`);
  }
};
