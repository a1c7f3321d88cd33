import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { methodOf } from "#cli/simulateMethods";
import type { ControllerName, SimulateOptions } from "#cli/simulateOptions";
import { clueKernelForRun, priorForRun } from "#cli/simulatePrior";
import { runSimulation, type SimulationOutcome } from "#cli/simulateRun";
import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import { UNTRAINED_CLUE_KERNEL } from "#models/baselines/clueKernel";
import { shippedCluePriorFor, shippedCluePriorsFolder } from "#models/baselines/cluePriors";
import { AUTHORS_CLUE_KERNELS } from "#models/baselines/trainBaseline";
import { readPrior } from "#models/prior";
import { dayFingerprints, sharedSources, shippedPriorFor, shippedPriorsFolder } from "#models/shippedPriors";
import { createRcPlant } from "#simulators/rc/rcPlant";
import { loadWeather } from "#simulators/weather/loadWeather";

const options: SimulateOptions = {
  plant: "rc",
  building: "five-zone-office",
  weather: "new-york",
  data: null,
  start: "01-01",
  year: 1991,
  days: 1,
  controller: "clue",
  leadSteps: 1,
  ramp: false,
  allowFallback: true,
  history: "schedule",
  historyDays: 3,
  comfort: null,
  tariff: "flat-demand",
  objective: "energy",
  forecastError: "none",
  backend: "auto",
  samples: 10,
  horizonSteps: 4,
  prior: "shipped",
  relearn: "never",
  seed: 1,
};

/** The plant's weather over whole days of local time, stamped in UTC at the end of each step. */
const weatherOf = async (city: string, fromMs: number, days: number): Promise<Dataset> => {
  const plant = createRcPlant({ building: "five-zone-office", weather: loadWeather(city), seed: 1 });
  await plant.initialize(fromMs, 0);
  const { stepEndMs, columns } = await plant.forecast(fromMs, 900, 96 * days);
  await plant.close();
  return { stepS: 900, timesMs: stepEndMs, columns };
};

describe("weather of a simulated run", () => {
  const newYear = Date.UTC(1990, 11, 25, 5);
  it.each([
    ["new-york", newYear],
    ["new-york", Date.UTC(1991, 5, 24, 5)],
    ["pittsburgh", newYear],
    ["pittsburgh", Date.UTC(1991, 5, 24, 5)],
  ])("of a week in %s, stamped in UTC at the ends of steps, is recognised in a source stamped in local time", async (city, fromMs) => {
    const week = await weatherOf(city, fromMs, 7);
    const all = readPrior(join(shippedPriorsFolder, "five-zone-office.json"));
    const days = new Set(all.manifest.sources.flatMap((source) => source.dayFingerprints));
    // The days as they are stamped have nothing in common: it is the shift that is seen through.
    expect(dayFingerprints(week).some((day) => days.has(day))).toBe(false);
    expect(sharedSources(all, week)).toEqual([city]);
    expect(shippedPriorFor(week)!.prior.name).toBe(`five-zone-office-without-${city}`);
    expect(shippedCluePriorFor(week)!.prior.name).toBe(`clue-without-${city}`);
  });

  it("is recognised by the city's name where the days themselves are others", async () => {
    const day = await weatherOf("new-york", Date.UTC(1991, 5, 24, 5), 1);
    const shifted: Dataset = { ...day, columns: new Map([...day.columns].map(([point, values]) => [point, values.map((v) => v + 0.3)])) };
    expect(shippedPriorFor(shifted)!.prior.name).toBe("five-zone-office");
    expect(shippedPriorFor(shifted, ["USA_NY_New.York-J.F.Kennedy.epw"])!.prior.name).toBe("five-zone-office-without-new-york");
    expect(priorForRun("shipped", ["new-york"], shifted)!.name).toBe("five-zone-office-without-new-york");
    expect(clueKernelForRun("shipped", ["new-york"], shifted, "mended").start.prior).toBe("clue-without-new-york");
    const published = clueKernelForRun("shipped", ["new-york"], shifted, "published");
    expect(published.start).toBe(AUTHORS_CLUE_KERNELS.summer);
    expect((published.manifest as { sources: { weather: string }[] }).sources.map(({ weather }) => weather)).toContain("new-york");
  });

  it("keeps a CLUE kernel that has seen the city out of the run, and needs none", async () => {
    const day = await weatherOf("new-york", Date.UTC(1991, 5, 24, 5), 1);
    expect(() => clueKernelForRun(join(shippedCluePriorsFolder, "clue.json"), ["new-york"], day, "mended")).toThrow(
      /was learned from the weather of this run \(.*new-york\)/,
    );
    expect(clueKernelForRun("none", ["new-york"], day, "mended")).toEqual({
      start: { kernel: UNTRAINED_CLUE_KERNEL, prior: "none" },
      manifest: null,
    });
  });
});

describe("methods of learned controllers", () => {
  it("refuse a controller that does not learn, and name those that do", () => {
    const run = { plant: { zones: ["a"] }, timeZone: { timeZoneH: 0 }, weatherNames: [] };
    try {
      methodOf({ ...options, controller: "rule" }, run);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(IsothermError);
      expect((error as IsothermError).exitCode).toBe(2);
      expect((error as IsothermError).todo).toMatch(/random-shooting, clue, clue-mended, ensemble/);
    }
  });
});

const simulated = async (controller: ControllerName, given: Partial<SimulateOptions> = {}) => {
  const lines: string[] = [];
  const context = { say: (line: string) => void lines.push(line), progress: () => undefined, signal: new AbortController().signal };
  const outcome = await runSimulation({ ...options, controller, ...given }, context);
  return { outcome, lines };
};

const expectLearned = ({ result, decisions }: SimulationOutcome, kind: string, priorWeather: readonly string[] | null): void => {
  expect(result.steps).toBe(96);
  expect(result.fitMs).toBeGreaterThan(0);
  expect(result.decisionMs.p50).toBeGreaterThan(0);
  expect(result.backend).toMatch(/^(blas|wasm|reference)$/);
  expect(result.hvacElectricityKwh).toBeGreaterThan(10);
  const manifest = result.priorManifest as { sources: readonly { weather: string; dayFingerprints?: unknown }[] } | null;
  expect(manifest === null ? null : manifest.sources.map(({ weather }) => weather).sort()).toEqual(priorWeather);
  expect((manifest?.sources ?? []).every(({ dayFingerprints: days }) => days === undefined)).toBe(true);
  expect(decisions).toHaveLength(96);
  for (const { modelVersion } of decisions) expect(modelVersion).toMatch(new RegExp(`^${kind}-`));
  const fallen = decisions.filter(({ plan }) => plan.fallback !== null).length;
  expect(result.fallbackPct).toBeCloseTo((100 * fallen) / 96, 10);
};

describe("a day under a learned yardstick", () => {
  it("clue: learned once whatever the night, planned for the first zone, and its own fallback is counted", {
    timeout: 240_000,
  }, async () => {
    const { outcome, lines } = await simulated("clue", { relearn: "nightly" });
    expectLearned(outcome, "clue", ["new-york", "pittsburgh", "tucson"]);
    expect(lines.filter((line) => line.startsWith("learning"))).toHaveLength(1);
    const [fallen] = outcome.decisions.filter(({ plan }) => plan.fallback !== null);
    if (fallen !== undefined) expect(fallen.plan.reason).toMatch(/the method's fallback \(21 °C while occupied\) acts/);
    for (const { command } of outcome.decisions) expect(new Set(Object.values(command).map((pair) => pair.heatingSetpointC)).size).toBe(1);
  });

  it("clue-mended without fallback: it always acts, from a kernel that has not seen the city", { timeout: 240_000 }, async () => {
    const { outcome } = await simulated("clue-mended", { allowFallback: false });
    expectLearned(outcome, "clue-mended", ["pittsburgh", "port-angeles"]);
    expect(outcome.result.fallbackPct).toBe(0);
  });

  it("ensemble: five networks and MPPI, no prior, never falls back, the first zone's setpoints for all", { timeout: 240_000 }, async () => {
    const { outcome } = await simulated("ensemble");
    expectLearned(outcome, "ensemble", null);
    expect(outcome.result.fallbackPct).toBe(0);
    for (const { command } of outcome.decisions) expect(new Set(Object.values(command).map((pair) => pair.heatingSetpointC)).size).toBe(1);
  });

  const isBuilt = existsSync(fileURLToPath(new URL("../../dist/models/trainWorker.js", import.meta.url)));
  it.skipIf(!isBuilt)(
    "random-shooting: isotherm's own model, learned in threads (needs `npm run build`), chosen by predicted cost",
    { timeout: 120_000 },
    async () => {
      const { outcome } = await simulated("random-shooting");
      expectLearned(outcome, "thermostat", ["pittsburgh", "port-angeles"]);
      const acting = outcome.decisions.filter(({ plan }) => plan.source === "mppi");
      for (const { plan } of acting) expect(plan.reason).toMatch(/random sequences by predicted cost acts/);
      expect(acting.length).toBeGreaterThan(0);
    },
  );
});
