import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DatasetRows } from "#math/datasetRows";
import { readPrior } from "#models/prior";
import { shippedPriorFor, shippedPriorsFolder } from "#models/shippedPriors";
import { AS_IT_IS, type CandidateFit, chosenFit } from "#models/thermostat/candidates";
import { trainingRows } from "#models/thermostat/trainingRows";
import { cityYear, daysOf, la } from "./support.js";

const reference = readPrior(join(shippedPriorsFolder, "reference-buildings.json"));
const effort = { likelihoodPower: 0.1, maxIterations: 12 };
const year = await cityYear("new-york");
const shipped = shippedPriorFor(year)!.prior;

const chosen = (
  days: number,
  prior: typeof reference | null,
  from = "1991-07-01",
  iterations = effort.maxIterations,
): Promise<CandidateFit> => {
  const data = new DatasetRows(daysOf(year, from, days));
  const rows = trainingRows(data, "zone", []);
  const day = rows.rows.map((row) => Math.floor((data.localMs(row + 1) - 1) / 86_400_000));
  return chosenFit({ la, data, rows, prior, day }, { ...effort, maxIterations: iterations }, { onWarning: () => undefined });
};

describe("what is taken of a prior", () => {
  it("all of it, where the rows bear it out", async () => {
    const fit = await chosen(4, shipped);
    // Measured on 24 weeks: 0.1 to 0.2 nats a row.
    expect(fit.gainPerRow).toBeLessThan(0.3);
    expect(fit.name).toBe(AS_IT_IS);
  });

  it("less of it, where it comes from buildings unlike this one and errs more on days left out", async () => {
    const data = new DatasetRows(daysOf(year, "1991-07-01", 4));
    const rows = trainingRows(data, "zone", []);
    const day = rows.rows.map((row) => Math.floor((data.localMs(row + 1) - 1) / 86_400_000));
    const shared = { la, data, rows, prior: reference, day };
    const candidates: CandidateFit[] = [];
    const options = { onWarning: () => undefined, onCandidate: (fit: CandidateFit) => candidates.push(fit) };
    const fit = await chosenFit(shared, effort, options);
    expect(candidates.map(({ name }) => name)).toEqual([AS_IT_IS, "prior, looser", "prior's coefficients", "prior's coefficients, looser"]);
    expect(candidates[0]!.gainPerRow).toBeGreaterThan(0.3);
    expect(fit.name).not.toBe(AS_IT_IS);
    // Asked for by name it comes again, without comparing.
    const again = await chosenFit(shared, effort, { onWarning: () => undefined, only: fit.name });
    expect([again.name, again.score]).toEqual([fit.name, fit.score]);
    expect(fit.score).toBe(Math.min(...candidates.map(({ score }) => score)));
  });

  it("all of it, where fewer than three days are there to tell", async () => {
    expect((await chosen(2, reference)).name).toBe(AS_IT_IS);
  });

  it("nothing where there is none; then the gain says nothing either", async () => {
    const fit = await chosen(2, null, "1991-01-02", 3);
    expect(fit).toMatchObject({ name: "data alone", gainPerRow: 0 });
  });
});
