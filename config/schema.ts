import { z } from "zod";
import * as fields from "#config/fields";
import { forecast } from "#config/forecastSchema";
import { notify } from "#config/notifySchema";
import { tariff } from "#config/tariffSchema";
import { holidays, week } from "#config/week";

const { quantity, text } = fields;
const DAY_S = 86_400;
const YEAR_S = 366 * DAY_S;
const setpoint = (description: string) => quantity("C", description, { min: 5, max: 40 });

const band = (description: string, lower: string, upper: string) =>
  z
    .strictObject({ lower: setpoint("Coldest").prefault(lower), upper: setpoint("Warmest").prefault(upper) })
    .prefault({})
    .describe(description);

const site = z
  .strictObject({
    id: fields.identifier("Name of the site in topics and in the store", "office-berlin"),
    label: text("Name shown to people; the id where absent", { maxLength: 100, example: "Office Berlin" }).optional(),
    timeZone: fields.timeZone("Time zone of schedules and screens, an IANA name"),
    latitude: fields.number("Degrees north", -90, 90, 52.52),
    longitude: fields.number("Degrees east", -180, 180, 13.4),
    currency: fields.currency("ISO 4217 code of all prices").prefault("EUR"),
  })
  .describe("The site");

const embedded = z
  .strictObject({
    plant: fields.choice("Kind of simulator: a thermal network (rc)", ["rc"]).prefault("rc"),
    building: text("Which building; isotherm simulate --list-buildings shows them", { example: "five-zone-office" }).prefault(
      "five-zone-office",
    ),
    weather: text("Which weather: an id of isotherm simulate --list-weather, or an EPW file", { example: "new-york" }).prefault("new-york"),
    start: text("First simulated day, MM-DD", {
      pattern: /^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/,
      what: "a day of the year as MM-DD",
      example: "01-08",
    }).prefault("01-08"),
    year: fields.wholeNumber("Calendar year of the simulated time", 1970, 2100).prefault(1991),
    history: quantity("S", "Time simulated before the start under the building's own schedule, to learn from", {
      min: 0,
      max: 400 * DAY_S,
    }).prefault("7 d"),
  })
  .describe("A simulated building inside the daemon, instead of sensors");

const sensorDefaults = z
  .strictObject({
    expectedInterval: quantity("S", "How often a sensor usually reports", { min: 1, max: 7 * DAY_S }).prefault("5 min"),
    maxAge: quantity("S", "Age beyond which a value no longer counts", { min: 1, max: 7 * DAY_S }).prefault("30 min"),
    stuckAfter: quantity("S", "Time without any change after which a zone temperature sensor counts as stuck", {
      min: 60,
      max: 365 * DAY_S,
    }).prefault("24 h"),
    futureTolerance: quantity("S", "How far a message's time may lie ahead of the clock", { min: 0, max: 3600 }).prefault("1 min"),
  })
  .describe("A real building over MQTT; these hold for every sensor that does not say otherwise");

const building = z
  .strictObject({ embedded: embedded.optional(), mqtt: sensorDefaults.optional() })
  .describe("What is controlled: embedded (a simulation) or mqtt (a real building)");

const range = fields.field<readonly [unknown, unknown]>(
  (value) =>
    Array.isArray(value) && value.length === 2
      ? fields.accept([value[0], value[1]] as const)
      : fields.refuse("the plausible range is not a pair", "Write [lowest, highest], such as [5 degC, 45 degC]."),
  {
    type: "array",
    minItems: 2,
    maxItems: 2,
    items: { type: ["string", "number"] },
    description: "Lowest and highest value that is believed, with units",
    examples: [["5 degC", "45 degC"]],
  },
);
const rawQuantity = (description: string, example: string) =>
  fields.field<unknown>(fields.accept, { type: ["string", "number"], description, examples: [example] });

/** Where one point's value comes from. Units depend on the point, so they are read once its name is known. */
export const sensor = z
  .strictObject({
    topic: fields.topic("MQTT topic that carries the value", "zigbee2mqtt/lobby"),
    path: fields.jsonPath("Where the number stands in a JSON message; absent: the message is the number").optional(),
    unit: text("Unit of the number in the message; absent: the canonical unit that ends the point's name", {
      maxLength: 20,
      example: "degF",
    }).optional(),
    expression: text("Formula on the received number, called value, before the unit is converted", {
      maxLength: 1000,
      example: "value / 10",
    }).optional(),
    expectedInterval: quantity("S", "How often this sensor usually reports", { min: 1, max: 7 * DAY_S }).optional(),
    maxAge: quantity("S", "Age beyond which its value no longer counts", { min: 1, max: 7 * DAY_S }).optional(),
    stuckAfter: quantity("S", "Time without any change after which it counts as stuck", { min: 60, max: 365 * DAY_S }).optional(),
    range: range.optional(),
    maxJump: rawQuantity("Largest believable change from one value to the next", "5 K").optional(),
  })
  .describe("Where the value of one point comes from");

const zoneSensors = z
  .strictObject({
    zoneAirTempC: sensor.optional(),
    heatingSetpointC: sensor.optional(),
    coolingSetpointC: sensor.optional(),
    occupancyCount: sensor.optional(),
    relativeHumidityPct: sensor.optional(),
  })
  .describe("Sensors of the zone; zoneAirTempC is needed");

const zoneBand = z.strictObject({ lower: setpoint("Coldest").optional(), upper: setpoint("Warmest").optional() });
export const zone = z
  .strictObject({
    id: fields.identifier("Name of the zone in topics and points", "lobby"),
    label: text("Name shown to people; the id where absent", { maxLength: 100, example: "Lobby" }).optional(),
    floorArea: quantity("M2", "Floor area", { min: 0.1, max: 1e6 }).optional(),
    sensors: zoneSensors.prefault({}),
    comfort: z
      .strictObject({
        occupied: zoneBand.prefault({}).describe("Band while occupied, where it differs from the site's"),
        unoccupied: zoneBand.prefault({}).describe("Band while unoccupied, where it differs from the site's"),
        week: week("Occupied hours of this zone instead of the site's").optional(),
        holidays: holidays("Days without occupancy instead of the site's").optional(),
      })
      .prefault({})
      .describe("Comfort where this zone differs from control.comfort"),
  })
  .describe("One thermal zone");

export const derivedPoint = z
  .strictObject({
    expression: text("Formula over names of points", { maxLength: 1000, example: "mean(lobby.eastC, lobby.westC)" }),
    range: range.optional(),
  })
  .describe("A point computed from other points");

const mqtt = z
  .strictObject({
    embedded: z
      .strictObject({ port: fields.wholeNumber("Port on 127.0.0.1; 0 takes any free one", 0, 65_535).prefault(1883) })
      .optional()
      .describe("A broker inside the daemon, on the loopback address only"),
    url: fields.url("Address of an external broker", ["mqtt:", "mqtts:"], "mqtts://broker.example:8883").optional(),
    username: text("User name at the broker", { example: "isotherm" }).optional(),
    password: fields.secretSource("Password at the broker").optional(),
    ca: text("File with the certificate authorities to trust instead of the system's", { maxLength: 1000, example: "ca.pem" }).optional(),
    certificate: text("File with the client certificate", { maxLength: 1000, example: "client.pem" }).optional(),
    key: text("File with the key of the client certificate, readable by its owner only", {
      maxLength: 1000,
      example: "client.key",
    }).optional(),
    serverName: text("Name in the broker's certificate where it differs from the address", { example: "broker.internal" }).optional(),
    clientId: text("Unique at the broker; isotherm-<site id> where absent", {
      pattern: /^[A-Za-z0-9_-]{1,64}$/,
      what: "a client id of letters, digits, - and _",
      example: "isotherm-office",
    }).optional(),
    baseTopic: fields.topic("First part of all topics that isotherm publishes", "isotherm").prefault("isotherm"),
    keepalive: quantity("S", "A dead link is noticed after 1.5 times this", { min: 1, max: 3600 }).prefault("10 s"),
  })
  .prefault({})
  .describe("MQTT: a broker inside the daemon, or an external one");

const control = z
  .strictObject({
    mode: fields
      .choice("off: watch only; shadow: plan and publish proposals only; auto: publish setpoints", ["off", "shadow", "auto"])
      .prefault("shadow"),
    goLive: fields
      .choice("In shadow mode, once the model has proved itself: ask (a note on the dashboard and on MQTT), or switch to auto by itself", [
        "ask",
        "auto",
      ])
      .prefault("ask"),
    step: quantity("S", "Control interval", { min: 60, max: 3600 }).prefault("15 min"),
    schedule: fields.cronSchedule("When a decision is taken, in UTC; as often as the step", "*/15 * * * *").prefault("*/15 * * * *"),
    comfort: z
      .strictObject({
        occupied: band("Comfort band while occupied (ASHRAE Guideline 36)", "21 degC", "24 degC"),
        vote: z
          .strictObject({
            limit: fields.number("Votes either side of neutral: 0.2, 0.5 and 0.7 are categories A, B and C", 0.1, 1, 0.5).prefault(0.5),
            activity: fields.number("What people do, met: 1.2 at a desk, 1.6 standing", 0.8, 4, 1.2).prefault(1.2),
            clothing: fields.number("What people wear, clo: 0.5 in summer, 1.0 in winter", 0, 2, 0.7).prefault(0.7),
            airSpeed: fields.number("Speed of the air at people, m/s", 0, 1, 0.1).prefault(0.1),
            humidity: fields.number("Relative humidity, %", 0, 100, 50).prefault(50),
          })
          .optional()
          .describe("Takes the place of `occupied`: temperatures at which the predicted mean vote (ISO 7730) stays within the limit"),
        adaptive: z
          .strictObject({
            standard: fields.choice("en16798: EN 16798-1; ashrae55: ASHRAE 55", ["en16798", "ashrae55"]).prefault("en16798"),
            category: fields.choice("en16798: I for high, II for normal, III for moderate expectations", ["I", "II", "III"]).prefault("II"),
            acceptability: fields.choice("ashrae55: share of people who are to be content", ["80 %", "90 %"]).prefault("80 %"),
            season: text("First and last day of the year without mechanical cooling, for which the standards let people adapt", {
              pattern: /^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\/(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/,
              what: "two days as MM-DD/MM-DD",
              example: "05-01/09-30",
            }),
          })
          .optional()
          .describe(
            "Takes the place of `occupied` in its season: temperatures that people accept with the running mean of the outdoor temperature",
          ),
        unoccupied: band("Band while unoccupied", "16 degC", "32 degC"),
        week: week("Occupied hours in the site's time zone; days not named are unoccupied").prefault({ "mon-fri": ["07:00-18:00"] }),
        holidays: holidays("Days without occupancy, in the site's time zone").prefault([]),
        habits: z
          .strictObject({
            use: fields
              .choice(
                "beside: occupied where the schedule or the habit says so; instead: by habit, the schedule where too little is known",
                ["beside", "instead"],
              )
              .prefault("beside"),
            share: quantity("Fraction", "Hours of the week in which people were there at least so often count as occupied", {
              min: 0.05,
              max: 1,
            }).prefault("40 %"),
          })
          .optional()
          .describe("Occupied hours learned from what zones measure of people: occupancyCount, <zone>.motionCount or <zone>.co2Ppm"),
      })
      .prefault({})
      .describe("Comfort of every zone that does not say otherwise"),
    setback: z
      .strictObject({
        heating: setpoint("Heating setpoint").prefault("16 degC"),
        cooling: setpoint("Cooling setpoint").prefault("32 degC"),
      })
      .prefault({})
      .describe("Setpoints of the rule while a zone is unoccupied"),
    rule: z
      .strictObject({
        lead: quantity("S", "How long before occupancy the rule begins to heat or cool; plans begin at most twice as early, or 3 h", {
          min: 0,
          max: DAY_S,
        }).prefault("1 h"),
        ramp: fields.flag("Whether its setpoints move there step by step").prefault(false),
      })
      .prefault({})
      .describe("The rule that takes over where no plan is sure enough"),
    limits: z
      .strictObject({
        heating: z
          .strictObject({ min: setpoint("Lowest").prefault("15 degC"), max: setpoint("Highest").prefault("22.5 degC") })
          .prefault({})
          .describe("Heating setpoints that the equipment accepts"),
        cooling: z
          .strictObject({ min: setpoint("Lowest").prefault("23 degC"), max: setpoint("Highest").prefault("32 degC") })
          .prefault({})
          .describe("Cooling setpoints that the equipment accepts"),
        deadband: quantity("K", "Least distance between heating and cooling setpoint", { min: 0.1, max: 10 }).prefault("0.5 K"),
        maxSlew: quantity("K", "Largest move of a setpoint in one step", { min: 0.1, max: 30 }).prefault("8 K"),
      })
      .prefault({})
      .describe("Hard limits, applied last and to everything"),
    minimumTimes: z
      .strictObject({
        on: quantity("S", "A setpoint does not end heating or cooling before it has run so long", { min: 0, max: DAY_S }).prefault("0 s"),
        off: quantity("S", "A setpoint does not begin heating or cooling before it has rested so long", { min: 0, max: DAY_S }).prefault(
          "0 s",
        ),
      })
      .prefault({})
      .describe(
        "Hard least times, for equipment that has none of its own; people's overrides do not wait for them, what follows their release does",
      ),
    protection: z
      .strictObject({
        frost: quantity("C", "A zone colder than this is heated, whatever else is asked", { min: 1, max: 15 }).prefault("7 degC"),
        frostHeating: setpoint("Its heating setpoint is then at least this").prefault("16 degC"),
        overheat: quantity("C", "A zone hotter than this is not heated and is cooled, whatever else is asked", {
          min: 28,
          max: 45,
        }).prefault("35 degC"),
        overheatCooling: setpoint("Its cooling setpoint is then at most this").prefault("26 degC"),
      })
      .prefault({})
      .describe("Frost and overheat protection, inside the limits"),
    unmeasured: quantity(
      "S",
      "A zone whose temperature stays away holds its setpoints for two steps, follows 21/24 or 16/32 degC for so long, and is then given back to the building's own control",
      { min: 0, max: 30 * DAY_S },
    ).prefault("4 h"),
    commandValidity: quantity("S", "Time after which a device falls back to its own schedule when no newer command came", {
      min: 60,
      max: DAY_S,
    }).prefault("45 min"),
    readBack: z
      .strictObject({
        tolerance: quantity("K", "Differences up to this are rounding", { min: 0, max: 5 }).prefault("0.3 K"),
        after: quantity("S", "How long a device may differ before it is an alarm", { min: 0, max: DAY_S }).prefault("10 min"),
      })
      .prefault({})
      .describe("Comparison of what devices report of their setpoints with what they were sent"),
    lease: quantity("S", "Of several daemons on one building one commands; when it falls silent another takes over after so long", {
      min: 5,
      max: 3600,
    }).prefault("1 min"),
  })
  .prefault({})
  .describe("Control");

const planner = z
  .strictObject({
    samples: fields.wholeNumber("Setpoint sequences drawn per decision", 10, 1_000_000).prefault(1000),
    horizon: fields.wholeNumber("Steps looked ahead", 1, 192).prefault(20),
    seed: fields.wholeNumber("Seed of the random sequences; same seed, same plan", 0, 4_294_967_295).prefault(1),
    backend: fields
      .choice("What computes the rollouts; auto takes the fastest that is there", ["auto", "reference", "wasm", "blas", "webgpu"])
      .prefault("auto"),
    budget: quantity("S", "Computing time aimed at; fewer samples are drawn where it is not enough", { min: 0.01, max: 3600 }).prefault(
      "5 s",
    ),
    deadline: quantity("S", "Computing time after which the rule decides instead", { min: 0.1, max: 3600 }).prefault("1 min"),
    errorLevel: quantity("K", "Prediction error that counts as wrong; the bound on the spread is calibrated to it", {
      min: 0.05,
      max: 10,
    }).prefault("1.5 K"),
    objective: fields
      .choice("What is made small: the bill, energy, or the emissions of that energy; comfort comes first in all of them", [
        "bill",
        "energy",
        "carbon",
      ])
      .prefault("bill"),
    probing: fields
      .number("Share of a day's energy cost for moving setpoints inside the comfort band in order to learn; 0: never", 0, 0.05, 0.002)
      .prefault(0),
    weights: z
      .strictObject({
        comfort: fields
          .price("PerKh", "What a kelvin-hour outside the band costs; absent: 2.4 /Kh, and half a kW of tariff.demand")
          .optional(),
        uncertainty: fields.price("PerK", "What a kelvin of predictive standard deviation costs").prefault("0.012 /K"),
        movement: fields.price("PerK", "What moving a setpoint by a kelvin costs").prefault("0.0005 /K"),
      })
      .prefault({})
      .describe("What the planner trades against the price of energy"),
    equipment: z
      .strictObject({
        shortRun: fields.number("What a run or a pause of no length costs in the site's currency; less as it lasts longer", 0, 1e6, 0.2),
        minOn: quantity("S", "Time from which a run is long enough", { min: 0, max: DAY_S }).prefault("30 min"),
        minOff: quantity("S", "Time from which a pause is long enough", { min: 0, max: DAY_S }).prefault("30 min"),
      })
      .optional()
      .describe("Least times on and off of a zone's heating and cooling, which plans pay for where they are missed"),
    tariff,
  })
  .prefault({})
  .describe("Planner (MPPI)");

const learning = z
  .strictObject({
    trainingDays: fields.wholeNumber("Days of its own data that the model learns from", 1, 366).prefault(7),
    minDays: fields
      .number("Days of data from which a model is trusted; one of fewer days plans in shadow mode until it has proved itself", 0.25, 366, 3)
      .prefault(3),
    firstDays: fields
      .number(
        "Days of data from which a first model is learned on top of what other buildings taught; minDays counts where that is less",
        0.1,
        366,
        0.25,
      )
      .prefault(0.25),
    schedule: fields.cronSchedule("When the model is learned anew, in UTC", "0 3 * * *").prefault("0 3 * * *"),
    prior: text("What other buildings taught: shipped, none, or a file made by isotherm meta-train", {
      maxLength: 1000,
      example: "shipped",
    }).prefault("shipped"),
    keptVersions: fields.wholeNumber("Newest model versions that are kept, also those that were not good enough", 1, 1000).prefault(10),
    keptInForce: fields.wholeNumber("Versions that were in force and are kept besides, the latest of them", 2, 10_000).prefault(400),
  })
  .prefault({})
  .describe("Learning");

const store = z
  .strictObject({
    directory: text("Folder of the embedded database, from where isotherm is started; var/<site id> where absent", {
      maxLength: 1000,
      example: "/var/lib/isotherm",
    }).optional(),
    backups: text("Folder for backups that admins ask for on the dashboard, from where isotherm is started; nobody can ask where absent", {
      maxLength: 1000,
      example: "/var/backups/isotherm",
    }).optional(),
    raw: quantity("S", "How long every value and every decision is kept; of older values the means of hours are", {
      min: 7 * DAY_S,
      max: 100 * YEAR_S,
    }).prefault("730 d"),
    retention: quantity("S", "How long telemetry and cleared alarms are kept", { min: DAY_S, max: 100 * YEAR_S }).prefault("3650 d"),
  })
  .prefault({})
  .describe("Embedded store");

const influx = z
  .strictObject({
    url: fields.url("Address of InfluxDB 1.x", ["http:", "https:"], "http://127.0.0.1:8086"),
    database: text("Database; made where it does not exist", {
      pattern: /^[A-Za-z0-9_-]{1,64}$/,
      what: "a database name of letters, digits, - and _",
      example: "isotherm",
    }).prefault("isotherm"),
    username: text("User name", { example: "isotherm" }).optional(),
    password: fields.secretSource("Password").optional(),
    ca: text("File with the certificate authorities to trust instead of the system's, with https://", {
      maxLength: 1000,
      example: "influx-ca.pem",
    }).optional(),
    batch: fields.wholeNumber("Most points per request", 1, 20_000).prefault(5000),
    interval: quantity("S", "How often points are sent", { min: 1, max: 3600 }).prefault("10 s"),
    timeout: quantity("S", "Time after which a request is given up", { min: 0.1, max: 300 }).prefault("10 s"),
  })
  .describe("A copy of everything in InfluxDB 1.x");

const dashboard = z
  .strictObject({
    enabled: fields
      .flag("Whether there is a dashboard and its HTTP interface; one of many buildings in a daemon may not need it")
      .prefault(true),
    host: text(
      "Address to listen on; from anywhere but this machine only users with a log-in see anything, and they log in over https alone",
      {
        pattern: /^[A-Za-z0-9.:_-]+$/,
        what: "an address or host name",
        example: "127.0.0.1",
      },
    ).prefault("127.0.0.1"),
    port: fields.wholeNumber("Port; 0 takes any free one", 0, 65_535).prefault(8080),
    allowedHosts: z
      .array(text("A host name", { pattern: /^[A-Za-z0-9.:_-]+$/, what: "a host name", example: "isotherm.example" }))
      .max(50)
      .prefault([])
      .describe("Further names under which browsers reach it, for example behind a proxy"),
    certificate: text("File with the certificate (PEM, with its chain): the dashboard then speaks https", {
      maxLength: 1000,
      example: "dashboard.pem",
    }).optional(),
    key: text("File with the key of that certificate, readable by its owner only", {
      maxLength: 1000,
      example: "dashboard.key",
    }).optional(),
  })
  .prefault({})
  .describe("Dashboard");

const log = z
  .strictObject({
    level: fields.choice("Least important lines that are written", ["fatal", "error", "warn", "info", "debug", "trace"]).prefault("info"),
  })
  .prefault({})
  .describe("Log");

/** One site: what people write. Every leaf says in its own words what is wrong; whole-file checks follow in crossChecks. */
export const siteFileSchema = z
  .strictObject({
    site,
    building,
    zones: z.array(zone).min(1).max(200).describe("Thermal zones"),
    points: z
      .record(z.string(), sensor)
      .prefault({})
      .describe("Further points by name: site.… for weather, building.… for meters, anything else as <entity>.<quantity><unit suffix>"),
    derived: z.record(z.string(), derivedPoint).prefault({}).describe("Points computed from other points, by name"),
    mqtt,
    control,
    forecast,
    planner,
    learning,
    store,
    influx: influx.optional(),
    dashboard,
    notify,
    log,
  })
  .meta({ title: "isotherm site", description: "Configuration of one site" });

export type SiteFile = z.output<typeof siteFileSchema>;
export type SiteFileZone = SiteFile["zones"][number];
export type SiteFileSensor = z.output<typeof sensor>;
