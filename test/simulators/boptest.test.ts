import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildingPoint, sitePoint, siteQuantities, zonePoint } from "#domain/points";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";
import type { BoptestPlant } from "#simulators/boptest/boptestPlant";
import { builtInMappings } from "#simulators/boptest/builtInMappings";
import { ClippingCounter } from "#simulators/boptest/clipping";
import { createBoptestPlant } from "#simulators/boptest/connect";
import { loadMapping } from "#simulators/boptest/loadMapping";
import { parseMapping } from "#simulators/boptest/mapping";
import { checkPoints } from "#simulators/boptest/pointNames";
import { meanOver, valueAt } from "#simulators/boptest/timeSeries";
import { simulatedPlantContract } from "../contracts/simulatedPlant.js";
import { airModel, apartmentModel, recordedPoints, type StandIn, startStandIn } from "./boptestServer.js";

/** 10 January 1991, midnight in Denver. */
const startMs = Date.UTC(1991, 0, 10, 7);
const stepS = 900;
const quick = { retryPauseMs: 1 };
const warnings: string[] = [];
const warn = (line: string): void => void warnings.push(line);
let standIn: StandIn;
let single: StandIn;
beforeAll(async () => {
  standIn = await startStandIn(airModel);
  single = await startStandIn(apartmentModel, "single");
});
afterAll(async () => {
  await standIn.close();
  await single.close();
});
afterEach(() => {
  standIn.fault = () => null;
  standIn.endOfScenarioS = Number.POSITIVE_INFINITY;
  standIn.recording = null;
  standIn.seen.length = 0;
  standIn.advanced.length = 0;
  warnings.length = 0;
});
const open = (building = "bestest_air", baseUrl = standIn.url, more: { timeoutMs?: { usual?: number; advance?: number } } = {}) =>
  createBoptestPlant({ building, baseUrl, warn, client: { ...quick, ...more } });
const using = async <T>(use: (plant: BoptestPlant) => Promise<T>, building?: string, baseUrl?: string): Promise<T> => {
  const plant = await open(building, baseUrl);
  try {
    return await use(plant);
  } finally {
    await plant.close();
  }
};
const command = (plant: BoptestPlant, pair: ZoneSetpoints, atMs = startMs): SetpointCommand => ({
  epoch: 1,
  seq: 1,
  issuedAtMs: atMs,
  validUntilMs: atMs + 86_400_000,
  zones: new Map(plant.zones.map((zone) => [zone, pair])),
  source: "mppi",
});

simulatedPlantContract("BOPTEST's web service", { create: () => open(), startMs, stepS, obeysCommands: true, site: siteQuantities });
simulatedPlantContract("a single BOPTEST test case", {
  create: () => open("twozone_apartment_hydronic", single.url),
  startMs: Date.UTC(1991, 0, 9, 23),
  stepS,
  obeysCommands: true,
  site: siteQuantities,
});

describe("a BOPTEST plant", () => {
  it("speaks °C and W to us, kelvin to BOPTEST, and counts time from the start of the local year", () =>
    using(async (plant) => {
      await plant.initialize(startMs, 0);
      await plant.actuate(command(plant, { heatingSetpointC: 21.5, coolingSetpointC: 25 }));
      const { values } = await plant.advance(stepS);
      expect(standIn.advanced).toEqual([
        { con_oveTSetHea_u: 294.65, con_oveTSetHea_activate: 1, con_oveTSetCoo_u: 298.15, con_oveTSetCoo_activate: 1 },
      ]);
      await plant.relinquish();
      await plant.advance(stepS);
      expect(standIn.advanced[1]).toEqual({ con_oveTSetHea_activate: 0, con_oveTSetCoo_activate: 0 });
      expect(values.get("zone.zoneAirTempC")).toBeGreaterThan(10);
      expect(values.get("zone.zoneAirTempC")).toBeLessThan(30);
      expect(values.get(sitePoint("outdoorAirTempC"))).toBeGreaterThan(-20);
      expect(values.get(sitePoint("outdoorRelativeHumidityPct"))).toBeGreaterThan(30);
      expect(plant.timeZoneH).toBe(-7);
    }));

  it("keeps gas apart from electricity, as means over the step that add up", () =>
    using(async (plant) => {
      await plant.initialize(startMs, 0);
      await plant.actuate(command(plant, { heatingSetpointC: 30, coolingSetpointC: 32 }));
      const { values } = await plant.advance(stepS);
      // A mean by trapezes: the heater is off in the sample at the step's beginning, full on in the other 15.
      expect(values.get("building.fuelPowerW")).toBeCloseTo(4000 * (1 - 0.5 / 15), 6);
      expect(values.get(buildingPoint("hvacPowerW"))).toBe(0);
      expect(values.get("zone.co2Ppm")).toBe(600);
      await plant.actuate(command(plant, { heatingSetpointC: 10, coolingSetpointC: 12 }));
      const cooled = (await plant.advance(stepS)).values;
      expect(cooled.get(buildingPoint("hvacPowerW"))).toBeGreaterThan(1200);
      expect(cooled.get(buildingPoint("hvacEnergyKwh"))).toBeCloseTo((cooled.get(buildingPoint("hvacPowerW"))! * stepS) / 3_600_000, 12);
    }));

  it("shows the test case's comfort bounds, CO₂ limits and own key figures", () =>
    using(async (plant) => {
      await plant.initialize(startMs, 0);
      const hour = (h: number): number => startMs + h * 3_600_000;
      expect(plant.comfortAt("zone", hour(6))).toEqual({ lowerC: 15, upperC: 30 });
      expect(plant.comfortAt("zone", hour(8.25))).toEqual({ lowerC: 21, upperC: 24 });
      expect([plant.co2LimitAt("zone", hour(6)), plant.co2LimitAt("zone", hour(12))]).toEqual([1500, 894]);
      expect(await plant.serviceKpis()).toMatchObject({ tdis_tot: 1.5, pdih_tot: null });
      expect(plant.floorAreaM2).toBe(48);
      expect(() => plant.comfortAt("zone", hour(24 * 30))).toThrow(/has not been asked for yet/);
    }));

  it("reads what the real service answered", () =>
    using(async (plant) => {
      const { values: recording } = JSON.parse(readFileSync(new URL("../golden/boptestInitialValues.json", import.meta.url), "utf8")) as {
        values: Record<string, number>;
      };
      standIn.recording = recording;
      const noonMs = Date.UTC(1991, 0, 1, 12 + 7);
      const { timeMs, values } = await plant.initialize(noonMs, 43_200);
      expect(timeMs).toBe(noonMs);
      expect(values.get("zone.zoneAirTempC")).toBeCloseTo(23.6884205693, 9);
      expect([values.get("zone.heatingSetpointC"), values.get("zone.coolingSetpointC")]).toEqual([21, 24]);
      expect(values.get("zone.co2Ppm")).toBeCloseTo(854.2285581704, 9);
      expect(values.get("site.outdoorAirTempC")).toBeCloseTo(8.9, 9);
      expect(values.get("site.globalHorizontalIrradianceWm2")).toBeCloseTo(474.6061452514, 9);
      expect(values.get("site.windSpeedMps")).toBe(9.3);
      expect(values.get("building.hvacPowerW")).toBeCloseTo(0, 12);
      // A zone point that the answer lacks is an error, never 0.
      standIn.recording = { time: 43_200 };
      await expect(plant.initialize(noonMs, 0)).rejects.toThrow(/no value for con_oveTSetHea_u/);
    }));

  it("counts what BOPTEST clips, warns once for each input and shows what is in force", () =>
    using(async (plant) => {
      await plant.initialize(startMs, 0);
      await plant.actuate(command(plant, { heatingSetpointC: 2, coolingSetpointC: 40 }));
      await plant.advance(stepS);
      const { values } = await plant.advance(stepS);
      expect(plant.clipped()).toEqual([
        { input: "con_oveTSetCoo_u", limitText: "above maximum of 308.15", times: 2 },
        { input: "con_oveTSetHea_u", limitText: "below minimum of 278.15", times: 2 },
      ]);
      expect(warnings).toHaveLength(2);
      expect(warnings[0]).toContain("cut con_oveTSetCoo_u from 313.15 to 308.15");
      expect([values.get("zone.heatingSetpointC"), values.get("zone.coolingSetpointC")]).toEqual([5, 35]);
    }));

  it("begins before New Year in the year before, since BOPTEST knows no negative times", () =>
    using(async (plant) => {
      const before = Date.UTC(1990, 11, 31, 7 + 20);
      expect((await plant.initialize(before, 0)).timeMs).toBe(before);
      for (let k = 0; k < 20; k++) await plant.advance(stepS);
      expect((await plant.observe()).timeMs).toBe(Date.UTC(1991, 0, 1, 8));
    }));

  it("forecasts from later than the start too, and in other steps", () =>
    using(async (plant) => {
      await plant.initialize(startMs, 0);
      await plant.advance(stepS);
      const quarter = await plant.forecast(startMs + 2 * stepS * 1000, stepS, 8);
      const hourly = await plant.forecast(startMs + stepS * 1000, 3600, 4);
      const temps = quarter.columns.get(sitePoint("outdoorAirTempC"))!;
      expect(hourly.columns.get(sitePoint("outdoorAirTempC"))![1]).toBeCloseTo((temps[3]! + temps[4]! + temps[5]! + temps[6]!) / 4, 6);
      await expect(plant.forecast(startMs - stepS * 1000, stepS, 4)).rejects.toMatchObject({ kind: "retryable" });
      await expect(plant.forecast(startMs + 1000, stepS, 4)).rejects.toThrow(/in steps of 900 s from 1991-01-10T07:00:00.000Z/);
    }));

  it("takes the test case from a single one's address, or from a service's address with its name", async () => {
    await using(async (plant) => expect(plant.testCase).toBe("twozone_apartment_hydronic"), single.url);
    await using(async (plant) => expect(plant.testCase).toBe("bestest_air"), `${standIn.url}/testcases/bestest_air`, "http://127.0.0.1:1");
    await expect(open(standIn.url)).rejects.toThrow(/several test cases: testcase1, bestest_air/);
    await expect(open("bestest_air", single.url)).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringContaining("serves the test case"),
    });
  });

  it("reports heating zones without cooling as they are commanded", () =>
    using(
      async (plant) => {
        await plant.initialize(Date.UTC(1991, 0, 9, 23), 0);
        await plant.actuate(command(plant, { heatingSetpointC: 19, coolingSetpointC: 27 }));
        const { values } = await plant.advance(stepS);
        expect([values.get("day.heatingSetpointC"), values.get("night.coolingSetpointC")]).toEqual([19, 27]);
        expect(Object.keys(single.advanced.at(-1)!)).not.toContain("null");
      },
      "twozone_apartment_hydronic",
      single.url,
    ));

  it("ends its test when it is closed, once, and when the mapping does not fit", async () => {
    const stopped = standIn.stopped;
    const plant = await open();
    await plant.close();
    await plant.close();
    expect(standIn.stopped).toBe(stopped + 1);
  });

  it("sets BOPTEST's price scenario when asked, and passes its refusal on", async () => {
    const priced = async (electricityPrice: "dynamic"): Promise<void> => {
      const plant = await createBoptestPlant({ building: "bestest_air", baseUrl: standIn.url, warn, client: quick, electricityPrice });
      try {
        await plant.initialize(startMs, 0);
      } finally {
        await plant.close();
      }
    };
    await priced("dynamic");
    expect(standIn.seen).toContain("PUT /scenario");
    await expect(priced("cheap" as never)).rejects.toThrow(/refused PUT scenario with status 400: Scenario parameter/);
  });
});

describe("when BOPTEST fails", () => {
  const freePort = (): Promise<number> =>
    new Promise((resolve) => {
      const probe = createServer().listen(0, "127.0.0.1", () => {
        const { port } = probe.address() as { port: number };
        probe.close(() => resolve(port));
      });
    });

  it("says that nobody answers and what to do, with exit code 69", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await expect(open("bestest_air", url)).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringContaining(`${url} cannot be reached: connect ECONNREFUSED`),
      todo: expect.stringContaining("docker compose up"),
    });
    await expect(open("bestest_air", "not an address")).rejects.toMatchObject({ exitCode: 78 });
  });

  it("tries again when the gateway is busy or the connection breaks, but advances only once", () =>
    using(async (plant) => {
      let faults = 2;
      standIn.fault = (what) => (what === "PUT /initialize" && faults-- > 0 ? "reset" : null);
      await plant.initialize(startMs, 0);
      faults = 2;
      standIn.fault = (what) => (what === "POST /advance" && faults-- > 0 ? "busy" : null);
      await plant.advance(stepS);
      expect(standIn.seen.filter((what) => what === "POST /advance")).toHaveLength(3);
      expect(standIn.advanced).toHaveLength(1);
      standIn.fault = (what) => (what === "POST /advance" ? "reset" : null);
      standIn.seen.length = 0;
      await expect(plant.advance(stepS)).rejects.toMatchObject({ exitCode: 69 });
      expect(standIn.seen).toEqual(["POST /advance"]);
    }));

  it("gives up after four attempts, and after the time limit", () =>
    using(async () => {
      standIn.fault = (what) => (what === "GET /measurements" ? "busy" : null);
      standIn.seen.length = 0;
      await expect(open()).rejects.toMatchObject({ exitCode: 69, message: expect.stringContaining("status 503") });
      expect(standIn.seen.filter((what) => what === "GET /measurements")).toHaveLength(4);
      standIn.fault = (what) => (what === "GET /inputs" ? "silence" : null);
      await expect(open("bestest_air", standIn.url, { timeoutMs: { usual: 50 } })).rejects.toMatchObject({
        exitCode: 69,
        message: expect.stringMatching(/no answer to GET inputs within 0\.05 s/),
      });
    }));

  it("knows a test that the service has ended", () =>
    using(async (plant) => {
      await plant.initialize(startMs, 0);
      standIn.forget();
      await expect(plant.advance(stepS)).rejects.toMatchObject({
        exitCode: 69,
        message: expect.stringContaining("no longer knows this test"),
      });
    }));

  it("does not go on when somebody else moved the test", () =>
    using(async (plant) => {
      await plant.initialize(startMs, 0);
      standIn.meddle();
      await expect(plant.advance(stepS)).rejects.toThrow(/somebody else/);
    }));

  it("stops at the end of a scenario in BOPTEST's words", () =>
    using(async (plant) => {
      await plant.initialize(startMs, 0);
      standIn.endOfScenarioS = 0;
      await expect(plant.advance(stepS)).rejects.toThrow(/End of test case scenario time period reached/);
    }));

  it("recognises a server that is not BOPTEST", async () => {
    standIn.fault = () => "page";
    await expect(open()).rejects.toMatchObject({ exitCode: 69, message: expect.stringContaining("not BOPTEST's form") });
  });

  it("breaks off at once when the run is interrupted", async () => {
    const abort = new AbortController();
    standIn.fault = (what) => {
      if (what === "GET /inputs") setTimeout(() => abort.abort(new Error("interrupted")), 20);
      return what === "GET /inputs" ? "silence" : null;
    };
    await expect(
      createBoptestPlant({ building: "bestest_air", baseUrl: standIn.url, warn, client: quick, signal: abort.signal }),
    ).rejects.toThrow(/interrupted/);
    expect(standIn.seen).toContain("PUT /stop");
  });

  it("refuses steps, forecasts and commands that make no sense", () =>
    using(async (plant) => {
      await expect(plant.initialize(Number.NaN, 0)).rejects.toThrow(/cannot begin/);
      await plant.initialize(startMs, 0);
      await expect(plant.advance(0)).rejects.toThrow(/not a step/);
      await expect(plant.forecast(startMs, stepS, 1.5)).rejects.toThrow(/makes no sense/);
      await expect(plant.actuate(command(plant, { heatingSetpointC: 25, coolingSetpointC: 20 }))).rejects.toThrow(
        /below a cooling setpoint/,
      );
    }));
});

describe("mappings", () => {
  const asPoints = (points: Readonly<Record<string, string | null>>) =>
    new Map(Object.entries(points).map(([name, unit]) => [name, { unit, minimum: null, maximum: null, description: "" }]));
  const recordedOf = (testCase: string) => {
    const { inputs, measurements, forecastPoints } = recordedPoints[testCase]!;
    return {
      inputs: asPoints(Object.fromEntries(Object.entries(inputs).map(([name, [unit]]) => [name, unit]))),
      measurements: asPoints(measurements),
      forecastPoints: asPoints(forecastPoints),
    };
  };
  it.each(builtInMappings.map((mapping) => [mapping.testCase, mapping] as const))(
    "%s: every point is one that BOPTEST recorded",
    (testCase, mapping) => {
      expect(() => checkPoints(mapping, recordedOf(testCase))).not.toThrow();
      const zones = Object.keys(recordedPoints[testCase]!.forecastPoints).filter((name) => name.startsWith("LowerSetp["));
      expect(mapping.zones.map(({ forecastZone }) => `LowerSetp[${forecastZone}]`).sort()).toEqual(zones.sort());
    },
  );

  it("with wrong names or units are refused with all of them and the near ones", () => {
    const air = loadMapping("bestest_air");
    const wrong = {
      ...air,
      zones: [{ ...air.zones[0]!, zoneAirTemp: "zon_reaTRooAri_y", heatingSetpoint: "con_oveTSetHeat_u", forecastZone: "2" }],
      electricPower: ["fcu_reaPCoo_y", "zon_reaCO2RooAir_y"],
    };
    expect(() => checkPoints(wrong, recordedOf("bestest_air"))).toThrow(
      /"zon_reaTRooAri_y"; did you mean zon_reaTRooAir_y\?[\s\S]*zon_reaCO2RooAir_y is in ppm, not in W[\s\S]*did you mean con_oveTSetHea_u\?[\s\S]*LowerSetp\[2\]"; did you mean LowerSetp\[1\]\?/,
    );
  });

  it("come from YAML too, refused with every error and its line", () => {
    const text = `testCase: my_house
floorAreaM2: 100
timeZoneH: 1
zones:
  - { id: living, forecastZone: "1", zoneAirTemp: reaTZon_y, heatingSetpoint: oveTSet_u }
weatherStation: weaSta_reaWea
electricPower: [reaPHeaPum_y]
`;
    expect(parseMapping(text, "house.yaml")).toMatchObject({
      testCase: "my_house",
      gasPower: [],
      zones: [{ coolingSetpoint: null, co2: null }],
    });
    const bad = text.replace("100", "-1").replace("oveTSet_u", "oveTSet").replace("timeZoneH: 1", "timezone: 1");
    expect(() => parseMapping(bad, "house.yaml")).toThrow(/floorAreaM2[\s\S]*timeZoneH|timeZoneH[\s\S]*floorAreaM2/);
    expect(() => parseMapping(bad, "house.yaml")).toThrow(/ends in _u/);
    expect(() => parseMapping(text.replace(", heatingSetpoint: oveTSet_u", ""), "house.yaml")).toThrow(/neither a heatingSetpoint nor/);
    expect(() => parseMapping(text.replace("[reaPHeaPum_y]", "[]"), "house.yaml")).toThrow(/no power/);
  });

  it("of unknown test cases are refused with the near one", async () => {
    expect(() => loadMapping("bestest_ari")).toThrow(/did you mean bestest_air\?/);
    expect(() => loadMapping("missing.yaml")).toThrow(/cannot be read/);
    await expect(open("bestest_hydronic")).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringContaining("It has testcase1, bestest_air"),
    });
  });
});

describe("small parts", () => {
  it("mean of a curve over a step: trapezes, cut at the step's ends, over gaps and double samples", () => {
    expect(meanOver([0, 10], [0, 10], 0, 10)).toBe(5);
    expect(meanOver([0, 10], [0, 10], 2, 4)).toBe(3);
    expect(meanOver([5], [7], 0, 10)).toBe(7);
    expect(meanOver([0, 5, 5, 10], [0, 0, 8, 8], 0, 10)).toBe(4);
    expect(meanOver([0, 5, 10], [2, Number.NaN, 4], 0, 10)).toBe(3);
    expect(meanOver([], [], 0, 10)).toBeNaN();
    expect(valueAt([0, 10, 20], [1, 2, 3], 15)).toBe(2);
    expect(valueAt([10], [4], 5)).toBe(4);
    expect(valueAt([], [], 5)).toBeNaN();
  });
  it("other warnings of BOPTEST are passed on once, successes never", () => {
    const lines: string[] = [];
    const counter = new ClippingCounter((line) => lines.push(line));
    counter.read("Advanced simulation successfully from 0s to 900s.");
    counter.read("WARNING: something odd");
    counter.read("WARNING: something odd");
    expect(lines).toEqual(["BOPTEST: WARNING: something odd"]);
    expect(counter.counts()).toEqual([]);
  });
  it("zone points are named by the mapping", () =>
    expect(zonePoint(loadMapping("bestest_air").zones[0]!.id, "zoneAirTempC")).toBe("zone.zoneAirTempC"));
});
