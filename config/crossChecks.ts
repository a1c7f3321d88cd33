import cron from "node-cron";
import type { ConfigPath } from "#config/problem";
import type { Report } from "#config/report";
import type { SiteFile } from "#config/schema";
import type { AdaptiveComfortConfig } from "#config/siteConfig";
import { type PeopleAssumed, type TemperatureBand, votedBand } from "#math/thermalComfort";

const RESERVED_ZONES = new Set(["site", "building"]);

function checkBuilding(file: SiteFile, report: Report): void {
  const { embedded, mqtt } = file.building;
  if (embedded === undefined && mqtt === undefined)
    report(["building"], "names no building", "Write embedded: for a simulated building, or mqtt: for a real one.");
  if (embedded !== undefined && mqtt !== undefined) report(["building", "mqtt"], "stands beside embedded", "Keep one of the two.");
  if (embedded !== undefined && Number.isNaN(Date.parse(`${embedded.year}-${embedded.start}T00:00:00Z`))) {
    report(["building", "embedded", "start"], `${embedded.start} is not a day of ${embedded.year}`, "Write a day as MM-DD.", [
      ["building", "embedded", "year"],
    ]);
  } else if (
    embedded !== undefined &&
    new Date(`${embedded.year}-${embedded.start}T00:00:00Z`).toISOString().slice(5, 10) !== embedded.start
  ) {
    report(["building", "embedded", "start"], `${embedded.start} is not a day of ${embedded.year}`, "Write a day as MM-DD.", [
      ["building", "embedded", "year"],
    ]);
  }
}

function checkZones(file: SiteFile, report: Report): void {
  const first = new Map<string, number>();
  for (const [index, zone] of file.zones.entries()) {
    const at: ConfigPath = ["zones", index, "id"];
    const earlier = first.get(zone.id);
    if (earlier !== undefined)
      report(at, `"${zone.id}" is the id of zones[${earlier}] already`, "Give every zone its own id.", [["zones", earlier, "id"]]);
    else first.set(zone.id, index);
    if (RESERVED_ZONES.has(zone.id)) report(at, `"${zone.id}" is reserved for points that belong to no zone`, "Choose another id.");
    const sensors = Object.keys(zone.sensors);
    if (file.building.embedded !== undefined && sensors.length > 0) {
      report(
        ["zones", index, "sensors"],
        "an embedded building brings its own sensors",
        "Remove the sensors, or describe a real building: building: { mqtt: {} }.",
        [["building"]],
      );
    }
    if (file.building.mqtt !== undefined && file.building.embedded === undefined && zone.sensors.zoneAirTempC === undefined) {
      const name = `${zone.id}.zoneAirTempC`;
      if (!(name in file.points) && !(name in file.derived)) {
        report(
          ["zones", index],
          `nothing measures the air temperature of zone "${zone.id}"`,
          "Add sensors: { zoneAirTempC: { topic: … } }, or a derived point of that name.",
          [["building"], ["zones", index, "sensors"], at],
        );
      }
    }
  }
  if (file.building.embedded !== undefined && Object.keys(file.points).length > 0) {
    report(["points"], "an embedded building brings its own points", "Remove them, or describe a real building: building: { mqtt: {} }.", [
      ["building"],
    ]);
  }
}

/** What `control.comfort.vote` says of people and their air; null where it is not there. */
export const peopleAssumed = ({ vote }: SiteFile["control"]["comfort"]): PeopleAssumed | null =>
  vote === undefined
    ? null
    : { airSpeedMps: vote.airSpeed, relativeHumidityPct: vote.humidity, activityMet: vote.activity, clothingClo: vote.clothing };

/** The site's occupied band by `control.comfort.vote`; null where it is not there, or no temperature keeps to it. */
const bandByVote = (comfort: SiteFile["control"]["comfort"]): TemperatureBand | null => {
  const people = peopleAssumed(comfort);
  return people === null ? null : votedBand(people, comfort.vote!.limit);
};

/** What `control.comfort.adaptive` says; null where it is not there. */
const adaptiveOf = ({ adaptive }: SiteFile["control"]["comfort"]): AdaptiveComfortConfig | null => {
  if (adaptive === undefined) return null;
  const { standard, category, acceptability, season } = adaptive;
  const [first = "", last = ""] = season.split("/");
  return {
    by: standard === "en16798" ? { standard, category } : { standard, acceptabilityPct: acceptability === "90 %" ? 90 : 80 },
    season: { first, last },
  };
};

/** The comfort of a zone, its own where it says so; a zone with a band of its own keeps it in every season. */
export const comfortOf = (file: SiteFile, zone: SiteFile["zones"][number]) => {
  const site = file.control.comfort;
  const occupied = bandByVote(site) ?? { lowerC: site.occupied.lower, upperC: site.occupied.upper };
  return {
    occupied: { lowerC: zone.comfort.occupied.lower ?? occupied.lowerC, upperC: zone.comfort.occupied.upper ?? occupied.upperC },
    adaptive: zone.comfort.occupied.lower === undefined && zone.comfort.occupied.upper === undefined ? adaptiveOf(site) : null,
    unoccupied: {
      lowerC: zone.comfort.unoccupied.lower ?? site.unoccupied.lower,
      upperC: zone.comfort.unoccupied.upper ?? site.unoccupied.upper,
    },
    week: zone.comfort.week ?? site.week,
    holidays: zone.comfort.holidays ?? site.holidays,
  };
};

function checkBands(file: SiteFile, report: Report): void {
  const { limits, setback, comfort: siteComfort } = file.control;
  if (siteComfort.vote !== undefined && bandByVote(siteComfort) === null) {
    report(
      ["control", "comfort", "vote"],
      "no temperature from 5 to 40 degC keeps people within that vote",
      "Change activity, clothing, airSpeed or humidity, or give the band itself as control.comfort.occupied.",
      [],
    );
  }
  const seen = new Set<string>();
  const check = (comfort: ReturnType<typeof comfortOf>, at: ConfigPath, depends: readonly ConfigPath[]): void => {
    for (const name of ["occupied", "unoccupied"] as const) {
      const { lowerC, upperC } = comfort[name];
      if (upperC - lowerC < limits.deadband) {
        report(
          [...at, name],
          `the band from ${lowerC} to ${upperC} degC is narrower than the deadband of ${limits.deadband} K`,
          "Let upper be at least lower + control.limits.deadband.",
          depends,
        );
      }
    }
    const { occupied, unoccupied } = comfort;
    if (unoccupied.lowerC > occupied.lowerC || unoccupied.upperC < occupied.upperC) {
      report(
        [...at, "unoccupied"],
        `the unoccupied band (${unoccupied.lowerC} to ${unoccupied.upperC} degC) is tighter than the occupied one (${occupied.lowerC} to ${occupied.upperC} degC)`,
        "Let it hold the occupied band.",
        depends,
      );
    }
    if (occupied.lowerC > limits.heating.max || occupied.lowerC < limits.heating.min) {
      report(
        [...at, "occupied", "lower"],
        `${occupied.lowerC} degC can never be a heating setpoint: the limits are ${limits.heating.min} to ${limits.heating.max} degC`,
        "Change it or control.limits.heating.",
        depends,
      );
    }
    if (occupied.upperC < limits.cooling.min || occupied.upperC > limits.cooling.max) {
      report(
        [...at, "occupied", "upper"],
        `${occupied.upperC} degC can never be a cooling setpoint: the limits are ${limits.cooling.min} to ${limits.cooling.max} degC`,
        "Change it or control.limits.cooling.",
        depends,
      );
    }
  };
  const siteDepends: readonly ConfigPath[] = [
    ["control", "limits"],
    ["control", "comfort"],
  ];
  check(comfortOf(file, { comfort: { occupied: {}, unoccupied: {} } } as SiteFile["zones"][number]), ["control", "comfort"], siteDepends);
  for (const [index, zone] of file.zones.entries()) {
    const own = [...Object.keys(zone.comfort.occupied), ...Object.keys(zone.comfort.unoccupied)];
    if (own.length > 0 && !seen.has(`${index}`)) check(comfortOf(file, zone), ["zones", index, "comfort"], siteDepends);
    seen.add(`${index}`);
  }
  for (const [name, value, limit] of [
    ["heating", setback.heating, limits.heating],
    ["cooling", setback.cooling, limits.cooling],
  ] as const) {
    if (value < limit.min || value > limit.max) {
      report(
        ["control", "setback", name],
        `${value} degC is outside the limits of ${limit.min} to ${limit.max} degC`,
        `Change it or control.limits.${name}.`,
        [["control", "limits"]],
      );
    }
    if (limit.min > limit.max) report(["control", "limits", name], `min ${limit.min} degC is above max ${limit.max} degC`, "Swap them.");
  }
  if (limits.heating.max + limits.deadband > limits.cooling.min + 1e-9) {
    report(
      ["control", "limits"],
      `heating could reach ${limits.heating.max} degC, but with the deadband of ${limits.deadband} K it must stay below the lowest cooling setpoint, ${limits.cooling.min} degC`,
      "Let heating.max + deadband be at most cooling.min.",
    );
  }
}

const intervals = new Map<string, number | null>();

/** Milliseconds between consecutive runs of a cron schedule (UTC) where they are even over a whole day of quarter hours; null where they are not. */
export function evenIntervalMs(schedule: string): number | null {
  const known = intervals.get(schedule);
  if (known !== undefined) return known;
  // Slow (50 ms): walking a cron expression through time is.
  const task = cron.createTask(schedule, () => undefined, { timezone: "UTC" });
  const runs = task.getNextRuns(100).map((date) => date.getTime());
  void task.destroy();
  const gap = runs[1] - runs[0];
  const interval = runs.length > 1 && runs.slice(1).every((time, i) => time - runs[i] === gap) ? gap : null;
  if (intervals.size < 64) intervals.set(schedule, interval);
  return interval;
}

function checkTimes(file: SiteFile, report: Report): void {
  const { step, schedule, commandValidity } = file.control;
  if (3600 % step !== 0) report(["control", "step"], `${step} s do not divide an hour evenly`, "Write 5, 10, 15, 20, 30 or 60 min.");
  else if (evenIntervalMs(schedule) !== step * 1000) {
    const every = step === 3600 ? "0 * * * *" : `*/${step / 60} * * * *`;
    report(
      ["control", "schedule"],
      `"${schedule}" does not run every ${step / 60} min, the control step`,
      `Write "${every}", or change control.step.`,
      [["control", "step"]],
    );
  }
  if (commandValidity < step)
    report(
      ["control", "commandValidity"],
      `${commandValidity} s is shorter than the step of ${step} s: devices would fall back between commands`,
      "Let it be at least one step, better three.",
      [["control", "step"]],
    );
  const { horizon, budget, deadline } = file.planner;
  if (horizon * step > file.forecast.length) {
    report(
      ["planner", "horizon"],
      `${horizon} steps of ${step} s look ${(horizon * step) / 3600} h ahead, the forecast only ${file.forecast.length / 3600} h`,
      "Shorten the horizon or lengthen forecast.length.",
      [
        ["control", "step"],
        ["forecast", "length"],
      ],
    );
  }
  if (budget > deadline)
    report(["planner", "budget"], `${budget} s is longer than the deadline of ${deadline} s`, "Let it be at most planner.deadline.", [
      ["planner", "deadline"],
    ]);
  if (deadline >= step)
    report(
      ["planner", "deadline"],
      `${deadline} s is not shorter than the step of ${step} s`,
      "Let a plan be ready well before the next step.",
      [["control", "step"]],
    );
  const { minDays, trainingDays } = file.learning;
  if (minDays > trainingDays)
    report(
      ["learning", "minDays"],
      `${minDays} is more than the ${trainingDays} training days`,
      "Let it be at most learning.trainingDays.",
      [["learning", "trainingDays"]],
    );
}

function checkConnections(file: SiteFile, report: Report): void {
  const { mqtt, influx, dashboard } = file;
  if (mqtt.url !== undefined && mqtt.embedded !== undefined)
    report(["mqtt", "embedded"], "stands beside url", "Keep url for an external broker or embedded for the one inside.");
  if (mqtt.password !== undefined && mqtt.username === undefined)
    report(["mqtt", "password"], "stands without username", "Add mqtt.username.");
  if ((mqtt.certificate === undefined) !== (mqtt.key === undefined)) {
    report(["mqtt", mqtt.key === undefined ? "certificate" : "key"], "certificate and key go together", "Name both files.");
  }
  if ((dashboard.certificate === undefined) !== (dashboard.key === undefined)) {
    report(["dashboard", dashboard.key === undefined ? "certificate" : "key"], "certificate and key go together", "Name both files.");
  }
  const tls = (["ca", "certificate", "key", "serverName"] as const).find((name) => mqtt[name] !== undefined);
  if (tls !== undefined && !(mqtt.url ?? "").startsWith("mqtts:"))
    report(["mqtt", tls], "only an encrypted connection uses it", "Write url: mqtts://…, or remove it.", [["mqtt", "url"]]);
  if (influx?.password !== undefined && influx.username === undefined)
    report(["influx", "password"], "stands without username", "Add influx.username.");
  if (influx?.ca !== undefined && !influx.url.startsWith("https:"))
    report(["influx", "ca"], "only an encrypted connection uses it", "Write url: https://…, or remove it.", [["influx", "url"]]);
  const port = mqtt.url === undefined ? (mqtt.embedded?.port ?? 1883) : 0;
  if (port !== 0 && port === dashboard.port)
    report(["dashboard", "port"], `${port} is the port of the embedded broker`, "Choose another port.", [["mqtt", "embedded", "port"]]);
}

function checkMoney(file: SiteFile, report: Report): void {
  const { weights, tariff } = file.planner;
  const prices: readonly (readonly [ConfigPath, { readonly currency: string | null }])[] = [
    ...(weights.comfort === undefined ? [] : ([[["planner", "weights", "comfort"], weights.comfort]] as const)),
    [["planner", "weights", "uncertainty"], weights.uncertainty],
    [["planner", "weights", "movement"], weights.movement],
    [["planner", "tariff", "energy"], tariff.energy],
    [["planner", "tariff", "demand"], tariff.demand],
    [["planner", "tariff", "carbonPrice"], tariff.carbonPrice],
    ...(tariff.prices === undefined ? [] : ([[["planner", "tariff", "prices", "add"], tariff.prices.add]] as const)),
    ...(tariff.prices?.unit === undefined ? [] : ([[["planner", "tariff", "prices", "unit"], tariff.prices.unit]] as const)),
    ...tariff.periods.map((period, index) => [["planner", "tariff", "periods", index, "energy"], period.energy] as const),
  ];
  for (const [at, { currency }] of prices) {
    if (currency !== null && currency !== file.site.currency) {
      report(
        at,
        `is in ${currency}, the site counts in ${file.site.currency}`,
        `Write it in ${file.site.currency}, or change site.currency.`,
        [["site", "currency"]],
      );
    }
  }
}

function checkRates(file: SiteFile, report: Report): void {
  for (const name of ["prices", "intensities"] as const) {
    const source = file.planner.tariff[name];
    if (source === undefined) continue;
    const at: ConfigPath = ["planner", "tariff", name];
    if (source.file === undefined && source.url === undefined) report(at, "names no source", "Write file: or url:.");
    if (source.file !== undefined && source.url !== undefined) report([...at, "file"], "stands beside url", "Keep one of the two.");
    if (source.key !== undefined && source.url === undefined)
      report([...at, "key"], "only an address needs it", "Remove it, or write url:.");
    if (source.url?.includes("{key}") === true && source.key === undefined)
      report([...at, "url"], "has a place for a key, and there is none", "Add key:.", [[...at, "key"]]);
  }
}

function checkForecast({ forecast, building }: SiteFile, report: Report): void {
  const { sources } = forecast;
  if (sources === undefined) return;
  if (building.embedded !== undefined)
    report(["forecast", "sources"], "a simulated building has its own weather", "Remove them, or describe a real building.", [
      ["building"],
    ]);
  for (const [index, source] of sources.entries()) {
    const at: ConfigPath = ["forecast", "sources", index];
    const belongs = (name: "url" | "key" | "licence" | "weather", kind: string): void => {
      if (source[name] !== undefined && source.kind !== kind)
        report([...at, name], `a source of kind ${source.kind} does not use it`, `Remove it, or write kind: ${kind}.`);
    };
    belongs("url", "openMeteo");
    belongs("key", "openMeteo");
    belongs("licence", "openMeteo");
    belongs("weather", "typical");
    if (source.kind === "openMeteo" && source.url === undefined) report(at, "names no address", "Add url:.");
    if (source.kind === "typical" && source.weather === undefined) report(at, "names no weather", "Add weather:.");
  }
}

function checkNotify({ notify }: SiteFile, report: Report): void {
  const { email } = notify;
  if (email?.password !== undefined && email.username === undefined)
    report(["notify", "email", "password"], "stands without username", "Add notify.email.username.");
}

/** Everything that two or more places of the file must agree on. */
export function crossCheck(file: SiteFile, report: Report): void {
  checkBuilding(file, report);
  checkZones(file, report);
  checkBands(file, report);
  checkTimes(file, report);
  checkConnections(file, report);
  checkMoney(file, report);
  checkRates(file, report);
  checkForecast(file, report);
  checkNotify(file, report);
}
