import { describe, expect, it } from "vitest";
import { createModelFigures, judgedFigures, versionNumber } from "#cli/daemon/figures/modelFigures";
import type { FarJudge } from "#cli/daemon/stepJudge";
import { modelPoint } from "#domain/figures";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { ModelChange } from "#domain/store";
import type { JudgedStep } from "#loop/coverageWindow";
import { createHistoryBuffer } from "#loop/historyBuffer";

const stepMs = 900_000;
const hourMs = 4 * stepMs;
const judged = (endMs: number, more: Partial<JudgedStep> = {}): JudgedStep => ({
  zone: "a",
  endMs,
  measuredC: 21.5,
  meanC: 21,
  stdDevK: 0.25,
  isOffSetpoint: true,
  ...more,
});
const asRecord = (points: readonly TelemetryPoint[]): Record<string, number> =>
  Object.fromEntries(points.map(({ point, value }) => [point, value]));
const change = (version: string, kind: ModelChange["kind"] = "installed"): ModelChange => ({
  timeMs: 0,
  kind,
  version,
  before: null,
  by: "learning",
  reason: "",
});
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("figures of a judged step", () => {
  it("are error, score, inside and density as they are written", () => {
    // e = 0.5, s = 0.25: z = 2, outside ± 1.645 s; −ln N(e; 0, s²) = ½ ln(2π s²) + z²/2.
    expect(asRecord(judgedFigures(12, 3, judged(stepMs)))).toEqual({
      [modelPoint("a", 12, "predictedAirTempC")]: 21,
      [modelPoint("a", 12, "predictionStdDevK")]: 0.25,
      [modelPoint("a", 12, "predictionErrorK")]: 0.5,
      [modelPoint("a", 12, "predictionScore")]: 2,
      [modelPoint("a", 12, "inside90Fraction")]: 0,
      [modelPoint("a", 12, "predictionNlpd")]: expect.closeTo(0.5 * Math.log(2 * Math.PI * 0.0625) + 2, 12),
      [modelPoint("a", 12, "modelVersionNumber")]: 3,
    });
    expect(asRecord(judgedFigures(1, 1, judged(stepMs, { measuredC: 21.4 })))["a.inside90Fraction"]).toBe(1);
  });

  it("of a step that a thermostat held, or with no spread, tell no score; of one without a number nothing", () => {
    for (const more of [{ isOffSetpoint: false }, { stdDevK: 0 }])
      expect(Object.keys(asRecord(judgedFigures(1, 1, judged(stepMs, more)))).sort()).toEqual([
        "a.modelVersionNumber",
        "a.predictedAirTempC",
        "a.predictionErrorK",
        "a.predictionStdDevK",
      ]);
    expect(judgedFigures(1, 1, judged(stepMs, { meanC: Number.NaN }))).toEqual([]);
  });
});

it("a version's number is its place in the log of changes, whatever became of it, and the next one's before it is written down", async () => {
  const log = [change("x"), change("y", "refused"), change("x", "rolled-back"), change("z"), change("x", "forgotten")];
  const numbers = await Promise.all(["x", "y", "z", "w"].map((version) => versionNumber({ modelChanges: async () => log }, version)));
  expect(numbers).toEqual([1, 2, 3, 4]);
  expect(await versionNumber({}, "x")).toBe(1);
});

describe("what the model said beside what came", () => {
  const setUp = (options: { readonly trainedToMs?: number; readonly rows?: number } = {}) => {
    const written: TelemetryPoint[] = [];
    const errors: unknown[] = [];
    const asked: { endMs: number; steps: readonly number[]; rows: number }[] = [];
    let nowMs = 400 * stepMs;
    const history = createHistoryBuffer({ stepS: 900, maxRows: 2_000 });
    for (let k = 1; k <= 400; k++) history.add({ timeMs: k * stepMs, values: new Map<PointName, number>([["a.zoneAirTempC", 20]]) });
    let judgedSteps: readonly JudgedStep[] = [];
    const judge: FarJudge = {
      modelVersion: "y",
      heldOutRmseK: 0.2,
      trainedToMs: options.trainedToMs ?? 0,
      judge: () => judgedSteps,
      ahead: function* (dataset, endMs, steps) {
        asked.push({ endMs, steps, rows: dataset.timesMs.length });
        for (const lead of steps) yield { steps: lead, judged: judged(endMs) };
      },
    };
    const figures = createModelFigures({
      history,
      lookBackMs: 10 * stepMs,
      versions: { modelChanges: async () => [change("x"), change("y")] },
      nowMs: () => nowMs,
      write: (points) => written.push(...points),
      onError: (error) => errors.push(error),
    });
    return {
      figures,
      judge,
      written,
      errors,
      asked,
      history,
      setNow: (ms: number) => {
        nowMs = ms;
      },
      judges: (steps: readonly JudgedStep[]) => {
        judgedSteps = steps;
      },
    };
  };

  it("one step ahead is written when the monitor asks: news of steps that are over and taught nothing, not the window made anew", async () => {
    const { figures, judge, written, history, judges } = setUp({ trainedToMs: 399 * stepMs });
    const recording = figures.use(judge);
    judges([judged(200 * stepMs), judged(399 * stepMs), judged(400 * stepMs), judged(401 * stepMs)]);
    expect(recording.judge(history.dataset(), 0)).toHaveLength(4);
    expect(recording).toMatchObject({ modelVersion: "y", heldOutRmseK: 0.2, trainedToMs: 399 * stepMs });
    await later();
    expect(new Set(written.map(({ timeMs }) => timeMs / stepMs))).toEqual(new Set([400]));
    expect(asRecord(written)).toMatchObject({ "a.predictionErrorK": 0.5, "a.modelVersionNumber": 2 });
  });

  it("further ahead once an hour, with the history that it takes", async () => {
    const { figures, judge, written, asked, setNow } = setUp();
    await figures.look(400 * stepMs);
    expect(asked).toEqual([]);
    figures.use(judge);
    await figures.look(400 * stepMs);
    for (const k of [401, 402, 403]) {
      setNow(k * stepMs);
      await figures.look(k * stepMs);
    }
    setNow(404 * stepMs);
    await figures.look(404 * stepMs);
    expect(asked.map(({ endMs, steps }) => [endMs % hourMs, steps])).toEqual([
      [0, [12, 48]],
      [0, [12, 48]],
    ]);
    expect(asked[0]!.rows).toBe(10 + 48);
    expect(new Set(written.map(({ point }) => point.slice(0, point.indexOf("."))))).toEqual(new Set(["a+12", "a+48"]));
  });

  it("nothing of steps that taught the model, and a log that cannot be read is told of and asked again", async () => {
    const { figures, judge, asked } = setUp({ trainedToMs: 400 * stepMs });
    figures.use(judge);
    await figures.look(400 * stepMs);
    expect(asked).toEqual([]);
    let broken = true;
    const written: TelemetryPoint[] = [];
    const errors: unknown[] = [];
    const history = createHistoryBuffer({ stepS: 900, maxRows: 10 });
    const other = createModelFigures({
      history,
      lookBackMs: 0,
      versions: {
        modelChanges: async () => {
          if (broken) throw new Error("locked");
          return [change("y")];
        },
      },
      nowMs: () => 10 * stepMs,
      write: (points) => written.push(...points),
      onError: (error) => errors.push(error),
    });
    const recording = other.use({ ...judge, trainedToMs: 0, judge: () => [judged(10 * stepMs)] });
    recording.judge(history.dataset(), 0);
    await later();
    expect([errors.length, written.length]).toEqual([1, 0]);
    broken = false;
    recording.judge(history.dataset(), 0);
    await later();
    expect(asRecord(written)["a.modelVersionNumber"]).toBe(1);
  });
});
