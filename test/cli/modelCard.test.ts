import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { evaluateCommand } from "#cli/modelCard/evaluateCommand";
import { inputName } from "#cli/modelCard/names";
import type { Dataset } from "#domain/dataset";
import { isotherm } from "../models/commands.js";
import { syntheticZone } from "../models/support.js";

const folder = mkdtempSync(join(tmpdir(), "isotherm-card-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const csv = (name: string, { timesMs, columns }: Dataset): string => {
  const names = [...columns.keys()];
  const lines = Array.from(timesMs, (time, i) =>
    [new Date(time).toISOString().slice(0, 19), ...names.map((point) => columns.get(point)![i]!)].join(","),
  );
  const path = join(folder, name);
  writeFileSync(path, `${["time", ...names].join(",")}\n${lines.join("\n")}\n`);
  return path;
};
const [a, b] = [syntheticZone(5, { zone: "a" }), syntheticZone(5, { zone: "b&<i>", seed: 2 })];
const data = csv("two.csv", { ...a, columns: new Map([...b.columns, ...a.columns]) });
const usual = [
  "evaluate",
  "--data",
  data,
  "--train-from",
  "1991-01-01",
  "--train-days",
  "3",
  "--test-days",
  "2",
  "--prior",
  "none",
  "--budget",
  "60",
];

describe("evaluate --report writes a model card that", async () => {
  const out = join(folder, "card");
  const run = await isotherm(...usual, "--no-baselines", "--report", out, "--json");
  const page = readFileSync(join(out, "model-card.html"), "utf8");
  const result = JSON.parse(run.stdout);

  it("needs nothing from elsewhere, and escapes what the data call themselves", () => {
    expect(run.code).toBe(0);
    expect(page.replaceAll(/<pre>.*?<\/pre>/gs, "")).not.toMatch(/https?:|<script|<link|src=|url\(/);
    expect(page).not.toContain("b&<i>");
    expect(page).toContain("b&amp;&lt;i&gt;");
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });

  it("holds the figures that are printed, and the same as JSON and Markdown", () => {
    expect(JSON.parse(readFileSync(join(out, "evaluation.json"), "utf8"))).toEqual(result);
    expect(page).toContain(`<b>${result.rmse1K.toFixed(2)} K</b>error one step ahead`);
    expect(readFileSync(join(out, "evaluation.md"), "utf8")).toContain(`${result.rmse1K.toFixed(3)} K`);
    expect(run.stderr).toMatch(/Wrote .*model-card\.html/);
  });

  it("shows every part, each chart with its words and its table", () => {
    for (const id of ["accuracy", "curve", "calibration", "week", "inputs", "data", "provenance"])
      expect(page).toContain(`<h2 id="${id}">`);
    const charts = page.match(/<svg class="chart[^>]*role="img" aria-label="[^"]{20,}"/g) ?? [];
    expect(charts.length).toBe(7);
    for (const caption of ["Learning curve", "Reliability, %", "Errors by hour, K", "The predictions at their last step", "Inputs"])
      expect(page).toContain(`<caption>${caption}</caption>`);
  });

  it("says what the data lack, and which command repeats it", () => {
    expect(page).toMatch(/all zones: 7 days wanted, 3\.0 there\./);
    expect(page).toMatch(/all zones: no samples at a weekend\./);
    expect(page).toContain("evaluate --data");
    expect(page).toContain("--no-baselines");
  });

  it("has a learning curve of the zone that is hardest, and says where the file does not go back", () => {
    const { zone, points } = result.learningCurve;
    expect(result.zones[zone].rmse20K).toBe(Math.max(result.zones.a.rmse20K, result.zones["b&<i>"].rmse20K));
    const at = (days: number, model: string) =>
      points.find((point: { days: number; model: string }) => point.days === days && point.model === model);
    expect(at(3, "without prior").rmse1K).toBe(result.zones[zone].rmse1K);
    expect(at(3, "without prior").rmse20K).toBeLessThan(at(0, "without prior").rmse20K);
    expect(at(0, "clue").note).toMatch(/without data/);
    expect(at(14, "clue")).toMatchObject({ rmse1K: null, note: "the file does not go back so far" });
  });
});

describe("evaluate", () => {
  it("with --report sets the other models beside its own, each with its fit time", async () => {
    const out = join(folder, "beside");
    const one = csv("one.csv", syntheticZone(4));
    const { code, stdout } = await isotherm(
      "evaluate",
      "--data",
      one,
      "--train-from",
      "1991-01-01",
      "--train-days",
      "2",
      "--test-days",
      "1",
      "--prior",
      "none",
      "--budget",
      "40",
      "--report",
      out,
      "--json",
    );
    expect(code).toBe(0);
    const { baselines } = JSON.parse(stdout);
    expect(Object.keys(baselines)).toEqual(["clue", "clue-mended", "ensemble", "arx", "persistence"]);
    for (const figures of Object.values<Record<string, number>>(baselines)) {
      if ("note" in figures) continue;
      expect(figures.rmse1K).toBeGreaterThan(0);
      expect(figures.fitMs).toBeGreaterThan(0);
    }
    expect(baselines.persistence.rmse1K).toBeGreaterThan(0);
    expect(readFileSync(join(out, "evaluation.md"), "utf8")).toMatch(/\| persistence \| 0\.\d+/);
    expect(readFileSync(join(out, "model-card.html"), "utf8")).toMatch(/<th scope="row" class="name">persistence/);
  }, 240_000);

  it("that is interrupted leaves nothing behind", async () => {
    const out = join(folder, "interrupted");
    // The last resort of an interrupted command would end the test's own process.
    vi.spyOn(process, "exit").mockImplementation((() => undefined) as never);
    const running = isotherm(...usual, "--report", out, "--json");
    setTimeout(() => process.emit("SIGINT"), 400);
    const { code, stdout } = await running;
    expect([code, stdout]).toEqual([130, ""]);
    expect(existsSync(out)).toBe(false);
  });

  it("tests on another file of the same zones: its first day fills the model's memory", async () => {
    const other = csv("other.csv", syntheticZone(4, { zone: "a", seed: 5, setpoints: (row) => (row % 96 > 32 ? [22, 25] : [16, 30]) }));
    const from = [
      "evaluate",
      "--data",
      csv("a.csv", a),
      "--train-from",
      "1991-01-01",
      "--train-days",
      "5",
      "--prior",
      "none",
      "--budget",
      "80",
      "--test-data",
      other,
      "--json",
    ];
    const { code, stdout } = await isotherm(...from);
    expect(code).toBe(0);
    const figures = JSON.parse(stdout);
    expect(figures.testRows).toBe(3 * 96);
    expect(figures.morningDays).toBe(3);
    expect(figures.morningRmseK).toBeGreaterThan(0);
    expect(JSON.parse((await isotherm(...from, "--test-from", "1991-01-04", "--test-days", "1")).stdout).testRows).toBe(96);
  });

  it.each<[string, string[], number, RegExp]>([
    ["--test-from without --test-data", ["--test-from", "1991-01-02"], 2, /--test-from goes with --test-data/],
    ["test data of other zones", ["--test-data", csv("c.csv", syntheticZone(3, { zone: "c" }))], 78, /test data have no zone/],
    ["more test days than the file has", ["--test-data", data, "--test-days", "9"], 78, /hold 5 days; the test would need 10/],
  ])("refuses %s", async (_name, more, exitCode, message) => {
    const { code, stdout, stderr } = await isotherm(
      "evaluate",
      "--data",
      data,
      "--train-from",
      "1991-01-01",
      "--train-days",
      "2",
      "--prior",
      "none",
      ...more,
    );
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([exitCode, ""]);
  });
});

describe("words of the card", () => {
  it("give the command again, without what stands at its default", () => {
    const options = {
      data: "a b.csv",
      trainFrom: "1991-01-01",
      trainDays: 7,
      model: "arx",
      units: "degC",
      backend: "auto",
      baselines: true,
      seed: 1,
    } as const;
    expect(evaluateCommand(options)).toBe("isotherm evaluate --data 'a b.csv' --train-from 1991-01-01 --model arx");
  });

  it("name inputs as people do", () => {
    expect(inputName("heating*constant")).toBe("full heating");
    expect(inputName("cooling*offset.outdoorAirTempC")).toBe("full cooling, by outdoor air against the zone");
    expect(inputName("neighbour", "attic")).toBe("zone attic next door");
  });
});
