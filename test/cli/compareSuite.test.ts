import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { caseTitle, settingLabel } from "#cli/compare/cases";
import { loadSuite, parseSuite } from "#cli/compare/loadSuite";
import { commandArguments, shownCommand, simulateOptions } from "#cli/compare/simulateCommand";
import { SiteConfigError } from "#config/problem";

const suitesFolder = fileURLToPath(new URL("../../suites", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "isotherm-suite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const parse = (text: string, extraWeather: string[] = []) => parseSuite(text, "s.yaml", folder, extraWeather);
/** `line: path: problem` of everything that is refused. */
const refusals = (text: string): string[] => {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof SiteConfigError)
      return error.problems.map(({ line, path, problem, todo }) => `${line} ${path.join(".")} ${problem} | ${todo}`);
    throw error;
  }
  return [];
};
const commands = (text: string, extraWeather: string[] = []) =>
  parse(text, extraWeather).runs.map(({ options }) => commandArguments(options).slice(1).join(" "));

describe("a suite that is wrong", () => {
  it("is refused with every problem at once, each with its line and what would be right", () => {
    const text = [
      "name: two words",
      "defaults:",
      "  days: 0",
      "  wether: new-york",
      "matrix:",
      "  - start: [01-01, 13-01]",
      "    controllers: [mpii, {controller: rule, lead: soon}]",
      "  - seed: true",
      "    controlers: [rule]",
    ].join("\n");
    expect(refusals(text)).toEqual([
      expect.stringMatching(/^1 name should be one word/),
      expect.stringMatching(/^3 defaults\.days "0" is not a whole number from 1 to 366/),
      expect.stringMatching(/^4 defaults\.wether is not a known key \| Did you mean "weather"\?/),
      expect.stringMatching(/^6 matrix\.0\.start\.1 "13-01" is not a day of the year/),
      expect.stringMatching(/^7 matrix\.0\.controllers\.0 "mpii" is not known; did you mean mppi\?/),
      expect.stringMatching(/^7 matrix\.0\.controllers\.1\.lead "soon" is not a whole number/),
      expect.stringMatching(/^8 matrix\.1\.seed true is not a word or a number/),
      expect.stringMatching(/^9 matrix\.1\.controlers is not a known key \| Did you mean "controllers"\?/),
    ]);
  });
  it.each([
    ["an empty file", "# nothing\n", /^1 {2}the file is empty/],
    ["YAML that does not parse", "name: a\nmatrix: [", /^\d /],
    ["a list instead of a section", "- a\n", /^1 {2}\["a"\] is not a section/],
    ["a suite without a matrix", "name: a\n", /^1 matrix is missing \| Write a list/],
    ["an empty list", "name: a\nmatrix:\n  - start: []\n    controllers: [rule]\n", /^3 matrix\.0\.start has too few entries/],
    ["a block without controllers", "name: a\nmatrix:\n  - days: 1\n", /^3 matrix\.0 has no controllers/],
    [
      "a flag that is no truth value",
      "name: a\nmatrix:\n  - controllers: [{controller: rule, ramp: 3}]\n",
      /^3 matrix\.0\.controllers\.0\.ramp 3 is not true or false/,
    ],
    ["a key twice", "name: a\nname: b\nmatrix: [{controllers: [rule]}]\n", /^2 {2}the key name stands twice/],
    [
      "controller instead of controllers",
      "name: a\nmatrix:\n  - controller: rule\n    days: 1\n",
      /^3 matrix\.0\.controller is not a known key \| Did you mean "controllers"/,
    ],
    [
      "a lead for a planner",
      "name: a\nmatrix:\n  - controllers: [{controller: mppi, lead: 2}]\n",
      /^3 matrix\.0\.controllers\.0 --lead and --ramp belong to --controller rule/,
    ],
    [
      "a rule without fallback",
      "name: a\nmatrix:\n  - controllers:\n    - rule\n    - {controller: rule, fallback: false}\n",
      /^5 matrix\.0\.controllers\.1 --no-fallback means nothing/,
    ],
    [
      "a ramp over no steps and nothing else",
      "name: a\nmatrix:\n  - controllers: [{controller: rule, lead: 0, ramp: true}]\n",
      /^3 matrix\.0\.controllers\.0 --ramp needs --lead/,
    ],
    [
      "weather that does not exist",
      "name: a\nmatrix:\n  - weather: [new-york, atlantis]\n    controllers: [rule]\n",
      /^3 matrix\.0\.weather there is no weather "atlantis"/,
    ],
    [
      "a building that does not exist",
      "name: a\ndefaults:\n  building: castle\nmatrix:\n  - controllers: [rule]\n",
      /^3 defaults\.building there is no building "castle"/,
    ],
    [
      "a tariff that does not exist",
      "name: a\nmatrix:\n  - controllers:\n    - {controller: rule, tariff: cheap}\n",
      /^4 matrix\.0\.controllers\.0\.tariff there is no tariff "cheap"/,
    ],
    [
      "29 February in 1991",
      "name: a\nmatrix:\n  - {start: 02-29, controllers: [rule]}\n",
      /^3 matrix\.0\.controllers\.0 1991 has no 29 February/,
    ],
  ])("is refused: %s", (_what, text, message) => {
    const found = refusals(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });
  it("is named in the message when it is not there or not text", () => {
    expect(() => loadSuite(join(folder, "none.yaml"))).toThrow("there is no such file");
    expect(() => loadSuite(folder)).toThrow("it is a directory");
    writeFileSync(join(folder, "binary.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
    expect(() => loadSuite(join(folder, "binary.yaml"))).toThrow("it is not UTF-8 text");
  });
});

describe("the runs of a suite", () => {
  it("are the product of all lists, a controller's values before the block's before the defaults'", () => {
    const text =
      "name: a\ndefaults: {days: 3, weather: new-york, samples: 10}\nmatrix:\n  - start: [01-01, 07-01]\n    samples: 20\n    controllers:\n      - schedule\n      - {controller: mppi, samples: [30, 40], days: 1}\n";
    const base = (start: string, rest: string) =>
      `--plant rc --building five-zone-office --weather new-york --start ${start} ${rest} --seed 1`;
    expect(commands(text)).toEqual([
      base("01-01", "--days 3 --controller schedule --samples 20"),
      base("07-01", "--days 3 --controller schedule --samples 20"),
      base("01-01", "--days 1 --controller mppi --samples 30"),
      base("01-01", "--days 1 --controller mppi --samples 40"),
      base("07-01", "--days 1 --controller mppi --samples 30"),
      base("07-01", "--days 1 --controller mppi --samples 40"),
    ]);
  });
  it("draw each seed only where the controller draws random numbers", () => {
    const runs = parse("name: a\nmatrix:\n  - seed: [4, 5]\n    controllers: [schedule, rule, rule-best, mppi, clue]\n").runs;
    expect(runs.map(({ options }) => `${options.controller} ${options.seed}`)).toEqual([
      "schedule 4",
      "rule 4",
      "rule-best 4",
      "mppi 4",
      "mppi 5",
      "clue 4",
      "clue 5",
    ]);
  });
  it("leave out the ramp that has no steps, and make each run once", () => {
    const runs = parse(
      "name: a\nmatrix:\n  - controllers: [{controller: rule, lead: [0, 1], ramp: [false, true]}]\n  - controllers: [{controller: rule, lead: 1}]\n    optional: true\n",
    ).runs;
    expect(runs.map(({ options, optional }) => `${options.lead} ${options.ramp} ${optional}`)).toEqual([
      "0 false false",
      "1 false false",
      "1 true false",
    ]);
  });
  it("get one more weather per block from the command line", () => {
    const epw = join(folder, "somewhere.epw");
    const other =
      "name: a\nmatrix:\n  - {plant: energyplus, controllers: [rule]}\n  - {plant: energyplus, weather: pittsburgh, controllers: [schedule]}\n";
    expect(parse(other, [epw]).runs.map(({ options }) => `${options.controller} ${options.weather}`)).toEqual([
      "rule new-york",
      `rule ${epw}`,
      `schedule ${epw}`,
      "schedule pittsburgh",
    ]);
    expect(() => parse("name: a\nmatrix: [{controllers: [rule]}]\n", [epw])).toThrow("the weather file cannot be read");
  });
  it("find files beside the suite, wherever it is started from", () => {
    writeFileSync(join(folder, "night.yaml"), "energyPricePerKwh: 0.2\n");
    const [run] = parse("name: a\nmatrix: [{tariff: night.yaml, controllers: [rule]}]\n").runs;
    expect(run!.options.tariff).toBe(resolve(folder, "night.yaml"));
  });
  it("have every option of simulate but those of output and machine", () => {
    expect([...simulateOptions.keys()]).toEqual(
      expect.arrayContaining(["plant", "historyDays", "ramp", "fallback", "relearn", "forecastError"]),
    );
    for (const name of ["json", "trace", "energyplus", "patience", "listWeather"]) expect(simulateOptions.has(name)).toBe(false);
  });
  it("are named by what tells them apart", () => {
    const all = parse(
      "name: a\nmatrix:\n  - start: [01-01, 07-01]\n    objective: [energy, bill]\n    controllers: [{controller: rule, lead: 4, ramp: true}, {controller: mppi, fallback: [true, false], samples: [100, 200]}]\n",
    ).runs.map(({ options }) => options);
    expect(new Set(all.map((one) => caseTitle(one, all)))).toEqual(
      new Set(
        ["energy", "bill"].flatMap((what) => ["January", "July"].map((month) => `New York, 7 days from 1 ${month}, objective ${what}`)),
      ),
    );
    expect(new Set(all.map((one) => settingLabel(one, all)))).toEqual(
      new Set([
        "rule lead 4 ramp",
        "mppi samples 100",
        "mppi samples 200",
        "mppi without fallback samples 100",
        "mppi without fallback samples 200",
      ]),
    );
  });
  it("are shown as commands that a shell takes", () => {
    const [run] = parse(
      'name: a\nmatrix: [{plant: energyplus, weather: "it\'s far away.epw", controllers: [{controller: mppi, fallback: false}]}]\n',
    ).runs;
    expect(shownCommand(run!.options)).toBe(
      `isotherm simulate --plant energyplus --building five-zone-office --weather '${join(folder, "it'\\''s far away.epw")}' --start 01-01 --days 7 --controller mppi --no-fallback --seed 1 --json`,
    );
  });
});

describe("the suites that come along", () => {
  it("are right", () => {
    expect(loadSuite(join(suitesFolder, "quick.yaml")).runs.length).toBeGreaterThan(8);
    const paper = loadSuite(join(suitesFolder, "paper.yaml"));
    // Two cities, two months: the schedule, five rules, the best rule, and five learned controllers with and without fallback by three seeds.
    expect(paper.runs).toHaveLength(2 * 2 * (1 + 5 + 1 + 5 * 2 * 3));
    expect(new Set(paper.runs.map(({ options }) => options.plant))).toEqual(new Set(["energyplus"]));
  });
});
