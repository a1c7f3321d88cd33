import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { IsothermError } from "#domain/errors";
import { ID_PATTERN } from "#domain/points";
import { parseEso } from "#simulators/energyplus/eso";
import { coupledCopy } from "#simulators/energyplus/modelCopy";
import { type EpModel, parseModel, readModel } from "#simulators/energyplus/modelFile";
import { loadModel } from "#simulators/energyplus/models";
import { thermostatZones } from "#simulators/energyplus/thermostatZones";
import { epwCopy } from "#simulators/energyplus/weatherCopy";
import { loadWeatherFile } from "#simulators/energyplus/weathers";
import { engine, named, whyNot } from "./engineHere.js";

const scratch = mkdtempSync(join(tmpdir(), "isotherm-models-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const refusal = (work: () => unknown): IsothermError => {
  try {
    work();
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
  throw new Error("it was accepted");
};
const thermostats = (...targets: string[]): EpModel[string] =>
  Object.fromEntries(targets.map((zone_or_zonelist_name, i) => [`t${i}`, { zone_or_zonelist_name }]));

describe("model files", () => {
  it("are refused with file and line where the JSON is broken", () => {
    const error = refusal(() => parseModel('{\n  "Zone": {\n    "A": {},\n    "B": {]\n  }\n}', "house.epJSON"));
    expect(error.place).toEqual({ file: "house.epJSON", line: 4 });
    expect(error.exitCode).toBe(78);
    expect(refusal(() => parseModel('{\n"Zone": {\n"A": {', "cut.epJSON")).place.line).toBe(3);
  });
  it("are refused where they are JSON but no building", () => {
    expect(refusal(() => parseModel('{"name": "isotherm"}', "package.json")).message).toMatch(/not an EnergyPlus model/);
    expect(refusal(() => parseModel("[1, 2]", "list.json")).message).toMatch(/not an EnergyPlus model/);
  });
  it("are refused where no zone has a thermostat, with what could help", () => {
    expect(refusal(() => thermostatZones({ Zone: { A: {} } }, "shed.idf")).message).toMatch(/no zone of this model has a thermostat/);
    const templates = { Zone: { A: {} }, "HVACTemplate:Thermostat": { t: {} } };
    expect(refusal(() => thermostatZones(templates, "shed.idf")).todo).toMatch(/ExpandObjects/);
  });
  it.skipIf(whyNot !== null)(named("are refused where the id or the ending is unknown"), async () => {
    await expect(loadModel("five-zone-offices", engine)).rejects.toThrow(/did you mean five-zone-office/);
    await expect(readModel(join(scratch, "none.epJSON"), engine)).rejects.toThrow(/does not exist/);
  });
  it.skipIf(whyNot !== null)(
    named("are read from IDF by the engine's own converter, and what it cannot read is refused with its reason"),
    async () => {
      const { model } = await loadModel("ref2004-small-office", engine);
      expect(thermostatZones(model, "").length).toBe(5);
      const bad = join(scratch, "bad.idf");
      writeFileSync(bad, "Version,25.2;\nZone,A,B,C;\nNoSuchObject,1;\n");
      await expect(readModel(bad, engine)).rejects.toThrow(/cannot read this IDF: ./);
    },
  );
});

describe("thermostat zones", () => {
  it("are named directly, by lists, spaces and lists of spaces, whatever the case; others are left out", () => {
    const model: EpModel = {
      Zone: { "SPACE1-1": {}, Attic: {}, "Core Zone": {}, West: {}, East: {} },
      ZoneList: { Both: { zones: [{ zone_name: "space1-1" }, { zone_name: "CORE ZONE" }] } },
      Space: { "West space": { zone_name: "West" }, "East space": { zone_name: "EAST" } },
      SpaceList: { Sides: { spaces: [{ space_name: "east space" }] } },
      "ZoneControl:Thermostat": thermostats("BOTH", "West Space", "sides"),
    };
    expect(thermostatZones(model, "")).toEqual([
      { id: "space1-1", name: "SPACE1-1" },
      { id: "core-zone", name: "Core Zone" },
      { id: "west", name: "West" },
      { id: "east", name: "East" },
    ]);
  });
  it("have different ids that are legal in point names, whatever they are called", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, selector: (name) => name.toLowerCase() }), (names) => {
        const model: EpModel = {
          Zone: Object.fromEntries(names.map((name) => [name, {}])),
          "ZoneControl:Thermostat": thermostats(...names),
        };
        const ids = thermostatZones(model, "").map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) {
          expect(id).toMatch(ID_PATTERN);
          expect(["site", "building"]).not.toContain(id);
        }
      }),
    );
  });
});

describe("copies for a run", () => {
  const span = { firstDayMs: Date.UTC(1990, 11, 25), lastDayMs: Date.UTC(1991, 0, 7) };
  it("have one run period in its own years, four steps an hour, no daylight saving, holidays or reports; the original stays", () => {
    const model: EpModel = {
      Building: { b: {} },
      Timestep: { t: { number_of_timesteps_per_hour: 6 } },
      RunPeriod: { summer: {}, winter: {} },
      "RunPeriodControl:DaylightSavingTime": { d: {} },
      "RunPeriodControl:SpecialDays": { christmas: {} },
      SimulationControl: { s: { do_zone_sizing_calculation: "Yes", run_simulation_for_sizing_periods: "Yes" } },
      "Output:Variable": { o: {} },
      "Output:Table:SummaryReports": { o: {} },
    };
    const before = structuredClone(model);
    const copy = coupledCopy(model, span);
    expect(model).toEqual(before);
    expect(Object.values(copy.RunPeriod!)).toEqual([
      expect.objectContaining({
        begin_year: 1990,
        begin_month: 12,
        begin_day_of_month: 25,
        end_year: 1991,
        end_month: 1,
        end_day_of_month: 7,
        day_of_week_for_start_day: "Tuesday",
        use_weather_file_holidays_and_special_days: "No",
        use_weather_file_daylight_saving_period: "No",
      }),
    ]);
    expect(Object.values(copy.Timestep!)).toEqual([{ number_of_timesteps_per_hour: 4 }]);
    expect(Object.values(copy.SimulationControl!)[0]).toMatchObject({
      do_zone_sizing_calculation: "Yes",
      run_simulation_for_sizing_periods: "No",
    });
    expect(Object.keys(copy).filter((name) => /^(RunPeriodControl|Output:)/.test(name))).toEqual([]);
  });
  it.skipIf(whyNot !== null)(
    named("of weather hold a 29 February exactly where the years have one, and neither holidays nor daylight saving"),
    () => {
      const { text } = loadWeatherFile("pittsburgh", engine);
      const rows = (year: number): string[] => {
        const lines = epwCopy(text, { firstDayMs: Date.UTC(year, 1, 1), lastDayMs: Date.UTC(year, 2, 1) })
          .trim()
          .split("\r\n");
        expect(lines[4]).toBe(`HOLIDAYS/DAYLIGHT SAVINGS,${year === 1992 ? "Yes" : "No"},0,0,0`);
        return lines.slice(8);
      };
      expect(rows(1991).length).toBe(8760);
      const leap = rows(1992);
      expect(leap.length).toBe(8784);
      expect(leap[59 * 24]!.split(",").slice(1, 4)).toEqual(["2", "29", "1"]);
      expect(leap[60 * 24]!.split(",").slice(1, 4).map(Number)).toEqual([3, 1, 1]);
    },
  );
  it.skipIf(whyNot !== null)(named("are not made of weather that is cut off: the last line is named"), () => {
    const file = join(scratch, "cut.epw");
    const { text } = loadWeatherFile("pittsburgh", engine);
    writeFileSync(file, text.slice(0, 200_000), "latin1");
    const error = refusal(() => loadWeatherFile(file, engine));
    expect(error.place).toMatchObject({ file, line: readFileSync(file, "latin1").split("\n").length });
  });
});

describe("EnergyPlus's reports", () => {
  const head =
    "Program Version,EnergyPlus\n1,5,Environment Title[]\n2,8,Day of Simulation[]\n7,1,ZONE, ONE,Zone Air Temperature [C] !Hourly\n9,11,Electricity:HVAC [J] !Annual [Value,Min]\nEnd of Data Dictionary\n";
  it("are read in order of time, design days left out", () => {
    const text = `${head}1,SUMMER,1\n2,1, 7,21, 0, 1, 0.00,60.00,SummerDesignDay\n7,99\n1,RUN,1\n2,1, 1, 1, 0, 1, 0.00,60.00,Tuesday\n7,20.5\n2,1, 1, 1, 0, 2, 0.00,60.00,Tuesday\n7,21\n9,3600.5,1,2\nEnd of Data\n`;
    const [temperature, energy] = parseEso(text, "eplusout.eso");
    expect(temperature).toEqual({
      key: "ZONE, ONE",
      name: "Zone Air Temperature",
      unit: "C",
      frequency: "Hourly",
      values: Float64Array.of(20.5, 21),
    });
    expect(energy).toMatchObject({ key: "", name: "Electricity:HVAC", unit: "J", values: Float64Array.of(3600.5) });
  });
  it("are refused where they were cut off", () => {
    expect(refusal(() => parseEso(`${head}1,RUN,1\n7,20.5\n`, "eplusout.eso")).message).toMatch(/cut off/);
  });
});
