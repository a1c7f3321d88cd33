import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Request, type Response } from "express";

type Unit = string | null;
interface Recorded {
  readonly inputs: Readonly<Record<string, readonly [Unit, number, number]>>;
  readonly measurements: Readonly<Record<string, Unit>>;
  readonly forecastPoints: Readonly<Record<string, Unit>>;
}
const { source: _source, ...recorded } = JSON.parse(
  readFileSync(new URL("../golden/boptestPoints.json", import.meta.url), "utf8"),
) as Record<string, Recorded>;
/** Point names and units of BOPTEST's test cases, as its own tests recorded them. */
export const recordedPoints: Readonly<Record<string, Recorded>> = recorded;

/** Which points the stand-in's rooms have; everything else that a test case measures is 0. */
export interface StandInModel {
  readonly testCase: string;
  readonly rooms: readonly { readonly temp: string; readonly heat: string; readonly cool: string | null; readonly zone: string }[];
  readonly weatherStation: string;
  readonly heatPower: string;
  readonly coolPower: string | null;
}
export const airModel: StandInModel = {
  testCase: "bestest_air",
  rooms: [{ temp: "zon_reaTRooAir_y", heat: "con_oveTSetHea_u", cool: "con_oveTSetCoo_u", zone: "1" }],
  weatherStation: "zon_weaSta_reaWea",
  heatPower: "fcu_reaPHea_y",
  coolPower: "fcu_reaPCoo_y",
};
export const apartmentModel: StandInModel = {
  testCase: "twozone_apartment_hydronic",
  rooms: [
    { temp: "dayZon_reaTRooAir_y", heat: "thermostatDayZon_oveTsetZon_u", cool: null, zone: "Day" },
    { temp: "nigZon_reaTRooAir_y", heat: "thermostatNigZon_oveTsetZon_u", cool: null, zone: "Night" },
  ],
  weatherStation: "weatherStation_reaWea",
  heatPower: "hydronicSystem_reaPeleHeaPum_y",
  coolPower: null,
};

/** What a request meets instead of its answer. */
export type Fault = "busy" | "reset" | "silence" | "page" | null;

export interface StandIn {
  readonly url: string;
  /** Every request as `METHOD /path`, without test ids. */
  readonly seen: string[];
  /** Bodies of advance. */
  readonly advanced: Record<string, number>[];
  fault: (what: string) => Fault;
  stopped: number;
  /** Ends the test as the service does with idle ones. */
  forget(): void;
  /** Advances behind the client's back. */
  meddle(): void;
  endOfScenarioS: number;
  /** Answers initialize and advance with these values instead of its own. */
  recording: Readonly<Record<string, number>> | null;
  close(): Promise<void>;
}

const sampleS = 60;
const zeroC = 273.15;
const dayS = 86_400;
const hourly = (at: (hour: number) => number) => (timeS: number) => {
  const h = timeS / 3600;
  const low = Math.floor(h);
  return at(low) + (h - low) * (at(low + 1) - at(low));
};
const weather: Readonly<Record<string, (timeS: number) => number>> = {
  TDryBul: hourly((h) => zeroC + 2 - 6 * Math.cos(((h - 3) / 12) * Math.PI)),
  RelHum: hourly((h) => 0.6 + 0.2 * Math.cos((h / 12) * Math.PI)),
  WinSpe: hourly((h) => 3 + Math.sin(h)),
  HGloHor: hourly((h) => Math.max(0, 600 * Math.sin((((h % 24) - 6) / 12) * Math.PI))),
  HDirNor: hourly((h) => Math.max(0, 700 * Math.sin((((h % 24) - 6) / 12) * Math.PI))),
  HDifHor: hourly((h) => Math.max(0, 90 * Math.sin((((h % 24) - 6) / 12) * Math.PI))),
};
const forecastOf: Readonly<Record<string, string>> = { relHum: "RelHum", winSpe: "WinSpe" };
/** bestest_air's documentation: two people from 8 to 18 every day; 21/24 °C then, 15/30 °C otherwise. */
const inUse = (timeS: number): boolean => timeS % dayS >= 8 * 3600 && timeS % dayS < 18 * 3600;
const lowerK = (timeS: number): number => zeroC + (inUse(timeS) ? 21 : 15);
const upperK = (timeS: number): number => zeroC + (inUse(timeS) ? 24 : 30);

/**
 * A stand-in for BOPTEST that keeps its documented interface: addresses, {status, message, payload}, clipping alerts, refusals in its words. The rooms are
 * one capacity each with an ideal thermostat. `form`: the web service with test ids, or a single test case.
 */
export async function startStandIn(model: StandInModel, form: "service" | "single" = "service"): Promise<StandIn> {
  const points = recorded[model.testCase]!;
  let testId: string | null = form === "single" ? "" : null;
  let queued = 0;
  let stepS = 3600;
  let timeS = 0;
  let temps = model.rooms.map(() => zeroC + 20);
  let store: Record<string, number[]> = {};
  const measurements = Object.keys(points.measurements);
  const inputs = Object.keys(points.inputs);

  const setpoint = (input: string, now: number, command: Record<string, number>): number => {
    if (command[input.replace(/_u$/, "_activate")] === 1 && command[input] !== undefined) return command[input];
    const room = model.rooms.find(({ heat, cool }) => heat === input || cool === input);
    return room === undefined ? 0 : room.heat === input ? lowerK(now) : upperK(now);
  };
  const record = (now: number, powers: Record<string, number>, command: Record<string, number>): void => {
    const values: Record<string, number> = { time: now };
    for (const name of measurements) values[name] = powers[name] ?? (points.measurements[name] === "ppm" ? 600 : 0);
    model.rooms.forEach(({ temp }, r) => {
      values[temp] = temps[r]!;
    });
    for (const [name, at] of Object.entries(weather)) values[`${model.weatherStation}${name}_y`] = at(now);
    for (const input of inputs) values[input] = setpoint(input, now, command);
    for (const [name, value] of Object.entries(values)) {
      store[name] ??= [];
      store[name].push(value);
    }
  };
  const simulate = (untilS: number, command: Record<string, number>): void => {
    while (timeS < untilS - 1e-9) {
      const dtS = Math.min(sampleS, untilS - timeS);
      const powers: Record<string, number> = { [model.heatPower]: 0, ...(model.coolPower === null ? {} : { [model.coolPower]: 0 }) };
      model.rooms.forEach(({ heat, cool }, r) => {
        const out = weather.TDryBul!(timeS);
        const heatW = Math.min(4000, Math.max(0, 2000 * (setpoint(heat, timeS, command) - temps[r]!)));
        const coolW = cool === null ? 0 : Math.min(4000, Math.max(0, 2000 * (temps[r]! - setpoint(cool, timeS, command))));
        temps[r] = temps[r]! + (dtS / 3e6) * (80 * (out - temps[r]!) + (inUse(timeS) ? 300 : 50) + heatW - coolW);
        powers[model.heatPower]! += heatW;
        if (model.coolPower !== null) powers[model.coolPower]! += coolW / 3;
      });
      timeS += dtS;
      record(timeS, powers, command);
    }
  };
  const state = (): Readonly<Record<string, number>> =>
    standIn.recording ?? Object.fromEntries(Object.entries(store).map(([name, values]) => [name, values.at(-1)!]));

  const app = express();
  app.use(express.json());
  const answer = (response: Response, status: number, message: string, payload: unknown): void => {
    response.status(status).json({ status, message, payload });
  };
  const number = (value: unknown): number | null => (typeof value === "number" || typeof value === "string" ? Number(value) : null);
  const standIn: StandIn = {
    url: "",
    seen: [],
    advanced: [],
    fault: () => null,
    stopped: 0,
    endOfScenarioS: Number.POSITIVE_INFINITY,
    recording: null,
    forget: () => {
      testId = "forgotten";
    },
    meddle: () => simulate(timeS + stepS, {}),
    close: async () => undefined,
  };
  app.use((request, response, next) => {
    const what = `${request.method} ${request.path.split("/").slice(0, 2).join("/")}`;
    standIn.seen.push(what);
    const fault = standIn.fault(what);
    if (fault === "busy") response.status(503).send("Service Unavailable");
    else if (fault === "reset") request.socket.destroy();
    else if (fault === "page") response.send("<html>Welcome to nginx!</html>");
    else if (fault === null) next();
  });
  const route = (method: "get" | "put" | "post", name: string, handle: (request: Request, response: Response) => void): void => {
    if (form === "single") app[method](`/${name}`, handle);
    else
      app[method](`/${name}/:testid`, (request, response) => {
        if (request.params.testid !== testId)
          response.status(400).json({ errors: [{ msg: `Invalid testid: ${request.params.testid}`, param: "testid", location: "params" }] });
        else handle(request, response);
      });
  };
  if (form === "service") {
    app.get("/testcases", (_, response) => void response.json([{ testcaseid: "testcase1" }, { testcaseid: model.testCase }]));
    app.post("/testcases/:name/select", (request, response) => {
      if (request.params.name !== model.testCase) return void response.sendStatus(404);
      testId = `id-${standIn.seen.length}`;
      queued = 1;
      response.json({ testid: testId });
    });
    route("get", "status", (_, response) => void response.json(queued-- > 0 ? "Queued" : "Running"));
    route("put", "stop", (_, response) => {
      standIn.stopped++;
      testId = null;
      response.sendStatus(200);
    });
  }
  route("get", "name", (_, response) => answer(response, 200, "Queried the name of the test case successfully.", { name: model.testCase }));
  const activation = { Unit: null, Description: "Activation", Minimum: null, Maximum: null };
  route("get", "inputs", (_, response) =>
    answer(
      response,
      200,
      "Queried the inputs successfully.",
      Object.fromEntries(
        Object.entries(points.inputs).flatMap(([name, [Unit, Minimum, Maximum]]) => [
          [name.replace(/_u$/, "_activate"), activation],
          [name, { Unit, Minimum, Maximum, Description: name }],
        ]),
      ),
    ),
  );
  route("get", "measurements", (_, response) =>
    answer(
      response,
      200,
      "Queried the measurements successfully.",
      Object.fromEntries(
        Object.entries(points.measurements).map(([name, Unit]) => [name, { Unit, Description: name, Minimum: null, Maximum: null }]),
      ),
    ),
  );
  route("get", "forecast_points", (_, response) =>
    answer(
      response,
      200,
      "Queried the forecast points and their meta-data successfully.",
      Object.fromEntries(Object.entries(points.forecastPoints).map(([name, Unit]) => [name, { Unit, Description: name }])),
    ),
  );
  route("get", "step", (_, response) => answer(response, 200, "Queried the control step successfully.", stepS));
  route("put", "step", (request, response) => {
    stepS = number(request.body.step)!;
    answer(response, 200, "Control step set successfully.", { step: stepS });
  });
  route("put", "scenario", (request, response) => {
    const price = request.body.electricity_price;
    if (price !== null && !["constant", "dynamic", "highly_dynamic"].includes(price))
      return answer(
        response,
        400,
        `Scenario parameter electricy_price is ${price}, but should be 'constant', 'dynamic', or 'highly_dynamic'.`,
        {},
      );
    answer(response, 200, "Test case scenario was set successfully.", { electricity_price: price });
  });
  route("put", "initialize", (request, response) => {
    const start = number(request.body.start_time)!;
    if (!(start >= 0)) return answer(response, 400, `Invalid value ${start} for parameter start_time. Value must not be negative.`, null);
    store = {};
    temps = model.rooms.map(() => zeroC + 20);
    timeS = Math.max(0, start - number(request.body.warmup_period)!);
    record(timeS, {}, {});
    simulate(start, {});
    answer(
      response,
      200,
      `Test simulation initialized successfully to ${start}s with warmup period of ${request.body.warmup_period}s.`,
      state(),
    );
  });
  route("post", "advance", (request, response) => {
    const body = (request.body ?? {}) as Record<string, number>;
    if (timeS >= standIn.endOfScenarioS) return answer(response, 200, "End of test case scenario time period reached.", {});
    const command: Record<string, number> = {};
    let alert = "";
    for (const [name, value] of Object.entries(body)) {
      const limits = points.inputs[name];
      if (limits === undefined && points.inputs[name.replace(/_activate$/, "_u")] === undefined)
        return answer(response, 400, `Unexpected input variable: ${name}.`, null);
      command[name] = value;
      if (limits === undefined) continue;
      const [, minimum, maximum] = limits;
      if (value > maximum) alert = `WARNING: value of ${value} for ${name} is above maximum of ${maximum}.  Using ${maximum}. ;${alert}`;
      if (value < minimum) alert = `WARNING: value of ${value} for ${name} is below minimum of ${minimum}.  Using ${minimum}. ;${alert}`;
      command[name] = Math.min(maximum, Math.max(minimum, value));
    }
    standIn.advanced.push(body);
    const from = timeS;
    simulate(timeS + stepS, command);
    answer(response, 200, alert === "" ? `Advanced simulation successfully from ${from}s to ${timeS}s.` : alert, state());
  });
  route("put", "results", (request, response) => {
    const {
      point_names: names,
      start_time: start,
      final_time: final,
    } = request.body as {
      point_names: string[];
      start_time: number;
      final_time: number;
    };
    const wrong = names.find((name) => store[name] === undefined);
    if (wrong !== undefined)
      return answer(
        response,
        400,
        `Invalid point name ${wrong} in parameter point_names.  Check lists of available inputs and measurements.`,
        null,
      );
    const kept = store.time!.map((t, i) => [t, i] as const).filter(([t]) => t >= start && t <= final);
    answer(
      response,
      200,
      `Queried results data successfully for point names ${names}.`,
      Object.fromEntries([...names, "time"].map((name) => [name, kept.map(([, i]) => store[name]![i]!)])),
    );
  });
  route("put", "forecast", (request, response) => {
    const { point_names: names, horizon, interval } = request.body as { point_names: string[]; horizon: number; interval: number };
    const wrong = names.filter((name) => points.forecastPoints[name] === undefined);
    if (wrong.length > 0)
      return answer(
        response,
        400,
        `Invalid point name(s) ${JSON.stringify(wrong)} in parameter point_names.  Check list of available forecast points.`,
        null,
      );
    const times = Array.from({ length: Math.floor(horizon / interval + 1e-9) + 1 }, (_, k) => timeS + k * interval);
    const at = (name: string, t: number): number => {
      if (name.startsWith("LowerSetp")) return lowerK(t);
      if (name.startsWith("UpperSetp")) return upperK(t);
      if (name.startsWith("Occupancy")) return inUse(t) ? 2 : 0;
      if (name.startsWith("UpperCO2")) return inUse(t) ? 894 : 1500;
      return weather[forecastOf[name] ?? name]?.(t) ?? 0;
    };
    answer(
      response,
      200,
      "Queried the forecast data successfully.",
      Object.fromEntries([["time", times] as const, ...names.map((name) => [name, times.map((t) => at(name, t))] as const)]),
    );
  });
  route("get", "kpi", (_, response) =>
    answer(response, 200, "Queried KPIs successfully.", {
      tdis_tot: 1.5,
      idis_tot: 0,
      ener_tot: 0.25,
      cost_tot: 0.02,
      emis_tot: 0.1,
      pele_tot: 0.01,
      pgas_tot: 0.05,
      pdih_tot: null,
      time_rat: 1e-5,
    }),
  );
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
  });
  return Object.assign(standIn, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
