import { type EpModel, objectsOf, withoutClasses } from "#simulators/energyplus/modelFile";
import { unwantedFiles, withoutReports } from "#simulators/energyplus/reports";

/** Days of local standard time, as the UTC midnight with the same date. */
export interface DaySpan {
  readonly firstDayMs: number;
  /** Included. */
  readonly lastDayMs: number;
}

/** Zone time steps of a coupled run. */
export const timeStepsPerHour = 4;
const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/**
 * A copy of the model for a coupled run (docs/protocol.md): one run period over `span` in its own years, four steps an hour, no daylight saving, no
 * holidays, no reports. Sizing periods are still sized on, but not simulated. `keepsSizes`: with the one report that says how large zones and loads are.
 */
export function coupledCopy(model: EpModel, span: DaySpan, keepsSizes = false): EpModel {
  const copy = withoutReports(structuredClone(model));
  withoutClasses(copy, (name) =>
    /^(runperiod|runperiod:.*|runperiodcontrol:(daylightsavingtime|specialdays)|timestep|simulationcontrol)$/i.test(name),
  );
  const first = new Date(span.firstDayMs);
  const last = new Date(span.lastDayMs);
  copy.RunPeriod = {
    "isotherm run": {
      begin_year: first.getUTCFullYear(),
      begin_month: first.getUTCMonth() + 1,
      begin_day_of_month: first.getUTCDate(),
      end_year: last.getUTCFullYear(),
      end_month: last.getUTCMonth() + 1,
      end_day_of_month: last.getUTCDate(),
      day_of_week_for_start_day: weekdays[first.getUTCDay()]!,
      use_weather_file_holidays_and_special_days: "No",
      use_weather_file_daylight_saving_period: "No",
      apply_weekend_holiday_rule: "No",
      use_weather_file_rain_indicators: "Yes",
      use_weather_file_snow_indicators: "Yes",
    },
  };
  copy.Timestep = { "isotherm steps": { number_of_timesteps_per_hour: timeStepsPerHour } };
  const own = Object.values(objectsOf(model, "SimulationControl"))[0] ?? {};
  copy.SimulationControl = {
    "isotherm control": {
      ...own,
      run_simulation_for_sizing_periods: "No",
      run_simulation_for_weather_file_run_periods: "Yes",
    },
  };
  copy["OutputControl:Files"] = {
    "isotherm files": {
      ...Object.fromEntries(unwantedFiles.map((name) => [`output_${name}`, "No"])),
      output_eso: "No",
      output_err: "Yes",
      ...(keepsSizes ? { output_eio: "Yes" } : {}),
    },
  };
  return copy;
}
